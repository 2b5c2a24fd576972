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

/* A selection list. Long ones have their fields by key in chains, so that comparing two of them
 * does not take the product of their lengths. */
struct set {
    const struct ast_selection *head;
    struct link {
        const struct ast_selection *s;
        struct link *next;
    } * *chains, *others; /* others: spreads and inline fragments; chains NULL: not indexed */
    size_t n_chains;      /* a power of two */
    struct set *next;
};

#define INDEXED_FROM 16u /* fields */

struct merging {
    struct validation *v;
    struct set **sets;
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

static size_t chain_of(const struct set *set, const char *key)
{
    uint64_t h = 0;

    for (; *key; key++)
        h = (h ^ (unsigned char)*key) * UINT64_C(1099511628211);
    return (h ^ h >> 32) & (set->n_chains - 1);
}

static void index_set(struct merging *m, struct set *set, size_t n)
{
    for (set->n_chains = 32; set->n_chains < n; set->n_chains *= 2)
        ;
    set->chains = arena_alloc(m->v->arena, set->n_chains * sizeof(*set->chains));
    for (const struct ast_selection *s = set->head; s; s = s->next) {
        struct link **at =
            s->kind == AST_FIELD ? &set->chains[chain_of(set, s->key)] : &set->others;
        struct link *link = arena_take(m->v->arena, sizeof(*link));

        *link = (struct link){s, *at};
        *at = link;
    }
}

static struct set *set_of(struct merging *m, const struct ast_selection *head)
{
    struct set **bucket = &m->sets[((uintptr_t)head >> 4) % m->n_buckets], *set;
    size_t n = 0;

    for (set = *bucket; set; set = set->next)
        if (set->head == head)
            return set;
    set = arena_alloc(m->v->arena, sizeof(*set));
    *set = (struct set){.head = head, .next = *bucket};
    *bucket = set;
    for (const struct ast_selection *s = head; s; s = s->next)
        n += s->kind == AST_FIELD;
    if (n >= INDEXED_FROM)
        index_set(m, set, n);
    return set;
}

static bool compare_with_set(struct merging *m, const struct ast_selection *field,
                             const struct set *set, bool exclusive);

/* Returns whether the rest of the set need not be looked at. */
static bool compare_with(struct merging *m, const struct ast_selection *field,
                         const struct ast_selection *s, bool exclusive)
{
    if (s->kind != AST_FIELD) {
        if (inner(s) && first_time(m, FIELD_WITH_SET, field, inner(s), exclusive))
            compare_with_set(m, field, set_of(m, inner(s)), exclusive);
        return enough(m);
    }
    if (strcmp(s->key, field->key) != 0)
        return false;
    compare_fields(m, field, s, exclusive);
    return stands_for(s, field) || enough(m);
}

static bool compare_with_links(struct merging *m, const struct ast_selection *field,
                               const struct link *link, bool exclusive)
{
    for (; link; link = link->next)
        if (compare_with(m, field, link->s, exclusive))
            return true;
    return false;
}

/* One field against every field of a set, its fragments included. */
static bool compare_with_set(struct merging *m, const struct ast_selection *field,
                             const struct set *set, bool exclusive)
{
    if (set->chains)
        return compare_with_links(m, field, set->chains[chain_of(set, field->key)], exclusive) ||
               compare_with_links(m, field, set->others, exclusive);
    for (const struct ast_selection *s = set->head; s; s = s->next)
        if (compare_with(m, field, s, exclusive))
            return true;
    return false;
}

/* Every field of a against every field of b. */
static void compare_sets(struct merging *m, const struct ast_selection *a,
                         const struct ast_selection *b, bool exclusive)
{
    const struct set *set;

    if (!first_time(m, SETS, a, b, exclusive))
        return;
    set = set_of(m, b);
    for (; a && !enough(m); a = a->next) {
        if (a->kind == AST_FIELD)
            compare_with_set(m, a, set, exclusive);
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
    m->sets = arena_alloc(v->arena, m->n_buckets * sizeof(struct set *));
    for (const struct ast_definition *d = v->document->definitions; d; d = d->next)
        if (ast_is_executable(d))
            each_set(m, d->selections);
}
