/* A connection of the pool comes, is made ready, goes, and is tried again. Called by pg.c and the
 * loop.
 * Diagnostics: a connection lost or refused is a warning, each reason once per outage; that it is
 * back is told. */
#include <stdlib.h>
#include <string.h>

#include "link/pg_priv.h"
#include "presence/buf.h"
#include "presence/log.h"

static void conn_events(void *arg, unsigned events);

/* --- it goes -------------------------------------------------------------------------------------
 */

void pg_conn_close(struct pg_conn *c)
{
    loop_fd_del(&c->watch);
    pg_job_clear(c);
    free(c->check_value);
    c->check_value = NULL;
    PQfinish(c->pq);
    c->pq = NULL;
    memset(&c->prepared, 0, sizeof(c->prepared));
    c->state = CONN_DOWN;
}

static void complain(struct pg *pg, const char *why)
{
    size_t len = strcspn(why, "\n");

    if (pg->complaint && strncmp(pg->complaint, why, len) == 0 && pg->complaint[len] == '\0')
        return;
    free(pg->complaint);
    pg->complaint = xstrndup(why, len);
    log_warn("pg_down", "database: %s", pg->complaint);
}

void pg_conn_lost(struct pg_conn *c, const char *why)
{
    struct pg *pg = c->pool;
    struct pg_job *job = c->job;

    complain(pg, why);
    c->job = NULL;
    pg_conn_close(c);
    loop_timer_set(c->retry, backoff_next_ms(&pg->backoff));
    if (job)
        pg_answer_unavailable(job, "the connection to the database was lost");
    pg_refuse_waiting(pg);
}

void pg_conn_flush(struct pg_conn *c)
{
    int rc = PQflush(c->pq);

    if (rc < 0)
        pg_conn_lost(c, PQerrorMessage(c->pq));
    else
        loop_fd_want(c->watch, rc > 0 ? LOOP_READ | LOOP_WRITE : LOOP_READ);
}

/* --- connecting ----------------------------------------------------------------------------------
 */

static void conn_up(struct pg_conn *c)
{
    struct pg *pg = c->pool;
    char *why = NULL;

    if (pg->options.check && pg->options.check(pg->options.check_arg, c->check_value, &why)) {
        pg_conn_lost(c, why ? why : "refused");
        free(why);
        return;
    }
    free(c->check_value);
    c->check_value = NULL;
    if (!PQenterPipelineMode(c->pq)) {
        pg_conn_lost(c, PQerrorMessage(c->pq));
        return;
    }
    if (pg->complaint)
        log_info("pg_up", "connected to the database again");
    free(pg->complaint);
    pg->complaint = NULL;
    backoff_reset(&pg->backoff);
    c->state = CONN_READY;
    pg_feed(c);
}

static void init_step(struct pg_conn *c)
{
    struct pg *pg = c->pool;
    PGresult *result;

    if (!PQconsumeInput(c->pq)) {
        pg_conn_lost(c, PQerrorMessage(c->pq));
        return;
    }
    while (!PQisBusy(c->pq)) {
        result = PQgetResult(c->pq);
        if (!result)
            break;
        if (PQresultStatus(result) == PGRES_FATAL_ERROR && c->state == CONN_INIT) {
            char *why = xstrdup(PQresultErrorMessage(result));

            PQclear(result);
            pg_conn_lost(c, why);
            free(why);
            return;
        }
        if (c->state == CONN_CHECK && PQresultStatus(result) == PGRES_TUPLES_OK &&
            PQntuples(result) > 0 && !c->check_value)
            c->check_value = xstrdup(PQgetvalue(result, 0, 0));
        PQclear(result);
    }
    if (PQisBusy(c->pq))
        return;
    if (c->state == CONN_INIT && pg->check_sql) {
        c->state = CONN_CHECK;
        if (!PQsendQuery(c->pq, pg->check_sql)) {
            pg_conn_lost(c, PQerrorMessage(c->pq));
            return;
        }
        pg_conn_flush(c);
        return;
    }
    conn_up(c);
}

void pg_no_notice(void *arg, const char *message)
{
    (void)arg;
    log_debug("pg_notice", "%.*s", (int)strcspn(message, "\n"), message);
}

static void watch(struct pg_conn *c, unsigned events)
{
    int fd = PQsocket(c->pq);

    loop_fd_del(&c->watch);
    c->watch = loop_fd_add(c->pool->loop, fd, events, conn_events, c);
}

static void connect_step(struct pg_conn *c)
{
    switch (PQconnectPoll(c->pq)) {
    case PGRES_POLLING_READING:
        watch(c, LOOP_READ);
        return;
    case PGRES_POLLING_WRITING:
        watch(c, LOOP_WRITE);
        return;
    case PGRES_POLLING_OK:
        break;
    default:
        pg_conn_lost(c, PQerrorMessage(c->pq));
        return;
    }
    PQsetnonblocking(c->pq, 1);
    watch(c, LOOP_READ);
    c->state = CONN_INIT;
    if (!PQsendQuery(c->pq, c->pool->init_sql)) {
        pg_conn_lost(c, PQerrorMessage(c->pq));
        return;
    }
    pg_conn_flush(c);
}

void pg_conn_start(void *arg)
{
    struct pg_conn *c = arg;

    c->pq = PQconnectStart(c->pool->conninfo);
    if (!c->pq)
        fatal("memory", "out of memory");
    PQsetNoticeProcessor(c->pq, pg_no_notice, NULL);
    c->state = CONN_CONNECTING;
    c->since = clock_mono();
    if (PQstatus(c->pq) == CONNECTION_BAD) {
        pg_conn_lost(c, PQerrorMessage(c->pq));
        return;
    }
    watch(c, LOOP_WRITE);
}

static void conn_events(void *arg, unsigned events)
{
    struct pg_conn *c = arg;

    switch (c->state) {
    case CONN_DOWN:
        return;
    case CONN_CONNECTING:
        connect_step(c);
        return;
    case CONN_INIT:
    case CONN_CHECK:
        if (events & LOOP_WRITE)
            pg_conn_flush(c);
        if (c->state == CONN_INIT || c->state == CONN_CHECK)
            init_step(c);
        return;
    case CONN_READY:
        pg_job_read(c);
        /* Nothing is asked, so what came is a notice or the end. */
        if (c->state == CONN_READY && events & LOOP_HUP)
            pg_conn_lost(c, "the server closed the connection");
        return;
    case CONN_BUSY:
        if (events & LOOP_WRITE)
            pg_conn_flush(c);
        if (c->state == CONN_BUSY)
            pg_job_read(c);
        return;
    }
}
