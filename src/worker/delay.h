/* How long events take from their frame's arrival at the master to their commit in PostgreSQL:
 * sampled per lane, the last few thousand kept per worker. Pure. */
#ifndef WORKER_DELAY_H
#define WORKER_DELAY_H

#include <stdint.h>

#include "presence/clock.h"

#define DELAY_MARKS                                                                                \
    32u /* samples under way per lane; when full, later events go unsampled: errs to the long side \
         */
#define DELAY_SAMPLES 2048u /* latest ones that percentiles are made of */

/* Events of one lane that are on their way, oldest first. */
struct delay_lane {
    struct {
        uint64_t position; /* the lane's head behind the event's records */
        int64_t arrival_ms;
    } marks[DELAY_MARKS];
    unsigned first, count;
};

struct delay {
    uint32_t ms[DELAY_SAMPLES];
    uint64_t total; /* samples ever taken */
};

void delay_mark(struct delay_lane *lane, uint64_t position, int64_t arrival_ms);
/* What lies before position is committed. */
void delay_committed(struct delay *d, struct delay_lane *lane, uint64_t position, unixms_t now);
/* The delay that `percent` of the latest samples do not exceed; -1 without a sample. */
int64_t delay_percentile(const struct delay *d, unsigned percent);

#endif
