/* The gateway: one struct conn per WebSocket connection. gateway.c has the way out (frames,
 * compression, faults), gateway_in.c, gateway_session.c and gateway_members.c the way in (payloads
 * of clients and their limits). */
#ifndef SIM_GATEWAY_H
#define SIM_GATEWAY_H

#include "presence/deflate.h"
#include "presence/json.h"
#include "sim/session.h"
#include "sim/sim.h"

#define SEND_WINDOW_MS 60000
#define SEND_TIMES_MAX 256u
#define PAYLOAD_MAX    4096u
#define RECONNECT_MS   5000 /* from op 7 to the close */

struct conn {
    struct sim *sim;
    struct ws_conn *ws;
    struct session *session;   /* NULL before Identify or Resume */
    struct deflater *deflater; /* NULL: compress none */
    const char *compress;
    struct buf out;     /* frames, ready to be written */
    struct buf scratch; /* a payload on its way into the compressor */
    struct buf packed;
    uint64_t number;                 /* counts connections: names this one in the records */
    int64_t opened_ms, last_beat_ms; /* monotonic; last_beat_ms 0 = none yet */
    int64_t close_at_ms; /* monotonic: after op 7 the server does not wait for ever; 0 = no */
    bool beat_asked;     /* we sent op 1: the next beat is out of turn */
    int64_t send_times[SEND_TIMES_MAX]; /* of the client's latest payloads */
    uint32_t n_sent;
    uint32_t fragment; /* split messages into frames of this size; 0 = not */
    bool trickle;
    uint32_t reset_after; /* bytes still to be sent before a TCP reset; 0 = no reset */
    bool stall_acks, stall_sending, closing;
    bool wants_write;
    struct conn *prev, *next;
};

extern const struct ws_server_handlers gateway_handlers; /* arg: struct sim */

/* Something may have to be sent. */
void gateway_wake(struct conn *c);

/* Sends a payload that is no dispatch. */
void gateway_send(struct conn *c, const char *fmt, ...) __attribute__((format(printf, 2, 3)));
void gateway_close(struct conn *c, unsigned code, const char *reason);
void gateway_detach(struct conn *c, bool kill_session);

/* Faults. text goes through framing and compression; cut > 0 shortens the finished message by so
 * many bytes (its frame says the shorter length: the stream breaks). */
void gateway_send_text(struct conn *c, const char *text, size_t len, size_t cut);
/* Raw bytes of the TCP stream, or a frame around them. */
void gateway_send_wire(struct conn *c, const void *bytes, size_t len, bool framed);

/* The name of c in the records. */
static inline unsigned long long conn_number(const struct conn *c)
{
    return (unsigned long long)c->number;
}

/* gateway_in.c */
void gateway_refuse(struct conn *c, unsigned code); /* closes with Discord's words */
void gateway_payload(struct conn *c, const char *bytes, size_t len);
/* Closes connections that stopped beating or did not follow op 7; called each second. */
void gateway_check_beats(struct sim *sim);

/* gateway_session.c, gateway_members.c: op 2, 6 and 8 */
void gateway_identify(struct conn *c, const struct json *d);
void gateway_resume(struct conn *c, const struct json *d);
void gateway_request_members(struct conn *c, const struct json *d);

/* GUILD_CREATEs that were held back by guild_create_delay_ms. */
void gateway_send_due_guilds(struct sim *sim);

/* READY's and the REST application's flags for the privileged intents that are allowed. */
uint32_t gateway_application_flags(const struct sim *sim);

#endif
