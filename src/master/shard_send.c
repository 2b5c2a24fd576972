/* Payloads that workers want sent (op 8): each waits in its shard's queue until the shard is live
 * and the send budget has room. Called by worker.c and shard.c.
 * Diagnostics: gateway_send (a payload that cannot be sent). */
#include <stdlib.h>
#include <string.h>

#include "master.h"
#include "presence/log.h"

/* More than a start of the largest shard asks for; what is beyond is asked for again. */
#define QUEUE_MAX 5000u

static void send_timer_fired(void *arg)
{
    shard_send_run(arg);
}

void shard_send_run(struct shard *s)
{
    monoms_t now = clock_mono(), retry_at = now;

    while (s->send_first && s->ws && gw_shard_state(s->gw) == SHARD_LIVE) {
        struct send_item *item = s->send_first;

        if (!gw_may_send(s->gw, now, &retry_at)) {
            if (!s->send_timer)
                s->send_timer = loop_timer_new(s->m->loop, send_timer_fired, s);
            if (!loop_timer_active(s->send_timer))
                loop_timer_set(s->send_timer, retry_at.ms - now.ms + 1);
            return;
        }
        ws_send_text(s->ws, item->bytes, item->len);
        s->send_first = item->next;
        if (!s->send_first)
            s->send_end = &s->send_first;
        s->send_count--;
        free(item);
    }
}

void shard_send_request(struct master *m, uint64_t guild, const char *payload, size_t len)
{
    struct send_item *item;
    struct shard *s;

    if (m->shard_count == 0 || m->phase >= PHASE_DRAINING)
        return;
    s = &m->shards[route_shard((snowflake_t){guild}, m->shard_count)];
    if (len == 0 || len > GW_PAYLOAD_MAX || s->send_count >= QUEUE_MAX) {
        log_error("gateway_send", "shard %u: a payload of %zu bytes is dropped, %u are waiting",
                  s->id, len, s->send_count);
        return;
    }
    item = xmalloc(sizeof(*item) + len);
    item->next = NULL;
    item->len = len;
    memcpy(item->bytes, payload, len);
    *s->send_end = item;
    s->send_end = &item->next;
    s->send_count++;
    shard_send_run(s);
}

void shard_send_clear(struct shard *s)
{
    while (s->send_first) {
        struct send_item *next = s->send_first->next;

        free(s->send_first);
        s->send_first = next;
    }
    s->send_end = &s->send_first;
    s->send_count = 0;
    loop_timer_free(&s->send_timer);
}
