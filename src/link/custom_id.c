/* Signed custom ids. Called by presence-worker for each button it shows and each press.
 * Diagnostics: fatal for a name or data that do not fit, which is a mistake in a table. */
#include "presence/custom_id.h"

#include <stdbool.h>
#include <stdio.h>
#include <string.h>

#include "presence/crypto.h"
#include "presence/log.h"

#define MAC_BYTES  12u
#define MAC_HEX    (2 * MAC_BYTES)
#define EXPIRY_HEX 8u
/* name, expiry, data and the dots behind them */
#define SIGNED_MAX (CUSTOM_ID_NAME_MAX + EXPIRY_HEX + CUSTOM_ID_DATA_MAX + 3)

_Static_assert(SIGNED_MAX + MAC_HEX < CUSTOM_ID_SIZE, "an id fits into Discord's 100 characters");

void custom_id_derive(const char *secret, struct custom_id_key *key)
{
    static const char purpose[] = "presence custom id 1";

    crypto_hmac_sha256(secret, strlen(secret), purpose, sizeof(purpose) - 1, key->bytes);
}

static void sign(const struct custom_id_key *key, snowflake_t guild, snowflake_t user,
                 const char *text, size_t len, char mac[MAC_HEX + 1])
{
    char bytes[2 * SNOWFLAKE_TEXT_SIZE + 2 + SIGNED_MAX];
    uint8_t digest[CRYPTO_SHA256_SIZE];
    int n = snprintf(bytes, sizeof(bytes), "%llu.%llu.%.*s", (unsigned long long)guild.id,
                     (unsigned long long)user.id, (int)len, text);

    crypto_hmac_sha256(key->bytes, sizeof(key->bytes), bytes, (size_t)n, digest);
    crypto_hex(digest, MAC_BYTES, mac);
}

static bool all_of(const char *text, size_t len, size_t max, const char *set)
{
    return len <= max && strspn(text, set) >= len;
}

#define LOWER  "abcdefghijklmnopqrstuvwxyz"
#define DIGITS "0123456789"

static bool good_name(const char *text, size_t len)
{
    return len > 0 && all_of(text, len, CUSTOM_ID_NAME_MAX, LOWER "_");
}

static bool good_data(const char *text, size_t len)
{
    return all_of(text, len, CUSTOM_ID_DATA_MAX, LOWER "ABCDEFGHIJKLMNOPQRSTUVWXYZ" DIGITS "_-");
}

void custom_id_print(const struct custom_id_key *key, snowflake_t guild, snowflake_t user,
                     const char *name, const char *data, unixms_t expires, char out[CUSTOM_ID_SIZE])
{
    size_t len;

    if (!good_name(name, strlen(name)) || !good_data(data, strlen(data)))
        fatal("custom_id", "%s.%s cannot be a custom id", name, data);
    snprintf(out, CUSTOM_ID_SIZE, "%s.%08x.%s.", name, (unsigned)(expires.ms / 1000), data);
    len = strlen(out);
    sign(key, guild, user, out, len, out + len);
}

/* The part up to the next dot; behind it is *text_r then. */
static bool take(const char **text_r, const char **part_r, size_t *len_r)
{
    const char *dot = strchr(*text_r, '.');

    if (!dot)
        return false;
    *part_r = *text_r;
    *len_r = (size_t)(dot - *text_r);
    *text_r = dot + 1;
    return true;
}

static bool split(const char *text, struct custom_id *id, int64_t *expires_ms_r)
{
    const char *name, *expiry, *data;
    size_t name_len, expiry_len, data_len;
    unsigned seconds = 0;

    if (!take(&text, &name, &name_len) || !take(&text, &expiry, &expiry_len) ||
        !take(&text, &data, &data_len) || !good_name(name, name_len) ||
        !good_data(data, data_len) || !all_of(expiry, expiry_len, EXPIRY_HEX, DIGITS "abcdef") ||
        sscanf(expiry, "%8x", &seconds) != 1)
        return false;
    memcpy(id->name, name, name_len);
    memcpy(id->data, data, data_len);
    *expires_ms_r = (int64_t)seconds * 1000;
    return true;
}

enum custom_id_verdict custom_id_read(const struct custom_id_key *key, snowflake_t guild,
                                      snowflake_t user, const char *text, size_t len, unixms_t now,
                                      struct custom_id *id)
{
    char copy[CUSTOM_ID_SIZE] = "", mac[MAC_HEX + 1];
    int64_t expires_ms = 0;

    *id = (struct custom_id){0};
    if (len < MAC_HEX || len > SIGNED_MAX + MAC_HEX || memchr(text, '\0', len))
        return CUSTOM_ID_FOREIGN;
    memcpy(copy, text, len);
    sign(key, guild, user, copy, len - MAC_HEX, mac);
    if (!crypto_equal(mac, copy + len - MAC_HEX, MAC_HEX) || !split(copy, id, &expires_ms))
        return CUSTOM_ID_FOREIGN;
    return now.ms >= expires_ms ? CUSTOM_ID_EXPIRED : CUSTOM_ID_GOOD;
}
