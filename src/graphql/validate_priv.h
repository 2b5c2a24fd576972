/* Between the files of the validator. Each rule is one function over the document; walks over
 * fragments are memoised: a fragment is looked at once per rule (and operation), however often it
 * is spread. */
#ifndef GRAPHQL_VALIDATE_PRIV_H
#define GRAPHQL_VALIDATE_PRIV_H

#include "graphql/validate.h"
#include "graphql/value.h"

#define INVALID "GRAPHQL_VALIDATION_FAILED"

struct validation {
    const struct gql_schema *schema;
    struct ast_document *document;
    const struct gql_limits *limits;
    struct arena *arena;
    struct gql_errors *errors;
    unsigned mark; /* value of ast_definition.mark in the current walk */
};

struct ast_definition *validation_fragment(const struct validation *v, const char *name);
const struct gql_type *validation_root(const struct validation *v, const struct ast_definition *d);

/* Structure: names, roots, fields, fragments, arguments, directives. Later rules rely on it. */
void validate_operations(struct validation *v);
void validate_fragments(struct validation *v);
void validate_selections(struct validation *v);
void validate_directives(struct validation *v);
void validate_values(struct validation *v);
void validate_variables(struct validation *v);
void validate_merging(struct validation *v);
void validate_limits(struct validation *v);
/* Comes first: what the rules do with directives grows with the square of their number. */
int validate_directive_limit(struct validation *v);

#endif
