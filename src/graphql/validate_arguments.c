/* Rules about arguments and directives (sections 5.4 and 5.7). Called by gql_validate.
 * Diagnostics: GRAPHQL_VALIDATION_FAILED. */
#include "graphql/validate_priv.h"

#include <string.h>

/* "Dog.barks" or "@skip" */
static const char *whose(struct validation *v, const struct arguments *a)
{
    return a->type ? arena_printf(v->arena, "%s.%s", a->type, a->name)
                   : arena_printf(v->arena, "@%s", a->name);
}

/* 5.4.1 */
void rule_argument_names(struct validation *v, const struct arguments *args)
{
    for (const struct ast_argument *a = args->given; a && args->known; a = a->next)
        if (!gql_input_find(args->defs, args->n, a->name, strlen(a->name)))
            gql_error_add(v->errors, INVALID, a->loc, "%s has no argument \"%s\"", whose(v, args),
                          a->name);
}

/* 5.4.2 */
void rule_argument_uniqueness(struct validation *v, const struct arguments *args)
{
    struct names names;
    size_t n = 0;

    for (const struct ast_argument *a = args->given; a; a = a->next)
        n++;
    if (n < 2)
        return;
    names_init(&names, v->arena, n);
    for (const struct ast_argument *a = args->given; a; a = a->next) {
        const struct ast_argument *b = names_first(&names, a->name, a);

        if (b != a)
            gql_error_add(v->errors, INVALID, b->loc, "argument \"%s\" is given twice", a->name)
                ->also = a->loc;
    }
}

/* 5.4.3 */
void rule_required_arguments(struct validation *v, const struct arguments *args)
{
    for (size_t i = 0; i < args->n; i++) {
        const struct gql_input *def = &args->defs[i];
        const struct ast_argument *a = args->given;

        if (!def->ref->non_null || def->default_value)
            continue;
        while (a && strcmp(a->name, def->name) != 0)
            a = a->next;
        if (!a)
            gql_error_add(v->errors, INVALID, args->loc,
                          "%s: argument \"%s\" of type %s is required", whose(v, args), def->name,
                          gql_ref_text(v->arena, def->ref));
    }
}

/* 5.7.1 */
void rule_directives_are_defined(struct validation *v, const struct ast_directive *d,
                                 const struct gql_directive *def)
{
    if (!def)
        gql_error_add(v->errors, INVALID, d->loc, "there is no directive @%s", d->name);
}

/* 5.7.2 */
void rule_directives_in_valid_locations(struct validation *v, const struct ast_directive *d,
                                        const struct gql_directive *def, const char *location)
{
    if (!def)
        return;
    for (const struct ast_name *n = def->locations; n; n = n->next)
        if (strcmp(n->name, location) == 0)
            return;
    gql_error_add(v->errors, INVALID, d->loc, "@%s is not allowed on %s", d->name, location);
}

/* 5.7.3 */
void rule_directives_unique_per_location(struct validation *v, const struct ast_directive *list)
{
    for (const struct ast_directive *d = list; d; d = d->next) {
        const struct gql_directive *def = gql_directive_find(v->schema, d->name);
        const struct ast_directive *o = list;

        while (strcmp(o->name, d->name) != 0)
            o = o->next;
        if (o != d && def && !def->repeatable)
            gql_error_add(v->errors, INVALID, o->loc, "@%s is given twice in one place", d->name)
                ->also = d->loc;
    }
}
