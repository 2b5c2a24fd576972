/* The record of what clients sent; written through sim_record (sim.h). */
#ifndef SIM_RECEIVED_H
#define SIM_RECEIVED_H

#include "presence/buf.h"
#include "sim/sim.h"

/* From number since on; what NULL = all. */
void received_print(const struct sim *sim, uint64_t since, const char *what, struct buf *out);
void received_clear(struct sim *sim);

#endif
