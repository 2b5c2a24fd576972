/* Commands in Redis' protocol. Called by redis.c.
 * Diagnostics: none. */
#include <string.h>

#include "redis_priv.h"

static unsigned char *put_length(unsigned char *p, char mark, size_t n)
{
    char digits[20];
    size_t at = sizeof(digits);

    do {
        digits[--at] = (char)('0' + n % 10);
        n /= 10;
    } while (n);
    *p++ = (unsigned char)mark;
    memcpy(p, digits + at, sizeof(digits) - at);
    p += sizeof(digits) - at;
    *p++ = '\r';
    *p++ = '\n';
    return p;
}

/* redisFormatCommandArgv allocates per command; the protocol is simple enough to be written in
 * place: *argc, then $length and the bytes for each. */
void redis_print(struct buf *out, size_t argc, const char *const *argv, const size_t *lens)
{
    size_t room = 24;
    unsigned char *start, *p;

    for (size_t i = 0; i < argc; i++)
        room += 26 + (lens ? lens[i] : strlen(argv[i]));
    start = buf_reserve(out, room);
    p = put_length(start, '*', argc);
    for (size_t i = 0; i < argc; i++) {
        size_t len = lens ? lens[i] : strlen(argv[i]);

        p = put_length(p, '$', len);
        memcpy(p, argv[i], len);
        p += len;
        *p++ = '\r';
        *p++ = '\n';
    }
    buf_commit(out, (size_t)(p - start));
}
