/* All workers together: how many, draining, pings. Called by main.c, lane.c and reload.c.
 * Diagnostics: worker_count, worker_waits. */
#include <inttypes.h>

#include "presence/fd.h"
#include "presence/log.h"
#include "worker.h"

#define PING_EVERY_MS    3000
#define PING_DEADLINE_MS 12000

void workers_init(struct master *m)
{
    for (unsigned i = 0; i < LANES; i++) {
        struct worker *w = &m->workers[i];

        *w = (struct worker){.m = m, .slot = i, .stderr_fd = -1};
        w->timer = loop_timer_new(m->loop, worker_timer_fired, w);
        worker_init_patience(w);
        buf_init(&w->stderr_line, 0);
    }
}

void workers_clear(struct master *m)
{
    for (unsigned i = 0; i < LANES; i++) {
        struct worker *w = &m->workers[i];

        loop_fd_del(&w->stderr_watch);
        fd_close(&w->stderr_fd);
        ipc_free(&w->ipc);
        loop_timer_free(&w->timer);
        buf_clear(&w->stderr_line);
    }
}

bool worker_is_active(const struct worker *w)
{
    return w->m->workers_active >> w->slot & 1;
}

/* The lowest slots that are free join, the highest leave. */
static void set_active(struct master *m, unsigned count)
{
    unsigned n = (unsigned)__builtin_popcountll(m->workers_active);

    for (unsigned i = 0; i < LANES && n < count; i++) {
        n += !worker_is_active(&m->workers[i]);
        m->workers_active |= UINT64_C(1) << i;
    }
    for (unsigned i = LANES; i-- > 0 && n > count;) {
        n -= worker_is_active(&m->workers[i]);
        m->workers_active &= ~(UINT64_C(1) << i);
    }
}

void workers_set_count(struct master *m, unsigned count)
{
    unsigned before = m->worker_count;

    m->worker_count = count;
    set_active(m, count);
    for (unsigned i = 0; i < LANES; i++) {
        struct worker *w = &m->workers[i];

        if (worker_is_active(w)) {
            w->retiring = false;
            if (w->state == WORKER_NONE)
                worker_start(w);
        } else if (w->state == WORKER_WAITING) {
            loop_timer_stop(w->timer);
            w->state = WORKER_NONE;
        } else if (w->state != WORKER_NONE) {
            w->retiring = true;
        }
    }
    lanes_plan(m);
    for (unsigned i = 0; i < LANES; i++)
        worker_check_retired(&m->workers[i]);
    if (before && before != count)
        log_info("worker_count", "from %u to %u workers", before, count);
}

void worker_check_retired(struct worker *w)
{
    if (!w->retiring || w->sent_drain || lanes_of(w->m, w->slot) > 0)
        return;
    if (w->state == WORKER_STARTING) {
        worker_kill(w, "it is not needed any more", false);
        return;
    }
    if (w->state != WORKER_READY)
        return;
    w->state = WORKER_DRAINING;
    w->sent_drain = true;
    worker_send(w, MSG_DRAIN, NULL, 0, NULL, 0);
}

static bool everything_sent(const struct worker *w)
{
    for (unsigned i = 0; i < LANES; i++)
        if (w->m->lanes[i].target == (int)w->slot && laneq_peek(&w->m->lanes[i].queue))
            return false;
    return true;
}

/* While presenced drains: DRAIN goes behind the last event. */
void worker_send_drain_when_empty(struct worker *w)
{
    if (w->sent_drain || w->state != WORKER_READY || !everything_sent(w))
        return;
    w->state = WORKER_DRAINING;
    w->sent_drain = true;
    worker_send(w, MSG_DRAIN, NULL, 0, NULL, 0);
}

void workers_drain(struct master *m)
{
    for (unsigned i = 0; i < LANES; i++) {
        struct worker *w = &m->workers[i];

        if (w->state == WORKER_WAITING) {
            loop_timer_stop(w->timer);
            w->state = WORKER_NONE;
        }
        /* One that is starting still takes what waits for it. */
        worker_send_drain_when_empty(w);
    }
}

void workers_kill_all(struct master *m)
{
    for (unsigned i = 0; i < LANES; i++)
        worker_kill(&m->workers[i], "presenced stops at once", false);
}

bool workers_gone(const struct master *m)
{
    for (unsigned i = 0; i < LANES; i++)
        if (m->workers[i].pid > 0)
            return false;
    return true;
}

bool worker_is_at_disk(struct worker *w)
{
    int64_t since_ms = atomic_load(&w->m->shm.header->disk_since_ms[w->slot]);

    if (!since_ms)
        return false;
    if (!w->disk_told)
        log_warn("worker_waits",
                 "slot %u, pid %d: for the disk of its spool, %" PRId64 " ms so far", w->slot,
                 (int)w->pid, clock_mono().ms - since_ms);
    w->disk_told = true;
    return true;
}

static bool overdue(struct worker *w, monoms_t now)
{
    return w->ping_id != w->pong_id && now.ms - w->ping_at.ms >= PING_DEADLINE_MS &&
           !worker_is_at_disk(w);
}

void workers_tick(struct master *m)
{
    monoms_t now = loop_served(m->loop);

    for (unsigned i = 0; i < LANES; i++) {
        struct worker *w = &m->workers[i];
        struct msg_id id;

        if ((w->state != WORKER_READY && w->state != WORKER_DRAINING) || !w->ipc || w->reaped)
            continue;
        if (overdue(w, now)) {
            worker_kill(w, "it does not answer pings", true);
            continue;
        }
        if (w->ping_id != w->pong_id || now.ms - w->ping_at.ms < PING_EVERY_MS)
            continue;
        id.id = w->ping_id = master_next_id(m);
        w->ping_at = now;
        worker_send(w, MSG_PING, &id, sizeof(id), NULL, 0);
    }
}
