/* The scalars: from what is written to what is kept. Called by both coercions.
 * Diagnostics: what was expected, as text. */
#include "graphql/value.h"

#include <endian.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "presence/clock.h"

#define UNIXMS_MIN INT64_C(-62135596800000) /* 0001-01-01 */
#define UNIXMS_MAX INT64_C(253402300799999) /* 9999-12-31 */

struct gql_variables gql_variables_new(struct arena *arena, const struct ast_input *inputs)
{
    struct gql_variables vars = {.reads = arena_alloc(arena, sizeof(*vars.reads))};
    size_t n = 0;

    for (const struct ast_input *in = inputs; in; in = in->next)
        n++;
    vars.list = arena_alloc(arena, n * sizeof(*vars.list) + 1);
    for (const struct ast_input *in = inputs; in; in = in->next)
        vars.list[vars.n++] = (struct gql_variable){
            .name = in->name, .ref = in->ref, .default_value = in->default_value, .loc = in->loc};
    return vars;
}

bool value_is_int(const struct gql_type *t)
{
    if (t->kind == GQL_ENUM)
        return true;
    switch (t->scalar) {
    case SCALAR_INT:
    case SCALAR_BOOLEAN:
    case SCALAR_SNOWFLAKE:
    case SCALAR_DATETIME:
    case SCALAR_UNIXMS:
    case SCALAR_BIGINT:
        return true;
    default:
        return false;
    }
}

const char *value_expected(const struct gql_type *t)
{
    if (t->kind == GQL_ENUM)
        return "one of the values of the enum";
    if (t->kind == GQL_INPUT)
        return "an object";
    switch (t->scalar) {
    case SCALAR_INT:
        return "an integer of 32 bits";
    case SCALAR_FLOAT:
        return "a finite number";
    case SCALAR_STRING:
        return "a string";
    case SCALAR_BOOLEAN:
        return "true or false";
    case SCALAR_ID:
        return "a string or an integer";
    case SCALAR_SNOWFLAKE:
        return "a Discord id: a decimal string below 2^64";
    case SCALAR_DATETIME:
        return "an RFC 3339 time such as \"2026-08-01T12:00:00.000Z\"";
    case SCALAR_UNIXMS:
        return "milliseconds since 1970 as an integer";
    case SCALAR_BIGINT:
        return "a 64-bit integer, as a decimal string";
    case SCALAR_NONE:
        break;
    }
    return "a value";
}

/* Eight decimal digits at once: each pair of neighbours becomes one number, three times over. */
static int eight_digits(const char *text, uint64_t *v_r)
{
    uint64_t v;

    memcpy(&v, text, 8);
    v = le64toh(v);
    if ((v & UINT64_C(0xf0f0f0f0f0f0f0f0)) != UINT64_C(0x3030303030303030) ||
        ((v + UINT64_C(0x0606060606060606)) & UINT64_C(0xf0f0f0f0f0f0f0f0)) !=
            UINT64_C(0x3030303030303030))
        return -1;
    v &= UINT64_C(0x0f0f0f0f0f0f0f0f);
    v = (v * 10 + (v >> 8)) & UINT64_C(0x00ff00ff00ff00ff);
    v = (v * 100 + (v >> 16)) & UINT64_C(0x0000ffff0000ffff);
    *v_r = (v * 10000 + (v >> 32)) & UINT64_C(0xffffffff);
    return 0;
}

static int parse_u64(const char *text, size_t len, uint64_t *v_r)
{
    uint64_t v = 0, eight, last;
    size_t at = 0;

    if (len == 0 || len > 20)
        return -1;
    for (; len - at >= 8; at += 8) {
        if (eight_digits(text + at, &eight))
            return -1;
        v = v * UINT64_C(100000000) + eight;
    }
    for (; at < len; at++) {
        last = (uint64_t)(unsigned char)text[at] - '0';
        if (last > 9 || (at == 19 && v > (UINT64_MAX - last) / 10)) /* 19 digits always fit */
            return -1;
        v = v * 10 + last;
    }
    *v_r = v;
    return 0;
}

static int parse_i64(const char *text, size_t len, int64_t *v_r)
{
    bool minus = len > 0 && text[0] == '-';
    uint64_t v;

    if (parse_u64(text + minus, len - minus, &v) || v > (uint64_t)INT64_MAX + minus)
        return -1;
    *v_r = minus ? (int64_t)(0 - v) : (int64_t)v;
    return 0;
}

static void set_int(struct gql_value *out, int64_t v)
{
    out->kind = VALUE_INT;
    out->i = v;
}

static void set_string(struct arena *arena, struct gql_value *out, const char *text, size_t len)
{
    out->kind = VALUE_STRING;
    out->string.text = arena_strndup(arena, text, len);
    out->string.len = len;
}

const char *value_from_string(struct arena *arena, const struct gql_type *t, const char *text,
                              size_t len, struct gql_value *out)
{
    uint64_t u;
    int64_t i;
    unixms_t at;

    switch (t->scalar) {
    case SCALAR_STRING:
    case SCALAR_ID:
        set_string(arena, out, text, len);
        return NULL;
    case SCALAR_SNOWFLAKE:
        if (parse_u64(text, len, &u))
            return value_expected(t);
        set_int(out, (int64_t)u);
        return NULL;
    case SCALAR_BIGINT:
        if (parse_i64(text, len, &i))
            return value_expected(t);
        set_int(out, i);
        return NULL;
    case SCALAR_DATETIME:
        if (clock_parse_rfc3339(text, len, &at))
            return value_expected(t);
        set_int(out, at.ms);
        return NULL;
    default:
        return value_expected(t);
    }
}

