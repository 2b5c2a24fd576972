/* Spreading the lanes over the workers. Called when the number of workers is set.
 * Diagnostics: none. */
#include "plan.h"

void plan_lanes(int owner[LANES], unsigned count)
{
    unsigned held[LANES] = {0}, quota = LANES / count, extra = LANES % count, slot = 0;

    /* First everybody keeps up to the smaller share, then `extra` of them one more. */
    for (unsigned round = 0; round < 2; round++) {
        for (unsigned i = 0; i < LANES; i++) {
            int at = owner[i];

            if (at < 0 || (unsigned)at >= count)
                owner[i] = PLAN_NOBODY;
            else if (round == 0)
                held[at]++;
        }
    }
    for (unsigned i = LANES; i-- > 0;) {
        int at = owner[i];

        if (at == PLAN_NOBODY)
            continue;
        unsigned over = 0; /* slots that hold more than the smaller share */
        for (unsigned s = 0; s < count; s++)
            over += held[s] > quota;
        if (held[at] > quota + 1 || (held[at] > quota && over > extra)) {
            held[at]--;
            owner[i] = PLAN_NOBODY;
        }
    }
    for (unsigned i = 0; i < LANES; i++) {
        if (owner[i] != PLAN_NOBODY)
            continue;
        slot = 0;
        for (unsigned s = 1; s < count; s++)
            if (held[s] < held[slot])
                slot = s;
        owner[i] = (int)slot;
        held[slot]++;
    }
}
