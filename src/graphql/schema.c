/* Types, fields and directives out of SDL. Called once at the start (and by tests).
 * Diagnostics: mistakes of the SDL stand in the error list with their places. */
#include "graphql/schema.h"

#include <stdlib.h>
#include <string.h>

#include "graphql/embedded.h"
#include "presence/log.h"

#define BAD_SCHEMA "GRAPHQL_SCHEMA"

struct build {
    struct gql_schema *s;
    struct gql_errors *errors;
};

/* --- look-up --------------------------------------------------------------------------------- */

struct gql_type *gql_type_find(const struct gql_schema *s, const char *name)
{
    for (struct gql_type *t = s->types; t; t = t->next)
        if (strcmp(t->name, name) == 0)
            return t;
    return NULL;
}

const struct gql_directive *gql_directive_find(const struct gql_schema *s, const char *name)
{
    for (const struct gql_directive *d = s->directives; d; d = d->next)
        if (strcmp(d->name, name) == 0)
            return d;
    return NULL;
}

const struct gql_field *gql_field_find(const struct gql_schema *s, const struct gql_type *t,
                                       const char *name)
{
    if (name[0] == '_' && name[1] == '_') {
        if (strcmp(name, "__typename") == 0 && gql_is_composite(t))
            return &s->typename_field;
        if (t == s->query && strcmp(name, "__schema") == 0)
            return &s->schema_field;
        if (t == s->query && strcmp(name, "__type") == 0)
            return &s->type_field;
        return NULL;
    }
    for (size_t i = 0; i < t->n_fields; i++)
        if (strcmp(t->fields[i].name, name) == 0)
            return &t->fields[i];
    return NULL;
}

const struct gql_input *gql_input_find(const struct gql_input *inputs, size_t n, const char *name,
                                       size_t len)
{
    for (size_t i = 0; i < n; i++)
        if (strncmp(inputs[i].name, name, len) == 0 && !inputs[i].name[len])
            return &inputs[i];
    return NULL;
}

int gql_enum_index(const struct gql_type *t, const char *name, size_t len)
{
    for (size_t i = 0; i < t->n_values; i++)
        if (t->values[i].len == len && memcmp(t->values[i].name, name, len) == 0)
            return (int)i;
    return -1;
}

bool gql_is_leaf(const struct gql_type *t)
{
    return t->kind == GQL_SCALAR || t->kind == GQL_ENUM;
}

bool gql_is_composite(const struct gql_type *t)
{
    return t->kind == GQL_OBJECT || t->kind == GQL_INTERFACE || t->kind == GQL_UNION;
}

bool gql_is_input(const struct gql_type *t)
{
    return t->kind == GQL_SCALAR || t->kind == GQL_ENUM || t->kind == GQL_INPUT;
}

bool gql_type_possible(const struct gql_type *t, const struct gql_type *object)
{
    if (t == object)
        return true;
    for (size_t i = 0; i < t->n_members; i++)
        if (t->members[i] == object)
            return true;
    return false;
}

/* --- types as text --------------------------------------------------------------------------- */

const char *gql_ref_text(struct arena *arena, const struct gql_ref *ref)
{
    const char *bang = ref->non_null ? "!" : "";

    if (ref->of)
        return arena_printf(arena, "[%s]%s", gql_ref_text(arena, ref->of), bang);
    return arena_printf(arena, "%s%s", ref->type->name, bang);
}

const char *gql_ast_type_text(struct arena *arena, const struct ast_type *type)
{
    const char *bang = type->non_null ? "!" : "";

    if (type->of)
        return arena_printf(arena, "[%s]%s", gql_ast_type_text(arena, type->of), bang);
    return arena_printf(arena, "%s%s", type->name, bang);
}

struct gql_ref *gql_ref_resolve(const struct gql_schema *s, struct arena *arena,
                                const struct ast_type *type)
{
    struct gql_ref *ref = arena_alloc(arena, sizeof(*ref));

    ref->non_null = type->non_null;
    if (type->of) {
        ref->of = gql_ref_resolve(s, arena, type->of);
        if (!ref->of)
            return NULL;
        ref->type = ref->of->type;
        return ref;
    }
    ref->type = gql_type_find(s, type->name);
    return ref->type ? ref : NULL;
}

