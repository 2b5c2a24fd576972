/* Rules about fragments (section 5.5). Called by gql_validate.
 * Diagnostics: GRAPHQL_VALIDATION_FAILED. */
#include "graphql/validate_priv.h"

enum { UNSEEN, OPEN, DONE };

static void clear_marks(struct validation *v)
{
    for (struct ast_definition *d = v->document->definitions; d; d = d->next)
        d->mark = UNSEEN;
    v->mark = DONE; /* later walks count on from here */
}

/* 5.5.1.1 */
void rule_fragment_name_uniqueness(struct validation *v, const struct ast_definition *d)
{
    const struct ast_definition *first = validation_named(v, d)->first;

    if (first != d)
        gql_error_add(v->errors, INVALID, first->name_loc, "there are two fragments named \"%s\"",
                      d->name)
            ->also = d->name_loc;
}

/* 5.5.1.2 */
void rule_fragment_type_existence(struct validation *v, const char *condition, struct gql_loc loc)
{
    if (!gql_type_find(v->schema, condition))
        gql_error_add(v->errors, INVALID, loc, "there is no type \"%s\"", condition);
}

/* 5.5.1.3 */
void rule_fragments_on_composite_types(struct validation *v, const char *condition,
                                       struct gql_loc loc)
{
    const struct gql_type *t = gql_type_find(v->schema, condition);

    if (t && !gql_is_composite(t))
        gql_error_add(v->errors, INVALID, loc,
                      "a fragment cannot be on \"%s\", which has no fields", condition);
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

/* 5.5.1.4 */
void rule_fragments_must_be_used(struct validation *v)
{
    clear_marks(v);
    for (struct ast_definition *d = v->document->definitions; d; d = d->next)
        if (ast_is_operation(d))
            mark_used(d->selections);
    for (struct ast_definition *d = v->document->definitions; d; d = d->next)
        if (d->kind == AST_FRAGMENT && validation_fragment(v, d->name)->mark == UNSEEN)
            gql_error_add(v->errors, INVALID, d->loc, "fragment \"%s\" is never used", d->name);
    clear_marks(v);
}

/* 5.5.2.1 */
void rule_fragment_spread_target_defined(struct validation *v, const struct ast_selection *s)
{
    if (!s->fragment)
        gql_error_add(v->errors, INVALID, s->name_loc, "there is no fragment named \"%s\"",
                      s->name);
}

/* Depth first with three colours; a spread of an open fragment closes a cycle. */
static void find_cycles(struct validation *v, struct ast_definition *fragment,
                        const struct ast_selection *s)
{
    for (; s; s = s->next) {
        if (s->kind != AST_SPREAD || !s->fragment) {
            find_cycles(v, fragment, s->selections);
        } else if (s->fragment->mark == OPEN) {
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

/* 5.5.2.2 */
void rule_fragment_spreads_form_no_cycles(struct validation *v)
{
    clear_marks(v);
    for (struct ast_definition *d = v->document->definitions; d; d = d->next) {
        if (d->kind != AST_FRAGMENT || d->mark != UNSEEN)
            continue;
        d->mark = OPEN;
        find_cycles(v, d, d->selections);
        d->mark = DONE;
    }
    clear_marks(v);
}

static bool overlap(const struct gql_schema *schema, const struct gql_type *a,
                    const struct gql_type *b)
{
    if (a == b)
        return true;
    for (const struct gql_type *t = schema->types; t; t = t->next)
        if (t->kind == GQL_OBJECT && gql_type_possible(a, t) && gql_type_possible(b, t))
            return true;
    return false;
}

/* 5.5.2.3 */
void rule_fragment_spread_is_possible(struct validation *v, const struct gql_type *parent,
                                      const char *condition, struct gql_loc loc)
{
    const struct gql_type *t = gql_type_find(v->schema, condition);

    if (parent && t && gql_is_composite(t) && !overlap(v->schema, parent, t))
        gql_error_add(v->errors, INVALID, loc, "a fragment on %s can never apply to %s", condition,
                      parent->name);
}
