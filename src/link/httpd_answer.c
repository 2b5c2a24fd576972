/* Answers of the HTTP server: whole ones, which leave in one write, and streams of pieces, which
 * leave when the round of callbacks is over. Called by presence-graphqld and presence-sim.
 * Diagnostics: none. */
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>
#include <sys/socket.h>
#include <sys/uio.h>
#include <time.h>

#include "link/httpd_priv.h"

/* --- who left -------------------------------------------------------------------------------- */

void httpd_tell_gone(struct httpd_request *req)
{
    httpd_gone_cb *cb = req->gone;

    req->gone = NULL;
    if (cb)
        cb(req->gone_arg, req);
}

void httpd_set_gone(struct httpd_request *req, httpd_gone_cb *cb, void *arg)
{
    req->gone = cb;
    req->gone_arg = arg;
}

/* --- heads ----------------------------------------------------------------------------------- */

static const char *date(struct httpd *h)
{
    static const char days[] = "SunMonTueWedThuFriSat",
                      months[] = "JanFebMarAprMayJunJulAugSepOctNovDec";
    time_t now = (time_t)(clock_unix().ms / 1000);
    struct tm tm;

    if (h->date_sec != now && gmtime_r(&now, &tm)) {
        h->date_sec = now;
        snprintf(h->date, sizeof(h->date), "%.3s, %02d %.3s %04d %02d:%02d:%02d GMT",
                 days + 3 * tm.tm_wday, tm.tm_mday, months + 3 * tm.tm_mon, tm.tm_year + 1900,
                 tm.tm_hour, tm.tm_min, tm.tm_sec);
    }
    return h->date;
}

static void put_field(struct buf *b, const char *name, const char *value)
{
    buf_puts(b, name);
    buf_append(b, ": ", 2);
    buf_puts(b, value);
    buf_append(b, "\r\n", 2);
}

/* Writes the head, but for its length and the blank line, into the server's buffer. */
static struct buf *begin_head(struct httpd_conn *c, unsigned minor, unsigned status,
                              const struct httpd_header *headers, size_t n_headers)
{
    struct buf *b = &c->server->head;

    buf_reset(b);
    buf_append(b, "HTTP/1.1 ", 9);
    buf_put_u64(b, status);
    buf_append(b, " ", 1);
    buf_puts(b, httpd_status_text(status));
    buf_append(b, "\r\n", 2);
    put_field(b, "Date", date(c->server));
    for (size_t i = 0; i < n_headers; i++) {
        if (strcasecmp(headers[i].name, "Connection") == 0)
            c->close_after = c->linger = true;
        else
            put_field(b, headers[i].name, headers[i].value);
    }
    if (c->close_after)
        put_field(b, "Connection", "close");
    else if (minor == 0)
        put_field(b, "Connection", "keep-alive");
    return b;
}

static bool has_body(unsigned status)
{
    return status >= 200 && status != 204 && status != 304;
}

/* --- whole answers --------------------------------------------------------------------------- */

/* What of head and body did not leave at once waits in out; owned, if given, is taken over. */
static void send_whole(struct httpd_conn *c, const struct buf *head, const void *body, size_t len,
                       struct buf *owned)
{
    struct iovec parts[2] = {{.iov_base = buf_bytes(head), .iov_len = buf_len(head)},
                             {.iov_base = (void *)(uintptr_t)body, .iov_len = len}};
    struct msghdr message = {.msg_iov = parts, .msg_iovlen = len > 0 ? 2 : 1};
    ssize_t n = 0;
    size_t sent;

    if (buf_len(&c->out) == 0) {
        n = sendmsg(c->fd, &message, MSG_NOSIGNAL);
        if (n > 0)
            c->active_ms = clock_mono_coarse().ms;
    }
    sent = n > 0 ? (size_t)n : 0;
    if (sent < buf_len(head)) {
        buf_append(&c->out, buf_bytes(head) + sent, buf_len(head) - sent);
        buf_append(&c->out, body, len);
    } else if (owned && sent < buf_len(head) + len) {
        buf_consume(owned, sent - buf_len(head));
        buf_clear(&c->out);
        c->out = *owned;
        c->out.max = 0;
        buf_init(owned, owned->max);
    } else {
        sent -= buf_len(head);
        buf_append(&c->out, (const char *)body + sent, len - sent);
    }
}

