/* One connection of the HTTP server: its states, and the bytes of its answers. Called by httpd.c
 * when it is ready, and by httpd_answer.c. While a request is owed its answer the socket is still
 * watched, so that a client that leaves is noticed, but nothing is read from it. Diagnostics: none;
 * a client that broke off is closed. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "link/httpd_priv.h"
#include "presence/fd.h"

#define SCRAP_SIZE (64u << 10) /* thrown away at a time */
#define CHUNK_MAX  (16u << 10) /* of a stream's answer */
#define LINGER_MS  2000

/* --- life ------------------------------------------------------------------------------------ */

static void on_ready(void *arg, unsigned events)
{
    httpd_enqueue(arg, events);
}

void httpd_conn_new(struct httpd *h, int fd)
{
    struct httpd_conn *c = xcalloc(1, sizeof(*c));

    *c = (struct httpd_conn){.server = h, .fd = fd, .wanted = LOOP_READ};
    buf_init(&c->in, 0);
    buf_init(&c->out, 0);
    buf_init(&c->stream, 0);
    c->since_ms = c->active_ms = clock_mono().ms;
    c->watch = loop_fd_add(h->loop, fd, LOOP_READ, on_ready, c);
    TAILQ_INSERT_TAIL(&h->conns, c, all);
    h->connections++;
    httpd_deadline(h, httpd_conn_due(c));
}

/* The request of a stream lives on until its writer ends it. */
static void drop_request(struct httpd_conn *c)
{
    struct httpd_request *req = c->req;

    c->req = NULL;
    if (!req)
        return;
    if (!req->streaming) {
        httpd_request_free(req);
        return;
    }
    req->conn = NULL;
    TAILQ_INSERT_TAIL(&c->server->orphans, req, orphan);
    httpd_tell_gone(req);
}

void httpd_conn_close(struct httpd_conn *c)
{
    struct httpd *h = c->server;

    if (c->closed)
        return;
    c->closed = true;
    httpd_dequeue(c);
    TAILQ_REMOVE(&h->conns, c, all);
    h->connections--;
    loop_fd_del(&c->watch);
    fd_close(&c->fd);
    buf_clear(&c->in);
    buf_clear(&c->out);
    buf_clear(&c->stream);
    drop_request(c);
    httpd_listen_again(h);
    if (!c->serving)
        free(c);
}

int64_t httpd_conn_due(const struct httpd_conn *c)
{
    const struct httpd *h = c->server;
    int64_t idle_ms = c->active_ms + h->idle_max_ms, whole_ms = c->since_ms + h->request_max_ms;

    switch (c->state) {
    case HTTPD_HEAD:
    case HTTPD_BODY:
        return idle_ms < whole_ms ? idle_ms : whole_ms;
    case HTTPD_LINGER:
        return c->since_ms + LINGER_MS;
    case HTTPD_OWED:
        return c->req->streaming && buf_len(&c->out) > 0 ? idle_ms : INT64_MAX;
    default:
        return idle_ms;
    }
}

static void rewatch(struct httpd_conn *c)
{
    unsigned events = (c->eof || c->paused ? 0 : LOOP_READ) | (buf_len(&c->out) ? LOOP_WRITE : 0);

    if (c->watch && events != c->wanted) {
        c->wanted = events;
        loop_fd_want(c->watch, events);
    }
}

/* --- out ------------------------------------------------------------------------------------- */

/* 0: all is sent; 1: the socket is full; -1: nobody reads any more. */
static int send_out(struct httpd_conn *c)
{
    while (buf_len(&c->out) > 0) {
        ssize_t n = send(c->fd, buf_bytes(&c->out), buf_len(&c->out), MSG_NOSIGNAL);

        if (n < 0 && errno == EINTR)
            continue;
        if (n < 0)
            return errno == EAGAIN && c->watch ? 1 : -1;
        buf_consume(&c->out, (size_t)n);
        c->active_ms = clock_mono_coarse().ms;
    }
    return 0;
}

