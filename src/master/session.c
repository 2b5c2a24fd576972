/* Tells lane 0's owner about gateway sessions, who makes records of it (the coverage ledger). The
 * messages are idempotent: each new owner hears the latest of every session again.
 * Diagnostics: none. */
#include <stdlib.h>

#include "master.h"

#define WATCHED_EVERY_MS 20000
#define KEEP_ENDED_MS    120000 /* an end is told again to owners that come within this time */

struct told {
    struct told *next;
    struct msg_session started, last; /* started.session 0: began in an earlier life */
    monoms_t ended_at;                /* ms 0: it lives */
};

struct sessions {
    struct told *first;
    monoms_t watched_at;
};

void sessions_init(struct master *m)
{
    m->sessions = xcalloc(1, sizeof(*m->sessions));
    m->sessions->watched_at = clock_mono();
}

static void tell(struct master *m, const struct msg_session *s)
{
    struct worker *w = worker_of_lane(m, 0);

    if (w && s->session)
        worker_send(w, MSG_SESSION, s, sizeof(*s), NULL, 0);
}

static struct told *told_of(struct master *m, uint64_t session)
{
    struct told *t;

    for (t = m->sessions->first; t; t = t->next)
        if (t->last.session == session)
            return t;
    t = xcalloc(1, sizeof(*t));
    t->next = m->sessions->first;
    m->sessions->first = t;
    return t;
}

/* A session that is lost ended when Presence last saw anything through it, not when that became
 * known: the time in between was not watched. */
static int64_t edge_ms(const struct shard *s, enum session_edge edge)
{
    switch (edge) {
    case SESSION_STARTED:
        return s->session_started_ms;
    case SESSION_ENDED:
        return s->watched_ms;
    default:
        return clock_unix().ms;
    }
}

void session_edge(struct master *m, struct shard *s, enum session_edge edge, int close_code)
{
    struct told *t;

    if (!s->resume.session)
        return;
    t = told_of(m, s->resume.session);
    t->last = (struct msg_session){.session = s->resume.session,
                                   .at_ms = edge_ms(s, edge),
                                   .watched_until_ms = s->watched_ms,
                                   .shard = (uint16_t)s->id,
                                   .shards = (uint16_t)m->shard_count,
                                   .edge = (uint16_t)edge,
                                   .close_code = (uint16_t)close_code};
    if (edge == SESSION_STARTED)
        t->started = t->last;
    if (edge == SESSION_ENDED)
        t->ended_at = clock_mono();
    tell(m, &t->last);
}

void sessions_owner_changed(struct master *m)
{
    for (struct told *t = m->sessions->first; t; t = t->next) {
        tell(m, &t->started);
        if (t->last.edge != SESSION_STARTED)
            tell(m, &t->last);
    }
}

static void forget_old(struct master *m, monoms_t now)
{
    for (struct told **t = &m->sessions->first; *t;) {
        struct told *old = *t;

        if (old->ended_at.ms && now.ms - old->ended_at.ms > KEEP_ENDED_MS && worker_of_lane(m, 0)) {
            *t = old->next;
            free(old);
        } else {
            t = &old->next;
        }
    }
}

void sessions_tick(struct master *m)
{
    monoms_t now = clock_mono();

    if (now.ms - m->sessions->watched_at.ms < WATCHED_EVERY_MS)
        return;
    m->sessions->watched_at = now;
    for (unsigned i = 0; i < m->shard_count; i++)
        if (m->shards[i].gw && gw_shard_state(m->shards[i].gw) == SHARD_LIVE)
            session_edge(m, &m->shards[i], SESSION_WATCHED, 0);
    forget_old(m, now);
}

void sessions_clear(struct master *m)
{
    while (m->sessions && m->sessions->first) {
        struct told *next = m->sessions->first->next;

        free(m->sessions->first);
        m->sessions->first = next;
    }
    free(m->sessions);
    m->sessions = NULL;
}
