/* The gateway's way in: what clients send, checked as Discord checks it. Called by gateway.c.
 * Diagnostics: a client's mistakes end in close codes and in the record, never in a log line. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "presence/clock.h"
#include "sim/gateway.h"
#include "sim/intents.h"
#include "sim/load.h"
#include "sim/render.h"

#define NONCE_MAX    32u
#define USER_IDS_MAX 100u
#define BEATS_GRACE  1.5 /* intervals without a beat before the connection is dropped */
#define CHUNK_SIZE   1000u

uint32_t gateway_application_flags(const struct sim *sim)
{
    uint32_t allowed = sim->config.intents_allowed;

    /* The "limited" bit of each pair: switched on in the portal, not reviewed. */
    return (allowed & INTENT_GUILD_PRESENCES ? 1u << 13 : 0) |
           (allowed & INTENT_GUILD_MEMBERS ? 1u << 15 : 0) |
           (allowed & INTENT_MESSAGE_CONTENT ? 1u << 19 : 0);
}

static unsigned long long number(const struct conn *c)
{
    return (unsigned long long)c->number;
}

/* --- identify --------------------------------------------------------------------------------- */

static uint32_t guilds_of(const struct sim *sim, uint32_t shard, uint32_t shards)
{
    uint32_t n = 0;

    for (uint32_t i = 0; i < sim->world.n_guilds; i++)
        n += sim->world.guilds[i].present && (sim->world.guilds[i].id >> 22) % shards == shard;
    return n;
}

/* The close code an Identify deserves, 0 if it is fine. */
static unsigned judge_identify(const struct sim *sim, const struct json *d, uint32_t *shard,
                               uint32_t *shards)
{
    const struct json *pair = json_get(d, "shard"), *intents = json_get(d, "intents");
    int64_t bits = json_int(intents, -1), id = 0, n = 1;
    uint32_t privileged;

    if (strcmp(json_string(json_get(d, "token"), ""), sim->config.token) != 0)
        return 4004;
    if (!json_is_object(json_get(d, "properties")))
        return 4002;
    if (bits < 0 || bits & ~(int64_t)INTENTS_ALL)
        return 4013;
    privileged = (uint32_t)bits & INTENTS_PRIVILEGED;
    if (privileged & ~sim->config.intents_allowed)
        return 4014;
    if (pair) {
        id = json_int(json_at(pair, 0), -1);
        n = json_int(json_at(pair, 1), -1);
        if (json_size(pair) != 2 || id < 0 || n < 1 || id >= n || n > 100000)
            return 4010;
    }
    *shard = (uint32_t)id;
    *shards = (uint32_t)n;
    return guilds_of(sim, *shard, *shards) > sim->config.guilds_per_shard ? 4011 : 0;
}

static const char *reason_of(unsigned code)
{
    switch (code) {
    case 4001:
        return "Unknown opcode.";
    case 4002:
        return "Error while decoding payload.";
    case 4003:
        return "Not authenticated.";
    case 4004:
        return "Authentication failed.";
    case 4005:
        return "Already authenticated.";
    case 4007:
        return "Invalid sequence.";
    case 4008:
        return "Rate limited.";
    case 4009:
        return "Session timed out.";
    case 4010:
        return "Invalid shard.";
    case 4011:
        return "Sharding required.";
    case 4013:
        return "Invalid intent(s).";
    case 4014:
        return "Disallowed intent(s).";
    default:
        return "Unknown error.";
    }
}

static void refuse(struct conn *c, unsigned code)
{
    gateway_close(c, code, reason_of(code));
}

static void invalid_session(struct conn *c, bool resumable)
{
    gateway_send(c, "{\"t\":null,\"s\":null,\"op\":9,\"d\":%s}", resumable ? "true" : "false");
}

