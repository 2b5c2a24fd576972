/* Owning a lane: the grant, events into the ring, acknowledging, the release. Called by main for
 * each message that names a lane, by flush when room was made.
 * Order per event: ring (ring_append), table (seen_apply), acknowledgement; see ARCHITECTURE.md.
 * Diagnostics: errors for frames that cannot be interpreted (rate-limited) and damaged lanes. */
#include <stdlib.h>
#include <string.h>

#include "presence/log.h"
#include "worker/copies.h"
#include "worker/load.h"
#include "worker/react.h"
#include "worker/reset.h"
#include "worker/worker.h"

#define ERRORS_PER_MINUTE 20u

/* --- acknowledging --------------------------------------------------------------------------- */

static void flush_counters(struct worker *w)
{
    if (w->counted_events)
        shm_count(&w->shm, SHM_COUNT_EVENTS, w->counted_events);
    if (w->counted_sightings)
        shm_count(&w->shm, SHM_COUNT_SIGHTINGS, w->counted_sightings);
    if (w->counted_duplicates)
        shm_count(&w->shm, SHM_COUNT_DUPLICATES, w->counted_duplicates);
    w->counted_events = w->counted_sightings = w->counted_duplicates = 0;
}

void lane_send_acks(struct worker *w)
{
    flush_counters(w);
    w->unacked = 0;
    loop_timer_stop(w->ack_timer);
    for (unsigned i = 0; i < LANES; i++) {
        struct lane *lane = w->lanes[i];
        struct msg_id id;

        if (!lane || lane->ack_n == lane->ack_sent)
            continue;
        id.id = lane->ack_sent = lane->ack_n;
        ipc_send(w->ipc, MSG_EVENT_ACK, (uint16_t)i, &id, sizeof(id), NULL, 0);
        /* Events that left no record are durable with nothing to wait for. */
        if (lane->state == LANE_OWNED && ring_head(&lane->ring) == ring_tail(&lane->ring))
            lane_report_all_durable(lane);
    }
}

/* Acknowledgements wait to be sent together. Not for an event that was delivered before: the master
 * may be waiting with all others until this one is known to be harmless. */
static void acknowledge(struct lane *lane, const struct msg_event *event)
{
    struct worker *w = lane->w;

    lane->ack_n = event->n;
    atomic_store_explicit(&lane->ring.lane->taken_n, event->n, memory_order_release);
    if (++w->unacked >= ACK_EVENTS)
        lane_send_acks(w);
    else if (event->flags & MSG_EVENT_REDELIVERED)
        loop_timer_set(w->ack_timer, 0);
    else if (w->unacked == 1)
        loop_timer_set(w->ack_timer, ACK_MS);
}

void lane_report_durable(struct lane *lane, const struct offsets *offsets)
{
    for (size_t i = 0; i < offsets->count; i++) {
        struct msg_durable durable = {offsets->list[i].session, offsets->list[i].seq};

        if (offsets_raise(&lane->durable, durable.session, durable.seq) || lane->replayed)
            ipc_send(lane->w->ipc, MSG_DURABLE, (uint16_t)lane->number, &durable, sizeof(durable),
                     NULL, 0);
    }
}

void lane_appended(const struct lane *lane, struct offsets *offsets_r)
{
    for (unsigned i = 0; i < SHM_SESSIONS_MAX; i++) {
        const struct shm_session_seq *s = &lane->ring.lane->sessions[i];

        if (s->session)
            offsets_raise(offsets_r, s->session, atomic_load(&s->appended));
    }
}

void lane_report_all_durable(struct lane *lane)
{
    struct offsets all = {0};

    lane_appended(lane, &all);
    lane_report_durable(lane, &all);
    lane->replayed = false;
    offsets_clear(&all);
}

/* --- events ---------------------------------------------------------------------------------- */

void lane_apply(struct lane *lane, const struct record_header *h)
{
    bool inserted = false;
    struct seen_row *row = seen_apply(&lane->w->shm, h, lane->w->slot, &inserted);

    if (!row)
        return;
    /* In the lane is as good as in the store: what a member is need not be recorded again. */
    if (h->type == RECORD_MEMBER)
        row->flags |= SEEN_RECORDED;
    else if (h->type == RECORD_MEMBER_LEFT)
        row->flags &= (uint16_t)~SEEN_RECORDED;
    else if (h->type == RECORD_VOICE)
        react_record(lane, h);
    if (inserted)
        load_row(lane, row);
}

