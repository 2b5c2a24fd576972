/* PostgreSQL by libpq, asynchronously. Called by presence-graphqld.
 * Diagnostics: a connection lost or refused is a warning, once per outage; back-off in between.
 * Refused statements are the caller's to log. */
#include "presence/pg.h"

#include <libpq-fe.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "presence/backoff.h"
#include "presence/buf.h"
#include "presence/log.h"

#define PREPARED_MAX   256
#define CONNECT_MAX_MS 10000
#define TICK_MS        1000

enum conn_state { CONN_DOWN, CONN_CONNECTING, CONN_INIT, CONN_CHECK, CONN_READY, CONN_BUSY };

struct job {
    struct job *next;
    const struct pg_call *calls;
    size_t n_calls;
    pg_cb *cb;
    void *arg;
    monoms_t since;
};

struct pg_answer {
    enum pg_outcome outcome;
    const char *message, *detail, *constraint;
    char sqlstate[6];
    PGresult **results;
    size_t n_results;
};

struct conn {
    struct pg *pool;
    enum conn_state state;
    PGconn *pq;
    struct loop_fd *watch;
    struct loop_timer *retry;
    monoms_t since; /* of the state, while connecting */
    bool checked;
    char *check_value; /* what check_sql answered, while initialising */
    struct job *job;
    PGresult **results; /* one per call */
    size_t n_results;
    PGresult *failure;   /* the first error of the job */
    uint8_t *preparing;  /* per expected result of the pipeline: 1 = of a prepare */
    uint64_t *hashes;    /* parallel to preparing */
    size_t expect, seen; /* results of the pipeline */
    uint64_t prepared[PREPARED_MAX];
    size_t n_prepared;
};

struct pg {
    struct loop *loop;
    struct pg_options options;
    char *conninfo, *init_sql, *check_sql;
    struct conn *conns;
    unsigned n_conns;
    struct job *first, *last; /* waiting */
    size_t waiting;
    struct loop_timer *tick;
    struct backoff backoff;
    bool complained;
};

static void conn_start(void *arg);
static void conn_events(void *arg, unsigned events);

static void no_notice(void *arg, const char *message)
{
    (void)arg;
    log_debug("pg_notice", "%.*s", (int)strcspn(message, "\n"), message);
}

/* --- jobs ---------------------------------------------------------------------------------------
 */

static void answer(struct job *job, const struct pg_answer *a)
{
    pg_cb *cb = job->cb;
    void *arg = job->arg;

    free(job);
    cb(arg, a);
}

static void answer_unavailable(struct job *job, const char *message)
{
    struct pg_answer a = {
        .outcome = PG_UNAVAILABLE, .message = message, .detail = "", .constraint = ""};

    answer(job, &a);
}

static struct job *take_waiting(struct pg *pg)
{
    struct job *job = pg->first;

    if (!job)
        return NULL;
    pg->first = job->next;
    if (!pg->first)
        pg->last = NULL;
    pg->waiting--;
    return job;
}

/* While one is still connecting, jobs wait for how that ends. */
static bool any_usable(const struct pg *pg)
{
    for (unsigned i = 0; i < pg->n_conns; i++)
        if (pg->conns[i].state >= CONN_CONNECTING)
            return true;
    return false;
}

static void refuse_waiting(struct pg *pg)
{
    struct job *job;

    while (!any_usable(pg) && (job = take_waiting(pg)))
        answer_unavailable(job, "the database is away");
}

/* --- a connection goes ---------------------------------------------------------------------------
 */

static void clear_results(struct conn *c)
{
    for (size_t i = 0; i < c->n_results; i++)
        PQclear(c->results[i]);
    free(c->results);
    c->results = NULL;
    c->n_results = 0;
    PQclear(c->failure);
    c->failure = NULL;
    free(c->preparing);
    free(c->hashes);
    c->preparing = NULL;
    c->hashes = NULL;
}

static void conn_close(struct conn *c)
{
    loop_fd_del(&c->watch);
    clear_results(c);
    free(c->check_value);
    c->check_value = NULL;
    PQfinish(c->pq);
    c->pq = NULL;
    c->n_prepared = 0;
    c->state = CONN_DOWN;
}

