/* A shard: the gateway state machine (gw.h) on a connection (ws.h, inflate.h). This file feeds it
 * and carries out what it says; identify gate, session numbers, resume points are kept here too.
 * Diagnostics: gateway_* (connect, ready, resumed, disconnected, session_lost, fatal, …). */
#include "shard.h"

#include <arpa/inet.h>
#include <inttypes.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "presence/fd.h"
#include "presence/log.h"
#include "presence/sd.h"
#include "secrets.h"

#define STATUS_TEXT      "who is around"
#define BUDGET_STALE_MS  300000
#define BUDGET_EXHAUSTED "the identify budget is exhausted"
#define BUDGET_FETCH_MS  10000
#define RESOLVE_MS       10000
#define TOKEN_REFUSED    4004
#define EXIT_CONFIG      78 /* sysexits: a restart does not help */
#define USER_AGENT       "DiscordBot (https://github.com/presence/presence, " PACKAGE_VERSION ")"

const char *shard_state_name(enum shm_shard_state state)
{
    static const char *const names[] = {"down", "connecting", "replaying", "live", "paused"};

    return names[state];
}

/* --- what others see ------------------------------------------------------------------------- */

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

static void publish(struct shard *s)
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

/* --- identify gate --------------------------------------------------------------------------- */

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

/* --- connecting ------------------------------------------------------------------------------ */

static void connection_opened(void *arg)
{
    struct shard *s = arg;

    s->was_open = true;
    if (s->m->flow_paused) /* a replay would only lengthen the queues */
        ws_pause(s->ws, true);
    gw_connected(s->gw, clock_mono());
    shard_act(s);
}

static void connection_closed(void *arg, int code, int http_status, const char *error)
{
    struct shard *s = arg;
    monoms_t now = clock_mono();

    s->ws = NULL;
    s->paused = false;
    snprintf(s->error, sizeof(s->error), "%s", error);
    if (http_status >= 400 && http_status < 500 && s->connected_compress == INFLATE_ZSTD) {
        log_warn("gateway_compress",
                 "shard %u: zstd-stream is refused (HTTP %d), trying zlib-stream", s->id,
                 http_status);
        s->compress = INFLATE_ZLIB;
    }
    if (gw_shard_state(s->gw) == SHARD_CONNECTING || http_status || code == 0)
        s->address_next++; /* perhaps another address serves us better */
    if (http_status || !s->was_open)
        gw_failed(s->gw, now, http_status, s->error);
    else
        gw_closed(s->gw, now, code);
    s->was_open = false;
    shard_act(s);
}

static void broken_stream(struct shard *s, const char *error)
{
    log_error("gateway_inflate", "shard %u: %s", s->id, error);
    if (!s->inflated_any && s->connected_compress == INFLATE_ZSTD) {
        log_warn("gateway_compress", "shard %u: falling back to zlib-stream", s->id);
        s->compress = INFLATE_ZLIB;
    }
    gw_broken(s->gw, clock_mono(), true);
    shard_act(s);
}

static void take_payload(struct shard *s, const char *frame, size_t len)
{
    struct ws *ws = s->ws;
    int64_t arrival_ms = ws_arrival(ws).ms;
    monoms_t now = ws_arrival_mono(ws);
    struct envelope env;
    const char *error = envelope_scan(frame, len, &env);
    enum gw_verdict verdict;

    if (error) {
        log_error("gateway_frame", "shard %u: frame of %zu bytes: %s", s->id, len, error);
        gw_broken(s->gw, now, false);
        shard_act(s);
        return;
    }
    verdict = gw_payload(s->gw, now, frame, len, &env);
    if (verdict == GW_BROKEN)
        log_error("gateway_frame", "shard %u: op %d came where it may not", s->id, env.op);
    if (env.op == 0 && env.has_seq && verdict != GW_BROKEN)
        resume_received(&s->resume, env.seq);
    shard_act(s);
    if (s->published == SHARD_LIVE)
        s->watched_ms = arrival_ms;
    if (verdict != GW_DELIVER || s->ws != ws)
        return;
    if (env.event_error) {
        log_warn("gateway_event", "shard %u: %.*s with s %llu is passed over: %s", s->id,
                 (int)env.t_len, frame + env.t_off, (unsigned long long)env.seq, env.event_error);
        return;
    }
    s->events++;
    lane_deliver(s->m, s, &env, frame, len, arrival_ms);
}

