/* Variables from JSON to typed values in one pass over the events, checked against the types as
 * they come. Called for each request with variables; a batch of sightings is most of its work.
 *
 * Diagnostics: those of coerce_json_error.c; the first one ends the reading. */
#include "graphql/coerce_json_priv.h"

#include <string.h>

struct gql_json *gql_json_new(struct arena *arena, struct gql_variables *vars,
                              struct gql_errors *errors)
{
    struct gql_json *j = arena_take(arena, sizeof(*j));

    j->arena = arena;
    j->vars = vars;
    j->errors = errors;
    j->variable = NULL;
    j->depth = j->skip = 0; /* a frame is set when it is pushed */
    return j;
}

static struct frame *top(struct gql_json *j)
{
    return &j->frames[j->depth - 1];
}

/* --- where the next value goes ---------------------------------------------------------------- */

struct target {
    const struct gql_ref *ref; /* NULL: skipped */
    struct gql_value *out;
};

static struct gql_value *list_item(struct gql_json *j, struct frame *f)
{
    struct gql_value *list = f->out;

    if (list->list.n == f->cap) {
        size_t cap = f->cap ? f->cap * 2 : 16;

        list->list.items =
            arena_grow(j->arena, list->list.items, f->cap, cap, sizeof(struct gql_value));
        f->cap = cap;
    }
    return &list->list.items[list->list.n++];
}

static struct target target(struct gql_json *j)
{
    struct frame *f = top(j);

    switch (f->kind) {
    case FRAME_VARIABLES:
        if (!j->variable)
            return (struct target){NULL, NULL};
        return (struct target){j->variable->ref, &j->variable->value};
    case FRAME_OBJECT:
        return (struct target){f->input->ref, &f->out->fields[f->input->index]};
    case FRAME_LIST:
        return (struct target){f->ref->of, list_item(j, f)};
    case FRAME_INTS: /* never nested: handled before */
        break;
    }
    return (struct target){NULL, NULL};
}

static struct frame *push(struct gql_json *j, enum frame_kind kind, const struct gql_ref *ref,
                          struct gql_value *out)
{
    struct frame *f = &j->frames[j->depth++];

    *f = (struct frame){.kind = kind, .ref = ref, .out = out};
    return f;
}

/* --- columns: the hot path ----------------------------------------------------------------------
 */

static void ints_room(struct gql_json *j, struct frame *f)
{
    struct gql_value *list = f->out;
    size_t cap = f->cap ? f->cap * 2 : 64;
    int64_t *moved = arena_take(j->arena, cap * sizeof(*moved));

    if (f->cap)
        memcpy(moved, list->ints.v, f->cap * sizeof(*moved));
    list->ints.v = moved;
    if (list->ints.null)
        list->ints.null = arena_grow(j->arena, list->ints.null, f->cap, cap, 1);
    f->cap = cap;
}

static void ints_add(struct gql_json *j, struct frame *f, int64_t v)
{
    if (f->out->ints.n == f->cap)
        ints_room(j, f);
    f->out->ints.v[f->out->ints.n++] = v;
}

static void ints_add_null(struct gql_json *j, struct frame *f)
{
    if (f->out->ints.n == f->cap)
        ints_room(j, f);
    if (!f->out->ints.null)
        f->out->ints.null = arena_alloc(j->arena, f->cap);
    f->out->ints.null[f->out->ints.n] = 1;
    f->out->ints.v[f->out->ints.n++] = 0;
}

/* --- events ------------------------------------------------------------------------------------
 */

static bool skipping(struct gql_json *j)
{
    return j->skip > 0 || (j->depth == 1 && !j->variable);
}

/* A leaf was read into a place where a list of it is expected as well. */
static void wrap(struct gql_json *j, const struct gql_ref *ref, struct gql_value *v)
{
    if (!ref->of)
        return;
    wrap(j, ref->of, v);
    value_wrap(j->arena, ref, v);
}