static void conn_lost(struct conn *c, const char *why)
{
    struct pg *pg = c->pool;
    struct job *job = c->job;

    if (!pg->complained)
        log_warn("pg_down", "database: %.*s", (int)strcspn(why, "\n"), why);
    pg->complained = true;
    c->job = NULL;
    conn_close(c);
    loop_timer_set(c->retry, backoff_next_ms(&pg->backoff));
    if (job)
        answer_unavailable(job, "the connection to the database was lost");
    refuse_waiting(pg);
}

/* --- sending -------------------------------------------------------------------------------------
 */

static uint64_t hash_text(const char *s)
{
    uint64_t h = UINT64_C(14695981039346656037);

    for (; *s; s++)
        h = (h ^ (unsigned char)*s) * UINT64_C(1099511628211);
    return h;
}

static bool is_prepared(const struct conn *c, uint64_t hash)
{
    for (size_t i = 0; i < c->n_prepared; i++)
        if (c->prepared[i] == hash)
            return true;
    return false;
}

static bool being_prepared(const struct conn *c, uint64_t hash)
{
    for (size_t i = 0; i < c->expect; i++)
        if (c->preparing[i] && c->hashes[i] == hash)
            return true;
    return false;
}

static int send_call(struct conn *c, const struct pg_call *call)
{
    uint64_t hash = hash_text(call->sql);
    char name[24];

    if (!is_prepared(c, hash) && !being_prepared(c, hash)) {
        if (call->plan_anew || c->n_prepared + c->expect >= PREPARED_MAX) {
            c->expect++;
            return PQsendQueryParams(c->pq, call->sql, call->n_params, call->types, call->values,
                                     call->lengths, call->formats, 0);
        }
        snprintf(name, sizeof(name), "p%016llx", (unsigned long long)hash);
        if (!PQsendPrepare(c->pq, name, call->sql, call->n_params, call->types))
            return 0;
        c->preparing[c->expect] = 1;
        c->hashes[c->expect++] = hash;
    }
    snprintf(name, sizeof(name), "p%016llx", (unsigned long long)hash);
    c->expect++;
    return PQsendQueryPrepared(c->pq, name, call->n_params, call->values, call->lengths,
                               call->formats, 0);
}

static void flush(struct conn *c)
{
    int rc = PQflush(c->pq);

    if (rc < 0)
        conn_lost(c, PQerrorMessage(c->pq));
    else
        loop_fd_want(c->watch, rc > 0 ? LOOP_READ | LOOP_WRITE : LOOP_READ);
}

static void conn_run(struct conn *c, struct job *job)
{
    c->job = job;
    c->state = CONN_BUSY;
    c->expect = c->seen = 0;
    c->results = xcalloc(job->n_calls, sizeof(PGresult *));
    c->n_results = job->n_calls;
    c->preparing = xcalloc(job->n_calls * 2 + 1, 1);
    c->hashes = xcalloc(job->n_calls * 2 + 1, sizeof(uint64_t));
    for (size_t i = 0; i < job->n_calls; i++)
        if (!send_call(c, &job->calls[i])) {
            conn_lost(c, PQerrorMessage(c->pq));
            return;
        }
    if (!PQpipelineSync(c->pq)) {
        conn_lost(c, PQerrorMessage(c->pq));
        return;
    }
    flush(c);
}

