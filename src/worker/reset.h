/* The owner's part of a guild's reset (ARCHITECTURE.md, Resetting a guild). */
#ifndef WORKER_RESET_H
#define WORKER_RESET_H

#include "worker/worker.h"

void reset_init(struct worker *w);
/* A lane was granted, or the master told of a step. */
void reset_go_on(struct worker *w);

#endif
