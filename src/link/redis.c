/* The Redis client: hiredis reads the replies, the socket is ours, so that nothing
 * blocks and nothing is allocated per watch. Called by presence-worker. (redis_url.c: URLs;
 * redis_dial.c: sockets; redis_print.c: commands; redis_value.c: answers.)
 * Diagnostics: warns when Redis is lost or refuses us, informs when it is there again. */
#include "redis_priv.h"

#include <errno.h>
#include <hiredis/hiredis.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

#include "presence/backoff.h"
#include "presence/buf.h"
#include "presence/fd.h"
#include "presence/log.h"
#include "presence/resolve.h"

#define CONNECT_TIMEOUT_MS 5000
#define REPLY_TIMEOUT_MS   10000
#define OUT_MAX            (64u << 20)

struct pending {
    redis_reply_cb *cb;
    void *arg;
};

struct redis {
    struct loop *loop;
    redis_state_cb *state;
    void *arg;
    struct redis_address at;
    int fd;
    struct loop_fd *watch;
    struct resolve *resolve; /* host is being looked up */
    unsigned tries;          /* connections begun to one of its addresses */
    struct loop_timer *retry;
    struct loop_timer *timeout; /* of connecting, and of the oldest answer owed */
    struct backoff backoff;
    bool connecting, up, said_down, flush_queued;
    bool elsewhere; /* SELECT was refused on this connection */
    struct buf out;
    redisReader *reader;
    struct pending *pending; /* a ring */
    size_t first, count, cap;
};

/* --- the connection -------------------------------------------------------------------------- */

static void connect_now(void *arg);

static void drop_pending(struct redis *r)
{
    while (r->count > 0) {
        struct pending p = r->pending[r->first];

        r->first = (r->first + 1) % r->cap;
        r->count--;
        if (p.cb)
            p.cb(p.arg, NULL);
    }
}

static void lose(struct redis *r, const char *why)
{
    bool was_up = r->up;

    if (!r->said_down) /* first: why may point into the reader */
        log_warn("redis_down", "%s; going on without the cache", why);
    r->said_down = true;
    r->up = r->connecting = false;
    loop_fd_del(&r->watch);
    fd_close(&r->fd);
    buf_reset(&r->out);
    redisReaderFree(r->reader);
    r->reader = NULL;
    loop_timer_stop(r->timeout);
    loop_timer_set(r->retry, backoff_next_ms(&r->backoff));
    drop_pending(r);
    if (was_up)
        r->state(r->arg, false);
}

static void write_out(struct redis *r)
{
    while (buf_len(&r->out) > 0) {
        ssize_t n = send(r->fd, buf_bytes(&r->out), buf_len(&r->out), MSG_NOSIGNAL);

        if (n < 0 && errno == EINTR)
            continue;
        if (n < 0 && (errno == EAGAIN || errno == EWOULDBLOCK))
            break;
        if (n < 0) {
            lose(r, strerror(errno));
            return;
        }
        buf_consume(&r->out, (size_t)n);
    }
    loop_fd_want(r->watch, LOOP_READ | (buf_len(&r->out) ? LOOP_WRITE : 0));
}

static void flush_round(void *arg)
{
    struct redis *r = arg;

    r->flush_queued = false;
    if (r->watch && !r->connecting)
        write_out(r);
}

static void queue_flush(struct redis *r)
{
    if (r->flush_queued)
        return;
    r->flush_queued = true;
    loop_defer(r->loop, flush_round, r);
}

static void take_replies(struct redis *r)
{
    void *reply = NULL;

    while (r->reader && redisReaderGetReply(r->reader, &reply) == REDIS_OK && reply) {
        struct pending p = {0};

        if (r->count == 0) {
            freeReplyObject(reply);
            lose(r, "Redis answered without being asked");
            return;
        }
        p = r->pending[r->first];
        r->first = (r->first + 1) % r->cap;
        r->count--;
        if (p.cb)
            p.cb(p.arg, reply);
        freeReplyObject(reply);
        reply = NULL;
    }
    if (r->reader && r->reader->err) {
        lose(r, r->reader->errstr);
        return;
    }
    if (!r->reader)
        return;
    if (r->count)
        loop_timer_set(r->timeout, REPLY_TIMEOUT_MS);
    else
        loop_timer_stop(r->timeout);
}

