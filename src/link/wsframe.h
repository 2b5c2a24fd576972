/* RFC 6455 as a client needs it, over bytes: handshake text and frames. No socket in here. */
#ifndef PRESENCE_LINK_WSFRAME_H
#define PRESENCE_LINK_WSFRAME_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "presence/buf.h"

enum wsframe_op {
    WS_CONTINUATION = 0,
    WS_TEXT = 1,
    WS_BINARY = 2,
    WS_CLOSE = 8,
    WS_PING = 9,
    WS_PONG = 10
};

/* Reader of the server's frames. */
struct wsframe {
    struct buf partial; /* a frame that has not come whole */
    struct buf message; /* fragments of a message that has not come whole */
    uint8_t message_op; /* 0 = no message under way */
    size_t max_bytes;   /* of a message */
};

void wsframe_init(struct wsframe *in, size_t max_bytes);
void wsframe_clear(struct wsframe *in);

/* A whole message (text, binary) or a control frame. Bytes that came whole lie in what was fed:
 * nothing is copied. Returns false to stop reading (the connection was given up). */
typedef bool wsframe_cb(void *arg, enum wsframe_op op, const unsigned char *bytes, size_t len);

/* Reads what came. Returns 0, or -1 with *error_r (static text) when the server broke the protocol.
 */
int wsframe_feed(struct wsframe *in, const unsigned char *bytes, size_t len, wsframe_cb *cb,
                 void *arg, const char **error_r);

/* Appends a masked frame. */
void wsframe_put(struct buf *out, enum wsframe_op op, const void *bytes, size_t len, uint32_t mask);

/* Judges the server's answer to the upgrade, as far as it has come. Returns the length of the
 * head when it is whole and right, 0 when more must come, -1 with *error_r (static text) and
 * *status_r (the HTTP status, 0 = none). accept: the expected Sec-WebSocket-Accept. */
long wsframe_handshake(const char *bytes, size_t len, const char *accept, int *status_r,
                       const char **error_r);

#endif
