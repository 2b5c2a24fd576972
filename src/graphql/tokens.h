/* Bearer tokens: a file of lines "name sha256hex scope[,scope]". Only digests are kept. */
#ifndef GRAPHQL_TOKENS_H
#define GRAPHQL_TOKENS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct tokens;

struct token {
    char *name;
    uint8_t digest[32];
    unsigned scopes;  /* SCOPE_* for every guild */
    uint64_t *guilds; /* "read:guild:<id>" */
    size_t n_guilds;
    struct allowance {
        int64_t at_ms;       /* monotonic; 0 = never used */
        int64_t thousandths; /* of a request that are left */
    } allowance;
};

/* NULL and *error_r (owned by the caller) if the file cannot be read or a line is wrong. */
struct tokens *tokens_load(const char *path, char **error_r);
void tokens_free(struct tokens **tokens);
size_t tokens_count(const struct tokens *tokens);

/* header: the value of Authorization, or NULL. Compares in constant time. NULL: no such token. */
const struct token *tokens_find(const struct tokens *tokens, const char *header);

/* Takes one request out of the allowance of a token (NULL: the one of all without a token), which
 * fills by rate a second up to two seconds' worth. Returns 0, or after how many seconds to try
 * again. */
unsigned tokens_take(struct tokens *tokens, const struct token *token, unsigned rate,
                     int64_t now_ms);

/* Whether the token of this digest is there and may do exactly this. */
bool tokens_still(const struct tokens *tokens, const uint8_t digest[32], unsigned scopes,
                  const uint64_t *guilds, size_t n_guilds);

/* Makes a token, appends its line to the file (created with mode 0600), returns the token's text
 * (owned by the caller); NULL and *error_r on failure. */
char *tokens_create(const char *path, const char *name, const char *scopes, char **error_r);

#endif
