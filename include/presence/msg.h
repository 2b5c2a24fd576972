/* Messages between the master and its workers, over one Unix stream socket pair each.
 *
 * A message is struct msg_header, a fixed body that depends on the type, and for some types a tail
 * of bytes. All in host order: both ends are the same build (MSG_VERSION is compared in
 * WORKER_READY). A receiver checks size bounds before it reads on (msg_check); a violation ends the
 * connection. On the socket each message is followed by 0 to 7 zero bytes, so that the next one
 * begins at a multiple of 8 (MSG_PADDED); `size` does not count them.
 *
 * Delivery of events: a small one lies in memory that both share (framepool.h) and the message says
 * where; one that has no room there comes whole, as the message's tail. The master numbers the
 * events of a lane (n, growing by 1, never reset while the master lives), keeps each until
 * EVENT_ACK(lane, n) covers it, and delivers what is not acknowledged again, flagged, to the lane's
 * next owner. The worker drops what it has seen before by (session, seq). */
#ifndef PRESENCE_MSG_H
#define PRESENCE_MSG_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define MSG_VERSION  2u
#define MSG_SIZE_MAX (160u << 20) /* a GUILD_CREATE of a very large guild, inflated */

/* Bytes that a message of this size takes on the socket. */
#define MSG_PADDED(size) (((size_t)(size) + 7) & ~(size_t)7)

struct msg_header {
    uint32_t size; /* whole message, header included */
    uint16_t type; /* enum msg_type */
    uint16_t lane;
    uint32_t generation; /* of the worker process it is to or from; others are ignored */
    uint32_t reserved;
};

enum msg_type {
    /* master -> worker */
    MSG_CONF_PREPARE = 1, /* msg_id + tail: effective config as text */
    MSG_CONF_COMMIT = 2,  /* msg_id */
    MSG_CONF_ABORT = 3,   /* msg_id */
    MSG_SECRET = 4,       /* msg_id (enum msg_secret) + tail: the secret */
    MSG_LANE_GRANT = 5,   /* (header.lane) */
    MSG_LANE_REVOKE = 6,  /* (header.lane) */
    MSG_EVENT = 7,        /* msg_event + tail: the whole frame, JSON */
    MSG_SESSION = 8,      /* msg_session: to the owner of lane 0; becomes a record */
    MSG_PING = 9,         /* msg_id */
    MSG_DRAIN = 10,       /* finish, make durable, answer MSG_DRAINED, exit 0 */
    MSG_FETCH = 11,       /* msg_fetch + tail: host name for FETCH_RESOLVE */
    MSG_LOG_LEVEL = 12,   /* msg_id: enum log_level */
    MSG_LOG_REOPEN = 13,
    MSG_QUERY = 14,         /* msg_id + tail: JSON {"query":"member"|"guild"|"stats", …} */
    MSG_DEBUG = 15,         /* msg_id: enum msg_debug (debug builds) */
    MSG_GATEWAY_STATE = 16, /* msg_gateway_state: to all, when a shard's state or intents change */
    MSG_CLOCK = 17,         /* msg_id: clock_set_offset's ms, as int64_t (debug builds) */
    MSG_EVENT_AT = 18,      /* msg_event_at: as MSG_EVENT, where it lies in the common memory */
    MSG_ORDER = 19,         /* msg_order + tail: a developer's command that came elsewhere */
    MSG_FORGET = 20,        /* msg_forget: the store has forgotten them; so shall all caches */
    MSG_RESET_STEP = 21,    /* msg_id: the request; look at the segment: its reset went on, or is
                               none of yours */
    MSG_COGS_REPORT = 22,   /* msg_id as asked + tail: JSON array; none: it cannot be done now */

    /* worker -> master */
    MSG_WORKER_READY = 32,  /* msg_id: MSG_VERSION */
    MSG_CONF_READY = 33,    /* msg_id */
    MSG_CONF_FAIL = 34,     /* msg_id + tail: why */
    MSG_LANE_OWNED = 35,    /* (header.lane): granted lane is taken over, events may flow */
    MSG_LANE_RELEASED = 36, /* (header.lane): nothing in hand, last batch answered */
    MSG_EVENT_ACK = 37,     /* msg_id: n; cumulative for header.lane */
    MSG_DURABLE = 38,       /* msg_durable for header.lane */
    MSG_PONG = 39,          /* msg_id of the ping */
    MSG_DRAINED = 40,
    MSG_FETCH_REPLY = 41,  /* msg_fetch_reply + tail: body, address text, or error text */
    MSG_GATEWAY_SEND = 42, /* msg_gateway_send + tail: a payload for a shard (op 8) */
    MSG_QUERY_REPLY = 43,  /* msg_id + tail: JSON */
    MSG_ALERT = 44,        /* tail: text for the operator, logged by the master at error level */
    MSG_ORDER_PASS = 45,   /* msg_order + tail: for the owner of header.lane, or for all workers */
    MSG_FORGET_PASS = 46,  /* msg_forget: to all workers, the sender too */
    MSG_RESET_ASK = 47,    /* msg_reset, by the owner of the guild's lane */
    MSG_RESET_DONE = 48,   /* msg_reset_done: the owner has done its part of the step */
    MSG_COGS_ASK = 49      /* msg_id + tail: "all" or the module to be reloaded */
};

