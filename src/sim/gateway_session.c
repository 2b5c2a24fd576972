/* Identify and Resume: how a connection gets its session. Called by gateway_in.c.
 * Diagnostics: none; refusals are close codes. */
#include <string.h>

#include "presence/clock.h"
#include "sim/gateway.h"
#include "sim/intents.h"
#include "sim/load.h"
#include "sim/render.h"

uint32_t gateway_application_flags(const struct sim *sim)
{
    uint32_t allowed = sim->config.intents_allowed;

    /* The "limited" bit of each pair: switched on in the portal, not reviewed. */
    return (allowed & INTENT_GUILD_PRESENCES ? 1u << 13 : 0) |
           (allowed & INTENT_GUILD_MEMBERS ? 1u << 15 : 0) |
           (allowed & INTENT_MESSAGE_CONTENT ? 1u << 19 : 0);
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

static void append_guilds(struct sim *sim, struct session *s)
{
    s->guilds_due_ms = 0;
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
               conn_number(c), (long long)json_int(json_get(d, "intents"), -1),
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

void gateway_identify(struct conn *c, const struct json *d)
{
    struct sim *sim = c->sim;
    uint32_t shard = 0, shards = 1;
    unsigned code;
    int64_t threshold = json_int(json_get(d, "large_threshold"), 50);

    if (c->session) {
        gateway_refuse(c, 4005);
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
        gateway_refuse(c, code);
        return;
    }
    if (threshold < 50 || threshold > 250)
        threshold = 50;
    attach(c, session_new(sim, shard, shards, (uint32_t)json_int(json_get(d, "intents"), 0),
                          (uint32_t)threshold));
    append_ready(c, json_get(d, "shard") != NULL);
    if (sim->config.guild_create_delay_ms > 0)
        c->session->guilds_due_ms = clock_mono().ms + sim->config.guild_create_delay_ms;
    else
        append_guilds(sim, c->session);
    load_poke(sim);
}

void gateway_send_due_guilds(struct sim *sim)
{
    int64_t now_ms = clock_mono().ms;

    for (size_t i = 0; i < sim->n_sessions; i++) {
        struct session *s = sim->sessions[i];

        if (!s->dead && s->guilds_due_ms && now_ms >= s->guilds_due_ms)
            append_guilds(sim, s);
    }
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

void gateway_resume(struct conn *c, const struct json *d)
{
    struct sim *sim = c->sim;
    struct session *s = session_find(sim, json_string(json_get(d, "session_id"), ""));
    bool token = strcmp(json_string(json_get(d, "token"), ""), sim->config.token) == 0;
    int64_t seq = json_int(json_get(d, "seq"), -1);
    const char *result = "resumed";

    if (c->session) {
        gateway_refuse(c, 4005);
        return;
    }
    if (!token || !s || s->dead || seq < 0 || (uint64_t)seq + 1 < s->first_seq)
        result = "invalid_session";
    else if ((uint64_t)seq > s->last_seq)
        result = "invalid_seq";
    sim_record(sim, "resume",
               ",\"conn\":%llu,\"session\":\"%.64s\",\"seq\":%lld,\"result\":\"%s\","
               "\"replayed\":%lld",
               conn_number(c), s ? s->id : "", (long long)seq, result,
               result[0] == 'r' ? (long long)(s->last_seq - (uint64_t)seq) : 0);
    if (strcmp(result, "invalid_session") == 0) {
        invalid_session(c, false);
        return;
    }
    if (strcmp(result, "invalid_seq") == 0) {
        gateway_refuse(c, 4007);
        return;
    }
    attach(c, s);
    s->sent_seq = (uint64_t)seq;
    s->resumes++;
    append_resumed(sim, s);
    load_poke(sim);
}
