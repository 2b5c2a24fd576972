/* Resume point of one session, from what its lanes were given and what they report durable. Called
 * by lane.c and the shard's files.
 * Diagnostics: none. */
#include "resume.h"

#include <string.h>

void resume_start(struct resume *r, uint64_t session, uint64_t received)
{
    memset(r, 0, sizeof(*r));
    r->session = session;
    r->begin = r->received = received;
}

void resume_received(struct resume *r, uint64_t seq)
{
    if (seq > r->received)
        r->received = seq;
}

void resume_delivered(struct resume *r, unsigned lane, uint64_t seq)
{
    struct resume_lane *l = &r->lanes[lane];

    /* Replay may bring a seq again that the lane has: it is outstanding again. */
    if (l->first == 0 || seq < l->first)
        l->first = seq;
    if (seq > l->last)
        l->last = seq;
}

void resume_durable(struct resume *r, unsigned lane, uint64_t seq)
{
    struct resume_lane *l = &r->lanes[lane];

    if (l->first == 0)
        return;
    if (seq >= l->last)
        l->first = 0;
    else if (seq + 1 > l->first)
        l->first = seq + 1;
}

uint64_t resume_point(const struct resume *r)
{
    uint64_t point = r->received;

    for (unsigned i = 0; i < LANES; i++)
        if (r->lanes[i].first && r->lanes[i].first - 1 < point)
            point = r->lanes[i].first - 1;
    return point < r->begin ? r->begin : point;
}
