/* Requests of Discord's REST API that cogs make. Called by cogs through call_host.c. Diagnostics:
 * error when a cog asks for what cannot be written; debug for requests that Discord refused. */
#include <stdlib.h>
#include <string.h>

#include "presence/log.h"
#include "worker/call_priv.h"

#define FAST_MS 10000

/* A request outlives its call where that ends first. */
struct task_request {
    LIST_ENTRY(task_request) entry; /* while there is a task */
    struct worker *w;
    struct task *task; /* NULL: nobody waits any more */
    const char *route; /* for the log; as short-lived as the cog's text: copied */
    call_responded *cb;
    void *arg;
};

static void finish(struct task_request *q, const struct call_response *response)
{
    struct task *t = q->task;

    if (response->outcome != OUTCOME_OK)
        log_debug("cog_rest", "%s: %s (code %d)", q->route, response->name, response->code);
    if (t) {
        LIST_REMOVE(q, entry);
        q->cb(&t->call, q->arg, response);
    }
    free((char *)q->route);
    free(q);
}

static void responded(void *arg, const struct rest_answer *answer)
{
    const struct call_response response = {.outcome = answer->outcome,
                                           .name = outcome_name(answer->outcome),
                                           .code = answer->code,
                                           .body = answer->body};

    finish(arg, &response);
}

static void unwritable(void *arg)
{
    const struct call_response response = {.outcome = OUTCOME_BAD_REQUEST,
                                           .name = outcome_name(OUTCOME_BAD_REQUEST)};

    finish(arg, &response);
}

void task_rest(struct task *t, enum call_lane lane, const struct call_request *asked,
               call_responded *cb, void *arg)
{
    struct task_request *q = xmalloc(sizeof(*q));
    struct rest_request request = {.method = asked->method,
                                   .lane = lane == CALL_FAST ? BUDGET_ANSWERS : BUDGET_BULK,
                                   .json = asked->json,
                                   .json_len = asked->json ? strlen(asked->json) : 0,
                                   .reason = asked->reason,
                                   .has_nonce = asked->has_nonce,
                                   .give_up_ms = lane == CALL_FAST ? FAST_MS : 0};
    struct buf path;

    *q = (struct task_request){
        .w = t->w, .task = t, .route = xstrdup(asked->route), .cb = cb, .arg = arg};
    LIST_INSERT_HEAD(&t->requests, q, entry);
    buf_init(&path, 0);
    if (form_path(asked->route, asked->ids, asked->query, &path)) {
        log_error("cog", "%s %s cannot be written", asked->method, asked->route);
        loop_defer(t->w->loop, unwritable, q);
    } else {
        request.path = buf_cstr(&path);
        rest_send(t->w->rest, &request, responded, q);
    }
    buf_clear(&path);
}

void task_forget_requests(struct task *t)
{
    struct task_request *q;

    while ((q = LIST_FIRST(&t->requests))) {
        LIST_REMOVE(q, entry);
        q->task = NULL;
    }
}
