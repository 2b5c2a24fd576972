/* Between the files that read variables. */
#ifndef GRAPHQL_COERCE_JSON_PRIV_H
#define GRAPHQL_COERCE_JSON_PRIV_H

#include "graphql/value.h"

enum frame_kind {
    FRAME_VARIABLES, /* the object itself */
    FRAME_OBJECT,
    FRAME_LIST,
    FRAME_INTS
};

struct frame {
    enum frame_kind kind;
    bool implicit;             /* a list of one that was not written as a list */
    const struct gql_ref *ref; /* of the value itself; lists: the items' is ref->of */
    struct gql_value *out;
    const struct gql_input *input; /* FRAME_OBJECT: the key read */
    size_t next;                   /* FRAME_OBJECT: index of the key to expect next */
    size_t cap;                    /* lists */
};

struct gql_json {
    struct arena *arena;
    struct gql_variables *vars;
    struct gql_errors *errors;
    struct gql_variable *variable; /* being read; NULL: unknown, skip */
    struct frame frames[LIMIT_VARIABLES_DEPTH * 2 + 2];
    size_t depth;
    size_t skip;
};

struct leaf {
    enum { LEAF_STRING, LEAF_NUMBER, LEAF_BOOLEAN } kind;
    const char *text; /* of a string or number */
    size_t len;
    bool truth;
};

/* --- coerce_json_error.c: each adds an error and returns -1 -------------------------------------
 */

/* A value, as it was written, that does not fit ref. */
int gql_json_bad(struct gql_json *j, const struct gql_ref *ref, const char *got,
                 const char *expected);
/* Something is wrong where the reader stands. */
int gql_json_refuse(struct gql_json *j, const char *fmt, ...) __attribute__((format(printf, 2, 3)));
int gql_json_not_an_object(struct gql_json *j);

/* As it stands in the JSON, cut to some length. */
const char *gql_json_written(struct gql_json *j, const struct leaf *leaf);
const char *gql_json_quoted(struct gql_json *j, const char *text, size_t len);

#endif
