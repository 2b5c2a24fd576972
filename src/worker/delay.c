/* Samples the delay from arrival to commit. Called by lane.c and flush.c, shown by query.c.
 * Diagnostics: none. */
#include "worker/delay.h"

#include <stdlib.h>
#include <string.h>

void delay_mark(struct delay_lane *lane, uint64_t position, int64_t arrival_ms)
{
    unsigned at = (lane->first + lane->count) % DELAY_MARKS;

    if (lane->count == DELAY_MARKS)
        return;
    lane->marks[at].position = position;
    lane->marks[at].arrival_ms = arrival_ms;
    lane->count++;
}

void delay_committed(struct delay *d, struct delay_lane *lane, uint64_t position, unixms_t now)
{
    while (lane->count > 0 && lane->marks[lane->first].position <= position) {
        int64_t ms = now.ms - lane->marks[lane->first].arrival_ms;

        d->ms[d->total++ % DELAY_SAMPLES] = ms < 0            ? 0
                                            : ms > UINT32_MAX ? UINT32_MAX
                                                              : (uint32_t)ms;
        lane->first = (lane->first + 1) % DELAY_MARKS;
        lane->count--;
    }
}

static int compare(const void *a, const void *b)
{
    const uint32_t *x = a, *y = b;

    return (*x > *y) - (*x < *y);
}

int64_t delay_percentile(const struct delay *d, unsigned percent)
{
    unsigned n = d->total < DELAY_SAMPLES ? (unsigned)d->total : DELAY_SAMPLES;
    uint32_t sorted[DELAY_SAMPLES];

    if (n == 0)
        return -1;
    memcpy(sorted, d->ms, n * sizeof(*sorted));
    qsort(sorted, n, sizeof(*sorted), compare);
    return sorted[(uint64_t)(n - 1) * percent / 100];
}
