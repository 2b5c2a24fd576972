/* The operations compiled in. Called by request.c.
 * Diagnostics: none. */
#include "graphql/persisted.h"

#include <stdint.h>
#include <string.h>

#include "graphql/embedded.h"
#include "presence/crypto.h"
#include "presence/log.h"

#define OPERATIONS_MAX 256

/* The digests of all operations, made once: they never change. */
static const uint8_t (*digests(void))[CRYPTO_SHA256_SIZE]
{
    static uint8_t all[OPERATIONS_MAX][CRYPTO_SHA256_SIZE];
    static bool made;
    size_t n = 0;

    if (made)
        return (const uint8_t(*)[CRYPTO_SHA256_SIZE])all;
    for (const struct embedded_operation *o = embedded_operations; o->text; o++) {
        if (n == OPERATIONS_MAX)
            fatal("persisted", "more than %d operations are compiled in", OPERATIONS_MAX);
        crypto_sha256(o->text, o->len, all[n++]);
    }
    made = true;
    return (const uint8_t(*)[CRYPTO_SHA256_SIZE])all;
}

const char *persisted_find(const char *id, size_t *len_r)
{
    static const char prefix[] = "sha256:";
    const uint8_t(*digest)[CRYPTO_SHA256_SIZE] = digests();
    uint8_t wanted[CRYPTO_SHA256_SIZE];

    if (strncmp(id, prefix, sizeof(prefix) - 1) != 0)
        return NULL;
    id += sizeof(prefix) - 1;
    if (crypto_unhex(id, strlen(id), wanted, sizeof(wanted)))
        return NULL;
    for (const struct embedded_operation *o = embedded_operations; o->text; o++) {
        if (memcmp(*digest++, wanted, sizeof(wanted)) != 0)
            continue;
        *len_r = o->len;
        return o->text;
    }
    return NULL;
}

/* The next character, runs of white space as one blank; 0 at the end, blanks before it left out. */
static char next_folded(const char **p, const char *end)
{
    const char *from = *p;

    while (*p < end && strchr(" \t\r\n", **p))
        (*p)++;
    if (*p == end)
        return '\0';
    if (*p > from)
        return ' ';
    return *(*p)++;
}

/* Operations hold no strings, so white space means nothing in them. */
static bool same_folded(const char *a, size_t a_len, const char *b, size_t b_len)
{
    const char *a_end = a + a_len, *b_end = b + b_len;
    char c;

    do {
        c = next_folded(&a, a_end);
        if (c != next_folded(&b, b_end))
            return false;
    } while (c);
    return true;
}

bool persisted_text(const char *text, size_t len)
{
    for (const struct embedded_operation *o = embedded_operations; o->text; o++)
        if (same_folded(o->text, o->len, text, len))
            return true;
    return false;
}
