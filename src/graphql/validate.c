/* The validator's frame: it completes the document (fields, parents, fragments) in one walk and
 * calls the rules about each place on the way; then those about the whole. Called for each document
 * that is not in the cache.
 * Diagnostics: GRAPHQL_VALIDATION_FAILED with places, all that there are (up to GQL_ERRORS_MAX). */
#include "graphql/validate_priv.h"

#include <string.h>

/* --- names ---------------------------------------------------------------------------------------
 */

static struct named *slot(const struct validation *v, bool operation, const char *name)
{
    uint64_t h = names_hash(name) + operation;

    for (size_t at = h & (v->names_size - 1);; at = (at + 1) & (v->names_size - 1)) {
        struct named *n = &v->names[at];

        if (!n->first || (n->operation == operation && strcmp(n->first->name, name) == 0))
            return n;
    }
}

static void index_names(struct validation *v)
{
    size_t n = 0;

    for (struct ast_definition *d = v->document->definitions; d; d = d->next)
        n++;
    for (v->names_size = 8; v->names_size < 2 * n; v->names_size *= 2)
        ;
    v->names = arena_alloc(v->arena, v->names_size * sizeof(*v->names));
    for (struct ast_definition *d = v->document->definitions; d; d = d->next) {
        struct named *at;

        if (!ast_is_executable(d))
            continue;
        v->operations += ast_is_operation(d);
        if (!d->name)
            continue;
        at = slot(v, ast_is_operation(d), d->name);
        at->operation = ast_is_operation(d);
        at->first = at->first ? at->first : d;
        at->last = d;
    }
}

const struct named *validation_named(const struct validation *v, const struct ast_definition *d)
{
    return slot(v, ast_is_operation(d), d->name);
}

struct ast_definition *validation_fragment(const struct validation *v, const char *name)
{
    return slot(v, false, name)->last;
}

const struct gql_type *validation_root(const struct validation *v, const struct ast_definition *d)
{
    switch (d->kind) {
    case AST_QUERY:
        return v->schema->query;
    case AST_MUTATION:
        return v->schema->mutation;
    case AST_SUBSCRIPTION:
        return v->schema->subscription;
    default:
        return NULL;
    }
}

/* --- values, arguments, directives ---------------------------------------------------------------
 */

static void walk_value(struct validation *v, const struct gql_ref *ref, const struct ast_value *a);

static void walk_object(struct validation *v, const struct gql_type *t, const struct ast_value *a)
{
    rule_input_object_field_names(v, t, a);
    rule_input_object_required_fields(v, t, a);
    rule_one_of_has_one_field(v, t, a);
    for (const struct ast_value *f = a->items; f; f = f->next) {
        const struct gql_input *in =
            gql_input_find(t->inputs, t->n_inputs, f->field, strlen(f->field));

        if (in)
            walk_value(v, in->ref, f);
    }
}

static void walk_value(struct validation *v, const struct gql_ref *ref, const struct ast_value *a)
{
    if (a->kind == AST_VARIABLE)
        return;
    if (ref->of && a->kind == AST_LIST) {
        for (const struct ast_value *item = a->items; item; item = item->next)
            walk_value(v, ref->of, item);
    } else if (ref->of && a->kind != AST_NULL) {
        walk_value(v, ref->of, a);
    } else if (ref->type->kind == GQL_INPUT && !ref->of && a->kind == AST_OBJECT) {
        walk_object(v, ref->type, a);
    } else {
        rule_values_of_correct_type(v, ref, a);
    }
}

static void walk_arguments(struct validation *v, const struct arguments *args)
{
    rule_argument_names(v, args);
    rule_argument_uniqueness(v, args);
    rule_required_arguments(v, args);
    for (const struct ast_argument *a = args->given; a; a = a->next) {
        const struct gql_input *in = gql_input_find(args->defs, args->n, a->name, strlen(a->name));

        rule_input_object_field_uniqueness(v, a->value);
        if (in)
            walk_value(v, in->ref, a->value);
    }
}

static void walk_directives(struct validation *v, const struct ast_directive *list,
                            const char *location)
{
    if (!list)
        return;
    rule_directives_unique_per_location(v, list);
    for (const struct ast_directive *d = list; d; d = d->next) {
        const struct gql_directive *def = gql_directive_find(v->schema, d->name);

        rule_directives_are_defined(v, d, def);
        rule_directives_in_valid_locations(v, d, def, location);
        walk_arguments(v, &(struct arguments){.name = d->name,
                                              .known = def != NULL,
                                              .defs = def ? def->args : NULL,
                                              .n = def ? def->n_args : 0,
                                              .given = d->arguments,
                                              .loc = d->loc});
    }
}

/* --- selections ----------------------------------------------------------------------------------
 */

static void walk_selections(struct validation *v, const struct gql_type *t,
                            struct ast_selection *s);

