/* Rules about variables (section 5.8). Called by gql_validate.
 * Diagnostics: GRAPHQL_VALIDATION_FAILED. */
#include "graphql/validate_priv.h"

#include <string.h>

/* --- definitions ---------------------------------------------------------------------------------
 */

/* 5.8.1 */
void rule_variable_uniqueness(struct validation *v, const struct ast_definition *d)
{
    struct names names;
    size_t n = 0;

    for (const struct ast_input *in = d->inputs; in; in = in->next)
        n++;
    if (n < 2)
        return;
    names_init(&names, v->arena, n);
    for (const struct ast_input *in = d->inputs; in; in = in->next) {
        const struct ast_input *o = names_first(&names, in->name, in);

        if (o != in)
            gql_error_add(v->errors, INVALID, o->name_loc, "variable $%s is defined twice",
                          in->name)
                ->also = in->name_loc;
    }
}

/* The place of the type's name, inside its brackets. */
static struct gql_loc named_loc(const struct ast_type *t)
{
    while (t->of)
        t = t->of;
    return t->loc;
}

/* 5.8.2 */
void rule_variables_are_input_types(struct validation *v, const struct ast_input *in,
                                    const struct gql_ref *ref)
{
    if (!ref || !gql_is_input(ref->type))
        gql_error_add(v->errors, INVALID, ref ? in->type->loc : named_loc(in->type),
                      "variable $%s: %s is no input type", in->name,
                      gql_ast_type_text(v->arena, in->type));
}

/* --- usages --------------------------------------------------------------------------------------
 */

struct usage {
    struct validation *v;
    const struct ast_definition *operation;
    bool *used; /* per variable definition */
};

static bool types_fit(const struct gql_ref *variable, const struct gql_ref *place)
{
    if (place->non_null && !variable->non_null)
        return false;
    if (place->of || variable->of)
        return place->of && variable->of && types_fit(variable->of, place->of);
    return place->type == variable->type;
}

static bool allowed(struct usage *u, const struct ast_input *def, const struct gql_ref *place,
                    bool place_has_default)
{
    const struct gql_ref *ref = gql_ref_resolve(u->v->schema, u->v->arena, def->type);
    struct gql_ref nullable;

    if (!ref)
        return true; /* reported already */
    if (place->non_null && !ref->non_null) {
        bool has_default = def->default_value && def->default_value->kind != AST_NULL;

        if (!has_default && !place_has_default)
            return false;
        nullable = *place;
        nullable.non_null = false;
        return types_fit(ref, &nullable);
    }
    return types_fit(ref, place);
}

static void use(struct usage *u, const struct ast_value *a, const struct gql_ref *place,
                bool place_has_default)
{
    const struct ast_input *found = NULL;
    size_t i = 0;

    for (const struct ast_input *def = u->operation->inputs; def; def = def->next, i++) {
        if (strcmp(def->name, a->text) != 0)
            continue;
        u->used[i] = true;
        found = def; /* the last one, if there are two */
    }
    if (!found)
        gql_error_add(u->v->errors, INVALID, a->loc, "variable $%s is not defined%s%s", a->text,
                      u->operation->name ? " by operation " : "",
                      u->operation->name ? u->operation->name : "");
    else if (place && !allowed(u, found, place, place_has_default))
        gql_error_add(u->v->errors, INVALID, found->loc,
                      "variable $%s of type %s is used where %s is expected", found->name,
                      gql_ast_type_text(u->v->arena, found->type), gql_ref_text(u->v->arena, place))
            ->also = a->loc;
}

/* place NULL: what stands there is not known, which was reported; it is a use all the same. */
static void use_in_value(struct usage *u, const struct ast_value *a, const struct gql_ref *place,
                         bool place_has_default)
{
    if (a->kind == AST_VARIABLE) {
        use(u, a, place, place_has_default);
        return;
    }
    for (const struct ast_value *item = a->items; item; item = item->next) {
        const struct gql_input *in;

        if (a->kind == AST_LIST) {
            use_in_value(u, item, place && place->of ? place->of : place, false);
            continue;
        }
        in = place ? gql_input_find(place->type->inputs, place->type->n_inputs, item->field,
                                    strlen(item->field))
                   : NULL;
        use_in_value(u, item, in ? in->ref : NULL, in && in->default_value);
        if (in && place->type->one_of && item->kind == AST_VARIABLE) {
            struct gql_ref required = *in->ref;

            required.non_null = true;
            use(u, item, &required, false);
        }
    }
}

static void use_in_arguments(struct usage *u, const struct gql_input *defs, size_t n,
                             const struct ast_argument *a)
{
    for (; a; a = a->next) {
        const struct gql_input *in = gql_input_find(defs, n, a->name, strlen(a->name));

        use_in_value(u, a->value, in ? in->ref : NULL, in && in->default_value);
    }
}

static void use_in_directives(struct usage *u, const struct ast_directive *d)
{
    for (; d; d = d->next) {
        const struct gql_directive *def = gql_directive_find(u->v->schema, d->name);

        use_in_arguments(u, def ? def->args : NULL, def ? def->n_args : 0, d->arguments);
    }
}

static void use_in_selections(struct usage *u, const struct ast_selection *s)
{
    for (; s && u->v->errors->count <= GQL_ERRORS_MAX; s = s->next) {
        use_in_directives(u, s->directives);
        use_in_arguments(u, s->field ? s->field->args : NULL, s->field ? s->field->n_args : 0,
                         s->arguments);
        use_in_selections(u, s->selections);
        if (s->kind == AST_SPREAD && s->fragment && s->fragment->mark != u->v->mark) {
            s->fragment->mark = u->v->mark;
            use_in_directives(u, s->fragment->directives);
            use_in_selections(u, s->fragment->selections);
        }
    }
}

/* 5.8.3, 5.8.4, 5.8.5 */
void rule_variable_usages(struct validation *v)
{
    for (const struct ast_definition *d = v->document->definitions; d; d = d->next) {
        struct usage u = {.v = v, .operation = d};
        size_t n = 0, i = 0;

        if (!ast_is_operation(d))
            continue;
        for (const struct ast_input *in = d->inputs; in; in = in->next)
            n++;
        u.used = arena_alloc(v->arena, n + 1);
        v->mark++;
        use_in_directives(&u, d->directives);
        use_in_selections(&u, d->selections);
        for (const struct ast_input *in = d->inputs; in; in = in->next, i++)
            if (!u.used[i])
                gql_error_add(v->errors, INVALID, in->loc, "variable $%s is never used", in->name);
    }
}
