/* The gateway session of one shard (gw.h, gateway.md §2 to §10). Called by the master's shard,
 * which owns the socket, the clock and the identify gate.
 *
 * Every way in which a connection can end runs through gw_part(): it forgets the connection, keeps
 * or loses the session, and gw_plan() decides when and for what the next connection is made.
 * Diagnostics: none logged here; every step is an action with its text. Fatal: more actions queued
 * than one call can make. */
#include "presence/gw.h"

#include <stdlib.h>

#include "discord/gw_state.h"
#include "presence/log.h"

#define LATE_GRACE_MS 1000

struct gw_action *gw_push(struct gw *gw, enum gw_action_type type)
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
    backoff_init(&gw->backoff, GW_BACKOFF_MIN_MS, GW_BACKOFF_MAX_MS);
    return gw;
}

void gw_forget_session(struct gw *gw)
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
    gw_forget_session(*gw);
    free((*gw)->old_session_id);
    free((*gw)->url);
    free(*gw);
    *gw = NULL;
}

void gw_restore(struct gw *gw, const char *session_id, const char *resume_url, uint64_t last_seq,
                int64_t down_ms)
{
    gw_forget_session(gw);
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

/* --- the outside ------------------------------------------------------------------------------ */

void gw_start(struct gw *gw, monoms_t now)
{
    if (gw->phase != PHASE_OFF)
        return;
    if (gw->session_id) {
        gw->gap_open = true;
        gw->lost_at = gw_after(now, -gw->restored_down_ms);
    }
    gw->last_rx = now;
    gw_begin(gw, now);
}

void gw_stop(struct gw *gw, monoms_t now, bool keep)
{
    int code = keep ? GW_CLOSE_RESUMABLE : GW_CLOSE_FINAL;

    if (gw_is_connected(gw))
        gw_close_connection(gw, now, code, "stopping");
    else
        gw_release_gate(gw);
    if (!keep)
        gw_lose_session(gw, code, true, "stopping");
    gw->phase = PHASE_OFF;
}

void gw_connected(struct gw *gw, monoms_t now)
{
    if (gw->phase == PHASE_CONNECTING)
        gw->hello_by = gw_after(now, GW_HELLO_TIMEOUT_MS);
}

void gw_permit(struct gw *gw, monoms_t now)
{
    if (gw->phase != PHASE_GATE) {
        gw_push(gw, GW_GATE_RELEASE);
        return;
    }
    gw->permit = true;
    gw_connect(gw, now);
}

static void stay_away(struct gw *gw, monoms_t now, const char *text)
{
    if (gw->phase == PHASE_OFF)
        return;
    if (gw_is_connected(gw))
        gw_close_connection(gw, now, GW_CLOSE_RESUMABLE, text);
    else
        gw_release_gate(gw);
    gw->phase = PHASE_HELD;
}

static void come_back(struct gw *gw, monoms_t now)
{
    if (gw->phase == PHASE_HELD && !gw_stays_away(gw))
        gw_begin(gw, now);
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
        gw->next_beat = gw_after(now, LATE_GRACE_MS);
        return;
    }
    if (gw->ack_pending && !gw->paused) {
        gw_close_connection(gw, now, GW_CLOSE_RESUMABLE, "heartbeat was not acknowledged");
        gw_plan(gw, now, 0, "heartbeat was not acknowledged");
        return;
    }
    gw_send_heartbeat(gw, now);
    gw->ack_pending = true;
    gw->beat_excused = false;
    gw->beat_at = now;
    gw->next_beat = gw_after(gw->next_beat, gw->interval_ms);
    if (gw->next_beat.ms <= now.ms)
        gw->next_beat = gw_after(now, gw->interval_ms);
}

void gw_tick(struct gw *gw, monoms_t now)
{
    if (gw->phase == PHASE_WAIT && now.ms >= gw->connect_at.ms)
        gw_begin(gw, now);
    if (gw->phase == PHASE_CONNECTING && now.ms >= gw->hello_by.ms) {
        gw_push(gw, GW_CLOSE)->code = GW_CLOSE_RESUMABLE;
        gw_failed(gw, now, 0, "no HELLO in time");
        return;
    }
    if (gw_is_connected(gw) && gw->paused && now.ms - gw->paused_at.ms >= GW_PAUSE_MAX_MS) {
        stay_away(gw, now, "not read for too long (workers are behind)");
        return;
    }
    if (gw_is_connected(gw) && gw->interval_ms && now.ms >= gw->next_beat.ms)
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
    if (gw_is_connected(gw) && gw->paused)
        earlier(&ms, gw->paused_at.ms + GW_PAUSE_MAX_MS);
    if (gw_is_connected(gw) && gw->interval_ms)
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
