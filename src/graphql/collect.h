/* Which fields a selection asks of a type, fragments and directives resolved (GraphQL section
 * 6.3.2). */
#ifndef GRAPHQL_COLLECT_H
#define GRAPHQL_COLLECT_H

#include "graphql/kept.h"
#include "graphql/value.h"

struct collected {
    struct collected *next;
    const char *key;
    const struct ast_selection *first; /* its arguments are those of all */
    const struct gql_field *field;
    const struct ast_selection **merged; /* every selection of this key, the first one included */
    size_t n_merged;
};

struct failures;

struct collect {
    struct arena *arena;
    const struct gql_schema *schema;
    const struct gql_variables *vars;
    const uint64_t *guilds; /* lists of guilds hold only these; NULL: all */
    size_t n_guilds;
    struct failures *failures; /* complete.h */
    struct kept *kept;         /* of the document */
};

/* Whether @skip and @include leave a selection in. */
bool collect_included(const struct collect *c, const struct ast_selection *s);

/* The fields asked of an object of type t by one selection list. */
struct collected *collect_fields(const struct collect *c, const struct gql_type *t,
                                 const struct ast_selection *selections);
/* The fields asked of the value of a collected field. */
struct collected *collect_sub(const struct collect *c, const struct gql_type *t,
                              const struct collected *of);

#endif
