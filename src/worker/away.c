/* The time in which presence-graphqld does not answer: one lane at a time tries again, and after a
 * few seconds what the rings hold goes to the spool. Called by flush, takeover, load.
 * Diagnostics: warns once when it goes, informs when it is there again. */
#include "presence/log.h"
#include "worker/load.h"
#include "worker/worker.h"

static bool lanes_wait(const struct worker *w)
{
    for (unsigned i = 0; i < LANES; i++)
        if (w->lanes[i] && flush_pending(w->lanes[i]))
            return true;
    return false;
}

static bool rings_wait(const struct worker *w)
{
    for (unsigned i = 0; i < LANES; i++)
        if (w->lanes[i] && !flush_clean(w->lanes[i]))
            return true;
    return false;
}

void away_enter(struct worker *w, const char *why)
{
    w->away = true;
    if (!w->away_told) {
        w->away_told = true;
        w->away_since = clock_mono();
        log_warn("graphql_away", "%s; keeping records until it answers", why ? why : "no answer");
    }
    if (!loop_timer_active(w->away_timer))
        loop_timer_set(w->away_timer, backoff_next_ms(&w->away_backoff));
    if (rings_wait(w) && !loop_timer_active(w->flush_timer))
        loop_timer_set(w->flush_timer, w->conf.workers.flush_ms);
}

void away_leave(struct worker *w)
{
    w->heard = true;
    w->away = false;
    if (!w->away_told)
        return;
    w->away_told = false;
    backoff_reset(&w->away_backoff);
    loop_timer_stop(w->away_timer);
    log_info("graphql_back", "after %lld ms", (long long)(clock_mono().ms - w->away_since.ms));
    load_kick(w);
}

/* One request is enough to see whether the service is there; its answer starts the others. Another
 * lane each time: it may be one lane alone that the database cannot serve now. */
static void probe(void *arg)
{
    struct worker *w = arg;
    unsigned first = w->next_lane;

    w->away = false;
    for (unsigned i = 0; i < LANES && w->flights == 0; i++) {
        struct lane *lane = w->lanes[(first + i) % LANES];

        if (!lane || !flush_pending(lane))
            continue;
        flush_lane(lane);
        w->next_lane = lane->number + 1;
    }
    w->away = true;
    if (w->flights == 0 && !lanes_wait(w)) {
        /* Nothing to send: the next batch will see. */
        w->away = false;
    } else if (w->flights == 0) {
        loop_timer_set(w->away_timer, backoff_next_ms(&w->away_backoff));
    }
}

void away_tick(struct worker *w)
{
    monoms_t now = clock_mono();

    if (now.ms - w->away_since.ms >= SPOOL_AFTER_MS || w->draining)
        for (unsigned i = 0; i < LANES; i++)
            if (w->lanes[i])
                flush_spool_lane(w->lanes[i]);
    if (rings_wait(w) && !loop_timer_active(w->flush_timer))
        loop_timer_set(w->flush_timer, now.ms - w->away_since.ms >= SPOOL_AFTER_MS
                                           ? 1000
                                           : w->conf.workers.flush_ms);
    worker_check_drained(w);
}

void away_init(struct worker *w)
{
    backoff_init(&w->away_backoff, 100, 3000);
    w->away_timer = loop_timer_new(w->loop, probe, w);
}
