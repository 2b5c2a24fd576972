/* Where a gateway session may be resumed without losing anything: the resume point of
 * design and ARCHITECTURE ("Exactly once"). Pure. */
#ifndef PRESENCE_MASTER_RESUME_H
#define PRESENCE_MASTER_RESUME_H

#include <stdint.h>

#include "presence/route.h"

struct resume_lane {
    uint64_t first; /* lower bound of the first seq that is not known durable; 0 = none is out */
    uint64_t last;  /* of the events given to the lane */
};

struct resume {
    uint64_t session;  /* number; 0 = no session */
    uint64_t begin;    /* the seq it began with */
    uint64_t received; /* last seq received */
    struct resume_lane lanes[LANES];
};

/* With READY (received: its seq, which leaves nothing to be recorded) or where it was left. There is
 * no resuming before that: Discord would have to send READY again, which is a new session's. */
void resume_start(struct resume *r, uint64_t session, uint64_t received);
/* An event was received; one without effect on any lane has no lane (delivered not called). */
void resume_received(struct resume *r, uint64_t seq);
void resume_delivered(struct resume *r, unsigned lane, uint64_t seq);
/* Every event of the session up to seq that came to the lane is durable. */
void resume_durable(struct resume *r, unsigned lane, uint64_t seq);
/* Every event up to this seq is durable or needed nothing. */
uint64_t resume_point(const struct resume *r);

#endif
