/* The meaning of string literals (GraphQL section 2.9.4). */
#ifndef GRAPHQL_STRING_H
#define GRAPHQL_STRING_H

#include "graphql/arena.h"
#include "presence/buf.h"

/* Decodes the escapes of a quoted string (raw: what stands between the quotes). Returns NULL, or
 * what is wrong with the escape at raw + *len_r. */
const char *gql_string_decode(struct arena *arena, const char *raw, size_t raw_len,
                              const char **text_r, size_t *len_r);

/* BlockStringValue: common indentation and blank first and last lines go. raw is used up. */
void gql_block_string(struct arena *arena, struct buf *raw, const char **text_r, size_t *len_r);

#endif
