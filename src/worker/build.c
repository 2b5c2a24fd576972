/* Choosing what the next batch of a lane holds: the spool's oldest frame if there is one, else the
 * ring from its tail on. Called by flush.
 * Diagnostics: alerts for damage and for a database that stands elsewhere than it should. */
#include "presence/log.h"
#include "worker/reject.h"
#include "worker/worker.h"

/* --- where PostgreSQL stands ----------------------------------------------------------------- */

bool build_position(struct lane *lane, uint64_t epoch, uint64_t position)
{
    uint64_t ours = lane->w->shm.header->epoch, head = ring_head(&lane->ring);
    bool moved = false;

    lane->pg_known = true;
    lane->pg_empty = epoch == 0;
    lane->pg_epoch = epoch;
    lane->pg_pos = position;
    if (epoch == ours && position > ring_tail(&lane->ring) && position <= head) {
        ring_set_tail(&lane->ring, position);
        moved = true;
    }
    if (epoch == ours && position <= head)
        seen_committed(&lane->w->shm, lane->number, position);
    if (epoch == ours && position > head && !lane->gap_told) {
        lane->gap_told = true;
        worker_alert(lane->w,
                     "lane %u: the database stands at %llu, behind our end %llu: another instance "
                     "writes into it?",
                     lane->number, (unsigned long long)position, (unsigned long long)head);
    }
    return moved;
}

/* The position a batch must name to be taken: where PostgreSQL stands. Differs from where our
 * records begin only if the database lost what it had confirmed. */
static uint64_t wire_from(struct lane *lane, uint64_t epoch, uint64_t from)
{
    uint64_t at = !lane->pg_known           ? from
                  : lane->pg_epoch == epoch ? lane->pg_pos
                  : lane->pg_epoch < epoch  ? 0
                                            : from;

    if (at < from && !lane->gap_told) {
        lane->gap_told = true;
        atomic_store(&lane->ring.lane->lost, 1);
        worker_alert(
            lane->w,
            "lane %u: the database stands at %llu, but what lies before %llu was confirmed "
            "and is gone: it lost committed data",
            lane->number, (unsigned long long)at, (unsigned long long)from);
    }
    return at;
}

/* --- ends of a batch ------------------------------------------------------------------------- */

/* Whether the batch ends before h, or (after h was added) behind it. */
static bool ends_before(struct lane *lane, const struct record_header *h)
{
    return !batch_room(lane->w->batch, h);
}

static bool ends_behind(struct lane *lane, const struct record_header *h, uint64_t pos)
{
    if (!(h->flags & RECORD_EVENT_END) && h->session)
        return false;
    lane->flight_events++;
    return batch_full(lane->w->batch) || (lane->limit_to && pos >= lane->limit_to);
}

static void begin(struct lane *lane, uint64_t epoch)
{
    batch_next(lane->w->batch);
    lane->flight_epoch = epoch;
    lane->flight_events = 0;
}

static void finish(struct lane *lane, uint64_t from, uint64_t to, bool from_spool)
{
    lane->flight_from = wire_from(lane, lane->flight_epoch, from);
    lane->flight_start = from;
    lane->flight_to = to;
    lane->from_spool = from_spool;
    offsets_reset(&lane->flight_offsets);
    for (size_t i = 0; i < batch_offsets(lane->w->batch)->count; i++)
        offsets_raise(&lane->flight_offsets, batch_offsets(lane->w->batch)->list[i].session,
                      batch_offsets(lane->w->batch)->list[i].seq);
}

/* --- from the ring --------------------------------------------------------------------------- */

