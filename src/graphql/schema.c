/* Types, fields and directives: looking them up, and writing them down. Called by everything that
 * understands documents.
 * Diagnostics: fatal where the schema that is compiled in has mistakes; a test says so first. */
#include "graphql/schema.h"

#include <string.h>

#include "graphql/embedded.h"
#include "presence/log.h"

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
        if (inputs[i].len == len && memcmp(inputs[i].name, name, len) == 0)
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

/* --- the schema as a whole ----------------------------------------------------------------------
 */

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
