/* Rules about documents and operations (sections 5.1 and 5.2). Called by gql_validate.
 * Diagnostics: GRAPHQL_VALIDATION_FAILED. */
#include "graphql/validate_priv.h"

#include <string.h>

/* 5.1.1 */
void rule_executable_definitions(struct validation *v, const struct ast_definition *d)
{
    if (!ast_is_executable(d))
        gql_error_add(v->errors, INVALID, d->loc, "a type system definition cannot be executed");
}

/* A service has nothing to do for a document without one (section 6.1). */
void rule_some_operation(struct validation *v)
{
    if (v->operations == 0 && v->errors->count == 0)
        gql_error_add(v->errors, INVALID, (struct gql_loc){1, 1},
                      "the document holds no operation");
}

/* 5.2.1.1 */
void rule_operation_type_existence(struct validation *v, const struct ast_definition *d)
{
    static const char *const words[] = {"query", "mutation", "subscription"};

    if (!validation_root(v, d))
        gql_error_add(v->errors, INVALID, d->loc, "the schema has no %s type", words[d->kind]);
}

/* 5.2.2.1 */
void rule_operation_name_uniqueness(struct validation *v, const struct ast_definition *d)
{
    const struct ast_definition *first = d->name ? validation_named(v, d)->first : d;

    if (first != d)
        gql_error_add(v->errors, INVALID, first->name_loc, "there are two operations named \"%s\"",
                      d->name)
            ->also = d->name_loc;
}

/* 5.2.3.1 */
void rule_lone_anonymous_operation(struct validation *v, const struct ast_definition *d)
{
    if (!d->name && v->operations > 1)
        gql_error_add(v->errors, INVALID, d->loc,
                      "an operation without a name must be the only one");
}

static bool applies(const struct validation *v, const char *condition)
{
    const struct gql_type *t = gql_type_find(v->schema, condition);

    return t && v->schema->subscription && gql_type_possible(t, v->schema->subscription);
}

static void root_directives(struct validation *v, const struct ast_selection *s)
{
    for (const struct ast_directive *d = s->directives; d; d = d->next)
        if (strcmp(d->name, "skip") == 0 || strcmp(d->name, "include") == 0)
            gql_error_add(v->errors, INVALID, d->loc,
                          "@%s is not allowed on the root field of a subscription", d->name);
}

/* *first is the first field found. */
static void subscription_root(struct validation *v, const struct ast_selection *s,
                              const struct ast_selection **first)
{
    for (; s; s = s->next) {
        root_directives(v, s);
        if (s->kind == AST_INLINE) {
            if (!s->name || applies(v, s->name))
                subscription_root(v, s->selections, first);
        } else if (s->kind == AST_SPREAD) {
            if (!s->fragment || s->fragment->mark == v->mark || !applies(v, s->fragment->condition))
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

/* 5.2.4.1: only one response key, no directive that could leave it out, nothing of the schema. */
void rule_single_root_field(struct validation *v)
{
    for (const struct ast_definition *d = v->document->definitions; d; d = d->next) {
        const struct ast_selection *first = NULL;

        if (d->kind != AST_SUBSCRIPTION)
            continue;
        v->mark++;
        subscription_root(v, d->selections, &first);
    }
}
