/* WebSocket frames and handshake for ws.c, without a socket.
 *
 * libwebsockets 4.1 reads a client's frames one byte per function call, 2 ns each: more than all
 * the rest of the master's work for an event. So it carries the connection (TCP, TLS, its loop) and
 * this walks over the frames where they lie.
 * Diagnostics: what the server did wrong, as static text to the caller. */
#include "wsframe.h"

#include <string.h>
#include <strings.h>

#define HEAD_MAX_BYTES  16384
#define CONTROL_MAX_LEN 125

void wsframe_init(struct wsframe *in, size_t max_bytes)
{
    memset(in, 0, sizeof(*in));
    buf_init(&in->partial, 0);
    buf_init(&in->message, 0);
    in->max_bytes = max_bytes;
}

void wsframe_clear(struct wsframe *in)
{
    buf_clear(&in->partial);
    buf_clear(&in->message);
    in->message_op = 0;
}

struct head {
    enum wsframe_op op;
    bool final;
    size_t head_len;
    uint64_t len; /* of the payload */
};

/* 1: *h is the frame's head; 0: more bytes needed; -1: broken. */
static int read_head(const unsigned char *p, size_t len, struct head *h, const char **error_r)
{
    unsigned short_len;

    if (len < 2)
        return 0;
    h->op = (enum wsframe_op)(p[0] & 0x0f);
    h->final = p[0] & 0x80;
    short_len = p[1] & 0x7f;
    if (p[0] & 0x70 || p[1] & 0x80) {
        *error_r = p[1] & 0x80 ? "masked frame from the server"
                               : "frame with reserved bits, expected none";
        return -1;
    }
    if (h->op > WS_PONG || (h->op > WS_BINARY && h->op < WS_CLOSE)) {
        *error_r = "frame with an unknown opcode";
        return -1;
    }
    if (h->op >= WS_CLOSE && (!h->final || short_len > CONTROL_MAX_LEN)) {
        *error_r = "control frame in fragments or longer than 125 bytes";
        return -1;
    }
    h->head_len = short_len == 126 ? 4 : short_len == 127 ? 10 : 2;
    if (len < h->head_len)
        return 0;
    h->len = short_len;
    if (short_len >= 126) {
        h->len = 0;
        for (size_t i = 2; i < h->head_len; i++)
            h->len = h->len << 8 | p[i];
    }
    return 1;
}

/* Hands over a frame's payload, collecting fragments. 1 go on, 0 stop, -1 broken. */
static int take_frame(struct wsframe *in, const struct head *h, const unsigned char *payload,
                      wsframe_cb *cb, void *arg, const char **error_r)
{
    size_t len = (size_t)h->len;
    bool more;

    if (h->op >= WS_CLOSE)
        return cb(arg, h->op, payload, len);
    if ((h->op == WS_CONTINUATION) != (in->message_op != 0)) {
        *error_r = in->message_op ? "new message inside a fragmented one"
                                  : "continuation without a beginning";
        return -1;
    }
    if (h->final && !in->message_op)
        return cb(arg, h->op, payload, len);
    if (h->op != WS_CONTINUATION)
        in->message_op = (uint8_t)h->op;
    buf_append(&in->message, payload, len);
    if (!h->final)
        return 1;
    enum wsframe_op op = (enum wsframe_op)in->message_op;
    struct buf message = in->message;
    in->message_op = 0;
    buf_init(&in->message, 0);
    more = cb(arg, op, buf_bytes(&message), buf_len(&message));
    buf_clear(&message);
    return more;
}

/* Feeds the frame in `partial`; takes only the bytes that belong to it. */
static int feed_partial(struct wsframe *in, const unsigned char **bytes, size_t *len,
                        wsframe_cb *cb, void *arg, const char **error_r)
{
    struct head h;
    struct buf frame;
    size_t want;
    int r = read_head(buf_bytes(&in->partial), buf_len(&in->partial), &h, error_r);

    if (r == 0) { /* the head itself is cut: it is at most 10 bytes long */
        buf_append(&in->partial, *bytes, 1);
        (*bytes)++;
        (*len)--;
        return 1;
    }
    if (r < 0)
        return -1;
    if (h.len > in->max_bytes || buf_len(&in->message) + h.len > in->max_bytes) {
        *error_r = "message is larger than the bound";
        return -1;
    }
    want = h.head_len + (size_t)h.len - buf_len(&in->partial);
    if (want > *len)
        want = *len;
    buf_append(&in->partial, *bytes, want);
    *bytes += want;
    *len -= want;
    if (buf_len(&in->partial) < h.head_len + h.len)
        return 1;
    frame = in->partial;
    buf_init(&in->partial, 0);
    r = take_frame(in, &h, buf_bytes(&frame) + h.head_len, cb, arg, error_r);
    buf_clear(&frame);
    return r;
}

