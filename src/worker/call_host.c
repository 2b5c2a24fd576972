/* What cogs can ask of the worker (struct call_host). Called by cogs. Diagnostics: warns when
 * presence-graphqld refuses a question. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "worker/cogs.h"
#include "presence/activity.h"
#include "presence/log.h"
#include "presence/seen.h"
#include "worker/cache.h"
#include "worker/call_priv.h"
#include "worker/copies.h"
#include "worker/react_parts.h"

#define ASK_MS    10000
#define BUTTON_MS 900000 /* a button lives as long as the answer's token */

_Static_assert(CALL_CUSTOM_ID_SIZE == CUSTOM_ID_SIZE, "one and the same");

/* A question outlives its call where that ends first. */
struct task_question {
    struct task *task; /* NULL: nobody waits any more */
};

/* --- questions ---------------------------------------------------------------------------------
 */

static void answered(void *arg, const struct gql_answer *answer)
{
    struct task_question *q = arg;
    struct task *t = q->task;

    free(q);
    if (!t)
        return;
    t->question = NULL;
    if (answer->outcome != GQL_DONE)
        log_warn("question_failed", "%s", answer->error ? answer->error : "no answer");
    t->asked(&t->call, answer->outcome == GQL_DONE ? answer->data : NULL);
}

static void unavailable(void *arg)
{
    struct gql_answer none = {.outcome = GQL_AWAY, .error = "presence-graphqld is away"};

    answered(arg, &none);
}

void task_forget_question(struct task *t)
{
    if (t->question)
        t->question->task = NULL;
    t->question = NULL;
}

static void host_ask(struct call *call, const char *operation, const char *variables,
                     call_answered *cb)
{
    struct task *t = (struct task *)call;
    struct task_question *q = xmalloc(sizeof(*q));
    struct buf body;

    task_forget_question(t);
    *q = (struct task_question){t};
    t->question = q;
    t->asked = cb;
    if (t->w->away) {
        loop_defer(t->w->loop, unavailable, q);
        return;
    }
    buf_init(&body, 0);
    buf_printf(&body, "{\"documentId\":\"%s\",\"variables\":%s}", operation, variables);
    gql_send(&t->w->gql, &body, ASK_MS, answered, q);
    buf_clear(&body);
}

/* --- answers -----------------------------------------------------------------------------------
 */

static void host_answer(struct call *call, struct message *message)
{
    task_answer((struct task *)call, message);
}

static bool host_progress(struct call *call, struct message *message)
{
    return task_progress((struct task *)call, message);
}

static void host_wait(struct call *call, int64_t ms, call_continued *cb)
{
    task_wait((struct task *)call, ms, cb);
}

static void host_rest(struct call *call, enum call_lane lane, const struct call_request *request,
                      call_responded *cb, void *arg)
{
    task_rest((struct task *)call, lane, request, cb, arg);
}

/* --- what is known here ------------------------------------------------------------------------
 */

void task_member(const struct worker *w, snowflake_t guild, snowflake_t user, struct call_member *m)
{
    const struct seen_row *row = seen_find(&w->shm, guild, user);
    uint64_t seen, counted;

    *m = (struct call_member){0};
    if (!row || row->flags & SEEN_LOADING)
        return;
    seen = atomic_load(&row->seen);
    counted = atomic_load(&row->counted);
    *m = (struct call_member){.known = true,
                              .last_seen = {SEEN_MS(seen)},
                              .last_counted = {SEEN_MS(counted)},
                              .seen_kind = SEEN_KIND(seen),
                              .counted_kind = SEEN_KIND(counted),
                              .voice_channel = {row->voice_channel},
                              .present_until = {SEEN_MS(row->present_until)}};
}

static void host_member(const struct call *call, snowflake_t user, struct call_member *m)
{
    const struct task *t = (const struct task *)call;

    if (user.id == t->interaction.user.id)
        *m = call->before;
    else
        task_member(t->w, t->interaction.guild, user, m);
}

