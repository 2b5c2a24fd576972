/* Group commit: what lies in the lanes goes to PostgreSQL through GraphQL, at most flush_ms after
 * it was logged; what cannot go there for a while goes to the spool. A lane has one batch under way
 * at a time (positions demand it), the worker at most FLIGHTS_MAX, since few
 * large batches cost the database less than many; of small ones FLIGHTS_SMALL_MAX.
 * Diagnostics: alerts when the spool cannot take what the ring must give up. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "presence/log.h"
#include "worker/cache.h"
#include "worker/load.h"
#include "worker/react.h"
#include "worker/reject.h"
#include "worker/worker.h"

#define SPOOL_ALERT_MS    60000
#define COMMIT_TIMEOUT_MS 15000
#define INTERNAL_MAX      5u /* so often may the database fail at one batch before it is cut */
#define SMALL_SLOTS       256u
#define EARLY_SLOTS       4000u /* about a full batch: do not wait for the timer */

static uint64_t waiting_slots(const struct lane *lane)
{
    return ring_head(&lane->ring) - ring_tail(&lane->ring);
}

bool flush_pending(const struct lane *lane)
{
    return waiting_slots(lane) > 0 || (lane->spool && !spool_empty(lane->spool));
}

bool flush_clean(const struct lane *lane)
{
    return !lane->in_flight && waiting_slots(lane) == 0;
}

/* --- the spool ------------------------------------------------------------------------------- */

static bool any_spool_failed(const struct worker *w)
{
    for (unsigned i = 0; i < LANES; i++)
        if (w->lanes[i] && w->lanes[i]->spool_failed)
            return true;
    return false;
}

/* All lanes write to one disk: the first one tells. A full disk may take a small write now and
 * then, which is no reason to tell again. */
static void spool_refused(struct lane *lane)
{
    monoms_t now = clock_mono(), *told = &lane->w->spool_alert;
    bool lately = told->ms && now.ms - told->ms < SPOOL_ALERT_MS;

    if (!any_spool_failed(lane->w) && !lately) {
        *told = now;
        worker_alert(
            lane->w,
            "the spool in %s cannot be written: %s (lane %u is the first); events are no longer "
            "acknowledged once a lane's ring is full",
            lane->w->conf.cache.spool_dir, strerror(errno), lane->number);
    }
    lane->spool_failed = true;
}

/* [cache] spool_max is for all lanes; ours may use their share. */
static bool spool_over_limit(const struct worker *w)
{
    size_t sum = 0, lanes = 0;

    for (unsigned i = 0; i < LANES; i++) {
        if (!w->lanes[i])
            continue;
        lanes++;
        sum += w->lanes[i]->spool ? spool_bytes(w->lanes[i]->spool) : 0;
    }
    return w->conf.cache.spool_max > 0 && sum >= (size_t)w->conf.cache.spool_max / LANES * lanes;
}

bool flush_spool_lane(struct lane *lane)
{
    uint64_t from = ring_tail(&lane->ring), to = ring_head(&lane->ring);
    size_t bytes = (size_t)(to - from) * RECORD_SLOT_SIZE;
    unsigned char *copy;
    int bad;

    if (from == to)
        return true;
    if (!lane->spool || spool_over_limit(lane->w)) {
        errno = lane->spool ? EDQUOT : ENOENT;
        spool_refused(lane);
        return false;
    }
    copy = xmalloc(bytes);
    ring_copy(&lane->ring, from, to, copy);
    bad = spool_append(lane->spool, lane->w->shm.header->epoch, from, to, copy);
    free(copy);
    if (bad) {
        spool_refused(lane);
        return false;
    }
    if (lane->spool_failed)
        log_info("spool_ok", "the spool of lane %u can be written again", lane->number);
    lane->spool_failed = false;
    shm_count(&lane->w->shm, SHM_COUNT_SPOOLED, to - from);
    lane->ring.lane->spooled_to = to;
    ring_set_tail(&lane->ring, to);
    lane->unflushed = false;
    lane_report_all_durable(lane);
    lane_retry_held(lane);
    return true;
}

void flush_spool_all(struct worker *w)
{
    for (unsigned i = 0; i < LANES; i++)
        if (w->lanes[i] && waiting_slots(w->lanes[i]))
            flush_spool_lane(w->lanes[i]);
}

