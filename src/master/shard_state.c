/* What others see of a shard: workers, the segment, the service manager. Called by shard.c,
 * worker.c and status.c. Diagnostics: none. */
#include "shard.h"

#include <stdio.h>

#include "presence/sd.h"

const char *shard_state_name(enum shm_shard_state state)
{
    static const char *const names[] = {"down", "connecting", "replaying", "live", "paused"};

    return names[state];
}

static void fill_state(const struct shard *s, struct msg_gateway_state *g)
{
    *g = (struct msg_gateway_state){.session = s->resume.session,
                                    .intents = gw_intents(s->gw),
                                    .shard = (uint16_t)s->id,
                                    .shards = (uint16_t)s->m->shard_count,
                                    .state = (uint16_t)gw_shard_state(s->gw)};
}

void shards_tell_worker(struct worker *w)
{
    struct msg_gateway_state g;

    for (unsigned i = 0; i < w->m->shard_count; i++) {
        fill_state(&w->m->shards[i], &g);
        worker_send(w, MSG_GATEWAY_STATE, &g, sizeof(g), NULL, 0);
    }
}

bool shards_all_live(const struct master *m)
{
    for (unsigned i = 0; i < m->shard_count; i++)
        if (gw_shard_state(m->shards[i].gw) != SHARD_LIVE)
            return false;
    return m->shard_count > 0;
}

unsigned shard_guilds(const struct shard *s)
{
    const struct shm_header *h = s->m->shm.header;
    const struct shm_guild *rows = shm_at(&s->m->shm, h->guilds_offset);
    unsigned n = 0;

    for (uint64_t i = 0; i < h->guilds; i++)
        n += rows[i].guild && !(rows[i].flags & SHM_GUILD_LEFT) &&
             route_shard((snowflake_t){rows[i].guild}, s->m->shard_count) == s->id;
    return n;
}

static void notify_status(const struct master *m)
{
    char text[120];
    unsigned live = 0;

    for (unsigned i = 0; i < m->shard_count; i++)
        live += gw_shard_state(m->shards[i].gw) == SHARD_LIVE;
    snprintf(text, sizeof(text), "%sSTATUS=%u of %u shards live",
             live == m->shard_count ? "READY=1\n" : "", live, m->shard_count);
    sd_notify_send(text);
}

void shard_publish(struct shard *s)
{
    struct master *m = s->m;
    struct shm_shard *shm = &m->shm.header->shards[s->id];
    enum shm_shard_state state = gw_shard_state(s->gw);
    struct msg_gateway_state g;

    atomic_store_explicit(&shm->received_seq, s->resume.received, memory_order_relaxed);
    if (state == s->published && gw_intents(s->gw) == s->published_intents &&
        s->resume.session == s->published_session)
        return;
    s->published = state;
    s->published_intents = gw_intents(s->gw);
    s->published_session = s->resume.session;
    atomic_store(&shm->session, s->resume.session);
    atomic_store(&shm->resume_seq, resume_point(&s->resume));
    atomic_store(&shm->state, state);
    fill_state(s, &g);
    for (unsigned i = 0; i < LANES; i++)
        if (m->workers[i].state == WORKER_READY)
            worker_send(&m->workers[i], MSG_GATEWAY_STATE, &g, sizeof(g), NULL, 0);
    notify_status(m);
}
