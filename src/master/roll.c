/* Rolling the workers over: for each old one a new one is started in a free slot; when it is ready
 * it takes the lanes, and the old one leaves as any does that is not needed any more. Events wait
 * in the lanes' queues only while a lane changes hands; the gateway is not touched. Lane 0's owner
 * comes last: it registers the commands, which all workers know then. Called by cogs.c.
 * Diagnostics: worker_replaced. */
#include "presence/log.h"
#include "worker.h"

#define STEP_MS 60000 /* from the start of a new worker to the end of the old one */

bool roll_running(const struct master *m)
{
    return m->roll.done != NULL;
}

static uint64_t bit(int slot)
{
    return UINT64_C(1) << slot;
}

static void finish(struct master *m, const char *failure)
{
    struct roll r = m->roll;

    m->roll = (struct roll){.from = -1, .to = -1};
    r.done(m, r.replaced, failure);
}

/* Of those that are left; lane 0's owner last. */
static int choose_old(const struct master *m)
{
    uint64_t others = m->roll.left & ~bit(m->lanes[0].target);

    return __builtin_ctzll(others ? others : m->roll.left);
}

/* A slot that is in no use; -1: all are. */
static int choose_free(const struct master *m)
{
    for (unsigned i = 0; i < LANES; i++)
        if (m->workers[i].state == WORKER_NONE && !worker_is_active(&m->workers[i]))
            return (int)i;
    return -1;
}

static void next(struct master *m)
{
    struct roll *r = &m->roll;
    struct worker *old;

    if (!r->left) {
        finish(m, NULL);
        return;
    }
    r->from = choose_old(m);
    r->to = choose_free(m);
    r->deadline.ms = loop_served(m->loop).ms + STEP_MS;
    old = &m->workers[r->from];
    if (r->to >= 0) {
        worker_start(&m->workers[r->to]);
        return;
    }
    r->to = r->from; /* no slot is free: its lanes wait while it is replaced */
    if (old->state == WORKER_READY && !old->sent_drain) {
        old->state = WORKER_DRAINING;
        old->sent_drain = true;
        worker_send(old, MSG_DRAIN, NULL, 0, NULL, 0);
    }
}

static void replaced(struct master *m)
{
    struct roll *r = &m->roll;

    log_info("worker_replaced", "slot %d by slot %d", r->from, r->to);
    r->left &= ~bit(r->from);
    r->replaced++;
}

void roll_worker_ready(struct worker *w)
{
    struct master *m = w->m;
    struct roll *r = &m->roll;
    struct worker *old;

    if (!roll_running(m) || (int)w->slot != r->to || !(r->left & bit(r->from)) ||
        m->phase >= PHASE_DRAINING)
        return;
    replaced(m);
    if (r->to == r->from) {
        next(m);
        return;
    }
    old = &m->workers[r->from];
    m->workers_active = (m->workers_active & ~bit(r->from)) | bit(r->to);
    old->retiring = true;
    lanes_move(m, old->slot, w->slot);
    if (old->state == WORKER_WAITING) { /* it had died */
        loop_timer_stop(old->timer);
        old->state = WORKER_NONE;
        old->retiring = false;
        next(m);
    } else {
        worker_check_retired(old);
    }
}

void roll_worker_gone(struct worker *w)
{
    struct master *m = w->m;
    const struct roll *r = &m->roll;

    if (!roll_running(m) || m->phase >= PHASE_DRAINING)
        return;
    if ((int)w->slot == r->from && !(r->left & bit(r->from)))
        next(m);
    else if ((int)w->slot == r->to && r->left & bit(r->from) && r->to != r->from)
        finish(m, "a new worker did not start");
}

/* What is left of a step that is given up: the new worker has no lanes yet. */
static void give_up(struct master *m, const char *failure)
{
    struct worker *w = &m->workers[m->roll.to];

    if (m->phase < PHASE_DRAINING && !worker_is_active(w)) {
        w->retiring = true;
        if (w->state == WORKER_WAITING) {
            loop_timer_stop(w->timer);
            w->state = WORKER_NONE;
            w->retiring = false;
        } else {
            worker_check_retired(w);
        }
    }
    finish(m, failure);
}

void roll_start(struct master *m, roll_done *done)
{
    m->roll = (struct roll){.left = m->workers_active, .from = -1, .to = -1, .done = done};
    next(m);
}

void roll_tick(struct master *m)
{
    if (!roll_running(m))
        return;
    if (m->phase >= PHASE_DRAINING)
        give_up(m, "presenced is stopping");
    else if (loop_served(m->loop).ms >= m->roll.deadline.ms)
        give_up(m, "a worker was not replaced in time");
}