static void connection_message(void *arg, const void *bytes, size_t len, bool binary)
{
    struct shard *s = arg;
    const char *error;
    const void *payload;
    size_t payload_len;

    if (!binary || !s->inflate) { /* text is never compressed */
        take_payload(s, bytes, len);
        return;
    }
    switch (inflate_message(s->inflate, bytes, len, &payload, &payload_len, &error)) {
    case 1:
        s->inflated_any = true;
        take_payload(s, payload, payload_len);
        break;
    case -1:
        broken_stream(s, error);
        break;
    default:
        break;
    }
}

static void connect_to(struct shard *s, const char *address)
{
    static const struct ws_callbacks callbacks = {
        .opened = connection_opened, .message = connection_message, .closed = connection_closed};
    struct ws_target target = {.address = address,
                               .port = s->url_port,
                               .tls = s->url_tls,
                               .host = s->url_host,
                               .path = s->url_path,
                               .user_agent = USER_AGENT};

    inflate_free(&s->inflate);
    s->connected_compress = s->compress;
    s->inflated_any = s->was_open = s->paused = false;
    if (s->compress != INFLATE_NONE)
        s->inflate = inflate_new(s->compress, 0);
    log_debug("gateway_connect", "shard %u: %s port %u", s->id, address, s->url_port);
    s->connections++;
    s->ws = ws_connect(s->m->ws, &target, &callbacks, s);
}

/* The address whose turn it is, of those that s->addresses lists. */
static void connect_next(struct shard *s)
{
    unsigned count = 0;
    const char *p;
    char address[INET6_ADDRSTRLEN];
    size_t len;

    for (p = s->addresses; *p; p += strcspn(p, "\n"), p += *p == '\n')
        count++;
    p = s->addresses;
    for (unsigned skip = count ? s->address_next % count : 0; skip > 0; skip--)
        p += strcspn(p, "\n") + 1;
    len = strcspn(p, "\n");
    snprintf(address, sizeof(address), "%.*s", (int)len, p);
    connect_to(s, address);
}

static void resolved(void *arg, int status, const char *body, size_t len)
{
    struct shard *s = arg;

    s->resolve_id = 0;
    if (status == 200 && len > 0) {
        free(s->addresses);
        free(s->addresses_host);
        s->addresses = xstrndup(body, len);
        s->addresses_host = xstrdup(s->url_host);
    } else if (s->addresses && s->addresses_host && strcmp(s->addresses_host, s->url_host) == 0) {
        log_warn("gateway_resolve", "%s: %.*s; using what was found before", s->url_host,
                 (int)(len > 200 ? 200 : len), body);
    } else {
        snprintf(s->error, sizeof(s->error), "cannot resolve %s: %.*s", s->url_host,
                 (int)(len > 80 ? 80 : len), body);
        gw_failed(s->gw, clock_mono(), 0, s->error);
        shard_act(s);
        return;
    }
    connect_next(s);
}

static void forget_connection(struct shard *s)
{
    if (s->resolve_id)
        fetch_cancel(s->m, s->resolve_id);
    s->resolve_id = 0;
    ws_abort(&s->ws);
}

static void start_connection(struct shard *s, const char *url)
{
    struct buf full;
    struct in6_addr unused;
    const char *error = NULL;

    forget_connection(s);
    free(s->url_host);
    free(s->url_path);
    s->url_host = s->url_path = NULL;
    buf_init(&full, 0);
    gw_render_url(url, inflate_name(s->compress), &full);
    if (ws_url_parse(buf_cstr(&full), &s->url_tls, &s->url_host, &s->url_port, &s->url_path,
                     &error)) {
        snprintf(s->error, sizeof(s->error), "bad gateway URL: %s", error);
        gw_failed(s->gw, clock_mono(), 0, s->error);
    } else if (inet_pton(AF_INET, s->url_host, &unused) == 1 ||
               inet_pton(AF_INET6, s->url_host, &unused) == 1) {
        connect_to(s, s->url_host);
    } else {
        s->resolve_id = fetch_start(s->m, FETCH_RESOLVE, s->url_host, RESOLVE_MS, resolved, s);
    }
    buf_clear(&full);
}

/* --- actions --------------------------------------------------------------------------------- */

