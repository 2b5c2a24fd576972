/* What a lane still has to be told: its events from the first that no worker has acknowledged.
 * Pure: bytes in order, no channel, no clock. */
#ifndef PRESENCE_MASTER_LANEQ_H
#define PRESENCE_MASTER_LANEQ_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "presence/framepool.h"

/* A worker's death counts so much against the event that was first unacknowledged in its lane.
 * A crash or a hang is the event's doing, as far as one can tell; somebody else's SIGKILL hardly.
 */
#define LANEQ_BLAME_CRASH   4u
#define LANEQ_BLAME_KILLED  1u
#define LANEQ_BLAME_SUSPECT 4u /* from here on the event is delivered alone */
#define LANEQ_BLAME_POISON  8u /* from here on it is put into quarantine */

struct laneq_chunk;

/* Shared by all lanes. */
struct laneq_pool {
    size_t bytes;            /* of all lanes' queues */
    uint64_t events;         /* not acknowledged */
    struct framepool frames; /* where events lie; one that has no room there, in the heap */
};

struct laneq {
    struct laneq_chunk *first, *last;
    struct laneq_chunk *send_chunk; /* where the next event to send lies; NULL: nothing was added */
    uint32_t first_at, send_at;     /* offsets in their chunks */
    uint64_t next_n;                /* number of the next event added; counts from 1 */
    uint64_t acked_n;
    uint64_t sent_n;
    size_t bytes;   /* of the chunks that hold something not acknowledged */
    unsigned blame; /* of the first event; see LANEQ_BLAME_* */
};

void laneq_init(struct laneq *q);
void laneq_clear(struct laneq *q, struct laneq_pool *pool);

/* Keeps an event; gives it its number. */
void laneq_add(struct laneq *q, struct laneq_pool *pool, const struct msg_event *head,
               const void *frame, size_t len);

/* The next event to send, or NULL; laneq_sent steps over it. */
struct framepool_event *laneq_peek(const struct laneq *q);
void laneq_sent(struct laneq *q);

static inline bool laneq_unacked(const struct laneq *q)
{
    return q->sent_n > q->acked_n;
}
static inline bool laneq_empty(const struct laneq *q)
{
    return q->next_n - 1 == q->acked_n;
}

/* Everything up to n is acknowledged. -1 if n was never sent (the worker is out of its mind). */
int laneq_ack(struct laneq *q, struct laneq_pool *pool, uint64_t n);

/* The owner is gone: what he did not acknowledge goes to the next one, flagged. */
void laneq_rewind(struct laneq *q);
/* Before laneq_rewind, when the owner died: blames the first unacknowledged event. True if that
 * makes it poison: quarantine laneq_first and entomb it. */
bool laneq_blame(struct laneq *q, unsigned blame);
struct framepool_event *laneq_first(struct laneq *q); /* first not acknowledged; NULL = none */
/* Puts a harmless event in its place, of the same session and seq: the lane counts it as seen, and
 * a replay after a restart does not bring the poison back. */
void laneq_entomb_first(struct laneq *q);

#endif
