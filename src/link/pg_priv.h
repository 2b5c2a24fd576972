/* Between the files of the pool: pg.c (jobs and who takes them), pg_conn.c (a connection comes and
 * goes), pg_job.c (one job on one connection). */
#ifndef LINK_PG_PRIV_H
#define LINK_PG_PRIV_H

#include <libpq-fe.h>

#include "link/pg_prepared.h"
#include "presence/backoff.h"
#include "presence/pg.h"

enum pg_conn_state { CONN_DOWN, CONN_CONNECTING, CONN_INIT, CONN_CHECK, CONN_READY, CONN_BUSY };

struct pg_job {
    struct pg_job *next;
    const struct pg_call *calls;
    size_t n_calls;
    pg_cb *cb;
    void *arg;
    monoms_t since; /* it waits, or it is under way */
};

struct pg_answer {
    enum pg_outcome outcome;
    const char *message, *detail, *constraint;
    char sqlstate[6];
    PGresult **results; /* one per call */
    size_t n_results;
};

/* What a result of the pipeline is about. */
struct pg_step {
    enum { STEP_CALL, STEP_LEARN, STEP_FORGET } kind;
    uint64_t id; /* of the prepared statement that is learnt or forgotten */
};

struct pg_conn {
    struct pg *pool;
    enum pg_conn_state state;
    PGconn *pq;
    struct loop_fd *watch;
    struct loop_timer *retry;
    monoms_t since;    /* of the state, while connecting */
    char *check_value; /* what check_sql answered, while initialising */
    struct pg_prepared prepared;

    struct pg_job *job; /* under way: */
    PGresult **results; /* one per call */
    size_t n_results, n_done;
    PGresult *failure; /* the first error */
    struct pg_step *steps;
    size_t expect, seen; /* of steps */
};

struct pg {
    struct loop *loop;
    struct pg_options options;
    char *conninfo, *init_sql, *check_sql;
    struct pg_conn *conns;
    unsigned n_conns;
    struct pg_job *first, *last; /* waiting */
    size_t waiting;
    struct loop_timer *tick;
    struct backoff backoff;
    uint64_t key;    /* of pg_prepared_id */
    char *complaint; /* why the database is away, as it was last said; NULL: it is not */
};

/* --- pg.c --- */

/* The job is over: frees it and calls back. */
void pg_answer_job(struct pg_job *job, const struct pg_answer *a);
void pg_answer_unavailable(struct pg_job *job, const char *message);
/* The connection is free for the next one that waits. */
void pg_feed(struct pg_conn *c);
/* If no connection is left that could become one, nobody waits any longer. */
void pg_refuse_waiting(struct pg *pg);

/* --- pg_conn.c --- */

void pg_conn_start(void *conn);
void pg_conn_close(struct pg_conn *c);
/* It is lost, or to be given up: its job is answered, and it is tried again later. */
void pg_conn_lost(struct pg_conn *c, const char *why);
/* Sends what is buffered, and waits for room where it does not fit. */
void pg_conn_flush(struct pg_conn *c);

/* What the server says besides goes to the log at level debug (PQnoticeProcessor). */
void pg_no_notice(void *arg, const char *message);

/* --- pg_job.c --- */

void pg_job_run(struct pg_conn *c, struct pg_job *job);
/* There is something to read. */
void pg_job_read(struct pg_conn *c);
void pg_job_clear(struct pg_conn *c);

#endif
