/* A request under way: the batches of as many lanes as fit, since a request and its commit cost
 * more than a small batch. A lane has one batch under way at a time (positions demand it), the
 * worker at most FLIGHTS_MAX requests: more would keep more processes of the database busy than
 * there are workers, and so take the cores from them. Each lane has an answer of its own; what is
 * wrong with one batch may be told for all, then each is sent by itself. Called by flush, away.
 *
 * Diagnostics: away.c's and reject.c's; alerts for a database that is another instance's too. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "presence/log.h"
#include "worker/cache.h"
#include "worker/load.h"
#include "worker/reject.h"
#include "worker/worker.h"

#define COMMIT_TIMEOUT_MS 15000
#define INTERNAL_MAX      5u /* so often may the database fail at one batch before it is cut */

struct flight {
    struct worker *w;
    struct buf body;
    bool full;
    size_t n;
    struct lane *lanes[LANES];
};

/* --- the answer ------------------------------------------------------------------------------ */

static void after_progress(struct lane *lane)
{
    if (flush_waiting(lane) == 0) {
        lane->unflushed = lane->spool_failed = false;
        lane_report_all_durable(lane);
    }
    lane_retry_held(lane);
}

static void batch_applied(struct lane *lane)
{
    struct worker *w = lane->w;

    lane->pg_known = true;
    lane->pg_empty = false;
    lane->pg_epoch = lane->flight_epoch;
    lane->pg_pos = lane->flight_to;
    shm_count(&w->shm, SHM_COUNT_BATCHES, 1);
    delay_committed(&w->delay, &lane->delay, lane->flight_to, clock_unix());
    if (lane->from_spool) {
        disk_enter(w);
        if (lane->flight_to >= lane->flight_frame_to &&
            spool_drop(lane->spool, lane->flight_epoch, lane->flight_to))
            log_error("spool_drop", "lane %u: %s", lane->number, strerror(errno));
        if (spool_empty(lane->spool)) {
            lane->ring.lane->spooled_to = 0;
            if (lane->seeds_due)
                seeds_ask(w);
        }
    } else {
        if (lane->flight_to > ring_tail(&lane->ring))
            ring_set_tail(&lane->ring, lane->flight_to);
        lane_report_durable(lane, &lane->flight_offsets);
    }
    if (lane->flight_epoch == w->shm.header->epoch)
        seen_committed(&w->shm, lane->number, lane->flight_to);
    load_kick(w); /* some members may have waited for this commit */
    reject_passed(lane);
    after_progress(lane);
}

/* The database is in a later epoch than the batch. What an earlier segment left in the spool is
 * moved aside by the next build; what is of this segment can only wait until somebody puts it
 * right. */
static void epoch_refused(struct lane *lane, uint64_t epoch, uint64_t position)
{
    struct worker *w = lane->w;

    lane->pg_known = true;
    lane->pg_epoch = epoch;
    lane->pg_pos = position;
    if (lane->flight_epoch < w->shm.header->epoch) {
        away_leave(w);
        return;
    }
    if (!lane->epoch_told)
        worker_alert(w,
                     "lane %u: the database has epoch %llu, later than ours %llu: another "
                     "instance writes into it",
                     lane->number, (unsigned long long)epoch,
                     (unsigned long long)lane->flight_epoch);
    lane->epoch_told = true;
    away_enter(w, "a later epoch in the database");
}

/* We were thought gone, and somebody began anew in a segment of its own: only that one writes now.
 */
static void claim_refused(struct lane *lane)
{
    if (!lane->epoch_told)
        worker_alert(lane->w, "lane %u: another instance, which began later, has claimed it",
                     lane->number);
    lane->epoch_told = true;
    away_enter(lane->w, "a later epoch has claimed a lane");
}

