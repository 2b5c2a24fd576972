/* GraphiQL as static files, kept in memory. Nothing but the files named here is ever served, and
 * the page may load nothing from elsewhere. Called by the server.
 * Diagnostics: errors as text, to the caller. */
#include "graphql/graphiql.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "presence/fd.h"

#define FILE_MAX (8u << 20)
#define PREFIX   "/graphiql"

static const struct {
    const char *path, *name, *type;
} kinds[] = {
    {PREFIX, "index.html", "text/html; charset=utf-8"},
    {PREFIX "/page.js", "page.js", "text/javascript; charset=utf-8"},
    {PREFIX "/page.css", "page.css", "text/css; charset=utf-8"},
    {PREFIX "/graphiql.min.js", "graphiql.min.js", "text/javascript; charset=utf-8"},
    {PREFIX "/graphiql.min.css", "graphiql.min.css", "text/css; charset=utf-8"},
    {PREFIX "/react.production.min.js", "react.production.min.js",
     "text/javascript; charset=utf-8"},
    {PREFIX "/react-dom.production.min.js", "react-dom.production.min.js",
     "text/javascript; charset=utf-8"},
};

#define FILES (sizeof(kinds) / sizeof(kinds[0]))

struct graphiql {
    char *bytes[FILES];
    size_t len[FILES];
};

static const char policy[] =
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:;"
    " font-src 'self' data:; connect-src 'self'; base-uri 'none'; form-action 'none';"
    " frame-ancestors 'none'";

struct graphiql *graphiql_new(const char *directory, char **error_r)
{
    struct graphiql *g = xcalloc(1, sizeof(*g));

    for (size_t i = 0; i < FILES; i++) {
        char *path = xasprintf("%s/%s", directory, kinds[i].name);

        g->bytes[i] = fd_read_file(path, FILE_MAX, &g->len[i]);
        if (!g->bytes[i]) {
            *error_r = xasprintf("%s: %s", path, strerror(errno));
            free(path);
            graphiql_free(&g);
            return NULL;
        }
        free(path);
    }
    return g;
}

void graphiql_free(struct graphiql **graphiql)
{
    struct graphiql *g = *graphiql;

    if (!g)
        return;
    *graphiql = NULL;
    for (size_t i = 0; i < FILES; i++)
        free(g->bytes[i]);
    free(g);
}

bool graphiql_owns(const char *path)
{
    size_t len = strlen(PREFIX);

    return strncmp(path, PREFIX, len) == 0 && (!path[len] || path[len] == '/');
}

static void refuse(struct httpd_request *req, unsigned status, const char *text)
{
    const struct httpd_header headers[] = {{"Content-Type", "text/plain; charset=utf-8"},
                                           {"Allow", "GET, HEAD"}};

    httpd_respond(req, status, headers, status == 405 ? 2 : 1, text, strlen(text));
}

void graphiql_respond(const struct graphiql *g, struct httpd_request *req)
{
    const char *method = httpd_method(req), *path = httpd_path(req);
    struct httpd_header headers[] = {{"Content-Type", NULL},
                                     {"Content-Security-Policy", policy},
                                     {"X-Content-Type-Options", "nosniff"},
                                     {"Referrer-Policy", "no-referrer"},
                                     {"Cache-Control", "no-cache"}};

    if (!g) {
        refuse(req, 404, "GraphiQL is not served here: see [graphqld] graphiql\n");
        return;
    }
    if (strcmp(method, "GET") != 0 && strcmp(method, "HEAD") != 0) {
        refuse(req, 405, "expected GET\n");
        return;
    }
    for (size_t i = 0; i < FILES; i++)
        if (strcmp(path, kinds[i].path) == 0) {
            headers[0].value = kinds[i].type;
            httpd_respond(req, 200, headers, sizeof(headers) / sizeof(headers[0]), g->bytes[i],
                          g->len[i]);
            return;
        }
    refuse(req, 404, "there is no such file\n");
}
