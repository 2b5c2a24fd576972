/* One Identify per key and 5 s, and never the last of the day's budget: an exhausted budget resets
 * the bot's token. Called by shard_gate.c.
 * Diagnostics: none; the caller tells the operator. */
#include "idgate.h"

#include <string.h>

/* How long a shard may sit on the gate: longer than any connection attempt. */
#define HOLD_MAX_MS 60000

void idgate_init(struct idgate *g)
{
    memset(g, 0, sizeof(*g));
    g->concurrency = 1;
}

void idgate_budget(struct idgate *g, monoms_t now, uint32_t total, uint32_t remaining,
                   int64_t reset_after_ms, unsigned concurrency)
{
    g->budget_known = true;
    g->total = total;
    g->remaining = remaining;
    g->reserve = total / 10 < IDGATE_RESERVE_MAX ? total / 10 : IDGATE_RESERVE_MAX;
    g->refill_at.ms = now.ms + reset_after_ms;
    if (concurrency == 0)
        concurrency = 1;
    g->concurrency = concurrency < SHM_SHARDS_MAX ? concurrency : SHM_SHARDS_MAX;
}

enum idgate_verdict idgate_take(struct idgate *g, monoms_t now, unsigned shard,
                                monoms_t *retry_at_r)
{
    unsigned key = shard % g->concurrency;

    if (g->budget_known && now.ms >= g->refill_at.ms && g->remaining < g->total)
        g->remaining = g->total;
    if (g->budget_known && g->remaining <= g->reserve) {
        *retry_at_r = g->refill_at;
        return IDGATE_EXHAUSTED;
    }
    if (g->held[key] && g->holder[key] == shard)
        return IDGATE_NOW;
    if (g->free_at[key].ms > now.ms) {
        *retry_at_r = g->free_at[key];
        return IDGATE_WAIT;
    }
    g->held[key] = true;
    g->holder[key] = shard;
    g->free_at[key].ms = now.ms + HOLD_MAX_MS;
    return IDGATE_NOW;
}

void idgate_used(struct idgate *g, monoms_t now, unsigned shard)
{
    unsigned key = shard % g->concurrency;

    g->held[key] = false;
    g->free_at[key].ms = now.ms + IDGATE_KEY_MS;
    if (g->budget_known && g->remaining > 0)
        g->remaining--;
}

void idgate_release(struct idgate *g, unsigned shard)
{
    unsigned key = shard % g->concurrency;

    if (!g->held[key] || g->holder[key] != shard)
        return;
    g->held[key] = false;
    g->free_at[key].ms = 0;
}
