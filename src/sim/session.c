/* Gateway sessions and their replay logs. Called by the gateway, acts and load mode.
 * Diagnostics: none. */
#include "sim/session.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "presence/clock.h"
#include "sim/gateway.h"
#include "sim/load.h"
#include "sim/render.h"

#define RING_START 1024u

/* --- shared contents -------------------------------------------------------------------------- */

static char *take(struct buf *b, size_t *len_r)
{
    char *text;

    *len_r = buf_len(b);
    buf_cstr(b);
    text = (char *)b->data;
    buf_init(b, 0);
    return text;
}

struct stored *stored_new(struct sim *sim, const char *type, struct buf *d, struct buf *bare)
{
    struct stored *s = xcalloc(1, sizeof(*s));

    *s = (struct stored){.refs = 1, .type = type, .row = NONE};
    s->event = world_next_id(&sim->world);
    s->full = take(d, &s->full_len);
    if (bare)
        s->bare = take(bare, &s->bare_len);
    return s;
}

void stored_unref(struct stored *s)
{
    if (--s->refs > 0)
        return;
    free(s->full);
    free(s->bare);
    free(s->own_type);
    free(s);
}

static void entry_release(struct entry *e)
{
    if (e->what == ENTRY_STORED) {
        stored_unref(e->u.stored);
    } else if (e->what == ENTRY_CHUNK && --e->u.chunks->refs == 0) {
        free(e->u.chunks->nonce);
        free(e->u.chunks);
    }
}

/* --- sessions --------------------------------------------------------------------------------- */

struct session *session_new(struct sim *sim, uint32_t shard, uint32_t shards, uint32_t intents,
                            uint32_t large_threshold)
{
    struct session *s = xcalloc(1, sizeof(*s));

    *s = (struct session){.shard = shard,
                          .shards = shards,
                          .intents = intents,
                          .large_threshold = large_threshold,
                          .cap = RING_START,
                          .first_seq = 1};
    s->ring = xcalloc(s->cap, sizeof(*s->ring));
    snprintf(s->id, sizeof(s->id), "%016llx%016llx", (unsigned long long)world_random(&sim->world),
             (unsigned long long)world_random(&sim->world));
    if (sim->n_sessions == sim->cap_sessions) {
        sim->cap_sessions = sim->cap_sessions ? sim->cap_sessions * 2 : 8;
        sim->sessions = xrealloc(sim->sessions, sim->cap_sessions * sizeof(struct session *));
    }
    sim->sessions[sim->n_sessions++] = s;
    return s;
}

struct session *session_find(struct sim *sim, const char *id)
{
    for (size_t i = 0; i < sim->n_sessions; i++)
        if (strcmp(sim->sessions[i]->id, id) == 0 && !sim->sessions[i]->forgotten)
            return sim->sessions[i];
    return NULL;
}

static void drop_oldest(struct session *s)
{
    entry_release(session_entry(s, s->first_seq++));
}

void session_kill(struct session *s)
{
    s->dead = true;
    while (s->first_seq <= s->last_seq)
        drop_oldest(s);
    s->sent_seq = s->last_seq;
}

static void session_free(struct session *s)
{
    session_kill(s);
    free(s->ring);
    free(s);
}

void sessions_expire(struct sim *sim)
{
    int64_t now_ms = clock_mono().ms;
    size_t kept = 0;

    for (size_t i = 0; i < sim->n_sessions; i++) {
        struct session *s = sim->sessions[i];

        if (!s->conn && !s->dead && now_ms - s->away_since_ms > sim->config.session_ttl_ms)
            session_kill(s);
        if (s->dead && !s->conn)
            session_free(s);
        else
            sim->sessions[kept++] = s;
    }
    sim->n_sessions = kept;
}

void sessions_clear(struct sim *sim)
{
    for (size_t i = 0; i < sim->n_sessions; i++)
        session_free(sim->sessions[i]);
    free(sim->sessions);
    sim->sessions = NULL;
    sim->n_sessions = sim->cap_sessions = 0;
}

bool session_covers(const struct sim *sim, const struct session *s, uint32_t guild)
{
    if (guild == NONE)
        return s->shard == 0;
    return (sim->world.guilds[guild].id >> 22) % s->shards == s->shard;
}

/* --- the log ---------------------------------------------------------------------------------- */

