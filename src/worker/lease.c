/* Claiming, holding and ending jobs of the database. Called by the loop, lane and changes; calls
 * the runners. Diagnostics: informs when a job begins, ends or is lost; warns when the service
 * refuses. */
#include "worker/lease.h"

#include <bsd/sys/queue.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "presence/log.h"
#include "worker/baseline.h"
#include "worker/operations.h"

#define ASK_MS     10000
#define BEAT_MS    4000
#define NOTE_MS    1000                     /* between two notes */
#define SOON_MS    50                       /* changes come in groups */
#define RETRY_MS   2000                     /* the service was away */
#define EXPIRED_MS ((LEASE_SEC + 1) * 1000) /* a dead worker's leases have run out */
#define CLAIMS_MAX 8

struct lease {
    LIST_ENTRY(lease) entry;
    struct worker *w;
    const struct lease_kind *kind;
    snowflake_t guild;
    uint64_t id;
    void *runner;   /* NULL: it was stopped */
    char *data;     /* noted, but not yet sent; or NULL */
    char *failure;  /* of the end that is to be told */
    bool ending;    /* the end is to be told */
    bool telling;   /* and is being told */
    bool over;      /* nothing is to be done any more: freed when nothing is under way */
    bool under_way; /* a request of this lease */
    struct loop_timer *timer;
};

struct leases {
    struct worker *w;
    LIST_HEAD(, lease) list;
    struct loop_timer *timer;
    bool asking, again;
    char owner[64];
};

static const struct lease_kind *const kinds[] = {&baseline_kind};

struct worker *lease_worker(const struct lease *l)
{
    return l->w;
}

snowflake_t lease_guild(const struct lease *l)
{
    return l->guild;
}

struct lane *lease_lane(const struct lease *l)
{
    return l->w->lanes[route_lane(l->guild)];
}

/* --- one job -----------------------------------------------------------------------------------
 */

static void stop_runner(struct lease *l)
{
    void *runner = l->runner;

    l->runner = NULL;
    if (runner)
        l->kind->stop(runner);
}

static void drop(struct lease *l)
{
    stop_runner(l);
    l->over = true;
    if (l->under_way)
        return;
    LIST_REMOVE(l, entry);
    loop_timer_free(&l->timer);
    free(l->data);
    free(l->failure);
    free(l);
}

static void lost(struct lease *l, const char *why)
{
    log_info("job_lost", "job %llu of guild %llu: %s", (unsigned long long)l->id,
             (unsigned long long)l->guild.id, why);
    drop(l);
}

static void put_key(const struct lease *l, struct buf *out)
{
    buf_printf(out, "\"guildId\":\"%llu\",\"jobId\":\"%llu\",\"owner\":\"%s\"",
               (unsigned long long)l->guild.id, (unsigned long long)l->id, l->w->leases->owner);
}

/* What came of the result under "done": 1 done, 0 not known, -1 it is not ours. */
static int verdict(const struct gql_answer *answer)
{
    const char *code = json_string(json_get(json_get(answer->data, "done"), "code"), "");

    if (answer->outcome == GQL_AWAY || (answer->outcome == GQL_DONE && !*code))
        return 0;
    return answer->outcome == GQL_DONE && !strcmp(code, "OK") ? 1 : -1;
}

static void answered(void *arg, const struct gql_answer *answer)
{
    struct lease *l = arg;
    int done = verdict(answer);

    l->under_way = false;
    if (answer->outcome == GQL_REFUSED)
        log_warn("job_refused", "%s", answer->error ? answer->error : "the service refuses");
    if (done == 0)
        l->telling = false;
    if (l->over)
        drop(l);
    else if (done < 0)
        lost(l, "it was cancelled, or is somebody else's");
    else if (done > 0 && l->telling)
        drop(l);
    else
        loop_timer_set(l->timer, done == 0   ? RETRY_MS
                                 : l->ending ? 0
                                 : l->data   ? NOTE_MS
                                             : BEAT_MS);
}

