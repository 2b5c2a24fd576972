/* LISTEN by libpq. Called by presence-graphqld while there are subscriptions.
 * Diagnostics: a connection that ends or cannot be made is a warning. */
#include "presence/pg_listen.h"

#include <libpq-fe.h>
#include <stdlib.h>
#include <string.h>

#include "presence/buf.h"
#include "presence/log.h"

#define CONNECT_MAX_MS 10000

struct statement {
    struct statement *next;
    const char *sql;
    char *values[2];
    pg_listener_done *done;
    void *arg;
};

struct pg_listener {
    struct loop *loop;
    PGconn *pq;
    struct loop_fd *watch;
    struct loop_timer *deadline; /* of connecting; then, at 0, of telling that it is lost */
    char *init_sql;
    bool connected, ready, busy, lost;
    struct statement *first, **last;
    pg_notify_cb *notify;
    loop_cb *lost_cb;
    void *arg;
};

static void events(void *arg, unsigned what);

static void lose(struct pg_listener *l, const char *why)
{
    if (l->lost)
        return;
    log_warn("pg_listen", "the connection that hears of changes: %.*s", (int)strcspn(why, "\n"),
             why);
    l->lost = true;
    loop_fd_del(&l->watch);
    loop_timer_set(l->deadline, 0);
}

static void deadline(void *arg)
{
    struct pg_listener *l = arg;

    if (l->lost)
        l->lost_cb(l->arg);
    else if (!l->connected)
        lose(l, "no answer while connecting");
}

static void statement_free(struct statement *s)
{
    free(s->values[0]);
    free(s->values[1]);
    free(s);
}

static void watch(struct pg_listener *l, unsigned want)
{
    loop_fd_del(&l->watch);
    l->watch = loop_fd_add(l->loop, PQsocket(l->pq), want, events, l);
}

static void flush(struct pg_listener *l)
{
    int rc = PQflush(l->pq);

    if (rc < 0)
        lose(l, PQerrorMessage(l->pq));
    else
        loop_fd_want(l->watch, rc > 0 ? LOOP_READ | LOOP_WRITE : LOOP_READ);
}

static void send_next(struct pg_listener *l)
{
    const struct statement *s = l->first;

    if (!l->ready || l->busy || l->lost || !s)
        return;
    l->busy = true;
    if (PQsendQueryParams(l->pq, s->sql, 2, NULL, (const char *const *)s->values, NULL, NULL, 0))
        flush(l);
    else
        lose(l, PQerrorMessage(l->pq));
}

/* The init text's last result, or that of the first statement, is complete. */
static void finished(struct pg_listener *l, bool ok)
{
    struct statement *s = l->first;

    if (!l->ready) {
        l->ready = ok;
        if (!ok)
            lose(l, PQerrorMessage(l->pq));
        return;
    }
    l->first = s->next;
    if (!l->first)
        l->last = &l->first;
    l->busy = false;
    if (s->done)
        s->done(s->arg, ok);
    statement_free(s);
}

static void read_results(struct pg_listener *l)
{
    bool ok = true;

    while ((!l->ready || l->busy) && !l->lost && !PQisBusy(l->pq)) {
        PGresult *result = PQgetResult(l->pq);

        if (!result) {
            finished(l, ok);
            ok = true;
            continue;
        }
        ok = ok && PQresultStatus(result) != PGRES_FATAL_ERROR;
        PQclear(result);
    }
}

static void read_notifications(struct pg_listener *l)
{
    PGnotify *n;

    while (!l->lost && (n = PQnotifies(l->pq))) {
        l->notify(l->arg, n->extra);
        PQfreemem(n);
    }
}

static void connect_step(struct pg_listener *l)
{
    switch (PQconnectPoll(l->pq)) {
    case PGRES_POLLING_READING:
        watch(l, LOOP_READ);
        return;
    case PGRES_POLLING_WRITING:
        watch(l, LOOP_WRITE);
        return;
    case PGRES_POLLING_OK:
        break;
    default:
        lose(l, PQerrorMessage(l->pq));
        return;
    }
    loop_timer_stop(l->deadline);
    l->connected = true;
    PQsetnonblocking(l->pq, 1);
    watch(l, LOOP_READ);
    if (PQsendQuery(l->pq, l->init_sql))
        flush(l);
    else
        lose(l, PQerrorMessage(l->pq));
}

static void events(void *arg, unsigned what)
{
    struct pg_listener *l = arg;

    if (!l->connected) {
        connect_step(l);
        return;
    }
    if (what & LOOP_WRITE)
        flush(l);
    if (l->lost)
        return;
    if (!PQconsumeInput(l->pq)) {
        lose(l, PQerrorMessage(l->pq));
        return;
    }
    read_results(l);
    read_notifications(l);
    if (!l->lost && PQstatus(l->pq) == CONNECTION_BAD)
        lose(l, PQerrorMessage(l->pq));
    send_next(l);
}

static void no_notice(void *arg, const char *message)
{
    (void)arg;
    log_debug("pg_notice", "%.*s", (int)strcspn(message, "\n"), message);
}

struct pg_listener *pg_listener_new(struct loop *loop, const char *conninfo, const char *init_sql,
                                    pg_notify_cb *notify, loop_cb *lost, void *arg)
{
    struct pg_listener *l = xcalloc(1, sizeof(*l));

    *l = (struct pg_listener){.loop = loop, .notify = notify, .lost_cb = lost, .arg = arg};
    l->last = &l->first;
    l->init_sql = xasprintf(
        "%s; SET application_name = 'presence-graphqld-listener'; LISTEN presence", init_sql);
    l->deadline = loop_timer_new(loop, deadline, l);
    l->pq = PQconnectStart(conninfo);
    if (!l->pq)
        fatal("memory", "out of memory");
    PQsetNoticeProcessor(l->pq, no_notice, NULL);
    loop_timer_set(l->deadline, CONNECT_MAX_MS);
    if (PQstatus(l->pq) == CONNECTION_BAD)
        lose(l, PQerrorMessage(l->pq));
    else
        watch(l, LOOP_WRITE);
    return l;
}

void pg_listener_free(struct pg_listener **listener)
{
    struct pg_listener *l = *listener;
    struct statement *s;

    if (!l)
        return;
    *listener = NULL;
    while ((s = l->first)) {
        l->first = s->next;
        statement_free(s);
    }
    loop_fd_del(&l->watch);
    loop_timer_free(&l->deadline);
    PQfinish(l->pq);
    free(l->init_sql);
    free(l);
}

void pg_listener_run(struct pg_listener *l, const char *sql, const char *first, const char *second,
                     pg_listener_done *done, void *arg)
{
    struct statement *s = xcalloc(1, sizeof(*s));

    s->sql = sql;
    s->values[0] = first ? xstrdup(first) : NULL;
    s->values[1] = second ? xstrdup(second) : NULL;
    s->done = done;
    s->arg = arg;
    *l->last = s;
    l->last = &s->next;
    send_next(l);
}

void pg_listener_forget(struct pg_listener *l, const void *arg)
{
    for (struct statement *s = l->first; s; s = s->next)
        if (s->arg == arg)
            s->done = NULL;
}