static void grow_ring(struct session *s)
{
    uint64_t cap = s->cap * 2;
    struct entry *ring = xmalloc(cap * sizeof(*ring));

    for (uint64_t seq = s->first_seq; seq <= s->last_seq; seq++)
        ring[seq & (cap - 1)] = *session_entry(s, seq);
    free(s->ring);
    s->ring = ring;
    s->cap = cap;
}

uint64_t session_append(struct sim *sim, struct session *s, struct entry e)
{
    if (s->last_seq + 1 - s->first_seq == s->cap) {
        if (s->cap < sim->config.replay_max)
            grow_ring(s);
        else
            drop_oldest(s);
    }
    s->last_seq++;
    *session_entry(s, s->last_seq) = e;
    if (s->conn)
        gateway_wake(s->conn);
    return s->last_seq;
}

uint64_t session_append_stored(struct sim *sim, struct session *s, struct stored *stored)
{
    stored->refs++;
    return session_append(sim, s, (struct entry){.u.stored = stored, .what = ENTRY_STORED});
}

static bool wanted(const struct sim *sim, const struct session *s, uint32_t guild, uint32_t intents)
{
    return !s->dead && session_covers(sim, s, guild) && (!intents || s->intents & intents);
}

bool sim_anybody(const struct sim *sim, uint32_t guild, uint32_t intents)
{
    for (size_t i = 0; i < sim->n_sessions; i++)
        if (wanted(sim, sim->sessions[i], guild, intents))
            return true;
    return false;
}

struct dispatch_result sim_dispatch(struct sim *sim, uint32_t guild, uint32_t intents,
                                    struct stored *stored)
{
    struct dispatch_result result = {0};

    for (size_t i = 0; i < sim->n_sessions; i++) {
        uint64_t seq;

        if (!wanted(sim, sim->sessions[i], guild, intents))
            continue;
        seq = session_append_stored(sim, sim->sessions[i], stored);
        if (result.sessions++ == 0)
            result.seq = seq;
    }
    stored_unref(stored);
    return result;
}

/* --- rendering -------------------------------------------------------------------------------- */

static void render_chunk(const struct sim *sim, const struct entry *e, struct buf *out)
{
    const struct chunk_list *list = e->u.chunks;
    const struct guild *g = &sim->world.guilds[list->guild];
    uint32_t from = e->member * CHUNK_SIZE, to = from + CHUNK_SIZE;
    bool first = true;

    buf_printf(out, "{\"guild_id\":\"%llu\",\"members\":[", (unsigned long long)g->id);
    for (uint32_t i = from; i < to && i < list->slots; i++) {
        if (g->members[i].state & MEMBER_LEFT)
            continue;
        if (!first)
            buf_putc(out, ',');
        first = false;
        render_member(&sim->world, list->guild, i, true, out);
    }
    buf_printf(out, "],\"chunk_index\":%u,\"chunk_count\":%u,\"not_found\":[]", e->member,
               (list->slots + CHUNK_SIZE - 1) / CHUNK_SIZE);
    if (list->presences)
        buf_puts(out, ",\"presences\":[]");
    if (list->nonce) {
        buf_puts(out, ",\"nonce\":");
        render_string(out, list->nonce);
    }
    buf_putc(out, '}');
}

static void put_head(struct buf *out, const char *type, uint64_t seq)
{
    buf_puts(out, "{\"t\":\"");
    buf_puts(out, type);
    buf_puts(out, "\",\"s\":");
    buf_put_u64(out, seq);
    buf_puts(out, ",\"op\":0,\"d\":");
}

void session_render(struct sim *sim, const struct session *s, uint64_t seq, struct buf *out)
{
    const struct entry *e = session_entry(s, seq);
    const struct stored *stored = e->u.stored;
    bool content = s->intents & (1u << 15);

    if (e->what >= ENTRY_MESSAGE) {
        load_render(sim, e, seq, content, out);
        return;
    }
    if (e->what == ENTRY_CHUNK) {
        put_head(out, "GUILD_MEMBERS_CHUNK", seq);
        render_chunk(sim, e, out);
    } else {
        put_head(out, stored->type, seq);
        if (!content && stored->bare)
            buf_append(out, stored->bare, stored->bare_len);
        else
            buf_append(out, stored->full, stored->full_len);
    }
    buf_putc(out, '}');
}
