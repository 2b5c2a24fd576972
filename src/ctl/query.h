/* presencectl query: one GraphQL operation, its answer or its events printed. */
#ifndef CTL_QUERY_H
#define CTL_QUERY_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "presence/buf.h"

struct query {
    const char *url;         /* [graphql] url */
    const char *token;       /* NULL: without one */
    const char *document;    /* GraphQL text */
    const char *operation;   /* operationName, or NULL */
    const char *const *vars; /* "name=value": JSON, or else a string */
    size_t n_vars;
    int64_t timeout_ms; /* until the answer, or a subscription's first sign, is there */
    bool json;          /* answers as they came, a line each; otherwise data, indented */
};

enum query_outcome {
    QUERY_DONE,
    QUERY_REFUSED,    /* the answer holds errors; they were printed on stderr, or with json as they
                         came */
    QUERY_WRONG,      /* a variable is not of the form name=value, or the document is not UTF-8 */
    QUERY_UNREACHABLE /* no answer, none of GraphQL, or a stream that broke off */
};

/* Prints answers on stdout. What went wrong is in *error_r (owned by the caller; NULL: all was
 * said).
 */
enum query_outcome query_run(const struct query *q, char **error_r);

/* query_show.c: appends the value of "data" of an answer, indented, numbers as they were written,
 * and a line feed. Nothing is appended where there is no data. Returns 0, or -1 if it is no JSON.
 */
int query_show(const char *answer, size_t len, struct buf *out);

#endif
