/* Types, fields and directives out of SDL. Called once at the start (and by tests).
 * Diagnostics: mistakes of the SDL stand in the error list with their places. */
#include "graphql/schema_priv.h"

#include <string.h>

#include "graphql/embedded.h"

static size_t length(const void *list)
{
    size_t n = 0;

    for (const void *const *p = list; p; p = *p)
        n++;
    return n;
}

/* --- members of types ---------------------------------------------------------------------------
 */

static struct gql_ref *resolve(struct schema_build *b, const struct ast_type *type,
                               struct gql_loc loc)
{
    struct gql_ref *ref = gql_ref_resolve(b->s, b->s->arena, type);

    if (!ref)
        gql_error_add(b->errors, BAD_SCHEMA, loc, "unknown type in \"%s\"",
                      gql_ast_type_text(b->s->arena, type));
    return ref;
}

static struct gql_input *inputs(struct schema_build *b, const struct ast_input *list, size_t *n_r)
{
    size_t n = length(list), i = 0;
    struct gql_input *out = arena_alloc(b->s->arena, n * sizeof(*out) + 1);

    for (; list; list = list->next, i++) {
        if (gql_input_find(out, i, list->name, strlen(list->name)))
            gql_error_add(b->errors, BAD_SCHEMA, list->loc, "\"%s\" is defined twice", list->name);
        out[i] = (struct gql_input){.name = list->name,
                                    .len = strlen(list->name),
                                    .description = list->description,
                                    .deprecated = schema_deprecation(list->directives),
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

static void fields(struct schema_build *b, struct gql_type *t, const struct ast_field_def *list)
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
        f->deprecated = schema_deprecation(list->directives);
        f->ref = resolve(b, list->type, list->loc);
        f->args = inputs(b, list->arguments, &f->n_args);
        f->scope = schema_scope(b, list->directives);
        schema_cost(b, f, list->directives);
        f->parent = t;
        t->n_fields++;
    }
}

static void enum_values(struct schema_build *b, struct gql_type *t,
                        const struct ast_field_def *list)
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
            .deprecated = schema_deprecation(list->directives),
        };
    }
}

static struct gql_type **named_types(struct schema_build *b, const struct ast_name *list,
                                     size_t *n_r)
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

/* --- definitions --------------------------------------------------------------------------------
 */

/* First pass: the names, so that the second finds them in any order. */
static void declare(struct schema_build *b, const struct ast_definition *d)
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
        t->specified_by = schema_specified_by(d);
        if (t->scalar == SCALAR_NONE)
            gql_error_add(b->errors, BAD_SCHEMA, d->loc, "scalar \"%s\" has no code", t->name);
    }
    if (b->s->last_type)
        b->s->last_type->next = t;
    else
        b->s->types = t;
    b->s->last_type = t;
}

static void define_directive(struct schema_build *b, const struct ast_definition *d)
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

static void define_roots(struct schema_build *b, const struct ast_definition *d)
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

static void define(struct schema_build *b, const struct ast_definition *d)
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
    t->scope = schema_scope(b, d->directives);
    t->one_of = schema_directive(d->directives, "oneOf") != NULL;
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

static void add_implementers(struct schema_build *b)
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

/* --- what the whole demands ----------------------------------------------------------------------
 */

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

static struct gql_ref *ref_to(struct schema_build *b, const char *name, bool non_null)
{
    struct gql_ref *ref = arena_alloc(b->s->arena, sizeof(*ref));

    ref->type = gql_type_find(b->s, name);
    ref->non_null = non_null;
    return ref;
}

static void meta_fields(struct schema_build *b)
{
    struct gql_schema *s = b->s;
    struct gql_input *name = arena_alloc(s->arena, sizeof(*name));

    *name = (struct gql_input){.name = "name", .len = 4, .ref = ref_to(b, "String", true)};
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
    struct schema_build b = {s, errors};
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