static const struct gql_type *composite(const struct gql_type *t)
{
    return t && gql_is_composite(t) ? t : NULL;
}

static const struct gql_type *condition(struct validation *v, const char *name, struct gql_loc loc)
{
    rule_fragment_type_existence(v, name, loc);
    rule_fragments_on_composite_types(v, name, loc);
    return composite(gql_type_find(v->schema, name));
}

static void walk_field(struct validation *v, const struct gql_type *t, struct ast_selection *s)
{
    s->parent = t;
    s->field = t ? gql_field_find(v->schema, t, s->name) : NULL;
    rule_field_selections(v, s);
    rule_leaf_field_selections(v, s);
    walk_arguments(v, &(struct arguments){.type = t ? t->name : "",
                                          .name = s->name,
                                          .known = s->field != NULL,
                                          .defs = s->field ? s->field->args : NULL,
                                          .n = s->field ? s->field->n_args : 0,
                                          .given = s->arguments,
                                          .loc = s->loc});
    walk_directives(v, s->directives, "FIELD");
    walk_selections(v, s->field ? composite(s->field->ref->type) : NULL, s->selections);
}

static void walk_spread(struct validation *v, const struct gql_type *t, struct ast_selection *s)
{
    s->parent = t;
    s->fragment = validation_fragment(v, s->name);
    rule_fragment_spread_target_defined(v, s);
    if (s->fragment)
        rule_fragment_spread_is_possible(v, t, s->fragment->condition, s->loc);
    walk_directives(v, s->directives, "FRAGMENT_SPREAD");
}

static void walk_inline(struct validation *v, const struct gql_type *t, struct ast_selection *s)
{
    s->parent = t;
    if (s->name) {
        s->parent = condition(v, s->name, s->name_loc);
        rule_fragment_spread_is_possible(v, t, s->name, s->loc);
    }
    walk_directives(v, s->directives, "INLINE_FRAGMENT");
    walk_selections(v, s->parent, s->selections);
}

static void walk_selections(struct validation *v, const struct gql_type *t, struct ast_selection *s)
{
    for (; s; s = s->next) {
        if (s->kind == AST_FIELD)
            walk_field(v, t, s);
        else if (s->kind == AST_SPREAD)
            walk_spread(v, t, s);
        else
            walk_inline(v, t, s);
    }
}

/* --- definitions ---------------------------------------------------------------------------------
 */

static void walk_variables(struct validation *v, const struct ast_definition *d)
{
    rule_variable_uniqueness(v, d);
    for (struct ast_input *in = d->inputs; in; in = in->next) {
        const struct gql_ref *ref = gql_ref_resolve(v->schema, v->arena, in->type);

        in->ref = ref;
        rule_variables_are_input_types(v, in, ref);
        if (in->default_value) {
            rule_input_object_field_uniqueness(v, in->default_value);
            if (ref && gql_is_input(ref->type))
                walk_value(v, ref, in->default_value);
        }
        walk_directives(v, in->directives, "VARIABLE_DEFINITION");
    }
}

static void walk_operation(struct validation *v, struct ast_definition *d)
{
    static const char *const locations[] = {"QUERY", "MUTATION", "SUBSCRIPTION"};

    rule_operation_type_existence(v, d);
    rule_operation_name_uniqueness(v, d);
    rule_lone_anonymous_operation(v, d);
    walk_variables(v, d);
    walk_directives(v, d->directives, locations[d->kind]);
    walk_selections(v, validation_root(v, d), d->selections);
}

static void walk_fragment(struct validation *v, struct ast_definition *d)
{
    const struct gql_type *t = condition(v, d->condition, d->condition_loc);

    rule_fragment_name_uniqueness(v, d);
    walk_directives(v, d->directives, "FRAGMENT_DEFINITION");
    walk_selections(v, t, d->selections);
}

static void walk(struct validation *v)
{
    for (struct ast_definition *d = v->document->definitions; d; d = d->next) {
        rule_executable_definitions(v, d);
        if (ast_is_operation(d))
            walk_operation(v, d);
        else if (d->kind == AST_FRAGMENT)
            walk_fragment(v, d);
    }
}

int gql_validate(const struct gql_schema *schema, struct ast_document *document,
                 const struct gql_limits *limits, struct arena *arena, struct gql_errors *errors)
{
    struct validation v = {
        .schema = schema, .document = document, .limits = limits, .arena = arena, .errors = errors};

    if (validate_directive_limit(&v))
        return -1;
    index_names(&v);
    walk(&v);
    rule_some_operation(&v);
    rule_single_root_field(&v);
    rule_fragments_must_be_used(&v);
    rule_fragment_spreads_form_no_cycles(&v);
    rule_variable_usages(&v);
    if (errors->count == 0)
        validate_limits(&v); /* before the rule that they keep cheap */
    rule_field_selection_merging(&v);
    return errors->count ? -1 : 0;
}
