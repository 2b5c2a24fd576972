/* Who should own which lane. Pure. */
#ifndef PRESENCE_MASTER_PLAN_H
#define PRESENCE_MASTER_PLAN_H

#include "presence/route.h"

#define PLAN_NOBODY (-1)

/* Spreads the lanes over slots 0..count-1 so that no slot has more than one lane more than another,
 * moving as few as possible. owner: in the present, out the wanted slot of each lane. */
void plan_lanes(int owner[LANES], unsigned count);

#endif