static void respond(struct httpd_conn *c, unsigned minor, unsigned status,
                    const struct httpd_header *headers, size_t n_headers, const void *body,
                    size_t len, struct buf *owned)
{
    struct buf *head = begin_head(c, minor, status, headers, n_headers);

    if (has_body(status)) {
        buf_puts(head, "Content-Length: ");
        buf_put_u64(head, len);
        buf_append(head, "\r\n", 2);
    }
    buf_append(head, "\r\n", 2);
    if (c->no_body || !has_body(status))
        len = 0;
    c->state = HTTPD_ANSWER;
    send_whole(c, head, body, len, owned);
    httpd_conn_flush(c);
}

static void respond_to(struct httpd_request *req, unsigned status,
                       const struct httpd_header *headers, size_t n_headers, const void *body,
                       size_t len, struct buf *owned)
{
    struct httpd_conn *c = req->conn;
    unsigned minor = req->minor;

    req->server->pending--;
    c->req = NULL;
    httpd_request_end(req);
    respond(c, minor, status, headers, n_headers, body, len, owned);
    httpd_request_free(req);
}

void httpd_refuse(struct httpd_conn *c, unsigned status, const char *type, const char *text)
{
    const struct httpd_header headers[] = {{"Content-Type", type}, {"Connection", "close"}};

    if (c->req)
        httpd_request_free(c->req);
    c->req = NULL;
    respond(c, 1, status, headers, 2, text, strlen(text), NULL);
}

void httpd_respond(struct httpd_request *req, unsigned status, const struct httpd_header *headers,
                   size_t n_headers, const void *body, size_t len)
{
    respond_to(req, status, headers, n_headers, body, len, NULL);
}

void httpd_respond_buf(struct httpd_request *req, unsigned status,
                       const struct httpd_header *headers, size_t n_headers, struct buf *body)
{
    respond_to(req, status, headers, n_headers, buf_bytes(body), buf_len(body), body);
    buf_clear(body);
}

void httpd_abort(struct httpd_request *req)
{
    struct httpd_conn *c = req->conn;

    req->server->pending--;
    if (c) {
        c->req = NULL;
        httpd_conn_close(c);
    } else {
        TAILQ_REMOVE(&req->server->orphans, req, orphan);
    }
    httpd_request_free(req);
}

/* --- streams --------------------------------------------------------------------------------- */

void httpd_stream(struct httpd_request *req, unsigned status, const struct httpd_header *headers,
                  size_t n_headers, size_t unsent_max)
{
    struct httpd_conn *c = req->conn;
    struct buf *head;

    req->streaming = true;
    req->unsent_max = unsent_max;
    c->out_chunked = req->minor > 0;
    if (req->minor == 0)
        c->close_after = true;
    head = begin_head(c, req->minor, status, headers, n_headers);
    if (c->out_chunked)
        put_field(head, "Transfer-Encoding", "chunked");
    buf_append(head, "\r\n", 2);
    buf_append(&c->out, buf_bytes(head), buf_len(head));
    httpd_enqueue(c, 0);
}

int httpd_stream_write(struct httpd_request *req, const void *bytes, size_t len)
{
    struct httpd_conn *c = req->conn;

    if (!c)
        return len > req->unsent_max ? -1 : 0;
    if (buf_len(&c->stream) + len > req->unsent_max)
        return -1;
    if (c->no_body)
        return 0;
    buf_append(&c->stream, bytes, len);
    httpd_enqueue(c, 0);
    return 0;
}

size_t httpd_stream_unsent(const struct httpd_request *req)
{
    return req->conn ? buf_len(&req->conn->stream) : 0;
}

void httpd_stream_end(struct httpd_request *req)
{
    struct httpd_conn *c = req->conn;

    req->server->pending--;
    if (c) {
        c->req = NULL;
        c->state = HTTPD_ANSWER;
        c->out_ended = !c->no_body;
        httpd_enqueue(c, 0);
    } else {
        TAILQ_REMOVE(&req->server->orphans, req, orphan);
    }
    httpd_request_free(req);
}