static const struct record_header *record_at(const struct record_list *list, uint32_t at)
{
    return (const void *)(list->slots + (size_t)at * RECORD_SLOT_SIZE);
}

/* The rows of a catalogue's next members, all of them cache misses otherwise. Returns the slot
 * behind them. */
static uint32_t fetch_rows(const struct shm *shm, const struct record_list *list, uint32_t first,
                           uint32_t end)
{
    struct seen_key keys[SEEN_FETCH_MAX];
    uint32_t at = first;
    unsigned n = 0;

    for (unsigned i = 0; i < SEEN_FETCH_MAX && at < end; i++) {
        const struct record_header *h = record_at(list, at);
        const struct record_member *m = (const void *)h;

        at += h->slots;
        if (h->type == RECORD_MEMBER)
            keys[n++] = (struct seen_key){m->guild, m->user};
    }
    if (n > 1)
        seen_fetch(shm, keys, n);
    return at;
}

static void apply_list(struct lane *lane, const struct record_list *list, uint32_t first,
                       uint32_t end)
{
    uint32_t fetched = first;

    while (first < end) {
        const struct record_header *h = record_at(list, first);

        if (first == fetched)
            fetched = fetch_rows(&lane->w->shm, list, first, end);
        lane_apply(lane, h);
        lane->w->counted_sightings += h->type == RECORD_SIGHTING && !(h->flags & RECORD_FOUND);
        first += h->slots;
    }
}

static void note_error(struct lane *lane, const struct msg_event *event, const char *frame,
                       size_t len, const char *error)
{
    struct worker *w = lane->w;
    monoms_t now = clock_mono();
    bool name_ok = event->t_off <= len && event->t_len <= len - event->t_off;

    if (now.ms - w->errors_since.ms > 60000) {
        w->errors_since = now;
        w->errors_said = 0;
    }
    if (w->errors_said++ < ERRORS_PER_MINUTE)
        log_error("event_refused", "%.*s, seq %llu of session %llu in lane %u: %s",
                  name_ok ? (int)(event->t_len > 64 ? 64 : event->t_len) : 0,
                  name_ok ? frame + event->t_off : "", (unsigned long long)event->seq,
                  (unsigned long long)event->session, lane->number, error);
}

/* Publishes what is left of lane->partial. True when all of it is in the ring. */
static bool append_partial(struct lane *lane)
{
    uint32_t taken = ring_append(&lane->ring, &lane->partial, lane->partial_first, true);

    if (taken) {
        apply_list(lane, &lane->partial, lane->partial_first, lane->partial_first + taken);
        lane->partial_first += taken;
        flush_note(lane);
    }
    return lane->partial_first == lane->partial.count;
}

/* A copy no larger than what is left: 64 lanes may wait with one each. */
static void keep_rest(struct lane *lane, const struct record_list *list, uint32_t first)
{
    uint32_t rest = list->count - first;

    record_list_clear(&lane->partial);
    lane->partial = (struct record_list){.slots = xmalloc((size_t)rest * RECORD_SLOT_SIZE),
                                         .count = rest,
                                         .cap = rest,
                                         .last = list->last - first};
    memcpy(lane->partial.slots, record_at(list, first), (size_t)rest * RECORD_SLOT_SIZE);
    lane->partial_first = 0;
}

/* The event's records into the ring. False: no room, or not for all of them yet. */
static bool append_event(struct lane *lane, struct worker *w, const struct msg_event *event,
                         const struct event_result *result)
{
    bool partly = (result->flags & EVENT_IDEMPOTENT) != 0;
    uint32_t taken = ring_append(&lane->ring, &w->list, 0, partly);

    if (taken) {
        apply_list(lane, &w->list, 0, taken);
        flush_note(lane);
    }
    if (taken == w->list.count) {
        delay_mark(&lane->delay, ring_head(&lane->ring), event->arrival_ms);
        return true;
    }
    if (partly)
        keep_rest(lane, &w->list, taken);
    return false;
}

