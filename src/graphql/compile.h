/* From a selection to one SQL statement whose columns are finished JSON. */
#ifndef GRAPHQL_COMPILE_H
#define GRAPHQL_COMPILE_H

#include "graphql/collect.h"
#include "presence/pg.h"

struct compiled {
    struct pg_call call;
    size_t n_columns;
};

/* fields: those of the root type that come from the database, in order; each gives one column. A
 * field that cannot be executed is null in it and among c's failures. Returns 0, or -1 with an
 * entry in errors: the operation as a whole cannot. */
int compile_query(const struct collect *c, const struct gql_type *root,
                  const struct collected *const *fields, size_t n, struct compiled *out,
                  struct gql_errors *errors);

struct compiled_mutation {
    struct pg_call calls[3]; /* of one transaction */
    size_t n_calls;          /* the last one reads the result: its first column is finished JSON */
};

/* A mutation with a bind_deed. caller: name of the token. */
int compile_mutation(const struct collect *c, const struct collected *f, const char *caller,
                     struct compiled_mutation *out, struct gql_errors *errors);

#endif
