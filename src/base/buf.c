/* Byte queues and allocation that cannot fail. Called by every room.
 * Diagnostics: running out of memory is fatal. */
#include "presence/buf.h"

#include <malloc.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "presence/log.h"

#define GIVE_BACK_FROM ((size_t)2 << 20)
#define SMALL_MAX      1024u

void *xmalloc(size_t n)
{
    void *p = malloc(n ? n : 1);

    if (!p)
        fatal("out_of_memory", "cannot allocate %zu bytes", n);
    return p;
}

/* glibc's calloc passes by the short lists from which its malloc takes small blocks. */
void *xcalloc(size_t n, size_t size)
{
    size_t total;
    void *p = NULL;

    if (__builtin_mul_overflow(n, size, &total))
        total = SIZE_MAX;
    if (total <= SMALL_MAX)
        p = memset(xmalloc(total), 0, total);
    else
        p = calloc(n, size);
    if (!p)
        fatal("out_of_memory", "cannot allocate %zu x %zu bytes", n, size);
    return p;
}

void *xrealloc(void *old, size_t n)
{
    void *p = realloc(old, n ? n : 1);

    if (!p)
        fatal("out_of_memory", "cannot allocate %zu bytes", n);
    return p;
}

char *xstrndup(const char *s, size_t n)
{
    size_t len = strnlen(s, n);
    char *p = xmalloc(len + 1);

    memcpy(p, s, len);
    p[len] = '\0';
    return p;
}

char *xstrdup(const char *s)
{
    return xstrndup(s, strlen(s));
}

char *xasprintf(const char *fmt, ...)
{
    va_list ap;
    char *p;

    va_start(ap, fmt);
    if (vasprintf(&p, fmt, ap) < 0)
        fatal("out_of_memory", "cannot format text");
    va_end(ap);
    return p;
}

void heap_give_back(void)
{
#ifdef __GLIBC__
    if (mallinfo2().fordblks >= GIVE_BACK_FROM)
        malloc_trim(0);
#endif
}

void heap_keep(size_t n)
{
#ifdef __GLIBC__
    mallopt(M_MMAP_THRESHOLD, (int)n);
    mallopt(M_TRIM_THRESHOLD, (int)n);
#else
    (void)n;
#endif
}

void buf_init(struct buf *b, size_t max)
{
    *b = (struct buf){.max = max};
}

void buf_clear(struct buf *b)
{
    free(b->data);
    buf_init(b, b->max);
}

void buf_reset(struct buf *b)
{
    b->start = b->end = 0;
}

static void move_to_front(struct buf *b)
{
    size_t len = buf_len(b);

    if (b->start == 0)
        return;
    memmove(b->data, b->data + b->start, len);
    b->start = 0;
    b->end = len;
}

unsigned char *buf_reserve(struct buf *b, size_t n)
{
    size_t len = buf_len(b);

    if (n > SIZE_MAX / 2 - len || (b->max && len + n > b->max))
        return NULL;
    if (b->cap - b->end >= n && b->data)
        return b->data + b->end;
    if (b->start >= b->cap / 2)
        move_to_front(b);
    if (b->cap - b->end < n || !b->data) {
        size_t cap = b->cap ? b->cap : 256;

        while (cap < b->end + n)
            cap *= 2;
        b->data = xrealloc(b->data, cap);
        b->cap = cap;
    }
    return b->data + b->end;
}

/* For a terminator, which is not one of the bytes. */
static unsigned char *reserve_beyond_limit(struct buf *b, size_t n)
{
    size_t max = b->max;
    unsigned char *p;

    b->max = 0;
    p = buf_reserve(b, n);
    b->max = max;
    return p;
}

void buf_commit(struct buf *b, size_t n)
{
    b->end += n;
}

/* Most often there is room, and no limit to think of. */
static inline unsigned char *room(struct buf *b, size_t n)
{
    return !b->max && b->data && b->cap - b->end >= n ? b->data + b->end : buf_reserve(b, n);
}

int buf_append(struct buf *b, const void *bytes, size_t n)
{
    unsigned char *p = room(b, n);

    if (!p)
        return -1;
    if (n)
        memcpy(p, bytes, n);
    b->end += n;
    return 0;
}

int buf_puts(struct buf *b, const char *text)
{
    return buf_append(b, text, strlen(text));
}

int buf_putc(struct buf *b, char c)
{
    unsigned char *p = room(b, 1);

    if (!p)
        return -1;
    *p = (unsigned char)c;
    b->end++;
    return 0;
}

int buf_put_u64(struct buf *b, uint64_t v)
{
    char digits[20];
    size_t n = sizeof(digits);

    do {
        digits[--n] = (char)('0' + v % 10);
        v /= 10;
    } while (v);
    return buf_append(b, digits + n, sizeof(digits) - n);
}

