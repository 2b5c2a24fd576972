/* The gateway session of one shard (gw.h, gateway.md §2 to §10). Called by the master's shard,
 * which owns the socket, the clock and the identify gate.
 *
 * Every way in which a connection can end runs through part(): it forgets the connection, keeps or
 * loses the session, and plan() decides when and for what the next connection is made.
 * Diagnostics: none logged here; every step is an action with its text. Fatal: more actions queued
 * than one call can make. */
#include "presence/gw.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "discord/gw_state.h"
#include "presence/intents.h"
#include "presence/log.h"
#include "presence/scan.h"

#define FIRST_TRY_JITTER_MS 250
#define PAUSE_MIN_MS        1000
#define PAUSE_MAX_MS        60000
#define INVALID_MIN_MS      1000 /* op 9: 1 to 5 s */
#define INVALID_MAX_MS      5000
#define LIVE_RESETS_MS      60000
#define HELLO_TIMEOUT_MS    30000
#define RESUMES_MAX         8 /* without RESUMED, then the session is given up */
#define RESUME_URL_FAILS    3 /* then RESUME is tried at the base URL */
#define INTERVAL_MAX_MS     3600000
#define LATE_GRACE_MS       1000

static monoms_t after(monoms_t t, int64_t ms)
{
    return (monoms_t){t.ms + ms};
}

static struct gw_action *push(struct gw *gw, enum gw_action_type type)
{
    struct gw_action *a;

    if (gw->action_count == GW_ACTIONS_MAX)
        fatal("gw_actions", "shard %u: actions were not taken out", gw->shard);
    a = &gw->actions[(gw->action_first + gw->action_count++) % GW_ACTIONS_MAX];
    *a = (struct gw_action){.type = type};
    return a;
}

bool gw_next(struct gw *gw, struct gw_action *action_r)
{
    if (gw->action_count == 0)
        return false;
    *action_r = gw->actions[gw->action_first];
    gw->action_first = (gw->action_first + 1) % GW_ACTIONS_MAX;
    gw->action_count--;
    return true;
}

struct gw *gw_new(const struct gw_params *params)
{
    struct gw *gw = xcalloc(1, sizeof(*gw));

    gw->shard = params->shard;
    gw->shards = params->shards;
    gw->intents = params->intents;
    gw->application_known = params->application_known;
    gw->application_flags = params->application_flags;
    gw->url = xstrdup(params->url);
    gw->latency_ms = -1;
    backoff_init(&gw->backoff, PAUSE_MIN_MS, PAUSE_MAX_MS);
    return gw;
}

static void forget_session(struct gw *gw)
{
    free(gw->old_session_id);
    gw->old_session_id = gw->session_id; /* an action may show it */
    gw->session_id = NULL;
    free(gw->resume_url);
    gw->resume_url = NULL;
    gw->has_seq = false;
    gw->last_seq = 0;
    gw->gap_open = false;
    gw->resumes = 0;
    gw->resume_url_fails = 0;
}

void gw_free(struct gw **gw)
{
    if (!*gw)
        return;
    forget_session(*gw);
    free((*gw)->old_session_id);
    free((*gw)->url);
    free(*gw);
    *gw = NULL;
}

void gw_restore(struct gw *gw, const char *session_id, const char *resume_url, uint64_t last_seq,
                int64_t down_ms)
{
    forget_session(gw);
    gw->session_id = xstrdup(session_id);
    gw->resume_url = resume_url ? xstrdup(resume_url) : NULL;
    gw->last_seq = last_seq;
    gw->has_seq = true;
    gw->restored_down_ms = down_ms;
}

void gw_set_url(struct gw *gw, const char *url)
{
    char *copy = xstrdup(url);

    free(gw->url);
    gw->url = copy;
}

void gw_drop_intents(struct gw *gw, uint32_t refused)
{
    gw->intents &= ~refused;
    gw->intents_dropped = true;
}

/* --- sending ---------------------------------------------------------------------------------- */

static unsigned sent_within_window(const struct gw *gw, monoms_t now)
{
    unsigned n = 0;

    for (unsigned i = 0; i < gw->sent_count; i++)
        if (now.ms - gw->sent[i].ms < GW_SEND_WINDOW_MS)
            n++;
    return n;
}