static const char *leaf_value(struct gql_json *j, const struct gql_type *t, const struct leaf *leaf,
                              struct gql_value *out)
{
    if (leaf->kind == LEAF_BOOLEAN)
        return value_from_boolean(t, leaf->truth, out);
    if (t->kind == GQL_SCALAR && leaf->kind == LEAF_NUMBER)
        return value_from_number(j->arena, t, leaf->text, leaf->len, out);
    if (t->kind == GQL_SCALAR)
        return value_from_string(j->arena, t, leaf->text, leaf->len, out);
    if (t->kind == GQL_ENUM && leaf->kind == LEAF_STRING)
        return value_from_enum(t, leaf->text, leaf->len, out);
    return value_expected(t);
}

static int on_leaf(struct gql_json *j, const struct leaf *leaf)
{
    struct gql_value v = {0};
    const char *expected;
    struct target to;

    if (j->depth == 0)
        return gql_json_not_an_object(j);
    if (skipping(j))
        return 0;
    if (top(j)->kind == FRAME_INTS) {
        expected = leaf_value(j, top(j)->ref->type, leaf, &v);
        if (expected)
            return gql_json_bad(j, top(j)->ref->of, gql_json_written(j, leaf), expected);
        ints_add(j, top(j), v.i);
        return 0;
    }
    to = target(j);
    expected = leaf_value(j, to.ref->type, leaf, to.out);
    if (expected)
        return gql_json_bad(j, to.ref, gql_json_written(j, leaf), expected);
    wrap(j, to.ref, to.out);
    return 0;
}

static int on_string(void *arg, const char *text, size_t len)
{
    return on_leaf(arg, &(struct leaf){LEAF_STRING, text, len, false});
}

static int on_number(void *arg, const char *text, size_t len)
{
    return on_leaf(arg, &(struct leaf){LEAF_NUMBER, text, len, false});
}

static int on_boolean(void *arg, bool value)
{
    return on_leaf(arg, &(struct leaf){LEAF_BOOLEAN, NULL, 0, value});
}

static int on_null(void *arg)
{
    struct gql_json *j = arg;
    struct target to;

    if (j->depth == 0 || skipping(j))
        return 0;
    if (top(j)->kind == FRAME_INTS) {
        if (top(j)->ref->of->non_null)
            return gql_json_bad(j, top(j)->ref->of, "null", value_expected(top(j)->ref->type));
        ints_add_null(j, top(j));
        return 0;
    }
    to = target(j);
    if (to.ref->non_null)
        return gql_json_bad(j, to.ref, "null", "a value");
    to.out->kind = VALUE_NULL;
    return 0;
}

static void begin_fields(struct gql_json *j, const struct gql_ref *ref, struct gql_value *out)
{
    out->kind = VALUE_OBJECT;
    out->fields = arena_alloc(j->arena, ref->type->n_inputs * sizeof(struct gql_value) + 1);
    push(j, FRAME_OBJECT, ref, out);
}

static int on_begin_object(void *arg)
{
    struct gql_json *j = arg;
    struct target to;

    if (j->depth == 0) {
        push(j, FRAME_VARIABLES, NULL, NULL);
        return 0;
    }
    if (skipping(j)) {
        j->skip++;
        return 0;
    }
    if (top(j)->kind == FRAME_INTS)
        return gql_json_bad(j, top(j)->ref->of, "an object", value_expected(top(j)->ref->type));
    to = target(j);
    if (to.ref->type->kind != GQL_INPUT)
        return gql_json_bad(j, to.ref, "an object", value_expected(to.ref->type));
    while (to.ref->of) {
        struct frame *f;

        to.out->kind = VALUE_LIST;
        f = push(j, FRAME_LIST, to.ref, to.out);
        f->implicit = true;
        to = (struct target){to.ref->of, list_item(j, f)};
    }
    begin_fields(j, to.ref, to.out);
    return 0;
}

