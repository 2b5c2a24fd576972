/* What the parser makes of a document: executable definitions and type system definitions alike.
 * All of it lives in one arena; lists are linked by their first member. */
#ifndef GRAPHQL_AST_H
#define GRAPHQL_AST_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "graphql/arena.h"
#include "graphql/error.h"
#include "graphql/limits.h"

struct gql_field;
struct gql_ref;
struct gql_type;

enum ast_value_kind {
    AST_VARIABLE,
    AST_INT,
    AST_FLOAT,
    AST_STRING,
    AST_BOOLEAN, /* text is "true" or "false" */
    AST_NULL,
    AST_ENUM,
    AST_LIST,
    AST_OBJECT
};

struct ast_value {
    struct ast_value *next; /* in a list or object */
    enum ast_value_kind kind;
    struct gql_loc loc;
    const char *field; /* its name in an object */
    struct gql_loc field_loc;
    const char *text; /* name, number as written, or decoded string; NUL-terminated */
    size_t len;       /* of text: a string may hold NUL */
    struct ast_value *items;
};

struct ast_type {
    const char *name; /* NULL: a list of `of` */
    struct ast_type *of;
    bool non_null;
    struct gql_loc loc;
};

struct ast_argument {
    struct ast_argument *next;
    const char *name;
    struct ast_value *value;
    struct gql_loc loc;
};

struct ast_directive {
    struct ast_directive *next;
    const char *name;
    struct ast_argument *arguments;
    struct gql_loc loc;
};

enum ast_selection_kind { AST_FIELD, AST_SPREAD, AST_INLINE };

struct ast_selection {
    struct ast_selection *next;
    enum ast_selection_kind kind;
    const char *key;  /* AST_FIELD: alias, or name */
    const char *name; /* field or fragment; AST_INLINE: type condition or NULL */
    struct ast_argument *arguments;
    struct ast_directive *directives;
    struct ast_selection *selections;
    struct gql_loc loc;      /* of its first token: the alias, if there is one */
    struct gql_loc name_loc; /* AST_SPREAD, AST_INLINE: of name */
    struct gql_loc set_loc;  /* AST_FIELD: of the "{" of selections */
    /* set by validation */
    const struct gql_field *field;
    const struct gql_type *parent; /* the type whose field it is; AST_INLINE: of its selections */
    struct ast_definition *fragment;
};

/* Variables of operations, arguments of fields and directives, fields of inputs. */
struct ast_input {
    struct ast_input *next;
    const char *name, *description;
    struct ast_type *type;
    struct ast_value *default_value; /* or NULL */
    struct ast_directive *directives;
    const struct gql_ref *ref; /* of a variable: set by validation */
    struct gql_loc loc;        /* a variable's is that of its "$" */
    struct gql_loc name_loc;   /* of a variable: behind the "$" */
};

struct ast_field_def {
    struct ast_field_def *next;
    const char *name, *description;
    struct ast_input *arguments;
    struct ast_type *type; /* NULL: a value of an enum */
    struct ast_directive *directives;
    struct gql_loc loc;
};

struct ast_name {
    struct ast_name *next;
    const char *name;
    struct gql_loc loc;
};

enum ast_definition_kind {
    AST_QUERY,
    AST_MUTATION,
    AST_SUBSCRIPTION,
    AST_FRAGMENT,
    AST_SCHEMA,
    AST_SCALAR,
    AST_TYPE,
    AST_INTERFACE,
    AST_UNION,
    AST_ENUM_TYPE,
    AST_INPUT_TYPE,
    AST_DIRECTIVE_DEF
};

struct ast_definition {
    struct ast_definition *next;
    enum ast_definition_kind kind;
    bool extend, repeatable;
    const char *name; /* NULL: an operation without one */
    const char *description;
    const char *condition;    /* of a fragment */
    struct ast_input *inputs; /* variables, fields of an input, arguments of a directive */
    struct ast_directive *directives;
    struct ast_selection *selections;
    struct ast_field_def *fields; /* fields, or values of an enum */
    struct ast_name *names;       /* interfaces, members of a union, directive locations */
    struct gql_loc loc;           /* of its first token, a description included */
    struct gql_loc name_loc, condition_loc;
    unsigned mark; /* scratch of the walks in validation */
};

struct ast_document {
    struct ast_definition *definitions;
    unsigned tokens;
    unsigned directives;
    unsigned depth; /* deepest nesting of brackets */
};

static inline bool ast_is_operation(const struct ast_definition *d)
{
    return d->kind <= AST_SUBSCRIPTION;
}

static inline bool ast_is_executable(const struct ast_definition *d)
{
    return d->kind <= AST_FRAGMENT;
}

/* Parses a document of len bytes of valid UTF-8. tokens_max 0 = LIMIT_TOKENS_MAX. Returns NULL with
 * an entry in errors. */
struct ast_document *gql_parse(const char *text, size_t len, unsigned tokens_max,
                               struct arena *arena, struct gql_errors *errors);

#endif
