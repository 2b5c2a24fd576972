/* The event loop: timers in a heap, signals through a pipe, descriptors by poll(2) or by another
 * back end. Called by every daemon.
 * Diagnostics: fatal when the signal pipe cannot be made. */
#include "presence/loop.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "presence/buf.h"
#include "presence/fd.h"
#include "presence/log.h"

#define NOT_QUEUED SIZE_MAX

struct loop_fd {
    struct loop *loop;
    int fd;
    loop_fd_cb *cb; /* NULL once deleted */
    void *arg;
    void *handle; /* the back end's */
    struct loop_fd *next_dead;
};

struct loop_timer {
    struct loop *loop;
    loop_cb *cb;
    void *arg;
    int64_t due_ms;
    size_t heap_index; /* NOT_QUEUED when stopped */
};

struct deferred {
    loop_cb *cb;
    void *arg;
};

struct loop {
    const struct loop_backend *backend;
    void *ctx;
    bool stopping;
    struct loop_timer **heap;
    size_t heap_len, heap_cap;
    int64_t firing_ms; /* while timers fire: those due until then; INT64_MIN otherwise */
    int64_t looked_ms; /* at the clock, before and after each wait; INT64_MIN: not yet */
    int64_t held_ms;   /* not served, in all (loop_served) */
    struct deferred *deferred;
    size_t deferred_len, deferred_cap;
    struct loop_fd *dead; /* deleted watches, freed between rounds */
    struct loop_fd *signal_watch;
};

/* --- poll(2) back end ------------------------------------------------------------------------ */

struct poll_entry {
    struct loop_fd *w;
    size_t index;
};

struct poll_ctx {
    struct pollfd *fds;
    struct poll_entry **entries; /* parallel to fds */
    size_t len, cap;
};

static short poll_events(unsigned events)
{
    return (short)((events & LOOP_READ ? POLLIN : 0) | (events & LOOP_WRITE ? POLLOUT : 0));
}

static int poll_add(void *arg, int fd, unsigned events, struct loop_fd *w, void **handle_r)
{
    struct poll_ctx *ctx = arg;
    struct poll_entry *entry = xcalloc(1, sizeof(*entry));

    if (ctx->len == ctx->cap) {
        ctx->cap = ctx->cap ? ctx->cap * 2 : 16;
        ctx->fds = xrealloc(ctx->fds, ctx->cap * sizeof(*ctx->fds));
        ctx->entries = xrealloc(ctx->entries, ctx->cap * sizeof(struct poll_entry *));
    }
    *entry = (struct poll_entry){.w = w, .index = ctx->len};
    ctx->fds[ctx->len] = (struct pollfd){.fd = fd, .events = poll_events(events)};
    ctx->entries[ctx->len++] = entry;
    *handle_r = entry;
    return 0;
}

static void poll_want(void *arg, void *handle, unsigned events)
{
    struct poll_ctx *ctx = arg;
    struct poll_entry *entry = handle;

    ctx->fds[entry->index].events = poll_events(events);
}

static void poll_del(void *arg, void *handle)
{
    struct poll_ctx *ctx = arg;
    struct poll_entry *entry = handle;
    size_t last = ctx->len - 1;

    ctx->fds[entry->index] = ctx->fds[last];
    ctx->entries[entry->index] = ctx->entries[last];
    ctx->entries[entry->index]->index = entry->index;
    ctx->len = last;
    free(entry);
}

static void poll_wait(void *arg, int64_t max_wait_ms)
{
    struct poll_ctx *ctx = arg;
    int timeout = max_wait_ms > 60000 ? 60000 : (int)max_wait_ms;
    int n = poll(ctx->fds, (nfds_t)ctx->len, timeout);

    /* Downwards: a deletion moves the last entry, which was already served. */
    for (size_t i = ctx->len; n > 0 && i-- > 0;) {
        short got;

        if (i >= ctx->len || (got = ctx->fds[i].revents) == 0)
            continue;
        ctx->fds[i].revents = 0;
        n--;
        unsigned events = (got & POLLIN ? LOOP_READ : 0) | (got & POLLOUT ? LOOP_WRITE : 0);
        if (got & (POLLHUP | POLLERR | POLLNVAL))
            events |= LOOP_HUP | LOOP_READ;
        loop_fd_ready(ctx->entries[i]->w, events);
    }
}

static void poll_free(void *arg)
{
    struct poll_ctx *ctx = arg;

    for (size_t i = 0; i < ctx->len; i++)
        free(ctx->entries[i]);
    free(ctx->fds);
    free(ctx->entries);
    free(ctx);
}

static const struct loop_backend poll_backend = {
    .add = poll_add, .want = poll_want, .del = poll_del, .wait = poll_wait, .free = poll_free};

/* --- the loop -------------------------------------------------------------------------------- */

struct loop *loop_new_backend(const struct loop_backend *backend, void *ctx)
{
    struct loop *loop = xcalloc(1, sizeof(*loop));

    loop->backend = backend;
    loop->ctx = ctx;
    loop->firing_ms = loop->looked_ms = INT64_MIN;
    return loop;
}

