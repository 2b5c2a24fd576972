/* HTTP server on our own loop: the listener, the queue of connections that are ready, and the
 * deadlines. Called by presence-graphqld and presence-sim.
 * Connections that are ready are served after the round of callbacks, one request of each in turn,
 * for a few milliseconds; then the loop's other work comes first again. So neither one connection
 * nor all of them together keep the program from the rest.
 * Diagnostics: a warning when no connection can be taken for want of descriptors, until one can. */
#include <errno.h>
#include <netinet/tcp.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "link/httpd_priv.h"
#include "presence/fd.h"
#include "presence/log.h"

#define BODY_MAX_DEFAULT    (2u << 20)
#define HEADER_MAX_DEFAULT  (16u << 10)
#define CONN_MAX_DEFAULT    1000u
#define IDLE_SEC_DEFAULT    60u
#define REQUEST_SEC_DEFAULT 60u
#define ACCEPTS_PER_ROUND   64
#define TURN_MAX_MS         5   /* then the loop's other work gets its turn */
#define REST_MS             100 /* without descriptors */

/* --- the queue ------------------------------------------------------------------------------- */

static void serve(void *arg)
{
    struct httpd *h = arg;
    int64_t begun_ms = clock_mono().ms;

    h->scheduled = true; /* whatever is queued meanwhile is served here */
    while (!TAILQ_EMPTY(&h->queue) && clock_mono().ms - begun_ms < TURN_MAX_MS) {
        struct httpd_conn *c = TAILQ_FIRST(&h->queue);

        httpd_dequeue(c);
        httpd_conn_step(c);
    }
    h->scheduled = !TAILQ_EMPTY(&h->queue);
    if (h->scheduled)
        loop_defer(h->loop, serve, h);
}

void httpd_enqueue(struct httpd_conn *c, unsigned events)
{
    struct httpd *h = c->server;

    c->ready |= events;
    if (!c->queued)
        TAILQ_INSERT_TAIL(&h->queue, c, queue);
    c->queued = true;
    if (!h->scheduled)
        loop_defer(h->loop, serve, h);
    h->scheduled = true;
}

void httpd_dequeue(struct httpd_conn *c)
{
    if (c->queued)
        TAILQ_REMOVE(&c->server->queue, c, queue);
    c->queued = false;
}

/* --- deadlines ------------------------------------------------------------------------------- */

/* An earlier one stays: deadlines mostly move away, and to look too early costs little. */
void httpd_deadline(struct httpd *h, int64_t due_ms)
{
    if (due_ms == INT64_MAX || (loop_timer_active(h->sweep) && h->sweep_due_ms <= due_ms))
        return;
    h->sweep_due_ms = due_ms;
    loop_timer_set(h->sweep, due_ms - clock_mono().ms);
}

static void sweep(void *arg)
{
    struct httpd *h = arg;
    int64_t now_ms = clock_mono().ms, next_ms = INT64_MAX;
    struct httpd_conn *c = TAILQ_FIRST(&h->conns);

    while (c) {
        struct httpd_conn *next = TAILQ_NEXT(c, all);
        int64_t due_ms = httpd_conn_due(c);

        if (due_ms <= now_ms)
            httpd_conn_close(c);
        else if (due_ms < next_ms)
            next_ms = due_ms;
        c = next;
    }
    httpd_deadline(h, next_ms);
}

/* --- new connections ------------------------------------------------------------------------- */

/* Nagle's delay is nothing for answers; a peer that vanished without a word is noticed by TCP. */
static void set_options(const struct httpd *h, int fd)
{
    int one = 1;
    unsigned ms = (unsigned)h->request_max_ms;

    if (!h->tcp)
        return;
    setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof(one));
    setsockopt(fd, SOL_SOCKET, SO_KEEPALIVE, &one, sizeof(one));
    setsockopt(fd, IPPROTO_TCP, TCP_USER_TIMEOUT, &ms, sizeof(ms));
}

void httpd_listen_again(struct httpd *h)
{
    if (h->listener && !h->resting)
        loop_fd_want(h->listener, h->connections < h->connections_max ? LOOP_READ : 0);
}