/* Whether this Identify respects max_concurrency; remembers it. */
static bool identify_in_turn(struct sim *sim, uint32_t shard)
{
    uint32_t key = shard % sim->config.max_concurrency;
    int64_t now_ms = clock_mono().ms, last_ms = sim->identify_last_ms[key];

    if (last_ms && now_ms - last_ms < sim->config.identify_window_ms)
        return false;
    sim->identify_last_ms[key] = now_ms;
    return true;
}

static void append_ready(struct conn *c, bool sharded)
{
    struct sim *sim = c->sim;
    struct session *s = c->session;
    struct buf d;
    struct stored *stored;
    bool first = true;

    buf_init(&d, 0);
    buf_puts(&d, "{\"v\":10,\"user_settings\":{},\"user\":{\"verified\":true,\"mfa_enabled\":true,"
                 "\"email\":null,");
    {
        struct buf user;

        buf_init(&user, 0);
        render_user(&sim->world, SELF_USER, &user);
        buf_append(&d, buf_bytes(&user) + 1, buf_len(&user) - 1); /* without its '{' */
        buf_clear(&user);
    }
    buf_printf(&d, ",\"session_type\":\"normal\",\"session_id\":\"%s\",", s->id);
    if (sharded)
        buf_printf(&d, "\"shard\":[%u,%u],", s->shard, s->shards);
    buf_printf(&d,
               "\"resume_gateway_url\":\"%s\",\"relationships\":[],\"private_channels\":[],"
               "\"guilds\":[",
               sim->gateway_url);
    for (uint32_t i = 0; i < sim->world.n_guilds; i++) {
        if (!sim->world.guilds[i].present || !session_covers(sim, s, i))
            continue;
        buf_printf(&d, "%s{\"unavailable\":true,\"id\":\"%llu\"}", first ? "" : ",",
                   (unsigned long long)sim->world.guilds[i].id);
        first = false;
    }
    buf_printf(&d, "],\"guild_join_requests\":[],\"application\":{\"id\":\"%llu\",\"flags\":%u}}",
               (unsigned long long)sim->world.users[SELF_USER].id, gateway_application_flags(sim));
    stored = stored_new(sim, "READY", &d, NULL);
    session_append_stored(sim, s, stored);
    stored_unref(stored);
}

static void append_guilds(struct conn *c)
{
    struct sim *sim = c->sim;
    struct session *s = c->session;

    if (!(s->intents & INTENT_GUILDS))
        return;
    for (uint32_t i = 0; i < sim->world.n_guilds; i++) {
        const struct guild *g = &sim->world.guilds[i];
        struct stored *stored;
        struct buf d;

        if (!g->present || !session_covers(sim, s, i))
            continue;
        buf_init(&d, 0);
        if (g->available)
            render_guild_create(&sim->world, i, s->intents, s->large_threshold, &d);
        else
            buf_printf(&d, "{\"id\":\"%llu\",\"unavailable\":true}", (unsigned long long)g->id);
        stored = stored_new(sim, g->available ? "GUILD_CREATE" : "GUILD_DELETE", &d, NULL);
        session_append_stored(sim, s, stored);
        stored_unref(stored);
    }
}

static void record_identify(struct conn *c, const struct json *d, unsigned code)
{
    struct buf presence;

    buf_init(&presence, 0);
    json_print(json_get(d, "presence"), &presence);
    sim_record(c->sim, "identify",
               ",\"conn\":%llu,\"intents\":%lld,\"shard\":[%lld,%lld],\"compress\":\"%s\","
               "\"large_threshold\":%lld,\"code\":%u,\"presence\":%s",
               number(c), (long long)json_int(json_get(d, "intents"), -1),
               (long long)json_int(json_at(json_get(d, "shard"), 0), 0),
               (long long)json_int(json_at(json_get(d, "shard"), 1), 1), c->compress,
               (long long)json_int(json_get(d, "large_threshold"), 50), code, buf_cstr(&presence));
    buf_clear(&presence);
}

