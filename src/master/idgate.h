/* The identify gate: when a shard may identify (Discord gateway.md §10). Pure: time is given. */
#ifndef PRESENCE_MASTER_IDGATE_H
#define PRESENCE_MASTER_IDGATE_H

#include <stdbool.h>
#include <stdint.h>

#include "presence/clock.h"
#include "presence/seen_shm.h"

/* One Identify per key in this time: Discord's 5 s from arrival to arrival, and what one Identify
 * may be longer on its way than the next. Too early costs one of the day's budget. */
#define IDGATE_KEY_MS 5250

/* Identifies that are kept for a human with a problem: at most a tenth of the day's. */
#define IDGATE_RESERVE_MAX 25u

struct idgate {
    unsigned concurrency; /* keys; at least 1 */
    bool budget_known;
    uint32_t total, remaining, reserve;
    monoms_t refill_at;
    monoms_t free_at[SHM_SHARDS_MAX]; /* per key */
    bool held[SHM_SHARDS_MAX];        /* given to a shard that has not used it yet */
    unsigned holder[SHM_SHARDS_MAX];
};

enum idgate_verdict { IDGATE_NOW, IDGATE_WAIT, IDGATE_EXHAUSTED };

void idgate_init(struct idgate *g);
/* From /gateway/bot. */
void idgate_budget(struct idgate *g, monoms_t now, uint32_t total, uint32_t remaining,
                   int64_t reset_after_ms, unsigned concurrency);
/* May the shard identify? NOW: it holds the gate until used or released. WAIT and EXHAUSTED: ask
 * again at *retry_at_r, or earlier when somebody released. */
enum idgate_verdict idgate_take(struct idgate *g, monoms_t now, unsigned shard,
                                monoms_t *retry_at_r);
void idgate_used(struct idgate *g, monoms_t now, unsigned shard);
void idgate_release(struct idgate *g, unsigned shard);

#endif
