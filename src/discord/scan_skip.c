/* Skipping JSON values without reading them. Called by scan.c and envelope.c for every frame.
 *
 * Containers are crossed 64 bytes at a time: bit masks of quotes, backslashes and brackets; the
 * running exclusive-or of the quotes tells which bytes lie inside strings, and the rest is counting
 * brackets. One template, with SSE2 or AVX2 making the masks; the portable variant goes byte by
 * byte and is what the others are tested against.
 * Diagnostics: none; NULL where the bytes end too early or cannot be JSON. */
#include "discord/scan_skip.h"

#include <stdint.h>
#include <string.h>

#if defined(__x86_64__)
#include <immintrin.h>
#define HAVE_SSE2 1
#endif

/* Whether the string that opens at `quote` is the watched key: its name, then a colon. */
static bool is_watched_key(const char *quote, const char *end, const struct skip_watch *watch)
{
    const char *p = quote + 1;

    if ((size_t)(end - p) <= watch->len || memcmp(p, watch->name, watch->len) != 0 ||
        p[watch->len] != '"')
        return false;
    for (p += watch->len + 1; p < end; p++)
        if (*p != ' ' && *p != '\t' && *p != '\n' && *p != '\r')
            return *p == ':';
    return false;
}

const char *skip_container_portable(const char *p, const char *end, struct skip_watch *watch)
{
    size_t depth = 0;
    bool escaped = false;

    for (; p < end; p++) {
        switch (*p) {
        case '{':
        case '[':
            depth++;
            break;
        case '}':
        case ']':
            if (--depth == 0)
                return p + 1;
            break;
        case '"':
            if (watch && depth == 1 && is_watched_key(p, end, watch))
                watch->found = p;
            p = skip_string(p + 1, end, &escaped);
            if (!p)
                return NULL;
            break;
        case '\\':
            return NULL;
        default:
            break;
        }
    }
    return NULL;
}

#ifdef HAVE_SSE2

/* Part of the template below, compiled once for each target. */
#define INNER static inline __attribute__((always_inline))

/* One bit per byte of a block of 64. */
struct masks {
    uint64_t quote, backslash, open, close;
    uint64_t first; /* the first byte of the watched name */
};

INNER struct masks masks_sse2(const char *p, char first)
{
    struct masks m = {0};
    const __m128i quote = _mm_set1_epi8('"'), backslash = _mm_set1_epi8('\\'),
                  open = _mm_set1_epi8('{'), close = _mm_set1_epi8('}'), fold = _mm_set1_epi8(0x20),
                  wanted = _mm_set1_epi8(first);

#define BITS(v, i) ((uint64_t)(uint32_t)_mm_movemask_epi8(v) << (i))
#define PART(i)                                                                                    \
    do {                                                                                           \
        __m128i x = _mm_loadu_si128((const __m128i *)(const void *)(p + (i)));                     \
        __m128i y = _mm_or_si128(x, fold); /* [ to {, ] to } */                                    \
        m.quote |= BITS(_mm_cmpeq_epi8(x, quote), i);                                              \
        m.backslash |= BITS(_mm_cmpeq_epi8(x, backslash), i);                                      \
        m.open |= BITS(_mm_cmpeq_epi8(y, open), i);                                                \
        m.close |= BITS(_mm_cmpeq_epi8(y, close), i);                                              \
        if (first)                                                                                 \
            m.first |= BITS(_mm_cmpeq_epi8(x, wanted), i);                                         \
    } while (0)
    PART(0);
    PART(16);
    PART(32);
    PART(48);
#undef PART
#undef BITS
    return m;
}