struct loop *loop_new(void)
{
    return loop_new_backend(&poll_backend, xcalloc(1, sizeof(struct poll_ctx)));
}

static void free_dead(struct loop *loop)
{
    while (loop->dead) {
        struct loop_fd *w = loop->dead;

        loop->dead = w->next_dead;
        free(w);
    }
}

void loop_free(struct loop **loop)
{
    struct loop *l = *loop;

    if (!l)
        return;
    loop_fd_del(&l->signal_watch);
    free_dead(l);
    l->backend->free(l->ctx);
    free(l->heap);
    free(l->deferred);
    free(l);
    *loop = NULL;
}

void loop_stop(struct loop *loop)
{
    loop->stopping = true;
}

static void heap_swap(struct loop *loop, size_t a, size_t b)
{
    struct loop_timer *t = loop->heap[a];

    loop->heap[a] = loop->heap[b];
    loop->heap[b] = t;
    loop->heap[a]->heap_index = a;
    loop->heap[b]->heap_index = b;
}

static void heap_up(struct loop *loop, size_t i)
{
    while (i > 0 && loop->heap[i]->due_ms < loop->heap[(i - 1) / 2]->due_ms) {
        heap_swap(loop, i, (i - 1) / 2);
        i = (i - 1) / 2;
    }
}

static void heap_down(struct loop *loop, size_t i)
{
    for (;;) {
        size_t least = i, left = 2 * i + 1, right = left + 1;

        if (left < loop->heap_len && loop->heap[left]->due_ms < loop->heap[least]->due_ms)
            least = left;
        if (right < loop->heap_len && loop->heap[right]->due_ms < loop->heap[least]->due_ms)
            least = right;
        if (least == i)
            return;
        heap_swap(loop, i, least);
        i = least;
    }
}

struct loop_timer *loop_timer_new(struct loop *loop, loop_cb *cb, void *arg)
{
    struct loop_timer *t = xcalloc(1, sizeof(*t));

    *t = (struct loop_timer){.loop = loop, .cb = cb, .arg = arg, .heap_index = NOT_QUEUED};
    return t;
}

void loop_timer_stop(struct loop_timer *t)
{
    struct loop *loop = t->loop;
    size_t i = t->heap_index;

    if (i == NOT_QUEUED)
        return;
    loop->heap_len--;
    if (i != loop->heap_len) {
        loop->heap[i] = loop->heap[loop->heap_len];
        loop->heap[i]->heap_index = i;
        heap_up(loop, i);
        heap_down(loop, i);
    }
    t->heap_index = NOT_QUEUED;
}

void loop_timer_set(struct loop_timer *t, int64_t in_ms)
{
    struct loop *loop = t->loop;

    loop_timer_stop(t);
    if (loop->heap_len == loop->heap_cap) {
        loop->heap_cap = loop->heap_cap ? loop->heap_cap * 2 : 16;
        loop->heap = xrealloc(loop->heap, loop->heap_cap * sizeof(struct loop_timer *));
    }
    t->due_ms = clock_mono().ms + (in_ms > 0 ? in_ms : 0);
    if (t->due_ms <= loop->firing_ms) /* set by a timer's callback: not in this round again */
        t->due_ms = loop->firing_ms + 1;
    t->heap_index = loop->heap_len;
    loop->heap[loop->heap_len++] = t;
    heap_up(loop, t->heap_index);
}

bool loop_timer_active(const struct loop_timer *t)
{
    return t->heap_index != NOT_QUEUED;
}

void loop_timer_free(struct loop_timer **t)
{
    if (!*t)
        return;
    loop_timer_stop(*t);
    free(*t);
    *t = NULL;
}

/* How much longer than expected it is since the clock was last looked at. */
static int64_t held_since_look(const struct loop *loop, int64_t now_ms, int64_t expected_ms)
{
    int64_t held;

    if (loop->looked_ms == INT64_MIN)
        return 0;
    held = now_ms - loop->looked_ms - expected_ms - LOOP_HELD_MS;
    return held > 0 ? held : 0;
}

static int64_t look(struct loop *loop, int64_t expected_ms)
{
    int64_t now_ms = clock_mono().ms;

    loop->held_ms += held_since_look(loop, now_ms, expected_ms);
    loop->looked_ms = now_ms;
    return now_ms;
}

monoms_t loop_served(const struct loop *loop)
{
    int64_t now_ms = clock_mono().ms;

    return (monoms_t){now_ms - loop->held_ms - held_since_look(loop, now_ms, 0)};
}

static void fire_due_timers(struct loop *loop, int64_t waited_ms)
{
    int64_t now_ms = look(loop, waited_ms);

    loop->firing_ms = now_ms;
    while (loop->heap_len > 0 && loop->heap[0]->due_ms <= now_ms && !loop->stopping) {
        struct loop_timer *t = loop->heap[0];

        loop_timer_stop(t);
        t->cb(t->arg);
    }
    loop->firing_ms = INT64_MIN;
}