/* --- building -------------------------------------------------------------------------------- */

static size_t length(const void *list)
{
    size_t n = 0;

    for (const void *const *p = list; p; p = *p)
        n++;
    return n;
}

static const struct ast_directive *directive(const struct ast_directive *list, const char *name)
{
    for (; list; list = list->next)
        if (strcmp(list->name, name) == 0)
            return list;
    return NULL;
}

static const char *deprecation(const struct ast_directive *list)
{
    const struct ast_directive *d = directive(list, "deprecated");

    if (!d)
        return NULL;
    return d->arguments ? d->arguments->value->text : "No longer supported";
}

static unsigned scope_of(struct build *b, const struct ast_directive *list)
{
    const struct ast_directive *d = directive(list, "auth");
    const char *text;

    if (!d)
        return 0;
    text = d->arguments ? d->arguments->value->text : "";
    if (strcmp(text, "READ") == 0)
        return SCOPE_READ;
    if (strcmp(text, "INGEST") == 0)
        return SCOPE_INGEST;
    if (strcmp(text, "ADMIN") == 0)
        return SCOPE_ADMIN;
    if (strcmp(text, "WRITE") == 0)
        return SCOPE_WRITE;
    gql_error_add(b->errors, BAD_SCHEMA, d->loc, "unknown scope \"%s\"", text);
    return 0;
}

static const struct ast_value *argument(const struct ast_directive *d, const char *name)
{
    for (const struct ast_argument *a = d->arguments; a; a = a->next)
        if (strcmp(a->name, name) == 0)
            return a->value;
    return NULL;
}

static uint32_t number(struct build *b, const struct ast_directive *d, const char *name)
{
    const struct ast_value *v = argument(d, name);

    if (v && v->kind == AST_INT && v->text[0] != '-')
        return (uint32_t)strtoul(v->text, NULL, 10);
    gql_error_add(b->errors, BAD_SCHEMA, d->loc, "@%s: expected %s, 0 or more", d->name, name);
    return 0;
}

/* The strings of a list; each must name one of what the field has. */
static const struct ast_value *names(struct build *b, const struct ast_directive *d,
                                     const char *name, const struct gql_field *f)
{
    const struct ast_value *v = argument(d, name);

    if (!v)
        return NULL;
    for (const struct ast_value *item = v->items; item; item = item->next)
        if (f && !gql_input_find(f->args, f->n_args, item->text, item->len))
            gql_error_add(b->errors, BAD_SCHEMA, item->loc, "%s has no argument \"%s\"", f->name,
                          item->text);
    return v->items;
}

static void cost(struct build *b, struct gql_field *f, const struct ast_directive *list)
{
    const struct ast_directive *weight = directive(list, "cost"), *d = directive(list, "listSize");
    struct gql_size *size;

    f->cost = weight ? number(b, weight, "weight") : 1;
    if (!d)
        return;
    size = arena_alloc(b->s->arena, sizeof(*size));
    size->assumed = number(b, d, "assumedSize");
    size->slicing = names(b, d, "slicingArguments", f);
    size->sized = names(b, d, "sizedFields", NULL);
    f->size = size;
}

static struct gql_ref *resolve(struct build *b, const struct ast_type *type, struct gql_loc loc)
{
    struct gql_ref *ref = gql_ref_resolve(b->s, b->s->arena, type);

    if (!ref)
        gql_error_add(b->errors, BAD_SCHEMA, loc, "unknown type in \"%s\"",
                      gql_ast_type_text(b->s->arena, type));
    return ref;
}

static struct gql_input *inputs(struct build *b, const struct ast_input *list, size_t *n_r)
{
    size_t n = length(list), i = 0;
    struct gql_input *out = arena_alloc(b->s->arena, n * sizeof(*out) + 1);

