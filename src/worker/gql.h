/* GraphQL requests to presence-graphqld. */
#ifndef WORKER_GQL_H
#define WORKER_GQL_H

#include "presence/http.h"
#include "presence/json.h"

struct gql {
    struct http *http;
    char *url, *unix_path;
    char *authorization; /* header line */
};

enum gql_outcome {
    GQL_DONE,   /* data is there */
    GQL_AWAY,   /* no answer, or the service cannot: try again later */
    GQL_REFUSED /* the service will never take this request */
};

struct gql_answer {
    enum gql_outcome outcome;
    const struct json *data; /* GQL_DONE: the object "data" */
    bool internal;           /* GQL_AWAY: but the service is there and failed at this request */
    const char *error;       /* otherwise: what to log */
};

typedef void gql_cb(void *arg, const struct gql_answer *answer);

/* url: http://host:port[/path] or unix:/path. */
void gql_set(struct gql *gql, const char *url, const char *token);
void gql_clear(struct gql *gql);
/* body's bytes are taken over. */
void gql_send(struct gql *gql, struct buf *body, int64_t timeout_ms, gql_cb *cb, void *arg);

#endif
