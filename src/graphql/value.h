/* Input values after coercion: compact, typed, in an arena. A list of scalars that are integers
 * inside (ids, times, enums, booleans) is one array of int64_t: a column. */
#ifndef GRAPHQL_VALUE_H
#define GRAPHQL_VALUE_H

#include <stdint.h>

#include "graphql/limits.h"
#include "graphql/schema.h"
#include "presence/jsonin.h"

enum value_kind {
    VALUE_ABSENT,
    VALUE_NULL,
    VALUE_INT, /* Int, Snowflake (bits of the unsigned), times in ms, BigInt, Boolean, enum index */
    VALUE_FLOAT,
    VALUE_STRING, /* String, ID */
    VALUE_LIST,
    VALUE_INTS,
    VALUE_OBJECT /* fields in the order of the input type */
};

struct gql_value {
    enum value_kind kind;
    union {
        int64_t i;
        double d;
        struct {
            const char *text; /* NUL-terminated; may hold NUL as well */
            size_t len;
        } string;
        struct {
            struct gql_value *items;
            size_t n;
        } list;
        struct {
            int64_t *v;
            uint8_t *null; /* one byte each; NULL: none is null */
            size_t n;
        } ints;
        struct gql_value *fields;
    };
};

struct gql_variable {
    const char *name;
    const struct gql_ref *ref;
    const struct ast_value *default_value;
    struct gql_loc loc;
    struct gql_value value; /* VALUE_ABSENT: not given, and no default */
};

struct gql_variables {
    struct gql_variable *list;
    size_t n;
    unsigned *reads; /* how often a value was looked up */
};

/* One entry per variable that an operation defines, none with a value yet. The document is valid.
 */
struct gql_variables gql_variables_new(struct arena *arena, const struct ast_input *inputs);

/* Whether values of this type are kept as int64_t. */
bool value_is_int(const struct gql_type *t);

/* --- literals (coerce_ast.c) ------------------------------------------------------------------ */

/* Coerces a literal. vars may be NULL: then the literal holds no variable. Returns 0, or -1 with
 * an entry in errors. A variable without a value gives VALUE_ABSENT. */
int gql_coerce_ast(struct arena *arena, const struct gql_ref *ref, const struct ast_value *ast,
                   const struct gql_variables *vars, struct gql_value *out,
                   struct gql_errors *errors);

/* The value of every argument of a field (or directive), defaults filled in. */
int gql_coerce_arguments(struct arena *arena, const struct gql_input *args, size_t n_args,
                         const struct ast_argument *given, const struct gql_variables *vars,
                         struct gql_loc loc, struct gql_value **out, struct gql_errors *errors);

/* --- JSON (coerce_json.c) --------------------------------------------------------------------- */

struct gql_json; /* reads the object of variables, event by event */

struct gql_json *gql_json_new(struct arena *arena, struct gql_variables *vars,
                              struct gql_errors *errors);
extern const struct jsonin_events gql_json_events; /* arg: struct gql_json */
/* After the last event, or when no variables were given at all: defaults, what is missing. */
int gql_json_finish(struct gql_json *j);

/* --- scalars (value.c): each returns NULL, or what was expected (static text) -------------------
 */

const char *value_from_string(struct arena *arena, const struct gql_type *t, const char *text,
                              size_t len, struct gql_value *out);
const char *value_from_number(struct arena *arena, const struct gql_type *t, const char *text,
                              size_t len, struct gql_value *out);
const char *value_from_boolean(const struct gql_type *t, bool value, struct gql_value *out);
const char *value_from_enum(const struct gql_type *t, const char *text, size_t len,
                            struct gql_value *out);
const char *value_expected(const struct gql_type *t);

/* The rules of an input object after its fields: defaults, required ones, oneOf. Returns 0, or -1
 * with *missing_r (a field's name, or NULL for oneOf). */
int value_finish_object(struct arena *arena, const struct gql_type *t, struct gql_value *fields,
                        const char **missing_r);

/* The name of a value among them that holds U+0000 anywhere, which PostgreSQL cannot keep; or NULL.
 */
const char *value_with_nul(const struct gql_input *inputs, size_t n,
                           const struct gql_value *values);

/* --- back to JSON (value_json.c) ---------------------------------------------------------------
 *
 * For PostgreSQL: an object with what was given (absent ones are left out). Ids are signed numbers
 * as in a bigint, times RFC 3339. Returns text in the arena, or NULL with *bad_r, the argument that
 * holds U+0000, which PostgreSQL cannot keep. */
const char *value_json_arguments(struct arena *arena, const struct gql_input *args, size_t n_args,
                                 const struct gql_value *values, const char **bad_r);

/* Makes a list of one. */
void value_wrap(struct arena *arena, const struct gql_ref *list, struct gql_value *v);

#endif