static const char *float_from(struct arena *arena, const struct gql_type *t, const char *text,
                              size_t len, struct gql_value *out)
{
    out->kind = VALUE_FLOAT;
    out->d = strtod(arena_strndup(arena, text, len), NULL);
    return isfinite(out->d) ? NULL : value_expected(t);
}

/* However many digits: an ID is text. */
static bool is_integer(const char *text, size_t len)
{
    size_t i = len > 0 && text[0] == '-';

    if (i == len)
        return false;
    while (i < len && text[i] >= '0' && text[i] <= '9')
        i++;
    return i == len;
}

/* JSON has one kind of number: 1.0 and 1e0 are the integer 1 (some clients write it so). In a
 * document they are of type Float, and never come here. */
static int parse_whole(const char *text, size_t len, int64_t *v_r)
{
    char copy[40];
    double d;

    if (len >= sizeof(copy))
        return -1;
    memcpy(copy, text, len);
    copy[len] = '\0';
    d = strtod(copy, NULL);
    if (!(d >= INT32_MIN && d <= INT32_MAX) || d != (double)(int32_t)d)
        return -1;
    *v_r = (int32_t)d;
    return 0;
}

const char *value_from_number(struct arena *arena, const struct gql_type *t, const char *text,
                              size_t len, struct gql_value *out)
{
    uint64_t u;
    int64_t i;

    if (t->scalar == SCALAR_FLOAT)
        return float_from(arena, t, text, len, out);
    if (t->scalar == SCALAR_SNOWFLAKE) {
        if (parse_u64(text, len, &u))
            return value_expected(t);
        set_int(out, (int64_t)u);
        return NULL;
    }
    if (t->scalar == SCALAR_ID && is_integer(text, len)) {
        set_string(arena, out, text, len);
        return NULL;
    }
    if (parse_i64(text, len, &i) && (t->scalar != SCALAR_INT || parse_whole(text, len, &i)))
        return value_expected(t);
    switch (t->scalar) {
    case SCALAR_INT:
        if (i < INT32_MIN || i > INT32_MAX)
            return value_expected(t);
        break;
    case SCALAR_UNIXMS:
        if (i < UNIXMS_MIN || i > UNIXMS_MAX)
            return "milliseconds since 1970 within the years 1 to 9999";
        break;
    case SCALAR_BIGINT:
        break;
    default:
        return value_expected(t);
    }
    set_int(out, i);
    return NULL;
}

const char *value_from_boolean(const struct gql_type *t, bool value, struct gql_value *out)
{
    if (t->scalar != SCALAR_BOOLEAN)
        return value_expected(t);
    set_int(out, value);
    return NULL;
}

const char *value_from_enum(const struct gql_type *t, const char *text, size_t len,
                            struct gql_value *out)
{
    int index = t->kind == GQL_ENUM ? gql_enum_index(t, text, len) : -1;

    if (index < 0)
        return value_expected(t);
    set_int(out, index);
    return NULL;
}

void value_wrap(struct arena *arena, const struct gql_ref *list, struct gql_value *v)
{
    struct gql_value item = *v;

    if (!list->of->of && value_is_int(list->type)) {
        v->kind = VALUE_INTS;
        v->ints.v = arena_alloc(arena, sizeof(int64_t));
        v->ints.v[0] = item.i;
        v->ints.null = NULL;
        v->ints.n = 1;
        return;
    }
    v->kind = VALUE_LIST;
    v->list.items = arena_alloc(arena, sizeof(item));
    v->list.items[0] = item;
    v->list.n = 1;
}

static int one_of(const struct gql_type *t, const struct gql_value *fields)
{
    size_t given = 0;

    for (size_t i = 0; i < t->n_inputs; i++) {
        if (fields[i].kind == VALUE_NULL)
            return -1;
        given += fields[i].kind != VALUE_ABSENT;
    }
    return given == 1 ? 0 : -1;
}

int value_finish_object(struct arena *arena, const struct gql_type *t, struct gql_value *fields,
                        const char **missing_r)
{
    struct gql_errors ignored;

    *missing_r = NULL;
    if (t->one_of)
        return one_of(t, fields);
    for (size_t i = 0; i < t->n_inputs; i++) {
        if (fields[i].kind != VALUE_ABSENT)
            continue;
        if (t->inputs[i].default_value) {
            gql_errors_init(&ignored, arena);
            gql_coerce_ast(arena, t->inputs[i].ref, t->inputs[i].default_value, NULL, &fields[i],
                           &ignored);
        } else if (t->inputs[i].ref->non_null) {
            *missing_r = t->inputs[i].name;
            return -1;
        }
    }
    return 0;
}

/* --- what PostgreSQL cannot keep
 * ------------------------------------------------------------------ */

static bool has_nul(const struct gql_type *t, const struct gql_value *v)
{
    switch (v->kind) {
    case VALUE_STRING:
        return memchr(v->string.text, '\0', v->string.len) != NULL;
    case VALUE_LIST:
        for (size_t i = 0; i < v->list.n; i++)
            if (has_nul(t, &v->list.items[i]))
                return true;
        return false;
    case VALUE_OBJECT:
        return value_with_nul(t->inputs, t->n_inputs, v->fields) != NULL;
    default:
        return false;
    }
}

const char *value_with_nul(const struct gql_input *inputs, size_t n, const struct gql_value *values)
{
    for (size_t i = 0; i < n; i++)
        if (has_nul(inputs[i].ref->type, &values[i]))
            return inputs[i].name;
    return NULL;
}
