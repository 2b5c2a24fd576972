/* The message channel between the master and a worker: one stream socket, one queue each way.
 * Called by both; framing and judgement of messages are msg.c's.
 *
 * Out: ipc_send copies a message once, into the queue; the queue goes out in one send(2) at the end
 * of the loop's round, or as soon as FLUSH_AT bytes wait. In: one read(2) fetches up to READ_SIZE
 * bytes and every whole message in them is handed out where it lies.
 *
 * Diagnostics: none of its own; a dead channel is reported once through `closed`. */
#include "presence/ipc.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "presence/buf.h"
#include "presence/log.h"

#define FLUSH_AT      (64u << 10)
#define READ_SIZE     (64u << 10)
#define SOCKET_BUFFER (512 << 10)
/* Memory a large message needed is given back when it has gone. */
#define KEEP_AT_MOST (4u << 20)

struct ipc {
    struct loop *loop;
    struct loop_fd *watch; /* NULL after the end */
    int fd;
    unsigned wanted; /* what the watch was last set to */
    struct ipc_callbacks cb;
    void *arg;
    uint32_t generation;

    struct buf out;
    size_t low, high;
    bool congested;
    bool blocked;       /* the socket takes no more; waiting for LOOP_WRITE */
    bool out_dead;      /* sending failed: what is queued is dropped, reading goes on to the end */
    bool flush_planned; /* flush_deferred is due */

    unsigned char *in; /* messages begin at multiples of 8 */
    size_t in_start, in_end, in_cap;
    bool dead;      /* closed was called, or is due */
    char why[160];  /* once dead */
    unsigned depth; /* callbacks running; ipc_free waits for them */
    bool freed;
};

static void ipc_destroy(struct ipc *ipc)
{
    free(ipc->in);
    buf_clear(&ipc->out);
    free(ipc);
}

static void leave_callback(struct ipc *ipc)
{
    if (--ipc->depth == 0 && ipc->freed)
        ipc_destroy(ipc);
}

/* --- the end --------------------------------------------------------------------------------- */

static void report_end(void *arg)
{
    struct ipc *ipc = arg;

    ipc->depth++;
    ipc->cb.closed(ipc->arg, ipc->why);
    leave_callback(ipc);
}

/* The channel is dead from here on; the owner hears of it at the end of the round, when nothing of
 * this channel is on the stack. */
static void die(struct ipc *ipc, const char *why)
{
    if (ipc->dead)
        return;
    ipc->dead = true;
    snprintf(ipc->why, sizeof(ipc->why), "%s", why);
    loop_fd_del(&ipc->watch);
    loop_defer(ipc->loop, report_end, ipc);
}

static void update_wanted(struct ipc *ipc)
{
    unsigned wanted = LOOP_READ | (ipc->blocked ? LOOP_WRITE : 0);

    if (ipc->watch && wanted != ipc->wanted)
        loop_fd_want(ipc->watch, wanted);
    ipc->wanted = wanted;
}

/* --- out ------------------------------------------------------------------------------------- */

/* What the peer sent before it went is still to be read; its end comes with the reading. */
static void out_failed(struct ipc *ipc)
{
    ipc->out_dead = true;
    ipc->blocked = false;
    buf_clear(&ipc->out);
    update_wanted(ipc);
}

/* Called with depth > 0. */
static void note_drained(struct ipc *ipc)
{
    if (!ipc->congested || buf_len(&ipc->out) > ipc->low)
        return;
    ipc->congested = false;
    if (ipc->cb.writable && !ipc->dead)
        ipc->cb.writable(ipc->arg);
}

static void write_out(struct ipc *ipc)
{
    while (buf_len(&ipc->out) > 0) {
        ssize_t n =
            send(ipc->fd, buf_bytes(&ipc->out), buf_len(&ipc->out), MSG_NOSIGNAL | MSG_DONTWAIT);

        if (n < 0 && errno == EINTR)
            continue;
        if (n < 0 && errno != EAGAIN && errno != EWOULDBLOCK && errno != ENOBUFS) {
            out_failed(ipc);
            return;
        }
        if (n < 0)
            break;
        buf_consume(&ipc->out, (size_t)n);
    }
    ipc->blocked = buf_len(&ipc->out) > 0;
    update_wanted(ipc);
    if (!ipc->blocked && ipc->out.cap > KEEP_AT_MOST)
        buf_clear(&ipc->out);
}