static void feed(struct conn *c)
{
    struct job *job;

    if (c->state == CONN_READY && (job = take_waiting(c->pool)))
        conn_run(c, job);
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

static void finish_job(struct conn *c)
{
    struct job *job = c->job;
    struct pg_answer a = {.message = "", .detail = "", .constraint = ""};
    const char *text;

    a.results = c->results;
    a.n_results = c->n_results;
    if (c->failure) {
        text = PQresultErrorField(c->failure, PG_DIAG_SQLSTATE);
        snprintf(a.sqlstate, sizeof(a.sqlstate), "%s", text ? text : "");
        a.outcome = judge(a.sqlstate);
        text = PQresultErrorField(c->failure, PG_DIAG_MESSAGE_PRIMARY);
        a.message = text ? text : PQresultErrorMessage(c->failure);
        text = PQresultErrorField(c->failure, PG_DIAG_MESSAGE_DETAIL);
        a.detail = text ? text : "";
        text = PQresultErrorField(c->failure, PG_DIAG_CONSTRAINT_NAME);
        a.constraint = text ? text : "";
    }
    c->job = NULL;
    answer(job, &a);
    clear_results(c);
    c->state = CONN_READY;
    feed(c);
}

/* Which call the result belongs to: prepares have entries of their own. */
static void take_result(struct conn *c, PGresult *result)
{
    size_t call = 0;
    ExecStatusType status = PQresultStatus(result);

    if (c->seen >= c->expect) {
        /* All statements were carried out; what failed is the commit. */
        if (status == PGRES_FATAL_ERROR && !c->failure)
            c->failure = result;
        else
            PQclear(result);
        return;
    }
    for (size_t i = 0; i < c->seen; i++)
        call += !c->preparing[i];
    if (status == PGRES_FATAL_ERROR && !c->failure) {
        c->failure = result;
    } else if (c->preparing[c->seen]) {
        if (status == PGRES_COMMAND_OK)
            c->prepared[c->n_prepared++] = c->hashes[c->seen];
        PQclear(result);
    } else {
        c->results[call] = result;
    }
    c->seen++;
}

static void read_results(struct conn *c)
{
    if (!PQconsumeInput(c->pq)) {
        conn_lost(c, PQerrorMessage(c->pq));
        return;
    }
    while (c->state == CONN_BUSY && !PQisBusy(c->pq)) {
        PGresult *result = PQgetResult(c->pq);

        if (!result) {
            if (PQstatus(c->pq) == CONNECTION_BAD) {
                conn_lost(c, PQerrorMessage(c->pq));
                return;
            }
            continue;
        }
        if (PQresultStatus(result) == PGRES_PIPELINE_SYNC) {
            PQclear(result);
            finish_job(c);
            return;
        }
        take_result(c, result);
        if (PQstatus(c->pq) == CONNECTION_BAD) {
            conn_lost(c, PQerrorMessage(c->pq));
            return;
        }
    }
    if (c->state == CONN_READY && PQstatus(c->pq) == CONNECTION_BAD)
        conn_lost(c, PQerrorMessage(c->pq));
}

/* --- connecting ----------------------------------------------------------------------------------
 */

static void conn_up(struct conn *c)
{
    struct pg *pg = c->pool;
    char *why = NULL;

    if (pg->options.check && pg->options.check(pg->options.check_arg, c->check_value, &why)) {
        conn_lost(c, why ? why : "refused");
        free(why);
        return;
    }
    free(c->check_value);
    c->check_value = NULL;
    if (!PQenterPipelineMode(c->pq)) {
        conn_lost(c, PQerrorMessage(c->pq));
        return;
    }
    if (pg->complained)
        log_info("pg_up", "connected to the database again");
    pg->complained = false;
    backoff_reset(&pg->backoff);
    c->state = CONN_READY;
    feed(c);
}

static void init_step(struct conn *c)
{
    struct pg *pg = c->pool;
    PGresult *result;

    if (!PQconsumeInput(c->pq)) {
        conn_lost(c, PQerrorMessage(c->pq));
        return;
    }
    while (!PQisBusy(c->pq)) {
        result = PQgetResult(c->pq);
        if (!result)
            break;
        if (PQresultStatus(result) == PGRES_FATAL_ERROR && c->state == CONN_INIT) {
            char *why = xstrdup(PQresultErrorMessage(result));

            PQclear(result);
            conn_lost(c, why);
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
            conn_lost(c, PQerrorMessage(c->pq));
            return;
        }
        flush(c);
        return;
    }
    conn_up(c);
}

static void watch(struct conn *c, unsigned events)
{
    int fd = PQsocket(c->pq);

    loop_fd_del(&c->watch);
    c->watch = loop_fd_add(c->pool->loop, fd, events, conn_events, c);
}

static void connect_step(struct conn *c)
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
        conn_lost(c, PQerrorMessage(c->pq));
        return;
    }
    PQsetnonblocking(c->pq, 1);
    watch(c, LOOP_READ);
    c->state = CONN_INIT;
    if (!PQsendQuery(c->pq, c->pool->init_sql)) {
        conn_lost(c, PQerrorMessage(c->pq));
        return;
    }
    flush(c);
}

