/* Between the files that build the schema. */
#ifndef GRAPHQL_SCHEMA_PRIV_H
#define GRAPHQL_SCHEMA_PRIV_H

#include "graphql/schema.h"

#define BAD_SCHEMA "GRAPHQL_SCHEMA"

struct schema_build {
    struct gql_schema *s;
    struct gql_errors *errors;
};

/* The first of this name, or NULL. */
const struct ast_directive *schema_directive(const struct ast_directive *list, const char *name);
/* The reason of @deprecated, or NULL. */
const char *schema_deprecation(const struct ast_directive *list);
/* SCOPE_* of @auth; 0 without. */
unsigned schema_scope(struct schema_build *b, const struct ast_directive *list);
/* The URL of @specifiedBy, or NULL. */
const char *schema_specified_by(const struct ast_definition *d);
/* Sets f->cost and f->size by @cost and @listSize; the arguments of f are known. */
void schema_cost(struct schema_build *b, struct gql_field *f, const struct ast_directive *list);

#endif
