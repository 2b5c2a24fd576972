/* A worker process from its start on: what it is told first, and what it says. Called by workers.c,
 * worker_end.c and lane.c.
 * Diagnostics: worker_started, worker_ready, worker_drained, worker_start_failed, worker_version,
 * worker_message, alert. */
#include "worker.h"

#include <errno.h>
#include <inttypes.h>
#include <string.h>

#include "presence/log.h"
#include "secrets.h"

#define READY_DEADLINE_MS 20000

const char *worker_state_name(enum worker_state state)
{
    switch (state) {
    case WORKER_NONE:
    case WORKER_WAITING:
        return "dead";
    case WORKER_STARTING:
        return "starting";
    case WORKER_READY:
        return "ready";
    case WORKER_DRAINING:
        break;
    }
    return "draining";
}

/* --- start ----------------------------------------------------------------------------------- */

static void send_setup(struct worker *w)
{
    struct master *m = w->m;
    struct buf text;
    struct msg_id id = {master_next_id(m)}, offset = {(uint64_t)clock_offset()};

    if (clock_offset() != 0)
        worker_send(w, MSG_CLOCK, &offset, sizeof(offset), NULL, 0);
    secrets_send(w);
    buf_init(&text, 0);
    conf_print_for_workers(&m->conf, &text);
    worker_send(w, MSG_CONF_PREPARE, &id, sizeof(id), buf_bytes(&text), buf_len(&text));
    worker_send(w, MSG_CONF_COMMIT, &id, sizeof(id), NULL, 0);
    buf_clear(&text);
}

void worker_set_deadline(struct worker *w, int64_t in_ms)
{
    w->deadline.ms = loop_served(w->m->loop).ms + in_ms;
    loop_timer_set(w->timer, in_ms);
}

void worker_timer_fired(void *arg)
{
    struct worker *w = arg;
    int64_t left_ms = w->deadline.ms - loop_served(w->m->loop).ms;

    if (w->state == WORKER_WAITING)
        worker_start(w);
    else if (left_ms > 0)
        loop_timer_set(w->timer, left_ms);
    else if (w->state == WORKER_STARTING && !w->reaped)
        worker_kill(w, "it was not ready in time", false);
    else if (!w->ipc && !w->reaped)
        worker_kill(w, "its channel is closed but it does not exit", false);
}

void worker_start(struct worker *w)
{
    struct master *m = w->m;

    if (reload_running(m)) { /* it would be told a configuration that may not hold */
        w->state = WORKER_WAITING;
        loop_timer_set(w->timer, 100);
        return;
    }
    w->generation = ++m->generation;
    w->reaped = w->drained = w->sent_drain = w->blame = w->disk_told = false;
    w->killed_why = NULL;
    w->started = clock_mono();
    w->started_ms = clock_unix().ms;
    w->ready_at = (monoms_t){0};
    w->ping_id = w->pong_id = 0;
    w->acks = 0;
    atomic_store(&m->shm.header->master_generation, m->generation);
    atomic_store(&m->shm.header->disk_since_ms[w->slot], 0);
    if (worker_spawn(w)) {
        int64_t wait = backoff_next_ms(&w->failed_starts);

        log_error("worker_start_failed", "slot %u: %s; next try in %" PRId64 " ms", w->slot,
                  strerror(errno), wait);
        w->state = WORKER_WAITING;
        loop_timer_set(w->timer, wait);
        return;
    }
    w->state = WORKER_STARTING;
    log_info("worker_started", "slot %u, pid %d, generation %u", w->slot, (int)w->pid,
             w->generation);
    worker_set_deadline(w, READY_DEADLINE_MS);
    send_setup(w);
}

/* --- messages -------------------------------------------------------------------------------- */

void worker_send(struct worker *w, uint16_t type, const void *body, size_t body_len,
                 const void *tail, size_t tail_len)
{
    if (w->ipc)
        ipc_send(w->ipc, type, 0, body, body_len, tail, tail_len);
}

