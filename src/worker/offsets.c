/* Highest seq per gateway session. Called by batch, lane and flush.
 * Diagnostics: none. */
#include "worker/offsets.h"

#include <stdlib.h>

#include "presence/buf.h"

void offsets_clear(struct offsets *o)
{
    free(o->list);
    *o = (struct offsets){0};
}

void offsets_reset(struct offsets *o)
{
    o->count = 0;
}

/* Session numbers grow with time: the smallest is the oldest. */
static struct offset *oldest(struct offsets *o)
{
    struct offset *found = &o->list[0];

    for (size_t i = 1; i < o->count; i++)
        if (o->list[i].session < found->session)
            found = &o->list[i];
    return found;
}

bool offsets_raise(struct offsets *o, uint64_t session, uint64_t seq)
{
    for (size_t i = 0; i < o->count; i++) {
        if (o->list[i].session != session)
            continue;
        if (o->list[i].seq >= seq)
            return false;
        o->list[i].seq = seq;
        return true;
    }
    if (seq == 0)
        return false;
    if (o->count == OFFSETS_MAX) {
        struct offset *victim = oldest(o);

        if (victim->session > session)
            return false;
        *victim = (struct offset){session, seq};
        return true;
    }
    if (o->count == o->cap) {
        o->cap = o->cap ? o->cap * 2 : 4;
        o->list = xrealloc(o->list, o->cap * sizeof(*o->list));
    }
    o->list[o->count++] = (struct offset){session, seq};
    return true;
}