/* True when the event was taken (it may be acknowledged then). */
static bool take_event(struct lane *lane, const struct event_ahead *ahead, const char *frame,
                       size_t len)
{
    const struct msg_event *event = event_head(ahead);
    struct worker *w = lane->w;
    struct event_result result = {0};
    const char *error = NULL;

    if (event->seq && event->seq <= ring_appended(&lane->ring, event->session)) {
        w->counted_duplicates++;
        lane->replayed = true;
        return true;
    }
    if (!known_before(lane, event, frame, len))
        return false;
    if (event_interpret_read(w->events, ahead, &w->list, &result, &error)) {
        note_error(lane, event, frame, len, error ? error : "not understood");
        record_list_reset(&w->list);
        ring_raise_appended(&lane->ring, event->session, event->seq);
        return true;
    }
    if (event->flags & MSG_EVENT_GATED)
        record_list_drop(&w->list, RECORD_SIGHTING);
    if (w->list.count == 0)
        ring_raise_appended(&lane->ring, event->session, event->seq);
    else if (!append_event(lane, w, event, &result)) {
        if (lane->partial.count > lane->partial_first)
            react(lane, event, frame, &result); /* its records are on their way */
        return false;
    }
    if (result.flags)
        react(lane, event, frame, &result);
    return true;
}

static void hold(struct lane *lane, const struct msg_event *event, const char *frame, size_t len)
{
    struct held *held = xmalloc(sizeof(*held) + len + 1);

    held->next = NULL;
    held->event = *event;
    held->len = len;
    memcpy(held->frame, frame, len);
    held->frame[len] = '\0';
    known_before(lane, event, frame, len); /* so that it is known when its turn comes */
    *lane->held_end = held;
    lane->held_end = &held->next;
}

static void drop_first_held(struct lane *lane)
{
    struct held *held = lane->held;

    lane->held = held->next;
    if (!lane->held)
        lane->held_end = &lane->held;
    free(held);
}

/* A session number begins with the ms of its start. */
static bool must_wait(const struct lane *lane, const struct msg_event *event)
{
    return lane->fresh && event->session >> 8 < lane->w->shm.header->epoch;
}

void lane_event(struct worker *w, unsigned number, const struct event_ahead *ahead,
                const char *frame, size_t len)
{
    const struct msg_event *event = event_head(ahead);
    struct lane *lane = number < LANES ? w->lanes[number] : NULL;

    w->counted_events++;
    if (!lane || lane->state == LANE_RELEASING || w->draining)
        return; /* not acknowledged: goes to the next owner */
    if (lane->held || must_wait(lane, event) || !take_event(lane, ahead, frame, len)) {
        hold(lane, event, frame, len);
        flush_lane(lane);
        return;
    }
    acknowledge(lane, event);
}

/* Takes the oldest held event, as far as there is room. */
static bool take_held(struct lane *lane, const struct held *first)
{
    if (must_wait(lane, &first->event))
        return false;
    if (!lane->partial.count) {
        event_read(lane->w->again, &first->event, first->frame, first->len);
        return take_event(lane, lane->w->again, first->frame, first->len);
    }
    if (!append_partial(lane))
        return false;
    record_list_clear(&lane->partial);
    return true;
}

/* Taking an event may flush the lane, and a flush that made room comes back here: the event at hand
 * must not be taken a second time then. */
void lane_retry_held(struct lane *lane)
{
    if (lane->retrying)
        return;
    lane->retrying = true;
    while (lane->held && lane->state == LANE_OWNED && take_held(lane, lane->held)) {
        acknowledge(lane, &lane->held->event);
        drop_first_held(lane);
    }
    lane->retrying = false;
}

int lane_append(struct lane *lane, const struct record_list *list)
{
    if (lane->state != LANE_OWNED || lane->held ||
        ring_append(&lane->ring, list, 0, false) != list->count)
        return -1;
    apply_list(lane, list, 0, list->count);
    flush_note(lane);
    return 0;
}

/* --- grant and release ----------------------------------------------------------------------- */

static void apply_recovered(void *arg, const struct record_header *h)
{
    lane_apply(arg, h);
}

