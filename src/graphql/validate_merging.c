/* Fields of one response key must agree (section 5.3.2). Called by gql_validate.
 * Fields are compared by response key over sets of selections; each pair of sets is compared once,
 * so fragments that spread each other twice cost no more than once.
 * Diagnostics: GRAPHQL_VALIDATION_FAILED, LIMIT_*. */
#include "graphql/validate_priv.h"

#include <stdint.h>
#include <string.h>

/* --- agreement -----------------------------------------------------------------------------------
 */

/* What was compared: a field is the head of a set, so the pointers alone do not tell. */
enum pairing { SETS, FIELD_WITH_SET, CONFLICT };

struct pair {
    const void *a, *b;
    enum pairing pairing;
    bool exclusive;
    struct pair *next;
};

struct merging {
    struct validation *v;
    struct pair **pairs;
    size_t n_buckets, n_pairs;
    unsigned conflicts;
};

static bool enough(const struct merging *m)
{
    return m->n_pairs > LIMIT_OVERLAPS_MAX || m->conflicts > GQL_ERRORS_MAX;
}

/* Whether the pair was not compared before (in a way at least as strict). */
static bool first_time(struct merging *m, enum pairing pairing, const void *a, const void *b,
                       bool exclusive)
{
    uintptr_t x = (uintptr_t)a, y = (uintptr_t)b;
    struct pair **bucket, *p;

    if (x > y && pairing != FIELD_WITH_SET) {
        const void *swap = a;

        a = b;
        b = swap;
        x = (uintptr_t)a;
        y = (uintptr_t)b;
    }
    bucket = &m->pairs[((x * 31 + y) >> 4) % m->n_buckets];
    for (p = *bucket; p; p = p->next)
        if (p->a == a && p->b == b && p->pairing == pairing && (!p->exclusive || exclusive))
            return false;
    if (++m->n_pairs > LIMIT_OVERLAPS_MAX) {
        if (m->n_pairs == LIMIT_OVERLAPS_MAX + 1)
            gql_error_add(m->v->errors, "LIMIT_OVERLAPS", (struct gql_loc){1, 1},
                          "the document has too many selections that overlap");
        return false;
    }
    p = arena_alloc(m->v->arena, sizeof(*p));
    *p = (struct pair){a, b, pairing, exclusive, *bucket};
    *bucket = p;
    return true;
}

static bool same_value(const struct ast_value *a, const struct ast_value *b)
{
    const struct ast_value *x, *y;

    if (a->kind != b->kind)
        return false;
    if (a->kind != AST_LIST && a->kind != AST_OBJECT)
        return a->kind == AST_NULL || (a->len == b->len && memcmp(a->text, b->text, a->len) == 0);
    if (a->kind == AST_LIST) {
        for (x = a->items, y = b->items; x && y; x = x->next, y = y->next)
            if (!same_value(x, y))
                return false;
        return !x && !y;
    }
    for (x = a->items; x; x = x->next) {
        for (y = b->items; y && strcmp(x->field, y->field) != 0; y = y->next)
            ;
        if (!y || !same_value(x, y))
            return false;
    }
    for (y = b->items; y; y = y->next) {
        for (x = a->items; x && strcmp(x->field, y->field) != 0; x = x->next)
            ;
        if (!x)
            return false;
    }
    return true;
}

static bool same_arguments(const struct ast_argument *a, const struct ast_argument *b)
{
    size_t n = 0;

    for (const struct ast_argument *x = a; x; x = x->next, n++) {
        const struct ast_argument *y = b;

        while (y && strcmp(x->name, y->name) != 0)
            y = y->next;
        if (!y || !same_value(x->value, y->value))
            return false;
    }
    for (; b; b = b->next)
        n--;
    return n == 0;
}

