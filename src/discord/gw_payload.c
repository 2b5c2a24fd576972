/* What the server says: HELLO, READY, RESUMED, heartbeats and their ACKs, op 7 and op 9
 * (gateway.md §3 to §7). Called by the master for every frame; a dispatch of a live session costs a
 * comparison.
 * Diagnostics: GW_BROKEN for what the protocol does not allow. */
#include "presence/gw.h"

#include <stdlib.h>

#include "discord/gw_state.h"
#include "presence/scan.h"

#define INTERVAL_MAX_MS 3600000

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
    gw_lose_session(gw, 0, false, "the server began a new session instead of resuming");
    gw->session_id = take_string(session);
    gw->resume_url = take_string(url);
    if (!gw->session_id) /* cannot be resumed; still a session */
        gw->session_id = xstrdup("");
    gw->last_seq = env->seq;
    gw->has_seq = env->has_seq;
    gw->has_broken = false;
    went_live(gw, now);
    a = gw_push(gw, GW_SESSION_STARTED);
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
        gw_push(gw, GW_SESSION_RESUMED)->session_id = gw->session_id;
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
    gw->next_beat = gw_after(now, backoff_jitter_ms(ms));
    gw->resume_url_fails = 0;
    gw_note_sent(gw, now);
    if (gw->resume) {
        gw->phase = PHASE_RESUMING;
        gw->resumes++;
        gw_push(gw, GW_SEND_RESUME);
        return true;
    }
    gw->permit = false; /* used */
    gw->phase = PHASE_IDENTIFYING;
    gw->identified_intents = gw->intents;
    gw_push(gw, GW_SEND_IDENTIFY)->intents = gw->intents;
    return true;
}

static void take_invalid_session(struct gw *gw, monoms_t now, struct slice d)
{
    bool resumable = false;
    const char *text = "session invalid (op 9), Identify anew";

    scan_bool(d, &resumable);
    if (resumable && gw->session_id)
        text = "session invalid (op 9), RESUME again";
    gw_close_connection(gw, now, GW_CLOSE_RESUMABLE, text);
    if (!resumable)
        gw_lose_session(gw, 0, false, text);
    gw_plan(gw, now, 0, text);
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
    if (!gw_is_connected(gw))
        return GW_IGNORE;
    gw->last_rx = now;
    switch (env->op) {
    case 0:
        verdict = take_dispatch(gw, now, frame, env);
        break;
    case 1:
        gw_send_heartbeat(gw, now);
        break;
    case 7:
        gw_close_connection(gw, now, GW_CLOSE_RESUMABLE, "server asks to reconnect (op 7)");
        gw_plan(gw, now, 0, "server asks to reconnect (op 7)");
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

    if (!gw_is_connected(gw))
        return true;
    if (!inflate && gw->has_broken && gw->broken_seq == gw->last_seq && gw->phase >= PHASE_RESUMING)
        return false;
    gw->has_broken = true;
    gw->broken_seq = gw->last_seq;
    gw_close_connection(gw, now, GW_CLOSE_RESUMABLE, text);
    gw_plan(gw, now, 0, text);
    return true;
}