static void read_in(struct redis *r)
{
    char bytes[65536];
    ssize_t n = recv(r->fd, bytes, sizeof(bytes), 0);

    if (n < 0 && (errno == EAGAIN || errno == EINTR || errno == EWOULDBLOCK))
        return;
    if (n <= 0) {
        lose(r, n == 0 ? "Redis closed the connection" : strerror(errno));
        return;
    }
    redisReaderFeed(r->reader, bytes, (size_t)n);
    take_replies(r);
}

/* --- greeting: AUTH, SELECT, PING ------------------------------------------------------------ */

static int send_command(struct redis *r, size_t argc, const char *const *argv, const size_t *lens,
                        redis_reply_cb *cb, void *arg);

static void refused(struct redis *r, const char *what, const struct redis_value *reply)
{
    size_t len = 0;
    const char *text = reply ? redis_text(reply, &len) : NULL;

    if (!r->said_down)
        log_warn("redis_refused", "%s: %.*s", what, (int)len, text ? text : "");
    r->said_down = true;
}

static void auth_answered(void *arg, const struct redis_value *reply)
{
    if (reply && redis_type(reply) == REDIS_ERROR)
        refused(arg, "AUTH", reply);
}

static void select_answered(void *arg, const struct redis_value *reply)
{
    struct redis *r = arg;

    if (!reply || redis_type(reply) != REDIS_ERROR)
        return;
    r->elsewhere = true; /* another database is not ours to write into */
    refused(r, "SELECT", reply);
}

static void ping_answered(void *arg, const struct redis_value *reply)
{
    struct redis *r = arg;

    if (!reply)
        return;
    if (redis_type(reply) == REDIS_ERROR)
        refused(r, "PING", reply);
    if (redis_type(reply) == REDIS_ERROR || r->elsewhere) {
        shutdown(r->fd, SHUT_RDWR); /* read_in sees the end and tries again later */
        return;
    }
    r->up = true;
    backoff_reset(&r->backoff);
    if (r->said_down)
        log_info("redis_up", "Redis is there again");
    r->said_down = false;
    r->state(r->arg, true);
}

static void greet(struct redis *r)
{
    r->connecting = r->elsewhere = false;
    r->reader = redisReaderCreate();
    if (r->at.password) {
        const char *argv[] = {"AUTH", r->at.user ? r->at.user : r->at.password, r->at.password};
        size_t argc = r->at.user ? 3 : 2;

        send_command(r, argc, argv, NULL, auth_answered, r);
    }
    if (r->at.db)
        send_command(r, 2, (const char *[]){"SELECT", r->at.db}, NULL, select_answered, r);
    send_command(r, 1, (const char *[]){"PING"}, NULL, ping_answered, r);
}

static void socket_ready(void *arg, unsigned events)
{
    struct redis *r = arg;

    if (r->connecting) {
        int error = 0;
        socklen_t len = sizeof(error);

        getsockopt(r->fd, SOL_SOCKET, SO_ERROR, &error, &len);
        if (error)
            lose(r, strerror(error));
        else
            greet(r);
        return;
    }
    if (events & LOOP_WRITE)
        write_out(r);
    if (r->watch && (events & (LOOP_READ | LOOP_HUP)))
        read_in(r);
}

static void timed_out(void *arg)
{
    struct redis *r = arg;

    lose(r, r->connecting ? "connecting timed out" : "no answer within 10 s");
}

static void await_connection(struct redis *r, int fd, const char *why)
{
    if (fd < 0) {
        lose(r, why ? why : strerror(errno));
        return;
    }
    r->fd = fd;
    r->connecting = true;
    r->watch = loop_fd_add(r->loop, r->fd, LOOP_READ | LOOP_WRITE, socket_ready, r);
    loop_timer_set(r->timeout, CONNECT_TIMEOUT_MS);
}

