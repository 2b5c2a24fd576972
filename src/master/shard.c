/* A shard: the gateway state machine (gw.h) on a connection (shard_conn.c). This file carries out
 * what it says and keeps session numbers and resume points. Called by shard_conn.c, shards.c.
 * Diagnostics: gateway_* (identify, ready, resumed, disconnected, session_lost, fatal, …). */
#include "shard.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "presence/log.h"
#include "secrets.h"

#define STATUS_TEXT   "who is around"
#define TOKEN_REFUSED 4004
#define EXIT_CONFIG   78 /* sysexits: a restart does not help */

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
    kept_save_state(m, false); /* a resume after a crash from the first event on */
    reset_shard_back(s, false);
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
        shard_connect(s, a->url);
        break;
    case GW_WAITING:
        log_info("gateway_waiting", "shard %u: next connection in %" PRId64 " ms: %s", s->id,
                 a->wait_ms, a->text ? a->text : "");
        break;
    case GW_CLOSE:
        if (s->resolve_id)
            shard_disconnect(s);
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
        reset_shard_back(s, true);
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

void shard_poke(struct shard *s)
{
    shard_act(s);
}

void shard_tick(void *arg)
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
    shard_publish(s);
    if (s->send_first)
        shard_send_run(s);
    if (s->wants_identify || s->gate_released) {
        s->gate_released = false;
        shards_gate(s->m);
    }
}
