/* Growing pauses between tries: 0 (or min) first, then doubling up to max, each with jitter. */
#ifndef PRESENCE_BACKOFF_H
#define PRESENCE_BACKOFF_H

#include <stdint.h>

struct backoff {
    int64_t min_ms;    /* second pause; the pauses double from here */
    int64_t max_ms;    /* none is longer, jitter included */
    unsigned failures; /* since the last reset */
};

void backoff_init(struct backoff *b, int64_t min_ms, int64_t max_ms);
void backoff_reset(struct backoff *b);

/* Counts one failure and returns how long to wait: after the n-th, uniformly in
 * [half, whole] of min(max_ms, min_ms * 2^(n-1)). */
int64_t backoff_next_ms(struct backoff *b);

/* Uniform in [0, bound). */
int64_t backoff_jitter_ms(int64_t bound_ms);

#endif