void loop_defer(struct loop *loop, loop_cb *cb, void *arg)
{
    if (loop->deferred_len == loop->deferred_cap) {
        loop->deferred_cap = loop->deferred_cap ? loop->deferred_cap * 2 : 8;
        loop->deferred = xrealloc(loop->deferred, loop->deferred_cap * sizeof(*loop->deferred));
    }
    loop->deferred[loop->deferred_len++] = (struct deferred){cb, arg};
}

void loop_undefer(struct loop *loop, loop_cb *cb, void *arg)
{
    for (size_t i = 0; i < loop->deferred_len; i++)
        if (loop->deferred[i].cb == cb && loop->deferred[i].arg == arg)
            loop->deferred[i].cb = NULL;
}

static void run_deferred(struct loop *loop)
{
    size_t n = loop->deferred_len;

    if (n == 0)
        return;
    for (size_t i = 0; i < n; i++) {
        struct deferred d = loop->deferred[i];

        if (d.cb)
            d.cb(d.arg);
    }
    memmove(loop->deferred, loop->deferred + n, (loop->deferred_len - n) * sizeof(*loop->deferred));
    loop->deferred_len -= n;
}

static int64_t wait_limit_ms(struct loop *loop, int64_t max_wait_ms)
{
    int64_t now_ms = look(loop, 0), until_timer;

    if (loop->deferred_len > 0 || loop->stopping)
        return 0;
    if (loop->heap_len == 0)
        return max_wait_ms;
    until_timer = loop->heap[0]->due_ms - now_ms;
    if (until_timer < 0)
        until_timer = 0;
    return max_wait_ms < 0 || until_timer < max_wait_ms ? until_timer : max_wait_ms;
}

void loop_once(struct loop *loop, int64_t max_wait_ms)
{
    int64_t limit_ms = wait_limit_ms(loop, max_wait_ms);

    loop->backend->wait(loop->ctx, limit_ms);
    fire_due_timers(loop, limit_ms < 0 ? INT32_MAX : limit_ms);
    run_deferred(loop);
    free_dead(loop);
}

void loop_run(struct loop *loop)
{
    loop->stopping = false;
    while (!loop->stopping)
        loop_once(loop, -1);
}

struct loop_fd *loop_fd_add(struct loop *loop, int fd, unsigned events, loop_fd_cb *cb, void *arg)
{
    struct loop_fd *w = xcalloc(1, sizeof(*w));

    *w = (struct loop_fd){.loop = loop, .fd = fd, .cb = cb, .arg = arg};
    if (loop->backend->add(loop->ctx, fd, events, w, &w->handle))
        fatal("loop_fd_add", "cannot watch descriptor %d: %s", fd, strerror(errno));
    return w;
}

void loop_fd_want(struct loop_fd *w, unsigned events)
{
    w->loop->backend->want(w->loop->ctx, w->handle, events);
}

void loop_fd_del(struct loop_fd **w)
{
    struct loop_fd *watch = *w;

    if (!watch)
        return;
    watch->loop->backend->del(watch->loop->ctx, watch->handle);
    watch->cb = NULL;
    watch->next_dead = watch->loop->dead;
    watch->loop->dead = watch;
    *w = NULL;
}

void loop_fd_ready(struct loop_fd *w, unsigned events)
{
    if (w->cb)
        w->cb(w->arg, events);
}

int loop_fd_fd(const struct loop_fd *w)
{
    return w->fd;
}

/* --- signals --------------------------------------------------------------------------------- */

static int signal_pipe[2] = {-1, -1};
static struct {
    loop_signal_cb *cb;
    void *arg;
} signal_table[NSIG];

static void signal_arrived(int signo)
{
    int saved_errno = errno;
    unsigned char byte = (unsigned char)signo;
    ssize_t ignored = write(signal_pipe[1], &byte, 1);

    (void)ignored; /* a full pipe already holds a wake-up */
    errno = saved_errno;
}

static void signals_readable(void *arg, unsigned events)
{
    unsigned char signos[64];
    ssize_t n = read(signal_pipe[0], signos, sizeof(signos));

    (void)arg;
    (void)events;
    for (ssize_t i = 0; i < n; i++)
        if (signos[i] < NSIG && signal_table[signos[i]].cb)
            signal_table[signos[i]].cb(signal_table[signos[i]].arg, signos[i]);
}

void loop_signal(struct loop *loop, int signo, loop_signal_cb *cb, void *arg)
{
    struct sigaction action = {.sa_handler = signal_arrived, .sa_flags = SA_RESTART};

    if (signal_pipe[0] < 0 && pipe2(signal_pipe, O_CLOEXEC | O_NONBLOCK))
        fatal("signal_pipe", "%s", strerror(errno));
    if (!loop->signal_watch)
        loop->signal_watch = loop_fd_add(loop, signal_pipe[0], LOOP_READ, signals_readable, loop);
    signal_table[signo].cb = cb;
    signal_table[signo].arg = arg;
    sigemptyset(&action.sa_mask);
    sigaction(signo, &action, NULL);
}
