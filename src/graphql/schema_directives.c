/* What directives of the SDL say about types and fields: the scope, the cost, that something is
 * deprecated. Called while the schema is built.
 * Diagnostics: mistakes of the SDL stand in the error list with their places. */
#include <stdlib.h>
#include <string.h>

#include "graphql/schema_priv.h"

const struct ast_directive *schema_directive(const struct ast_directive *list, const char *name)
{
    for (; list; list = list->next)
        if (strcmp(list->name, name) == 0)
            return list;
    return NULL;
}

const char *schema_deprecation(const struct ast_directive *list)
{
    const struct ast_directive *d = schema_directive(list, "deprecated");

    if (!d)
        return NULL;
    return d->arguments ? d->arguments->value->text : "No longer supported";
}

unsigned schema_scope(struct schema_build *b, const struct ast_directive *list)
{
    const struct ast_directive *d = schema_directive(list, "auth");
    const char *text;

    if (!d)
        return 0;
    text = d->arguments ? d->arguments->value->text : "";
    if (strcmp(text, "READ") == 0)
        return SCOPE_READ;
    if (strcmp(text, "INGEST") == 0)
        return SCOPE_INGEST;
    if (strcmp(text, "ADMIN") == 0)
        return SCOPE_ADMIN;
    if (strcmp(text, "WRITE") == 0)
        return SCOPE_WRITE;
    if (strcmp(text, "ERASE") == 0)
        return SCOPE_ERASE;
    gql_error_add(b->errors, BAD_SCHEMA, d->loc, "unknown scope \"%s\"", text);
    return 0;
}

static const struct ast_value *argument(const struct ast_directive *d, const char *name)
{
    for (const struct ast_argument *a = d->arguments; a; a = a->next)
        if (strcmp(a->name, name) == 0)
            return a->value;
    return NULL;
}

static uint32_t number(struct schema_build *b, const struct ast_directive *d, const char *name)
{
    const struct ast_value *v = argument(d, name);

    if (v && v->kind == AST_INT && v->text[0] != '-')
        return (uint32_t)strtoul(v->text, NULL, 10);
    gql_error_add(b->errors, BAD_SCHEMA, d->loc, "@%s: expected %s, 0 or more", d->name, name);
    return 0;
}

/* The strings of a list; each must name one of what the field has. */
static const struct ast_value *names(struct schema_build *b, const struct ast_directive *d,
                                     const char *name, const struct gql_field *f)
{
    const struct ast_value *v = argument(d, name);

    if (!v)
        return NULL;
    for (const struct ast_value *item = v->items; item; item = item->next)
        if (f && !gql_input_find(f->args, f->n_args, item->text, item->len))
            gql_error_add(b->errors, BAD_SCHEMA, item->loc, "%s has no argument \"%s\"", f->name,
                          item->text);
    return v->items;
}

void schema_cost(struct schema_build *b, struct gql_field *f, const struct ast_directive *list)
{
    const struct ast_directive *weight = schema_directive(list, "cost"),
                               *d = schema_directive(list, "listSize");
    struct gql_size *size;

    f->cost = weight ? number(b, weight, "weight") : 1;
    if (!d)
        return;
    size = arena_alloc(b->s->arena, sizeof(*size));
    size->assumed = number(b, d, "assumedSize");
    size->slicing = names(b, d, "slicingArguments", f);
    size->sized = names(b, d, "sizedFields", NULL);
    f->size = size;
}

const char *schema_specified_by(const struct ast_definition *d)
{
    const struct ast_directive *dir = schema_directive(d->directives, "specifiedBy");

    return dir && dir->arguments ? dir->arguments->value->text : NULL;
}
