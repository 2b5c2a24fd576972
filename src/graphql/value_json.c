/* Input values as JSON for a function of the database. Called by the compiler, for mutations.
 * Diagnostics: none; a string that cannot be kept is the caller's to refuse. */
#include <string.h>

#include "graphql/value.h"
#include "presence/buf.h"
#include "presence/clock.h"

static int put(struct buf *out, const struct gql_ref *ref, const struct gql_value *v);

/* Names and times, which need no escapes. */
static void put_quoted(struct buf *out, const char *text)
{
    buf_putc(out, '"');
    buf_puts(out, text);
    buf_putc(out, '"');
}

static void put_int(struct buf *out, const struct gql_type *t, int64_t v)
{
    char time[CLOCK_RFC3339_SIZE];

    if (t->kind == GQL_ENUM) {
        put_quoted(out, t->values[v].name);
    } else if (t->scalar == SCALAR_BOOLEAN) {
        buf_puts(out, v ? "true" : "false");
    } else if (t->scalar == SCALAR_DATETIME || t->scalar == SCALAR_UNIXMS) {
        clock_rfc3339((unixms_t){v}, time);
        put_quoted(out, time);
    } else {
        buf_put_i64(out, v);
    }
}

static int put_members(struct buf *out, const struct gql_input *inputs, size_t n,
                       const struct gql_value *values, const char **bad_r)
{
    bool first = true;

    buf_putc(out, '{');
    for (size_t i = 0; i < n; i++) {
        if (values[i].kind == VALUE_ABSENT)
            continue;
        if (!first)
            buf_putc(out, ',');
        put_quoted(out, inputs[i].name);
        buf_putc(out, ':');
        first = false;
        if (put(out, inputs[i].ref, &values[i])) {
            *bad_r = inputs[i].name;
            return -1;
        }
    }
    buf_putc(out, '}');
    return 0;
}

static int put_list(struct buf *out, const struct gql_ref *ref, const struct gql_value *v)
{
    buf_putc(out, '[');
    for (size_t i = 0; v->kind == VALUE_LIST && i < v->list.n; i++) {
        if (i > 0)
            buf_putc(out, ',');
        if (put(out, ref->of, &v->list.items[i]))
            return -1;
    }
    for (size_t i = 0; v->kind == VALUE_INTS && i < v->ints.n; i++) {
        if (i > 0)
            buf_putc(out, ',');
        if (v->ints.null && v->ints.null[i])
            buf_puts(out, "null");
        else
            put_int(out, ref->type, v->ints.v[i]);
    }
    buf_putc(out, ']');
    return 0;
}

static int put(struct buf *out, const struct gql_ref *ref, const struct gql_value *v)
{
    const char *inner;

    switch (v->kind) {
    case VALUE_ABSENT:
    case VALUE_NULL:
        buf_puts(out, "null");
        return 0;
    case VALUE_INT:
        put_int(out, ref->type, v->i);
        return 0;
    case VALUE_FLOAT:
        buf_printf(out, "%.17g", v->d);
        return 0;
    case VALUE_STRING:
        if (memchr(v->string.text, '\0', v->string.len))
            return -1;
        return buf_put_json(out, v->string.text, v->string.len);
    case VALUE_LIST:
    case VALUE_INTS:
        return put_list(out, ref, v);
    case VALUE_OBJECT:
        return put_members(out, ref->type->inputs, ref->type->n_inputs, v->fields, &inner);
    }
    return -1;
}

const char *value_json_arguments(struct arena *arena, const struct gql_input *args, size_t n_args,
                                 const struct gql_value *values, const char **bad_r)
{
    const char *text = NULL;
    struct buf out;

    buf_init(&out, 0);
    if (put_members(&out, args, n_args, values, bad_r) == 0)
        text = arena_strndup(arena, (char *)buf_bytes(&out), buf_len(&out));
    buf_clear(&out);
    return text;
}
