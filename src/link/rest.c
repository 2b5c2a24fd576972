/* The REST client: calls come in here. Called by presence-worker.
 * Diagnostics: see rest_try.c. */
#include "presence/rest.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "presence/log.h"
#include "rest_priv.h"

#define BACKOFF_MIN_MS 500
#define BACKOFF_MAX_MS 30000

/* --- one call --------------------------------------------------------------------------------- */

static void set_body(struct rest_call *call, const struct rest_request *request)
{
    const char *json = request->json ? request->json : "{}";
    size_t len = request->json ? request->json_len : 2;
    char boundary[FORM_BOUNDARY_SIZE];

    buf_init(&call->body, 0);
    call->has_body = request->json || request->n_files > 0;
    if (request->n_files > 0) {
        form_boundary(boundary);
        form_multipart(boundary, json, len, request->files, request->n_files, &call->body);
        call->content_type = xasprintf("Content-Type: multipart/form-data; boundary=%s", boundary);
    } else if (request->json) {
        buf_append(&call->body, json, len);
        call->content_type = xstrdup("Content-Type: application/json");
    }
}

static void set_reason(struct rest_call *call, const char *reason)
{
    struct buf line;

    if (!reason || !*reason)
        return;
    buf_init(&line, 0);
    buf_puts(&line, "X-Audit-Log-Reason: ");
    form_reason(reason, &line);
    call->reason = xstrdup(buf_cstr(&line));
    buf_clear(&line);
}

struct rest_call *rest_send(struct rest *r, const struct rest_request *request, rest_cb *cb,
                            void *arg)
{
    struct rest_call *call = xcalloc(1, sizeof(*call));

    *call = (struct rest_call){
        .rest = r, .lane = request->lane, .so_far = OUTCOME_NOT_SENT, .cb = cb, .arg = arg};
    snprintf(call->method, sizeof(call->method), "%s", request->method);
    call->path = xstrdup(request->path);
    buckets_route(call->method, call->path, &call->route);
    call->repeat = request->has_nonce ? OUTCOME_REPEATABLE : outcome_repeat_of(call->method);
    call->tries_left = request->tries ? request->tries : REST_TRIES;
    call->limited_left = REST_LIMITED;
    if (request->give_up_ms)
        call->give_up_ms = clock_mono().ms + request->give_up_ms;
    backoff_init(&call->backoff, BACKOFF_MIN_MS, BACKOFF_MAX_MS);
    set_body(call, request);
    set_reason(call, request->reason);
    rest_queue_add(call, false);
    loop_timer_set(r->timer, 0);
    return call;
}

struct rest_call *rest_get(struct rest *r, const char *path, unsigned tries, rest_cb *cb, void *arg)
{
    struct rest_request request = {
        .method = "GET", .path = path, .lane = BUDGET_BULK, .tries = tries};

    return rest_send(r, &request, cb, arg);
}

void rest_call_free(struct rest_call *call)
{
    struct buckets_answer none;

    if (call->http)
        http_cancel(&call->http);
    if (call->ticket) {
        /* It may have been counted: the place is free, the share is not given back. */
        buckets_answer_init(&none, 0);
        buckets_learn(call->rest->buckets, &call->ticket, &none, clock_mono().ms);
    }
    buf_clear(&call->body);
    free(call->path);
    free(call->content_type);
    free(call->reason);
    free(call);
}

void rest_cancel(struct rest_call **call)
{
    struct rest_call *c = *call;
    struct rest *r;

    if (!c)
        return;
    *call = NULL;
    r = c->rest;
    if (c->state == REST_WAITING) {
        rest_queue_remove(c);
    } else {
        TAILQ_REMOVE(c->state == REST_OVER ? &r->over : &r->under_way, c, entry);
        if (c->state == REST_UNDER_WAY && c->lane == BUDGET_BULK)
            r->bulk_under_way--;
    }
    rest_call_free(c);
    loop_timer_set(r->timer, 0); /* whoever waited for its answer */
}

size_t rest_waiting(const struct rest *r, enum budget_lane lane)
{
    return r->waiting[lane];
}

/* --- the client ------------------------------------------------------------------------------- */

static void wipe(char **text)
{
    if (*text)
        explicit_bzero(*text, strlen(*text));
    free(*text);
    *text = NULL;
}

/* Tells tokens apart in shared memory without being one. */
static uint64_t digest_of(const char *token)
{
    uint64_t h = UINT64_C(0xcbf29ce484222325);

    for (; *token; token++)
        h = (h ^ (unsigned char)*token) * UINT64_C(0x100000001b3);
    h = (h ^ h >> 32) * UINT64_C(0xff51afd7ed558ccd);
    return h ? h : 1;
}

void rest_set(struct rest *r, const char *api_base, const char *token)
{
    free(r->base);
    r->base = xstrdup(api_base);
    wipe(&r->authorization);
    r->authorization = xasprintf("Authorization: Bot %s", token ? token : "");
    r->token_digest = digest_of(token ? token : "");
    budget_trust_token(r->budget, r->token_digest);
    loop_timer_set(r->timer, 0);
}

struct rest *rest_new(struct loop *loop, struct http *http, struct budget *budget)
{
    struct rest *r = xcalloc(1, sizeof(*r));

    *r = (struct rest){.loop = loop, .http = http, .budget = budget, .buckets = buckets_new()};
    for (int lane = 0; lane < 2; lane++)
        TAILQ_INIT(&r->lines[lane]);
    TAILQ_INIT(&r->under_way);
    TAILQ_INIT(&r->over);
    r->timer = loop_timer_new(loop, rest_pump, r);
    return r;
}

void rest_free(struct rest **rest)
{
    struct rest *r = *rest;
    struct rest_call *call;

    if (!r)
        return;
    for (int lane = 0; lane < 2; lane++)
        while (!TAILQ_EMPTY(&r->lines[lane])) {
            call = TAILQ_FIRST(&TAILQ_FIRST(&r->lines[lane])->calls);
            rest_cancel(&call);
        }
    while ((call = TAILQ_FIRST(&r->under_way)) || (call = TAILQ_FIRST(&r->over)))
        rest_cancel(&call);
    buckets_free(&r->buckets);
    loop_timer_free(&r->timer);
    free(r->base);
    wipe(&r->authorization);
    free(r);
    *rest = NULL;
}