static void note_sent(struct gw *gw, monoms_t now)
{
    gw->sent[gw->sent_next] = now;
    gw->sent_next = (gw->sent_next + 1) % GW_SEND_MAX;
    if (gw->sent_count < GW_SEND_MAX)
        gw->sent_count++;
}

bool gw_may_send(struct gw *gw, monoms_t now, monoms_t *retry_at_r)
{
    const unsigned most = GW_SEND_MAX - GW_SEND_RESERVE;

    if (gw->phase != PHASE_LIVE) {
        if (retry_at_r)
            *retry_at_r = after(now, PAUSE_MIN_MS);
        return false;
    }
    if (sent_within_window(gw, now) >= most) {
        /* the oldest of the last `most` payloads makes room when its minute is over */
        unsigned oldest = (gw->sent_next + GW_SEND_MAX - most) % GW_SEND_MAX;

        if (retry_at_r)
            *retry_at_r = after(gw->sent[oldest], GW_SEND_WINDOW_MS);
        return false;
    }
    note_sent(gw, now);
    return true;
}

static void send_heartbeat(struct gw *gw, monoms_t now)
{
    note_sent(gw, now);
    push(gw, GW_SEND_HEARTBEAT);
}

/* --- between connections ---------------------------------------------------------------------- */

static bool connected(const struct gw *gw)
{
    return gw->phase >= PHASE_CONNECTING;
}

static bool stays_away(const struct gw *gw)
{
    return gw->held || gw->paused;
}

static void release_gate(struct gw *gw)
{
    if (gw->permit || gw->phase == PHASE_GATE)
        push(gw, GW_GATE_RELEASE);
    gw->permit = false;
}

static void connect_now(struct gw *gw, monoms_t now)
{
    bool elsewhere = !gw->resume_url || gw->resume_url_fails >= RESUME_URL_FAILS;
    struct gw_action *a = push(gw, GW_CONNECT);

    a->resume = gw->resume;
    a->url = gw->resume && !elsewhere ? gw->resume_url : gw->url;
    gw->phase = PHASE_CONNECTING;
    gw->hello_by = after(now, HELLO_TIMEOUT_MS);
    gw->interval_ms = 0;
    gw->ack_pending = gw->beat_excused = false;
    gw->live_at = (monoms_t){0};
    gw->sent_count = gw->sent_next = 0;
}

/* The pause is over: connect, or ask the gate first. */
static void begin(struct gw *gw, monoms_t now)
{
    if (stays_away(gw)) {
        gw->phase = PHASE_HELD;
        return;
    }
    gw->resume = gw->session_id != NULL; /* plan() gave up what cannot be resumed */
    if (gw->resume) {
        connect_now(gw, now);
        return;
    }
    gw->phase = PHASE_GATE;
    push(gw, GW_WANT_IDENTIFY);
}

static int64_t next_pause_ms(struct gw *gw)
{
    if (!gw->tried) {
        gw->tried = true;
        return backoff_jitter_ms(FIRST_TRY_JITTER_MS);
    }
    return backoff_next_ms(&gw->backoff);
}

static void lose_session(struct gw *gw, int code, bool by_us, const char *text)
{
    if (!gw->session_id)
        return;
    struct gw_action *a = push(gw, GW_SESSION_LOST);

    a->code = code;
    a->by_us = by_us;
    a->text = text;
    a->session_id = gw->session_id;
    forget_session(gw);
}

/* When the next connection is made: for a session that is left after the back-off, to identify anew
 * after 1 to 5 s at least. */
static void plan(struct gw *gw, monoms_t now, int64_t at_least_ms, const char *text)
{
    int64_t pause = next_pause_ms(gw);

    if (gw->session_id && !gw->session_id[0])
        lose_session(gw, 0, false, "the server gave no session id to resume with");
    if (gw->session_id && gw->resumes >= RESUMES_MAX)
        lose_session(gw, 0, true, "RESUME was tried too often in vain");
    if (!gw->session_id) {
        int64_t anew = INVALID_MIN_MS + backoff_jitter_ms(INVALID_MAX_MS - INVALID_MIN_MS + 1);

        if (pause < anew)
            pause = anew;
    }
    if (at_least_ms > 0 && pause < at_least_ms)
        pause = at_least_ms + backoff_jitter_ms(PAUSE_MIN_MS);
    gw->phase = PHASE_WAIT;
    gw->connect_at = after(now, pause);

    struct gw_action *a = push(gw, GW_WAITING);
    a->wait_ms = pause;
    a->resume = gw->session_id != NULL;
    a->text = text;
}

