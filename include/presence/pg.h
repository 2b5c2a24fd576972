/* PostgreSQL on struct loop: a small pool of connections that comes back by itself, statements
 * prepared once per connection, the calls of one job in one pipeline, which is one transaction and
 * one round trip. And a blocking connection for the command line (migrations). */
#ifndef PRESENCE_PG_H
#define PRESENCE_PG_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "presence/loop.h"

struct pg;

enum pg_outcome {
    PG_OK,
    PG_UNAVAILABLE, /* no server, connection lost, or overloaded: try again. Whether a job that was
                       under way was committed is not known. */
    PG_TIMEOUT,     /* the statement took too long and was rolled back; or, without an SQLSTATE, no
                       connection was free for it in time */
    PG_FAILED       /* the server refused it; rolled back */
};

struct pg_answer;

typedef void pg_cb(void *arg, const struct pg_answer *answer);

struct pg_call {
    const char *sql;
    int n_params;
    const uint32_t *types;     /* OIDs */
    const char *const *values; /* NULL = null */
    const int *lengths;        /* of binary values */
    const int *formats;        /* 0 text, 1 binary */
    /* Plan it for these values, each time: for statements whose best plan depends on them. */
    bool plan_anew;
    /* Where its number is kept, 0 before the first call, for a text that is used again; NULL: it is
     * worked out each time. Of no other text, and for this pool alone. */
    uint64_t *id;
};

struct pg_options {
    const char *conninfo;
    unsigned connections; /* 0 = 4 */
    unsigned queue_max;   /* jobs that wait; 0 = 256 */
    int64_t wait_max_ms;  /* so long a job waits for a connection; 0 = 5,000 */
    int64_t job_max_ms;   /* of a job under way; then the connection is given up; 0 = 30,000 */
    const char *init_sql; /* run on every new connection; may be several statements */
    /* Judges the first value of check_sql (NULL if it failed) on every new connection: 0, or -1
     * with *why_r (owned by the pool); such a connection is not used. May be NULL. */
    const char *check_sql;
    int (*check)(void *arg, const char *value, char **why_r);
    void *check_arg;
};

/* Strings are copied. Connects at once. */
struct pg *pg_new(struct loop *loop, const struct pg_options *options);
/* Jobs still under way are forgotten, without a call. */
void pg_free(struct pg **pg);

/* Connections that could take a job. */
unsigned pg_ready(const struct pg *pg);

/* Runs the calls as one transaction. calls and everything they point to must live until cb, which
 * is called exactly once, possibly before this returns (when nobody could take the job). */
void pg_submit(struct pg *pg, const struct pg_call *calls, size_t n_calls, pg_cb *cb, void *arg);

/* --- answers: valid during the callback ---------------------------------------------------------
 */

enum pg_outcome pg_outcome(const struct pg_answer *a);
const char *pg_sqlstate(const struct pg_answer *a); /* "" if there is none */
const char *pg_message(const struct pg_answer *a);
const char *pg_detail(const struct pg_answer *a);     /* or "" */
const char *pg_constraint(const struct pg_answer *a); /* name of the one that was broken, or "" */
int pg_rows(const struct pg_answer *a, size_t call);
/* Text of a value, NULL for null. */
const char *pg_value(const struct pg_answer *a, size_t call, int row, int column, size_t *len_r);

/* --- blocking ------------------------------------------------------------------------------------
 */

struct pg_sync;
struct pg_sync *pg_sync_open(const char *conninfo, char **error_r);
void pg_sync_close(struct pg_sync **s);
/* 0, or -1 and *error_r. */
int pg_sync_exec(struct pg_sync *s, const char *sql, char **error_r);
/* First value of the first row (owned by the caller; NULL and no error: null or no row). */
char *pg_sync_value(struct pg_sync *s, const char *sql, char **error_r);
/* Text as a literal, quotes included (owned by the caller). */
char *pg_sync_quote(struct pg_sync *s, const char *text);

/* The user that a connection string names (owned by the caller); NULL and *error_r if it names none
 * or is not one. */
char *pg_conninfo_user(const char *conninfo, char **error_r);

#endif
