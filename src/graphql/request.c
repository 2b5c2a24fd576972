/* From HTTP to what request_prepare.c makes an operation of, and from its result back to HTTP.
 * Called by the server for each POST or GET of /graphql.
 *
 * Diagnostics: every refusal is answered with extensions.code; nothing of it is logged above
 * debug. */
#include "graphql/request.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

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
    gql_error_add(&r->errors, code, (struct gql_loc){0, 0}, "%s", message);
    r->status = status;
    request_answer(r);
}

/* --- HTTP ----------------------------------------------------------------------------------------
 */

static void go_on(struct request *r)
{
    if (request_prepare(r))
        request_answer(r);
    else
        request_execute(r);
}

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
    r->caller = arena_strndup(r->arena, t->name, strlen(t->name));
    r->scopes = t->scopes;
    r->n_guilds = t->n_guilds;
    r->guilds = arena_alloc(r->arena, t->n_guilds * sizeof(*r->guilds));
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
    if (gql_body_read(r->arena, body, len, request_begin_variables, r, &r->body, &r->errors)) {
        if (strcmp(r->errors.first->code, "BAD_REQUEST") == 0)
            r->status = 400;
        request_answer(r);
        return;
    }
    go_on(r);
}

/* Of two parameters of one name, another program may take the other one. */
static const char *given_twice(const struct request *r)
{
    static const char *const names[] = {"query", "operationName", "variables", "documentId",
                                        "extensions"};

    for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++)
        if (httpd_query_count(r->http, names[i]) > 1)
            return names[i];
    return NULL;
}

static void handle_get(struct request *r)
{
    const char *query = httpd_query(r->http, "query");
    const char *variables = httpd_query(r->http, "variables");
    const char *extensions = httpd_query(r->http, "extensions");
    const char *twice = given_twice(r);

    r->get = true;
    if (twice) {
        refuse(r, 400, "BAD_REQUEST", arena_printf(r->arena, "%s is given twice", twice));
        return;
    }
    r->body.operation_name = httpd_query(r->http, "operationName");
    r->body.document_id = httpd_query(r->http, "documentId");
    r->body.automatic = extensions && strstr(extensions, "\"persistedQuery\"");
    if (query && r->body.document_id) {
        refuse(r, 400, "BAD_REQUEST", GQL_BODY_BOTH);
        return;
    }
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

/* Several lines are one list (RFC 9110, section 5.3). NULL: none. */
static const char *accept_of(const struct request *r)
{
    const char *list = httpd_header(r->http, "Accept"), *line;

    for (unsigned n = 1; list && (line = httpd_header_at(r->http, "Accept", n)) != NULL; n++)
        list = arena_printf(r->arena, "%s, %s", list, line);
    return list;
}

void request_handle(struct service *service, struct httpd_request *http)
{
    struct arena *arena = arena_new();
    struct request *r = arena_alloc(arena, sizeof(*r));
    const char *method = httpd_method(http);

    r->service = service;
    r->http = http;
    r->arena = arena;
    r->begun_ms = clock_mono().ms;
    gql_errors_init(&r->errors, arena);
    buf_init(&r->data, 0);
    r->media = media_accepted(accept_of(r), &r->stream);
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
