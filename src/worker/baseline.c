/* Runs a baseline: asks Discord, page by page in the bulk lane, who wrote what before the bot came,
 * and records each member's latest message as found (RECORD_FOUND: times rise, nothing is counted).
 * What is noted of its progress is behind what is durable, so a successor misses nothing; what is
 * recorded twice changes nothing. Called by lease. Diagnostics: those of lease. */
#include "worker/baseline.h"

#include <stdlib.h>
#include <string.h>

#include "presence/activity.h"
#include "presence/event.h"
#include "worker/baseline_priv.h"

#define ASK_MS       10000
#define AGAIN_MS     2000  /* the database was away */
#define DURABLE_MS   50    /* between two looks at the lane */
#define PAUSE_MS     10000 /* Discord has a problem */
#define FAILURES_MAX 30u
#define DEPTH_MS     (INT64_C(180) * 24 * 3600 * 1000)

/* --- the note ----------------------------------------------------------------------------------
 */

void baseline_note(struct baseline *b)
{
    struct buf out;

    buf_init(&out, 0);
    buf_printf(
        &out,
        "{\"depth_ms\":%lld,\"method\":\"%s\",\"dry_run\":%s,\"using\":\"%s\","
        "\"horizon_ms\":%lld,\"begun_ms\":%lld,\"noted_ms\":%lld,\"done\":%llu,\"total\":%llu,"
        "\"found\":%llu,\"requests\":%llu,\"channel\":\"%llu\",\"before\":\"%llu\"",
        (long long)b->depth_ms,
        b->may_search && b->may_read ? "auto"
        : b->may_search              ? "search"
                                     : "history",
        b->dry_run ? "true" : "false", b->searching ? "search" : "history",
        (long long)b->horizon.ms, (long long)b->begun.ms, (long long)clock_unix().ms,
        (unsigned long long)b->done, (unsigned long long)b->total, (unsigned long long)b->found,
        (unsigned long long)b->requests, (unsigned long long)b->channel.id,
        (unsigned long long)b->before.id);
    if (b->after) {
        buf_puts(&out, ",\"after\":");
        buf_put_json(&out, b->after, strlen(b->after));
    }
    buf_putc(&out, '}');
    lease_note(b->lease, buf_cstr(&out));
    buf_clear(&out);
}

static uint64_t number(const struct json *data, const char *key)
{
    int64_t n = json_int(json_get(data, key), 0);

    return n > 0 ? (uint64_t)n : 0;
}

static void read_note(struct baseline *b, const struct json *data)
{
    const char *method = json_string(json_get(data, "method"), "auto");
    const char *using = json_string(json_get(data, "using"), "");
    const char *after = json_string(json_get(data, "after"), NULL);
    int64_t now_ms = clock_unix().ms;

    b->depth_ms = json_int(json_get(data, "depth_ms"), DEPTH_MS);
    b->may_search = strcmp(method, "history") != 0;
    b->may_read = strcmp(method, "search") != 0;
    b->dry_run = json_bool(json_get(data, "dry_run"), false);
    b->searching = b->may_search && strcmp(using, "history") != 0;
    b->begun.ms = json_int(json_get(data, "begun_ms"), now_ms);
    b->horizon.ms = json_int(json_get(data, "horizon_ms"), now_ms - b->depth_ms);
    if (b->horizon.ms < SNOWFLAKE_EPOCH_MS)
        b->horizon.ms = SNOWFLAKE_EPOCH_MS;
    b->done = number(data, "done");
    b->total = number(data, "total");
    b->found = number(data, "found");
    b->requests = number(data, "requests");
    b->channel.id = json_id(json_get(data, "channel"));
    b->before.id = json_id(json_get(data, "before"));
    b->after = after ? xstrdup(after) : NULL;
}

/* --- time --------------------------------------------------------------------------------------
 */

static void timer_due(void *arg)
{
    struct baseline *b = arg;

    b->next(b);
}

void baseline_later(struct baseline *b, int64_t ms, baseline_step *next)
{
    b->next = next;
    loop_timer_set(b->timer, ms);
}

void baseline_fail(struct baseline *b, const char *why)
{
    lease_finish(b->lease, why);
}

/* --- Discord -----------------------------------------------------------------------------------
 */

static void get_again(struct baseline *b);

static void rest_answered(void *arg, const struct rest_answer *answer)
{
    struct baseline *b = arg;

    b->call = NULL;
    b->requests++;
    switch (answer->outcome) {
    case OUTCOME_UNAVAILABLE:
    case OUTCOME_NO_ANSWER:
    case OUTCOME_NOT_SENT:
    case OUTCOME_RATE_LIMITED:
    case OUTCOME_UNAUTHORIZED: /* an operator may replace the token */
        if (++b->failures > FAILURES_MAX)
            baseline_fail(b, "Discord does not answer");
        else
            baseline_later(b, PAUSE_MS, get_again);
        break;
    default:
        b->failures = 0;
        b->rest_cb(b, answer);
    }
}