static void flush_deferred(void *arg)
{
    struct ipc *ipc = arg;

    ipc->flush_planned = false;
    ipc_flush(ipc);
}

void ipc_flush(struct ipc *ipc)
{
    if (ipc->out_dead || ipc->dead || ipc->blocked)
        return;
    ipc->depth++;
    write_out(ipc);
    note_drained(ipc);
    leave_callback(ipc);
}

void ipc_send(struct ipc *ipc, uint16_t type, uint16_t lane, const void *body, size_t body_len,
              const void *tail, size_t tail_len)
{
    struct msg_header h = {.type = type, .lane = lane, .generation = ipc->generation};
    size_t size = sizeof(h) + body_len + tail_len, padded = MSG_PADDED(size);
    unsigned char *p;

    if (body_len != msg_fixed_size(type) || (tail_len && !msg_has_tail(type)) ||
        size > MSG_SIZE_MAX)
        fatal("ipc_send", "message %s with %zu bytes of body, %zu of tail", msg_name(type),
              body_len, tail_len);
    if (ipc->out_dead || ipc->dead)
        return;
    h.size = (uint32_t)size;
    p = buf_reserve(&ipc->out, padded);
    memcpy(p, &h, sizeof(h));
    if (body_len)
        memcpy(p + sizeof(h), body, body_len);
    if (tail_len)
        memcpy(p + sizeof(h) + body_len, tail, tail_len);
    memset(p + size, 0, padded - size);
    buf_commit(&ipc->out, padded);
    if (buf_len(&ipc->out) > ipc->high)
        ipc->congested = true;
    if (ipc->blocked)
        return;
    if (buf_len(&ipc->out) >= FLUSH_AT)
        write_out(ipc);
    /* Also after a write: it may have drained the queue below the mark, which `writable` tells,
     * but not from inside ipc_send. */
    if (!ipc->flush_planned && (buf_len(&ipc->out) > 0 || ipc->congested)) {
        ipc->flush_planned = true;
        loop_defer(ipc->loop, flush_deferred, ipc);
    }
}

size_t ipc_queued(const struct ipc *ipc)
{
    return buf_len(&ipc->out);
}

void ipc_set_marks(struct ipc *ipc, size_t low, size_t high)
{
    ipc->low = low;
    ipc->high = high;
}

bool ipc_congested(const struct ipc *ipc)
{
    return ipc->congested;
}

void ipc_set_generation(struct ipc *ipc, uint32_t generation)
{
    ipc->generation = generation;
}

/* --- in -------------------------------------------------------------------------------------- */

/* Makes room for `need` bytes from in_start on, and for a read of READ_SIZE behind in_end. What is
 * left of a message moves to the front, so that it stays aligned. */
static void make_room(struct ipc *ipc, size_t need)
{
    size_t held = ipc->in_end - ipc->in_start, cap = ipc->in_cap;

    if (held == 0)
        ipc->in_start = ipc->in_end = 0;
    if (need < held + READ_SIZE)
        need = held + READ_SIZE;
    if (ipc->in_cap - ipc->in_start >= need)
        return;
    if (held && ipc->in_start)
        memmove(ipc->in, ipc->in + ipc->in_start, held);
    ipc->in_start = 0;
    ipc->in_end = held;
    if (cap >= need && (cap <= KEEP_AT_MOST || need > KEEP_AT_MOST))
        return;
    cap = need < 2 * READ_SIZE ? 2 * READ_SIZE : need;
    ipc->in = xrealloc(ipc->in, cap);
    ipc->in_cap = cap;
}

