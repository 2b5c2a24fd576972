/* The listener and what requests share: schema, tokens, documents, database. Called by main.
 * Diagnostics: a token file that is wrong at a reload is an error in the log and changes nothing.
 */
#include "graphql/server.h"

#include <stdlib.h>
#include <string.h>

#include "graphql/graphiql.h"
#include "graphql/migrate.h"
#include "graphql/request.h"
#include "presence/log.h"
#include "presence/sd.h"

#define CONNECTIONS           6u
#define HTTP_CONNECTIONS_MAX  4096u
#define HOUSEKEEPING_FIRST_MS 1000
#define HOUSEKEEPING_EVERY_MS (6 * 3600 * 1000)
#define HOUSEKEEPING_RETRY_MS 10000
#define TOTALS_EVERY_MS       60000
#define TOTALS_AGAIN_MS       100
#define DRAIN_MAX_MS          10000
#define DRAIN_LOOK_MS         20

static const char init_sql[] =
    "SET synchronous_commit = on; SET statement_timeout = '5s'; SET timezone = 'UTC';"
    " SET datestyle = 'ISO'; SET client_encoding = 'UTF8'; SET search_path = presence;"
    " SET idle_in_transaction_session_timeout = '10s'; SET application_name = 'presence-graphqld';"
    " SET lock_timeout = '4s'; SET jit = off";

static const char too_large[] =
    "{\"errors\":[{\"message\":\"the body has more than 4194304 bytes\","
    "\"extensions\":{\"code\":\"LIMIT_BODY\"}}]}";

struct server {
    struct loop *loop;
    struct httpd *httpd;
    struct gql_schema *schema;
    struct service service;
    struct graphiql *graphiql; /* NULL: switched off */
    char *token_file;
    unsigned port;
    struct loop_timer *housekeeping_timer;
    struct loop_timer *totals_timer;
    struct loop_timer *drain_timer;
    monoms_t drain_since;
    loop_cb *drained;
    void *drained_arg;
};

/* --- housekeeping: partitions ahead, and requests that nobody repeats any more
 * ----------------------------------------------------------------------------- */

static void housekeeping_done(void *arg, const struct pg_answer *a)
{
    struct server *s = arg;
    bool ok = pg_outcome(a) == PG_OK;

    if (pg_outcome(a) == PG_FAILED)
        log_error("housekeeping", "in the database: %s", pg_message(a));
    loop_timer_set(s->housekeeping_timer, ok ? HOUSEKEEPING_EVERY_MS : HOUSEKEEPING_RETRY_MS);
}

static void keep_house(void *arg)
{
    static const struct pg_call partitions = {.sql = "SELECT presence.ensure_months(2)"};
    static const struct pg_call requests = {.sql = "SELECT presence.forget_requests()"};
    struct server *s = arg;

    pg_submit(s->service.pg, &partitions, 1, housekeeping_done, s);
    pg_submit(s->service.pg, &requests, 1, housekeeping_done, s);
}

/* --- totals of the log: sql/018_totals.sql
 * ----------------------------------------------------------------------------- */

static void totals_made(void *arg, const struct pg_answer *a)
{
    struct server *s = arg;
    size_t len;
    bool more = pg_outcome(a) == PG_OK && strcmp(pg_value(a, 0, 0, 0, &len), "t") == 0;

    if (pg_outcome(a) == PG_FAILED)
        log_error("totals", "in the database: %s", pg_message(a));
    loop_timer_set(s->totals_timer, more ? TOTALS_AGAIN_MS : TOTALS_EVERY_MS);
}

static void make_totals(void *arg)
{
    static const struct pg_call call = {.sql = "SELECT presence.make_totals()"};
    struct server *s = arg;

    pg_submit(s->service.pg, &call, 1, totals_made, s);
}

/* --- requests
 * ------------------------------------------------------------------------------------- */

static void health(struct server *s, struct httpd_request *req)
{
    struct httpd_header type = {"Content-Type", "application/json"};
    bool up = pg_ready(s->service.pg) > 0;
    const char *text = up ? "{\"status\":\"ok\"}" : "{\"status\":\"database away\"}";

    httpd_respond(req, up ? 200 : 503, &type, 1, text, strlen(text));
}

static void on_request(void *arg, struct httpd_request *req)
{
    static const char nothing[] = "{\"errors\":[{\"message\":\"not found; GraphQL is at /graphql\","
                                  "\"extensions\":{\"code\":\"NOT_FOUND\"}}]}";
    struct httpd_header type = {"Content-Type", "application/json"};
    struct server *s = arg;

    if (strcmp(httpd_path(req), "/graphql") == 0)
        request_handle(&s->service, req);
    else if (strcmp(httpd_path(req), "/healthz") == 0)
        health(s, req);
    else if (graphiql_owns(httpd_path(req)))
        graphiql_respond(s->graphiql, req);
    else
        httpd_respond(req, 404, &type, 1, nothing, sizeof(nothing) - 1);
}

/* --- life
 * ----------------------------------------------------------------------------------------- */

