/* One job on one connection: its calls in one pipeline, and their results. Called by pg.c and
 * pg_conn.c. Diagnostics: none; what goes wrong is in the answer. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "link/pg_priv.h"
#include "presence/buf.h"

#define NAME_SIZE 24

/* --- sending -------------------------------------------------------------------------------------
 */

static const char *name_of(uint64_t id, char name[NAME_SIZE])
{
    char *end = name;

    *end++ = 'p';
    for (int shift = 60; shift >= 0; shift -= 4)
        *end++ = "0123456789abcdef"[id >> shift & 15];
    *end = '\0';
    return name;
}

static void expect(struct pg_conn *c, struct pg_step step)
{
    c->steps[c->expect++] = step;
}

/* How many are being prepared by this job; `id` among them. */
static size_t learning(const struct pg_conn *c, uint64_t id, bool *known_r)
{
    size_t n = 0;

    *known_r = false;
    for (size_t i = 0; i < c->expect; i++)
        if (c->steps[i].kind == STEP_LEARN) {
            n++;
            *known_r = *known_r || c->steps[i].id == id;
        }
    return n;
}

/* Prepares a statement, in place of another one if need be. Returns libpq's 1 or 0; *done_r: it
 * will be there. */
static int prepare(struct pg_conn *c, const struct pg_call *call, uint64_t id, uint64_t since,
                   bool *done_r)
{
    char name[NAME_SIZE], sql[NAME_SIZE + 16];
    uint64_t victim;
    size_t n = learning(c, id, done_r);

    if (*done_r || pg_prepared_use(&c->prepared, id)) {
        *done_r = true;
        return 1;
    }
    victim = pg_prepared_victim(&c->prepared, n + 1, since);
    if (victim == UINT64_MAX)
        return 1;
    *done_r = true;
    if (victim) {
        snprintf(sql, sizeof(sql), "DEALLOCATE %s", name_of(victim, name));
        if (!PQsendQueryParams(c->pq, sql, 0, NULL, NULL, NULL, NULL, 0))
            return 0;
        expect(c, (struct pg_step){STEP_FORGET, victim});
    }
    if (!PQsendPrepare(c->pq, name_of(id, name), call->sql, call->n_params, call->types))
        return 0;
    expect(c, (struct pg_step){STEP_LEARN, id});
    return 1;
}

static int send_call(struct pg_conn *c, const struct pg_call *call, uint64_t since)
{
    uint64_t id = call->id ? *call->id : 0;
    char name[NAME_SIZE];
    bool prepared = false;

    if (!id)
        id = pg_prepared_id(c->pool->key, call->sql);
    if (call->id)
        *call->id = id;
    if (!call->plan_anew && !prepare(c, call, id, since, &prepared))
        return 0;
    expect(c, (struct pg_step){STEP_CALL, 0});
    if (!prepared)
        return PQsendQueryParams(c->pq, call->sql, call->n_params, call->types, call->values,
                                 call->lengths, call->formats, 0);
    return PQsendQueryPrepared(c->pq, name_of(id, name), call->n_params, call->values,
                               call->lengths, call->formats, 0);
}

void pg_job_run(struct pg_conn *c, struct pg_job *job)
{
    uint64_t since = c->prepared.uses;

    c->job = job;
    job->since = clock_mono();
    c->state = CONN_BUSY;
    c->expect = c->seen = c->n_done = 0;
    c->results = xcalloc(job->n_calls, sizeof(PGresult *));
    c->n_results = job->n_calls;
    c->steps = xcalloc(job->n_calls * 3, sizeof(*c->steps));
    for (size_t i = 0; i < job->n_calls; i++)
        if (!send_call(c, &job->calls[i], since)) {
            pg_conn_lost(c, PQerrorMessage(c->pq));
            return;
        }
    if (!PQpipelineSync(c->pq)) {
        pg_conn_lost(c, PQerrorMessage(c->pq));
        return;
    }
    pg_conn_flush(c);
}

void pg_job_clear(struct pg_conn *c)
{
    for (size_t i = 0; i < c->n_results; i++)
        PQclear(c->results[i]);
    free(c->results);
    c->results = NULL;
    c->n_results = 0;
    PQclear(c->failure);
    c->failure = NULL;
    free(c->steps);
    c->steps = NULL;
}

/* --- results -------------------------------------------------------------------------------------
 */