static void send_payload(struct shard *s, struct buf *payload, int rendered, const char *what)
{
    if (rendered)
        log_error("gateway_send", "shard %u: %s is longer than %d bytes", s->id, what,
                  GW_PAYLOAD_MAX);
    else if (s->ws)
        ws_send_text(s->ws, buf_bytes(payload), buf_len(payload));
    if (payload->data)
        explicit_bzero(payload->data, payload->cap); /* Identify and Resume hold the token */
    buf_clear(payload);
}

static void send_control(struct shard *s, enum gw_action_type type)
{
    struct master *m = s->m;
    struct buf payload;

    buf_init(&payload, 0);
    if (type != GW_SEND_HEARTBEAT)
        s->token_number = m->token_number;
    if (type == GW_SEND_HEARTBEAT) {
        send_payload(s, &payload, gw_render_heartbeat(s->gw, &payload), "heartbeat");
    } else if (type == GW_SEND_IDENTIFY) {
        log_info("gateway_identify", "shard %u of %u", s->id, m->shard_count);
        idgate_used(&m->gate, clock_mono(), s->id);
        if (m->degraded && strcmp(m->degraded, BUDGET_EXHAUSTED) == 0)
            master_degraded(m, NULL);
        send_payload(s, &payload,
                     gw_render_identify(s->gw, m->secrets.discord, STATUS_TEXT, &payload),
                     "Identify");
        shards_gate(m);
    } else {
        uint64_t seq = gw_last_seq(s->gw);

        log_info("gateway_resume", "shard %u from seq %" PRIu64, s->id, seq);
        send_payload(s, &payload, gw_render_resume(s->gw, m->secrets.discord, seq, &payload),
                     "Resume");
    }
}

static void session_started(struct shard *s, const struct gw_action *a)
{
    struct master *m = s->m;
    uint64_t number;

    s->session_started_ms = s->watched_ms = clock_unix().ms;
    number = state_session_number(&m->state, s->session_started_ms, s->id);
    resume_start(&s->resume, number, gw_last_seq(s->gw));
    if (a->user.id)
        m->user_id = a->user.id;
    if (a->application.id)
        m->application_id = a->application.id;
    log_info("gateway_ready", "shard %u of %u, session %" PRIu64 ", compress %s", s->id,
             m->shard_count, number, s->inflate ? inflate_name(s->connected_compress) : "none");
    session_edge(m, s, SESSION_STARTED, 0);
    shards_note_state(m);
    master_save_state(m, false); /* a resume after a crash from the first event on */
}

static void session_lost(struct shard *s, const struct gw_action *a)
{
    struct master *m = s->m;

    log_warn("gateway_session_lost", "shard %u, session %" PRIu64 ": %s (code %d)", s->id,
             s->resume.session, a->text ? a->text : "", a->code);
    if (s->published == SHARD_LIVE)
        s->watched_ms = clock_unix().ms;
    session_edge(m, s, SESSION_ENDED, a->code);
    resume_start(&s->resume, 0, 0);
    state_forget_shard(&m->state, s->id);
}

/* The refused token may have been replaced meanwhile: the next Identify goes out with the new one.
 * A token is never tried twice. */
static bool another_token(struct shard *s)
{
    struct master *m = s->m;

    return s->token_number != m->token_number || secrets_discord_changed(m);
}

static void fatal_end(struct shard *s, const struct gw_action *a)
{
    struct master *m = s->m;
    bool all_over = true;

    if (a->code == TOKEN_REFUSED && another_token(s)) {
        log_warn("gateway_token", "shard %u: the token was refused; trying the new one", s->id);
        gw_start(s->gw, clock_mono());
        return;
    }
    snprintf(s->fatal, sizeof(s->fatal), "shard %u: %s (code %d)", s->id, a->text ? a->text : "",
             a->code);
    s->stopped = true;
    log_error("gateway_fatal", "%s", s->fatal);
    master_degraded(m, s->fatal);
    if (a->layout && m->conf.discord.shards == 0 && !*m->conf.discord.gateway_url) {
        log_warn("gateway_layout", "asking Discord again how many shards there are to be");
        discover_again(m);
        return;
    }
    for (unsigned i = 0; i < m->shard_count; i++) {
        if (a->all_shards && &m->shards[i] != s && !m->shards[i].stopped) {
            m->shards[i].stopped = true;
            gw_stop(m->shards[i].gw, clock_mono(), true);
            shard_act(&m->shards[i]);
        }
        all_over = all_over && m->shards[i].stopped;
    }
    if (all_over)
        master_stop(m, EXIT_CONFIG);
}

