/* The gateway session of one shard as a state machine without sockets, time or I/O.
 * Source: Discord gateway.md §2 to §10; close codes: §8.
 *
 * The caller owns the connection. It feeds what happens (gw_connected, gw_payload, gw_closed,
 * gw_failed, gw_tick, gw_permit, ...) with the monotonic time, and after every call takes the
 * actions out (gw_next) and carries them out in order. gw_deadline says when gw_tick is due.
 *
 * One connection at a time: after GW_CLOSE, gw_closed or gw_failed the old connection is forgotten,
 * and nothing that it may still bring must be fed in.
 *
 * An Identify is gated before its connection is made: GW_WANT_IDENTIFY asks, gw_permit answers, the
 * Identify goes out right after HELLO (GW_SEND_IDENTIFY: the 5 seconds of the gate's key count from
 * there), or the permission comes back unused (GW_GATE_RELEASE). */
#ifndef PRESENCE_GW_H
#define PRESENCE_GW_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "presence/buf.h"
#include "presence/clock.h"
#include "presence/event.h"
#include "presence/seen_shm.h"
#include "presence/snowflake.h"

#define GW_SEND_MAX        120   /* payloads per connection ... */
#define GW_SEND_WINDOW_MS  60000 /* ... in this time */
#define GW_SEND_RESERVE    5     /* of them only heartbeats may use */
#define GW_PAYLOAD_MAX     4096  /* bytes of one payload */
#define GW_PAUSE_MAX_MS    30000 /* not reading for longer closes the connection */
#define GW_CLOSE_RESUMABLE 4000  /* what we close with to resume later */
#define GW_CLOSE_FINAL     1000  /* ends the session */

enum gw_close_policy { GW_TRY_RESUME, GW_IDENTIFY_ANEW, GW_STOP_FATAL, GW_DROP_INTENTS };

/* What a close code of the server means; one row per code. */
struct gw_close_code {
    int code; /* -1 in the row that stands for every code not listed */
    enum gw_close_policy policy;
    bool own_bug;       /* to be logged at error level */
    int64_t pause_ms;   /* at least, before the next connection */
    const char *text;   /* meaning */
    const char *advice; /* fatal ones: what the operator must do; else NULL */
};

/* Never NULL. 0 = closed without a code. */
const struct gw_close_code *gw_close_code(int code);
/* All rows, for tests and documents. */
const struct gw_close_code *gw_close_codes(size_t *count_r);

enum gw_action_type {
    GW_NONE = 0,
    GW_CONNECT,         /* to url (without query string), now; `resume` tells for what */
    GW_WAITING,         /* for the log: the next connection is made after wait_ms because of text */
    GW_CLOSE,           /* send a close frame with code, then drop the connection */
    GW_SEND_HEARTBEAT,  /* render with gw_render_heartbeat */
    GW_SEND_IDENTIFY,   /* render with gw_render_identify */
    GW_SEND_RESUME,     /* render with gw_render_resume */
    GW_WANT_IDENTIFY,   /* ask the identify gate (and the budget), answer with gw_permit */
    GW_GATE_RELEASE,    /* the permission was not used or is no longer wanted */
    GW_SESSION_STARTED, /* READY: session_id, url (to resume at), user, application_flags */
    GW_SESSION_RESUMED, /* RESUMED: the replay is complete */
    GW_SESSION_LOST,    /* it cannot be resumed: code, text; its events are gone */
    GW_DISCONNECTED,    /* the connection ended but the session may go on: code, text */
    GW_INTENTS_REFUSED, /* 4014: `intents` were dropped, text names the portal toggles */
    GW_ASK_GATEWAY,     /* fetch /gateway/bot again; answer with gw_set_url */
    GW_FATAL /* nothing more will happen (until gw_start): text, code; all_shards: stop the
                others too; layout: the number of shards must be computed anew */
};

struct gw_action {
    enum gw_action_type type;
    const char *url;        /* valid until the next call that feeds the state machine */
    const char *session_id; /* likewise */
    const char *text;       /* static, or likewise */
    int code;               /* close code; 0 = none */
    bool by_us;             /* GW_DISCONNECTED, GW_SESSION_LOST: we ended the connection */
    bool own_bug;           /* the close code tells of a mistake of ours */
    bool resume;            /* GW_CONNECT: to resume, otherwise to identify */
    bool all_shards, layout;
    int64_t wait_ms;
    uint32_t intents;
    snowflake_t user;           /* the bot's */
    snowflake_t application;    /* 0 = not given */
    uint64_t application_flags; /* 0 = not given */
};

