/* Group commit: what lies in the lanes goes to PostgreSQL through GraphQL, at most flush_ms after
 * it was logged, the lanes that are due together (flight.c); what cannot go there for a while goes
 * to the spool.
 * Diagnostics: alerts when the spool cannot take what the ring must give up; fatal for a lane whose
 * head and tail do not belong together (the master ends then, and begins with a new segment). */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "presence/log.h"
#include "worker/worker.h"

#define CROWDED_MS     500
#define SPOOL_ALERT_MS 60000
#define EARLY_SLOTS    4000u /* about a full batch: do not wait for the timer */

uint64_t flush_waiting(const struct lane *lane)
{
    uint64_t tail = ring_tail(&lane->ring), head = ring_head(&lane->ring);

    if (head - tail > lane->ring.size)
        fatal("lane_damaged", "lane %u has tail %llu and head %llu", lane->number,
              (unsigned long long)tail, (unsigned long long)head);
    return head - tail;
}

bool flush_pending(const struct lane *lane)
{
    return flush_waiting(lane) > 0 || (lane->spool && !spool_empty(lane->spool));
}

bool flush_clean(const struct lane *lane)
{
    return !lane->in_flight && flush_waiting(lane) == 0;
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

    if (flush_waiting(lane) == 0)
        return true;
    if (!lane->spool || spool_over_limit(lane->w)) {
        errno = lane->spool ? EDQUOT : ENOENT;
        spool_refused(lane);
        return false;
    }
    disk_enter(lane->w);
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
        if (w->lanes[i] && flush_waiting(w->lanes[i]))
            flush_spool_lane(w->lanes[i]);
}

/* --- when ------------------------------------------------------------------------------------ */

static void arm(struct worker *w)
{
    if (!loop_timer_active(w->flush_timer))
        loop_timer_set(w->flush_timer, w->conf.workers.flush_ms);
}

/* A lane that fills faster than it drains gives its records to the disk at half: at once while
 * GraphQL is away, else only if it stays so. A catalogue's chunk is most of a ring, and the answer
 * that makes room for the next is nearer than the disk. */
static void relieve(struct lane *lane)
{
    struct worker *w = lane->w;
    monoms_t now;

    if (flush_waiting(lane) <= lane->ring.size / 2) {
        lane->crowded_since.ms = 0;
        return;
    }
    if (lane->spool_failed || (!lane->in_flight && !w->away))
        return;
    now = clock_mono();
    if (lane->crowded_since.ms == 0)
        lane->crowded_since = now;
    if (w->away || now.ms - lane->crowded_since.ms >= CROWDED_MS)
        flush_spool_lane(lane);
    else
        arm(w);
}

void flush_lane(struct lane *lane)
{
    struct flight *f = lane->in_flight ? NULL : flight_new(lane->w);

    if (f)
        flight_take(f, lane);
    flight_send(&f);
    relieve(lane);
}

/* Whether the lane's time has come: it had something when the flush timer ran out, or there is
 * much. One timer for all lanes, so that a calm worker is woken once for all of them. */
static bool due(const struct lane *lane)
{
    const struct worker *w = lane->w;

    if (!flush_pending(lane))
        return false;
    return w->draining || flush_waiting(lane) >= EARLY_SLOTS || lane->held ||
           (lane->spool && !spool_empty(lane->spool)) || lane->refused_to || !lane->unflushed ||
           lane->unflushed_since.ms <= w->flush_tick.ms;
}

/* Into the request at hand, or the next one. False: no more may be under way. */
static bool take(struct flight **f, struct lane *lane)
{
    while (*f || (*f = flight_new(lane->w))) {
        if (flight_take(*f, lane))
            return true;
        flight_send(f);
    }
    return false;
}

void flush_all(struct worker *w)
{
    struct flight *f = NULL;
    unsigned begin = w->next_lane;
    bool later = false;

    for (unsigned i = 0; i < LANES; i++) {
        struct lane *lane = w->lanes[(begin + i) % LANES];

        if (!lane || lane->in_flight || !flush_pending(lane))
            continue;
        if (!due(lane)) {
            later = true;
            continue;
        }
        if (!w->away && !take(&f, lane)) {
            w->next_lane = lane->number;
            break;
        }
    }
    flight_send(&f);
    for (unsigned i = 0; i < LANES; i++)
        if (w->lanes[i])
            relieve(w->lanes[i]);
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
    if (flush_waiting(lane) >= EARLY_SLOTS)
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