static int listen_on(struct server *s, const char *address, int listener, char **error_r)
{
    struct httpd_options options = {.body_max = LIMIT_BODY_INGEST_BYTES,
                                    .connections_max = HTTP_CONNECTIONS_MAX,
                                    .too_large = too_large};
    int fd = listener >= 0 ? listener : httpd_listen(address, 0660, error_r);

    if (fd < 0)
        return -1;
    s->port = httpd_port(fd);
    s->httpd = httpd_new(s->loop, fd, &options, on_request, s, error_r);
    return s->httpd ? 0 : -1;
}

/* A service without the page is still a service. */
static void open_graphiql(struct server *s)
{
    const char *place = getenv("PRESENCE_GRAPHIQL");
    char *error = NULL;

    s->graphiql = graphiql_new(place ? place : PRESENCE_DATADIR "/graphiql", &error);
    if (!s->graphiql)
        log_error("graphiql", "GraphiQL is not served: %s", error);
    free(error);
}

struct server *server_new(struct loop *loop, const struct conf *conf, int listener, char **error_r)
{
    struct server *s = xcalloc(1, sizeof(*s));
    struct gql_limits limits = {.depth = (unsigned)conf->graphqld.max_depth,
                                .aliases = LIMIT_ALIASES_MAX,
                                .roots = LIMIT_ROOTS_MAX,
                                .directives = LIMIT_DIRECTIVES_MAX};
    struct pg_options pg = {.conninfo = conf->graphqld.conninfo,
                            .connections = CONNECTIONS,
                            .init_sql = init_sql,
                            .check_sql = migrate_check_sql,
                            .check = migrate_check};

    s->loop = loop;
    s->token_file = sd_credential("graphqld.tokens", conf->graphqld.token_file);
    s->service.tokens = tokens_load(s->token_file, error_r);
    if (!s->service.tokens || listen_on(s, conf->graphqld.listen, listener, error_r)) {
        server_free(&s);
        return NULL;
    }
    if (tokens_count(s->service.tokens) == 0)
        log_warn("no_tokens", "%s holds no token: nobody can read or write", s->token_file);
    s->schema = gql_schema_builtin();
    s->service.schema = s->schema;
    s->service.max_cost = (unsigned)conf->graphqld.max_cost;
    s->service.max_rate = (unsigned)conf->graphqld.max_rate;
    s->service.get = conf->graphqld.get;
    s->service.introspection = conf->graphqld.introspection;
    s->service.persisted_only = conf->graphqld.persisted_only;
    if (conf->graphqld.graphiql)
        open_graphiql(s);
    s->service.documents = documents_new(s->schema, &limits);
    s->service.pg = pg_new(loop, &pg);
    s->service.subscriptions =
        subscriptions_new(loop, s->service.pg, conf->graphqld.conninfo, init_sql);
    s->housekeeping_timer = loop_timer_new(loop, keep_house, s);
    loop_timer_set(s->housekeeping_timer, HOUSEKEEPING_FIRST_MS);
    s->totals_timer = loop_timer_new(loop, make_totals, s);
    loop_timer_set(s->totals_timer, HOUSEKEEPING_FIRST_MS);
    return s;
}

void server_free(struct server **server)
{
    struct server *s = *server;

    if (!s)
        return;
    *server = NULL;
    subscriptions_free(&s->service.subscriptions);
    httpd_free(&s->httpd);
    pg_free(&s->service.pg);
    documents_free(&s->service.documents);
    graphiql_free(&s->graphiql);
    tokens_free(&s->service.tokens);
    gql_schema_free(&s->schema);
    loop_timer_free(&s->housekeeping_timer);
    loop_timer_free(&s->totals_timer);
    loop_timer_free(&s->drain_timer);
    free(s->token_file);
    free(s);
}

unsigned server_port(const struct server *server)
{
    return server->port;
}

void server_reload(struct server *s)
{
    char *error = NULL;
    struct tokens *tokens = tokens_load(s->token_file, &error);

    if (!tokens) {
        log_error("tokens", "kept the old tokens: %s", error);
        free(error);
        return;
    }
    tokens_free(&s->service.tokens);
    s->service.tokens = tokens;
    subscriptions_recheck(s->service.subscriptions, tokens);
    log_info("tokens", "%zu tokens", tokens_count(tokens));
}

static void look_drained(void *arg)
{
    struct server *s = arg;

    if (httpd_pending(s->httpd) > 0 && clock_mono().ms - s->drain_since.ms < DRAIN_MAX_MS)
        loop_timer_set(s->drain_timer, DRAIN_LOOK_MS);
    else
        s->drained(s->drained_arg);
}

void server_drain(struct server *s, loop_cb *done, void *arg)
{
    s->drained = done;
    s->drained_arg = arg;
    s->drain_since = clock_mono();
    httpd_stop_accepting(s->httpd);
    subscriptions_close(s->service.subscriptions);
    s->drain_timer = loop_timer_new(s->loop, look_drained, s);
    /* Not at once: an answer just given is still on its way to the socket. */
    loop_timer_set(s->drain_timer, DRAIN_LOOK_MS);
}
