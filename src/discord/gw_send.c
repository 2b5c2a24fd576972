/* What a connection may still send: 120 payloads per minute, the last five only heartbeats
 * (gateway.md §9). Called by gw_payload.c, gw.c, and by the master before it sends op 8.
 * Diagnostics: none. */
#include "presence/gw.h"

#include "discord/gw_state.h"

static unsigned sent_within_window(const struct gw *gw, monoms_t now)
{
    unsigned n = 0;

    for (unsigned i = 0; i < gw->sent_count; i++)
        if (now.ms - gw->sent[i].ms < GW_SEND_WINDOW_MS)
            n++;
    return n;
}

void gw_note_sent(struct gw *gw, monoms_t now)
{
    gw->sent[gw->sent_next] = now;
    gw->sent_next = (gw->sent_next + 1) % GW_SEND_MAX;
    if (gw->sent_count < GW_SEND_MAX)
        gw->sent_count++;
}

bool gw_may_send(struct gw *gw, monoms_t now, monoms_t *retry_at_r)
{
    const unsigned most = GW_SEND_MAX - GW_SEND_RESERVE;

    if (gw->phase != PHASE_LIVE) {
        if (retry_at_r)
            *retry_at_r = gw_after(now, GW_BACKOFF_MIN_MS);
        return false;
    }
    if (sent_within_window(gw, now) >= most) {
        /* the oldest of the last `most` payloads makes room when its minute is over */
        unsigned oldest = (gw->sent_next + GW_SEND_MAX - most) % GW_SEND_MAX;

        if (retry_at_r)
            *retry_at_r = gw_after(gw->sent[oldest], GW_SEND_WINDOW_MS);
        return false;
    }
    gw_note_sent(gw, now);
    return true;
}

void gw_send_heartbeat(struct gw *gw, monoms_t now)
{
    gw_note_sent(gw, now);
    gw_push(gw, GW_SEND_HEARTBEAT);
}
