/* What the master asks lane 0's owner to fetch: REST bodies, and addresses of a host name. Names
 * are resolved in a thread, because getaddrinfo may hang for half a minute. Also learns who the bot
 * is, which event handling needs. Called by main. Diagnostics: warns while the bot's own id cannot
 * be learnt. */
#include <errno.h>
#include <netdb.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "presence/fd.h"
#include "presence/log.h"
#include "worker/rest.h"
#include "worker/worker.h"

#define RESOLVED_MAX 4096u

struct fetch {
    struct worker *w;
    struct msg_fetch request;
};

static void reply(struct worker *w, const struct msg_fetch *request, int32_t status,
                  const char *text, size_t len)
{
    struct msg_fetch_reply body = {.id = request->id, .what = request->what, .status = status};

    ipc_send(w->ipc, MSG_FETCH_REPLY, 0, &body, sizeof(body), text, len);
}

/* --- who the bot is -------------------------------------------------------------------------- */

static void take_self(struct worker *w, const struct rest_answer *answer)
{
    uint64_t id = json_id(json_get(answer->body, "id"));

    if (answer->status != 200 || !id)
        return;
    w->self.id = id;
    event_ctx_set_self(w->events, w->self);
}

static void self_answered(void *arg, const struct rest_answer *answer)
{
    struct worker *w = arg;

    take_self(w, answer);
    if (!snowflake_known(w->self))
        log_warn("self_unknown", "GET /users/@me: status %d %s", answer->status,
                 answer->error ? answer->error : "");
}

void fetch_self(struct worker *w)
{
    if (!snowflake_known(w->self) && w->discord_token)
        rest_get(w->rest, "GET /users/@me", 0, "/users/@me", 20, self_answered, w);
}

/* --- REST bodies ----------------------------------------------------------------------------- */

static void rest_answered(void *arg, const struct rest_answer *answer)
{
    struct fetch *f = arg;

    if (f->request.what == FETCH_USER_ME)
        take_self(f->w, answer);
    if (answer->status)
        reply(f->w, &f->request, answer->status, answer->text, answer->len);
    else
        reply(f->w, &f->request, -1, answer->error, strlen(answer->error));
    free(f);
}

/* --- names ----------------------------------------------------------------------------------- */

struct resolve {
    struct worker *w;
    struct msg_fetch request;
    struct loop_fd *watch;
    int fds[2]; /* the thread writes [1]: a status byte, then text */
    struct buf text;
    char host[];
};

struct resolve_job { /* the thread's own: it may outlive the worker's interest */
    int fd;
    char host[];
};

static void put_addresses(const struct addrinfo *list, struct buf *out)
{
    char address[NI_MAXHOST];

    for (const struct addrinfo *a = list; a; a = a->ai_next)
        if (!getnameinfo(a->ai_addr, a->ai_addrlen, address, sizeof(address), NULL, 0,
                         NI_NUMERICHOST))
            buf_printf(out, "%s\n", address);
}

static void *resolve_thread(void *arg)
{
    struct resolve_job *job = arg;
    struct addrinfo hints = {.ai_socktype = SOCK_STREAM}, *list = NULL;
    int code = getaddrinfo(job->host, NULL, &hints, &list);
    struct buf out;

    buf_init(&out, RESOLVED_MAX);
    buf_putc(&out, code ? '-' : '+');
    if (code)
        buf_puts(&out, code == EAI_SYSTEM ? strerror(errno) : gai_strerror(code));
    else
        put_addresses(list, &out);
    fd_write_all(job->fd, buf_bytes(&out), buf_len(&out));
    close(job->fd);
    buf_clear(&out);
    if (list)
        freeaddrinfo(list);
    free(job);
    return NULL;
}

static void resolved(void *arg, unsigned events)
{
    struct resolve *r = arg;
    unsigned char *room = buf_reserve(&r->text, 1024);
    ssize_t n = room ? read(r->fds[0], room, 1024) : 0;
    const char *text;

    (void)events;
    if (n < 0 && (errno == EAGAIN || errno == EINTR))
        return;
    if (n > 0) {
        buf_commit(&r->text, (size_t)n);
        return;
    }
    text = buf_cstr(&r->text);
    if (text[0] == '+' && text[1])
        reply(r->w, &r->request, 200, text + 1, buf_len(&r->text) - 1);
    else
        reply(r->w, &r->request, -1, text[0] ? text + 1 : "no address",
              strlen(text[0] ? text + 1 : "no address"));
    loop_fd_del(&r->watch);
    close(r->fds[0]);
    buf_clear(&r->text);
    free(r);
}

static void resolve(struct worker *w, const struct msg_fetch *request, const char *host, size_t len)
{
    struct resolve *r = xcalloc(1, sizeof(*r) + len + 1);
    struct resolve_job *job = xcalloc(1, sizeof(*job) + len + 1);
    pthread_attr_t attr;
    pthread_t thread;

    r->w = w;
    r->request = *request;
    memcpy(job->host, host, len);
    buf_init(&r->text, RESOLVED_MAX * 2);
    if (fd_pair(r->fds))
        fatal("resolve", "socketpair: %s", strerror(errno));
    job->fd = r->fds[1];
    pthread_attr_init(&attr);
    pthread_attr_setdetachstate(&attr, PTHREAD_CREATE_DETACHED);
    pthread_attr_setstacksize(&attr, 256u << 10);
    if (pthread_create(&thread, &attr, resolve_thread, job))
        fatal("resolve", "cannot start a thread: %s", strerror(errno));
    pthread_attr_destroy(&attr);
    r->watch = loop_fd_add(w->loop, r->fds[0], LOOP_READ, resolved, r);
}

void fetch_request(struct worker *w, const struct msg_fetch *request, const char *host, size_t len)
{
    struct fetch *f;
    const char *path = request->what == FETCH_USER_ME       ? "/users/@me"
                       : request->what == FETCH_APPLICATION ? "/applications/@me"
                       : request->what == FETCH_GATEWAY_BOT ? "/gateway/bot"
                                                            : NULL;
    char route[64];

    if (request->what == FETCH_RESOLVE) {
        resolve(w, request, host, len);
        return;
    }
    if (!path) {
        reply(w, request, -1, "unknown request", strlen("unknown request"));
        return;
    }
    f = xmalloc(sizeof(*f));
    *f = (struct fetch){w, *request};
    snprintf(route, sizeof(route), "GET %s", path);
    rest_get(w->rest, route, 0, path, 1, rest_answered, f);
}
