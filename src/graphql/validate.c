/* The validator's frame, and the rules about operations and fragments. Called for each document
 * that is not in the cache.
 * Diagnostics: GRAPHQL_VALIDATION_FAILED with places. */
#include "graphql/validate_priv.h"

#include <string.h>

struct ast_definition *validation_fragment(const struct validation *v, const char *name)
{
    for (struct ast_definition *d = v->document->definitions; d; d = d->next)
        if (d->kind == AST_FRAGMENT && strcmp(d->name, name) == 0)
            return d;
    return NULL;
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
    case AST_FRAGMENT:
        return gql_type_find(v->schema, d->condition);
    default:
        return NULL;
    }
}

/* --- operations ----------------------------------------------------------------------------------
 */

static void unique_name(struct validation *v, const struct ast_definition *d)
{
    for (const struct ast_definition *o = v->document->definitions; o != d; o = o->next) {
        if (ast_is_operation(o) != ast_is_operation(d))
            continue;
        if (o->name && d->name && strcmp(o->name, d->name) == 0) {
            gql_error_add(v->errors, INVALID, o->name_loc, "there are two %s named \"%s\"",
                          d->kind == AST_FRAGMENT ? "fragments" : "operations", d->name)
                ->also = d->name_loc;
            return;
        }
        if (ast_is_operation(d) && (!o->name || !d->name)) {
            gql_error_add(v->errors, INVALID, (o->name ? d : o)->loc,
                          "an operation without a name must be the only one");
            return;
        }
    }
}

static bool applies(const struct validation *v, const char *condition, const struct gql_type *root)
{
    const struct gql_type *t = gql_type_find(v->schema, condition);

    return t && root && gql_type_possible(t, root);
}

/* A root field of a subscription, with those of its fragments: only one response key, no directive
 * that could leave it out, nothing of the schema (section 5.2.4.1). *first is the first one found.
 */
static void subscription_root(struct validation *v, const struct ast_selection *s,
                              const struct ast_selection **first)
{
    const struct gql_type *root = v->schema->subscription;

    for (; s; s = s->next) {
        for (const struct ast_directive *d = s->directives; d; d = d->next)
            if (strcmp(d->name, "skip") == 0 || strcmp(d->name, "include") == 0)
                gql_error_add(v->errors, INVALID, d->loc,
                              "@%s is not allowed on the root field of a subscription", d->name);
        if (s->kind == AST_INLINE) {
            if (!s->name || applies(v, s->name, root))
                subscription_root(v, s->selections, first);
        } else if (s->kind == AST_SPREAD) {
            if (s->fragment->mark == v->mark || !applies(v, s->fragment->condition, root))
                continue;
            s->fragment->mark = v->mark;
            subscription_root(v, s->fragment->selections, first);
        } else {
            if (strncmp(s->name, "__", 2) == 0)
                gql_error_add(v->errors, INVALID, s->loc,
                              "\"%s\" cannot be the root field of a subscription", s->name);
            if (!*first)
                *first = s;
            else if (strcmp((*first)->key, s->key) != 0)
                gql_error_add(v->errors, INVALID, s->loc,
                              "a subscription has exactly one root field");
        }
    }
}

static void validate_subscriptions(struct validation *v)
{
    for (const struct ast_definition *d = v->document->definitions; d; d = d->next) {
        const struct ast_selection *first = NULL;

        if (d->kind != AST_SUBSCRIPTION)
            continue;
        v->mark++;
        subscription_root(v, d->selections, &first);
    }
}

void validate_operations(struct validation *v)
{
    static const char *const words[] = {"query", "mutation", "subscription"};
    unsigned operations = 0;

    for (const struct ast_definition *d = v->document->definitions; d; d = d->next) {
        if (!ast_is_executable(d)) {
            gql_error_add(v->errors, INVALID, d->loc,
                          "a type system definition cannot be executed");
            continue;
        }
        unique_name(v, d);
        if (!ast_is_operation(d))
            continue;
        operations++;
        if (!validation_root(v, d))
            gql_error_add(v->errors, INVALID, d->loc, "the schema has no %s type", words[d->kind]);
    }
    if (operations == 0 && v->errors->count == 0)
        gql_error_add(v->errors, INVALID, (struct gql_loc){1, 1},
                      "the document holds no operation");
}

/* --- fragments -----------------------------------------------------------------------------------
 */

