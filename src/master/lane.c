/* Lanes: who owns them, and the way of an event from a shard to the owner. Called by worker.c,
 * workers.c and shard_conn.c; the queue itself is laneq.c's.
 * Diagnostics: lane_moved (debug), flow_paused, flow_resumed, worker_hung. */
#include <inttypes.h>
#include <string.h>

#include "master.h"
#include "plan.h"
#include "presence/log.h"

static void pump_lane(struct master *m, unsigned lane);

void lanes_init(struct master *m)
{
    for (unsigned i = 0; i < LANES; i++) {
        laneq_init(&m->lanes[i].queue);
        m->lanes[i].slot = m->lanes[i].target = PLAN_NOBODY;
    }
}

void lanes_clear(struct master *m)
{
    for (unsigned i = 0; i < LANES; i++)
        laneq_clear(&m->lanes[i].queue, &m->pool);
    framepool_close(&m->pool.frames);
}

unsigned lanes_of(const struct master *m, unsigned slot)
{
    unsigned n = 0;

    for (unsigned i = 0; i < LANES; i++)
        n += m->lanes[i].slot == (int)slot;
    return n;
}

struct worker *worker_of_lane(struct master *m, unsigned lane)
{
    const struct lane *l = &m->lanes[lane];
    struct worker *w;

    if (l->state != LANE_OWNED && l->state != LANE_REVOKED)
        return NULL;
    w = &m->workers[l->slot];
    return w->ipc ? w : NULL;
}

struct worker *worker_for_fetch(struct master *m)
{
    const struct lane *l = &m->lanes[0];

    /* It need not have taken the lane over: that waits for GraphQL, these questions do not. */
    return l->state != LANE_FREE && m->workers[l->slot].ipc ? &m->workers[l->slot] : NULL;
}

/* --- ownership ------------------------------------------------------------------------------- */

/* Takes the next step that brings the lane to its target. */
static void advance(struct master *m, unsigned lane)
{
    struct lane *l = &m->lanes[lane];
    struct worker *w;

    if (l->state == LANE_OWNED && (l->slot != l->target || reset_wants_lane(m, lane))) {
        l->state = LANE_REVOKED;
        w = &m->workers[l->slot];
        if (w->ipc)
            ipc_send(w->ipc, MSG_LANE_REVOKE, (uint16_t)lane, NULL, 0, NULL, 0);
        return;
    }
    if (l->state != LANE_FREE || l->target == PLAN_NOBODY)
        return;
    w = &m->workers[l->target];
    if (w->state != WORKER_READY || w->sent_drain || !w->ipc)
        return;
    l->state = LANE_GRANTED;
    l->slot = l->target;
    atomic_store(&shm_lane(&m->shm, lane)->owner, w->slot + 1);
    ipc_send(w->ipc, MSG_LANE_GRANT, (uint16_t)lane, NULL, 0, NULL, 0);
    if (lane == 0)
        fetch_owner_changed(m);
}

static void set_free(struct master *m, unsigned lane)
{
    struct lane *l = &m->lanes[lane];

    l->state = LANE_FREE;
    l->slot = PLAN_NOBODY;
    l->heavy_since.ms = 0;
    atomic_store(&shm_lane(&m->shm, lane)->owner, 0);
    reset_lane_free(m, lane);
}

void lane_advance(struct master *m, unsigned lane)
{
    advance(m, lane);
}

/* The plan knows places 0 to count - 1: the active slots in their order. */
void lanes_plan(struct master *m)
{
    int owner[LANES], place[LANES], slot[LANES];
    unsigned count = 0;

    for (unsigned i = 0; i < LANES; i++) {
        place[i] = worker_is_active(&m->workers[i]) ? (int)count : (int)LANES;
        if (worker_is_active(&m->workers[i]))
            slot[count++] = (int)i;
    }
    for (unsigned i = 0; i < LANES; i++)
        owner[i] = m->lanes[i].target == PLAN_NOBODY ? PLAN_NOBODY : place[m->lanes[i].target];
    plan_lanes(owner, count);
    for (unsigned i = 0; i < LANES; i++) {
        m->lanes[i].target = slot[owner[i]];
        advance(m, i);
    }
}

void lanes_move(struct master *m, unsigned from, unsigned to)
{
    for (unsigned i = 0; i < LANES; i++) {
        if (m->lanes[i].target != (int)from)
            continue;
        m->lanes[i].target = (int)to;
        advance(m, i);
    }
}

