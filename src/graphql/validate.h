/* The validation rules of GraphQL (September 2025, section 5). */
#ifndef GRAPHQL_VALIDATE_H
#define GRAPHQL_VALIDATE_H

#include "graphql/schema.h"

struct gql_limits {
    unsigned depth;      /* of nested fields */
    unsigned aliases;    /* fields with another key than their name */
    unsigned roots;      /* root fields of an operation */
    unsigned directives; /* of the document */
    bool suggest;        /* "did you mean" */
};

/* Checks a whole document and completes it (fields, fragments). Returns 0, or -1 with entries in
 * errors. limits may be NULL. */
int gql_validate(const struct gql_schema *schema, struct ast_document *document,
                 const struct gql_limits *limits, struct arena *arena, struct gql_errors *errors);

#endif