/* The connection is over, the session perhaps not. */
static void part(struct gw *gw, monoms_t now, int code, bool by_us, const char *text)
{
    if (gw->live_at.ms && now.ms - gw->live_at.ms >= LIVE_RESETS_MS) {
        backoff_reset(&gw->backoff);
        gw->tried = false;
    }
    if (gw->session_id && !gw->gap_open) {
        gw->gap_open = true;
        gw->lost_at = gw->last_rx;
    }
    release_gate(gw);
    gw->phase = PHASE_OFF;
    gw->live_at = (monoms_t){0};
    gw->interval_ms = 0;

    struct gw_action *a = push(gw, GW_DISCONNECTED);
    a->code = code;
    a->by_us = by_us;
    a->text = text;
    a->own_bug = !by_us && gw_close_code(code)->own_bug;
}

static void close_connection(struct gw *gw, monoms_t now, int code, const char *text)
{
    push(gw, GW_CLOSE)->code = code;
    part(gw, now, code, true, text);
}

static void stop_for_good(struct gw *gw, const struct gw_close_code *row, int code)
{
    struct gw_action *a;

    lose_session(gw, code, false, row->text);
    a = push(gw, GW_FATAL);
    a->code = code;
    a->text = row->advice;
    a->own_bug = row->own_bug;
    a->layout = code == 4010 || code == 4011;
    a->all_shards = !a->layout;
    gw->phase = PHASE_OFF;
}

/* 4014: once without what was refused, then never again. */
static void drop_intents(struct gw *gw, monoms_t now, const struct gw_close_code *row)
{
    uint32_t refused = intents_refused(gw->intents, gw->application_known, gw->application_flags);
    struct gw_action *a;

    if (gw->identified_intents != gw->intents) { /* another shard was told meanwhile */
        lose_session(gw, row->code, false, row->text);
        plan(gw, now, 0, row->text);
        return;
    }
    if (gw->intents_dropped || refused == 0) {
        stop_for_good(gw, row, row->code);
        return;
    }
    gw_drop_intents(gw, refused);
    a = push(gw, GW_INTENTS_REFUSED);
    a->intents = refused;
    a->code = row->code;
    a->text = intents_toggles(refused);
    lose_session(gw, row->code, false, row->text);
    plan(gw, now, 0, row->text);
}

void gw_closed(struct gw *gw, monoms_t now, int code)
{
    const struct gw_close_code *row = gw_close_code(code);
    bool at_identify = gw->phase == PHASE_IDENTIFYING;
    const char *text = row->text;

    if (!connected(gw))
        return;
    if (at_identify && code == 4000)
        text = "unknown error on Identify (some servers say so of a wrong token)";
    part(gw, now, code, false, text);
    switch (row->policy) {
    case GW_STOP_FATAL:
        stop_for_good(gw, row, code);
        return;
    case GW_DROP_INTENTS:
        drop_intents(gw, now, row);
        return;
    case GW_IDENTIFY_ANEW:
        lose_session(gw, code, false, text);
        break;
    case GW_TRY_RESUME:
        break;
    }
    plan(gw, now, row->pause_ms, text);
}

void gw_failed(struct gw *gw, monoms_t now, int http_status, const char *error)
{
    bool was_connecting = gw->phase == PHASE_CONNECTING;
    const char *text = error;

    if (!connected(gw))
        return;
    if (http_status == 400 || http_status == 401 || http_status == 403)
        text = "handshake refused: wrong token, address or API version";
    part(gw, now, 0, false, text);
    if (was_connecting) {
        if (gw->resume && gw->resume_url && gw->resume_url_fails < RESUME_URL_FAILS)
            gw->resume_url_fails++;
        else
            push(gw, GW_ASK_GATEWAY);
    }
    plan(gw, now, http_status == 429 ? GW_SEND_WINDOW_MS : 0, text);
}

/* --- payloads --------------------------------------------------------------------------------- */

