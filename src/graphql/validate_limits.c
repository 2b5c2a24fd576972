/* The limits on depth, aliases, root fields and directives. Called by gql_validate,
 * behind the rules: fields are known, fragments have no cycles. A fragment is measured once,
 * however often it is spread. Diagnostics: LIMIT_*. */
#include "graphql/validate_priv.h"

#include <stdint.h>
#include <string.h>

/* What a selection list amounts to; a fragment's is counted once and kept. */
struct amount {
    uint64_t depth, aliases;
};

struct known {
    const struct ast_definition *fragment;
    struct amount amount;
    struct known *next;
};

struct measure {
    struct validation *v;
    struct known *known;
};

static uint64_t capped(uint64_t v)
{
    return v < UINT32_MAX ? v : UINT32_MAX;
}

static struct amount measure(struct measure *m, const struct ast_selection *s);

static struct amount measure_fragment(struct measure *m, const struct ast_definition *f)
{
    struct known *k;

    for (k = m->known; k; k = k->next)
        if (k->fragment == f)
            return k->amount;
    k = arena_alloc(m->v->arena, sizeof(*k));
    k->fragment = f;
    k->amount = measure(m, f->selections);
    k->next = m->known;
    m->known = k;
    return k->amount;
}

static struct amount measure(struct measure *m, const struct ast_selection *s)
{
    struct amount sum = {0};

    for (; s; s = s->next) {
        struct amount sub;

        if (s->kind == AST_FIELD) {
            sub = measure(m, s->selections);
            if (sub.depth + 1 > sum.depth)
                sum.depth = sub.depth + 1;
            sum.aliases += strcmp(s->key, s->name) != 0;
        } else {
            sub = s->kind == AST_SPREAD ? measure_fragment(m, s->fragment)
                                        : measure(m, s->selections);
            if (sub.depth > sum.depth)
                sum.depth = sub.depth;
        }
        sum.aliases = capped(sum.aliases + sub.aliases);
    }
    return sum;
}

/* Root fields with fragments: each fragment once. */
static unsigned roots(struct validation *v, const struct ast_selection *s)
{
    unsigned n = 0;

    for (; s; s = s->next) {
        if (s->kind == AST_FIELD) {
            n++;
        } else if (s->kind == AST_INLINE) {
            n += roots(v, s->selections);
        } else if (s->fragment->mark != v->mark) {
            s->fragment->mark = v->mark;
            n += roots(v, s->fragment->selections);
        }
    }
    return n;
}

static bool introspects(const struct ast_definition *d)
{
    for (const struct ast_selection *s = d->selections; s; s = s->next)
        if (s->kind != AST_FIELD || strncmp(s->name, "__", 2) != 0)
            return false;
    return true;
}

static void limit(struct validation *v, const struct ast_definition *d, const char *code,
                  const char *what, uint64_t is, uint64_t max)
{
    if (is > max)
        gql_error_add(v->errors, code, d->loc, "%s %llu is above the limit of %llu", what,
                      (unsigned long long)is, (unsigned long long)max);
}

int validate_directive_limit(struct validation *v)
{
    if (!v->limits || v->document->directives <= v->limits->directives)
        return 0;
    gql_error_add(v->errors, "LIMIT_DIRECTIVES", (struct gql_loc){1, 1},
                  "the number of directives, %u, is above the limit of %u", v->document->directives,
                  v->limits->directives);
    return -1;
}

void validate_limits(struct validation *v)
{
    struct measure m = {.v = v};

    if (!v->limits)
        return;
    for (const struct ast_definition *d = v->document->definitions; d; d = d->next) {
        struct amount a;

        if (!ast_is_operation(d))
            continue;
        v->mark++;
        a = measure(&m, d->selections);
        limit(v, d, "LIMIT_ROOTS", "the number of root fields,", roots(v, d->selections),
              v->limits->roots);
        limit(v, d, "LIMIT_ALIASES", "the number of aliases,", a.aliases, v->limits->aliases);
        if (introspects(d)) /* tools ask for types 20 levels deep */
            continue;
        limit(v, d, "LIMIT_DEPTH", "the depth of nested fields,", a.depth, v->limits->depth);
    }
}
