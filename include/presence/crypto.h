/* Digests and comparisons for secrets. */
#ifndef PRESENCE_CRYPTO_H
#define PRESENCE_CRYPTO_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define CRYPTO_SHA256_SIZE 32u
#define CRYPTO_SHA256_HEX  65u /* with terminator */

void crypto_sha256(const void *bytes, size_t len, uint8_t out[CRYPTO_SHA256_SIZE]);
void crypto_hmac_sha256(const void *key, size_t key_len, const void *bytes, size_t len,
                        uint8_t out[CRYPTO_SHA256_SIZE]);

/* Takes as long for equal as for different bytes. */
bool crypto_equal(const void *a, const void *b, size_t len);

void crypto_random(void *out, size_t len);

/* Lower case; out has room for 2 * len + 1. */
void crypto_hex(const void *bytes, size_t len, char *out);
/* Exactly 2 * len hexadecimal digits. Returns 0 or -1. */
int crypto_unhex(const char *text, size_t text_len, void *out, size_t len);

#endif
