/* Requests of the HTTP server as they come in: the end of a head, the body by its length or in
 * chunks, one request after the other. Called by httpd_conn.c.
 * Diagnostics: none; a broken request is refused, and its connection ends with that. */
#include <errno.h>
#include <string.h>
#include <sys/socket.h>

#include "link/httpd_priv.h"

#define READ_SIZE      4096u
#define BODY_READ_SIZE (64u << 10)

static void refuse_broken(struct httpd_conn *c, unsigned status, const char *why)
{
    httpd_refuse(c, status, "text/plain", why);
}

static void hand_over(struct httpd_conn *c)
{
    struct httpd *h = c->server;

    c->state = HTTPD_OWED;
    h->pending++;
    h->handler(h->arg, c->req);
}

/* The length of the head, blank line included; 0 while its end is missing; *why_r if it is none. */
static size_t head_length(struct httpd_conn *c, const char **why_r)
{
    const char *text = (const char *)buf_bytes(&c->in);
    size_t len = buf_len(&c->in);
    const char *end;

    while (c->scanned < len && (end = memchr(text + c->scanned, '\n', len - c->scanned)) != NULL) {
        size_t at = (size_t)(end - text);

        c->scanned = at + 1;
        if (at == c->line || text[at - 1] != '\r')
            *why_r = "expected every line of the head to end in CR LF";
        else if (c->line > 0 && (text[c->line] == ' ' || text[c->line] == '\t'))
            *why_r = "a folded header field";
        if (*why_r)
            return 0;
        if (at == c->line + 1)
            return c->scanned;
        c->line = c->scanned;
    }
    c->scanned = len;
    return 0;
}

/* Empty lines before a request are passed over (RFC 9112, section 2.2). */
static void skip_empty_lines(struct httpd_conn *c)
{
    while (c->line == 0 && c->scanned <= 1 && buf_len(&c->in) >= 2 &&
           memcmp(buf_bytes(&c->in), "\r\n", 2) == 0) {
        buf_consume(&c->in, 2);
        c->scanned = 0;
    }
}

/* What the head says of the body. False if the request is refused. */
static bool expect_body(struct httpd_conn *c)
{
    struct httpd_request *req = c->req;
    static const char proceed[] = "HTTP/1.1 100 Continue\r\n\r\n";

    if (req->has_length && req->length > c->server->body_max) {
        httpd_refuse(c, 413, "application/json", c->server->too_large);
        return false;
    }
    c->chunked = (struct httpd_chunked){0};
    if (req->expects_continue && (req->chunked || req->length > 0))
        buf_append(&c->out, proceed, sizeof(proceed) - 1);
    return true;
}

/* True once a head has been read. */
static bool parse_head(struct httpd_conn *c)
{
    const char *why = NULL;
    unsigned status = 400;
    size_t len;

    skip_empty_lines(c);
    len = buf_len(&c->in) > 0 ? head_length(c, &why) : 0;
    if (!why &&
        (len > c->server->header_max || (len == 0 && buf_len(&c->in) > c->server->header_max))) {
        status = c->line > 0 ? 431 : 414;
        why = "the head of the request is too long";
    }
    if (!why && len > 0)
        c->req = httpd_head_parse(buf_bytes(&c->in), len, &status, &why);
    if (why) {
        refuse_broken(c, status, why);
        return false;
    }
    if (!c->req)
        return false;
    c->req->server = c->server;
    c->req->conn = c;
    buf_consume(&c->in, len);
    c->scanned = c->line = 0;
    c->no_body = strcmp(c->req->method, "HEAD") == 0;
    c->close_after = !c->req->keep_alive;
    c->state = HTTPD_BODY;
    return expect_body(c);
}

static void parse_chunks(struct httpd_conn *c)
{
    size_t used = 0;

    switch (httpd_chunked_feed(&c->chunked, buf_bytes(&c->in), buf_len(&c->in), c->server->body_max,
                               &c->req->body, &used)) {
    case HTTPD_DONE:
        buf_consume(&c->in, used);
        hand_over(c);
        break;
    case HTTPD_MORE:
        buf_reset(&c->in);
        break;
    case HTTPD_TOO_LARGE:
        httpd_refuse(c, 413, "application/json", c->server->too_large);
        break;
    default:
        refuse_broken(c, 400, "the body is not in chunks as it should be");
    }
}

static void parse_body(struct httpd_conn *c)
{
    struct httpd_request *req = c->req;
    size_t left, n;

    if (req->chunked) {
        parse_chunks(c);
        return;
    }
    left = (size_t)req->length - buf_len(&req->body);
    n = left < buf_len(&c->in) ? left : buf_len(&c->in);
    if (n > 0 && n == req->length && n == buf_len(&c->in)) {
        req->body = c->in; /* as it is; httpd_request_end gives it back */
        buf_init(&c->in, 0);
    } else if (n > 0) {
        buf_append(&req->body, buf_bytes(&c->in), n);
        buf_consume(&c->in, n);
    }
    if (n == left)
        hand_over(c);
}

static void parse(struct httpd_conn *c)
{
    if (c->state == HTTPD_HEAD && !parse_head(c))
        return;
    if (c->state == HTTPD_BODY)
        parse_body(c);
}

/* A long body is received where it belongs. */
static struct buf *receiver(struct httpd_conn *c, size_t *max_r)
{
    size_t left;

    *max_r = READ_SIZE;
    if (c->state != HTTPD_BODY || c->req->chunked)
        return &c->in;
    left = (size_t)c->req->length - buf_len(&c->req->body);
    if (left < READ_SIZE)
        return &c->in;
    *max_r = left < BODY_READ_SIZE ? left : BODY_READ_SIZE;
    return &c->req->body;
}

/* False: nothing more can come now. */
static bool receive(struct httpd_conn *c)
{
    size_t max;
    struct buf *to = receiver(c, &max);
    unsigned char *at = buf_reserve(to, max);
    ssize_t n = recv(c->fd, at, max, 0);

    if (n > 0) {
        buf_commit(to, (size_t)n);
        c->active_ms = clock_mono_coarse().ms;
        return true;
    }
    if (n == 0 || (errno != EAGAIN && errno != EINTR))
        c->eof = true;
    return false;
}

void httpd_read(struct httpd_conn *c, unsigned events)
{
    if (buf_len(&c->in) > 0)
        parse(c);
    if (c->state == HTTPD_HEAD || c->state == HTTPD_BODY) {
        if ((events & LOOP_READ) && !c->eof && !c->closed && !c->queued && receive(c))
            parse(c);
    }
    if (!c->closed && c->eof && (c->state == HTTPD_HEAD || c->state == HTTPD_BODY) && !c->queued)
        httpd_conn_close(c);
}
