/* The back end of struct loop by epoll(7): a wait costs what is ready, not what is watched. Called
 * by presence-graphqld, which sleeps twice per request. A descriptor is watched at most once, and
 * its watch ends before it is closed and its number used again. Diagnostics: fatal when there is no
 * epoll descriptor. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <unistd.h>

#include "presence/buf.h"
#include "presence/log.h"
#include "presence/loop.h"

#define EVENTS_MAX 64

struct watch {
    int fd;
    unsigned events;
    struct loop_fd *w;
};

struct epoll_ctx {
    int fd;
};

static int control(const struct epoll_ctx *ctx, int operation, const struct watch *watch)
{
    struct epoll_event e = {.events = (watch->events & LOOP_READ ? EPOLLIN : 0u) |
                                      (watch->events & LOOP_WRITE ? EPOLLOUT : 0u),
                            .data.ptr = watch->w};

    return epoll_ctl(ctx->fd, operation, watch->fd, &e);
}

static int add(void *arg, int fd, unsigned events, struct loop_fd *w, void **handle_r)
{
    struct watch *watch = xcalloc(1, sizeof(*watch));

    *watch = (struct watch){.fd = fd, .events = events, .w = w};
    if (control(arg, EPOLL_CTL_ADD, watch)) {
        free(watch);
        return -1;
    }
    *handle_r = watch;
    return 0;
}

static void want(void *arg, void *handle, unsigned events)
{
    struct watch *watch = handle;

    if (watch->events == events)
        return;
    watch->events = events;
    control(arg, EPOLL_CTL_MOD, watch);
}

/* A descriptor that is closed already is forgotten already. */
static void del(void *arg, void *handle)
{
    control(arg, EPOLL_CTL_DEL, handle);
    free(handle);
}

/* Watches deleted meanwhile live until the round is over, and are passed over by loop_fd_ready. */
static void wait_ready(void *arg, int64_t max_wait_ms)
{
    const struct epoll_ctx *ctx = arg;
    struct epoll_event got[EVENTS_MAX];
    int timeout = max_wait_ms > 60000 ? 60000 : (int)max_wait_ms;
    int n = epoll_wait(ctx->fd, got, EVENTS_MAX, timeout);

    for (int i = 0; i < n; i++) {
        unsigned events =
            (got[i].events & EPOLLIN ? LOOP_READ : 0) | (got[i].events & EPOLLOUT ? LOOP_WRITE : 0);

        if (got[i].events & (EPOLLHUP | EPOLLERR))
            events |= LOOP_HUP | LOOP_READ;
        loop_fd_ready(got[i].data.ptr, events);
    }
}

static void free_ctx(void *arg)
{
    struct epoll_ctx *ctx = arg;

    close(ctx->fd);
    free(ctx);
}

struct loop *loop_new_epoll(void)
{
    static const struct loop_backend backend = {
        .add = add, .want = want, .del = del, .wait = wait_ready, .free = free_ctx};
    struct epoll_ctx *ctx = xcalloc(1, sizeof(*ctx));

    ctx->fd = epoll_create1(EPOLL_CLOEXEC);
    if (ctx->fd < 0)
        fatal("epoll", "%s", strerror(errno));
    return loop_new_backend(&backend, ctx);
}