static int on_key(void *arg, const char *text, size_t len)
{
    struct gql_json *j = arg;
    struct frame *f = top(j);
    const struct gql_type *t;

    if (j->skip > 0)
        return 0;
    if (f->kind == FRAME_VARIABLES) {
        j->variable = NULL;
        for (size_t i = 0; i < j->vars->n; i++)
            if (strncmp(j->vars->list[i].name, text, len) == 0 && !j->vars->list[i].name[len])
                j->variable = &j->vars->list[i];
        if (!j->variable || j->variable->value.kind == VALUE_ABSENT)
            return 0;
        gql_error_add(j->errors, "BAD_USER_INPUT", j->variable->loc, "variable $%s is given twice",
                      j->variable->name);
        return -1;
    }
    t = f->ref->type;
    if (f->next < t->n_inputs && strncmp(t->inputs[f->next].name, text, len) == 0 &&
        !t->inputs[f->next].name[len])
        f->input = &t->inputs[f->next];
    else
        f->input = gql_input_find(t->inputs, t->n_inputs, text, len);
    if (!f->input) {
        return gql_json_refuse(j, "%s has no field %s", t->name, gql_json_quoted(j, text, len));
    }
    if (f->out->fields[f->input->index].kind != VALUE_ABSENT) {
        return gql_json_refuse(j, "the field is given twice");
    }
    f->next = f->input->index + 1;
    return 0;
}

static int on_end_object(void *arg)
{
    struct gql_json *j = arg;
    struct frame *f = top(j);
    const char *missing;

    if (j->skip > 0) {
        j->skip--;
        return 0;
    }
    if (f->kind == FRAME_VARIABLES) {
        j->depth--;
        return 0;
    }
    f->input = NULL;
    if (value_finish_object(j->arena, f->ref->type, f->out->fields, &missing)) {
        return gql_json_refuse(j,
                               missing ? "%s.%s is required"
                                       : "exactly one field of %s must be given, and not null%s",
                               f->ref->type->name, missing ? missing : "");
    }
    j->depth--;
    while (top(j)->implicit)
        j->depth--;
    return 0;
}

static int on_begin_array(void *arg)
{
    struct gql_json *j = arg;
    struct target to;

    if (j->depth == 0)
        return gql_json_not_an_object(j);
    if (skipping(j)) {
        j->skip++;
        return 0;
    }
    if (top(j)->kind == FRAME_INTS)
        return gql_json_bad(j, top(j)->ref->of, "a list", value_expected(top(j)->ref->type));
    to = target(j);
    if (!to.ref->of)
        return gql_json_bad(j, to.ref, "a list", value_expected(to.ref->type));
    if (!to.ref->of->of && value_is_int(to.ref->type)) {
        to.out->kind = VALUE_INTS;
        push(j, FRAME_INTS, to.ref, to.out);
    } else {
        to.out->kind = VALUE_LIST;
        push(j, FRAME_LIST, to.ref, to.out);
    }
    return 0;
}

static int on_end_array(void *arg)
{
    struct gql_json *j = arg;

    if (j->skip > 0)
        j->skip--;
    else
        j->depth--;
    return 0;
}

const struct jsonin_events gql_json_events = {
    .null = on_null,
    .boolean = on_boolean,
    .number = on_number,
    .string = on_string,
    .begin_object = on_begin_object,
    .key = on_key,
    .end_object = on_end_object,
    .begin_array = on_begin_array,
    .end_array = on_end_array,
};

int gql_json_finish(struct gql_json *j)
{
    for (size_t i = 0; i < j->vars->n; i++) {
        struct gql_variable *v = &j->vars->list[i];

        if (v->value.kind != VALUE_ABSENT)
            continue;
        if (v->default_value) {
            if (gql_coerce_ast(j->arena, v->ref, v->default_value, NULL, &v->value, j->errors))
                return -1;
        } else if (v->ref->non_null) {
            gql_error_add(j->errors, "BAD_USER_INPUT", v->loc,
                          "variable $%s of type %s is required", v->name,
                          gql_ref_text(j->arena, v->ref));
            return -1;
        }
    }
    return 0;
}
