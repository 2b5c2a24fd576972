/* A growable byte queue: appended at the end, consumed from the front. */
#ifndef PRESENCE_BUF_H
#define PRESENCE_BUF_H

#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

struct buf {
    unsigned char *data; /* owned; NULL while empty */
    size_t start;        /* first unread byte */
    size_t end;          /* one behind the last byte */
    size_t cap;
    size_t max; /* most unread bytes it may hold; 0 = no limit */
};

void buf_init(struct buf *b, size_t max);
void buf_clear(struct buf *b); /* frees the memory; the limit stays */
void buf_reset(struct buf *b); /* forgets the bytes; keeps the memory */

static inline size_t buf_len(const struct buf *b)
{
    return b->end - b->start;
}

static inline unsigned char *buf_bytes(const struct buf *b)
{
    return b->data ? b->data + b->start : NULL;
}

/* Makes room for n bytes behind the end and returns where they go, or NULL if that would pass the
 * limit. The bytes count only after buf_commit. Running out of memory is fatal. */
unsigned char *buf_reserve(struct buf *b, size_t n);
void buf_commit(struct buf *b, size_t n);

/* 0, or -1 if it would pass the limit (nothing is appended then). */
int buf_append(struct buf *b, const void *bytes, size_t n);
int buf_puts(struct buf *b, const char *text);
int buf_putc(struct buf *b, char c);
int buf_put_u64(struct buf *b, uint64_t v); /* decimal */
int buf_put_i64(struct buf *b, int64_t v);
int buf_printf(struct buf *b, const char *fmt, ...) __attribute__((format(printf, 2, 3)));
int buf_vprintf(struct buf *b, const char *fmt, va_list ap) __attribute__((format(printf, 2, 0)));

/* Appends text for a terminal: control characters and what is no UTF-8 become \xNN. */
int buf_put_plain(struct buf *b, const char *text, size_t len);
/* Appends text as a JSON string with its quotes. Invalid UTF-8 becomes U+FFFD. */
int buf_put_json(struct buf *b, const char *text, size_t len);

void buf_consume(struct buf *b, size_t n);
/* Forgets what stands behind the first len bytes. */
void buf_truncate(struct buf *b, size_t len);

/* Terminates the bytes with NUL (not counted) and returns them as a string. */
const char *buf_cstr(struct buf *b);

/* malloc and friends that end the process when memory is short. */
void *xmalloc(size_t n);
void *xcalloc(size_t n, size_t size);
void *xrealloc(void *p, size_t n);
char *xstrdup(const char *s);
char *xstrndup(const char *s, size_t n);
char *xasprintf(const char *fmt, ...) __attribute__((format(printf, 1, 2)));

/* Gives memory that was freed back to the system where that is more than a few MB: what a burst
 * needed (a catalogue, an outage) else stays with the process for ever. For timers, not for inner
 * loops. */
void heap_give_back(void);

/* Up to n bytes of freed memory stay with the process, for one that needs as much again and again:
 * to the system they would be new pages each time. */
void heap_keep(size_t n);

#endif
