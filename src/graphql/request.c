/* From HTTP to an operation with its variables, and from its result back to HTTP. Called by the
 * server for each POST or GET of /graphql.
 * Diagnostics: every refusal is answered with extensions.code; nothing of it is logged above
 * debug. */
#include "graphql/request.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "graphql/bind.h"
#include "graphql/cost.h"
#include "graphql/persisted.h"
#include "presence/log.h"

static const struct gql_loc nowhere = {0, 0};

/* --- the answer ----------------------------------------------------------------------------------
 */

static unsigned status_of(const struct request *r)
{
    if (r->status && r->status < 500)
        return r->status;
    if (r->media != MEDIA_MODERN)
        return 200;
    if (r->status)
        return r->status;
    return r->errors.count && !r->partial && !r->data_null ? 400 : 200;
}

void request_free(struct request *r)
{
    struct arena *arena = r->arena; /* r itself lies in it */

    document_release(r->service->documents, &r->document);
    buf_clear(&r->data);
    free(r->guilds);
    arena_free(&arena);
}

/* A refusal that has a status of its own is JSON even where a stream was asked for. */
static const char *content_type(enum media media, bool stream)
{
    if (stream)
        return "text/event-stream; charset=utf-8";
    return media == MEDIA_MODERN ? "application/graphql-response+json; charset=utf-8"
                                 : "application/json; charset=utf-8";
}

void request_answer(struct request *r)
{
    unsigned status = status_of(r);
    bool stream = r->media == MEDIA_STREAM && status == 200;
    struct httpd_header headers[5] = {{"Content-Type", content_type(r->media, stream)},
                                      {"Cache-Control", "no-store"}};
    size_t n = 2;
    struct httpd_request *http = r->http;
    char seconds[12];
    struct buf out;

    buf_init(&out, 0);
    buf_puts(&out, stream ? "event: next\ndata: {" : "{");
    if (r->errors.count) {
        buf_puts(&out, "\"errors\":");
        gql_errors_print(&r->errors, &out);
    }
    if (r->data_null) {
        buf_puts(&out, ",\"data\":null");
    } else if (r->errors.count == 0 || r->partial) {
        buf_puts(&out, r->errors.count ? ",\"data\":{" : "\"data\":{");
        buf_append(&out, buf_bytes(&r->data), buf_len(&r->data));
        buf_putc(&out, '}');
    }
    buf_puts(&out, stream ? "}\n\nevent: complete\ndata:\n\n" : "}");
    if (status == 401)
        headers[n++] = (struct httpd_header){"WWW-Authenticate", "Bearer"};
    if (status == 405)
        headers[n++] = (struct httpd_header){"Allow", r->service->get ? "POST, GET" : "POST"};
    if (status == 411) /* what follows may be a body, or another request */
        headers[n++] = (struct httpd_header){"Connection", "close"};
    if (status == 429) {
        snprintf(seconds, sizeof(seconds), "%u", r->retry_after_sec);
        headers[n++] = (struct httpd_header){"Retry-After", seconds};
    }
    request_free(r);
    httpd_respond_buf(http, status, headers, n, &out);
    buf_clear(&out);
}

static void refuse(struct request *r, unsigned status, const char *code, const char *message)
{
    gql_error_add(&r->errors, code, nowhere, "%s", message);
    r->status = status;
    request_answer(r);
}

/* --- document and variables ----------------------------------------------------------------------
 */

static void make_variables(struct request *r)
{
    r->variables = gql_variables_new(r->arena, r->operation->inputs);
    r->json = gql_json_new(r->arena, &r->variables, &r->errors);
}

/* A document that is named by its id has its text among those compiled in. */
static int find_text(struct request *r)
{
    struct gql_body *body = &r->body;

    if (!body->query && body->document_id) {
        body->query = persisted_find(body->document_id, &body->query_len);
        body->persisted = body->query != NULL;
    }
    if (body->query)
        return 0;
    r->status = 400;
    if (body->document_id)
        gql_error_add(&r->errors, "PERSISTED_NOT_FOUND", nowhere,
                      "this service was built without an operation of this documentId");
    else
        gql_error_add(&r->errors, "BAD_REQUEST", nowhere, "request body: query is missing");
    return -1;
}

static int find_document(struct request *r)
{
    const struct gql_body *body = &r->body;

    if (find_text(r))
        return -1;
    if (r->service->persisted_only && !(r->scopes & SCOPE_ADMIN) && !body->persisted &&
        !persisted_text(body->query, body->query_len)) {
        r->status = 403;
        gql_error_add(&r->errors, "PERSISTED_ONLY", nowhere,
                      "only operations that this service was built with are taken");
        return -1;
    }
    if (!r->document)
        r->document = document_get(r->service->documents, body->query, body->query_len,
                                   r->scopes & SCOPE_ADMIN, &r->errors);
    return r->document ? 0 : -1;
}

/* The variables begin: if the operation is certain already they are read while they pass. */
static struct gql_json *begin_variables(void *arg, const struct gql_body *body)
{
    struct request *r = arg; /* which holds body */
    struct ast_definition *op;

