/* A WebSocket server whose user controls every byte that goes out: frames are built here or by the
 * user and written whole, so that they can be batched, split, cut short or garbled on purpose.
 *
 * libwebsockets insists on leading the event loop, so the server brings the loop with it:
 * everything else of the program is watched through ws_server_loop. */
#ifndef PRESENCE_WS_SERVER_H
#define PRESENCE_WS_SERVER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "presence/loop.h"

struct ws_server;
struct ws_conn;

struct ws_server_handlers {
    /* A handshake arrived. query: what stands behind '?', maybe empty. Returns 0 to accept, or an
     * HTTP status to refuse with, or -1 to reset the connection. */
    int (*filter)(void *arg, const char *path, const char *query);
    void (*open)(void *arg, struct ws_conn *c, const char *query);
    /* One whole message. */
    void (*message)(void *arg, struct ws_conn *c, const char *bytes, size_t len, bool binary);
    /* A message above message_max arrived; the rest of it is dropped. */
    void (*oversize)(void *arg, struct ws_conn *c);
    /* The socket takes bytes; only now may ws_conn_write be called, once. */
    void (*writable)(void *arg, struct ws_conn *c);
    /* The last call for c. code: the close code the client sent, 0 if it sent none. */
    void (*closed)(void *arg, struct ws_conn *c, unsigned code);
};

/* Listens on address ("127.0.0.1"), port 0 = any. On failure NULL and *error_r (owned by the
 * caller). */
struct ws_server *ws_server_new(const char *address, unsigned port, size_t message_max,
                                const struct ws_server_handlers *handlers, void *arg,
                                char **error_r);
struct loop *ws_server_loop(struct ws_server *s);
unsigned ws_server_port(const struct ws_server *s);
/* Frees the loop, then closes all connections (closed is called for each; it must not use the
 * loop). */
void ws_server_free(struct ws_server **s);

void ws_conn_set_user(struct ws_conn *c, void *user);
void *ws_conn_user(const struct ws_conn *c);

void ws_conn_want_write(struct ws_conn *c);
/* Writes bytes of ready frames; what the socket does not take is kept and written before anything
 * else. Must end at the end of a frame, or control frames would fall into the middle. Returns 0,
 * or -1 when the connection is lost (closed follows). */
int ws_conn_write(struct ws_conn *c, unsigned char *bytes, size_t len);
/* The same with one byte per TCP segment, as far as the socket takes them. */
int ws_conn_trickle(struct ws_conn *c, unsigned char *bytes, size_t len);

/* Sends a close frame and closes; reason is cut to what fits. What was not written is lost. */
void ws_conn_close(struct ws_conn *c, unsigned code, const char *reason);
/* Drops the connection with a TCP reset. */
void ws_conn_reset(struct ws_conn *c);
/* Drops it with a plain FIN and no close frame. */
void ws_conn_hangup(struct ws_conn *c);
void ws_conn_read(struct ws_conn *c, bool on);

#define WS_OP_CONTINUATION 0x0u
#define WS_OP_TEXT         0x1u
#define WS_OP_BINARY       0x2u
#define WS_FIN             0x80u
#define WS_HEADER_MAX      10

/* Writes an unmasked frame header; returns its length. first: opcode, with WS_FIN if it is the last
 * fragment. */
size_t ws_frame_header(unsigned char out[WS_HEADER_MAX], unsigned first, size_t payload_len);

#endif
