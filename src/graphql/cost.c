/* The cost of an operation. Called while a request is planned: fields are known, fragments have no
 * cycles, variables have their values. A fragment is measured once, however often it is spread.
 * Diagnostics: none. */
#include "graphql/cost.h"

#include <stdlib.h>
#include <string.h>

#define KNOWN_BUCKETS 64u

/* Of a selection list: what it costs once, and once more for each entry of the connection that it
 * is of. */
struct amount {
    uint64_t once, each;
};

struct known {
    const struct ast_definition *fragment;
    const struct gql_size *size;
    struct amount amount;
    struct known *next;
};

struct measure {
    const struct collect *c;
    struct known *known[KNOWN_BUCKETS];
};

static uint64_t capped(uint64_t v)
{
    return v < UINT32_MAX ? v : UINT32_MAX;
}

/* --- how long a list is --------------------------------------------------------------------------
 */

/* The size that a value asks for: an integer, or the length of a list; -1: none. */
static int64_t size_of_value(const struct gql_value *v)
{
    switch (v->kind) {
    case VALUE_INT:
        return v->i > 0 ? v->i : 0;
    case VALUE_LIST:
        return (int64_t)v->list.n;
    case VALUE_INTS:
        return (int64_t)v->ints.n;
    default:
        return -1;
    }
}

static int64_t size_of_literal(const struct ast_value *v)
{
    int64_t n = 0;

    if (v->kind == AST_INT)
        return v->text[0] == '-' ? 0 : strtoll(v->text, NULL, 10);
    if (v->kind != AST_LIST)
        return v->kind == AST_OBJECT ? 1 : -1; /* one stands for a list of one */
    for (const struct ast_value *item = v->items; item; item = item->next)
        n++;
    return n;
}

static int64_t size_of_argument(const struct measure *m, const struct ast_selection *s,
                                const char *name)
{
    const struct gql_input *in =
        gql_input_find(s->field->args, s->field->n_args, name, strlen(name));

    for (const struct ast_argument *a = s->arguments; a; a = a->next) {
        if (strcmp(a->name, name) != 0)
            continue;
        if (a->value->kind != AST_VARIABLE)
            return size_of_literal(a->value);
        for (size_t i = 0; i < m->c->vars->n; i++)
            if (strcmp(m->c->vars->list[i].name, a->value->text) == 0)
                return size_of_value(&m->c->vars->list[i].value);
    }
    return in && in->default_value ? size_of_literal(in->default_value) : -1;
}

static uint64_t entries(const struct measure *m, const struct ast_selection *s,
                        const struct gql_size *size)
{
    int64_t most = -1;

    for (const struct ast_value *name = size->slicing; name; name = name->next) {
        int64_t n = size_of_argument(m, s, name->text);

        most = n > most ? n : most;
    }
    return most < 0 ? size->assumed : capped((uint64_t)most);
}

static bool is_sized(const struct gql_size *size, const char *field)
{
    for (const struct ast_value *name = size ? size->sized : NULL; name; name = name->next)
        if (strcmp(name->text, field) == 0)
            return true;
    return false;
}

/* --- the walk ------------------------------------------------------------------------------------
 */

/* size: of the connection whose fields are selected; NULL: it is none. */
static struct amount measure(struct measure *m, const struct ast_selection *s,
                             const struct gql_size *size);

static void add_field(struct measure *m, struct amount *sum, const struct ast_selection *s,
                      const struct gql_size *size)
{
    const struct gql_field *f = s->field;
    const struct gql_size *below = f->size && f->size->sized ? f->size : NULL;
    struct amount sub;

    sum->once = capped(sum->once + f->cost);
    if (!s->selections)
        return;
    sub = measure(m, s->selections, below);
    if (is_sized(size, s->name)) {
        sum->each = capped(sum->each + sub.once);
        return;
    }
    if (f == &m->c->schema->schema_field || f == &m->c->schema->type_field)
        sub.once = (sub.once + COST_INTROSPECTION - 1) / COST_INTROSPECTION;
    if (below)
        sub.once = capped(sub.once + capped(entries(m, s, below) * sub.each));
    else if (f->size)
        sub.once = capped(sub.once * entries(m, s, f->size));
    else if (f->ref->of)
        sub.once = capped(sub.once * COST_LIST);
    sum->once = capped(sum->once + sub.once);
}

static struct amount measure_fragment(struct measure *m, const struct ast_definition *fragment,
                                      const struct gql_size *size)
{
    struct known **bucket = &m->known[((uintptr_t)fragment >> 4) % KNOWN_BUCKETS], *k;

    for (k = *bucket; k; k = k->next)
        if (k->fragment == fragment && k->size == size)
            return k->amount;
    k = arena_alloc(m->c->arena, sizeof(*k));
    *k = (struct known){fragment, size, measure(m, fragment->selections, size), NULL};
    k->next = *bucket;
    *bucket = k;
    return k->amount;
}

static struct amount measure(struct measure *m, const struct ast_selection *s,
                             const struct gql_size *size)
{
    struct amount sum = {0};

    for (; s; s = s->next) {
        struct amount sub = {0};

        if (!collect_included(m->c, s))
            continue;
        if (s->kind == AST_FIELD)
            add_field(m, &sum, s, size);
        else if (s->kind == AST_SPREAD)
            sub = measure_fragment(m, s->fragment, size);
        else
            sub = measure(m, s->selections, size);
        sum.once = capped(sum.once + sub.once);
        sum.each = capped(sum.each + sub.each);
    }
    return sum;
}

uint64_t cost_of(const struct collect *c, const struct ast_selection *selections)
{
    struct measure m = {.c = c};

    return measure(&m, selections, NULL).once;
}
