/* Which name of a list stands in it for the first time: however many there are, each costs the
 * same. */
#ifndef GRAPHQL_NAMES_H
#define GRAPHQL_NAMES_H

#include <stddef.h>
#include <stdint.h>

#include "graphql/arena.h"

struct names {
    struct names_slot {
        const char *name;
        const void *first;
    } * slots; /* open addressing, a power of two */
    size_t size;
};

/* For at most n names, which live as long as this is used. */
void names_init(struct names *names, struct arena *arena, size_t n);
/* Whatever was first given with this name: `entry` itself if the name is new. */
const void *names_first(struct names *names, const char *name, const void *entry);

uint64_t names_hash(const char *name);

#endif
