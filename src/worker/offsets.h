/* Highest seq per gateway session: what a batch holds, what is durable, what was reported. */
#ifndef WORKER_OFFSETS_H
#define WORKER_OFFSETS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define OFFSETS_MAX 256u

struct offset {
    uint64_t session, seq;
};

struct offsets {
    struct offset *list;
    size_t count, cap;
};

void offsets_clear(struct offsets *o); /* frees */
void offsets_reset(struct offsets *o);
/* Whether seq was higher than what stood there. The oldest session is forgotten when there are more
 * than OFFSETS_MAX. */
bool offsets_raise(struct offsets *o, uint64_t session, uint64_t seq);

#endif