static bool build_from_ring(struct lane *lane)
{
    uint64_t from = ring_tail(&lane->ring), head = ring_head(&lane->ring), pos = from;

    if (from == head)
        return false;
    begin(lane, lane->w->shm.header->epoch);
    if (lane->skip_to > from && lane->skip_to <= head)
        pos = lane->skip_to;
    while (pos < head && !lane->skip_to) {
        uint64_t before = pos;
        const char *bad = NULL;
        const struct record_header *h = ring_next(&lane->ring, &pos, head, &bad);

        if (!h && bad) {
            atomic_store(&lane->ring.lane->lost, 1);
            worker_alert(lane->w, "lane %u: no record at position %llu (%s); %llu slots are lost",
                         lane->number, (unsigned long long)before, bad,
                         (unsigned long long)(head - before));
            pos = head;
        }
        if (!h)
            break;
        if (ends_before(lane, h)) {
            pos = before;
            break;
        }
        batch_add(lane->w->batch, h);
        if (ends_behind(lane, h, pos))
            break;
    }
    finish(lane, from, pos, false);
    if (pos == head)
        lane_appended(lane, &lane->flight_offsets);
    return true;
}

/* --- from the spool -------------------------------------------------------------------------- */

static void drop_frame(struct lane *lane, const struct spool_frame *frame)
{
    disk_enter(lane->w);
    if (spool_drop(lane->spool, frame->epoch, frame->to))
        log_error("spool_drop", "lane %u: %m", lane->number);
    if (spool_empty(lane->spool)) {
        lane->ring.lane->spooled_to = 0;
        if (lane->seeds_due)
            seeds_ask(lane->w);
    }
}

/* The oldest frame that PostgreSQL has not got; false if there is none. */
static bool peek_wanted(struct lane *lane, struct spool_frame *frame)
{
    int got;

    while ((got = spool_peek(lane->spool, frame)) == 1) {
        if (lane->pg_known && lane->pg_epoch == frame->epoch && lane->pg_pos >= frame->to) {
            drop_frame(lane, frame);
            continue;
        }
        if (lane->pg_known && lane->pg_epoch > frame->epoch &&
            frame->epoch < lane->w->shm.header->epoch) {
            worker_alert(lane->w,
                         "lane %u: %llu spooled slots belong to an older epoch than the database "
                         "has; moved aside",
                         lane->number, (unsigned long long)(frame->to - frame->from));
            if (reject_slots(lane, frame->slots, frame->to - frame->from))
                return false;
            drop_frame(lane, frame);
            continue;
        }
        return true;
    }
    if (got < 0)
        log_error("spool_read", "lane %u: %m", lane->number);
    return false;
}

static bool build_from_spool(struct lane *lane)
{
    struct spool_frame frame;
    uint64_t pos, start;

    if (!peek_wanted(lane, &frame))
        return false;
    start = frame.from;
    if (lane->pg_known && lane->pg_epoch == frame.epoch && lane->pg_pos > start)
        start = lane->pg_pos;
    begin(lane, frame.epoch);
    lane->flight_frame_to = frame.to;
    pos = lane->skip_to > start && lane->skip_to <= frame.to ? lane->skip_to : start;
    while (pos < frame.to && !lane->skip_to) {
        const struct record_header *h =
            (const void *)(frame.slots + (pos - frame.from) * RECORD_SLOT_SIZE);
        const char *bad = record_check(h, (uint32_t)(frame.to - pos));

        if (bad) {
            atomic_store(&lane->ring.lane->lost, 1);
            worker_alert(lane->w, "spool of lane %u: no record at position %llu (%s)", lane->number,
                         (unsigned long long)pos, bad);
            pos = frame.to;
            break;
        }
        if (h->type != RECORD_PAD && ends_before(lane, h))
            break;
        pos += h->slots;
        batch_add(lane->w->batch, h);
        if (h->type != RECORD_PAD && ends_behind(lane, h, pos))
            break;
    }
    finish(lane, start, pos, true);
    return true;
}

bool build_batch(struct lane *lane)
{
    if (lane->spool && !spool_empty(lane->spool)) {
        if (build_from_spool(lane))
            return true;
        if (!spool_empty(lane->spool))
            return false; /* what is behind it must wait */
    }
    return build_from_ring(lane);
}
