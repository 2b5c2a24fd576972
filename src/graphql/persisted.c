/* The operations compiled in. Called by request.c.
 * Diagnostics: none. */
#include "graphql/persisted.h"

#include <stdint.h>
#include <string.h>

#include "graphql/embedded.h"
#include "presence/crypto.h"

const char *persisted_find(const char *id, size_t *len_r)
{
    static const char prefix[] = "sha256:";
    uint8_t wanted[CRYPTO_SHA256_SIZE], digest[CRYPTO_SHA256_SIZE];

    if (strncmp(id, prefix, sizeof(prefix) - 1) != 0)
        return NULL;
    id += sizeof(prefix) - 1;
    if (crypto_unhex(id, strlen(id), wanted, sizeof(wanted)))
        return NULL;
    for (const struct embedded_operation *o = embedded_operations; o->text; o++) {
        crypto_sha256(o->text, o->len, digest);
        if (memcmp(digest, wanted, sizeof(digest)) != 0)
            continue;
        *len_r = o->len;
        return o->text;
    }
    return NULL;
}

bool persisted_text(const char *text, size_t len)
{
    for (const struct embedded_operation *o = embedded_operations; o->text; o++)
        if (o->len == len && memcmp(o->text, text, len) == 0)
            return true;
    return false;
}
