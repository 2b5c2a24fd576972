/* Rules about fields, leaf selections, arguments and directives. Called by gql_validate.
 * Diagnostics: GRAPHQL_VALIDATION_FAILED; suggestions only for those who may see the schema. */
#include "graphql/validate_priv.h"

#include <string.h>

/* --- suggestions ---------------------------------------------------------------------------------
 */

#define NAME_MAX_LEN 40u

static size_t distance(const char *a, const char *b)
{
    size_t n = strlen(b), row[NAME_MAX_LEN + 1];

    if (n > NAME_MAX_LEN || strlen(a) > NAME_MAX_LEN)
        return SIZE_MAX;
    for (size_t j = 0; j <= n; j++)
        row[j] = j;
    for (size_t i = 1; a[i - 1]; i++) {
        size_t diagonal = row[0];

        row[0] = i;
        for (size_t j = 1; j <= n; j++) {
            size_t change = diagonal + (a[i - 1] != b[j - 1]);
            size_t best = row[j] + 1 < row[j - 1] + 1 ? row[j] + 1 : row[j - 1] + 1;

            diagonal = row[j];
            row[j] = change < best ? change : best;
        }
    }
    return row[n];
}

static const char *suggestion(struct validation *v, const struct gql_type *t, const char *name)
{
    const char *best = NULL;
    size_t best_distance = strlen(name) / 2 + 1;

    if (!v->limits || !v->limits->suggest)
        return "";
    for (size_t i = 0; i < t->n_fields; i++) {
        size_t d = distance(name, t->fields[i].name);

        if (d < best_distance) {
            best = t->fields[i].name;
            best_distance = d;
        }
    }
    return best ? arena_printf(v->arena, "; did you mean \"%s\"?", best) : "";
}

/* --- arguments -----------------------------------------------------------------------------------
 */

static void arguments(struct validation *v, const char *of, const struct gql_input *defs, size_t n,
                      const struct ast_argument *given, struct gql_loc loc)
{
    for (const struct ast_argument *a = given; a; a = a->next) {
        if (!gql_input_find(defs, n, a->name, strlen(a->name)))
            gql_error_add(v->errors, INVALID, a->loc, "%s has no argument \"%s\"", of, a->name);
        for (const struct ast_argument *b = given; b != a; b = b->next)
            if (strcmp(a->name, b->name) == 0)
                gql_error_add(v->errors, INVALID, b->loc, "argument \"%s\" is given twice", a->name)
                    ->also = a->loc;
    }
    for (size_t i = 0; i < n; i++) {
        const struct ast_argument *a = given;

        if (!defs[i].ref->non_null || defs[i].default_value)
            continue;
        while (a && strcmp(a->name, defs[i].name) != 0)
            a = a->next;
        if (!a)
            gql_error_add(v->errors, INVALID, loc, "%s: argument \"%s\" of type %s is required", of,
                          defs[i].name, gql_ref_text(v->arena, defs[i].ref));
    }
}

/* --- selections ----------------------------------------------------------------------------------
 */

static void selections(struct validation *v, const struct gql_type *t, struct ast_selection *s);

static void field(struct validation *v, const struct gql_type *t, struct ast_selection *s)
{
    const struct gql_type *of;

    s->parent = t;
    s->field = gql_field_find(v->schema, t, s->name);
    if (!s->field) {
        gql_error_add(v->errors, INVALID, s->loc, "type %s has no field \"%s\"%s", t->name, s->name,
                      suggestion(v, t, s->name));
        return;
    }
    arguments(v, arena_printf(v->arena, "%s.%s", t->name, s->name), s->field->args,
              s->field->n_args, s->arguments, s->loc);
    of = s->field->ref->type;
    if (gql_is_leaf(of) && s->selections)
        gql_error_add(v->errors, INVALID, s->set_loc, "%s.%s is of type %s, which has no fields",
                      t->name, s->name, gql_ref_text(v->arena, s->field->ref));
    else if (!gql_is_leaf(of) && !s->selections)
        gql_error_add(v->errors, INVALID, s->loc,
                      "%s.%s is of type %s: select the fields of it that you need", t->name,
                      s->name, gql_ref_text(v->arena, s->field->ref));
    else if (s->selections)
        selections(v, of, s->selections);
}

