/* Parameters of a call to PostgreSQL, in binary: scalars and one-dimensional arrays. */
#ifndef GRAPHQL_PARAMS_H
#define GRAPHQL_PARAMS_H

#include <stdint.h>

#include "graphql/arena.h"
#include "presence/pg.h"

enum param_type {
    PARAM_INT2,
    PARAM_INT4,
    PARAM_INT8,
    PARAM_BOOL,
    PARAM_TEXT,
    PARAM_TIME, /* timestamptz, given in Unix ms */
    PARAM_DATE  /* given in days since 1970 */
};

#define PARAMS_MAX 24

struct params {
    struct arena *arena;
    int n;
    uint32_t types[PARAMS_MAX];
    const char *values[PARAMS_MAX];
    int lengths[PARAMS_MAX], formats[PARAMS_MAX];
};

struct params *params_new(struct arena *arena);
void params_call(const struct params *p, const char *sql, struct pg_call *call_r);

void params_scalar(struct params *p, enum param_type type, int64_t v);
void params_null(struct params *p, enum param_type type);

/* An array of n values: v[i], or null where null[i] is set (null may be NULL). */
void params_ints(struct params *p, enum param_type type, const int64_t *v, const uint8_t *null,
                 size_t n);

struct param_text {
    const char *text; /* NULL = null; NUL bytes become U+FFFD, which PostgreSQL can keep */
    size_t len;
};
void params_texts(struct params *p, const struct param_text *v, size_t n);

#endif
