/* PostgreSQL by libpq, asynchronously: the pool. Called by presence-graphqld.
 * Diagnostics: those of pg_conn.c; refused statements are the caller's to log. */
#include "presence/pg.h"

#include <bsd/stdlib.h>
#include <stdlib.h>

#include "link/pg_priv.h"
#include "presence/buf.h"

#define CONNECT_MAX_MS 10000
#define TICK_MS        1000

/* --- jobs ---------------------------------------------------------------------------------------
 */

void pg_answer_job(struct pg_job *job, const struct pg_answer *a)
{
    pg_cb *cb = job->cb;
    void *arg = job->arg;

    free(job);
    cb(arg, a);
}

void pg_answer_unavailable(struct pg_job *job, const char *message)
{
    struct pg_answer a = {
        .outcome = PG_UNAVAILABLE, .message = message, .detail = "", .constraint = ""};

    pg_answer_job(job, &a);
}

static struct pg_job *take_waiting(struct pg *pg)
{
    struct pg_job *job = pg->first;

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

void pg_refuse_waiting(struct pg *pg)
{
    struct pg_job *job;

    while (!any_usable(pg) && (job = take_waiting(pg)))
        pg_answer_unavailable(job, "the database is away");
}

void pg_feed(struct pg_conn *c)
{
    struct pg_job *job;

    if (c->state == CONN_READY && (job = take_waiting(c->pool)))
        pg_job_run(c, job);
}

/* The one that waits longest is the first. */
static void give_up_waiting(struct pg *pg, monoms_t now)
{
    struct pg_answer a = {.outcome = pg_ready(pg) ? PG_TIMEOUT : PG_UNAVAILABLE,
                          .message = pg_ready(pg) ? "no connection to the database was free in time"
                                                  : "the database does not answer",
                          .detail = "",
                          .constraint = ""};

    while (pg->first && now.ms - pg->first->since.ms >= pg->options.wait_max_ms)
        pg_answer_job(take_waiting(pg), &a);
}

/* --- time ----------------------------------------------------------------------------------------
 */

static void tick(void *arg)
{
    struct pg *pg = arg;
    monoms_t now = clock_mono();

    give_up_waiting(pg, now);
    for (unsigned i = 0; i < pg->n_conns; i++) {
        struct pg_conn *c = &pg->conns[i];

        if (c->state >= CONN_CONNECTING && c->state <= CONN_CHECK &&
            now.ms - c->since.ms > CONNECT_MAX_MS)
            pg_conn_lost(c, "no answer while connecting");
        else if (c->job && now.ms - c->job->since.ms > pg->options.job_max_ms)
            pg_conn_lost(c, "no answer to a statement");
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
    if (!pg->options.wait_max_ms)
        pg->options.wait_max_ms = 5000;
    if (!pg->options.job_max_ms)
        pg->options.job_max_ms = 30000;
    arc4random_buf(&pg->key, sizeof(pg->key));
    backoff_init(&pg->backoff, 100, 5000);
    pg->n_conns = options->connections ? options->connections : 4;
    pg->conns = xcalloc(pg->n_conns, sizeof(*pg->conns));
    pg->tick = loop_timer_new(loop, tick, pg);
    for (unsigned i = 0; i < pg->n_conns; i++) {
        struct pg_conn *c = &pg->conns[i];

        c->pool = pg;
        c->retry = loop_timer_new(loop, pg_conn_start, c);
        pg_conn_start(c);
    }
    loop_timer_set(pg->tick, TICK_MS);
    return pg;
}

void pg_free(struct pg **pgp)
{
    struct pg *pg = *pgp;
    struct pg_job *job;

    if (!pg)
        return;
    *pgp = NULL;
    for (unsigned i = 0; i < pg->n_conns; i++) {
        free(pg->conns[i].job);
        pg_conn_close(&pg->conns[i]);
        loop_timer_free(&pg->conns[i].retry);
    }
    while ((job = take_waiting(pg)))
        free(job);
    loop_timer_free(&pg->tick);
    free(pg->conns);
    free(pg->conninfo);
    free(pg->init_sql);
    free(pg->check_sql);
    free(pg->complaint);
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
    struct pg_job *job = xcalloc(1, sizeof(*job));

    *job = (struct pg_job){
        .calls = calls, .n_calls = n_calls, .cb = cb, .arg = arg, .since = clock_mono()};
    if (!loop_timer_active(pg->tick))
        loop_timer_set(pg->tick, TICK_MS);
    for (unsigned i = 0; i < pg->n_conns; i++)
        if (pg->conns[i].state == CONN_READY) {
            pg_job_run(&pg->conns[i], job);
            return;
        }
    if (!any_usable(pg)) {
        pg_answer_unavailable(job, "the database is away");
        return;
    }
    if (pg->waiting >= pg->options.queue_max) {
        pg_answer_unavailable(job, "too many requests wait for the database");
        return;
    }
    if (pg->last)
        pg->last->next = job;
    else
        pg->first = job;
    pg->last = job;
    pg->waiting++;
}
