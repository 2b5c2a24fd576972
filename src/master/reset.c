/* The reset of a guild (ARCHITECTURE.md, Resetting a guild): the steps, and what the shard does for
 * them. They stand in the segment, so that a master who dies leaves the next one where it was.
 * Called by worker.c, lane.c, shard.c, shards.c and main.c.
 * Diagnostics: reset_begun, reset_step, reset_slow, reset_over. */
#include <inttypes.h>

#include "master.h"
#include "presence/log.h"

#define CLEAR_MAX_MS 20000 /* so long the other guilds of the shard wait */

static struct shm_reset *the_reset(const struct master *m)
{
    return &m->shm.header->reset;
}

static enum reset_step step_of(const struct master *m)
{
    return (enum reset_step)atomic_load(&the_reset(m)->step);
}

static unsigned lane_of(const struct master *m)
{
    return route_lane((snowflake_t){the_reset(m)->guild});
}

static struct shard *shard_of(struct master *m)
{
    unsigned shard;

    if (m->shard_count == 0)
        return NULL;
    shard = route_shard((snowflake_t){the_reset(m)->guild}, m->shard_count);
    return &m->shards[shard];
}

static void tell_owner(struct master *m)
{
    struct worker *w = worker_of_lane(m, lane_of(m));
    struct msg_id id = {the_reset(m)->request};

    if (w)
        worker_send(w, MSG_RESET_STEP, &id, sizeof(id), NULL, 0);
}

static void set_step(struct master *m, enum reset_step step)
{
    static const char *const names[] = {"none", "gated", "clear", "resume", "open"};

    atomic_store(&the_reset(m)->step, step);
    m->reset_at = clock_mono();
    log_info("reset_step", "guild %" PRIu64 ": %s", the_reset(m)->guild, names[step]);
    tell_owner(m);
}

static void come_back(struct master *m)
{
    struct shard *s = shard_of(m);

    set_step(m, RESET_RESUME);
    if (!s)
        return;
    gw_unhold(s->gw, clock_mono());
    shard_poke(s);
}

/* --- what workers ask and tell -----------------------------------------------------------------
 */

void reset_ask(struct worker *w, const struct msg_reset *ask)
{
    struct master *m = w->m;
    struct shm_reset *r = the_reset(m);
    struct msg_id id = {ask->request};
    struct shard *s;

    if (step_of(m) != RESET_NONE || m->shard_count == 0 || m->phase >= PHASE_DRAINING) {
        worker_send(w, MSG_RESET_STEP, &id, sizeof(id), NULL, 0); /* it is none of his */
        return;
    }
    *r = (struct shm_reset){.guild = ask->guild,
                            .request = ask->request,
                            .actor = ask->actor,
                            .gated_ms = clock_unix().ms};
    s = shard_of(m);
    r->session = s->resume.session;
    log_info("reset_begun", "guild %" PRIu64 ", shard %u, by %" PRIu64, r->guild, s->id, r->actor);
    set_step(m, RESET_GATED);
    gw_hold(s->gw, clock_mono());
    shard_poke(s);
    lane_advance(m, lane_of(m));
}

void reset_done(struct worker *w, const struct msg_reset_done *done)
{
    struct master *m = w->m;

    if (done->request != the_reset(m)->request || done->step != step_of(m) ||
        worker_of_lane(m, lane_of(m)) != w)
        return;
    if (done->step == RESET_CLEAR) {
        the_reset(m)->failed = done->failed;
        come_back(m);
    } else if (done->step == RESET_OPEN) {
        log_info("reset_over", "guild %" PRIu64 "%s", the_reset(m)->guild,
                 the_reset(m)->failed ? ": the database did not take it" : "");
        set_step(m, RESET_NONE);
    }
}

/* --- what the others ask -----------------------------------------------------------------------
 */

bool reset_wants_lane(const struct master *m, unsigned lane)
{
    return step_of(m) == RESET_GATED && lane_of(m) == lane;
}

void reset_lane_free(struct master *m, unsigned lane)
{
    if (reset_wants_lane(m, lane))
        set_step(m, RESET_CLEAR);
}

bool reset_gates(const struct master *m, snowflake_t guild)
{
    enum reset_step step = step_of(m);

    return step != RESET_NONE && step < RESET_OPEN && the_reset(m)->guild == guild.id;
}

bool reset_holds(const struct master *m, unsigned shard)
{
    enum reset_step step = step_of(m);

    return (step == RESET_GATED || step == RESET_CLEAR) &&
           route_shard((snowflake_t){the_reset(m)->guild}, m->shard_count) == shard;
}

void reset_shard_back(struct shard *s, bool resumed)
{
    struct master *m = s->m;
    struct shm_reset *r = the_reset(m);

    if (step_of(m) != RESET_RESUME || shard_of(m) != s)
        return;
    r->resumed = resumed;
    r->session = s->resume.session;
    r->resumed_ms = clock_unix().ms;
    set_step(m, RESET_OPEN);
}

/* The master before this one was in the middle of it; no lane has an owner yet. */
void reset_init(struct master *m)
{
    m->reset_at = clock_mono();
    if (step_of(m) == RESET_GATED)
        set_step(m, RESET_CLEAR);
}

void reset_tick(struct master *m)
{
    if ((step_of(m) != RESET_GATED && step_of(m) != RESET_CLEAR) ||
        clock_mono().ms - m->reset_at.ms < CLEAR_MAX_MS)
        return;
    log_warn("reset_slow", "guild %" PRIu64 ": not done after %d s; the shard comes back",
             the_reset(m)->guild, CLEAR_MAX_MS / 1000);
    the_reset(m)->failed = 1;
    come_back(m);
}
