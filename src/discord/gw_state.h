/* The inside of struct gw, for gw.c and gw_render.c. */
#ifndef PRESENCE_DISCORD_GW_STATE_H
#define PRESENCE_DISCORD_GW_STATE_H

#include "presence/backoff.h"
#include "presence/gw.h"

enum gw_phase {
    PHASE_OFF,        /* not started, stopped or fatal */
    PHASE_WAIT,       /* until connect_at */
    PHASE_HELD,       /* until nothing holds it any more */
    PHASE_GATE,       /* GW_WANT_IDENTIFY asked */
    PHASE_CONNECTING, /* GW_CONNECT asked, HELLO not yet seen; until hello_by */
    PHASE_IDENTIFYING,
    PHASE_RESUMING,
    PHASE_LIVE
};

#define GW_ACTIONS_MAX 16 /* one call makes far fewer */

struct gw {
    enum gw_phase phase;
    unsigned shard, shards;
    uint32_t intents;
    uint32_t identified_intents; /* sent in the last Identify */
    bool application_known, intents_dropped;
    uint64_t application_flags;

    char *url;                     /* base */
    char *session_id, *resume_url; /* both NULL = no session; resume_url may be NULL alone */
    bool has_seq;
    uint64_t last_seq;

    bool resume; /* what the next or present connection is for */
    bool permit; /* the gate's permission, not used yet */
    bool held, paused;
    bool gap_open;
    monoms_t paused_at;
    monoms_t connect_at, hello_by, next_beat, beat_at;
    monoms_t last_rx; /* last payload of this or the last connection */
    monoms_t lost_at; /* gap_open: last payload before the session was interrupted */
    monoms_t live_at; /* READY or RESUMED of this connection; 0 = not yet */
    int64_t interval_ms;
    int64_t latency_ms;
    int64_t restored_down_ms;
    bool ack_pending, beat_excused;

    struct backoff backoff;
    bool tried;                /* the one free try since the last reset was taken */
    unsigned resumes;          /* sent since the last READY or RESUMED */
    unsigned resume_url_fails; /* connections to resume_url that failed in a row */
    bool has_broken;
    uint64_t broken_seq;

    monoms_t sent[GW_SEND_MAX]; /* ring of the last payloads' times */
    unsigned sent_next, sent_count;

    struct gw_action actions[GW_ACTIONS_MAX];
    unsigned action_first, action_count;
    char *old_session_id; /* what a queued action may still point to */
};

#endif