__attribute__((target("avx2"))) static inline struct masks masks_avx2(const char *p, char first)
{
    struct masks m = {0};
    const __m256i quote = _mm256_set1_epi8('"'), backslash = _mm256_set1_epi8('\\'),
                  open = _mm256_set1_epi8('{'), close = _mm256_set1_epi8('}'),
                  fold = _mm256_set1_epi8(0x20), wanted = _mm256_set1_epi8(first);

#define BITS(v, i) ((uint64_t)(uint32_t)_mm256_movemask_epi8(v) << (i))
#define PART(i)                                                                                    \
    do {                                                                                           \
        __m256i x = _mm256_loadu_si256((const __m256i *)(const void *)(p + (i)));                  \
        __m256i y = _mm256_or_si256(x, fold);                                                      \
        m.quote |= BITS(_mm256_cmpeq_epi8(x, quote), i);                                           \
        m.backslash |= BITS(_mm256_cmpeq_epi8(x, backslash), i);                                   \
        m.open |= BITS(_mm256_cmpeq_epi8(y, open), i);                                             \
        m.close |= BITS(_mm256_cmpeq_epi8(y, close), i);                                           \
        if (first)                                                                                 \
            m.first |= BITS(_mm256_cmpeq_epi8(x, wanted), i);                                      \
    } while (0)
    PART(0);
    PART(32);
#undef PART
#undef BITS
    return m;
}

/* Bytes behind an unescaped backslash; *carry: whether the next block's first byte is one. */
INNER uint64_t escaped_bytes(uint64_t backslash, uint64_t *carry)
{
    uint64_t escaped = *carry;

    *carry = 0;
    backslash &= ~escaped;
    while (backslash) {
        uint64_t bit = backslash & -backslash;

        backslash ^= bit;
        if (bit >> 63) {
            *carry = 1;
        } else {
            escaped |= bit << 1;
            backslash &= ~(bit << 1);
        }
    }
    return escaped;
}

static inline uint64_t running_xor_portable(uint64_t x)
{
    for (unsigned shift = 1; shift < 64; shift *= 2)
        x ^= x << shift;
    return x;
}

__attribute__((target("pclmul"))) static inline uint64_t running_xor_pclmul(uint64_t x)
{
    __m128i product =
        _mm_clmulepi64_si128(_mm_set_epi64x(0, (int64_t)x), _mm_set1_epi8((char)0xff), 0);

    return (uint64_t)_mm_cvtsi128_si64(product);
}

/* The bit of the bracket that brings depth to 0, or 64; *depth is carried on. */
INNER unsigned find_end(uint64_t open, uint64_t close, int64_t *depth)
{
    for (uint64_t both = open | close; both; both &= both - 1) {
        uint64_t bit = both & -both;

        if (open & bit)
            (*depth)++;
        else if (--*depth == 0)
            return (unsigned)__builtin_ctzll(bit);
    }
    return 64;
}

INNER void note_watched(const char *base, const char *end, uint64_t starts, uint64_t open,
                        uint64_t close, int64_t depth, struct skip_watch *watch)
{
    for (; starts; starts &= starts - 1) {
        uint64_t below = (starts & -starts) - 1;
        const char *quote = base + __builtin_ctzll(starts);
        int64_t at =
            depth + __builtin_popcountll(open & below) - __builtin_popcountll(close & below);

        if (at == 1 && is_watched_key(quote, end, watch))
            watch->found = quote;
    }
}

/* One template; WATCHED is a constant, so that what is not watched costs nothing. */
#define SKIP_CONTAINER(MASKS, RUNNING_XOR, WATCHED)                                                \
    char tail[64];                                                                                 \
    uint64_t inside_before = 0, escape_before = 0;                                                 \
    const char first = (WATCHED) ? watch->name[0] : '\0';                                          \
    int64_t depth = 1;                                                                             \
                                                                                                   \
    for (p++; p < end; p += 64) {                                                                  \
        const char *block = p;                                                                     \
        if (end - p < 64) {                                                                        \
            memset(tail, ' ', sizeof(tail));                                                       \
            memcpy(tail, p, (size_t)(end - p));                                                    \
            block = tail;                                                                          \
        }                                                                                          \
        struct masks m = MASKS(block, first);                                                      \
        if (__builtin_expect((m.backslash | escape_before) != 0, 0))                               \
            m.quote &= ~escaped_bytes(m.backslash, &escape_before);                                \
        uint64_t inside = RUNNING_XOR(m.quote) ^ inside_before;                                    \
        uint64_t open = m.open & ~inside, close = m.close & ~inside;                               \
        uint64_t stray = m.backslash & ~inside, part = ~UINT64_C(0);                               \
        int64_t closing = __builtin_popcountll(close), depth_before = depth;                       \
        unsigned stop = 64;                                                                        \
        inside_before = (uint64_t)((int64_t)inside >> 63);                                         \
        if (closing < depth) {                                                                     \
            depth += __builtin_popcountll(open) - closing;                                         \
        } else {                                                                                   \
            stop = find_end(open, close, &depth);                                                  \
            if (stop < 64)                                                                         \
                part = (UINT64_C(1) << stop) - 1;                                                  \
        }                                                                                          \
        if (stray & part)                                                                          \
            return NULL;                                                                           \
        if (WATCHED) {                                                                             \
            uint64_t starts = m.quote & inside & ((m.first >> 1) | UINT64_C(1) << 63) & part;      \
            if (starts)                                                                            \
                note_watched(p, end, starts, open, close, depth_before, watch);                    \
        }                                                                                          \
        if (stop < 64)                                                                             \
            return p + stop + 1;                                                                   \
    }                                                                                              \
    return NULL