static void link_spreads(struct validation *v, struct ast_selection *s)
{
    for (; s; s = s->next) {
        if (s->kind == AST_SPREAD) {
            s->fragment = validation_fragment(v, s->name);
            if (!s->fragment)
                gql_error_add(v->errors, INVALID, s->name_loc, "there is no fragment named \"%s\"",
                              s->name);
        }
        link_spreads(v, s->selections);
    }
}

enum { UNSEEN, OPEN, DONE };

/* Depth first with three colours; a spread of an open fragment closes a cycle. */
static void find_cycles(struct validation *v, struct ast_definition *fragment,
                        const struct ast_selection *s)
{
    for (; s; s = s->next) {
        if (s->kind != AST_SPREAD || !s->fragment) {
            find_cycles(v, fragment, s->selections);
            continue;
        }
        if (s->fragment->mark == OPEN) {
            gql_error_add(v->errors, INVALID, s->loc, "fragment \"%s\" spreads itself%s%s%s",
                          s->fragment->name, s->fragment == fragment ? "" : " through \"",
                          s->fragment == fragment ? "" : fragment->name,
                          s->fragment == fragment ? "" : "\"");
        } else if (s->fragment->mark == UNSEEN) {
            s->fragment->mark = OPEN;
            find_cycles(v, s->fragment, s->fragment->selections);
            s->fragment->mark = DONE;
        }
    }
}

static void mark_used(struct ast_selection *s)
{
    for (; s; s = s->next) {
        mark_used(s->selections);
        if (s->kind == AST_SPREAD && s->fragment && s->fragment->mark == UNSEEN) {
            s->fragment->mark = DONE;
            mark_used(s->fragment->selections);
        }
    }
}

static void clear_marks(struct validation *v)
{
    for (struct ast_definition *d = v->document->definitions; d; d = d->next)
        d->mark = UNSEEN;
    v->mark = DONE;
}

static void check_condition(struct validation *v, const char *name, struct gql_loc loc)
{
    const struct gql_type *t = gql_type_find(v->schema, name);

    if (!t)
        gql_error_add(v->errors, INVALID, loc, "there is no type \"%s\"", name);
    else if (!gql_is_composite(t))
        gql_error_add(v->errors, INVALID, loc,
                      "a fragment cannot be on \"%s\", which has no fields", name);
}

static void inline_conditions(struct validation *v, const struct ast_selection *s)
{
    for (; s; s = s->next) {
        if (s->kind == AST_INLINE && s->name)
            check_condition(v, s->name, s->name_loc);
        inline_conditions(v, s->selections);
    }
}

void validate_fragments(struct validation *v)
{
    struct ast_definition *d;

    for (d = v->document->definitions; d; d = d->next) {
        link_spreads(v, d->selections);
        inline_conditions(v, d->selections);
        if (d->kind == AST_FRAGMENT)
            check_condition(v, d->condition, d->condition_loc);
    }
    clear_marks(v);
    for (d = v->document->definitions; d; d = d->next) {
        if (d->kind != AST_FRAGMENT || d->mark != UNSEEN)
            continue;
        d->mark = OPEN;
        find_cycles(v, d, d->selections);
        d->mark = DONE;
    }
    clear_marks(v);
    for (d = v->document->definitions; d; d = d->next)
        if (ast_is_operation(d))
            mark_used(d->selections);
    for (d = v->document->definitions; d; d = d->next)
        if (d->kind == AST_FRAGMENT && d->mark == UNSEEN)
            gql_error_add(v->errors, INVALID, d->loc, "fragment \"%s\" is never used", d->name);
    clear_marks(v);
}

/* --- all of them ---------------------------------------------------------------------------------
 */

int gql_validate(const struct gql_schema *schema, struct ast_document *document,
                 const struct gql_limits *limits, struct arena *arena, struct gql_errors *errors)
{
    static void (*const rules[])(struct validation *) = {
        validate_operations,    validate_fragments, validate_selections,
        validate_directives,    validate_values,    validate_variables,
        validate_subscriptions, validate_merging,   validate_limits};
    struct validation v = {schema, document, limits, arena, errors, 0};

    if (validate_directive_limit(&v))
        return -1;
    /* Later rules walk what earlier ones found sound. */
    for (size_t i = 0; i < sizeof(rules) / sizeof(rules[0]); i++) {
        if ((i < 3 || i > 6) && errors->count)
            break;
        rules[i](&v);
    }
    return errors->count ? -1 : 0;
}
