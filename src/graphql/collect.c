/* CollectFields. Called by the executors, after validation.
 * Diagnostics: none; the document is known to be valid. */
#include "graphql/collect.h"

#include <string.h>

struct walk {
    const struct collect *c;
    const struct gql_type *type;
    struct collected *first, **last;
    struct visited {
        const struct ast_definition *fragment;
        struct visited *next;
    } * visited;
};

static bool condition(const struct collect *c, const struct ast_directive *d)
{
    const struct gql_directive *def = gql_directive_find(c->schema, d->name);
    struct gql_errors errors;
    struct gql_value *args;

    gql_errors_init(&errors, c->arena);
    if (gql_coerce_arguments(c->arena, def->args, def->n_args, d->arguments, c->vars, d->loc, &args,
                             &errors))
        return false;
    return args[0].i != 0;
}

bool collect_included(const struct collect *c, const struct ast_selection *s)
{
    for (const struct ast_directive *d = s->directives; d; d = d->next) {
        if (strcmp(d->name, "skip") == 0 && condition(c, d))
            return false;
        if (strcmp(d->name, "include") == 0 && !condition(c, d))
            return false;
    }
    return true;
}

static void add_field(struct walk *w, const struct ast_selection *s)
{
    struct collected *f = w->first;

    while (f && strcmp(f->key, s->key) != 0)
        f = f->next;
    if (!f) {
        f = arena_alloc(w->c->arena, sizeof(*f));
        f->key = s->key;
        f->first = s;
        f->field = gql_field_find(w->c->schema, w->type, s->name);
        *w->last = f;
        w->last = &f->next;
    }
    if ((f->n_merged & (f->n_merged - 1)) == 0) /* full at powers of two */
        f->merged = arena_grow(w->c->arena, f->merged, f->n_merged,
                               f->n_merged ? f->n_merged * 2 : 1, sizeof(*f->merged));
    f->merged[f->n_merged++] = s;
}

static bool visit(struct walk *w, const struct ast_definition *fragment)
{
    struct visited *v;

    for (v = w->visited; v; v = v->next)
        if (v->fragment == fragment)
            return false;
    v = arena_alloc(w->c->arena, sizeof(*v));
    v->fragment = fragment;
    v->next = w->visited;
    w->visited = v;
    return true;
}

static bool applies(struct walk *w, const char *condition_name)
{
    const struct gql_type *t =
        condition_name ? gql_type_find(w->c->schema, condition_name) : w->type;

    return t && gql_type_possible(t, w->type);
}

static void walk(struct walk *w, const struct ast_selection *s)
{
    for (; s; s = s->next) {
        if (!collect_included(w->c, s))
            continue;
        if (s->kind == AST_FIELD)
            add_field(w, s);
        else if (s->kind == AST_INLINE && applies(w, s->name))
            walk(w, s->selections);
        else if (s->kind == AST_SPREAD && visit(w, s->fragment) &&
                 applies(w, s->fragment->condition))
            walk(w, s->fragment->selections);
    }
}

struct collected *collect_fields(const struct collect *c, const struct gql_type *t,
                                 const struct ast_selection *selections)
{
    struct walk w = {.c = c, .type = t};

    w.last = &w.first;
    walk(&w, selections);
    return w.first;
}

struct collected *collect_sub(const struct collect *c, const struct gql_type *t,
                              const struct collected *of)
{
    struct walk w = {.c = c, .type = t};

    w.last = &w.first;
    for (size_t i = 0; i < of->n_merged; i++)
        walk(&w, of->merged[i]->selections);
    return w.first;
}