    for (; list; list = list->next, i++) {
        if (gql_input_find(out, i, list->name, strlen(list->name)))
            gql_error_add(b->errors, BAD_SCHEMA, list->loc, "\"%s\" is defined twice", list->name);
        out[i] = (struct gql_input){.name = list->name,
                                    .description = list->description,
                                    .deprecated = deprecation(list->directives),
                                    .ref = resolve(b, list->type, list->loc),
                                    .default_value = list->default_value,
                                    .index = i};
        if (out[i].ref && !gql_is_input(out[i].ref->type))
            gql_error_add(b->errors, BAD_SCHEMA, list->loc, "\"%s\" is not an input type",
                          out[i].ref->type->name);
    }
    *n_r = n;
    return out;
}

static void fields(struct build *b, struct gql_type *t, const struct ast_field_def *list)
{
    size_t n = length(list);

    t->fields = arena_alloc(b->s->arena, n * sizeof(*t->fields) + 1);
    for (; list; list = list->next) {
        struct gql_field *f = &t->fields[t->n_fields];

        if (gql_field_find(b->s, t, list->name))
            gql_error_add(b->errors, BAD_SCHEMA, list->loc, "%s.%s is defined twice", t->name,
                          list->name);
        f->name = list->name;
        f->description = list->description;
        f->deprecated = deprecation(list->directives);
        f->ref = resolve(b, list->type, list->loc);
        f->args = inputs(b, list->arguments, &f->n_args);
        f->scope = scope_of(b, list->directives);
        cost(b, f, list->directives);
        f->parent = t;
        t->n_fields++;
    }
}

static void enum_values(struct build *b, struct gql_type *t, const struct ast_field_def *list)
{
    t->values = arena_alloc(b->s->arena, length(list) * sizeof(*t->values) + 1);
    for (; list; list = list->next) {
        if (gql_enum_index(t, list->name, strlen(list->name)) >= 0)
            gql_error_add(b->errors, BAD_SCHEMA, list->loc, "%s.%s is defined twice", t->name,
                          list->name);
        t->values[t->n_values++] = (struct gql_enum_value){
            .name = list->name,
            .len = strlen(list->name),
            .description = list->description,
            .deprecated = deprecation(list->directives),
        };
    }
}

static struct gql_type **named_types(struct build *b, const struct ast_name *list, size_t *n_r)
{
    struct gql_type **out = arena_alloc(b->s->arena, length(list) * sizeof(*out) + 1);

    *n_r = 0;
    for (; list; list = list->next) {
        struct gql_type *t = gql_type_find(b->s, list->name);

        if (t)
            out[(*n_r)++] = t;
        else
            gql_error_add(b->errors, BAD_SCHEMA, list->loc, "unknown type \"%s\"", list->name);
    }
    return out;
}

static enum gql_scalar scalar_of(const char *name)
{
    static const char *const names[] = {"",   "Int",       "Float",    "String", "Boolean",
                                        "ID", "Snowflake", "DateTime", "UnixMs", "BigInt"};

    for (size_t i = 1; i < sizeof(names) / sizeof(names[0]); i++)
        if (strcmp(names[i], name) == 0)
            return (enum gql_scalar)i;
    return SCALAR_NONE;
}

static const char *specified_by(const struct ast_definition *d)
{
    const struct ast_directive *dir = directive(d->directives, "specifiedBy");

    return dir && dir->arguments ? dir->arguments->value->text : NULL;
}

