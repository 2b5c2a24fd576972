/* Finding the end of a string or container in JSON, fast. Inner to the scan; tests and the bench
 * call the variants. */
#ifndef PRESENCE_DISCORD_SCAN_SKIP_H
#define PRESENCE_DISCORD_SCAN_SKIP_H

#include <stdbool.h>
#include <stddef.h>

#if defined(__SSE2__)
#include <emmintrin.h>
#endif

#include "presence/scan.h"

/* Noted on the way through a container: the last of its own keys (not of nested ones) of this name,
 * written without escapes. */
struct skip_watch {
    const char *name; /* at least one byte */
    size_t len;
    const char *found; /* its opening quote; NULL = not there */
};

/* p: behind the opening quote. Returns the closing quote, or NULL. *escaped_r is set to true if an
 * escape was met, and left alone otherwise. */
const char *skip_string(const char *p, const char *end, bool *escaped_r);

/* The same for strings that are short as a rule: keys, ids, names. */
static inline const char *skip_short_string(const char *p, const char *end, bool *escaped_r)
{
#if defined(__SSE2__)
    if (end - p >= 16) {
        __m128i x = _mm_loadu_si128((const __m128i *)(const void *)p);
        __m128i stop = _mm_or_si128(_mm_cmpeq_epi8(x, _mm_set1_epi8('"')),
                                    _mm_cmpeq_epi8(x, _mm_set1_epi8('\\')));
        unsigned bits = (unsigned)_mm_movemask_epi8(stop);

        if (bits && p[__builtin_ctz(bits)] == '"')
            return p + __builtin_ctz(bits);
        if (!bits)
            p += 16;
    }
#endif
    return skip_string(p, end, escaped_r);
}

/* p: the opening bracket. Returns what is behind the matching closing one, or NULL if there is none
 * or a backslash stands outside a string. { and [ are not told apart. watch may be NULL. */
const char *skip_container(const char *p, const char *end, struct skip_watch *watch);

/* The variants behind skip_container. Where the machine lacks one, it is the portable one. */
const char *skip_container_portable(const char *p, const char *end, struct skip_watch *watch);
const char *skip_container_sse2(const char *p, const char *end, struct skip_watch *watch);
const char *skip_container_avx2(const char *p, const char *end, struct skip_watch *watch);

/* The two halves of scan_member; watch is for the value, if that is a container. */
bool scan_take_key(struct scan *scan, struct slice *key_r);
bool scan_take_value(struct scan *scan, struct skip_watch *watch, struct slice *value_r);

#endif
