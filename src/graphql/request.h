/* One request from its bytes to its answer. */
#ifndef GRAPHQL_REQUEST_H
#define GRAPHQL_REQUEST_H

#include "graphql/body.h"
#include "graphql/collect.h"
#include "graphql/compile.h"
#include "graphql/complete.h"
#include "graphql/document.h"
#include "graphql/media.h"
#include "graphql/subscribe.h"
#include "graphql/tokens.h"
#include "presence/httpd.h"
#include "presence/pg.h"

struct service { /* what requests share */
    const struct gql_schema *schema;
    struct documents *documents;
    struct pg *pg;
    struct tokens *tokens;
    struct subscriptions *subscriptions;
    unsigned max_cost;   /* of an operation, unless it is a worker's */
    unsigned max_rate;   /* requests per second and token; 0 = no limit */
    bool get;            /* queries by GET are taken */
    bool introspection;  /* for everybody; otherwise for admins only */
    bool persisted_only; /* free text is for admins */
};

struct request {
    struct service *service;
    struct httpd_request *http;
    struct arena *arena;
    struct gql_errors errors;
    int64_t begun_ms; /* monotonic */
    bool get;
    enum media media;
    bool stream;              /* text/event-stream is accepted */
    unsigned retry_after_sec; /* of status 429 */
    unsigned status;          /* of an error that has one of its own; 0 = by rule */
    bool authenticated;
    uint8_t digest[32]; /* of the token */
    const char *caller; /* name of the token, or NULL */
    unsigned scopes;
    uint64_t *guilds; /* of "read:guild:<id>" */
    size_t n_guilds;
    struct gql_body body;
    struct document *document;
    struct ast_definition *operation;
    struct gql_variables variables;
    struct gql_json *json;
    struct collect collect;
    struct collected *fields;  /* root fields */
    struct collected *current; /* of a mutation: being executed */
    struct compiled compiled;
    struct compiled_mutation mutation; /* under way */
    struct record *record;             /* recordSightings under way */
    struct failures failures;
    bool partial;    /* errors concern fields; there is data beside them */
    bool data_null;  /* or it is null, since no field around them may be */
    struct buf data; /* the members of "data" so far */
};

/* Takes the request over and answers it, now or later. */
void request_handle(struct service *service, struct httpd_request *http);

/* request_prepare.c: from r->body, or the query string's likes of it, to an operation with its
 * variables and root fields. Returns 0, or -1 with an entry in r->errors. */
int request_prepare(struct request *r);
/* A gql_body_variables; arg is the request. */
struct gql_json *request_begin_variables(void *arg, const struct gql_body *body);

/* execute.c: runs the operation and calls request_answer in the end. */
void request_execute(struct request *r);
/* The mutation r->current is done, its value is in r->data. */
void request_next_mutation(struct request *r);
/* It failed: the errors behind `before` (NULL: all) say why. */
void request_mutation_invalid(struct request *r, struct gql_error *before);
/* It failed: PostgreSQL could not, or would not. */
void request_mutation_refused(struct request *r, const struct pg_answer *a);
void request_put_key(struct request *r, const char *key);
/* refusal.c: adds the error that an answer is; f: the root field it concerns, or NULL: the query.
 */
void request_add_refusal(struct request *r, const struct pg_answer *a, const struct collected *f);
void request_answer(struct request *r);
/* The end of a request that was not answered by request_answer. */
void request_free(struct request *r);

#endif