static void became_ready(struct worker *w, uint64_t version)
{
    if (version != MSG_VERSION) {
        log_error("worker_version", "slot %u speaks version %" PRIu64 ", expected %u", w->slot,
                  version, MSG_VERSION);
        worker_kill(w, "it is of another version", false);
        return;
    }
    if (w->state != WORKER_STARTING)
        return;
    w->state = WORKER_READY;
    w->ready_at = w->pong_at = clock_mono();
    w->ping_at = loop_served(w->m->loop);
    loop_timer_stop(w->timer);
    backoff_reset(&w->failed_starts);
    log_info("worker_ready", "slot %u, pid %d, after %" PRId64 " ms", w->slot, (int)w->pid,
             w->ready_at.ms - w->started.ms);
    shards_tell_worker(w);
    lanes_worker_ready(w);
    roll_worker_ready(w);
    if (w->m->phase == PHASE_DRAINING)
        worker_send_drain_when_empty(w);
}

/* Whose lane has no owner just now is not told: a command runs once or not at all. */
static void pass_order(struct master *m, unsigned lane, const struct msg_order *order,
                       const void *text, size_t len)
{
    struct worker *w = worker_of_lane(m, lane);

    for (unsigned i = 0; i < LANES; i++)
        if (order->all ? m->workers[i].state == WORKER_READY : &m->workers[i] == w)
            worker_send(&m->workers[i], MSG_ORDER, order, sizeof(*order), text, len);
}

static void pass_forget(struct master *m, const struct msg_forget *forget)
{
    for (unsigned i = 0; i < LANES; i++)
        if (m->workers[i].state == WORKER_READY)
            worker_send(&m->workers[i], MSG_FORGET, forget, sizeof(*forget), NULL, 0);
}

void worker_message(void *arg, const struct msg_header *h, const void *body, const void *tail,
                    size_t tail_len)
{
    struct worker *w = arg;
    struct master *m = w->m;
    const struct msg_id *id = body;

    if (h->generation != w->generation)
        return;
    switch (h->type) {
    case MSG_EVENT_ACK:
        w->acks++;
        lane_acked(w, h->lane, id->id);
        break;
    case MSG_DURABLE:
        shard_durable(m, h->lane, body);
        break;
    case MSG_WORKER_READY:
        became_ready(w, id->id);
        break;
    case MSG_CONF_READY:
        reload_answer(w, id->id, true, NULL, 0);
        break;
    case MSG_CONF_FAIL:
        reload_answer(w, id->id, false, tail, tail_len);
        break;
    case MSG_LANE_OWNED:
        lane_owned(w, h->lane);
        break;
    case MSG_LANE_RELEASED:
        lane_released(w, h->lane);
        break;
    case MSG_PONG:
        w->pong_id = id->id;
        w->disk_told = false;
        w->pong_at = clock_mono();
        break;
    case MSG_DRAINED:
        w->drained = true;
        log_info("worker_drained", "slot %u, pid %d", w->slot, (int)w->pid);
        break;
    case MSG_FETCH_REPLY:
        fetch_reply(m, body, tail, tail_len);
        break;
    case MSG_GATEWAY_SEND:
        shard_send_request(m, ((const struct msg_gateway_send *)body)->guild, tail, tail_len);
        break;
    case MSG_QUERY_REPLY:
        control_query_reply(w, id->id, tail, tail_len);
        break;
    case MSG_ORDER_PASS:
        pass_order(m, h->lane, body, tail, tail_len);
        break;
    case MSG_RESET_ASK:
        reset_ask(w, body);
        break;
    case MSG_RESET_DONE:
        reset_done(w, body);
        break;
    case MSG_COGS_ASK:
        cogs_ask(w, id->id, tail, tail_len);
        break;
    case MSG_FORGET_PASS:
        pass_forget(m, body);
        break;
    case MSG_ALERT:
        log_error("alert", "worker %u: %.*s", w->slot, (int)(tail_len > 1000 ? 1000 : tail_len),
                  (const char *)tail);
        break;
    default:
        log_error("worker_message", "slot %u sent %s, which is the master's to send", w->slot,
                  msg_name(h->type));
        worker_kill(w, "it sent a wrong message", false);
    }
}