    (void)body;
    if (find_document(r))
        return NULL;
    op = document_only_operation(r->document);
    if (!op)
        return NULL;
    r->operation = op;
    make_variables(r);
    return r->json;
}

static int read_variables(struct request *r)
{
    if (!r->json)
        make_variables(r);
    if (r->body.has_variables && !r->body.variables_read &&
        gql_body_variables_read(r->body.variables, r->body.variables_len, r->json, &r->errors))
        return -1;
    return gql_json_finish(r->json);
}

static const struct gql_type *root_of(const struct request *r)
{
    switch (r->operation->kind) {
    case AST_QUERY:
        return r->service->schema->query;
    case AST_MUTATION:
        return r->service->schema->mutation;
    default:
        return r->service->schema->subscription;
    }
}

/* --- who may -------------------------------------------------------------------------------------
 */

/* By the schema's convention: an argument guildId, or the id of a field that gives a Guild. */
static bool names_guild(const struct gql_field *field, const struct gql_input *arg)
{
    return strcmp(arg->name, "guildId") == 0 ||
           (strcmp(arg->name, "id") == 0 && strcmp(field->ref->type->name, "Guild") == 0);
}

static bool guild_allowed(const struct request *r, const struct collected *f)
{
    struct gql_errors errors;
    struct gql_value *args;

    if (bind_lists_guilds(root_of(r)->name, f->field->name))
        return true;
    gql_errors_init(&errors, r->arena);
    if (gql_coerce_arguments(r->arena, f->field->args, f->field->n_args, f->first->arguments,
                             &r->variables, f->first->loc, &args, &errors))
        return true; /* the executor says so */
    for (size_t i = 0; i < f->field->n_args; i++) {
        if (!names_guild(f->field, &f->field->args[i]) || args[i].kind != VALUE_INT)
            continue;
        for (size_t k = 0; k < r->n_guilds; k++)
            if ((uint64_t)args[i].i == r->guilds[k])
                return true;
    }
    return false;
}

/* A token for some guilds reads what names one of them. */
static bool only_own_guilds(const struct request *r)
{
    if (r->n_guilds == 0)
        return false;
    for (const struct collected *f = r->fields; f; f = f->next)
        if (((f->field->scope | f->field->ref->type->scope) & SCOPE_READ) && !guild_allowed(r, f))
            return false;
    return true;
}

static int authorise(struct request *r)
{
    static const struct {
        unsigned scope;
        const char *name;
    } names[] = {{SCOPE_READ, "READ"},
                 {SCOPE_INGEST, "INGEST"},
                 {SCOPE_ADMIN, "ADMIN"},
                 {SCOPE_WRITE, "WRITE (ingest or admin)"}};
    unsigned missing = document_scopes(r->document, r->operation) & ~r->scopes;
    size_t i = 0;

    if (missing == SCOPE_READ && only_own_guilds(r))
        missing = 0;
    if (!missing)
        return 0;
    while (!(missing & names[i].scope))
        i++;
    r->status = r->authenticated ? 403 : 401;
    gql_error_add(&r->errors, r->authenticated ? "FORBIDDEN" : "UNAUTHENTICATED", nowhere,
                  r->authenticated ? "the token lacks the scope %s for this"
                                   : "a bearer token with the scope %s is needed",
                  names[i].name);
    return -1;
}

static int check_introspection(struct request *r)
{
    if (r->service->introspection || r->scopes & SCOPE_ADMIN)
        return 0;
    for (const struct collected *f = r->fields; f; f = f->next)
        if (strcmp(f->field->name, "__schema") == 0 || strcmp(f->field->name, "__type") == 0) {
            r->status = 403;
            gql_error_add(&r->errors, "INTROSPECTION_DISABLED", f->first->loc,
                          "introspection is off; a token with the scope ADMIN may use it");
            return -1;
        }
    return 0;
}

/* Workers send what the service was built with, in sizes of their own. */
static int check_cost(struct request *r)
{
    uint64_t cost = cost_of(&r->collect, r->operation->selections);

    if (cost <= r->service->max_cost || r->scopes & SCOPE_INGEST)
        return 0;
    gql_error_add(
        &r->errors, "LIMIT_COST", r->operation->loc, "the cost, %s%llu, is above the limit of %u",
        cost == UINT32_MAX ? "at least " : "", (unsigned long long)cost, r->service->max_cost);
    return -1;
}

/* --- in order ------------------------------------------------------------------------------------
 */

static int check_body_size(struct request *r)
{
    size_t len;

    httpd_body(r->http, &len);
    if (len <= LIMIT_BODY_BYTES || (r->scopes & SCOPE_INGEST && r->operation->kind == AST_MUTATION))
        return 0;
    r->status = 413;
    gql_error_add(&r->errors, "LIMIT_BODY", nowhere,
                  "the body has %zu bytes; the limit is %u (%u for recordSightings)", len,
                  LIMIT_BODY_BYTES, LIMIT_BODY_INGEST_BYTES);
    return -1;
}