/* Hands out the message at in_start if it is whole. Returns 1, 0 if more bytes are needed (how many
 * in all: *need_r), -1 if the channel ended. */
static int next_message(struct ipc *ipc, size_t *need_r)
{
    size_t held = ipc->in_end - ipc->in_start, fixed;
    const struct msg_header *h = (const void *)(ipc->in + ipc->in_start);
    const char *bad;

    *need_r = sizeof(*h);
    if (held < sizeof(*h))
        return 0;
    if ((bad = msg_check(h))) {
        char why[160];

        snprintf(why, sizeof(why), "message of type %u, lane %u, %u bytes: %s", h->type, h->lane,
                 h->size, bad);
        die(ipc, why);
        return -1;
    }
    *need_r = MSG_PADDED(h->size);
    if (held < *need_r)
        return 0;
    ipc->in_start += *need_r;
    fixed = msg_fixed_size(h->type);
    ipc->cb.message(ipc->arg, h, h + 1, (const char *)(h + 1) + fixed,
                    h->size - sizeof(*h) - fixed);
    return ipc->dead || ipc->freed ? -1 : 1;
}

/* Hands out what is whole. The buffer stays where it is until no message is on the stack. */
static void hand_out(struct ipc *ipc)
{
    size_t need = 0;
    int r = 1;

    while (r > 0)
        r = next_message(ipc, &need);
    if (ipc->cb.handed_over && !ipc->freed)
        ipc->cb.handed_over(ipc->arg);
    if (r == 0)
        make_room(ipc, need);
}

static void read_in(struct ipc *ipc)
{
    ssize_t n;
    char why[160];

    make_room(ipc, 0);
    do
        n = recv(ipc->fd, ipc->in + ipc->in_end, ipc->in_cap - ipc->in_end, MSG_DONTWAIT);
    while (n < 0 && errno == EINTR);
    if (n > 0) {
        ipc->in_end += (size_t)n;
        hand_out(ipc);
    } else if (n == 0) {
        die(ipc, ipc->in_end > ipc->in_start ? "end of file inside a message" : "end of file");
    } else if (errno != EAGAIN && errno != EWOULDBLOCK) {
        snprintf(why, sizeof(why), "receiving: %s", strerror(errno));
        die(ipc, why);
    }
}

static void fd_ready(void *arg, unsigned events)
{
    struct ipc *ipc = arg;

    ipc->depth++;
    if ((events & LOOP_WRITE) && ipc->blocked) {
        write_out(ipc);
        note_drained(ipc);
    }
    if (!ipc->dead && !ipc->freed && (events & (LOOP_READ | LOOP_HUP)))
        read_in(ipc);
    leave_callback(ipc);
}

/* --- life ------------------------------------------------------------------------------------ */

struct ipc *ipc_new(struct loop *loop, int fd, const struct ipc_callbacks *cb, void *arg)
{
    struct ipc *ipc = xcalloc(1, sizeof(*ipc));
    int size = SOCKET_BUFFER;

    /* As far as the system allows; a smaller buffer only means more rounds. */
    (void)setsockopt(fd, SOL_SOCKET, SO_SNDBUF, &size, sizeof(size));
    *ipc = (struct ipc){.loop = loop, .fd = fd, .cb = *cb, .arg = arg, .wanted = LOOP_READ};
    ipc->low = SIZE_MAX / 4;
    ipc->high = SIZE_MAX / 2;
    buf_init(&ipc->out, 0);
    ipc->watch = loop_fd_add(loop, fd, LOOP_READ, fd_ready, ipc);
    return ipc;
}

void ipc_free(struct ipc **ipc)
{
    struct ipc *channel = *ipc;

    if (!channel)
        return;
    *ipc = NULL;
    loop_undefer(channel->loop, flush_deferred, channel);
    loop_undefer(channel->loop, report_end, channel);
    loop_fd_del(&channel->watch);
    close(channel->fd);
    channel->fd = -1;
    channel->dead = channel->freed = true;
    if (channel->depth == 0)
        ipc_destroy(channel);
}
