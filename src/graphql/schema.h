/* The schema: built once from graphql/schema.graphql, which is compiled in, and from what every
 * service has (built-in scalars, directives, introspection types). */
#ifndef GRAPHQL_SCHEMA_H
#define GRAPHQL_SCHEMA_H

#include <stdbool.h>
#include <stddef.h>

#include "graphql/ast.h"

enum gql_kind { GQL_SCALAR, GQL_OBJECT, GQL_INTERFACE, GQL_UNION, GQL_ENUM, GQL_INPUT };

enum gql_scalar {
    SCALAR_NONE,
    SCALAR_INT,
    SCALAR_FLOAT,
    SCALAR_STRING,
    SCALAR_BOOLEAN,
    SCALAR_ID,
    SCALAR_SNOWFLAKE, /* unsigned 64 bits */
    SCALAR_DATETIME,  /* ms */
    SCALAR_UNIXMS,
    SCALAR_BIGINT /* signed 64 bits */
};

/* What a token must carry; an ordered set of flags. */
#define SCOPE_READ   0x1u
#define SCOPE_INGEST 0x2u
#define SCOPE_ADMIN  0x4u
#define SCOPE_WRITE  0x8u  /* comes with INGEST and with ADMIN */
#define SCOPE_ERASE  0x10u /* comes with ADMIN */

struct gql_ref {           /* a use of a type */
    struct gql_type *type; /* the named type at the end */
    struct gql_ref *of;    /* a list of these, or NULL */
    bool non_null;
};

struct gql_input { /* an argument or a field of an input type */
    const char *name, *description, *deprecated;
    size_t len; /* of name */
    struct gql_ref *ref;
    const struct ast_value *default_value; /* or NULL */
    size_t index;
};

/* @listSize: how many entries a list has, for the cost of what is selected of them. */
struct gql_size {
    uint32_t assumed;
    const struct ast_value *slicing; /* names of arguments, or NULL */
    const struct ast_value *sized; /* names of the lists in a connection; NULL: the field itself */
};

struct gql_field {
    const char *name, *description, *deprecated;
    struct gql_ref *ref;
    struct gql_input *args;
    size_t n_args;
    unsigned scope;              /* needed beside that of the type; 0 = none */
    uint32_t cost;               /* @cost, or 1 */
    const struct gql_size *size; /* @listSize, or NULL */
    const struct gql_type *parent;
};

struct gql_enum_value {
    const char *name, *description, *deprecated;
    size_t len; /* of name: a batch looks thousands of them up */
};

struct gql_type {
    struct gql_type *next; /* in order of definition */
    enum gql_kind kind;
    enum gql_scalar scalar;
    const char *name, *description, *specified_by;
    struct gql_field *fields;
    size_t n_fields;
    struct gql_input *inputs;
    size_t n_inputs;
    struct gql_enum_value *values;
    size_t n_values;
    struct gql_type **members; /* of a union; implementers of an interface */
    size_t n_members;
    struct gql_type **interfaces;
    size_t n_interfaces;
    unsigned scope;
    bool one_of;
};

struct gql_directive {
    struct gql_directive *next;
    const char *name, *description;
    struct gql_input *args;
    size_t n_args;
    const struct ast_name *locations;
    bool repeatable;
};

struct gql_schema {
    struct arena *arena;
    struct gql_type *types, *last_type;
    struct gql_directive *directives;
    struct gql_type *query, *mutation, *subscription;
    const char *description;
    struct gql_field schema_field, type_field, typename_field; /* __schema, __type, __typename */
};

/* Builds a schema out of SDL text. On failure NULL, with entries in errors. */
struct gql_schema *gql_schema_new(const char *sdl, size_t len, struct gql_errors *errors);
void gql_schema_free(struct gql_schema **schema);

/* The schema of this service. Fatal if it does not parse: a test says so first. */
struct gql_schema *gql_schema_builtin(void);

struct gql_type *gql_type_find(const struct gql_schema *s, const char *name);
const struct gql_directive *gql_directive_find(const struct gql_schema *s, const char *name);
/* Includes __typename, and __schema and __type on the query type. */
const struct gql_field *gql_field_find(const struct gql_schema *s, const struct gql_type *t,
                                       const char *name);
const struct gql_input *gql_input_find(const struct gql_input *inputs, size_t n, const char *name,
                                       size_t len);
/* Index of an enum's value, or -1. */
int gql_enum_index(const struct gql_type *t, const char *name, size_t len);
bool gql_is_leaf(const struct gql_type *t);
bool gql_is_composite(const struct gql_type *t);
bool gql_is_input(const struct gql_type *t);
/* Whether an object type can be seen where t is expected. */
bool gql_type_possible(const struct gql_type *t, const struct gql_type *object);

/* A type as it is written: "[Int!]!". */
const char *gql_ref_text(struct arena *arena, const struct gql_ref *ref);
const char *gql_ast_type_text(struct arena *arena, const struct ast_type *type);

/* Resolves a type written in a document; NULL if a name is unknown. */
struct gql_ref *gql_ref_resolve(const struct gql_schema *s, struct arena *arena,
                                const struct ast_type *type);

#endif
