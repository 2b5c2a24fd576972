/* Errors of one request, in the shape in which GraphQL answers them. */
#ifndef GRAPHQL_ERROR_H
#define GRAPHQL_ERROR_H

#include <stdint.h>

#include "graphql/arena.h"
#include "presence/buf.h"

#define GQL_ERRORS_MAX 50u

struct gql_loc {
    uint32_t line, column; /* from 1; line 0 = no place */
};

struct gql_error {
    const char *message;
    const char *code; /* extensions.code */
    struct gql_loc loc, also;
    const char *path; /* JSON of the path, or NULL */
    struct gql_error *next;
};

struct gql_errors {
    struct arena *arena;
    struct gql_error *first, *last;
    unsigned count;           /* those beyond GQL_ERRORS_MAX are counted and dropped */
    struct gql_error dropped; /* the last of these */
};

void gql_errors_init(struct gql_errors *e, struct arena *arena);

/* code: GRAPHQL_PARSE_FAILED, GRAPHQL_VALIDATION_FAILED, BAD_USER_INPUT, ... Returns the entry (a
 * dropped one is returned as well), so that the caller can add a second place or a path. */
struct gql_error *gql_error_add(struct gql_errors *e, const char *code, struct gql_loc loc,
                                const char *fmt, ...) __attribute__((format(printf, 4, 5)));

/* Appends the JSON list. */
void gql_errors_print(const struct gql_errors *e, struct buf *out);

#endif
