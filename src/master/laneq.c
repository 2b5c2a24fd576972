/* The queue of one lane: events in chunks, in order, from the first unacknowledged one. Called by
 * fanout.c for every event.
 * Diagnostics: fatal on a broken invariant of its own. */
#include "laneq.h"

#include <stdlib.h>
#include <string.h>

#include "presence/buf.h"
#include "presence/log.h"

/* What takes the place of a quarantined event. */
static const char stone[] = "{\"t\":\"QUARANTINED\",\"d\":{}}";

struct laneq_chunk {
    struct laneq_chunk *next;
    uint64_t last_n; /* of its last event */
    uint32_t used, cap;
    _Alignas(8) unsigned char bytes[];
};

static struct framepool_event *event_at(struct laneq_chunk *c, uint32_t at)
{
    return (struct framepool_event *)(void *)(c->bytes + at);
}

static struct laneq_chunk *chunk_new(struct laneq_pool *pool, size_t need)
{
    struct laneq_chunk *c = NULL;
    size_t cap = FRAMEPOOL_BLOCK - sizeof(*c);

    if (need <= cap)
        c = framepool_take(&pool->frames);
    if (need > cap)
        cap = need;
    if (!c)
        c = xmalloc(sizeof(*c) + cap);
    c->next = NULL;
    c->used = 0;
    c->cap = (uint32_t)cap;
    return c;
}

static void chunk_free(struct laneq_pool *pool, struct laneq_chunk *c)
{
    if (framepool_owns(&pool->frames, c))
        framepool_give(&pool->frames, c);
    else
        free(c);
}

void laneq_init(struct laneq *q)
{
    *q = (struct laneq){.next_n = 1};
}

void laneq_clear(struct laneq *q, struct laneq_pool *pool)
{
    pool->bytes -= q->bytes;
    pool->events -= q->next_n - 1 - q->acked_n;
    while (q->first) {
        struct laneq_chunk *next = q->first->next;

        chunk_free(pool, q->first);
        q->first = next;
    }
    laneq_init(q);
}

void laneq_add(struct laneq *q, struct laneq_pool *pool, const struct msg_event *head,
               const void *frame, size_t len)
{
    size_t room = len > sizeof(stone) ? len : sizeof(stone);
    size_t size = (sizeof(struct framepool_event) + room + 7) & ~(size_t)7;
    struct laneq_chunk *c = q->last;
    struct framepool_event *e;

    if (!c || c->cap - c->used < size) {
        c = chunk_new(pool, size);
        if (q->last)
            q->last->next = c;
        else
            q->first = c;
        q->last = c;
        if (!q->send_chunk)
            q->send_chunk = c;
    }
    e = event_at(c, c->used);
    e->head = *head;
    e->head.n = q->next_n++;
    e->len = (uint32_t)len;
    e->size = (uint32_t)size;
    memcpy(e + 1, frame, len);
    c->used += (uint32_t)size;
    c->last_n = e->head.n;
    q->bytes += size;
    pool->bytes += size;
    pool->events++;
}

struct framepool_event *laneq_peek(const struct laneq *q)
{
    struct laneq_chunk *c = q->send_chunk;

    if (!c)
        return NULL;
    if (q->send_at < c->used)
        return event_at(c, q->send_at);
    return c->next ? event_at(c->next, 0) : NULL;
}

void laneq_sent(struct laneq *q)
{
    struct framepool_event *e = laneq_peek(q);

    if (!e)
        fatal("laneq", "nothing to send");
    if (q->send_at >= q->send_chunk->used) {
        q->send_chunk = q->send_chunk->next;
        q->send_at = 0;
    }
    q->send_at += e->size;
    q->sent_n = e->head.n;
}

/* Steps over what is acknowledged in the first chunk: laneq_ack does not look into it. */
static void skip_acked(struct laneq *q)
{
    struct laneq_chunk *c = q->first;

    while (c && q->first_at < c->used && event_at(c, q->first_at)->head.n <= q->acked_n)
        q->first_at += event_at(c, q->first_at)->size;
}

struct framepool_event *laneq_first(struct laneq *q)
{
    if (!q->first || laneq_empty(q))
        return NULL;
    skip_acked(q);
    return q->first_at < q->first->used ? event_at(q->first, q->first_at)
                                        : event_at(q->first->next, 0);
}

/* Lets go of the first chunk, all of which is acknowledged. */
static void drop_chunk(struct laneq *q, struct laneq_pool *pool)
{
    struct laneq_chunk *c = q->first;

    q->bytes -= c->used;
    pool->bytes -= c->used;
    q->first_at = 0;
    if (q->send_chunk == c)
        q->send_at = 0;
    if (!c->next && framepool_owns(&pool->frames, c)) {
        c->used = 0; /* used again from its beginning */
        return;
    }
    q->first = c->next;
    if (!q->first)
        q->last = NULL;
    if (q->send_chunk == c)
        q->send_chunk = q->first;
    chunk_free(pool, c);
}

int laneq_ack(struct laneq *q, struct laneq_pool *pool, uint64_t n)
{
    if (n > q->sent_n)
        return -1;
    if (n <= q->acked_n)
        return 0;
    pool->events -= n - q->acked_n;
    q->acked_n = n;
    q->blame = 0;
    /* Chunk by chunk: to look at each event again would cost a cache miss each. */
    while (q->first && q->first->last_n <= n && (q->first->used || q->first->next))
        drop_chunk(q, pool);
    return 0;
}

void laneq_rewind(struct laneq *q)
{
    uint64_t sent = q->sent_n;

    skip_acked(q);
    q->send_chunk = q->first;
    q->send_at = q->first_at;
    q->sent_n = q->acked_n;
    for (struct laneq_chunk *c = q->first; c; c = c->next) {
        for (uint32_t at = c == q->first ? q->first_at : 0; at < c->used;) {
            struct framepool_event *e = event_at(c, at);

            if (e->head.n > sent)
                return;
            e->head.flags |= MSG_EVENT_REDELIVERED;
            at += e->size;
        }
    }
}

bool laneq_blame(struct laneq *q, unsigned blame)
{
    if (!laneq_unacked(q))
        return false;
    q->blame += blame;
    return q->blame >= LANEQ_BLAME_POISON;
}

void laneq_entomb_first(struct laneq *q)
{
    struct framepool_event *e = laneq_first(q);

    if (!e)
        fatal("laneq", "no event to entomb");
    memcpy(e + 1, stone, sizeof(stone) - 1);
    e->len = sizeof(stone) - 1;
    e->head.guild = 0;
    e->head.t_off = 6;
    e->head.t_len = 11;
    e->head.d_off = 23;
    e->head.d_len = 2;
    q->blame = 0;
}