static void went_live(struct gw *gw, monoms_t now)
{
    gw->phase = PHASE_LIVE;
    gw->live_at = now;
    gw->resumes = 0;
    gw->resume_url_fails = 0;
    gw->gap_open = false;
}

static char *take_string(struct slice value)
{
    size_t len = scan_raw_string(value).len;
    char *text;

    if (len == 0)
        return NULL;
    text = xmalloc(len * 3 + 1); /* a bad byte becomes three */
    len = scan_string(value, text, len * 3);
    text[len] = '\0';
    return text;
}

static bool take_ready(struct gw *gw, monoms_t now, struct slice d, const struct envelope *env)
{
    struct slice session, url, user, application, id, flags, app_id;
    const struct scan_field fields[] = {
        SCAN_FIELD("session_id", &session),
        SCAN_FIELD("resume_gateway_url", &url),
        SCAN_FIELD("user", &user),
        SCAN_FIELD("application", &application),
    };
    const struct scan_field user_fields[] = {SCAN_FIELD("id", &id)};
    const struct scan_field app_fields[] = {SCAN_FIELD("id", &app_id), SCAN_FIELD("flags", &flags)};
    struct gw_action *a;

    if (scan_fields(d, fields, 4))
        return false;
    lose_session(gw, 0, false, "the server began a new session instead of resuming");
    gw->session_id = take_string(session);
    gw->resume_url = take_string(url);
    if (!gw->session_id) /* cannot be resumed; still a session */
        gw->session_id = xstrdup("");
    gw->last_seq = env->seq;
    gw->has_seq = env->has_seq;
    gw->has_broken = false;
    went_live(gw, now);
    a = push(gw, GW_SESSION_STARTED);
    a->session_id = gw->session_id;
    a->url = gw->resume_url ? gw->resume_url : gw->url;
    if (scan_is_object(user) && !scan_fields(user, user_fields, 1))
        scan_snowflake(id, &a->user);
    if (scan_is_object(application) && !scan_fields(application, app_fields, 2)) {
        scan_snowflake(app_id, &a->application);
        scan_digits(flags, &a->application_flags);
    }
    return true;
}

static enum gw_verdict take_dispatch(struct gw *gw, monoms_t now, const char *frame,
                                     const struct envelope *env)
{
    struct slice name = {frame + env->t_off, env->t_len};

    if (gw->phase < PHASE_IDENTIFYING)
        return GW_IGNORE;
    if (gw->phase != PHASE_LIVE && slice_is(name, "READY"))
        return take_ready(gw, now, (struct slice){frame + env->d_off, env->d_len}, env) ? GW_DELIVER
                                                                                        : GW_BROKEN;
    if (gw->phase == PHASE_IDENTIFYING)
        return GW_IGNORE; /* nothing belongs to us before READY */
    if (env->has_seq && (!gw->has_seq || env->seq > gw->last_seq)) {
        gw->last_seq = env->seq;
        gw->has_seq = true;
    }
    if (gw->phase == PHASE_RESUMING && slice_is(name, "RESUMED")) {
        went_live(gw, now);
        push(gw, GW_SESSION_RESUMED)->session_id = gw->session_id;
    }
    return env->has_seq ? GW_DELIVER : GW_IGNORE;
}

static bool take_hello(struct gw *gw, monoms_t now, struct slice d)
{
    struct slice interval;
    const struct scan_field fields[] = {SCAN_FIELD("heartbeat_interval", &interval)};
    int64_t ms;

    if (gw->phase != PHASE_CONNECTING)
        return true;
    if (scan_fields(d, fields, 1) || !scan_i64(interval, &ms) || ms < 1 || ms > INTERVAL_MAX_MS)
        return false;
    gw->interval_ms = ms;
    gw->next_beat = after(now, backoff_jitter_ms(ms));
    gw->resume_url_fails = 0;
    note_sent(gw, now);
    if (gw->resume) {
        gw->phase = PHASE_RESUMING;
        gw->resumes++;
        push(gw, GW_SEND_RESUME);
        return true;
    }
    gw->permit = false; /* used */
    gw->phase = PHASE_IDENTIFYING;
    gw->identified_intents = gw->intents;
    push(gw, GW_SEND_IDENTIFY)->intents = gw->intents;
    return true;
}

