/* The inside of struct gw, for the files gw*.c. */
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

#define GW_BACKOFF_MIN_MS   1000 /* between connections, after the first free try */
#define GW_BACKOFF_MAX_MS   60000
#define GW_HELLO_TIMEOUT_MS 30000

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

static inline monoms_t gw_after(monoms_t t, int64_t ms)
{
    return (monoms_t){t.ms + ms};
}

static inline bool gw_is_connected(const struct gw *gw)
{
    return gw->phase >= PHASE_CONNECTING;
}

static inline bool gw_stays_away(const struct gw *gw)
{
    return gw->held || gw->paused;
}

/* gw.c */
struct gw_action *gw_push(struct gw *gw, enum gw_action_type type);
void gw_forget_session(struct gw *gw);
/* gw_send.c */
void gw_note_sent(struct gw *gw, monoms_t now);
void gw_send_heartbeat(struct gw *gw, monoms_t now);
/* gw_link.c: how connections begin and end */
void gw_begin(struct gw *gw, monoms_t now); /* connect, ask the gate, or stay away */
void gw_connect(struct gw *gw, monoms_t now);
void gw_release_gate(struct gw *gw);
void gw_lose_session(struct gw *gw, int code, bool by_us, const char *text);
/* When the next connection is made: for a session that is left after the back-off, to identify anew
 * after 1 to 5 s at least. */
void gw_plan(struct gw *gw, monoms_t now, int64_t at_least_ms, const char *text);
/* The connection is over, the session perhaps not. */
void gw_part(struct gw *gw, monoms_t now, int code, bool by_us, const char *text);
void gw_close_connection(struct gw *gw, monoms_t now, int code, const char *text);

#endif
