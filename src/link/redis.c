/* The Redis client: hiredis formats commands and reads replies, the socket is ours, so that nothing
 * blocks and nothing is allocated per watch. The only file that names hiredis. Called by
 * presence-worker.
 * Diagnostics: warns when Redis is lost or refuses us, informs when it is there again. */
#include "presence/redis.h"

#include <errno.h>
#include <hiredis/hiredis.h>
#include <netdb.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

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
    char *host, *port, *path; /* path: Unix socket */
    char *user, *password, *db;
    int fd;
    struct loop_fd *watch;
    struct resolve *resolve; /* host is being looked up */
    unsigned tries;          /* connections begun to one of its addresses */
    struct loop_timer *retry;
    struct loop_timer *timeout; /* of connecting, and of the oldest answer owed */
    struct backoff backoff;
    bool connecting, up, said_down, flush_queued;
    struct buf out;
    redisReader *reader;
    struct pending *pending; /* a ring */
    size_t first, count, cap;
};

/* --- values ---------------------------------------------------------------------------------- */

static const redisReply *reply_of(const struct redis_value *v)
{
    return (const redisReply *)(const void *)v;
}

enum redis_type redis_type(const struct redis_value *v)
{
    switch (reply_of(v)->type) {
    case REDIS_REPLY_STRING:
        return REDIS_STRING;
    case REDIS_REPLY_INTEGER:
        return REDIS_INTEGER;
    case REDIS_REPLY_STATUS:
        return REDIS_STATUS;
    case REDIS_REPLY_ERROR:
        return REDIS_ERROR;
    case REDIS_REPLY_ARRAY:
        return REDIS_ARRAY;
    default:
        return REDIS_NIL;
    }
}

const char *redis_text(const struct redis_value *v, size_t *len_r)
{
    const redisReply *r = reply_of(v);
    bool text = r->type == REDIS_REPLY_STRING || r->type == REDIS_REPLY_STATUS ||
                r->type == REDIS_REPLY_ERROR;

    *len_r = text ? (size_t)r->len : 0;
    return text ? r->str : NULL;
}

int64_t redis_integer(const struct redis_value *v)
{
    return reply_of(v)->type == REDIS_REPLY_INTEGER ? reply_of(v)->integer : 0;
}

size_t redis_count(const struct redis_value *v)
{
    return reply_of(v)->type == REDIS_REPLY_ARRAY ? reply_of(v)->elements : 0;
}

const struct redis_value *redis_element(const struct redis_value *v, size_t i)
{
    return (const struct redis_value *)(const void *)reply_of(v)->element[i];
}

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
    if (reply && redis_type(reply) == REDIS_ERROR)
        refused(arg, "SELECT", reply);
}

static void ping_answered(void *arg, const struct redis_value *reply)
{
    struct redis *r = arg;

    if (!reply)
        return;
    if (redis_type(reply) == REDIS_ERROR) {
        refused(r, "PING", reply);
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
    r->connecting = false;
    r->reader = redisReaderCreate();
    if (r->password) {
        const char *argv[] = {"AUTH", r->user ? r->user : r->password, r->password};
        size_t argc = r->user ? 3 : 2;

        send_command(r, argc, argv, NULL, auth_answered, r);
    }
    if (r->db)
        send_command(r, 2, (const char *[]){"SELECT", r->db}, NULL, select_answered, r);
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

static int open_unix(const char *path)
{
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);

    if (fd < 0)
        return -1;
    memcpy(address.sun_path, path, strlen(path)); /* length checked in redis_new */
    if (connect(fd, (struct sockaddr *)&address, sizeof(address)) && errno != EINPROGRESS) {
        int saved = errno;

        fd_close(&fd);
        errno = saved;
    }
    return fd;
}

/* address: numeric. */
static int open_tcp(const char *address, const char *port, const char **why_r)
{
    struct addrinfo hints = {.ai_socktype = SOCK_STREAM, .ai_flags = AI_NUMERICHOST}, *a = NULL;
    int code = getaddrinfo(address, port, &hints, &a), fd;

    if (code) {
        *why_r = gai_strerror(code);
        return -1;
    }
    fd = socket(a->ai_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, a->ai_protocol);
    if (fd >= 0 && connect(fd, a->ai_addr, a->ai_addrlen) && errno != EINPROGRESS) {
        *why_r = strerror(errno);
        fd_close(&fd);
    }
    freeaddrinfo(a);
    return fd;
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
        fd = open_tcp(address, r->port, &why);
        free(address);
    }
    await_connection(r, fd, why);
}

static bool is_address(const char *host)
{
    struct addrinfo hints = {.ai_flags = AI_NUMERICHOST}, *a = NULL;
    bool is = getaddrinfo(host, NULL, &hints, &a) == 0;

    if (is)
        freeaddrinfo(a);
    return is;
}