static void count_suspects(struct worker *w)
{
    w->suspects = 0;
    for (unsigned i = 0; i < LANES; i++)
        if (w->m->lanes[i].slot == (int)w->slot &&
            w->m->lanes[i].queue.blame >= LANEQ_BLAME_SUSPECT)
            w->suspects++;
}

void lanes_worker_ready(struct worker *w)
{
    for (unsigned i = 0; i < LANES; i++)
        if (w->m->lanes[i].target == (int)w->slot)
            advance(w->m, i);
    count_suspects(w);
}

void lane_owned(struct worker *w, unsigned lane)
{
    struct lane *l = &w->m->lanes[lane];

    if (l->state != LANE_GRANTED || l->slot != (int)w->slot)
        return;
    l->state = LANE_OWNED;
    count_suspects(w);
    if (lane == 0)
        sessions_owner_changed(w->m);
    advance(w->m, lane); /* it may have to move on already */
    if (w->suspects)
        lanes_pump_worker(w);
    else
        pump_lane(w->m, lane);
}

void lane_released(struct worker *w, unsigned lane)
{
    struct lane *l = &w->m->lanes[lane];

    if (l->state != LANE_REVOKED || l->slot != (int)w->slot)
        return;
    log_debug("lane_moved", "lane %u released by slot %u", lane, w->slot);
    laneq_rewind(&l->queue); /* what was under way when it was revoked */
    set_free(w->m, lane);
    advance(w->m, lane);
    worker_check_retired(w);
}

/* Acknowledgements wait a little to be sent together. What a dead worker had taken counts as
 * acknowledged: the first event after that is the one it was at. */
static void take_last_acks(struct master *m, unsigned lane)
{
    uint64_t taken = atomic_load(&shm_lane(&m->shm, lane)->taken_n);

    if (taken <= m->lanes[lane].queue.sent_n)
        laneq_ack(&m->lanes[lane].queue, &m->pool, taken);
}

void lanes_worker_gone(struct worker *w, unsigned blame)
{
    struct master *m = w->m;

    for (unsigned i = 0; i < LANES; i++) {
        struct lane *l = &m->lanes[i];

        if (l->slot != (int)w->slot)
            continue;
        take_last_acks(m, i);
        if (l->state == LANE_OWNED && blame && laneq_blame(&l->queue, blame)) {
            quarantine_event(m, i, laneq_first(&l->queue));
            laneq_entomb_first(&l->queue);
        }
        laneq_rewind(&l->queue);
        set_free(m, i);
        advance(m, i);
    }
}

/* --- events ---------------------------------------------------------------------------------- */

static void send_event(struct worker *w, unsigned lane, struct laneq *q)
{
    const struct framepool_event *e = laneq_peek(q);
    const struct framepool *pool = &w->m->pool.frames;

    if (framepool_owns(pool, e)) {
        struct msg_event_at at = {framepool_offset(pool, e)};

        ipc_send(w->ipc, MSG_EVENT_AT, (uint16_t)lane, &at, sizeof(at), NULL, 0);
    } else {
        ipc_send(w->ipc, MSG_EVENT, (uint16_t)lane, &e->head, sizeof(e->head), framepool_frame(e),
                 e->len);
    }
    laneq_sent(q);
}

static void pump_lane(struct master *m, unsigned lane)
{
    struct lane *l = &m->lanes[lane];
    struct worker *w;

    if (l->state != LANE_OWNED)
        return;
    w = &m->workers[l->slot];
    if (!w->ipc || w->suspects)
        return;
    while (laneq_peek(&l->queue) && !ipc_congested(w->ipc))
        send_event(w, lane, &l->queue);
}

/* With suspects among the worker's lanes one event at a time is out, so that the next crash
 * convicts the right one. */
static void pump_suspects(struct worker *w)
{
    struct master *m = w->m;

    for (unsigned i = 0; i < LANES; i++)
        if (m->lanes[i].slot == (int)w->slot && laneq_unacked(&m->lanes[i].queue))
            return;
    for (unsigned i = 0; i < LANES; i++) {
        struct lane *l = &m->lanes[i];

        if (l->slot == (int)w->slot && l->state == LANE_OWNED &&
            l->queue.blame >= LANEQ_BLAME_SUSPECT && laneq_peek(&l->queue)) {
            send_event(w, i, &l->queue);
            return;
        }
    }
}

