/* Reading a request of the HTTP server. Called by presence-graphqld and presence-sim.
 * Diagnostics: none. */
#include <arpa/inet.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/socket.h>

#include "link/httpd_priv.h"

void httpd_request_end(struct httpd_request *req)
{
    struct httpd_conn *c = req->conn;

    if (c->in.data || req->body.cap > HTTPD_KEEP_SIZE)
        return;
    c->in = req->body;
    buf_reset(&c->in);
    buf_init(&req->body, 0);
}

void httpd_request_free(struct httpd_request *req)
{
    buf_clear(&req->body);
    free(req->queries);
    free(req);
}

const char *httpd_method(const struct httpd_request *req)
{
    return req->method;
}

const char *httpd_path(const struct httpd_request *req)
{
    return req->path;
}

const char *httpd_header_at(const struct httpd_request *req, const char *name, unsigned n)
{
    for (size_t i = 0; i < req->n_headers; i++)
        if ((*req->headers[i].name ^ *name) % 32 == 0 &&
            strcasecmp(req->headers[i].name, name) == 0 && n-- == 0)
            return req->headers[i].value;
    return NULL;
}

const char *httpd_header(const struct httpd_request *req, const char *name)
{
    return httpd_header_at(req, name, 0);
}

static void unescape_query(char *text)
{
    for (char *blank = text; (blank = strchr(blank, '+')) != NULL;)
        *blank = ' ';
    httpd_unescape(text);
}

/* "a=1&b" gives a with "1" and b with NULL; values are decoded where they stand. */
static void split_query(struct httpd_request *req)
{
    char *rest = req->query, *pair;
    size_t cap = 0;

    while ((pair = strsep(&rest, "&")) != NULL) {
        char *value = strchr(pair, '=');

        if (!*pair)
            continue;
        if (value) {
            *value++ = '\0';
            unescape_query(value);
        }
        unescape_query(pair);
        if (req->n_queries == cap) {
            cap = cap ? cap * 2 : 8;
            req->queries = xrealloc(req->queries, cap * sizeof(*req->queries));
        }
        req->queries[req->n_queries++] = (struct httpd_header){pair, value};
    }
    req->query = NULL;
}

/* Split when somebody asks: most requests have a query that nobody reads, or none. */
static const struct httpd_header *queries(const struct httpd_request *req)
{
    if (req->query)
        split_query((struct httpd_request *)(uintptr_t)req);
    return req->queries;
}

const char *httpd_query_at(const struct httpd_request *req, const char *key, unsigned n)
{
    const struct httpd_header *q = queries(req);

    for (size_t i = 0; i < req->n_queries; i++)
        if (strcmp(q[i].name, key) == 0 && n-- == 0)
            return q[i].value;
    return NULL;
}

const char *httpd_query(const struct httpd_request *req, const char *key)
{
    return httpd_query_at(req, key, 0);
}

unsigned httpd_query_count(const struct httpd_request *req, const char *key)
{
    const struct httpd_header *q = queries(req);
    unsigned n = 0;

    for (size_t i = 0; i < req->n_queries; i++)
        n += strcmp(q[i].name, key) == 0;
    return n;
}

char *httpd_body(struct httpd_request *req, size_t *len_r)
{
    if (len_r)
        *len_r = buf_len(&req->body);
    buf_cstr(&req->body);
    return (char *)buf_bytes(&req->body);
}

const char *httpd_peer(struct httpd_request *req)
{
    struct sockaddr_storage sa = {.ss_family = AF_UNIX};
    socklen_t len = sizeof(sa);

    if (req->conn && req->server->tcp)
        getpeername(req->conn->fd, (struct sockaddr *)&sa, &len);
    if (sa.ss_family == AF_INET)
        inet_ntop(AF_INET, &((const struct sockaddr_in *)&sa)->sin_addr, req->peer,
                  sizeof(req->peer));
    else if (sa.ss_family == AF_INET6)
        inet_ntop(AF_INET6, &((const struct sockaddr_in6 *)&sa)->sin6_addr, req->peer,
                  sizeof(req->peer));
    else
        memcpy(req->peer, "unix", 5);
    return req->peer;
}