/* --- the answer ------------------------------------------------------------------------------ */

static void after_progress(struct lane *lane)
{
    if (waiting_slots(lane) == 0) {
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

static void flight_answered(void *arg, const struct gql_answer *answer)
{
    struct lane *lane = arg;
    struct worker *w = lane->w;

    lane->in_flight = false;
    w->flights--;
    if (answer->outcome == GQL_DONE) {
        lane->failures = 0;
        take_result(lane, json_get(answer->data, "recordSightings"));
    } else if (answer->outcome == GQL_REFUSED || (answer->internal && failed_too_often(lane))) {
        away_leave(w); /* it is there, and it does not want this */
        reject_flight(lane, answer->error);
    } else {
        away_enter(w, answer->error);
    }
    lane_try_release(lane);
    if (!w->away)
        flush_all(w);
    worker_check_drained(w);
}

/* --- sending --------------------------------------------------------------------------------- */

static void send_batch(struct lane *lane)
{
    struct worker *w = lane->w;
    struct buf body;

    buf_init(&body, 0);
    batch_print(w->batch, lane->number, lane->flight_epoch, w->shm.header->epoch, lane->flight_from,
                lane->flight_to, &body);
    lane->in_flight = true;
    w->flights++;
    cache_flush(lane);
    gql_send(&w->gql, &body, COMMIT_TIMEOUT_MS, flight_answered, lane);
    buf_clear(&body);
}

/* A lane that fills faster than it drains gives its records to the disk at half. */
static void relieve(struct lane *lane)
{
    if (waiting_slots(lane) > lane->ring.size / 2 && (lane->in_flight || lane->w->away) &&
        !lane->spool_failed)
        flush_spool_lane(lane);
}

/* Small batches may go in greater number: at a calm rate all lanes are served at once, and their
 * answers come together. */
static bool may_fly(const struct lane *lane)
{
    unsigned flights = lane->w->flights;
    bool small = waiting_slots(lane) < SMALL_SLOTS && (!lane->spool || spool_empty(lane->spool));

    return flights < (small ? FLIGHTS_SMALL_MAX : FLIGHTS_MAX);
}

void flush_lane(struct lane *lane)
{
    struct worker *w = lane->w;

    if (!lane->in_flight && !w->away && may_fly(lane) && lane->state == LANE_OWNED &&
        build_batch(lane))
        send_batch(lane);
    relieve(lane);
}

/* Whether the lane's time has come: it had something when the flush timer ran out, or there is
 * much. One timer for all lanes, so that a calm worker is woken once for all of them. */
static bool due(const struct lane *lane)
{
    const struct worker *w = lane->w;

    if (!flush_pending(lane))
        return false;
    return w->draining || waiting_slots(lane) >= EARLY_SLOTS || lane->held ||
           (lane->spool && !spool_empty(lane->spool)) || lane->refused_to || !lane->unflushed ||
           lane->unflushed_since.ms <= w->flush_tick.ms;
}

static void arm(struct worker *w)
{
    if (!loop_timer_active(w->flush_timer))
        loop_timer_set(w->flush_timer, w->conf.workers.flush_ms);
}

void flush_all(struct worker *w)
{
    bool later = false;

    for (unsigned i = 0; i < LANES; i++) {
        struct lane *lane = w->lanes[(w->next_lane + i) % LANES];

        if (!lane || lane->in_flight || !flush_pending(lane))
            continue;
        if (!due(lane)) {
            later = true;
            continue;
        }
        if (!may_fly(lane)) {
            w->next_lane = lane->number;
            break;
        }
        flush_lane(lane);
    }
    if (later && !w->away)
        arm(w);
}

void flush_note(struct lane *lane)
{
    struct worker *w = lane->w;

    if (!lane->unflushed) {
        lane->unflushed = true;
        lane->unflushed_since = clock_mono();
        arm(w);
    }
    if (waiting_slots(lane) >= EARLY_SLOTS)
        flush_lane(lane);
}

static void tick(void *arg)
{
    struct worker *w = arg;

    w->flush_tick = clock_mono();
    if (w->away) {
        away_tick(w);
        return;
    }
    flush_all(w);
}

void flush_init(struct worker *w)
{
    w->batch = batch_new();
    w->flush_timer = loop_timer_new(w->loop, tick, w);
    away_init(w);
}