static void attach(struct conn *c, struct session *s)
{
    if (s->conn) {
        struct conn *old = s->conn;

        gateway_detach(old, false);
        gateway_close(old, 4000, "Resumed elsewhere.");
    }
    c->session = s;
    s->conn = c;
}

static void on_identify(struct conn *c, const struct json *d)
{
    struct sim *sim = c->sim;
    uint32_t shard = 0, shards = 1;
    unsigned code;
    int64_t threshold = json_int(json_get(d, "large_threshold"), 50);

    if (c->session) {
        refuse(c, 4005);
        return;
    }
    code = judge_identify(sim, d, &shard, &shards);
    if (code == 0 && sim->config.identify_remaining == 0)
        code = 4004; /* the budget is spent: Discord resets the token */
    if (code == 0 && sim->faults.refuse_identifies > 0) {
        sim->faults.refuse_identifies--;
        code = sim->faults.refuse_identify_code ? sim->faults.refuse_identify_code : 9;
    }
    if (code == 0 && !identify_in_turn(sim, shard))
        code = 9;
    record_identify(c, d, code);
    if (code != 4004 && sim->config.identify_remaining > 0)
        sim->config.identify_remaining--;
    if (code == 9) {
        invalid_session(c, false);
        return;
    }
    if (code) {
        refuse(c, code);
        return;
    }
    if (threshold < 50 || threshold > 250)
        threshold = 50;
    attach(c, session_new(sim, shard, shards, (uint32_t)json_int(json_get(d, "intents"), 0),
                          (uint32_t)threshold));
    append_ready(c, json_get(d, "shard") != NULL);
    append_guilds(c);
    load_poke(sim);
}

/* --- resume ----------------------------------------------------------------------------------- */

static void append_resumed(struct sim *sim, struct session *s)
{
    struct stored *stored;
    struct buf d;

    buf_init(&d, 0);
    buf_puts(&d, "{\"_trace\":[\"presence-sim\"]}");
    stored = stored_new(sim, "RESUMED", &d, NULL);
    session_append_stored(sim, s, stored);
    stored_unref(stored);
}

static void on_resume(struct conn *c, const struct json *d)
{
    struct sim *sim = c->sim;
    struct session *s = session_find(sim, json_string(json_get(d, "session_id"), ""));
    bool token = strcmp(json_string(json_get(d, "token"), ""), sim->config.token) == 0;
    int64_t seq = json_int(json_get(d, "seq"), -1);
    const char *result = "resumed";

    if (c->session) {
        refuse(c, 4005);
        return;
    }
    if (!token || !s || s->dead || seq < 0 || (uint64_t)seq + 1 < s->first_seq)
        result = "invalid_session";
    else if ((uint64_t)seq > s->last_seq)
        result = "invalid_seq";
    sim_record(sim, "resume",
               ",\"conn\":%llu,\"session\":\"%.64s\",\"seq\":%lld,\"result\":\"%s\","
               "\"replayed\":%lld",
               number(c), s ? s->id : "", (long long)seq, result,
               result[0] == 'r' ? (long long)(s->last_seq - (uint64_t)seq) : 0);
    if (strcmp(result, "invalid_session") == 0) {
        invalid_session(c, false);
        return;
    }
    if (strcmp(result, "invalid_seq") == 0) {
        refuse(c, 4007);
        return;
    }
    attach(c, s);
    s->sent_seq = (uint64_t)seq;
    s->resumes++;
    append_resumed(sim, s);
    load_poke(sim);
}

/* --- heartbeats ------------------------------------------------------------------------------- */