static void take_invalid_session(struct gw *gw, monoms_t now, struct slice d)
{
    bool resumable = false;
    const char *text = "session invalid (op 9), Identify anew";

    scan_bool(d, &resumable);
    if (resumable && gw->session_id)
        text = "session invalid (op 9), RESUME again";
    close_connection(gw, now, GW_CLOSE_RESUMABLE, text);
    if (!resumable)
        lose_session(gw, 0, false, text);
    plan(gw, now, 0, text);
}

static void take_ack(struct gw *gw, monoms_t now)
{
    if (gw->ack_pending)
        gw->latency_ms = now.ms - gw->beat_at.ms;
    gw->ack_pending = false;
    gw->beat_excused = false;
}

enum gw_verdict gw_payload(struct gw *gw, monoms_t now, const char *frame, size_t len,
                           const struct envelope *env)
{
    struct slice d = {frame + env->d_off, env->d_len};
    enum gw_verdict verdict = GW_IGNORE;

    (void)len;
    if (!connected(gw))
        return GW_IGNORE;
    gw->last_rx = now;
    switch (env->op) {
    case 0:
        verdict = take_dispatch(gw, now, frame, env);
        break;
    case 1:
        send_heartbeat(gw, now);
        break;
    case 7:
        close_connection(gw, now, GW_CLOSE_RESUMABLE, "server asks to reconnect (op 7)");
        plan(gw, now, 0, "server asks to reconnect (op 7)");
        break;
    case 9:
        take_invalid_session(gw, now, d);
        break;
    case 10:
        verdict = take_hello(gw, now, d) ? GW_IGNORE : GW_BROKEN;
        break;
    case 11:
        take_ack(gw, now);
        break;
    default:
        break;
    }
    if (verdict == GW_BROKEN)
        gw_broken(gw, now, true);
    return verdict;
}

bool gw_broken(struct gw *gw, monoms_t now, bool inflate)
{
    const char *text = inflate ? "undecodable data" : "undecodable payload";

    if (!connected(gw))
        return true;
    if (!inflate && gw->has_broken && gw->broken_seq == gw->last_seq && gw->phase >= PHASE_RESUMING)
        return false;
    gw->has_broken = true;
    gw->broken_seq = gw->last_seq;
    close_connection(gw, now, GW_CLOSE_RESUMABLE, text);
    plan(gw, now, 0, text);
    return true;
}

/* --- the outside ------------------------------------------------------------------------------ */

void gw_start(struct gw *gw, monoms_t now)
{
    if (gw->phase != PHASE_OFF)
        return;
    if (gw->session_id) {
        gw->gap_open = true;
        gw->lost_at = after(now, -gw->restored_down_ms);
    }
    gw->last_rx = now;
    begin(gw, now);
}

void gw_stop(struct gw *gw, monoms_t now, bool keep)
{
    int code = keep ? GW_CLOSE_RESUMABLE : GW_CLOSE_FINAL;

    if (connected(gw))
        close_connection(gw, now, code, "stopping");
    else
        release_gate(gw);
    if (!keep)
        lose_session(gw, code, true, "stopping");
    gw->phase = PHASE_OFF;
}

void gw_connected(struct gw *gw, monoms_t now)
{
    if (gw->phase == PHASE_CONNECTING)
        gw->hello_by = after(now, HELLO_TIMEOUT_MS);
}

void gw_permit(struct gw *gw, monoms_t now)
{
    if (gw->phase != PHASE_GATE) {
        push(gw, GW_GATE_RELEASE);
        return;
    }
    gw->permit = true;
    connect_now(gw, now);
}

static void stay_away(struct gw *gw, monoms_t now, const char *text)
{
    if (gw->phase == PHASE_OFF)
        return;
    if (connected(gw))
        close_connection(gw, now, GW_CLOSE_RESUMABLE, text);
    else
        release_gate(gw);
    gw->phase = PHASE_HELD;
}

static void come_back(struct gw *gw, monoms_t now)
{
    if (gw->phase == PHASE_HELD && !stays_away(gw))
        begin(gw, now);
}

void gw_pause(struct gw *gw, monoms_t now)
{
    if (gw->paused)
        return;
    gw->paused = true;
    gw->paused_at = now;
}

void gw_unpause(struct gw *gw, monoms_t now)
{
    gw->paused = false;
    gw->ack_pending = false; /* the ACK may be among what is read now */
    come_back(gw, now);
}

