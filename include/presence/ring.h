/* A lane's ring of records (protocol: seen_shm.h). One process at a time, the lane's owner. */
#ifndef PRESENCE_RING_H
#define PRESENCE_RING_H

#include <stdbool.h>

#include "presence/record.h"
#include "presence/shm.h"

/* Records being put together before they are published: whole slots, in order. */
struct record_list {
    unsigned char *slots; /* owned; 8-byte aligned */
    uint32_t count;       /* slots used */
    uint32_t cap;
    uint32_t last; /* slot of the last record; valid if count > 0 */
};

void record_list_init(struct record_list *list);
void record_list_clear(struct record_list *list); /* frees */
void record_list_reset(struct record_list *list);
/* Appends a zeroed record of the type with room for tail_len bytes; its header is filled in
 * (session and seq too). The pointer is valid until the next append. */
void *record_list_add(struct record_list *list, uint16_t type, uint64_t session, uint64_t seq,
                      size_t tail_len);
char *record_list_tail(struct record_list *list, void *record); /* where the tail goes */

/* Takes the records of a type out; what is left ends the event. */
void record_list_drop(struct record_list *list, uint16_t type);

struct ring {
    const struct shm *shm;
    struct shm_lane *lane;
    unsigned char *slots;
    uint32_t size; /* slots */
    unsigned number;
    unsigned session_hint; /* the place in lane->sessions that was used last */
};

void ring_init(struct ring *ring, const struct shm *shm, unsigned lane);
uint64_t ring_head(const struct ring *ring);
uint64_t ring_tail(const struct ring *ring);
uint32_t ring_free_slots(const struct ring *ring);

/* Publishes records [first, count) of list by one store of the head, as far as whole records fit;
 * all or nothing unless `partly`. Returns the slots of the list taken (0: no room). When the last
 * of them carries RECORD_EVENT_END, appended[session] is raised after the head. */
uint32_t ring_append(struct ring *ring, const struct record_list *list, uint32_t first,
                     bool partly);

/* The record at position *pos and steps *pos over it (padding is stepped over too). NULL at `to`,
 * or with *bad_r (static text) if the bytes there are no record. */
const struct record_header *ring_next(const struct ring *ring, uint64_t *pos, uint64_t to,
                                      const char **bad_r);
void ring_set_tail(struct ring *ring, uint64_t tail);

/* Highest seq of the session that this lane has seen; 0 = none. */
uint64_t ring_appended(const struct ring *ring, uint64_t session);
/* Raises it; makes room by forgetting the oldest session if all places are taken. */
void ring_raise_appended(struct ring *ring, uint64_t session, uint64_t seq);

/* Taking a lane over: checks tail..head, raises appended[] from the records and hands each to
 * apply. Returns 0, or -1 with *bad_r: the lane is damaged from *bad_pos_r on. */
int ring_recover(struct ring *ring, void (*apply)(void *arg, const struct record_header *h),
                 void *arg, const char **bad_r, uint64_t *bad_pos_r);

#endif
