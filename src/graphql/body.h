/* The body of a POST: {"query" or "documentId": ..., "variables": ..., "operationName": ...,
 * "extensions": ...}. */
#ifndef GRAPHQL_BODY_H
#define GRAPHQL_BODY_H

#include "graphql/value.h"

/* Two texts, of which one would be executed and the other be the one that was looked at. */
#define GQL_BODY_BOTH "query and documentId: expected one of them"

struct gql_body {
    const char *query; /* NULL: not given */
    size_t query_len;
    const char *operation_name;
    const char *document_id;
    bool persisted;        /* query was found by document_id */
    bool automatic;        /* extensions.persistedQuery: a client that would register documents */
    bool has_variables;    /* and not null */
    const char *variables; /* their bytes, if they were not read while passing by */
    size_t variables_len;
    bool variables_read;
};

/* Called when the variables begin and query or documentId are known already: may return where to
 * send them (and then they are read in the same pass), or NULL. */
typedef struct gql_json *gql_body_variables(void *arg, const struct gql_body *body);

/* Returns 0, or -1 with an entry in errors. */
int gql_body_read(struct arena *arena, const char *bytes, size_t len, gql_body_variables *begin,
                  void *arg, struct gql_body *out, struct gql_errors *errors);

/* Reads variables that were left as bytes. */
int gql_body_variables_read(const char *bytes, size_t len, struct gql_json *json,
                            struct gql_errors *errors);

#endif
