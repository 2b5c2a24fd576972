/* Batches that presence-graphqld refuses for what they hold. That is a defect of ours, never the
 * network's; it must neither stop the lane nor lose more than the one event. Called by flush,
 * build. Diagnostics: an alert for each event moved aside. */
#include "worker/reject.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "presence/fd.h"
#include "presence/log.h"

/* More than this is no bad event but a service of another version: wait for the operator. */
#define REJECTED_MAX 100u

int reject_slots(struct lane *lane, const unsigned char *slots, uint64_t n)
{
    struct worker *w = lane->w;
    char *dir = xasprintf("%s/rejected", w->conf.cache.spool_dir);
    char *path = xasprintf("%s/lane-%02u-%lld-%llu.records", dir, lane->number,
                           (long long)clock_unix().ms, (unsigned long long)lane->flight_start);
    int bad = fd_mkdirs(dir, 0700) ||
              fd_write_file(path, slots, (size_t)n * RECORD_SLOT_SIZE, 0600, true);

    if (bad)
        worker_alert(w, "%s: %s", path, strerror(errno));
    else
        worker_alert(w, "lane %u: %llu slots that the database refuses were moved to %s",
                     lane->number, (unsigned long long)n, path);
    free(dir);
    free(path);
    return bad ? -1 : 0;
}

void ring_copy(const struct ring *ring, uint64_t from, uint64_t to, unsigned char *out)
{
    while (from < to) {
        uint64_t at = from % ring->size, run = ring->size - at;

        if (run > to - from)
            run = to - from;
        memcpy(out, ring->slots + at * RECORD_SLOT_SIZE, run * RECORD_SLOT_SIZE);
        out += run * RECORD_SLOT_SIZE;
        from += run;
    }
}

static int move_flight_aside(struct lane *lane)
{
    uint64_t n = lane->flight_to - lane->flight_start;
    unsigned char *copy;
    int r;

    if (lane->from_spool) {
        struct spool_frame frame;

        if (spool_peek(lane->spool, &frame) != 1 || frame.from > lane->flight_start ||
            frame.to < lane->flight_to)
            return -1;
        return reject_slots(lane,
                            frame.slots + (lane->flight_start - frame.from) * RECORD_SLOT_SIZE, n);
    }
    copy = xmalloc((size_t)n * RECORD_SLOT_SIZE);
    ring_copy(&lane->ring, lane->flight_start, lane->flight_to, copy);
    r = reject_slots(lane, copy, n);
    free(copy);
    return r;
}

void reject_flight(struct lane *lane, const char *why)
{
    struct worker *w = lane->w;

    /* The halves that follow are the same news. */
    if (!lane->refused_to || log_level() == LOG_LEVEL_DEBUG)
        log_write(lane->refused_to ? LOG_LEVEL_DEBUG : LOG_LEVEL_ERROR, "batch_refused",
                  "lane %u, positions %llu to %llu, %u events: %s", lane->number,
                  (unsigned long long)lane->flight_start, (unsigned long long)lane->flight_to,
                  lane->flight_events, why);
    if (lane->flight_to > lane->refused_to)
        lane->refused_to = lane->flight_to;
    if (lane->skip_to) { /* an empty batch was refused: it is not the data */
        away_enter(w, why);
        return;
    }
    if (lane->flight_events > 1) {
        lane->limit_to = lane->flight_start + (lane->flight_to - lane->flight_start) / 2;
        return;
    }
    if (w->rejected++ >= REJECTED_MAX || move_flight_aside(lane)) {
        away_enter(w, why);
        return;
    }
    lane->skip_to = lane->flight_to;
}

void reject_passed(struct lane *lane)
{
    lane->skip_to = 0;
    lane->limit_to = 0;
    if (lane->pg_pos >= lane->refused_to)
        lane->refused_to = 0;
}
