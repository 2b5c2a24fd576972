/* Bump allocation in blocks that double. Called by every part of the service that works on one
 * request.
 * Diagnostics: fatal only when memory is short (xmalloc). */
#include "graphql/arena.h"

#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "presence/buf.h"

#define FIRST_BLOCK 16384u
#define MAX_BLOCK   (1u << 20)
#define ALIGNMENT   _Alignof(max_align_t)

struct block {
    struct block *next;
    size_t used, size;
    _Alignas(max_align_t) unsigned char bytes[];
};

struct arena {
    struct block *blocks; /* the first one is being filled, the last one holds the arena */
};

#ifdef PRESENCE_SANITIZED /* which shall see what is used after its end */
#define SPARE_MAX 0u
#else
#define SPARE_MAX 8u
#endif

/* First blocks of arenas that ended: requests come one after the other. */
static struct block *spare[SPARE_MAX + 1];
static size_t n_spare;

static struct block *new_block(size_t size)
{
    struct block *b;

    if (size == FIRST_BLOCK && n_spare > 0)
        return spare[--n_spare];
    b = xmalloc(sizeof(*b) + size);
    b->size = size;
    return b;
}

static void free_block(struct block *b)
{
    if (b->size == FIRST_BLOCK && n_spare < SPARE_MAX)
        spare[n_spare++] = b;
    else
        free(b);
}

struct arena *arena_new(void)
{
    struct block *b = new_block(FIRST_BLOCK);
    struct arena *a = (struct arena *)b->bytes;

    b->next = NULL;
    b->used = (sizeof(*a) + ALIGNMENT - 1) / ALIGNMENT * ALIGNMENT;
    a->blocks = b;
    return a;
}

void arena_free(struct arena **arena)
{
    struct block *b, *next;

    if (!*arena)
        return;
    for (b = (*arena)->blocks; b; b = next) {
        next = b->next;
        free_block(b);
    }
    *arena = NULL;
}

static struct block *add_block(struct arena *a, size_t n)
{
    size_t size = a->blocks->size * 2;
    struct block *b;

    if (size > MAX_BLOCK)
        size = MAX_BLOCK;
    if (size < n)
        size = n;
    b = new_block(size);
    b->used = 0;
    b->next = a->blocks;
    a->blocks = b;
    return b;
}

void *arena_take(struct arena *a, size_t n)
{
    struct block *b = a->blocks;
    void *p;

    n = (n + ALIGNMENT - 1) / ALIGNMENT * ALIGNMENT;
    if (b->size - b->used < n)
        b = add_block(a, n);
    p = b->bytes + b->used;
    b->used += n;
    return p;
}

void *arena_alloc(struct arena *a, size_t n)
{
    return memset(arena_take(a, n), 0, n);
}

char *arena_strndup(struct arena *a, const char *s, size_t n)
{
    char *copy = arena_take(a, n + 1);

    if (n > 0)
        memcpy(copy, s, n);
    copy[n] = '\0';
    return copy;
}

char *arena_printf(struct arena *a, const char *fmt, ...)
{
    va_list ap, again;
    char *text;
    int n;

    va_start(ap, fmt);
    va_copy(again, ap);
    n = vsnprintf(NULL, 0, fmt, ap);
    va_end(ap);
    text = arena_take(a, (size_t)n + 1);
    vsnprintf(text, (size_t)n + 1, fmt, again);
    va_end(again);
    return text;
}

void *arena_grow(struct arena *a, const void *old, size_t cap, size_t new_cap, size_t size)
{
    unsigned char *moved = arena_take(a, new_cap * size);

    if (cap > 0)
        memcpy(moved, old, cap * size);
    memset(moved + cap * size, 0, (new_cap - cap) * size);
    return moved;
}