static const char *skip_sse2(const char *p, const char *end)
{
    struct skip_watch *watch = NULL;
    SKIP_CONTAINER(masks_sse2, running_xor_portable, false);
}

static const char *skip_watching_sse2(const char *p, const char *end, struct skip_watch *watch)
{
    SKIP_CONTAINER(masks_sse2, running_xor_portable, true);
}

#define AVX2 __attribute__((target("avx2,pclmul,popcnt,bmi")))

AVX2 static const char *skip_avx2(const char *p, const char *end)
{
    struct skip_watch *watch = NULL;
    SKIP_CONTAINER(masks_avx2, running_xor_pclmul, false);
}

AVX2 static const char *skip_watching_avx2(const char *p, const char *end, struct skip_watch *watch)
{
    SKIP_CONTAINER(masks_avx2, running_xor_pclmul, true);
}

static bool have_avx2(void)
{
    return __builtin_cpu_supports("avx2") && __builtin_cpu_supports("pclmul") &&
           __builtin_cpu_supports("popcnt") && __builtin_cpu_supports("bmi");
}

const char *skip_container_sse2(const char *p, const char *end, struct skip_watch *watch)
{
    return watch ? skip_watching_sse2(p, end, watch) : skip_sse2(p, end);
}

const char *skip_container_avx2(const char *p, const char *end, struct skip_watch *watch)
{
    if (!have_avx2())
        return skip_container_portable(p, end, watch);
    return watch ? skip_watching_avx2(p, end, watch) : skip_avx2(p, end);
}

const char *skip_container(const char *p, const char *end, struct skip_watch *watch)
{
    if (end - p >= 2 && (p[1] == '}' || p[1] == ']'))
        return p + 2;
    if (have_avx2())
        return watch ? skip_watching_avx2(p, end, watch) : skip_avx2(p, end);
    return skip_container_sse2(p, end, watch);
}

#else

const char *skip_container_sse2(const char *p, const char *end, struct skip_watch *watch)
{
    return skip_container_portable(p, end, watch);
}

const char *skip_container_avx2(const char *p, const char *end, struct skip_watch *watch)
{
    return skip_container_portable(p, end, watch);
}

const char *skip_container(const char *p, const char *end, struct skip_watch *watch)
{
    return skip_container_portable(p, end, watch);
}

#endif

const char *skip_string(const char *p, const char *end, bool *escaped_r)
{
#ifdef HAVE_SSE2
    const __m128i quote = _mm_set1_epi8('"'), backslash = _mm_set1_epi8('\\');

    while (end - p >= 16) {
        __m128i x = _mm_loadu_si128((const __m128i *)(const void *)p);
        int bits =
            _mm_movemask_epi8(_mm_or_si128(_mm_cmpeq_epi8(x, quote), _mm_cmpeq_epi8(x, backslash)));

        if (bits == 0) {
            p += 16;
            continue;
        }
        p += __builtin_ctz((unsigned)bits);
        if (*p == '"')
            return p;
        *escaped_r = true;
        if (end - p < 2)
            return NULL;
        p += 2;
    }
#endif
    while (p < end) {
        if (*p == '"')
            return p;
        if (*p == '\\') {
            *escaped_r = true;
            if (end - p < 2)
                return NULL;
            p++;
        }
        p++;
    }
    return NULL;
}
