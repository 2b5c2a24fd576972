/* Persisted operations: those of graphql/operations/, by the SHA-256 of their text. */
#ifndef GRAPHQL_PERSISTED_H
#define GRAPHQL_PERSISTED_H

#include <stdbool.h>
#include <stddef.h>

/* id: "sha256:<hex>". The text, or NULL. */
const char *persisted_find(const char *id, size_t *len_r);

/* Whether this is the text of one of them, white space aside. */
bool persisted_text(const char *text, size_t len);

#endif
