/* SHA-256, HMAC and comparison by libcrypto. Called by presence-graphqld for tokens and cursors.
 * Diagnostics: fatal when libcrypto or the system's random source fails. */
#include "presence/crypto.h"

#define OPENSSL_SUPPRESS_DEPRECATED /* SHA256_Init */
#include <openssl/crypto.h>
#include <openssl/evp.h>
#include <openssl/hmac.h>
#include <openssl/rand.h>
#include <openssl/sha.h>

#include "presence/log.h"

/* Without the EVP layer, whose locks and contexts cost several times the digest of a token. */
void crypto_sha256(const void *bytes, size_t len, uint8_t out[CRYPTO_SHA256_SIZE])
{
    SHA256_CTX ctx;

    if (SHA256_Init(&ctx) != 1 || SHA256_Update(&ctx, bytes, len) != 1 ||
        SHA256_Final(out, &ctx) != 1)
        fatal("crypto", "SHA-256 failed");
}

void crypto_hmac_sha256(const void *key, size_t key_len, const void *bytes, size_t len,
                        uint8_t out[CRYPTO_SHA256_SIZE])
{
    if (!HMAC(EVP_sha256(), key, (int)key_len, bytes, len, out, NULL))
        fatal("crypto", "HMAC failed");
}

bool crypto_equal(const void *a, const void *b, size_t len)
{
    return CRYPTO_memcmp(a, b, len) == 0;
}

void crypto_random(void *out, size_t len)
{
    if (RAND_bytes(out, (int)len) != 1)
        fatal("crypto", "no random bytes");
}

void crypto_hex(const void *bytes, size_t len, char *out)
{
    static const char digits[] = "0123456789abcdef";
    const uint8_t *p = bytes;

    for (size_t i = 0; i < len; i++) {
        out[2 * i] = digits[p[i] >> 4];
        out[2 * i + 1] = digits[p[i] & 15];
    }
    out[2 * len] = '\0';
}

static int digit(char c)
{
    if (c >= '0' && c <= '9')
        return c - '0';
    if (c >= 'a' && c <= 'f')
        return c - 'a' + 10;
    if (c >= 'A' && c <= 'F')
        return c - 'A' + 10;
    return -1;
}

int crypto_unhex(const char *text, size_t text_len, void *out, size_t len)
{
    uint8_t *p = out;

    if (text_len != 2 * len)
        return -1;
    for (size_t i = 0; i < len; i++) {
        int high = digit(text[2 * i]), low = digit(text[2 * i + 1]);

        if (high < 0 || low < 0)
            return -1;
        p[i] = (uint8_t)(high << 4 | low);
    }
    return 0;
}
