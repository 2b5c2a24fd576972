/* Discord ids as text. Called wherever an id enters or leaves as decimal digits.
 * Diagnostics: none; parse errors are returned. */
#include "presence/snowflake.h"

#include <string.h>

int snowflake_parse(const char *text, size_t len, snowflake_t *id_r)
{
    uint64_t id = 0;

    if (len == 0 || len > SNOWFLAKE_TEXT_SIZE - 1)
        return -1;
    for (size_t i = 0; i < len; i++) {
        unsigned digit = (unsigned)(unsigned char)text[i] - '0';

        if (digit > 9 || id > (UINT64_MAX - digit) / 10)
            return -1;
        id = id * 10 + digit;
    }
    id_r->id = id;
    return 0;
}

size_t snowflake_print(snowflake_t s, char out[SNOWFLAKE_TEXT_SIZE])
{
    char digits[SNOWFLAKE_TEXT_SIZE];
    size_t first = sizeof(digits), len;

    do {
        digits[--first] = (char)('0' + s.id % 10);
        s.id /= 10;
    } while (s.id);
    len = sizeof(digits) - first;
    memcpy(out, digits + first, len);
    out[len] = '\0';
    return len;
}
