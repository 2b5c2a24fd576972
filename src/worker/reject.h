/* What PostgreSQL will never take is moved aside, not lost: <spool_dir>/rejected/. */
#ifndef WORKER_REJECT_H
#define WORKER_REJECT_H

#include "worker/worker.h"

/* Writes n slots aside, on disk when it returns 0; -1 (alerted) otherwise. */
int reject_slots(struct lane *lane, const unsigned char *slots, uint64_t n);

/* The batch in flight was refused: cuts it in halves until one event is left, then moves that
 * aside. The next batch follows from it. */
void reject_flight(struct lane *lane, const char *why);
/* A batch was applied: the rest of a refused one is tried whole again. */
void reject_passed(struct lane *lane);

#endif