static enum pg_outcome judge(const char *sqlstate)
{
    static const char *const away[] = {"08", "53", "57P", "40001", "40P01", "55P03", "25006"};

    if (strcmp(sqlstate, "57014") == 0)
        return PG_TIMEOUT;
    for (size_t i = 0; i < sizeof(away) / sizeof(away[0]); i++)
        if (strncmp(sqlstate, away[i], strlen(away[i])) == 0)
            return PG_UNAVAILABLE;
    return PG_FAILED;
}

static const char *field_or(const PGresult *result, int field, const char *otherwise)
{
    const char *text = PQresultErrorField(result, field);

    return text ? text : otherwise;
}

static void finish(struct pg_conn *c)
{
    struct pg_job *job = c->job;
    struct pg_answer a = {.message = "", .detail = "", .constraint = ""};

    a.results = c->results;
    a.n_results = c->n_results;
    if (c->failure) {
        snprintf(a.sqlstate, sizeof(a.sqlstate), "%s", field_or(c->failure, PG_DIAG_SQLSTATE, ""));
        a.outcome = judge(a.sqlstate);
        a.message = field_or(c->failure, PG_DIAG_MESSAGE_PRIMARY, PQresultErrorMessage(c->failure));
        a.detail = field_or(c->failure, PG_DIAG_MESSAGE_DETAIL, "");
        a.constraint = field_or(c->failure, PG_DIAG_CONSTRAINT_NAME, "");
        pg_prepared_settle(&c->prepared);
    }
    c->job = NULL;
    pg_answer_job(job, &a);
    pg_job_clear(c);
    c->state = CONN_READY;
    pg_feed(c);
}

static void take_step(struct pg_conn *c, const struct pg_step *step, PGresult *result)
{
    bool done = PQresultStatus(result) == PGRES_COMMAND_OK;

    if (step->kind == STEP_CALL) {
        c->results[c->n_done++] = result;
        return;
    }
    if (done && step->kind == STEP_LEARN)
        pg_prepared_add(&c->prepared, step->id);
    else if (done)
        pg_prepared_remove(&c->prepared, step->id);
    PQclear(result);
}

static void take(struct pg_conn *c, PGresult *result)
{
    if (PQresultStatus(result) == PGRES_FATAL_ERROR && !c->failure) {
        /* Of a statement or, after the last one, of the commit. */
        c->failure = result;
        c->seen++;
    } else if (c->seen < c->expect) {
        take_step(c, &c->steps[c->seen++], result);
    } else {
        PQclear(result);
    }
}

void pg_job_read(struct pg_conn *c)
{
    if (!PQconsumeInput(c->pq)) {
        pg_conn_lost(c, PQerrorMessage(c->pq));
        return;
    }
    while (c->state == CONN_BUSY && !PQisBusy(c->pq)) {
        PGresult *result = PQgetResult(c->pq);

        if (result && PQresultStatus(result) == PGRES_PIPELINE_SYNC) {
            PQclear(result);
            finish(c);
            return;
        }
        if (result)
            take(c, result);
        if (PQstatus(c->pq) == CONNECTION_BAD) {
            pg_conn_lost(c, PQerrorMessage(c->pq));
            return;
        }
    }
    if (c->state == CONN_READY && PQstatus(c->pq) == CONNECTION_BAD)
        pg_conn_lost(c, PQerrorMessage(c->pq));
}

/* --- answers -------------------------------------------------------------------------------------
 */

enum pg_outcome pg_outcome(const struct pg_answer *a)
{
    return a->outcome;
}

const char *pg_sqlstate(const struct pg_answer *a)
{
    return a->sqlstate;
}

const char *pg_message(const struct pg_answer *a)
{
    return a->message;
}

const char *pg_detail(const struct pg_answer *a)
{
    return a->detail;
}

const char *pg_constraint(const struct pg_answer *a)
{
    return a->constraint;
}

int pg_rows(const struct pg_answer *a, size_t call)
{
    return a->outcome == PG_OK && call < a->n_results ? PQntuples(a->results[call]) : 0;
}

const char *pg_value(const struct pg_answer *a, size_t call, int row, int column, size_t *len_r)
{
    if (row >= pg_rows(a, call) || PQgetisnull(a->results[call], row, column))
        return NULL;
    *len_r = (size_t)PQgetlength(a->results[call], row, column);
    return PQgetvalue(a->results[call], row, column);
}
