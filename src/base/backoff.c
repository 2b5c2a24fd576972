/* Growing pauses with jitter. Called wherever something is tried again.
 * Diagnostics: none. */
#include "presence/backoff.h"

#include <bsd/stdlib.h>

void backoff_init(struct backoff *b, int64_t min_ms, int64_t max_ms)
{
    *b = (struct backoff){.min_ms = min_ms, .max_ms = max_ms};
}

void backoff_reset(struct backoff *b)
{
    b->failures = 0;
}

int64_t backoff_jitter_ms(int64_t bound_ms)
{
    if (bound_ms <= 0)
        return 0;
    return (int64_t)arc4random_uniform(bound_ms > UINT32_MAX ? UINT32_MAX : (uint32_t)bound_ms);
}

int64_t backoff_next_ms(struct backoff *b)
{
    int64_t whole = b->min_ms;

    for (unsigned i = 0; i < b->failures && whole < b->max_ms; i++)
        whole = whole > b->max_ms / 2 ? b->max_ms : whole * 2;
    if (whole > b->max_ms)
        whole = b->max_ms;
    b->failures++;
    return whole / 2 + backoff_jitter_ms(whole - whole / 2 + 1);
}