static void rested(void *arg)
{
    struct httpd *h = arg;

    h->resting = false;
    httpd_listen_again(h);
}

static void not_accepted(struct httpd *h)
{
    if (errno != EMFILE && errno != ENFILE && errno != ENOBUFS && errno != ENOMEM)
        return; /* nobody waits, or whoever waited has left */
    if (!h->short_of_fds)
        log_warn("httpd_accept", "cannot take a connection: %s", strerror(errno));
    h->short_of_fds = true;
    h->resting = true;
    loop_fd_want(h->listener, 0);
    loop_timer_set(h->rest, REST_MS);
}

static void on_listener(void *arg, unsigned events)
{
    struct httpd *h = arg;

    (void)events;
    for (int i = 0; i < ACCEPTS_PER_ROUND && h->connections < h->connections_max; i++) {
        int fd = accept4(h->listen_fd, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC);

        if (fd < 0) {
            not_accepted(h);
            return;
        }
        h->short_of_fds = false;
        set_options(h, fd);
        httpd_conn_new(h, fd);
    }
    httpd_listen_again(h);
}

/* --- start and end --------------------------------------------------------------------------- */

struct httpd *httpd_new(struct loop *loop, int listen_fd, const struct httpd_options *options,
                        httpd_handler *handler, void *arg, char **error_r)
{
    static const char too_large[] = "{\"message\":\"Request entity too large\",\"code\":40005}";
    static const struct httpd_options none;
    const struct httpd_options *o = options ? options : &none;
    struct httpd *h;

    if (fd_nonblock(listen_fd)) {
        *error_r = xasprintf("cannot serve descriptor %d: %s", listen_fd, strerror(errno));
        close(listen_fd);
        return NULL;
    }
    h = xcalloc(1, sizeof(*h));
    *h = (struct httpd){.loop = loop, .listen_fd = listen_fd, .handler = handler, .arg = arg};
    h->tcp = httpd_port(listen_fd) != 0;
    h->body_max = o->body_max ? o->body_max : BODY_MAX_DEFAULT;
    h->header_max = o->header_max ? o->header_max : HEADER_MAX_DEFAULT;
    h->connections_max = o->connections_max ? o->connections_max : CONN_MAX_DEFAULT;
    h->too_large = o->too_large ? o->too_large : too_large;
    h->request_max_ms = 1000 * (int64_t)(o->request_sec ? o->request_sec : REQUEST_SEC_DEFAULT);
    h->idle_max_ms = 1000 * (int64_t)(o->idle_sec ? o->idle_sec : IDLE_SEC_DEFAULT);
    TAILQ_INIT(&h->conns);
    TAILQ_INIT(&h->queue);
    TAILQ_INIT(&h->orphans);
    buf_init(&h->head, 0);
    h->rest = loop_timer_new(loop, rested, h);
    h->sweep = loop_timer_new(loop, sweep, h);
    h->listener = loop_fd_add(loop, listen_fd, LOOP_READ, on_listener, h);
    return h;
}

void httpd_stop_accepting(struct httpd *h)
{
    loop_fd_del(&h->listener);
    fd_close(&h->listen_fd);
}

size_t httpd_pending(const struct httpd *h)
{
    return h->pending;
}

unsigned httpd_connections(const struct httpd *h)
{
    return h->connections;
}

/* Nobody is told, and whoever still has the handle must not use it. */
static void forget(struct httpd_conn *c)
{
    if (c->req)
        c->req->streaming = false;
    httpd_conn_close(c);
}

void httpd_free(struct httpd **h)
{
    struct httpd *server = *h;
    struct httpd_request *req;

    if (!server)
        return;
    httpd_stop_accepting(server);
    while (!TAILQ_EMPTY(&server->conns))
        forget(TAILQ_FIRST(&server->conns));
    while ((req = TAILQ_FIRST(&server->orphans)) != NULL) {
        TAILQ_REMOVE(&server->orphans, req, orphan);
        httpd_request_free(req);
    }
    loop_undefer(server->loop, serve, server);
    loop_timer_free(&server->rest);
    loop_timer_free(&server->sweep);
    buf_clear(&server->head);
    free(server);
    *h = NULL;
}