int buf_put_i64(struct buf *b, int64_t v)
{
    if (v >= 0)
        return buf_put_u64(b, (uint64_t)v);
    if (buf_putc(b, '-'))
        return -1;
    return buf_put_u64(b, 0 - (uint64_t)v);
}

int buf_vprintf(struct buf *b, const char *fmt, va_list ap)
{
    va_list again;
    unsigned char *p;
    int n;

    va_copy(again, ap);
    n = vsnprintf(NULL, 0, fmt, again);
    va_end(again);
    if (n < 0)
        return -1;
    if (b->max && buf_len(b) + (size_t)n > b->max)
        return -1;
    p = reserve_beyond_limit(b, (size_t)n + 1);
    vsnprintf((char *)p, (size_t)n + 1, fmt, ap);
    b->end += (size_t)n;
    return 0;
}

int buf_printf(struct buf *b, const char *fmt, ...)
{
    va_list ap;
    int r;

    va_start(ap, fmt);
    r = buf_vprintf(b, fmt, ap);
    va_end(ap);
    return r;
}

/* Length of the well-formed UTF-8 sequence at p (RFC 3629), or 0. */
static size_t utf8_sequence(const unsigned char *p, size_t left)
{
    size_t n = p[0] < 0x80 ? 1 : p[0] < 0xc2 ? 0 : p[0] < 0xe0 ? 2 : p[0] < 0xf0 ? 3 : 4;

    if (n == 0 || p[0] > 0xf4 || n > left)
        return 0;
    for (size_t i = 1; i < n; i++)
        if ((p[i] & 0xc0) != 0x80)
            return 0;
    if ((p[0] == 0xe0 && p[1] < 0xa0) || (p[0] == 0xed && p[1] > 0x9f) ||
        (p[0] == 0xf0 && p[1] < 0x90) || (p[0] == 0xf4 && p[1] > 0x8f))
        return 0;
    return n;
}

/* C1 controls are two bytes long. */
static bool is_control(const unsigned char *p)
{
    return p[0] < 0x20 || p[0] == 0x7f || (p[0] == 0xc2 && p[1] < 0xa0);
}

int buf_put_plain(struct buf *b, const char *text, size_t len)
{
    const unsigned char *p = (const unsigned char *)text, *end = p + len;
    int bad = 0;

    while (p < end && !bad) {
        size_t n = utf8_sequence(p, (size_t)(end - p));

        if (n > 0 && !is_control(p)) {
            bad = buf_append(b, p, n);
            p += n;
        } else {
            bad = buf_printf(b, "\\x%02x", *p++);
        }
    }
    return bad ? -1 : 0;
}

static int put_json_escape(struct buf *b, unsigned char c)
{
    switch (c) {
    case '"':
        return buf_puts(b, "\\\"");
    case '\\':
        return buf_puts(b, "\\\\");
    case '\n':
        return buf_puts(b, "\\n");
    case '\t':
        return buf_puts(b, "\\t");
    case '\r':
        return buf_puts(b, "\\r");
    default:
        return buf_printf(b, "\\u%04x", c);
    }
}

int buf_put_json(struct buf *b, const char *text, size_t len)
{
    const unsigned char *p = (const unsigned char *)text, *end = p + len;
    int bad = buf_putc(b, '"');

    while (p < end && !bad) {
        const unsigned char *run = p;
        size_t n = 1;

        while (p < end && *p >= 0x20 && *p < 0x80 && *p != '"' && *p != '\\')
            p++;
        bad = buf_append(b, run, (size_t)(p - run));
        if (p >= end || bad)
            break;
        if (*p < 0x80)
            bad = put_json_escape(b, *p);
        else if ((n = utf8_sequence(p, (size_t)(end - p))) > 0)
            bad = buf_append(b, p, n);
        else {
            bad = buf_puts(b, "\xef\xbf\xbd");
            n = 1;
        }
        p += n;
    }
    return bad || buf_putc(b, '"') ? -1 : 0;
}

void buf_consume(struct buf *b, size_t n)
{
    b->start += n;
    if (b->start > b->end)
        fatal("buf_consume", "%zu bytes consumed of %zu", n, b->end - (b->start - n));
    if (b->start == b->end)
        b->start = b->end = 0;
}

void buf_truncate(struct buf *b, size_t len)
{
    if (len < buf_len(b))
        b->end = b->start + len;
}

const char *buf_cstr(struct buf *b)
{
    *reserve_beyond_limit(b, 1) = '\0';
    return (const char *)buf_bytes(b);
}
