/* Op 8, requests for members: whole lists in chunks under the 30 s rule, look-ups by id and by
 * prefix. Called by gateway_in.c. Diagnostics: none. */
#include <stdlib.h>
#include <string.h>

#include "presence/clock.h"
#include "sim/gateway.h"
#include "sim/intents.h"
#include "sim/render.h"

#define NONCE_MAX    32u
#define USER_IDS_MAX 100u

static void chunk_head(const struct guild *g, struct buf *b)
{
    buf_printf(b, "{\"guild_id\":\"%llu\",\"members\":[", (unsigned long long)g->id);
}

static void chunk_tail(struct conn *c, struct buf *b, struct buf *not_found, const char *nonce)
{
    struct stored *stored;

    buf_printf(b, "],\"chunk_index\":0,\"chunk_count\":1,\"not_found\":[%s]", buf_cstr(not_found));
    if (nonce) {
        buf_puts(b, ",\"nonce\":");
        render_string(b, nonce);
    }
    buf_putc(b, '}');
    buf_clear(not_found);
    stored = stored_new(c->sim, "GUILD_MEMBERS_CHUNK", b, NULL);
    session_append_stored(c->sim, c->session, stored);
    stored_unref(stored);
}

static void add_by_id(struct conn *c, uint32_t guild, const struct json *id, struct buf *b,
                      struct buf *not_found)
{
    const struct world *w = &c->sim->world;
    uint64_t value = json_id(id);
    uint32_t user = world_user(w, value);
    uint32_t slot = user == NONE ? NONE : guild_member(w, guild, user);

    if (slot != NONE) {
        if (b->data[b->end - 1] != '[')
            buf_putc(b, ',');
        render_member(w, guild, slot, true, b);
        return;
    }
    if (buf_len(not_found))
        buf_putc(not_found, ',');
    /* Ids too short for a snowflake come back as numbers. */
    if (value < UINT64_C(1) << 40)
        buf_put_u64(not_found, value);
    else
        render_id(not_found, value);
}

static void members_by_id(struct conn *c, uint32_t guild, const struct json *ids, const char *nonce)
{
    struct buf b, not_found;
    unsigned n = 0;

    buf_init(&b, 0);
    buf_init(&not_found, 0);
    chunk_head(&c->sim->world.guilds[guild], &b);
    if (json_is_array(ids)) {
        for (const struct json *j = json_first(ids); j && n < USER_IDS_MAX; j = json_next(j), n++)
            add_by_id(c, guild, j, &b, &not_found);
    } else {
        add_by_id(c, guild, ids, &b, &not_found);
    }
    chunk_tail(c, &b, &not_found, nonce);
}

static void members_by_prefix(struct conn *c, uint32_t guild, const char *prefix, int64_t limit,
                              const char *nonce)
{
    const struct world *w = &c->sim->world;
    const struct guild *g = &w->guilds[guild];
    struct buf b, none, name;
    int64_t found = 0;

    buf_init(&b, 0);
    buf_init(&none, 0);
    buf_init(&name, 0);
    chunk_head(g, &b);
    if (limit <= 0 || limit > 100)
        limit = 100;
    for (uint32_t i = 0; i < g->n_members && found < limit; i++) {
        if (g->members[i].state & MEMBER_LEFT)
            continue;
        buf_reset(&name);
        render_user_name(w, g->members[i].user, &name);
        if (strncasecmp(buf_cstr(&name) + 1, prefix, strlen(prefix)) != 0)
            continue;
        if (found++)
            buf_putc(&b, ',');
        render_member(w, guild, i, true, &b);
    }
    buf_clear(&name);
    chunk_tail(c, &b, &none, nonce);
}

static void rate_limited(struct conn *c, const struct guild *g, int64_t left_ms, const char *nonce)
{
    struct stored *stored;
    struct buf d;

    buf_init(&d, 0);
    buf_printf(&d, "{\"opcode\":8,\"retry_after\":%.3f,\"meta\":{\"guild_id\":\"%llu\"",
               (double)left_ms / 1000.0, (unsigned long long)g->id);
    if (nonce) {
        buf_puts(&d, ",\"nonce\":");
        render_string(&d, nonce);
    }
    buf_puts(&d, "}}");
    stored = stored_new(c->sim, "RATE_LIMITED", &d, NULL);
    session_append_stored(c->sim, c->session, stored);
    stored_unref(stored);
}

static void whole_list(struct conn *c, uint32_t guild, bool presences, const char *nonce)
{
    struct sim *sim = c->sim;
    struct guild *g = &sim->world.guilds[guild];
    int64_t now_ms = clock_mono().ms;
    uint32_t chunks = (g->n_members + CHUNK_SIZE - 1) / CHUNK_SIZE;
    struct chunk_list *list;

    if (g->chunks_free_ms > now_ms) {
        rate_limited(c, g, g->chunks_free_ms - now_ms, nonce);
        return;
    }
    g->chunks_free_ms = now_ms + sim->config.chunk_window_ms;
    list = xcalloc(1, sizeof(*list));
    *list =
        (struct chunk_list){.refs = chunks,
                            .guild = guild,
                            .slots = g->n_members,
                            .presences = presences && c->session->intents & INTENT_GUILD_PRESENCES,
                            .nonce = nonce ? xstrdup(nonce) : NULL};
    for (uint32_t i = 0; i < chunks; i++)
        session_append(sim, c->session,
                       (struct entry){.u.chunks = list, .what = ENTRY_CHUNK, .member = i});
}

void gateway_request_members(struct conn *c, const struct json *d)
{
    const struct json *ids = json_get(d, "user_ids");
    const char *query = json_string(json_get(d, "query"), NULL);
    const char *nonce = json_string(json_get(d, "nonce"), NULL);
    uint64_t id = json_id(json_get(d, "guild_id"));
    uint32_t guild = world_guild(&c->sim->world, id);
    int64_t limit = json_int(json_get(d, "limit"), -1);
    struct buf text;

    buf_init(&text, 0);
    json_print(d, &text);
    sim_record(c->sim, "request_members", ",\"conn\":%llu,\"d\":%s", conn_number(c),
               buf_cstr(&text));
    buf_clear(&text);
    if (nonce && strlen(nonce) > NONCE_MAX)
        nonce = NULL;
    if (!ids && (!query || limit < 0)) {
        gateway_refuse(c, 4002);
        return;
    }
    if (guild == NONE || !c->sim->world.guilds[guild].present ||
        !session_covers(c->sim, c->session, guild))
        return;
    if (ids)
        members_by_id(c, guild, ids, nonce);
    else if (query[0])
        members_by_prefix(c, guild, query, limit, nonce);
    else if (c->session->intents & INTENT_GUILD_MEMBERS) {
        if (limit == 0)
            whole_list(c, guild, json_bool(json_get(d, "presences"), false), nonce);
        else
            members_by_prefix(c, guild, "", limit, nonce);
    }
}
