/* Memory of one request (or of one cached document): taken piece by piece, given back at once. */
#ifndef GRAPHQL_ARENA_H
#define GRAPHQL_ARENA_H

#include <stddef.h>

struct arena;

struct arena *arena_new(void);
void arena_free(struct arena **arena);

/* Zeroed and aligned for any type; never NULL. */
void *arena_alloc(struct arena *a, size_t n);
/* The same, but holding anything: for who writes all of it. */
void *arena_take(struct arena *a, size_t n);
char *arena_strndup(struct arena *a, const char *s, size_t n);
char *arena_printf(struct arena *a, const char *fmt, ...) __attribute__((format(printf, 2, 3)));

/* An array of cap elements moved to one of new_cap; the old one stays behind until the end. */
void *arena_grow(struct arena *a, const void *old, size_t cap, size_t new_cap, size_t size);

#endif
