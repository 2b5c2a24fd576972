/* How a shard's connections begin and end (gateway.md §7, §8, §10). Called by gw.c and
 * gw_payload.c; gw_closed and gw_failed by the master.
 *
 * Every way in which a connection can end runs through gw_part: it forgets the connection, keeps or
 * loses the session, and gw_plan decides when and for what the next one is made.
 * Diagnostics: none logged here; every step is an action with its text. */
#include "presence/gw.h"

#include "discord/gw_state.h"
#include "presence/intents.h"

#define FIRST_TRY_JITTER_MS 250
#define INVALID_MIN_MS      1000 /* op 9: 1 to 5 s */
#define INVALID_MAX_MS      5000
#define LIVE_RESETS_MS      60000
#define RESUMES_MAX         8 /* without RESUMED, then the session is given up */
#define RESUME_URL_FAILS    3 /* then RESUME is tried at the base URL */

void gw_release_gate(struct gw *gw)
{
    if (gw->permit || gw->phase == PHASE_GATE)
        gw_push(gw, GW_GATE_RELEASE);
    gw->permit = false;
}

void gw_connect(struct gw *gw, monoms_t now)
{
    bool elsewhere = !gw->resume_url || gw->resume_url_fails >= RESUME_URL_FAILS;
    struct gw_action *a = gw_push(gw, GW_CONNECT);

    a->resume = gw->resume;
    a->url = gw->resume && !elsewhere ? gw->resume_url : gw->url;
    gw->phase = PHASE_CONNECTING;
    gw->hello_by = gw_after(now, GW_HELLO_TIMEOUT_MS);
    gw->interval_ms = 0;
    gw->ack_pending = gw->beat_excused = false;
    gw->live_at = (monoms_t){0};
    gw->sent_count = gw->sent_next = 0;
}

/* The pause is over: connect, or ask the gate first. */
void gw_begin(struct gw *gw, monoms_t now)
{
    if (gw_stays_away(gw)) {
        gw->phase = PHASE_HELD;
        return;
    }
    gw->resume = gw->session_id != NULL; /* gw_plan() gave up what cannot be resumed */
    if (gw->resume) {
        gw_connect(gw, now);
        return;
    }
    gw->phase = PHASE_GATE;
    gw_push(gw, GW_WANT_IDENTIFY);
}

static int64_t next_pause_ms(struct gw *gw)
{
    if (!gw->tried) {
        gw->tried = true;
        return backoff_jitter_ms(FIRST_TRY_JITTER_MS);
    }
    return backoff_next_ms(&gw->backoff);
}

void gw_lose_session(struct gw *gw, int code, bool by_us, const char *text)
{
    if (!gw->session_id)
        return;
    struct gw_action *a = gw_push(gw, GW_SESSION_LOST);

    a->code = code;
    a->by_us = by_us;
    a->text = text;
    a->session_id = gw->session_id;
    gw_forget_session(gw);
}

/* When the next connection is made: for a session that is left after the back-off, to identify anew
 * after 1 to 5 s at least. */
void gw_plan(struct gw *gw, monoms_t now, int64_t at_least_ms, const char *text)
{
    int64_t pause = next_pause_ms(gw);

    if (gw->session_id && !gw->session_id[0])
        gw_lose_session(gw, 0, false, "the server gave no session id to resume with");
    if (gw->session_id && gw->resumes >= RESUMES_MAX)
        gw_lose_session(gw, 0, true, "RESUME was tried too often in vain");
    if (!gw->session_id) {
        int64_t anew = INVALID_MIN_MS + backoff_jitter_ms(INVALID_MAX_MS - INVALID_MIN_MS + 1);

        if (pause < anew)
            pause = anew;
    }
    if (at_least_ms > 0 && pause < at_least_ms)
        pause = at_least_ms + backoff_jitter_ms(GW_BACKOFF_MIN_MS);
    gw->phase = PHASE_WAIT;
    gw->connect_at = gw_after(now, pause);

    struct gw_action *a = gw_push(gw, GW_WAITING);
    a->wait_ms = pause;
    a->resume = gw->session_id != NULL;
    a->text = text;
}

/* The connection is over, the session perhaps not. */
void gw_part(struct gw *gw, monoms_t now, int code, bool by_us, const char *text)
{
    if (gw->live_at.ms && now.ms - gw->live_at.ms >= LIVE_RESETS_MS) {
        backoff_reset(&gw->backoff);
        gw->tried = false;
    }
    if (gw->session_id && !gw->gap_open) {
        gw->gap_open = true;
        gw->lost_at = gw->last_rx;
    }
    gw_release_gate(gw);
    gw->phase = PHASE_OFF;
    gw->live_at = (monoms_t){0};
    gw->interval_ms = 0;

    struct gw_action *a = gw_push(gw, GW_DISCONNECTED);
    a->code = code;
    a->by_us = by_us;
    a->text = text;
    a->own_bug = !by_us && gw_close_code(code)->own_bug;
}

void gw_close_connection(struct gw *gw, monoms_t now, int code, const char *text)
{
    gw_push(gw, GW_CLOSE)->code = code;
    gw_part(gw, now, code, true, text);
}

static void stop_for_good(struct gw *gw, const struct gw_close_code *row, int code)
{
    struct gw_action *a;

    gw_lose_session(gw, code, false, row->text);
    a = gw_push(gw, GW_FATAL);
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
        gw_lose_session(gw, row->code, false, row->text);
        gw_plan(gw, now, 0, row->text);
        return;
    }
    if (gw->intents_dropped || refused == 0) {
        stop_for_good(gw, row, row->code);
        return;
    }
    gw_drop_intents(gw, refused);
    a = gw_push(gw, GW_INTENTS_REFUSED);
    a->intents = refused;
    a->code = row->code;
    a->text = intents_toggles(refused);
    gw_lose_session(gw, row->code, false, row->text);
    gw_plan(gw, now, 0, row->text);
}

void gw_closed(struct gw *gw, monoms_t now, int code)
{
    const struct gw_close_code *row = gw_close_code(code);
    bool at_identify = gw->phase == PHASE_IDENTIFYING;
    const char *text = row->text;

    if (!gw_is_connected(gw))
        return;
    if (at_identify && code == 4000)
        text = "unknown error on Identify (some servers say so of a wrong token)";
    gw_part(gw, now, code, false, text);
    switch (row->policy) {
    case GW_STOP_FATAL:
        stop_for_good(gw, row, code);
        return;
    case GW_DROP_INTENTS:
        drop_intents(gw, now, row);
        return;
    case GW_IDENTIFY_ANEW:
        gw_lose_session(gw, code, false, text);
        break;
    case GW_TRY_RESUME:
        break;
    }
    gw_plan(gw, now, row->pause_ms, text);
}

void gw_failed(struct gw *gw, monoms_t now, int http_status, const char *error)
{
    bool was_connecting = gw->phase == PHASE_CONNECTING;
    const char *text = error;

    if (!gw_is_connected(gw))
        return;
    if (http_status == 400 || http_status == 401 || http_status == 403)
        text = "handshake refused: wrong token, address or API version";
    gw_part(gw, now, 0, false, text);
    if (was_connecting) {
        if (gw->resume && gw->resume_url && gw->resume_url_fails < RESUME_URL_FAILS)
            gw->resume_url_fails++;
        else
            gw_push(gw, GW_ASK_GATEWAY);
    }
    gw_plan(gw, now, http_status == 429 ? GW_SEND_WINDOW_MS : 0, text);
}
