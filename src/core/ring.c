/* A lane's ring: the worker's only write-ahead log. Called by the worker that owns the lane, for
 * each event and each flush, and by whoever takes a lane over.
 *
 * A record never wraps: what would is preceded by a RECORD_PAD that fills the ring up to its end.
 *
 * Diagnostics: a damaged lane is reported to the caller; moving a tail backwards or past the head
 * is fatal. */
#include "presence/ring.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "presence/buf.h"
#include "presence/log.h"

/* --- lists ----------------------------------------------------------------------------------- */

void record_list_init(struct record_list *list)
{
    *list = (struct record_list){0};
}

void record_list_clear(struct record_list *list)
{
    free(list->slots);
    record_list_init(list);
}

void record_list_reset(struct record_list *list)
{
    list->count = 0;
}

void *record_list_add(struct record_list *list, uint16_t type, uint64_t session, uint64_t seq,
                      size_t tail_len)
{
    uint32_t fixed = record_fixed_size(type), slots;
    struct record_header *h;

    if (fixed == 0 || tail_len > RECORD_MAX_SLOTS * RECORD_SLOT_SIZE - fixed)
        fatal("record_list_add", "record of type %u with a tail of %zu bytes", type, tail_len);
    slots = record_slots_for(fixed + (uint32_t)tail_len);
    if (list->cap - list->count < slots) {
        list->cap = list->cap ? list->cap * 2 : 2 * RECORD_MAX_SLOTS;
        list->slots = xrealloc(list->slots, (size_t)list->cap * RECORD_SLOT_SIZE);
    }
    h = (void *)(list->slots + (size_t)list->count * RECORD_SLOT_SIZE);
    memset(h, 0, slots * RECORD_SLOT_SIZE);
    *h = (struct record_header){.type = type,
                                .slots = (uint16_t)slots,
                                .tail_len = (uint16_t)tail_len,
                                .session = session,
                                .seq = seq};
    list->last = list->count;
    list->count += slots;
    return h;
}

char *record_list_tail(struct record_list *list, void *record)
{
    const struct record_header *h = record;

    (void)list;
    return (char *)record + record_fixed_size(h->type);
}

/* --- positions ------------------------------------------------------------------------------- */

void record_list_drop(struct record_list *list, uint16_t type)
{
    uint32_t to = 0, at = 0;

    while (at < list->count) {
        unsigned char *from = list->slots + (size_t)at * RECORD_SLOT_SIZE;
        const struct record_header *h = (const void *)from;
        uint32_t slots = h->slots;

        if (h->type != type) {
            list->last = to;
            memmove(list->slots + (size_t)to * RECORD_SLOT_SIZE, from,
                    (size_t)slots * RECORD_SLOT_SIZE);
            to += slots;
        }
        at += slots;
    }
    list->count = to;
    if (to > 0) {
        struct record_header *last = (void *)(list->slots + (size_t)list->last * RECORD_SLOT_SIZE);

        last->flags |= RECORD_EVENT_END;
    }
}

void ring_init(struct ring *ring, const struct shm *shm, unsigned lane)
{
    *ring = (struct ring){.shm = shm, .lane = shm_lane(shm, lane), .number = lane};
    ring->size = shm->header->ring_slots;
    ring->slots = (unsigned char *)shm_at(shm, shm->header->rings_offset) +
                  (size_t)lane * ring->size * RECORD_SLOT_SIZE;
}

uint64_t ring_head(const struct ring *ring)
{
    return atomic_load_explicit(&ring->lane->head, memory_order_acquire);
}

uint64_t ring_tail(const struct ring *ring)
{
    return atomic_load_explicit(&ring->lane->tail, memory_order_acquire);
}

uint32_t ring_free_slots(const struct ring *ring)
{
    uint64_t used = ring_head(ring) - ring_tail(ring);

    return used > ring->size ? 0 : ring->size - (uint32_t)used;
}

void ring_set_tail(struct ring *ring, uint64_t tail)
{
    uint64_t old = ring_tail(ring), head = ring_head(ring);

    if (tail < old || tail > head)
        fatal("ring_set_tail", "lane %u: tail %" PRIu64 " wanted, expected %" PRIu64 " to %" PRIu64,
              ring->number, tail, old, head);
    atomic_store_explicit(&ring->lane->tail, tail, memory_order_release);
}

static struct record_header *slot_at(const struct ring *ring, uint32_t index)
{
    return (void *)(ring->slots + (size_t)index * RECORD_SLOT_SIZE);
}

/* --- writing --------------------------------------------------------------------------------- */

/* Where the next records go while they are copied, before the head says so. */
struct cursor {
    uint64_t pos;
    uint32_t index, free;
};

static void copy_slots(const struct ring *ring, struct cursor *c, const unsigned char *from,
                       uint32_t n)
{
    memcpy(slot_at(ring, c->index), from, (size_t)n * RECORD_SLOT_SIZE);
    c->pos += n;
    c->free -= n;
    c->index = c->index + n == ring->size ? 0 : c->index + n;
}

static void put_pad(const struct ring *ring, struct cursor *c, uint32_t n)
{
    *slot_at(ring, c->index) = (struct record_header){.type = RECORD_PAD, .slots = (uint16_t)n};
    c->pos += n;
    c->free -= n;
    c->index = 0;
}

/* Copies records of list from slot `at` on, as far as they fit. Returns the slot reached. Whole
 * runs of records are copied at once; only the end of the ring asks for their bounds. */