static void get_again(struct baseline *b)
{
    b->call = rest_get(b->w->rest, b->path, 0, rest_answered, b);
}

void baseline_get(struct baseline *b, const char *path, baseline_rest_cb *cb)
{
    char *copy = xstrdup(path);

    free(b->path);
    b->path = copy;
    b->rest_cb = cb;
    get_again(b);
}

/* --- the database ------------------------------------------------------------------------------
 */

/* A question outlives its baseline where that is stopped first. */
struct baseline_question {
    struct baseline *b; /* NULL: nobody waits any more */
    char *operation, *variables;
    baseline_cb *cb;
    bool under_way;
};

static void question_send(struct baseline *b);

static void question_free(struct baseline_question *q)
{
    free(q->operation);
    free(q->variables);
    free(q);
}

static void answered(void *arg, const struct gql_answer *answer)
{
    struct baseline_question *q = arg;
    struct baseline *b = q->b;

    if (!b) {
        question_free(q);
        return;
    }
    q->under_way = false;
    if (answer->outcome == GQL_AWAY) {
        baseline_later(b, AGAIN_MS, question_send);
        return;
    }
    b->question = NULL;
    if (answer->outcome == GQL_REFUSED)
        baseline_fail(b, "the database refuses a question");
    else
        q->cb(b, answer->data);
    question_free(q);
}

static void question_send(struct baseline *b)
{
    struct baseline_question *q = b->question;
    struct buf body;

    if (b->w->away) {
        baseline_later(b, AGAIN_MS, question_send);
        return;
    }
    buf_init(&body, 0);
    buf_printf(&body, "{\"documentId\":\"%s\",\"variables\":%s}", q->operation, q->variables);
    q->under_way = true;
    gql_send(&b->w->gql, &body, ASK_MS, answered, q);
    buf_clear(&body);
}

void baseline_ask(struct baseline *b, const char *operation, const char *variables, baseline_cb *cb)
{
    struct baseline_question *q = xmalloc(sizeof(*q));

    *q = (struct baseline_question){b, xstrdup(operation), xstrdup(variables), cb, false};
    b->question = q;
    question_send(b);
}

/* --- what is found -----------------------------------------------------------------------------
 */

enum activity_kind baseline_kind_of(const struct json *message)
{
    const struct json *author = json_get(message, "author");

    if (json_bool(json_get(author, "bot"), false) || json_bool(json_get(author, "system"), false) ||
        json_id(json_get(message, "webhook_id")))
        return ACTIVITY_NONE;
    return event_message_kind((uint64_t)json_int(json_get(message, "type"), 0));
}

void baseline_found(struct baseline *b, const struct json *message, snowflake_t author, bool first)
{
    snowflake_t id = {json_id(json_get(message, "id"))};
    enum activity_kind kind = baseline_kind_of(message);
    struct record_sighting *r;

    b->found += first;
    if (b->dry_run)
        return;
    r = record_list_add(&b->records, RECORD_SIGHTING, 0, 0, 0);
    r->h.flags = RECORD_FOUND | (activity_infos[kind].counts_by_default ? RECORD_COUNTED : 0);
    r->guild = lease_guild(b->lease);
    r->user = author;
    r->channel.id = json_id(json_get(message, "channel_id"));
    r->at = snowflake_time(id);
    r->kind = (uint16_t)kind;
}

/* Once the lane's tail is behind the records they outlive everything. */
static void look_durable(struct baseline *b)
{
    struct lane *lane = lease_lane(b->lease);

    if (b->records.count > 0 && !lane_append(lane, &b->records)) {
        record_list_reset(&b->records);
        b->position = ring_head(&lane->ring);
    }
    if (b->records.count > 0 || ring_tail(&lane->ring) < b->position)
        baseline_later(b, DURABLE_MS, look_durable);
    else
        b->kept(b);
}

void baseline_keep(struct baseline *b, baseline_step *next)
{
    b->kept = next;
    baseline_later(b, 0, look_durable);
}

/* --- begin and end -----------------------------------------------------------------------------
 */

static void *begin(struct lease *lease, const struct json *data)
{
    struct baseline *b = xcalloc(1, sizeof(*b));

    b->lease = lease;
    b->w = lease_worker(lease);
    b->timer = loop_timer_new(b->w->loop, timer_due, b);
    record_list_init(&b->records);
    guild_view_init(&b->view);
    read_note(b, data);
    baseline_note(b);
    baseline_later(b, 0, b->searching ? baseline_search : baseline_history);
    return b;
}

static void stop(void *runner)
{
    struct baseline *b = runner;

    rest_cancel(&b->call);
    if (b->question && b->question->under_way)
        b->question->b = NULL;
    else if (b->question)
        question_free(b->question);
    loop_timer_free(&b->timer);
    record_list_clear(&b->records);
    guild_view_clear(&b->view);
    baseline_history_clear(b);
    free(b->path);
    free(b->after);
    free(b->next_after);
    free(b);
}

const struct lease_kind baseline_kind = {.name = "BASELINE", .begin = begin, .stop = stop};