/* The next piece of a stream becomes bytes on the wire. False if there is none. */
static bool next_piece(struct httpd_conn *c)
{
    size_t n = buf_len(&c->stream);

    if (n > 0) {
        n = n < CHUNK_MAX ? n : CHUNK_MAX;
        if (c->out_chunked)
            buf_printf(&c->out, "%zx\r\n", n);
        buf_append(&c->out, buf_bytes(&c->stream), n);
        buf_consume(&c->stream, n);
        if (c->out_chunked)
            buf_puts(&c->out, "\r\n");
        return true;
    }
    if (!c->out_ended)
        return false;
    c->out_ended = false;
    if (c->out_chunked)
        buf_puts(&c->out, "0\r\n\r\n");
    return c->out_chunked;
}

/* Closed with something unread, the socket would take back what the client has not read yet. */
static bool needs_linger(const struct httpd_conn *c)
{
    return !c->eof && (c->linger || c->paused || buf_len(&c->in) > 0);
}

static void begin_linger(struct httpd_conn *c)
{
    shutdown(c->fd, SHUT_WR);
    buf_clear(&c->in);
    c->state = HTTPD_LINGER;
    c->paused = false;
    c->since_ms = clock_mono().ms;
}

/* False if that was all: the connection is closed. */
static bool answer_sent(struct httpd_conn *c)
{
    buf_clear(&c->out);
    buf_clear(&c->stream);
    if (c->close_after && !needs_linger(c)) {
        httpd_conn_close(c);
        return false;
    }
    if (c->close_after) {
        begin_linger(c);
    } else {
        c->state = HTTPD_HEAD;
        c->paused = c->out_chunked = c->no_body = false;
        c->since_ms = c->active_ms = clock_mono_coarse().ms;
        if (buf_len(&c->in) == 0 && c->in.cap > HTTPD_KEEP_SIZE)
            buf_clear(&c->in);
        if (buf_len(&c->in) > 0 || c->eof)
            httpd_enqueue(c, 0);
    }
    return true;
}

void httpd_conn_flush(struct httpd_conn *c)
{
    int rc = send_out(c);

    while (rc == 0 && next_piece(c))
        rc = send_out(c);
    if (rc < 0) {
        if (c->state != HTTPD_OWED || c->req->streaming) {
            httpd_conn_close(c);
            return;
        }
        buf_clear(&c->out); /* the handler still answers it */
        loop_fd_del(&c->watch);
        httpd_tell_gone(c->req);
        return;
    }
    if (rc == 0 && c->state == HTTPD_ANSWER && !answer_sent(c))
        return;
    rewatch(c);
    httpd_deadline(c->server, httpd_conn_due(c));
}

/* --- in --------------------------------------------------------------------------------------- */

/* A client that left is noticed; one that sends its next request has to wait. */
static void look_for_hangup(struct httpd_conn *c, unsigned events)
{
    char byte;
    ssize_t n = recv(c->fd, &byte, 1, MSG_PEEK);

    if (events & LOOP_HUP) {
        loop_fd_del(&c->watch);
    } else if (n > 0) {
        c->paused = true;
        return;
    } else if (n < 0 && (errno == EAGAIN || errno == EINTR)) {
        return;
    }
    c->eof = true;
    if (c->state == HTTPD_OWED)
        httpd_tell_gone(c->req);
}

static void discard(struct httpd_conn *c)
{
    unsigned char scrap[SCRAP_SIZE];
    ssize_t n = recv(c->fd, scrap, sizeof(scrap), 0);

    if (n == 0 || (n < 0 && errno != EAGAIN && errno != EINTR))
        httpd_conn_close(c);
}

static void step(struct httpd_conn *c)
{
    unsigned events = c->ready;

    c->ready = 0;
    if (c->state == HTTPD_HEAD || c->state == HTTPD_BODY)
        httpd_read(c, events);
    else if (c->state == HTTPD_LINGER)
        discard(c);
    else if (events & (LOOP_READ | LOOP_HUP))
        look_for_hangup(c, events);
    if (!c->closed && (c->state == HTTPD_ANSWER || buf_len(&c->out) || buf_len(&c->stream)))
        httpd_conn_flush(c);
    if (!c->closed)
        rewatch(c);
}

void httpd_conn_step(struct httpd_conn *c)
{
    c->serving = true;
    step(c);
    c->serving = false;
    if (c->closed)
        free(c);
}