static uint32_t copy_records(const struct ring *ring, struct cursor *c,
                             const struct record_list *list, uint32_t at)
{
    while (at < list->count) {
        uint32_t left = list->count - at, to_end = ring->size - c->index;
        uint32_t room = c->free < to_end ? c->free : to_end, run = 0;

        if (left <= room) {
            copy_slots(ring, c, list->slots + (size_t)at * RECORD_SLOT_SIZE, left);
            return list->count;
        }
        while (run < left) {
            const struct record_header *h =
                (const void *)(list->slots + (size_t)(at + run) * RECORD_SLOT_SIZE);

            if (run + h->slots > room)
                break;
            run += h->slots;
        }
        if (run > 0) {
            copy_slots(ring, c, list->slots + (size_t)at * RECORD_SLOT_SIZE, run);
            at += run;
            continue;
        }
        if (c->free <= to_end) /* the ring is full before its end is reached */
            return at;
        put_pad(ring, c, to_end);
    }
    return at;
}

uint32_t ring_append(struct ring *ring, const struct record_list *list, uint32_t first, bool partly)
{
    uint64_t head = ring_head(ring);
    struct cursor c = {
        .pos = head, .index = (uint32_t)(head % ring->size), .free = ring_free_slots(ring)};
    const struct record_header *last;
    uint32_t reached;

    if (first >= list->count)
        return 0;
    reached = copy_records(ring, &c, list, first);
    if (reached == first || (reached < list->count && !partly))
        return 0;
    atomic_store_explicit(&ring->lane->head, c.pos, memory_order_release);
    last = (const void *)(list->slots + (size_t)list->last * RECORD_SLOT_SIZE);
    if (reached == list->count && (last->flags & RECORD_EVENT_END) && last->session)
        ring_raise_appended(ring, last->session, last->seq);
    return reached - first;
}

/* --- reading --------------------------------------------------------------------------------- */

const struct record_header *ring_next(const struct ring *ring, uint64_t *pos, uint64_t to,
                                      const char **bad_r)
{
    *bad_r = NULL;
    while (*pos < to) {
        uint32_t index = (uint32_t)(*pos % ring->size), to_end = ring->size - index;
        uint32_t available = to - *pos < to_end ? (uint32_t)(to - *pos) : to_end;
        const struct record_header *h = slot_at(ring, index);

        if ((*bad_r = record_check(h, available)))
            return NULL;
        *pos += h->slots;
        if (h->type != RECORD_PAD)
            return h;
    }
    return NULL;
}

int ring_recover(struct ring *ring, void (*apply)(void *arg, const struct record_header *h),
                 void *arg, const char **bad_r, uint64_t *bad_pos_r)
{
    uint64_t head = ring_head(ring), pos = ring_tail(ring);
    const struct record_header *h;

    *bad_pos_r = pos;
    if (pos > head || head - pos > ring->size) {
        *bad_r = "tail and head do not belong together: expected tail <= head <= tail + size";
        return -1;
    }
    while ((h = ring_next(ring, &pos, head, bad_r))) {
        if ((h->flags & RECORD_EVENT_END) && h->session)
            ring_raise_appended(ring, h->session, h->seq);
        if (apply)
            apply(arg, h);
        *bad_pos_r = pos;
    }
    return *bad_r ? -1 : 0;
}

/* --- what was seen --------------------------------------------------------------------------- */

static uint64_t session_at(const struct shm_session_seq *place)
{
    return __atomic_load_n(&place->session, __ATOMIC_ACQUIRE);
}

static struct shm_session_seq *find_session(const struct ring *ring, uint64_t session)
{
    struct shm_session_seq *places = ring->lane->sessions;

    if (session_at(&places[ring->session_hint]) == session)
        return &places[ring->session_hint];
    for (unsigned i = 0; i < SHM_SESSIONS_MAX; i++)
        if (session_at(&places[i]) == session)
            return &places[i];
    return NULL;
}

/* A free place, or that of the oldest session: numbers grow. */
static struct shm_session_seq *make_place(const struct ring *ring)
{
    struct shm_session_seq *oldest = &ring->lane->sessions[0];

    for (unsigned i = 0; i < SHM_SESSIONS_MAX; i++) {
        struct shm_session_seq *place = &ring->lane->sessions[i];

        if (session_at(place) == 0)
            return place;
        if (session_at(place) < session_at(oldest))
            oldest = place;
    }
    return oldest;
}

uint64_t ring_appended(const struct ring *ring, uint64_t session)
{
    const struct shm_session_seq *place = session ? find_session(ring, session) : NULL;

    return place ? atomic_load_explicit(&place->appended, memory_order_acquire) : 0;
}

void ring_raise_appended(struct ring *ring, uint64_t session, uint64_t seq)
{
    struct shm_session_seq *place;

    if (session == 0)
        return;
    if (!(place = find_session(ring, session))) {
        place = make_place(ring);
        /* Whoever dies in between leaves a free place, not one session's seq under another's. */
        __atomic_store_n(&place->session, 0, __ATOMIC_RELEASE);
        atomic_store_explicit(&place->appended, 0, memory_order_release);
        __atomic_store_n(&place->session, session, __ATOMIC_RELEASE);
    }
    ring->session_hint = (unsigned)(place - ring->lane->sessions);
    if (atomic_load_explicit(&place->appended, memory_order_relaxed) < seq)
        atomic_store_explicit(&place->appended, seq, memory_order_release);
}
