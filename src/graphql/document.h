/* Parsed and validated documents, kept by their text: clients send the same few again and again. */
#ifndef GRAPHQL_DOCUMENT_H
#define GRAPHQL_DOCUMENT_H

#include "graphql/kept.h"
#include "graphql/validate.h"

struct documents;

struct document {
    struct arena *arena;
    struct ast_document *ast;
    char *text;
    size_t len;
    unsigned refs;
    uint64_t hash;
    struct kept kept;
    struct document *next; /* in its bucket */
    uint64_t used;
};

struct documents *documents_new(const struct gql_schema *schema, const struct gql_limits *limits);
void documents_free(struct documents **documents);

/* The document of this text, parsed and valid; give it back with document_release. NULL with
 * entries in errors (which live in the arena of errors). */
struct document *document_get(struct documents *documents, const char *text, size_t len,
                              bool suggest, struct gql_errors *errors);
void document_release(struct documents *documents, struct document **document);

/* The operation to run: by name, or the only one. NULL with an entry in errors. */
struct ast_definition *document_operation(const struct document *document, const char *name,
                                          struct gql_errors *errors);
/* The only operation, or NULL. */
struct ast_definition *document_only_operation(const struct document *document);

/* All scopes that fields of the document ask for: those selected there, and whatever is below them.
 */
unsigned document_scopes(const struct document *document, const struct ast_selection *selections);

#endif