static void conn_start(void *arg)
{
    struct conn *c = arg;

    c->pq = PQconnectStart(c->pool->conninfo);
    if (!c->pq)
        fatal("memory", "out of memory");
    PQsetNoticeProcessor(c->pq, no_notice, NULL);
    c->state = CONN_CONNECTING;
    c->since = clock_mono();
    if (PQstatus(c->pq) == CONNECTION_BAD) {
        conn_lost(c, PQerrorMessage(c->pq));
        return;
    }
    watch(c, LOOP_WRITE);
}

static void conn_events(void *arg, unsigned events)
{
    struct conn *c = arg;

    switch (c->state) {
    case CONN_DOWN:
        return;
    case CONN_CONNECTING:
        connect_step(c);
        return;
    case CONN_INIT:
    case CONN_CHECK:
        if (events & LOOP_WRITE)
            flush(c);
        if (c->state == CONN_INIT || c->state == CONN_CHECK)
            init_step(c);
        return;
    case CONN_READY:
        read_results(c);
        /* Nothing is asked, so what came is a notice or the end. */
        if (c->state == CONN_READY && events & LOOP_HUP)
            conn_lost(c, "the server closed the connection");
        return;
    case CONN_BUSY:
        if (events & LOOP_WRITE)
            flush(c);
        if (c->state == CONN_BUSY)
            read_results(c);
        return;
    }
}

static void tick(void *arg)
{
    struct pg *pg = arg;
    monoms_t now = clock_mono();

    for (unsigned i = 0; i < pg->n_conns; i++) {
        struct conn *c = &pg->conns[i];

        if (c->state >= CONN_CONNECTING && c->state <= CONN_CHECK &&
            now.ms - c->since.ms > CONNECT_MAX_MS)
            conn_lost(c, "no answer while connecting");
        else if (c->job && now.ms - c->job->since.ms > pg->options.job_max_ms)
            conn_lost(c, "no answer to a statement");
    }
    for (unsigned i = 0; i < pg->n_conns; i++)
        if (pg->conns[i].state != CONN_READY) {
            loop_timer_set(pg->tick, TICK_MS);
            return;
        }
}

/* --- interface -----------------------------------------------------------------------------------
 */

struct pg *pg_new(struct loop *loop, const struct pg_options *options)
{
    struct pg *pg = xcalloc(1, sizeof(*pg));

    pg->loop = loop;
    pg->options = *options;
    pg->conninfo = xstrdup(options->conninfo);
    pg->init_sql = xstrdup(options->init_sql ? options->init_sql : "SELECT 1");
    pg->check_sql = options->check_sql ? xstrdup(options->check_sql) : NULL;
    if (!pg->options.queue_max)
        pg->options.queue_max = 256;
    if (!pg->options.job_max_ms)
        pg->options.job_max_ms = 30000;
    backoff_init(&pg->backoff, 100, 5000);
    pg->n_conns = options->connections ? options->connections : 4;
    pg->conns = xcalloc(pg->n_conns, sizeof(*pg->conns));
    pg->tick = loop_timer_new(loop, tick, pg);
    for (unsigned i = 0; i < pg->n_conns; i++) {
        struct conn *c = &pg->conns[i];

        c->pool = pg;
        c->retry = loop_timer_new(loop, conn_start, c);
        conn_start(c);
    }
    loop_timer_set(pg->tick, TICK_MS);
    return pg;
}

void pg_free(struct pg **pgp)
{
    struct pg *pg = *pgp;
    struct job *job;

    if (!pg)
        return;
    *pgp = NULL;
    for (unsigned i = 0; i < pg->n_conns; i++) {
        free(pg->conns[i].job);
        conn_close(&pg->conns[i]);
        loop_timer_free(&pg->conns[i].retry);
    }
    while ((job = take_waiting(pg)))
        free(job);
    loop_timer_free(&pg->tick);
    free(pg->conns);
    free(pg->conninfo);
    free(pg->init_sql);
    free(pg->check_sql);
    free(pg);
}

