/* The identify gate of all shards, and the budget it goes by. Called by shard.c.
 * Diagnostics: identify_budget when it is exhausted or cannot be read. */
#include "shard.h"

#include <inttypes.h>
#include <stdlib.h>

#include "presence/log.h"

#define BUDGET_STALE_MS 300000

static void budget_answered(void *arg, int status, const char *body, size_t len)
{
    struct master *m = arg;
    const char *error = NULL;
    char *url = NULL;
    unsigned shards;

    m->budget_asked = false;
    if (status != 200 || discover_budget(m, body, len, &url, &shards, &error))
        log_warn("identify_budget", "/gateway/bot: %s%.*s; going by our own count",
                 error ? error : "", error ? 0 : (int)(len > 200 ? 200 : len), body);
    free(url);
    m->budget_at = clock_mono();
    shards_gate(m);
}

/* True when what we know of the budget is fresh enough, or cannot be had. */
static bool budget_is_fresh(struct master *m)
{
    if (*m->conf.discord.gateway_url ||
        (m->budget_at.ms && clock_mono().ms - m->budget_at.ms < BUDGET_STALE_MS))
        return true;
    if (!m->budget_asked) {
        m->budget_asked = true;
        fetch_start(m, FETCH_GATEWAY_BOT, NULL, BUDGET_FETCH_MS, budget_answered, m);
    }
    return false;
}

static void gate_timer_fired(void *arg)
{
    shards_gate(arg);
}

void shards_gate(struct master *m)
{
    int64_t wait = INT64_MAX;
    monoms_t now = clock_mono();
    bool exhausted = false;

    for (unsigned i = 0; i < m->shard_count; i++) {
        struct shard *s = &m->shards[i];
        monoms_t retry_at = now;

        if (!s->wants_identify || !budget_is_fresh(m))
            continue;
        switch (idgate_take(&m->gate, now, i, &retry_at)) {
        case IDGATE_NOW:
            s->wants_identify = false;
            gw_permit(s->gw, now);
            shard_act(s);
            continue;
        case IDGATE_EXHAUSTED:
            exhausted = true;
            break;
        case IDGATE_WAIT:
            break;
        }
        if (retry_at.ms - now.ms < wait)
            wait = retry_at.ms - now.ms;
    }
    if (exhausted) {
        log_error(
            "identify_budget",
            "%u of %u identifies are left, %u are kept in reserve: not connecting for %" PRId64
            " s",
            m->gate.remaining, m->gate.total, m->gate.reserve, wait / 1000);
        master_degraded(m, BUDGET_EXHAUSTED);
        if (wait > 60000)
            wait = 60000; /* somebody may have raised it */
        m->budget_at.ms = 0;
    }
    if (!m->gate_timer)
        m->gate_timer = loop_timer_new(m->loop, gate_timer_fired, m);
    if (wait != INT64_MAX)
        loop_timer_set(m->gate_timer, wait + 1);
}
