/* Introspection (GraphQL section 4). Called by the executor for fields that begin with "__".
 * Diagnostics: none; the document is known to be valid. */
#include "graphql/introspect.h"

#include <stdlib.h>
#include <string.h>

#include "graphql/complete.h"

struct out {
    const struct collect *c;
    struct buf *buf;
};

typedef void printer(struct out *o, const void *subject, const struct collected *f);

static const char *kind_name(const struct gql_ref *ref)
{
    static const char *const names[] = {"SCALAR", "OBJECT", "INTERFACE",
                                        "UNION",  "ENUM",   "INPUT_OBJECT"};

    if (ref->non_null)
        return "NON_NULL";
    return ref->of ? "LIST" : names[ref->type->kind];
}

/* --- small things --------------------------------------------------------------------------------
 */

static void put_string(struct out *o, const char *text)
{
    if (text)
        buf_put_json(o->buf, text, strlen(text));
    else
        buf_puts(o->buf, "null");
}

static void put_bool(struct out *o, bool value)
{
    buf_puts(o->buf, value ? "true" : "false");
}

/* Prints the fields asked of one object; print knows the meta type's fields. */
static void put_object(struct out *o, const char *meta, const void *subject,
                       const struct collected *of, printer *print)
{
    const struct gql_type *t = gql_type_find(o->c->schema, meta);
    const struct collected *f = collect_sub(o->c, t, of);
    bool first = true;

    buf_putc(o->buf, '{');
    for (; f; f = f->next, first = false) {
        buf_printf(o->buf, "%s\"%s\":", first ? "" : ",", f->key);
        if (strcmp(f->field->name, "__typename") == 0)
            put_string(o, meta);
        else
            print(o, subject, f);
    }
    buf_putc(o->buf, '}');
}

static bool with_deprecated(struct out *o, const struct collected *f)
{
    struct gql_value *args;

    return f->field->n_args > 0 && complete_arguments(o->c, f, &args) == 0 && args[0].i != 0;
}

static void comma(struct out *o, bool *first)
{
    if (!*first)
        buf_putc(o->buf, ',');
    *first = false;
}

static bool is(const struct collected *f, const char *name)
{
    return strcmp(f->field->name, name) == 0;
}

/* --- values as they are written ------------------------------------------------------------------
 */

static void write_value(struct buf *b, const struct ast_value *v)
{
    switch (v->kind) {
    case AST_STRING:
        buf_put_json(b, v->text, v->len);
        return;
    case AST_LIST:
    case AST_OBJECT:
        buf_putc(b, v->kind == AST_LIST ? '[' : '{');
        for (const struct ast_value *i = v->items; i; i = i->next) {
            if (i != v->items)
                buf_puts(b, ", ");
            if (v->kind == AST_OBJECT)
                buf_printf(b, "%s: ", i->field);
            write_value(b, i);
        }
        buf_putc(b, v->kind == AST_LIST ? ']' : '}');
        return;
    default:
        buf_puts(b, v->text);
    }
}

static void put_default(struct out *o, const struct ast_value *v)
{
    struct buf text;

    if (!v) {
        buf_puts(o->buf, "null");
        return;
    }
    buf_init(&text, 0);
    write_value(&text, v);
    buf_put_json(o->buf, (char *)buf_bytes(&text), buf_len(&text));
    buf_clear(&text);
}

/* --- types ---------------------------------------------------------------------------------------
 */

static void print_type(struct out *o, const void *subject, const struct collected *f);

static void put_ref(struct out *o, const struct gql_ref *ref, const struct collected *f)
{
    if (ref)
        put_object(o, "__Type", ref, f, print_type);
    else
        buf_puts(o->buf, "null");
}

static void put_named(struct out *o, struct gql_type *t, const struct collected *f)
{
    struct gql_ref *ref = arena_alloc(o->c->arena, sizeof(*ref));

    ref->type = t;
    put_ref(o, t ? ref : NULL, f);
}

static void print_input(struct out *o, const void *subject, const struct collected *f)
{
    const struct gql_input *in = subject;

    if (is(f, "name"))
        put_string(o, in->name);
    else if (is(f, "description"))
        put_string(o, in->description);
    else if (is(f, "type"))
        put_ref(o, in->ref, f);
    else if (is(f, "defaultValue"))
        put_default(o, in->default_value);
    else if (is(f, "isDeprecated"))
        put_bool(o, in->deprecated != NULL);
    else
        put_string(o, in->deprecated);
}

static void put_inputs(struct out *o, const struct gql_input *list, size_t n,
                       const struct collected *f)
{
    bool first = true, all = with_deprecated(o, f);

    buf_putc(o->buf, '[');
    for (size_t i = 0; i < n; i++) {
        if (list[i].deprecated && !all)
            continue;
        comma(o, &first);
        put_object(o, "__InputValue", &list[i], f, print_input);
    }
    buf_putc(o->buf, ']');
}

static void print_field(struct out *o, const void *subject, const struct collected *f)
{
    const struct gql_field *field = subject;

    if (is(f, "name"))
        put_string(o, field->name);
    else if (is(f, "description"))
        put_string(o, field->description);
    else if (is(f, "args"))
        put_inputs(o, field->args, field->n_args, f);
    else if (is(f, "type"))
        put_ref(o, field->ref, f);
    else if (is(f, "isDeprecated"))
        put_bool(o, field->deprecated != NULL);
    else
        put_string(o, field->deprecated);
}

static void print_enum_value(struct out *o, const void *subject, const struct collected *f)
{
    const struct gql_enum_value *v = subject;

    if (is(f, "name"))
        put_string(o, v->name);
    else if (is(f, "description"))
        put_string(o, v->description);
    else if (is(f, "isDeprecated"))
        put_bool(o, v->deprecated != NULL);
    else
        put_string(o, v->deprecated);
}