unsigned pg_ready(const struct pg *pg)
{
    unsigned n = 0;

    for (unsigned i = 0; i < pg->n_conns; i++)
        n += pg->conns[i].state >= CONN_READY;
    return n;
}

void pg_submit(struct pg *pg, const struct pg_call *calls, size_t n_calls, pg_cb *cb, void *arg)
{
    struct job *job = xcalloc(1, sizeof(*job));

    *job = (struct job){
        .calls = calls, .n_calls = n_calls, .cb = cb, .arg = arg, .since = clock_mono()};
    if (!loop_timer_active(pg->tick))
        loop_timer_set(pg->tick, TICK_MS);
    for (unsigned i = 0; i < pg->n_conns; i++)
        if (pg->conns[i].state == CONN_READY) {
            conn_run(&pg->conns[i], job);
            return;
        }
    if (!any_usable(pg)) {
        answer_unavailable(job, "the database is away");
        return;
    }
    if (pg->waiting >= pg->options.queue_max) {
        answer_unavailable(job, "too many requests wait for the database");
        return;
    }
    if (pg->last)
        pg->last->next = job;
    else
        pg->first = job;
    pg->last = job;
    pg->waiting++;
}

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

/* --- blocking ------------------------------------------------------------------------------------
 */

struct pg_sync {
    PGconn *pq;
};

struct pg_sync *pg_sync_open(const char *conninfo, char **error_r)
{
    struct pg_sync *s = xcalloc(1, sizeof(*s));

    s->pq = PQconnectdb(conninfo);
    if (PQstatus(s->pq) == CONNECTION_OK) {
        PQsetNoticeProcessor(s->pq, no_notice, NULL);
        return s;
    }
    *error_r = xasprintf("%.*s", (int)strcspn(PQerrorMessage(s->pq), "\n"), PQerrorMessage(s->pq));
    pg_sync_close(&s);
    return NULL;
}

void pg_sync_close(struct pg_sync **s)
{
    if (!*s)
        return;
    PQfinish((*s)->pq);
    free(*s);
    *s = NULL;
}

static PGresult *sync_query(struct pg_sync *s, const char *sql, char **error_r)
{
    PGresult *result = PQexec(s->pq, sql);
    ExecStatusType status = PQresultStatus(result);

    if (status == PGRES_COMMAND_OK || status == PGRES_TUPLES_OK)
        return result;
    *error_r = xstrdup(PQerrorMessage(s->pq));
    (*error_r)[strcspn(*error_r, "\n")] = '\0';
    PQclear(result);
    return NULL;
}

int pg_sync_exec(struct pg_sync *s, const char *sql, char **error_r)
{
    PGresult *result = sync_query(s, sql, error_r);

    PQclear(result);
    return result ? 0 : -1;
}

char *pg_sync_value(struct pg_sync *s, const char *sql, char **error_r)
{
    PGresult *result = sync_query(s, sql, error_r);
    char *value = NULL;

    if (result && PQntuples(result) > 0 && !PQgetisnull(result, 0, 0))
        value = xstrdup(PQgetvalue(result, 0, 0));
    PQclear(result);
    return value;
}

char *pg_sync_quote(struct pg_sync *s, const char *text)
{
    char *quoted = PQescapeLiteral(s->pq, text, strlen(text)), *copy;

    if (!quoted)
        fatal("pg", "cannot quote a name: %s", PQerrorMessage(s->pq));
    copy = xstrdup(quoted);
    PQfreemem(quoted);
    return copy;
}

char *pg_conninfo_user(const char *conninfo, char **error_r)
{
    char *wrong = NULL, *user = NULL;
    PQconninfoOption *list = PQconninfoParse(conninfo, &wrong);

    for (const PQconninfoOption *o = list; o && o->keyword; o++)
        if (strcmp(o->keyword, "user") == 0 && o->val)
            user = xstrdup(o->val);
    if (!user)
        *error_r =
            xasprintf("[graphqld] conninfo: %.*s",
                      wrong ? (int)strcspn(wrong, "\n") : (int)sizeof("it names no user") - 1,
                      wrong ? wrong : "it names no user");
    PQfreemem(wrong);
    PQconninfoFree(list);
    return user;
}
