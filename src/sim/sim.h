/* presence-sim: what its parts share. */
#ifndef SIM_SIM_H
#define SIM_SIM_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "presence/httpd.h"
#include "presence/loop.h"
#include "presence/ws_server.h"
#include "sim/truth.h"
#include "sim/world.h"

struct conn;
struct session;
struct load;
struct commands;
struct interactions;
struct files;

#define MAX_CONCURRENCY_MAX 64u

/* What the command line and /_sim/config set. */
struct sim_config {
    char *token;
    uint32_t shards;            /* what /gateway/bot recommends */
    uint32_t max_concurrency;   /* identifies per window */
    int64_t identify_window_ms; /* 5,000 */
    uint32_t identify_total;    /* per day */
    uint32_t identify_remaining;
    uint32_t guilds_per_shard;     /* above: 4011 */
    uint32_t intents_allowed;      /* of the privileged ones */
    int64_t heartbeat_ms;          /* interval told in HELLO */
    bool enforce_heartbeat;        /* close connections that stopped beating */
    int64_t session_ttl_ms;        /* how long a session without a client can be resumed */
    uint64_t replay_max;           /* entries of a session's replay buffer */
    int64_t guild_create_delay_ms; /* from READY to the guilds; 0 = at once */
    int64_t chunk_window_ms;       /* 30,000: whole member list per guild */
    uint32_t send_limit;           /* 120 payloads per 60 s */
    uint32_t rest_bucket;          /* requests per bucket and window */
    int64_t rest_window_ms;
    uint32_t rest_global; /* requests per second */
    bool check_user_agent;
    int64_t interaction_ack_ms;   /* an acknowledgement that comes later is too late */
    int64_t interaction_token_ms; /* how long an interaction's token lives */
    uint32_t search_not_ready;    /* so many searches find the index not ready (202) */
};

/* Faults that apply to whoever comes next. */
struct sim_faults {
    uint32_t refuse_connects; /* handshakes answered with refuse_connect_status (0 = reset) */
    int refuse_connect_status;
    uint32_t refuse_identifies; /* answered by refuse_identify_code, or op 9 false when 0 */
    unsigned refuse_identify_code;
    uint32_t refuse_rest; /* answered with refuse_rest_status (0 = connection closed) */
    unsigned refuse_rest_status;
    char *refuse_rest_path;         /* only paths that begin so; NULL = all */
    double refuse_rest_retry_after; /* seconds, with 429 */
    char *refuse_rest_scope; /* with 429: user, shared, global, banned (no JSON, no scope); owned */
    int refuse_rest_code;    /* of the error body; 0 = general */
    bool refuse_rest_after;  /* only once the call has been done */
    uint32_t fragment;       /* new connections: WebSocket fragments of this size; 0 = whole */
    bool trickle;            /* new connections: one byte per TCP segment */
};

struct received_line {
    uint64_t index;
    const char *what; /* a literal */
    char *json;
};

struct sim {
    struct loop *loop;
    struct ws_server *ws;
    struct httpd *httpd;
    char *gateway_url;
    char *http_url;
    struct sim_config config;
    struct sim_faults faults;
    struct world world;
    struct truth truth;
    struct load *load;
    struct session **sessions;
    size_t n_sessions, cap_sessions;
    struct conn *conns; /* list */
    struct loop_timer *tick;
    int64_t identify_last_ms[MAX_CONCURRENCY_MAX]; /* per rate limit key; monotonic */
    struct received_line *received;
    size_t n_received, cap_received;
    uint64_t received_total;
    struct rest *rest;
    struct commands *commands;
    struct interactions *interactions;
    struct files *files;
};

/* Records what a client sent, for GET /_sim/received. fields: the rest of a JSON object, beginning
 * with a comma or empty. */
void sim_record(struct sim *sim, const char *what, const char *fmt, ...)
    __attribute__((format(printf, 3, 4)));

#endif
