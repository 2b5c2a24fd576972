/* All shards together: made, stopped, paused, and what is kept of them. Called by main.c,
 * discover.c, lane.c and worker.c. Diagnostics: none. */
#include "shard.h"

#include <stdlib.h>

static void shard_init(struct master *m, struct shard *s, unsigned id, const char *url)
{
    static const enum inflate_kind kinds[] = {INFLATE_ZSTD, INFLATE_ZLIB, INFLATE_NONE};
    const struct state_shard *old = &m->state.shard[id];
    struct gw_params params = {.shard = id,
                               .shards = m->shard_count,
                               .intents = m->intents,
                               .application_known = m->application_known,
                               .application_flags = m->application_flags,
                               .url = url};

    *s = (struct shard){.m = m, .id = id, .armed_ms = INT64_MAX};
    s->compress = kinds[m->conf.discord.compress];
    s->send_end = &s->send_first;
    s->gw = gw_new(&params);
    s->timer = loop_timer_new(m->loop, shard_tick, s);
    s->published_intents = UINT32_MAX;
    if (old->session && m->state.shards == m->shard_count) {
        int64_t down_ms = clock_unix().ms - old->watched_ms;

        resume_start(&s->resume, old->session, old->seq);
        s->watched_ms = old->watched_ms;
        gw_restore(s->gw, old->session_id, old->resume_url, old->seq, down_ms > 0 ? down_ms : 0);
    }
}

void shards_start(struct master *m, unsigned count, const char *url)
{
    shards_clear(m);
    m->shards = xcalloc(count, sizeof(*m->shards));
    m->shard_count = count;
    for (unsigned i = 0; i < count; i++)
        shard_init(m, &m->shards[i], i, url);
    if (m->state.shards != count)
        for (unsigned i = 0; i < SHM_SHARDS_MAX; i++)
            state_forget_shard(&m->state, i);
    m->state.shards = count;
    for (unsigned i = 0; i < count; i++) {
        if (reset_holds(m, i))
            gw_hold(m->shards[i].gw, clock_mono());
        gw_start(m->shards[i].gw, clock_mono());
        shard_act(&m->shards[i]);
    }
}

void shards_stop(struct master *m, bool keep)
{
    for (unsigned i = 0; i < m->shard_count; i++) {
        struct shard *s = &m->shards[i];

        if (s->stopped)
            continue;
        if (s->published == SHARD_LIVE) {
            s->watched_ms = clock_unix().ms;
            session_edge(m, s, SESSION_WATCHED, 0);
        }
        s->stopped = true;
        gw_stop(s->gw, clock_mono(), keep);
        shard_act(s);
    }
}

void shards_clear(struct master *m)
{
    for (unsigned i = 0; i < m->shard_count; i++) {
        struct shard *s = &m->shards[i];

        shard_disconnect(s);
        if (s->ask_id)
            fetch_cancel(m, s->ask_id);
        loop_timer_free(&s->timer);
        shard_send_clear(s);
        inflate_free(&s->inflate);
        gw_free(&s->gw);
        free(s->url_host);
        free(s->url_path);
        free(s->addresses);
        free(s->addresses_host);
    }
    free(m->shards);
    m->shards = NULL;
    m->shard_count = 0;
}

void shards_pause(struct master *m, bool paused)
{
    monoms_t now = clock_mono();

    for (unsigned i = 0; i < m->shard_count; i++) {
        struct shard *s = &m->shards[i];

        if (s->ws)
            ws_pause(s->ws, paused);
        if (paused)
            gw_pause(s->gw, now);
        else
            gw_unpause(s->gw, now);
        shard_act(s);
    }
}

void shard_durable(struct master *m, unsigned lane, const struct msg_durable *d)
{
    for (unsigned i = 0; i < m->shard_count; i++) {
        struct shard *s = &m->shards[i];

        if (s->resume.session != d->session)
            continue;
        resume_durable(&s->resume, lane, d->seq);
        atomic_store(&m->shm.header->shards[i].resume_seq, resume_point(&s->resume));
    }
}

void shard_cut(struct shard *s)
{
    if (!s->ws)
        return;
    ws_abort(&s->ws);
    s->was_open = false;
    gw_closed(s->gw, clock_mono(), 0);
    shard_act(s);
}

void shards_note_state(struct master *m)
{
    for (unsigned i = 0; i < m->shard_count; i++) {
        const struct shard *s = &m->shards[i];

        if (s->resume.session)
            state_set_shard(&m->state, i, s->resume.session, resume_point(&s->resume),
                            gw_session_id(s->gw), gw_resume_url(s->gw), s->watched_ms);
        else
            state_forget_shard(&m->state, i);
    }
}
