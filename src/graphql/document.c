/* The cache of documents. Called by the server for each request.
 * Diagnostics: none of its own. */
#include "graphql/document.h"

#include <stdlib.h>
#include <string.h>

#include "graphql/limits.h"
#include "presence/buf.h"

#define BUCKETS   256u
#define KEEP_MAX  256u
#define TEXT_KEEP 16384u /* longer ones are not kept */

struct documents {
    const struct gql_schema *schema;
    struct gql_limits limits;
    struct document *buckets[BUCKETS];
    unsigned kept;
    uint64_t clock;
};

struct documents *documents_new(const struct gql_schema *schema, const struct gql_limits *limits)
{
    struct documents *ds = xcalloc(1, sizeof(*ds));

    ds->schema = schema;
    ds->limits = *limits;
    return ds;
}

static void document_free(struct document *d)
{
    arena_free(&d->arena);
    free(d->text);
    free(d);
}

void documents_free(struct documents **documents)
{
    struct documents *ds = *documents;

    if (!ds)
        return;
    for (size_t i = 0; i < BUCKETS; i++)
        for (struct document *d = ds->buckets[i], *next; d; d = next) {
            next = d->next;
            document_free(d);
        }
    free(ds);
    *documents = NULL;
}

/* Eight bytes at a time: it is most of what a document that is known already costs. */
static uint64_t hash_of(const char *text, size_t len)
{
    uint64_t h = UINT64_C(14695981039346656037) ^ len, word;

    while (len > 0) {
        size_t n = len < sizeof(word) ? len : sizeof(word);

        word = 0;
        memcpy(&word, text, n);
        h = (h ^ word) * UINT64_C(0x9e3779b97f4a7c15);
        h ^= h >> 32;
        text += n;
        len -= n;
    }
    return h;
}

/* Makes room: forgets the one used least recently. */
static void evict(struct documents *ds)
{
    struct document **oldest = NULL;

    for (size_t i = 0; i < BUCKETS; i++)
        for (struct document **d = &ds->buckets[i]; *d; d = &(*d)->next)
            if (!oldest || (*d)->used < (*oldest)->used)
                oldest = d;
    if (oldest) {
        struct document *d = *oldest;

        *oldest = d->next;
        ds->kept--;
        d->refs--;
        if (d->refs == 0)
            document_free(d);
    }
}

static void copy_errors(struct gql_errors *to, const struct gql_errors *from)
{
    for (const struct gql_error *e = from->first; e; e = e->next)
        gql_error_add(to, e->code, e->loc, "%s", e->message)->also = e->also;
}

static struct document *build(struct documents *ds, const char *text, size_t len, bool suggest,
                              struct gql_errors *errors)
{
    struct document *d = xcalloc(1, sizeof(*d));
    struct gql_limits limits = ds->limits;
    struct gql_errors own;

    limits.suggest = suggest;
    d->arena = arena_new();
    d->kept.arena = d->arena;
    gql_errors_init(&own, d->arena);
    d->ast = gql_parse(text, len, 0, d->arena, &own);
    if (d->ast && gql_validate(ds->schema, d->ast, &limits, d->arena, &own) == 0) {
        d->text = xstrndup(text, len);
        d->len = len;
        return d;
    }
    copy_errors(errors, &own);
    document_free(d);
    return NULL;
}

struct document *document_get(struct documents *ds, const char *text, size_t len, bool suggest,
                              struct gql_errors *errors)
{
    uint64_t hash = hash_of(text, len);
    struct document **bucket = &ds->buckets[hash % BUCKETS], *d;

    for (d = *bucket; d; d = d->next)
        if (d->hash == hash && d->len == len && memcmp(d->text, text, len) == 0) {
            d->used = ++ds->clock;
            d->refs++;
            return d;
        }
    if (len > LIMIT_DOCUMENT_BYTES) {
        gql_error_add(errors, "LIMIT_DOCUMENT", (struct gql_loc){1, 1},
                      "the document has %zu bytes; the limit is %u (variables may be longer)", len,
                      LIMIT_DOCUMENT_BYTES);
        return NULL;
    }
    d = build(ds, text, len, suggest, errors);
    if (!d)
        return NULL;
    d->refs = 1;
    d->hash = hash;
    if (len > TEXT_KEEP)
        return d;
    if (ds->kept >= KEEP_MAX)
        evict(ds);
    d->refs = 2;
    d->used = ++ds->clock;
    d->next = ds->buckets[hash % BUCKETS];
    ds->buckets[hash % BUCKETS] = d;
    ds->kept++;
    return d;
}

void document_release(struct documents *ds, struct document **document)
{
    struct document *d = *document;

    (void)ds;
    if (!d)
        return;
    *document = NULL;
    if (--d->refs == 0)
        document_free(d);
}

struct ast_definition *document_only_operation(const struct document *document)
{
    struct ast_definition *only = NULL;

    for (struct ast_definition *d = document->ast->definitions; d; d = d->next) {
        if (!ast_is_operation(d))
            continue;
        if (only)
            return NULL;
        only = d;
    }
    return only;
}

struct ast_definition *document_operation(const struct document *document, const char *name,
                                          struct gql_errors *errors)
{
    struct ast_definition *only = document_only_operation(document);

    if (!name || !*name) {
        if (!only)
            gql_error_add(errors, "BAD_REQUEST", (struct gql_loc){0, 0},
                          "the document holds several operations: operationName is needed");
        return only;
    }
    for (struct ast_definition *d = document->ast->definitions; d; d = d->next)
        if (ast_is_operation(d) && d->name && strcmp(d->name, name) == 0)
            return d;
    gql_error_add(errors, "BAD_REQUEST", (struct gql_loc){0, 0},
                  "operationName: the document has no operation \"%s\"", name);
    return NULL;
}

static unsigned scopes(const struct ast_selection *s)
{
    unsigned all = 0;

    for (; s; s = s->next) {
        if (s->kind == AST_FIELD)
            all |= s->field->scope | s->field->ref->type->scope;
        all |= scopes(s->selections);
        if (s->kind == AST_SPREAD && s->fragment->mark != UINT32_MAX) {
            s->fragment->mark = UINT32_MAX;
            all |= scopes(s->fragment->selections);
        }
    }
    return all;
}

unsigned document_scopes(const struct document *document, const struct ast_selection *selections)
{
    for (struct ast_definition *d = document->ast->definitions; d; d = d->next)
        d->mark = 0;
    return scopes(selections);
}