static void connect_now(void *arg)
{
    struct redis *r = arg;
    const char *why = NULL;

    if (r->path)
        await_connection(r, open_unix(r->path), NULL);
    else if (is_address(r->host))
        await_connection(r, open_tcp(r->host, r->port, &why), why);
    else
        r->resolve = resolve_start(r->loop, r->host, resolved, r);
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

static unsigned char *put_length(unsigned char *p, char mark, size_t n)
{
    char digits[20];
    size_t at = sizeof(digits);

    do {
        digits[--at] = (char)('0' + n % 10);
        n /= 10;
    } while (n);
    *p++ = (unsigned char)mark;
    memcpy(p, digits + at, sizeof(digits) - at);
    p += sizeof(digits) - at;
    *p++ = '\r';
    *p++ = '\n';
    return p;
}

/* redisFormatCommandArgv allocates per command; the protocol is simple enough to be written in
 * place: *argc, then $length and the bytes for each. */
static int send_command(struct redis *r, size_t argc, const char *const *argv, const size_t *lens,
                        redis_reply_cb *cb, void *arg)
{
    size_t room = 24;
    unsigned char *start, *p;

    if (buf_len(&r->out) > OUT_MAX)
        return -1;
    for (size_t i = 0; i < argc; i++)
        room += 26 + (lens ? lens[i] : strlen(argv[i]));
    start = buf_reserve(&r->out, room);
    p = put_length(start, '*', argc);
    for (size_t i = 0; i < argc; i++) {
        size_t len = lens ? lens[i] : strlen(argv[i]);

        p = put_length(p, '$', len);
        memcpy(p, argv[i], len);
        p += len;
        *p++ = '\r';
        *p++ = '\n';
    }
    buf_commit(&r->out, (size_t)(p - start));
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

/* --- URL ------------------------------------------------------------------------------------- */

static void unescape(char *s)
{
    char *out = s;

    for (; *s; s++) {
        char hex[3] = {0};

        if (*s == '%' && s[1] && s[2]) {
            memcpy(hex, s + 1, 2);
            *out++ = (char)strtol(hex, NULL, 16);
            s += 2;
        } else {
            *out++ = *s;
        }
    }
    *out = '\0';
}

static const char *take_unix_url(struct redis *r, const char *rest)
{
    const char *query = strchr(rest, '?');

    if (!strncmp(rest, "//", 2))
        rest += 2;
    r->path = query ? xstrndup(rest, (size_t)(query - rest)) : xstrdup(rest);
    if (r->path[0] != '/')
        return "a Unix socket's path must be absolute: unix:///run/redis/redis.sock";
    if (strlen(r->path) >= sizeof(((struct sockaddr_un *)0)->sun_path))
        return "the Unix socket's path is too long (at most 107 bytes)";
    if (query && !strncmp(query, "?db=", 4))
        r->db = xstrdup(query + 4);
    return NULL;
}

static void take_credentials(struct redis *r, const char *text, size_t len)
{
    const char *colon = memchr(text, ':', len);

    if (colon && colon > text)
        r->user = xstrndup(text, (size_t)(colon - text));
    r->password =
        colon ? xstrndup(colon + 1, len - (size_t)(colon + 1 - text)) : xstrndup(text, len);
    if (r->user)
        unescape(r->user);
    unescape(r->password);
}

static const char *take_tcp_url(struct redis *r, const char *rest)
{
    const char *slash = strchr(rest, '/');
    size_t len = slash ? (size_t)(slash - rest) : strlen(rest);
    const char *at = memrchr(rest, '@', len), *colon;

    if (at) {
        take_credentials(r, rest, (size_t)(at - rest));
        len -= (size_t)(at + 1 - rest);
        rest = at + 1;
    }
    if (slash && slash[1])
        r->db = xstrdup(slash + 1);
    if (len && rest[0] == '[' && memchr(rest, ']', len)) {
        const char *close = memchr(rest, ']', len);

        r->host = xstrndup(rest + 1, (size_t)(close - rest - 1));
        colon = close + 1 < rest + len && close[1] == ':' ? close + 1 : NULL;
    } else {
        colon = memchr(rest, ':', len);
        r->host = xstrndup(rest, colon ? (size_t)(colon - rest) : len);
    }
    r->port = colon ? xstrndup(colon + 1, len - (size_t)(colon + 1 - rest)) : xstrdup("6379");
    return r->host[0] && r->port[0] ? NULL : "expected redis://[user:password@]host[:port][/db]";
}

static const char *take_url(struct redis *r, const char *url)
{
    if (!strncmp(url, "rediss:", 7))
        return "rediss:// needs TLS, which the installed hiredis (0.14) does not have: use unix:// "
               "or redis:// through a local TLS proxy";
    if (!strncmp(url, "unix:", 5))
        return take_unix_url(r, url + 5);
    if (!strncmp(url, "redis://", 8))
        return take_tcp_url(r, url + 8);
    return "expected a URL that begins with redis:// or unix://";
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
    wrong = take_url(r, url);
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
    free(r->host);
    free(r->port);
    free(r->path);
    free(r->user);
    if (r->password)
        explicit_bzero(r->password, strlen(r->password));
    free(r->password);
    free(r->db);
    if (r->flush_queued)
        loop_undefer(r->loop, flush_round, r);
    free(r);
}