static bool overlap(const struct gql_schema *schema, const struct gql_type *a,
                    const struct gql_type *b)
{
    for (const struct gql_type *t = schema->types; t; t = t->next)
        if (t->kind == GQL_OBJECT && gql_type_possible(a, t) && gql_type_possible(b, t))
            return true;
    return false;
}

static void spread_possible(struct validation *v, const struct gql_type *parent, const char *on,
                            struct gql_loc loc)
{
    const struct gql_type *t = gql_type_find(v->schema, on);

    if (t && !overlap(v->schema, parent, t))
        gql_error_add(v->errors, INVALID, loc, "a fragment on %s can never apply to %s", on,
                      parent->name);
}

static void selections(struct validation *v, const struct gql_type *t, struct ast_selection *s)
{
    for (; s; s = s->next) {
        if (s->kind == AST_FIELD) {
            field(v, t, s);
        } else if (s->kind == AST_SPREAD) {
            s->parent = t;
            spread_possible(v, t, s->fragment->condition, s->loc);
        } else {
            if (s->name)
                spread_possible(v, t, s->name, s->loc);
            s->parent = s->name ? gql_type_find(v->schema, s->name) : t;
            selections(v, s->parent, s->selections);
        }
    }
}

void validate_selections(struct validation *v)
{
    for (struct ast_definition *d = v->document->definitions; d; d = d->next) {
        const struct gql_type *t = validation_root(v, d);

        if (t)
            selections(v, t, d->selections);
    }
}

/* --- directives ----------------------------------------------------------------------------------
 */

static bool allowed_at(const struct gql_directive *d, const char *location)
{
    for (const struct ast_name *n = d->locations; n; n = n->next)
        if (strcmp(n->name, location) == 0)
            return true;
    return false;
}

static void directives(struct validation *v, const struct ast_directive *list, const char *location)
{
    for (const struct ast_directive *d = list; d; d = d->next) {
        const struct gql_directive *def = gql_directive_find(v->schema, d->name);

        if (!def) {
            gql_error_add(v->errors, INVALID, d->loc, "there is no directive @%s", d->name);
            continue;
        }
        if (!allowed_at(def, location))
            gql_error_add(v->errors, INVALID, d->loc, "@%s is not allowed on %s", d->name,
                          location);
        arguments(v, arena_printf(v->arena, "@%s", d->name), def->args, def->n_args, d->arguments,
                  d->loc);
        for (const struct ast_directive *o = list; o != d && !def->repeatable; o = o->next)
            if (strcmp(o->name, d->name) == 0)
                gql_error_add(v->errors, INVALID, o->loc, "@%s is given twice in one place",
                              d->name)
                    ->also = d->loc;
    }
}

static void selection_directives(struct validation *v, const struct ast_selection *s)
{
    static const char *const locations[] = {"FIELD", "FRAGMENT_SPREAD", "INLINE_FRAGMENT"};

    for (; s; s = s->next) {
        directives(v, s->directives, locations[s->kind]);
        selection_directives(v, s->selections);
    }
}

void validate_directives(struct validation *v)
{
    static const char *const locations[] = {"QUERY", "MUTATION", "SUBSCRIPTION",
                                            "FRAGMENT_DEFINITION"};

    for (const struct ast_definition *d = v->document->definitions; d; d = d->next) {
        if (!ast_is_executable(d))
            continue;
        directives(v, d->directives, locations[d->kind]);
        for (const struct ast_input *in = d->inputs; in; in = in->next)
            directives(v, in->directives, "VARIABLE_DEFINITION");
        selection_directives(v, d->selections);
    }
}
