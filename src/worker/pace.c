/* When a flush is put off (pace.h). Diagnostics: none. */
#include "worker/pace.h"

bool pace_put_off(struct pace *pace, uint64_t logged, int64_t flush_ms)
{
    /* Fewer than before: lanes went to another worker. */
    uint64_t more = logged > pace->logged ? logged - pace->logged : 0;

    pace->logged = logged;
    pace->waited_ms += flush_ms;
    if (more >= (uint64_t)flush_ms * PACE_BUSY_PER_MS &&
        pace->waited_ms + flush_ms <= PACE_WAIT_MAX_MS)
        return true;
    pace->waited_ms = 0;
    return false;
}