static void send(struct lease *l, const char *operation, const struct buf *variables)
{
    struct buf body;

    buf_init(&body, 0);
    buf_printf(&body, "{\"documentId\":\"%s\",\"variables\":{", operation);
    buf_append(&body, buf_bytes(variables), buf_len(variables));
    buf_puts(&body, "}}");
    l->under_way = true;
    gql_send(&l->w->gql, &body, ASK_MS, answered, l);
    buf_clear(&body);
}

static void tell_end(struct lease *l)
{
    struct buf v;

    l->telling = true;
    buf_init(&v, 0);
    put_key(l, &v);
    buf_printf(&v, ",\"state\":\"%s\",\"failure\":", l->failure ? "FAILED" : "DONE");
    if (l->failure)
        buf_put_json(&v, l->failure, strlen(l->failure));
    else
        buf_puts(&v, "null");
    send(l, OPERATION_FINISH_JOB, &v);
    buf_clear(&v);
}

static void beat(struct lease *l)
{
    struct buf v;

    buf_init(&v, 0);
    put_key(l, &v);
    buf_printf(&v, ",\"leaseSeconds\":%d,\"data\":", LEASE_SEC);
    if (l->data)
        buf_put_json(&v, l->data, strlen(l->data));
    else
        buf_puts(&v, "null");
    free(l->data);
    l->data = NULL;
    send(l, OPERATION_NOTE_JOB, &v);
    buf_clear(&v);
}

/* The note goes first: the end says nothing of how far the job came. */
static void due(void *arg)
{
    struct lease *l = arg;

    if (l->under_way)
        return;
    if (l->w->away)
        loop_timer_set(l->timer, RETRY_MS);
    else if (l->ending && !l->data)
        tell_end(l);
    else
        beat(l);
}

void lease_note(struct lease *l, const char *data)
{
    bool first = !l->data;

    free(l->data);
    l->data = xstrdup(data);
    if (first && !l->under_way)
        loop_timer_set(l->timer, NOTE_MS);
}

void lease_finish(struct lease *l, const char *failure)
{
    log_info("job_finished", "job %llu of guild %llu: %s", (unsigned long long)l->id,
             (unsigned long long)l->guild.id, failure ? failure : "done");
    l->ending = true;
    l->failure = failure ? xstrdup(failure) : NULL;
    stop_runner(l);
    if (!l->under_way)
        loop_timer_set(l->timer, 0);
}

/* --- claiming ----------------------------------------------------------------------------------
 */

static const struct lease_kind *kind_named(const char *name)
{
    for (size_t i = 0; i < sizeof(kinds) / sizeof(kinds[0]); i++)
        if (!strcmp(kinds[i]->name, name))
            return kinds[i];
    return NULL;
}

static void take(struct worker *w, const struct json *job)
{
    const char *text = json_string(json_get(job, "data"), "{}");
    struct json *data = json_parse(text, strlen(text), NULL);
    struct lease *l = xcalloc(1, sizeof(*l));

    *l = (struct lease){.w = w,
                        .kind = kind_named(json_string(json_get(job, "kind"), "")),
                        .guild = {json_id(json_get(job, "guildId"))},
                        .id = json_id(json_get(job, "jobId")),
                        .timer = loop_timer_new(w->loop, due, l)};
    LIST_INSERT_HEAD(&w->leases->list, l, entry);
    if (!l->kind || !lease_lane(l)) { /* its lane has gone meanwhile */
        drop(l);
    } else {
        log_info("job_begun", "job %llu of guild %llu: %s", (unsigned long long)l->id,
                 (unsigned long long)l->guild.id, l->kind->name);
        loop_timer_set(l->timer, BEAT_MS);
        l->runner = l->kind->begin(l, data);
    }
    json_free(&data);
}

