/* The deadline of each connection of the HTTP server: from its begin, or from its last answer, it
 * has so long to bring one whole request. The library's own limit starts anew with every byte, so
 * that a client that sends one byte a minute would hold its connection for ever. Called by httpd.c.
 * Diagnostics: none; such a connection is shut down. */
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdlib.h>
#include <sys/socket.h>

#include "link/httpd_priv.h"

struct httpd_conn {
    struct httpd *server;
    int fd;
    bool listed;
    int64_t since_ms;
    struct httpd_conn *prev, *next;
};

static void unlist(struct httpd_conn *c)
{
    struct httpd *h = c->server;

    if (!c->listed)
        return;
    c->listed = false;
    *(c->prev ? &c->prev->next : &h->oldest) = c->next;
    *(c->next ? &c->next->prev : &h->newest) = c->prev;
    c->prev = c->next = NULL;
}

static void list(struct httpd_conn *c)
{
    struct httpd *h = c->server;

    unlist(c);
    c->listed = true;
    c->since_ms = clock_mono().ms;
    c->prev = h->newest;
    *(h->newest ? &h->newest->next : &h->oldest) = c;
    h->newest = c;
    if (!loop_timer_active(h->sweep))
        loop_timer_set(h->sweep, h->request_max_ms);
}

void httpd_conn_sweep(void *arg)
{
    struct httpd *h = arg;
    int64_t now_ms = clock_mono().ms;

    while (h->oldest && now_ms - h->oldest->since_ms >= h->request_max_ms) {
        struct httpd_conn *c = h->oldest;

        unlist(c);
        shutdown(c->fd, SHUT_RDWR); /* the library reads end-of-file and closes it */
    }
    if (h->oldest)
        loop_timer_set(h->sweep, h->oldest->since_ms + h->request_max_ms - now_ms);
}

static struct httpd_conn *conn_of(struct MHD_Connection *conn)
{
    const union MHD_ConnectionInfo *info =
        MHD_get_connection_info(conn, MHD_CONNECTION_INFO_SOCKET_CONTEXT);

    return info ? info->socket_context : NULL;
}

/* A peer that vanished without a word is noticed by TCP itself. */
static void set_options(int fd, int64_t unanswered_max_ms)
{
    int one = 1;
    unsigned ms = (unsigned)unanswered_max_ms;

    setsockopt(fd, SOL_SOCKET, SO_KEEPALIVE, &one, sizeof(one));
    setsockopt(fd, IPPROTO_TCP, TCP_USER_TIMEOUT, &ms, sizeof(ms));
}

void httpd_conn_notify(void *cls, struct MHD_Connection *conn, void **socket_context,
                       enum MHD_ConnectionNotificationCode code)
{
    struct httpd_conn *c = *socket_context;
    const union MHD_ConnectionInfo *info;

    if (code == MHD_CONNECTION_NOTIFY_STARTED) {
        info = MHD_get_connection_info(conn, MHD_CONNECTION_INFO_CONNECTION_FD);
        c = xcalloc(1, sizeof(*c));
        *c = (struct httpd_conn){.server = cls, .fd = info->connect_fd};
        *socket_context = c;
        set_options(c->fd, c->server->request_max_ms);
        list(c);
    } else if (c) {
        unlist(c);
        free(c);
        *socket_context = NULL;
    }
}

void httpd_conn_busy(struct MHD_Connection *conn)
{
    struct httpd_conn *c = conn_of(conn);

    if (c)
        unlist(c);
}

void httpd_conn_idle(struct MHD_Connection *conn)
{
    struct httpd_conn *c = conn_of(conn);

    if (c)
        list(c);
}