/* Parsing, validation, coercion, authorisation; then on to the executor. */
static int prepare(struct request *r)
{
    if (find_document(r))
        return -1;
    r->operation = document_operation(r->document, r->body.operation_name, &r->errors);
    if (!r->operation)
        return -1;
    if (r->get && r->operation->kind == AST_MUTATION) {
        r->status = 405;
        gql_error_add(&r->errors, "BAD_REQUEST", r->operation->loc,
                      "a mutation must be sent by POST");
        return -1;
    }
    if (check_body_size(r) || read_variables(r))
        return -1;
    r->collect = (struct collect){.arena = r->arena,
                                  .schema = r->service->schema,
                                  .vars = &r->variables,
                                  .failures = &r->failures,
                                  .guilds = r->scopes & SCOPE_READ ? NULL : r->guilds,
                                  .n_guilds = r->n_guilds,
                                  .kept = &r->document->kept};
    r->fields = collect_fields(&r->collect, root_of(r), r->operation->selections);
    return authorise(r) || check_introspection(r) || check_cost(r) ? -1 : 0;
}

static void go_on(struct request *r)
{
    if (prepare(r))
        request_answer(r);
    else
        request_execute(r);
}

/* --- HTTP ----------------------------------------------------------------------------------------
 */

static void authenticate(struct request *r)
{
    const struct token *t = tokens_find(r->service->tokens, httpd_header(r->http, "Authorization"));

    if (r->service->max_rate && !(t && t->scopes & SCOPE_INGEST))
        r->retry_after_sec =
            tokens_take(r->service->tokens, t, r->service->max_rate, clock_mono().ms);
    if (!t)
        return;
    r->authenticated = true;
    memcpy(r->digest, t->digest, sizeof(r->digest));
    r->caller = arena_printf(r->arena, "%s", t->name);
    r->scopes = t->scopes;
    r->n_guilds = t->n_guilds;
    r->guilds = xcalloc(t->n_guilds + 1, sizeof(*r->guilds));
    if (t->n_guilds)
        memcpy(r->guilds, t->guilds, t->n_guilds * sizeof(*r->guilds));
}

static void handle_post(struct request *r)
{
    size_t len;
    char *body = httpd_body(r->http, &len);

    if (!media_is_json(httpd_header(r->http, "Content-Type"))) {
        refuse(r, 415, "BAD_REQUEST", "expected Content-Type: application/json, in UTF-8");
        return;
    }
    if (!httpd_header(r->http, "Content-Length") && !httpd_header(r->http, "Transfer-Encoding")) {
        refuse(r, 411, "BAD_REQUEST", "expected Content-Length, or Transfer-Encoding: chunked");
        return;
    }
    if (httpd_header(r->http, "Content-Encoding")) {
        refuse(r, 415, "BAD_REQUEST", "expected a body without Content-Encoding");
        return;
    }
    if (gql_body_read(r->arena, body, len, begin_variables, r, &r->body, &r->errors)) {
        if (strcmp(r->errors.first->code, "BAD_REQUEST") == 0)
            r->status = 400;
        request_answer(r);
        return;
    }
    go_on(r);
}

static void handle_get(struct request *r)
{
    const char *query = httpd_query(r->http, "query");
    const char *variables = httpd_query(r->http, "variables");

    r->get = true;
    r->body.operation_name = httpd_query(r->http, "operationName");
    r->body.document_id = httpd_query(r->http, "documentId");
    r->body.query = query;
    r->body.query_len = query ? strlen(query) : 0;
    if (query && jsonin_utf8_valid(query, r->body.query_len) < r->body.query_len) {
        refuse(r, 400, "BAD_REQUEST", "query: invalid UTF-8");
        return;
    }
    r->body.has_variables = variables && *variables && strcmp(variables, "null") != 0;
    r->body.variables = variables;
    r->body.variables_len = variables ? strlen(variables) : 0;
    go_on(r);
}

void request_handle(struct service *service, struct httpd_request *http)
{
    struct arena *arena = arena_new();
    struct request *r = arena_alloc(arena, sizeof(*r));
    const char *method = httpd_method(http);

    r->service = service;
    r->http = http;
    r->arena = arena;
    gql_errors_init(&r->errors, arena);
    buf_init(&r->data, 0);
    r->media = media_accepted(httpd_header(http, "Accept"), &r->stream);
    authenticate(r);
    if (httpd_header(http, "Authorization") && !r->authenticated)
        refuse(r, 401, "UNAUTHENTICATED", "the bearer token is not known");
    else if (r->retry_after_sec)
        refuse(r, 429, "RATE_LIMITED", "more requests per second than max_rate allows a token");
    else if (r->media == MEDIA_NONE)
        refuse(r, 406, "NOT_ACCEPTABLE",
               "expected Accept: application/graphql-response+json, application/json or "
               "text/event-stream");
    else if (strcmp(method, "POST") == 0)
        handle_post(r);
    else if (strcmp(method, "GET") == 0 && service->get)
        handle_get(r);
    else
        refuse(r, 405, "BAD_REQUEST", service->get ? "expected POST or GET" : "expected POST");
}