/* First pass: the names, so that the second finds them in any order. */
static void declare(struct build *b, const struct ast_definition *d)
{
    static const enum gql_kind kinds[] = {
        [AST_SCALAR] = GQL_SCALAR, [AST_TYPE] = GQL_OBJECT,    [AST_INTERFACE] = GQL_INTERFACE,
        [AST_UNION] = GQL_UNION,   [AST_ENUM_TYPE] = GQL_ENUM, [AST_INPUT_TYPE] = GQL_INPUT};
    struct gql_type *t;

    if (ast_is_executable(d) || d->extend) {
        gql_error_add(b->errors, BAD_SCHEMA, d->loc, "a schema holds type system definitions only");
        return;
    }
    if (d->kind == AST_SCHEMA || d->kind == AST_DIRECTIVE_DEF)
        return;
    if (gql_type_find(b->s, d->name))
        gql_error_add(b->errors, BAD_SCHEMA, d->loc, "type \"%s\" is defined twice", d->name);
    t = arena_alloc(b->s->arena, sizeof(*t));
    t->kind = kinds[d->kind];
    t->name = d->name;
    t->description = d->description;
    if (t->kind == GQL_SCALAR) {
        t->scalar = scalar_of(t->name);
        t->specified_by = specified_by(d);
        if (t->scalar == SCALAR_NONE)
            gql_error_add(b->errors, BAD_SCHEMA, d->loc, "scalar \"%s\" has no code", t->name);
    }
    if (b->s->last_type)
        b->s->last_type->next = t;
    else
        b->s->types = t;
    b->s->last_type = t;
}

static void define_directive(struct build *b, const struct ast_definition *d)
{
    struct gql_directive *dir = arena_alloc(b->s->arena, sizeof(*dir)), **last;

    dir->name = d->name;
    dir->description = d->description;
    dir->args = inputs(b, d->inputs, &dir->n_args);
    dir->locations = d->names;
    dir->repeatable = d->repeatable;
    for (last = &b->s->directives; *last; last = &(*last)->next)
        ;
    *last = dir;
}

static void define_roots(struct build *b, const struct ast_definition *d)
{
    b->s->description = d->description;
    for (const struct ast_field_def *f = d->fields; f; f = f->next) {
        struct gql_type *t = f->type->name ? gql_type_find(b->s, f->type->name) : NULL;

        if (!t)
            gql_error_add(b->errors, BAD_SCHEMA, f->loc, "unknown root type");
        else if (f->name[0] == 'q')
            b->s->query = t;
        else if (f->name[0] == 'm')
            b->s->mutation = t;
        else
            b->s->subscription = t;
    }
}

static void define(struct build *b, const struct ast_definition *d)
{
    struct gql_type *t;

    if (ast_is_executable(d) || d->extend)
        return;
    if (d->kind == AST_SCHEMA) {
        define_roots(b, d);
        return;
    }
    if (d->kind == AST_DIRECTIVE_DEF) {
        define_directive(b, d);
        return;
    }
    t = gql_type_find(b->s, d->name);
    t->scope = scope_of(b, d->directives);
    t->one_of = directive(d->directives, "oneOf") != NULL;
    if (d->kind == AST_TYPE || d->kind == AST_INTERFACE) {
        fields(b, t, d->fields);
        t->interfaces = named_types(b, d->names, &t->n_interfaces);
    } else if (d->kind == AST_UNION) {
        t->members = named_types(b, d->names, &t->n_members);
    } else if (d->kind == AST_ENUM_TYPE) {
        enum_values(b, t, d->fields);
    } else if (d->kind == AST_INPUT_TYPE) {
        t->inputs = inputs(b, d->inputs, &t->n_inputs);
    }
}

static void add_implementers(struct build *b)
{
    for (struct gql_type *t = b->s->types; t; t = t->next)
        for (size_t i = 0; i < t->n_interfaces; i++) {
            struct gql_type *of = t->interfaces[i];

            if (t->kind != GQL_OBJECT)
                continue;
            of->members = arena_grow(b->s->arena, of->members, of->n_members, of->n_members + 1,
                                     sizeof(struct gql_type *));
            of->members[of->n_members++] = t;
        }
}

static bool inputs_use(const struct gql_input *in, size_t n, const struct gql_type *t)
{
    for (size_t i = 0; i < n; i++)
        if (in[i].ref->type == t)
            return true;
    return false;
}