/* Goes on with what lies in `partial`. 1 go on, 0 stop or nothing more to do, -1 broken. */
static int go_on_partial(struct wsframe *in, const unsigned char **bytes, size_t *len,
                         wsframe_cb *cb, void *arg, const char **error_r)
{
    int r;

    if (*len == 0) { /* it may be whole all the same: a frame without payload */
        struct head h;

        r = read_head(buf_bytes(&in->partial), buf_len(&in->partial), &h, error_r);
        if (r == 0 ||
            (r == 1 && h.len <= in->max_bytes && buf_len(&in->partial) < h.head_len + h.len))
            return 0;
    }
    return feed_partial(in, bytes, len, cb, arg, error_r);
}

int wsframe_feed(struct wsframe *in, const unsigned char *bytes, size_t len, wsframe_cb *cb,
                 void *arg, const char **error_r)
{
    while (len > 0 || buf_len(&in->partial) > 0) {
        struct head h;
        int r;

        if (buf_len(&in->partial) > 0) {
            r = go_on_partial(in, &bytes, &len, cb, arg, error_r);
            if (r <= 0)
                return r;
            continue;
        }
        if ((r = read_head(bytes, len, &h, error_r)) < 0)
            return -1;
        if (r == 0 || h.len > len - h.head_len) {
            buf_append(&in->partial, bytes, len);
            bytes += len;
            len = 0;
            continue;
        }
        r = take_frame(in, &h, bytes + h.head_len, cb, arg, error_r);
        if (r <= 0)
            return r;
        bytes += h.head_len + (size_t)h.len;
        len -= h.head_len + (size_t)h.len;
    }
    return 0;
}

void wsframe_put(struct buf *out, enum wsframe_op op, const void *bytes, size_t len, uint32_t mask)
{
    const unsigned char *src = bytes;
    unsigned char key[4], head[14];
    size_t head_len = 2;
    unsigned char *dst;

    head[0] = (unsigned char)(0x80 | op);
    if (len < 126) {
        head[1] = (unsigned char)(0x80 | len);
    } else {
        size_t count = len < 65536 ? 2 : 8;

        head[1] = (unsigned char)(0x80 | (count == 2 ? 126 : 127));
        for (size_t i = 0; i < count; i++)
            head[head_len++] = (unsigned char)(len >> (8 * (count - 1 - i)));
    }
    memcpy(key, &mask, sizeof(key));
    memcpy(head + head_len, key, sizeof(key));
    head_len += sizeof(key);
    buf_append(out, head, head_len);
    if (len == 0)
        return;
    dst = buf_reserve(out, len);
    for (size_t i = 0; i < len; i++)
        dst[i] = src[i] ^ key[i & 3];
    buf_commit(out, len);
}

/* Value of a header in the head of an answer, or NULL; *len_r its length without blanks around. */
static const char *header(const char *head, size_t head_len, const char *name, size_t *len_r)
{
    size_t name_len = strlen(name);
    const char *end = head + head_len, *line = memchr(head, '\n', head_len);

    while (line && ++line < end) {
        const char *eol = memchr(line, '\n', (size_t)(end - line));
        const char *value = line + name_len + 1;

        if (!eol)
            break;
        if ((size_t)(eol - line) > name_len && line[name_len] == ':' &&
            strncasecmp(line, name, name_len) == 0) {
            while (value < eol && (*value == ' ' || *value == '\t'))
                value++;
            const char *last = eol;
            while (last > value && strchr(" \t\r", last[-1]))
                last--;
            *len_r = (size_t)(last - value);
            return value;
        }
        line = eol;
    }
    return NULL;
}

long wsframe_handshake(const char *bytes, size_t len, const char *accept, int *status_r,
                       const char **error_r)
{
    const char *end = memmem(bytes, len, "\r\n\r\n", 4), *value;
    size_t head_len, value_len = 0;

    *status_r = 0;
    if (len >= 5 && memcmp(bytes, "HTTP/", 5) != 0) {
        *error_r = "answer to the upgrade is not HTTP";
        return -1;
    }
    if (!end) {
        if (len > HEAD_MAX_BYTES)
            *error_r = "answer to the upgrade is longer than 16384 bytes";
        return len > HEAD_MAX_BYTES ? -1 : 0;
    }
    head_len = (size_t)(end - bytes) + 4;
    if (head_len < 12 + 4 || bytes[8] != ' ')
        return *error_r = "answer to the upgrade has no status", -1;
    for (int i = 9; i < 12; i++) {
        if (bytes[i] < '0' || bytes[i] > '9')
            return *error_r = "answer to the upgrade has no status", -1;
        *status_r = *status_r * 10 + (bytes[i] - '0');
    }
    if (*status_r != 101)
        return *error_r = "server refused the upgrade to WebSocket", -1;
    value = header(bytes, head_len, "Sec-WebSocket-Accept", &value_len);
    if (!value || value_len != strlen(accept) || memcmp(value, accept, value_len) != 0)
        return *error_r = "Sec-WebSocket-Accept is missing or wrong", -1;
    return (long)head_len;
}