static bool same_shape(const struct gql_ref *a, const struct gql_ref *b)
{
    if (a->non_null != b->non_null || !a->of != !b->of)
        return false;
    if (a->of)
        return same_shape(a->of, b->of);
    if (gql_is_leaf(a->type) || gql_is_leaf(b->type))
        return a->type == b->type;
    return true;
}

static bool is_object(const struct gql_type *t)
{
    return t && t->kind == GQL_OBJECT;
}

static void compare_sets(struct merging *m, const struct ast_selection *a,
                         const struct ast_selection *b, bool exclusive);

static void compare_fields(struct merging *m, const struct ast_selection *a,
                           const struct ast_selection *b, bool exclusive)
{
    const char *why = NULL;

    if (a == b)
        return;
    exclusive =
        exclusive || (a->parent != b->parent && is_object(a->parent) && is_object(b->parent));
    if (!exclusive && strcmp(a->name, b->name) != 0)
        why = "they are different fields";
    else if (!exclusive && !same_arguments(a->arguments, b->arguments))
        why = "their arguments differ";
    else if (a->field && b->field && !same_shape(a->field->ref, b->field->ref))
        why = "their types differ";
    if (why && !first_time(m, CONFLICT, a, b, false))
        return;
    if (why) {
        m->conflicts++;
        gql_error_add(m->v->errors, INVALID, a->loc,
                      "\"%s\" is selected twice and cannot be merged: %s; use aliases", a->key, why)
            ->also = b->loc;
        return;
    }
    if (a->selections && b->selections)
        compare_sets(m, a->selections, b->selections, exclusive);
}

/* Whether what is compared with a need not be compared with b: for leaves of one type agreement is
 * an equivalence, and a is compared with all of its set when that is compared with itself. */
static bool stands_for(const struct ast_selection *a, const struct ast_selection *b)
{
    return a != b && a->parent == b->parent && !a->selections && !b->selections;
}

/* The fields below a spread or an inline fragment; NULL: there is no such fragment. */
static const struct ast_selection *inner(const struct ast_selection *s)
{
    if (s->kind == AST_INLINE)
        return s->selections;
    return s->fragment ? s->fragment->selections : NULL;
}

/* One field against every field of a set, its fragments included. */
static void compare_with_set(struct merging *m, const struct ast_selection *field,
                             const struct ast_selection *set, bool exclusive)
{
    for (; set && !enough(m); set = set->next) {
        if (set->kind != AST_FIELD) {
            if (inner(set) && first_time(m, FIELD_WITH_SET, field, inner(set), exclusive))
                compare_with_set(m, field, inner(set), exclusive);
            continue;
        }
        if (strcmp(set->key, field->key) != 0)
            continue;
        compare_fields(m, field, set, exclusive);
        if (stands_for(set, field))
            return;
    }
}

/* Every field of a against every field of b. */
static void compare_sets(struct merging *m, const struct ast_selection *a,
                         const struct ast_selection *b, bool exclusive)
{
    if (!first_time(m, SETS, a, b, exclusive))
        return;
    for (; a && !enough(m); a = a->next) {
        if (a->kind == AST_FIELD)
            compare_with_set(m, a, b, exclusive);
        else if (inner(a))
            compare_sets(m, inner(a), b, exclusive);
    }
}

/* Every set with itself; fields of fragments spread into it included. */
static void each_set(struct merging *m, const struct ast_selection *set)
{
    compare_sets(m, set, set, false);
    for (; set && !enough(m); set = set->next)
        if (set->selections)
            each_set(m, set->selections);
}

/* 5.3.2 */
void rule_field_selection_merging(struct validation *v)
{
    struct merging *m = arena_alloc(v->arena, sizeof(*m));

    m->v = v;
    m->n_buckets = v->document->tokens * 8u + 64;
    m->pairs = arena_alloc(v->arena, m->n_buckets * sizeof(struct pair *));
    for (const struct ast_definition *d = v->document->definitions; d; d = d->next)
        if (ast_is_executable(d))
            each_set(m, d->selections);
}