/* Only an answer that says something about the batch shows that the service is there. */
static void take_result(struct lane *lane, const struct json *result)
{
    const char *code = json_string(json_get(result, "code"), "");
    uint64_t epoch = json_id(json_get(result, "epoch"));
    uint64_t position = json_id(json_get(result, "position"));

    if (!strcmp(code, "APPLIED")) {
        away_leave(lane->w);
        batch_applied(lane);
    } else if (!strcmp(code, "POSITION")) {
        away_leave(lane->w);
        build_position(lane, epoch, position);
        reject_passed(lane);
        after_progress(lane);
    } else if (!strcmp(code, "EPOCH")) {
        epoch_refused(lane, epoch, position);
    } else if (!strcmp(code, "CLAIMED")) {
        claim_refused(lane);
    } else {
        away_enter(lane->w, "an answer without a known code");
    }
}

/* Its halves need no patience: that this batch fails is known. */
static bool failed_too_often(struct lane *lane)
{
    return lane->refused_to || ++lane->failures > INTERNAL_MAX;
}

static void take_failure(struct lane *lane, bool alone, const struct gql_answer *answer)
{
    struct worker *w = lane->w;

    if (answer->outcome != GQL_REFUSED && !answer->internal) {
        away_enter(w, answer->error);
    } else if (!alone) { /* which of them it was shows when each goes by itself */
        away_leave(w);
        lane->alone = true;
    } else if (answer->outcome == GQL_REFUSED || failed_too_often(lane)) {
        away_leave(w); /* it is there, and it does not want this */
        reject_flight(lane, answer->error);
    } else {
        away_enter(w, answer->error);
    }
}

static void take_success(struct lane *lane, const struct json *result)
{
    lane->failures = 0;
    lane->alone = false;
    take_result(lane, result);
}

/* Each lane's batch is under way until its own answer is taken: that of another may already make
 * room and send something. */
static void flight_answered(void *arg, const struct gql_answer *answer)
{
    struct flight *f = arg;
    struct worker *w = f->w;
    const struct json *results = json_get(answer->data, "recordSightings");

    w->flights--;
    for (size_t i = 0; i < f->n; i++) {
        struct lane *lane = f->lanes[i];

        lane->in_flight = false;
        if (answer->outcome == GQL_DONE)
            take_success(lane, json_at(results, i));
        else
            take_failure(lane, f->n == 1, answer);
        lane_try_release(lane);
    }
    free(f);
    if (!w->away)
        flush_all(w);
    worker_check_drained(w);
}

/* --- sending --------------------------------------------------------------------------------- */

struct flight *flight_new(struct worker *w)
{
    struct flight *f;

    if (w->away || w->flights >= FLIGHTS_MAX)
        return NULL;
    f = xcalloc(1, sizeof(*f));
    f->w = w;
    w->flights++;
    buf_init(&f->body, 0);
    batch_reset(w->batch);
    batch_print_begin(&f->body);
    return f;
}

static bool wants_to_be_alone(const struct lane *lane)
{
    return lane->alone || lane->failures || lane->refused_to || lane->skip_to;
}

bool flight_take(struct flight *f, struct lane *lane)
{
    struct worker *w = f->w;

    if (f->full || (f->n > 0 && wants_to_be_alone(lane)))
        return false;
    if (lane->in_flight || lane->state != LANE_OWNED || !build_batch(lane))
        return true;
    if (f->n > 0)
        buf_putc(&f->body, ',');
    batch_print(w->batch, lane->number, lane->flight_epoch, w->shm.header->epoch, lane->flight_from,
                lane->flight_to, &f->body);
    f->lanes[f->n++] = lane;
    f->full = batch_full(w->batch) || wants_to_be_alone(lane);
    lane->in_flight = true;
    if (!lane->from_spool && lane->flight_to == ring_head(&lane->ring))
        lane->unflushed = false; /* what comes from now on has its own time */
    cache_flush(lane);
    return true;
}

void flight_send(struct flight **flight)
{
    struct flight *f = *flight;

    *flight = NULL;
    if (!f)
        return;
    if (f->n == 0) {
        f->w->flights--;
        buf_clear(&f->body);
        free(f);
        return;
    }
    batch_print_end(&f->body);
    gql_send(&f->w->gql, &f->body, COMMIT_TIMEOUT_MS, flight_answered, f);
    buf_clear(&f->body);
}