void gw_hold(struct gw *gw, monoms_t now)
{
    gw->held = true;
    stay_away(gw, now, "held");
}

void gw_unhold(struct gw *gw, monoms_t now)
{
    gw->held = false;
    come_back(gw, now);
}

/* --- time ------------------------------------------------------------------------------------- */

static void beat(struct gw *gw, monoms_t now)
{
    bool late = now.ms - gw->next_beat.ms > LATE_GRACE_MS;

    if (gw->ack_pending && !gw->paused && late && !gw->beat_excused) {
        /* This process slept; the ACK may wait in the socket. */
        gw->beat_excused = true;
        gw->next_beat = after(now, LATE_GRACE_MS);
        return;
    }
    if (gw->ack_pending && !gw->paused) {
        close_connection(gw, now, GW_CLOSE_RESUMABLE, "heartbeat was not acknowledged");
        plan(gw, now, 0, "heartbeat was not acknowledged");
        return;
    }
    send_heartbeat(gw, now);
    gw->ack_pending = true;
    gw->beat_excused = false;
    gw->beat_at = now;
    gw->next_beat = after(gw->next_beat, gw->interval_ms);
    if (gw->next_beat.ms <= now.ms)
        gw->next_beat = after(now, gw->interval_ms);
}

void gw_tick(struct gw *gw, monoms_t now)
{
    if (gw->phase == PHASE_WAIT && now.ms >= gw->connect_at.ms)
        begin(gw, now);
    if (gw->phase == PHASE_CONNECTING && now.ms >= gw->hello_by.ms) {
        push(gw, GW_CLOSE)->code = GW_CLOSE_RESUMABLE;
        gw_failed(gw, now, 0, "no HELLO in time");
        return;
    }
    if (connected(gw) && gw->paused && now.ms - gw->paused_at.ms >= GW_PAUSE_MAX_MS) {
        stay_away(gw, now, "not read for too long (workers are behind)");
        return;
    }
    if (connected(gw) && gw->interval_ms && now.ms >= gw->next_beat.ms)
        beat(gw, now);
}

static void earlier(int64_t *deadline, int64_t ms)
{
    if (ms < *deadline)
        *deadline = ms;
}

monoms_t gw_deadline(const struct gw *gw)
{
    int64_t ms = INT64_MAX;

    if (gw->phase == PHASE_WAIT)
        earlier(&ms, gw->connect_at.ms);
    if (gw->phase == PHASE_CONNECTING)
        earlier(&ms, gw->hello_by.ms);
    if (connected(gw) && gw->paused)
        earlier(&ms, gw->paused_at.ms + GW_PAUSE_MAX_MS);
    if (connected(gw) && gw->interval_ms)
        earlier(&ms, gw->next_beat.ms);
    return (monoms_t){ms};
}

/* --- looking at it ---------------------------------------------------------------------------- */

enum shm_shard_state gw_shard_state(const struct gw *gw)
{
    switch (gw->phase) {
    case PHASE_OFF:
    case PHASE_WAIT:
    case PHASE_HELD:
    case PHASE_GATE:
        return SHARD_DOWN;
    case PHASE_CONNECTING:
    case PHASE_IDENTIFYING:
        return SHARD_CONNECTING;
    case PHASE_RESUMING:
        return gw->paused ? SHARD_PAUSED : SHARD_REPLAYING;
    case PHASE_LIVE:
        break;
    }
    return gw->paused ? SHARD_PAUSED : SHARD_LIVE;
}

bool gw_replaying(const struct gw *gw)
{
    return gw->phase == PHASE_RESUMING;
}

int64_t gw_gap_ms(const struct gw *gw, monoms_t now)
{
    return gw->gap_open && now.ms > gw->lost_at.ms ? now.ms - gw->lost_at.ms : 0;
}

uint32_t gw_intents(const struct gw *gw)
{
    return gw->intents;
}

uint64_t gw_last_seq(const struct gw *gw)
{
    return gw->last_seq;
}

const char *gw_session_id(const struct gw *gw)
{
    return gw->session_id;
}

const char *gw_resume_url(const struct gw *gw)
{
    return gw->resume_url;
}

int64_t gw_latency_ms(const struct gw *gw)
{
    return gw->latency_ms;
}