static void on_heartbeat(struct conn *c, const struct json *d)
{
    int64_t now_ms = clock_mono().ms;
    int64_t due_ms =
        (c->last_beat_ms ? c->last_beat_ms : c->opened_ms) + c->sim->config.heartbeat_ms;
    bool asked = c->beat_asked;

    sim_record(c->sim, "heartbeat", ",\"conn\":%llu,\"seq\":%lld,\"late_ms\":%lld,\"asked\":%s",
               number(c), (long long)json_int(d, -1), (long long)(now_ms - due_ms),
               asked ? "true" : "false");
    c->beat_asked = false;
    if (!asked || !c->last_beat_ms) /* an answer to op 1 does not move the schedule */
        c->last_beat_ms = now_ms;
    if (!c->stall_acks)
        gateway_send(c, "{\"t\":null,\"s\":null,\"op\":11,\"d\":null}");
}

void gateway_check_beats(struct sim *sim)
{
    int64_t now_ms = clock_mono().ms;

    if (!sim->config.enforce_heartbeat)
        return;
    for (struct conn *c = sim->conns; c; c = c->next) {
        int64_t last_ms = c->last_beat_ms ? c->last_beat_ms : c->opened_ms;

        if (!c->closing &&
            (double)(now_ms - last_ms) > BEATS_GRACE * (double)sim->config.heartbeat_ms)
            gateway_close(c, 4000, "No heartbeat.");
    }
}

/* --- member lists ----------------------------------------------------------------------------- */

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

static void on_request_members(struct conn *c, const struct json *d)
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
    sim_record(c->sim, "request_members", ",\"conn\":%llu,\"d\":%s", number(c), buf_cstr(&text));
    buf_clear(&text);
    if (nonce && strlen(nonce) > NONCE_MAX)
        nonce = NULL;
    if (!ids && (!query || limit < 0)) {
        refuse(c, 4002);
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

/* --- the rest --------------------------------------------------------------------------------- */

static void on_other(struct conn *c, int64_t op, const struct json *d)
{
    struct buf text;

    buf_init(&text, 0);
    json_print(d, &text);
    sim_record(c->sim, op == 3 ? "presence_update" : "payload",
               ",\"conn\":%llu,\"op\":%lld,\"d\":%s", number(c), (long long)op, buf_cstr(&text));
    buf_clear(&text);
}

/* Counts the payload; false if it is one too many. */
static bool within_send_limit(struct conn *c)
{
    int64_t now_ms = clock_mono().ms;
    uint32_t limit = c->sim->config.send_limit, recent = 0;

    c->send_times[c->n_sent++ % SEND_TIMES_MAX] = now_ms;
    for (uint32_t i = 0; i < SEND_TIMES_MAX && i < c->n_sent; i++)
        recent += now_ms - c->send_times[i] < SEND_WINDOW_MS;
    return recent <= limit;
}

static void on_op(struct conn *c, int64_t op, const struct json *d)
{
    if (op == 1) {
        on_heartbeat(c, d);
    } else if (op == 2) {
        on_identify(c, d);
    } else if (op == 6) {
        on_resume(c, d);
    } else if (op == 3 || op == 4 || op == 8 || op == 31 || op == 43) {
        if (!c->session)
            refuse(c, 4003);
        else if (op == 8)
            on_request_members(c, d);
        else
            on_other(c, op, d);
    } else {
        sim_record(c->sim, "bad_op", ",\"conn\":%llu,\"op\":%lld", number(c), (long long)op);
        refuse(c, 4001);
    }
}

void gateway_payload(struct conn *c, const char *bytes, size_t len)
{
    struct json *root;

    if (c->closing)
        return;
    if (!within_send_limit(c)) {
        sim_record(c->sim, "send_limit", ",\"conn\":%llu", number(c));
        refuse(c, 4008);
        return;
    }
    root = len <= PAYLOAD_MAX ? json_parse_exact(bytes, len, NULL) : NULL;
    if (!root || !json_is_number(json_get(root, "op"))) {
        sim_record(c->sim, "undecodable", ",\"conn\":%llu,\"bytes\":%zu", number(c), len);
        refuse(c, 4002);
    } else {
        on_op(c, json_int(json_get(root, "op"), -1), json_get(root, "d"));
    }
    json_free(&root);
}
