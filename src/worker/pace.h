/* When a flush is put off: while events come faster than PostgreSQL could follow, the cores belong
 * to reading, and what is in the lanes is safe there (ARCHITECTURE.md). Fewer, larger batches then
 * cost PostgreSQL less per event too. Called by flush.c when its timer runs out; pure. */
#ifndef WORKER_PACE_H
#define WORKER_PACE_H

#include <stdbool.h>
#include <stdint.h>

#define PACE_BUSY_PER_MS 16   /* records logged per ms, of one worker: more than it can write */
#define PACE_WAIT_MAX_MS 1000 /* what was logged never waits longer for its flush to begin */

struct pace {
    uint64_t logged;   /* records, when the timer last ran out */
    int64_t waited_ms; /* since the last flush began, in whole flush_ms; 0 = none was put off */
};

/* logged: records that were ever logged; flush_ms: since the call before, at least. */
bool pace_put_off(struct pace *pace, uint64_t logged, int64_t flush_ms);

#endif