static void put_fields(struct out *o, const struct gql_type *t, const struct collected *f)
{
    bool first = true, all = with_deprecated(o, f);

    if (t->kind != GQL_OBJECT && t->kind != GQL_INTERFACE) {
        buf_puts(o->buf, "null");
        return;
    }
    buf_putc(o->buf, '[');
    for (size_t i = 0; i < t->n_fields; i++) {
        if (t->fields[i].deprecated && !all)
            continue;
        comma(o, &first);
        put_object(o, "__Field", &t->fields[i], f, print_field);
    }
    buf_putc(o->buf, ']');
}

static void put_enum_values(struct out *o, const struct gql_type *t, const struct collected *f)
{
    bool first = true, all = with_deprecated(o, f);

    if (t->kind != GQL_ENUM) {
        buf_puts(o->buf, "null");
        return;
    }
    buf_putc(o->buf, '[');
    for (size_t i = 0; i < t->n_values; i++) {
        if (t->values[i].deprecated && !all)
            continue;
        comma(o, &first);
        put_object(o, "__EnumValue", &t->values[i], f, print_enum_value);
    }
    buf_putc(o->buf, ']');
}

static void put_types(struct out *o, struct gql_type *const *list, size_t n, bool applies,
                      const struct collected *f)
{
    if (!applies) {
        buf_puts(o->buf, "null");
        return;
    }
    buf_putc(o->buf, '[');
    for (size_t i = 0; i < n; i++) {
        if (i > 0)
            buf_putc(o->buf, ',');
        put_named(o, list[i], f);
    }
    buf_putc(o->buf, ']');
}

static void print_named_type(struct out *o, const struct gql_type *t, const struct collected *f)
{
    if (is(f, "name"))
        put_string(o, t->name);
    else if (is(f, "description"))
        put_string(o, t->description);
    else if (is(f, "specifiedByURL"))
        put_string(o, t->specified_by);
    else if (is(f, "fields"))
        put_fields(o, t, f);
    else if (is(f, "interfaces"))
        put_types(o, t->interfaces, t->n_interfaces,
                  t->kind == GQL_OBJECT || t->kind == GQL_INTERFACE, f);
    else if (is(f, "possibleTypes"))
        put_types(o, t->members, t->n_members, t->kind == GQL_UNION || t->kind == GQL_INTERFACE, f);
    else if (is(f, "enumValues"))
        put_enum_values(o, t, f);
    else if (is(f, "inputFields") && t->kind == GQL_INPUT)
        put_inputs(o, t->inputs, t->n_inputs, f);
    else if (is(f, "isOneOf") && t->kind == GQL_INPUT)
        put_bool(o, t->one_of);
    else
        buf_puts(o->buf, "null");
}

static void print_type(struct out *o, const void *subject, const struct collected *f)
{
    const struct gql_ref *ref = subject;
    struct gql_ref *of;

    if (is(f, "kind")) {
        put_string(o, kind_name(ref));
    } else if (!is(f, "ofType")) {
        if (ref->non_null || ref->of)
            buf_puts(o->buf, "null");
        else
            print_named_type(o, ref->type, f);
    } else if (ref->non_null) {
        of = arena_alloc(o->c->arena, sizeof(*of));
        *of = *ref;
        of->non_null = false;
        put_ref(o, of, f);
    } else {
        put_ref(o, ref->of, f);
    }
}

/* --- the schema ----------------------------------------------------------------------------------
 */

static void print_directive(struct out *o, const void *subject, const struct collected *f)
{
    const struct gql_directive *d = subject;

    if (is(f, "name")) {
        put_string(o, d->name);
    } else if (is(f, "description")) {
        put_string(o, d->description);
    } else if (is(f, "isRepeatable")) {
        put_bool(o, d->repeatable);
    } else if (is(f, "args")) {
        put_inputs(o, d->args, d->n_args, f);
    } else {
        bool first = true;

        buf_putc(o->buf, '[');
        for (const struct ast_name *n = d->locations; n; n = n->next) {
            comma(o, &first);
            put_string(o, n->name);
        }
        buf_putc(o->buf, ']');
    }
}

static void print_schema(struct out *o, const void *subject, const struct collected *f)
{
    const struct gql_schema *s = subject;
    bool first = true;

    if (is(f, "description")) {
        put_string(o, s->description);
    } else if (is(f, "queryType")) {
        put_named(o, s->query, f);
    } else if (is(f, "mutationType")) {
        put_named(o, s->mutation, f);
    } else if (is(f, "subscriptionType")) {
        put_named(o, s->subscription, f);
    } else if (is(f, "types")) {
        buf_putc(o->buf, '[');
        for (struct gql_type *t = s->types; t; t = t->next) {
            comma(o, &first);
            put_named(o, t, f);
        }
        buf_putc(o->buf, ']');
    } else {
        buf_putc(o->buf, '[');
        for (const struct gql_directive *d = s->directives; d; d = d->next) {
            comma(o, &first);
            put_object(o, "__Directive", d, f, print_directive);
        }
        buf_putc(o->buf, ']');
    }
}

void introspect(const struct collect *c, const struct collected *field, struct buf *out)
{
    struct out o = {c, out};
    struct gql_value *args;

    if (is(field, "__schema")) {
        put_object(&o, "__Schema", c->schema, field, print_schema);
        return;
    }
    if (complete_arguments(c, field, &args))
        buf_puts(out, "null");
    else
        put_named(&o, gql_type_find(c->schema, args[0].string.text), field);
}