static void asked_gateway(void *arg, int status, const char *body, size_t len)
{
    struct shard *s = arg;
    const char *error;
    char *url = NULL;
    unsigned shards;

    s->ask_id = 0;
    if (status == 200 && discover_budget(s->m, body, len, &url, &shards, &error) == 0)
        gw_set_url(s->gw, url);
    free(url);
    shard_act(s);
}

static void ask_gateway(struct shard *s)
{
    if (*s->m->conf.discord.gateway_url)
        gw_set_url(s->gw, s->m->conf.discord.gateway_url);
    else if (!s->ask_id)
        s->ask_id = fetch_start(s->m, FETCH_GATEWAY_BOT, NULL, BUDGET_FETCH_MS, asked_gateway, s);
}

static void disconnected(struct shard *s, const struct gw_action *a)
{
    s->last_close = a->code;
    s->lost_at_ms = clock_unix().ms;
    if (a->own_bug)
        log_error("gateway_disconnected", "shard %u: %s (code %d): this is a mistake of ours",
                  s->id, a->text ? a->text : "", a->code);
    else
        log_info("gateway_disconnected", "shard %u: %s (code %d)%s", s->id, a->text ? a->text : "",
                 a->code, a->by_us ? ", closed by us" : "");
}

static void act(struct shard *s, const struct gw_action *a)
{
    switch (a->type) {
    case GW_NONE:
        break;
    case GW_CONNECT:
        start_connection(s, a->url);
        break;
    case GW_WAITING:
        log_info("gateway_waiting", "shard %u: next connection in %" PRId64 " ms: %s", s->id,
                 a->wait_ms, a->text ? a->text : "");
        break;
    case GW_CLOSE:
        if (s->resolve_id)
            forget_connection(s);
        ws_close(&s->ws, a->code);
        break;
    case GW_SEND_HEARTBEAT:
    case GW_SEND_IDENTIFY:
    case GW_SEND_RESUME:
        send_control(s, a->type);
        break;
    case GW_WANT_IDENTIFY:
        s->wants_identify = true;
        break;
    case GW_GATE_RELEASE:
        s->wants_identify = false;
        idgate_release(&s->m->gate, s->id);
        s->gate_released = true;
        break;
    case GW_SESSION_STARTED:
        session_started(s, a);
        break;
    case GW_SESSION_RESUMED:
        s->watched_ms = clock_unix().ms;
        log_info("gateway_resumed", "shard %u, session %" PRIu64, s->id, s->resume.session);
        session_edge(s->m, s, SESSION_RESUMED, 0);
        break;
    case GW_SESSION_LOST:
        session_lost(s, a);
        break;
    case GW_DISCONNECTED:
        disconnected(s, a);
        break;
    case GW_INTENTS_REFUSED:
        for (unsigned i = 0; i < s->m->shard_count; i++) /* the others need not be refused too */
            if (&s->m->shards[i] != s)
                gw_drop_intents(s->m->shards[i].gw, a->intents);
        log_error("gateway_intents",
                  "Discord refuses privileged intents: %s; going on without them",
                  a->text ? a->text : "");
        master_degraded(s->m, "privileged intents are refused");
        break;
    case GW_ASK_GATEWAY:
        ask_gateway(s);
        break;
    case GW_FATAL:
        fatal_end(s, a);
        break;
    }
}

static void tick(void *arg)
{
    struct shard *s = arg;

    s->armed_ms = INT64_MAX;
    gw_tick(s->gw, clock_mono());
    shard_act(s);
}

void shard_act(struct shard *s)
{
    struct gw_action a;
    int64_t due;

    if (s->acting) /* the outer call goes on with what this one would have done */
        return;
    s->acting = true;
    while (gw_next(s->gw, &a))
        act(s, &a);
    s->acting = false;
    due = gw_deadline(s->gw).ms;
    if (due != s->armed_ms) {
        s->armed_ms = due;
        if (due == INT64_MAX)
            loop_timer_stop(s->timer);
        else
            loop_timer_set(s->timer, due - clock_mono().ms);
    }
    publish(s);
    if (s->send_first)
        shard_send_run(s);
    if (s->wants_identify || s->gate_released) {
        s->gate_released = false;
        shards_gate(s->m);
    }
}

/* --- the whole ------------------------------------------------------------------------------- */

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
    s->timer = loop_timer_new(m->loop, tick, s);
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

        forget_connection(s);
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