struct gw_params {
    unsigned shard, shards;
    uint32_t intents;           /* to ask for (intents.h) */
    bool application_known;     /* application_flags were fetched */
    uint64_t application_flags; /* say after 4014 which portal toggle is off */
    const char *url;            /* base, from /gateway/bot or the config; copied */
};

struct gw;

struct gw *gw_new(const struct gw_params *params);
void gw_free(struct gw **gw);

/* Before gw_start: a session saved by an earlier process, to be resumed first. down_ms: how long
 * ago its connection ended. */
void gw_restore(struct gw *gw, const char *session_id, const char *resume_url, uint64_t last_seq,
                int64_t down_ms);
void gw_start(struct gw *gw, monoms_t now);
/* Ends it: with keep the session stays resumable (4000), otherwise it is closed (1000). */
void gw_stop(struct gw *gw, monoms_t now, bool keep);

void gw_connected(struct gw *gw, monoms_t now); /* WebSocket handshake done */

enum gw_verdict {
    GW_IGNORE,  /* taken care of, or of no interest */
    GW_DELIVER, /* a dispatch for a worker: env->seq, replaying as gw_replaying says */
    GW_BROKEN   /* not what the protocol allows here; already treated like gw_broken */
};
/* One payload and its envelope. */
enum gw_verdict gw_payload(struct gw *gw, monoms_t now, const char *frame, size_t len,
                           const struct envelope *env);
/* A message that could not be inflated or has no envelope. The first time the connection is closed
 * and the session resumed; a frame that is broken again at the same place is skipped (false: it was
 * skipped, the connection goes on). inflate: the context is lost, so there is no skipping. */
bool gw_broken(struct gw *gw, monoms_t now, bool inflate);

/* The server ended the connection; code 0 = none or 1005/1006. */
void gw_closed(struct gw *gw, monoms_t now, int code);
/* No connection was made, or it broke: error is static text; http_status of a refused handshake, or
 * 0. */
void gw_failed(struct gw *gw, monoms_t now, int http_status, const char *error);

void gw_tick(struct gw *gw, monoms_t now);
/* When gw_tick is due; ms == INT64_MAX: never. */
monoms_t gw_deadline(const struct gw *gw);

void gw_permit(struct gw *gw, monoms_t now); /* answer to GW_WANT_IDENTIFY */
void gw_set_url(struct gw *gw, const char *url);
/* Another shard was refused these (GW_INTENTS_REFUSED): not asked for from the next Identify on. */
void gw_drop_intents(struct gw *gw, uint32_t refused);

/* Reading from the socket was stopped or goes on (flow control). Meanwhile a missing ACK is no
 * sign of death; after GW_PAUSE_MAX_MS the connection is closed, to be resumed when reading may go
 * on. */
void gw_pause(struct gw *gw, monoms_t now);
void gw_unpause(struct gw *gw, monoms_t now);

/* Closes the connection resumably at once and stays away until gw_unhold. */
void gw_hold(struct gw *gw, monoms_t now);
void gw_unhold(struct gw *gw, monoms_t now);

/* Takes a place in the send budget for a payload that is neither heartbeat, Identify nor Resume
 * (op 8, op 3). False: not now; *retry_at_r says when to ask again (may be NULL). */
bool gw_may_send(struct gw *gw, monoms_t now, monoms_t *retry_at_r);

bool gw_next(struct gw *gw, struct gw_action *action_r);

/* What the shard is doing, as other processes see it. */
enum shm_shard_state gw_shard_state(const struct gw *gw);
bool gw_replaying(const struct gw *gw); /* between RESUME and RESUMED */
/* Upper bound of how late a replayed dispatch that arrives now may be. */
int64_t gw_gap_ms(const struct gw *gw, monoms_t now);
uint32_t gw_intents(const struct gw *gw);       /* as asked for, less the refused ones */
uint64_t gw_last_seq(const struct gw *gw);      /* of the session; 0 = none yet */
const char *gw_session_id(const struct gw *gw); /* NULL = no session */
const char *gw_resume_url(const struct gw *gw); /* NULL = no session */
int64_t gw_latency_ms(const struct gw *gw);     /* heartbeat to its ACK; -1 = not measured */

/* The payloads, appended to out. seq: the resume point. status: text shown as the bot's activity,
 * or NULL. Return 0, or -1 if the payload would be longer than GW_PAYLOAD_MAX (nothing is
 * appended). */
int gw_render_heartbeat(const struct gw *gw, struct buf *out);
int gw_render_identify(const struct gw *gw, const char *token, const char *status, struct buf *out);
int gw_render_resume(const struct gw *gw, const char *token, uint64_t seq, struct buf *out);
/* <url without slash>/?v=10&encoding=json[&compress=...]; compress NULL = none. */
void gw_render_url(const char *url, const char *compress, struct buf *out);

#endif
