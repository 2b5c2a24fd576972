/* Names of a list, by hash. Called by the validator. Diagnostics: none. */
#include "graphql/names.h"

#include <string.h>

uint64_t names_hash(const char *name)
{
    uint64_t h = UINT64_C(14695981039346656037);

    for (const char *p = name; *p; p++)
        h = (h ^ (unsigned char)*p) * UINT64_C(1099511628211);
    return h ^ h >> 32;
}

void names_init(struct names *names, struct arena *arena, size_t n)
{
    for (names->size = 4; names->size < 2 * n; names->size *= 2)
        ;
    names->slots = arena_alloc(arena, names->size * sizeof(*names->slots));
}

const void *names_first(struct names *names, const char *name, const void *entry)
{
    size_t at = names_hash(name) & (names->size - 1);

    while (names->slots[at].name && strcmp(names->slots[at].name, name) != 0)
        at = (at + 1) & (names->size - 1);
    if (!names->slots[at].name)
        names->slots[at] = (struct names_slot){name, entry};
    return names->slots[at].first;
}