/* The spool may reach further than the tail: its owner died between the two. */
static void raise_from_frame(void *arg, const struct spool_frame *frame)
{
    struct lane *lane = arg;
    uint64_t epoch = lane->w->shm.header->epoch;
    uint32_t pos = 0, end = (uint32_t)(frame->to - frame->from);

    if (frame->epoch == epoch) {
        if (frame->to > ring_tail(&lane->ring) && frame->to <= ring_head(&lane->ring))
            ring_set_tail(&lane->ring, frame->to);
        lane->ring.lane->spooled_to = frame->to;
    }
    while (pos < end) {
        const struct record_header *h =
            (const void *)(frame->slots + (size_t)pos * RECORD_SLOT_SIZE);

        if (record_check(h, end - pos))
            return; /* reported when it is sent */
        if ((h->flags & RECORD_EVENT_END) && h->session && h->type != RECORD_PAD)
            ring_raise_appended(&lane->ring, h->session, h->seq);
        pos += h->slots;
    }
}

static void open_spool(struct lane *lane)
{
    char *note = NULL, *error = NULL;

    lane->ring.lane->spooled_to = 0;
    disk_enter(lane->w);
    lane->spool = spool_open(lane->w->conf.cache.spool_dir, lane->number, &note, &error);
    if (!lane->spool)
        worker_alert(lane->w, "lane %u has no spool: %s", lane->number,
                     error ? error : "cannot be opened");
    if (note)
        worker_alert(lane->w, "spool of lane %u: %s", lane->number, note);
    free(note);
    free(error);
    if (lane->spool && !spool_empty(lane->spool))
        spool_each(lane->spool, raise_from_frame, lane);
}

static void recover_ring(struct lane *lane)
{
    const char *bad = NULL;
    uint64_t bad_pos = 0;

    if (ring_recover(&lane->ring, apply_recovered, lane, &bad, &bad_pos))
        worker_alert(lane->w, "lane %u is damaged at position %llu: %s", lane->number,
                     (unsigned long long)bad_pos, bad ? bad : "no record there");
}

void lane_grant(struct worker *w, unsigned number)
{
    struct lane *lane;

    if (number >= LANES || w->lanes[number]) {
        log_error("lane_grant", "lane %u was granted to its owner", number);
        return;
    }
    lane = xcalloc(1, sizeof(*lane));
    *lane = (struct lane){.w = w, .number = number, .state = LANE_OWNED};
    lane->held_end = &lane->held;
    record_list_init(&lane->partial);
    w->lanes[number] = lane;
    ring_init(&lane->ring, &w->shm, number);
    atomic_store(&lane->ring.lane->owner, w->slot + 1);
    open_spool(lane);
    recover_ring(lane);
    lane->fresh = !atomic_load(&lane->ring.lane->seeded);
    takeover_ask(w);
    ipc_send(w->ipc, MSG_LANE_OWNED, (uint16_t)number, NULL, 0, NULL, 0);
    if (flush_pending(lane))
        flush_note(lane);
    if (ring_head(&lane->ring) == ring_tail(&lane->ring))
        lane_report_all_durable(lane);
    react_take_lane(lane);
    changes_open(w);
    reset_go_on(w);
}

void lane_revoke(struct worker *w, unsigned number)
{
    struct lane *lane = number < LANES ? w->lanes[number] : NULL;

    if (!lane) {
        ipc_send(w->ipc, MSG_LANE_RELEASED, (uint16_t)number, NULL, 0, NULL, 0);
        return;
    }
    lane->state = LANE_RELEASING;
    lane_try_release(lane);
}

/* What is still in the ring is the successor's work: it lies in shared memory. */
void lane_try_release(struct lane *lane)
{
    struct worker *w = lane->w;
    unsigned number = lane->number;

    if (lane->state != LANE_RELEASING || lane->in_flight)
        return;
    lane_send_acks(w);
    atomic_store(&lane->ring.lane->owner, 0);
    react_forget_lane(lane);
    copies_forget_lane(w, number);
    lane_free(&w->lanes[number]);
    ipc_send(w->ipc, MSG_LANE_RELEASED, (uint16_t)number, NULL, 0, NULL, 0);
    worker_check_drained(w);
}

void lane_free(struct lane **lane)
{
    struct lane *l = *lane;

    if (!l)
        return;
    while (l->held)
        drop_first_held(l);
    record_list_clear(&l->partial);
    spool_close(&l->spool);
    offsets_clear(&l->flight_offsets);
    offsets_clear(&l->durable);
    free(l);
    *lane = NULL;
}