static void claimed(void *arg, const struct gql_answer *answer)
{
    struct leases *all = arg;
    const struct json *jobs = json_get(json_get(answer->data, "done"), "jobs");

    all->asking = false;
    if (answer->outcome == GQL_REFUSED)
        log_warn("job_refused", "%s", answer->error ? answer->error : "the service refuses");
    if (all->w->done || all->w->draining)
        return;
    for (const struct json *j = json_first(jobs); j; j = json_next(j))
        take(all->w, j);
    if (all->again || json_size(jobs) == CLAIMS_MAX)
        loop_timer_set(all->timer, SOON_MS);
    else if (answer->outcome == GQL_AWAY)
        loop_timer_set(all->timer, RETRY_MS);
    else
        loop_timer_set(all->timer, EXPIRED_MS);
    all->again = false;
}

static bool put_lanes(const struct worker *w, struct buf *out)
{
    bool any = false;

    for (unsigned i = 0; i < LANES; i++) {
        if (!w->lanes[i] || w->lanes[i]->state != LANE_OWNED)
            continue;
        buf_printf(out, any ? ",%u" : "%u", i);
        any = true;
    }
    return any;
}

static void put_kinds(struct buf *out)
{
    for (size_t i = 0; i < sizeof(kinds) / sizeof(kinds[0]); i++)
        buf_printf(out, i ? ",\"%s\"" : "\"%s\"", kinds[i]->name);
}

static void claim(void *arg)
{
    struct leases *all = arg;
    struct worker *w = all->w;
    struct buf body;

    if (all->asking) {
        all->again = true;
        return;
    }
    if (w->draining || !w->gql.url)
        return;
    if (w->away || !w->heard) {
        loop_timer_set(all->timer, RETRY_MS);
        return;
    }
    buf_init(&body, 0);
    buf_puts(&body, "{\"documentId\":\"" OPERATION_CLAIM_JOBS "\",\"variables\":{\"lanes\":[");
    if (put_lanes(w, &body)) {
        buf_puts(&body, "],\"kinds\":[");
        put_kinds(&body);
        buf_printf(&body, "],\"owner\":\"%s\",\"leaseSeconds\":%d,\"first\":%d}}", all->owner,
                   LEASE_SEC, CLAIMS_MAX);
        all->asking = true;
        gql_send(&w->gql, &body, ASK_MS, claimed, all);
    }
    buf_clear(&body);
}

/* --- what happens around -----------------------------------------------------------------------
 */

void lease_look(struct worker *w)
{
    loop_timer_set(w->leases->timer, SOON_MS);
}

void lease_changed(struct worker *w, snowflake_t guild)
{
    struct lease *l;

    LIST_FOREACH(l, &w->leases->list, entry)
    {
        if (!l->over && !l->under_way && snowflake_equal(l->guild, guild))
            loop_timer_set(l->timer, 0); /* it may have been cancelled */
    }
    lease_look(w);
}

void lease_take_lane(struct lane *lane)
{
    lease_look(lane->w);
}

void lease_forget_lane(struct lane *lane)
{
    struct lease *l, *next;

    for (l = LIST_FIRST(&lane->w->leases->list); l; l = next) {
        next = LIST_NEXT(l, entry);
        if (!l->over && route_lane(l->guild) == lane->number)
            drop(l);
    }
}

void lease_init(struct worker *w)
{
    struct leases *all = xcalloc(1, sizeof(*all));

    all->w = w;
    LIST_INIT(&all->list);
    all->timer = loop_timer_new(w->loop, claim, all);
    snprintf(all->owner, sizeof(all->owner), "worker %u of %llx", w->slot,
             (unsigned long long)((uint64_t)clock_unix().ms << 20 ^ (uint64_t)getpid()));
    w->leases = all;
}

void lease_free(struct worker *w)
{
    struct lease *l, *next;

    for (l = LIST_FIRST(&w->leases->list); l; l = next) {
        next = LIST_NEXT(l, entry);
        stop_runner(l);
        l->under_way = false;
        drop(l);
    }
    loop_timer_free(&w->leases->timer);
    free(w->leases);
    w->leases = NULL;
}
