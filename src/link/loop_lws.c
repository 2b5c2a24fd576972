/* Back end of struct loop under libwebsockets' own loop, which leads (Debian builds it without
 * external poll).
 *
 * Our descriptors live in one epoll set, and only the set's descriptor is adopted by the library,
 * as a raw file. Adopting each of them would cost a connection object, a private user callback and
 * two poll-set changes per wish to write, and the library closes what it adopted. This way a round
 * costs one poll(2) over the gateway sockets and, when one of ours is ready, one epoll_wait.
 * Diagnostics: fatal when the set cannot be made or adopted. */
#include "loop_lws.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>

#include "presence/buf.h"
#include "presence/log.h"

#define EVENTS_PER_ROUND 64

struct loop_lws {
    struct lws_context *context;
    lws_sorted_usec_list_t alarm; /* bounds the library's wait */
    int set;                      /* epoll; the library closes it with its wsi */
};

static uint32_t epoll_events(unsigned events)
{
    return (events & LOOP_READ ? EPOLLIN : 0u) | (events & LOOP_WRITE ? EPOLLOUT : 0u);
}

static int lws_add(void *arg, int fd, unsigned events, struct loop_fd *w, void **handle_r)
{
    struct loop_lws *ctx = arg;
    struct epoll_event e = {.events = epoll_events(events), .data.ptr = w};

    *handle_r = w;
    return epoll_ctl(ctx->set, EPOLL_CTL_ADD, fd, &e);
}

static void lws_want(void *arg, void *handle, unsigned events)
{
    struct loop_lws *ctx = arg;
    struct epoll_event e = {.events = epoll_events(events), .data.ptr = handle};

    epoll_ctl(ctx->set, EPOLL_CTL_MOD, loop_fd_fd(handle), &e);
}

static void lws_del(void *arg, void *handle)
{
    struct loop_lws *ctx = arg;

    epoll_ctl(ctx->set, EPOLL_CTL_DEL, loop_fd_fd(handle), NULL);
}

static void alarm_rang(lws_sorted_usec_list_t *sul)
{
    (void)sul; /* its only purpose was to end the wait */
}

static void lws_wait(void *arg, int64_t max_wait_ms)
{
    struct loop_lws *ctx = arg;

    if (max_wait_ms == 0) {
        lws_service(ctx->context, -1);
        return;
    }
    /* The library rounds its wait down to whole ms: without the 999 us it would spin through the
     * last one. */
    if (max_wait_ms > 0)
        lws_sul_schedule(ctx->context, 0, &ctx->alarm, alarm_rang,
                         (lws_usec_t)(max_wait_ms * LWS_US_PER_MS + 999));
    else
        lws_sul_cancel(&ctx->alarm);
    lws_service(ctx->context, 0);
}

static void lws_backend_free(void *arg)
{
    struct loop_lws *ctx = arg;

    lws_sul_cancel(&ctx->alarm);
    free(ctx);
}

static const struct loop_backend backend = {
    .add = lws_add, .want = lws_want, .del = lws_del, .wait = lws_wait, .free = lws_backend_free};

struct loop *loop_lws_new(struct lws_context *context, struct lws_vhost *vhost)
{
    struct loop_lws *ctx = xcalloc(1, sizeof(*ctx));
    lws_sock_file_fd_type fd;

    ctx->context = context;
    if ((ctx->set = epoll_create1(EPOLL_CLOEXEC)) < 0)
        fatal("loop_lws", "epoll: %s", strerror(errno));
    fd.filefd = ctx->set;
    struct lws *wsi =
        lws_adopt_descriptor_vhost(vhost, LWS_ADOPT_RAW_FILE_DESC, fd, LOOP_LWS_PROTOCOL, NULL);
    if (!wsi)
        fatal("loop_lws", "libwebsockets does not take our descriptors");
    lws_set_opaque_user_data(wsi, ctx);
    return loop_new_backend(&backend, ctx);
}

int loop_lws_callback(struct lws *wsi, enum lws_callback_reasons reason, void *user, void *in,
                      size_t len)
{
    struct loop_lws *ctx;
    struct epoll_event events[EVENTS_PER_ROUND];
    int n;

    (void)user;
    (void)in;
    (void)len;
    if (reason != LWS_CALLBACK_RAW_RX_FILE || !(ctx = lws_get_opaque_user_data(wsi)))
        return 0;
    n = epoll_wait(ctx->set, events, EVENTS_PER_ROUND, 0);
    for (int i = 0; i < n; i++) {
        uint32_t e = events[i].events;
        unsigned ready = (e & EPOLLIN ? LOOP_READ : 0u) | (e & EPOLLOUT ? LOOP_WRITE : 0u);

        if (e & (EPOLLHUP | EPOLLERR))
            ready |= LOOP_HUP | LOOP_READ;
        /* A watch deleted in this round is still allocated and has no callback any more. */
        loop_fd_ready(events[i].data.ptr, ready);
    }
    return 0;
}