static bool is_used(const struct gql_schema *s, const struct gql_type *t)
{
    for (const struct gql_type *of = s->types; of; of = of->next) {
        if (inputs_use(of->inputs, of->n_inputs, t))
            return true;
        for (size_t i = 0; i < of->n_fields; i++)
            if (of->fields[i].ref->type == t ||
                inputs_use(of->fields[i].args, of->fields[i].n_args, t))
                return true;
    }
    for (const struct gql_directive *d = s->directives; d; d = d->next)
        if (inputs_use(d->args, d->n_args, t))
            return true;
    return false;
}

/* A built-in scalar that nothing in the schema is of does not exist (section 3.5). */
static void drop_unused_scalars(struct gql_schema *s)
{
    for (struct gql_type **at = &s->types; *at;) {
        struct gql_type *t = *at;

        if (t->scalar >= SCALAR_INT && t->scalar <= SCALAR_ID && !is_used(s, t))
            *at = t->next;
        else
            at = &t->next;
    }
}

static struct gql_ref *ref_to(struct build *b, const char *name, bool non_null)
{
    struct gql_ref *ref = arena_alloc(b->s->arena, sizeof(*ref));

    ref->type = gql_type_find(b->s, name);
    ref->non_null = non_null;
    return ref;
}

static void meta_fields(struct build *b)
{
    struct gql_schema *s = b->s;
    struct gql_input *name = arena_alloc(s->arena, sizeof(*name));

    *name = (struct gql_input){.name = "name", .ref = ref_to(b, "String", true)};
    s->typename_field =
        (struct gql_field){.name = "__typename", .ref = ref_to(b, "String", true), .cost = 1};
    s->schema_field = (struct gql_field){
        .name = "__schema", .ref = ref_to(b, "__Schema", true), .cost = 1, .parent = s->query};
    s->type_field = (struct gql_field){.name = "__type",
                                       .ref = ref_to(b, "__Type", false),
                                       .args = name,
                                       .n_args = 1,
                                       .cost = 1,
                                       .parent = s->query};
}

struct gql_schema *gql_schema_new(const char *sdl, size_t len, struct gql_errors *errors)
{
    struct arena *arena = arena_new();
    struct gql_schema *s = arena_alloc(arena, sizeof(*s));
    struct build b = {s, errors};
    struct ast_document *builtin, *own;

    s->arena = arena;
    builtin = gql_parse(embedded_builtin_graphql, embedded_builtin_graphql_len, 0, arena, errors);
    own = gql_parse(sdl, len, UINT32_MAX, arena, errors);
    if (!builtin || !own)
        goto fail;
    for (struct ast_definition *d = own->definitions; d; d = d->next)
        declare(&b, d);
    for (struct ast_definition *d = builtin->definitions; d; d = d->next)
        declare(&b, d);
    if (errors->count)
        goto fail;
    s->query = gql_type_find(s, "Query");
    s->mutation = gql_type_find(s, "Mutation");
    s->subscription = gql_type_find(s, "Subscription");
    for (struct ast_definition *d = builtin->definitions; d; d = d->next)
        define(&b, d);
    for (struct ast_definition *d = own->definitions; d; d = d->next)
        define(&b, d);
    if (!s->query)
        gql_error_add(errors, BAD_SCHEMA, (struct gql_loc){0, 0}, "there is no query type");
    if (errors->count)
        goto fail;
    add_implementers(&b);
    meta_fields(&b);
    drop_unused_scalars(s);
    return s;
fail:
    arena_free(&arena);
    return NULL;
}

void gql_schema_free(struct gql_schema **schema)
{
    struct arena *arena;

    if (!*schema)
        return;
    arena = (*schema)->arena;
    *schema = NULL;
    arena_free(&arena);
}

struct gql_schema *gql_schema_builtin(void)
{
    struct arena *arena = arena_new();
    struct gql_errors errors;
    struct gql_schema *s;

    gql_errors_init(&errors, arena);
    s = gql_schema_new(embedded_schema_graphql, embedded_schema_graphql_len, &errors);
    if (!s)
        fatal("schema", "schema.graphql:%u:%u: %s", errors.first->loc.line,
              errors.first->loc.column, errors.first->message);
    arena_free(&arena);
    return s;
}