void lanes_pump_worker(struct worker *w)
{
    if (!w->ipc || w->state == WORKER_STARTING)
        return;
    if (w->suspects) {
        pump_suspects(w);
        return;
    }
    for (unsigned i = 0; i < LANES && !ipc_congested(w->ipc); i++)
        if (w->m->lanes[i].slot == (int)w->slot)
            pump_lane(w->m, i);
    if (w->m->phase == PHASE_DRAINING)
        worker_send_drain_when_empty(w);
}

static void set_flow(struct master *m, bool paused)
{
    m->flow_paused = paused;
    m->flow_paused_at = clock_mono();
    if (paused)
        log_warn("flow_paused", "%zu bytes wait for the workers: not reading from Discord",
                 m->pool.bytes);
    else
        log_info("flow_resumed", "%zu bytes wait for the workers", m->pool.bytes);
    shards_pause(m, paused);
}

void lane_acked(struct worker *w, unsigned lane, uint64_t n)
{
    struct master *m = w->m;
    struct lane *l = &m->lanes[lane];

    if (l->slot != (int)w->slot)
        return;
    if (laneq_ack(&l->queue, &m->pool, n)) {
        log_error("worker_message",
                  "slot %u acknowledges event %" PRIu64 " of lane %u, sent %" PRIu64, w->slot, n,
                  lane, l->queue.sent_n);
        worker_kill(w, "it acknowledged what it was not sent", false);
        return;
    }
    if (m->flow_paused && m->pool.bytes < QUEUE_LOW_BYTES)
        set_flow(m, false);
    if (w->suspects) {
        count_suspects(w);
        lanes_pump_worker(w);
    }
}

void lane_deliver(struct master *m, struct shard *s, const struct envelope *env, const char *frame,
                  size_t len, int64_t arrival_ms)
{
    unsigned lane = route_lane(env->guild);
    bool replayed = gw_replaying(s->gw);
    struct msg_event e = {
        .session = s->resume.session,
        .seq = env->seq,
        .arrival_ms = arrival_ms,
        .guild = env->guild.id,
        .shard = (uint16_t)s->id,
        .flags = (uint16_t)((replayed ? MSG_EVENT_REPLAYED : 0) |
                            (reset_gates(m, env->guild) ? MSG_EVENT_GATED : 0)),
        .t_off = env->t_off,
        .t_len = env->t_len,
        .d_off = env->d_off,
        .d_len = env->d_len,
    };

    if (replayed) {
        int64_t gap = gw_gap_ms(s->gw, clock_mono());

        e.gap_ms = gap > UINT32_MAX ? UINT32_MAX : (uint32_t)gap;
    }
    laneq_add(&m->lanes[lane].queue, &m->pool, &e, frame, len);
    resume_delivered(&s->resume, lane, env->seq);
    pump_lane(m, lane);
    if (!m->flow_paused && m->pool.bytes > QUEUE_HIGH_BYTES)
        set_flow(m, true);
}

/* A full ring is a reason to take no events: the disk is full and nothing is committed. */
static bool ring_is_full(struct master *m, unsigned lane)
{
    const struct shm_lane *l = shm_lane(&m->shm, lane);
    uint64_t used = atomic_load(&l->head) - atomic_load(&l->tail);

    return used >= m->shm.header->ring_slots / 2;
}

void lanes_tick(struct master *m)
{
    monoms_t now = loop_served(m->loop);

    for (unsigned i = 0; i < LANES; i++) {
        struct lane *l = &m->lanes[i];

        if (l->state != LANE_OWNED || l->queue.bytes <= LANE_HUNG_BYTES || ring_is_full(m, i)) {
            l->heavy_since.ms = 0;
            continue;
        }
        if (l->heavy_since.ms == 0) {
            l->heavy_since = now;
            continue;
        }
        if (now.ms - l->heavy_since.ms < LANE_HUNG_MS || worker_is_at_disk(&m->workers[l->slot]))
            continue;
        log_error("worker_hung", "slot %u does not keep up with lane %u: %zu bytes wait", l->slot,
                  i, l->queue.bytes);
        l->heavy_since.ms = 0;
        worker_kill(&m->workers[l->slot], "a lane does not move", false);
    }
}