void call_health(struct worker *w, snowflake_t guild, struct call_health *h)
{
    *h = (struct call_health){
        .arrival_ms = -1,
        .lag_p50_ms = delay_percentile(&w->delay, 50),
        .lag_p99_ms = delay_percentile(&w->delay, 99),
        .events = atomic_load(&w->shm.header->counters[SHM_COUNT_EVENTS].value),
        .sightings = atomic_load(&w->shm.header->counters[SHM_COUNT_SIGHTINGS].value),
        .database = !w->away && w->heard,
        .cache = !strcmp(cache_state(w), "up"),
        .self = w->self,
        .intents = roster_intents(w, guild),
        .live = roster_shard_live(w, guild),
        .rest_waiting = (unsigned)rest_waiting(w->rest, BUDGET_BULK),
        .rest_invalid = budget_invalid_count(&w->shm.header->budget, clock_mono().ms),
    };
    for (unsigned i = 0; i < LANES; i++)
        h->lanes += w->lanes[i] != NULL;
}

static bool host_fetch(struct call *call, const char *url, size_t max, call_fetched *cb)
{
    return task_fetch((struct task *)call, url, max, cb);
}

static const struct settings *host_settings(struct call *call)
{
    struct task *t = (struct task *)call;

    return copies_settings(t->w, t->interaction.guild);
}

static void host_health(const struct call *call, struct call_health *h)
{
    const struct task *t = (const struct task *)call;

    call_health(t->w, t->interaction.guild, h);
    h->arrival_ms = call->now.ms - snowflake_time(t->interaction.id).ms;
}

static const struct command *const *host_commands(const struct call *call, size_t *count_r)
{
    (void)call;
    return cogs_commands(count_r);
}

/* --- buttons -----------------------------------------------------------------------------------
 */

static void host_custom_id(const struct call *call, const char *name, const char *data,
                           char out[CALL_CUSTOM_ID_SIZE])
{
    const struct task *t = (const struct task *)call;

    custom_id_print(&t->w->custom_id_key, t->interaction.guild, t->interaction.user, name, data,
                    (unixms_t){call->now.ms + BUTTON_MS}, out);
}

static void host_modal(struct call *call, const char *title, const char *name, const char *data,
                       const struct message_line *lines, size_t count)
{
    char id[CALL_CUSTOM_ID_SIZE];

    host_custom_id(call, name, data, id);
    task_modal((struct task *)call, title, id, lines, count);
}

static bool host_input(const struct call *call, const char *name, char *out, size_t out_size)
{
    return task_input((const struct task *)call, name, out, out_size);
}

static void host_keep(const struct call *call, const char *text, char name_r[CALL_KEPT_SIZE])
{
    struct calls *all = ((const struct task *)call)->w->calls;
    struct kept *k = &all->kept[++all->next_kept % KEPT_MAX];

    free(k->text);
    *k = (struct kept){all->next_kept, xstrdup(text), {clock_mono().ms + BUTTON_MS}};
    snprintf(name_r, CALL_KEPT_SIZE, "%llu", (unsigned long long)k->name);
}

static const char *host_kept(const struct call *call, const char *name)
{
    struct calls *all = ((const struct task *)call)->w->calls;
    uint64_t number = strtoull(name, NULL, 10);
    const struct kept *k = &all->kept[number % KEPT_MAX];

    return k->name == number && clock_mono().ms < k->until.ms ? k->text : NULL;
}

static void host_choices(struct call *call, const char *json)
{
    task_choices((struct task *)call, json);
}

const struct call_host task_host = {
    .answer = host_answer,
    .ask = host_ask,
    .member = host_member,
    .health = host_health,
    .commands = host_commands,
    .words = cogs_words,
    .custom_id = host_custom_id,
    .keep = host_keep,
    .kept = host_kept,
    .rest = host_rest,
    .progress = host_progress,
    .wait = host_wait,
    .fetch = host_fetch,
    .settings = host_settings,
    .choices = host_choices,
    .modal = host_modal,
    .input = host_input,
};