/* Each try takes the next of the name's addresses. */
static void resolved(void *arg, const char *addresses, const char *error)
{
    struct redis *r = arg;
    const char *why = error, *at = addresses;
    unsigned n = 0;
    char *address;
    int fd = -1;

    r->resolve = NULL; /* over when this returns */
    for (const char *p = addresses; p && *p; p++)
        n += *p == '\n';
    for (unsigned skip = n ? r->tries++ % n : 0; skip > 0; skip--)
        at = strchr(at, '\n') + 1;
    if (n) {
        address = xstrndup(at, strcspn(at, "\n"));
        fd = redis_dial_tcp(address, r->at.port, &why);
        free(address);
    }
    await_connection(r, fd, why);
}

static void connect_now(void *arg)
{
    struct redis *r = arg;
    const char *why = NULL;

    if (r->at.path)
        await_connection(r, redis_dial_unix(r->at.path), NULL);
    else if (redis_is_address(r->at.host))
        await_connection(r, redis_dial_tcp(r->at.host, r->at.port, &why), why);
    else
        r->resolve = resolve_start(r->loop, r->at.host, resolved, r);
}

/* --- commands -------------------------------------------------------------------------------- */

static void push_pending(struct redis *r, redis_reply_cb *cb, void *arg)
{
    if (r->count == r->cap) {
        size_t cap = r->cap ? r->cap * 2 : 64;
        struct pending *grown = xmalloc(cap * sizeof(*grown));

        for (size_t i = 0; i < r->count; i++)
            grown[i] = r->pending[(r->first + i) % r->cap];
        free(r->pending);
        r->pending = grown;
        r->first = 0;
        r->cap = cap;
    }
    r->pending[(r->first + r->count++) % r->cap] = (struct pending){cb, arg};
}

static int send_command(struct redis *r, size_t argc, const char *const *argv, const size_t *lens,
                        redis_reply_cb *cb, void *arg)
{
    if (buf_len(&r->out) > OUT_MAX)
        return -1;
    redis_print(&r->out, argc, argv, lens);
    if (r->count == 0)
        loop_timer_set(r->timeout, REPLY_TIMEOUT_MS);
    push_pending(r, cb, arg);
    queue_flush(r);
    return 0;
}

int redis_command(struct redis *redis, size_t argc, const char *const *argv, const size_t *lens,
                  redis_reply_cb *cb, void *arg)
{
    return redis->up ? send_command(redis, argc, argv, lens, cb, arg) : -1;
}

bool redis_up(const struct redis *redis)
{
    return redis->up;
}

size_t redis_pending(const struct redis *redis)
{
    return redis->count;
}

struct redis *redis_new(struct loop *loop, const char *url, redis_state_cb *state, void *arg,
                        char **error_r)
{
    struct redis *r = xcalloc(1, sizeof(*r));
    const char *wrong;

    r->loop = loop;
    r->state = state;
    r->arg = arg;
    r->fd = -1;
    buf_init(&r->out, 0);
    backoff_init(&r->backoff, 200, 5000);
    r->retry = loop_timer_new(loop, connect_now, r);
    r->timeout = loop_timer_new(loop, timed_out, r);
    wrong = redis_url_parse(url, &r->at);
    if (wrong) {
        *error_r = xstrdup(wrong);
        redis_free(&r);
        return NULL;
    }
    loop_timer_set(r->retry, 0);
    return r;
}

void redis_free(struct redis **redis)
{
    struct redis *r = *redis;

    if (!r)
        return;
    *redis = NULL;
    resolve_cancel(&r->resolve);
    loop_fd_del(&r->watch);
    fd_close(&r->fd);
    loop_timer_free(&r->retry);
    loop_timer_free(&r->timeout);
    r->up = false;
    drop_pending(r);
    if (r->reader)
        redisReaderFree(r->reader);
    buf_clear(&r->out);
    free(r->pending);
    redis_address_clear(&r->at);
    if (r->flush_queued)
        loop_undefer(r->loop, flush_round, r);
    free(r);
}