enum msg_secret { SECRET_DISCORD_TOKEN = 1, SECRET_GRAPHQL_TOKEN = 2, SECRET_KEY = 3 };
enum msg_debug { DEBUG_CRASH = 1, DEBUG_HANG = 2, DEBUG_EXIT = 3 };

struct msg_id {
    uint64_t id;
};

#define MSG_EVENT_REDELIVERED 0x1u /* was delivered before, perhaps to another process */
#define MSG_EVENT_REPLAYED    0x2u /* came between RESUME and RESUMED */
#define MSG_EVENT_GATED       0x4u /* its guild is being reset: nobody's act */

struct msg_event {
    uint64_t n;         /* delivery number in the lane */
    uint64_t session;   /* number of the gateway session */
    uint64_t seq;       /* the frame's s */
    int64_t arrival_ms; /* wall clock, when the frame's last byte arrived first */
    uint64_t guild;     /* as found in the envelope; 0 = none */
    uint32_t gap_ms;    /* replayed: how long the connection was down (error bound of arrival_ms) */
    uint16_t shard;
    uint16_t flags;        /* MSG_EVENT_* */
    uint32_t t_off, t_len; /* the event name in the tail, quotes not counted */
    uint32_t d_off, d_len; /* the value of d in the tail */
};

struct msg_event_at {
    uint64_t offset; /* in the frame pool (framepool.h) */
};

struct msg_session {
    uint64_t session;
    int64_t at_ms;
    int64_t watched_until_ms;
    uint16_t shard, shards;
    uint16_t edge; /* enum session_edge (record.h) */
    uint16_t close_code;
};

enum msg_fetch_what {
    FETCH_USER_ME = 1,     /* GET /users/@me */
    FETCH_APPLICATION = 2, /* GET /applications/@me */
    FETCH_GATEWAY_BOT = 3, /* GET /gateway/bot */
    FETCH_RESOLVE = 4 /* host name in the tail; the reply's tail: one numeric address per line */
};

struct msg_fetch {
    uint64_t id;
    uint32_t what; /* enum msg_fetch_what */
    uint32_t reserved;
};

struct msg_fetch_reply {
    uint64_t id;
    uint32_t what;
    int32_t status; /* HTTP status; 200 for a resolved name; negative: no answer, tail says why */
};

struct msg_durable {
    uint64_t session;
    uint64_t seq; /* every event of the session up to here that came to the lane is durable */
};

struct msg_gateway_send {
    uint64_t guild; /* the shard that owns this guild sends it */
};

struct msg_reset {
    uint64_t guild, request, actor;
};

struct msg_reset_done {
    uint64_t request;
    uint32_t step;   /* enum reset_step */
    uint32_t failed; /* of RESET_CLEAR: the store refused */
};

struct msg_forget {
    uint64_t guild; /* 0 = every guild */
    uint64_t user;  /* 0 = every member */
};

/* A developer's command in a direct message; the tail is its text behind the prefix. */
struct msg_order {
    uint64_t id, author, channel;
    uint32_t all; /* for all workers: one of them may wait for this code */
    uint32_t reserved;
};

struct msg_gateway_state {
    uint64_t session;
    uint32_t intents; /* as granted */
    uint16_t shard, shards;
    uint16_t state; /* enum shm_shard_state */
    uint16_t reserved[3];
};

_Static_assert(sizeof(struct msg_header) == 16, "message header layout");
_Static_assert(sizeof(struct msg_event) == 64, "msg_event has no padding");

/* Size of the fixed body of a type, SIZE_MAX for an unknown one; whether a tail may follow. */
size_t msg_fixed_size(uint16_t type);
bool msg_has_tail(uint16_t type);
const char *msg_name(uint16_t type);

/* Judges a header before anything is allocated for it: NULL, or what is wrong (static text). */
const char *msg_check(const struct msg_header *h);

#endif
