/* Claims the lanes just granted for this segment's epoch and learns what PostgreSQL has of them:
 * epoch, position, sessions. A lane whose segment remembers it needs the answer only to spare a
 * useless batch; a lane in a fresh segment needs it before the first event, because what was
 * recorded before the segment was lost is known only there (and in the spool). The claim makes sure
 * that nothing of before is committed after the answer. Called by lane.
 * Diagnostics: warns while a lane has to wait for GraphQL. */
#include <stdlib.h>

#include "presence/log.h"
#include "worker/load.h"
#include "worker/operations.h"
#include "worker/worker.h"

#define RETRY_MS 500

static struct lane *lane_of(struct worker *w, const struct json *state)
{
    int64_t number = json_int(json_get(state, "lane"), -1);

    return number >= 0 && number < (int64_t)LANES ? w->lanes[number] : NULL;
}

static void take_sessions(struct lane *lane, const struct json *state)
{
    for (const struct json *s = json_first(json_get(state, "sessions")); s; s = json_next(s)) {
        uint64_t session = json_id(json_get(s, "session")), seq = json_id(json_get(s, "seq"));

        if (session && seq > ring_appended(&lane->ring, session))
            ring_raise_appended(&lane->ring, session, seq);
    }
}

/* What the spool holds of an earlier segment is recorded as well, though not yet in PostgreSQL. */
static bool recorded_elsewhere(const struct lane *lane)
{
    return !lane->pg_empty || (lane->spool && !spool_empty(lane->spool));
}

static void take_state(struct lane *lane, const struct json *state)
{
    uint64_t epoch = json_id(json_get(state, "epoch"));

    if (!lane->in_flight && !lane->pg_known)
        build_position(lane, epoch, json_id(json_get(state, "position")));
    lane->virgin = !recorded_elsewhere(lane) && ring_tail(&lane->ring) == 0;
    take_sessions(lane, state);
}

static bool is_state(const struct json *state)
{
    const struct json *epoch = json_get(state, "epoch");

    return epoch && (json_is_null(epoch) || json_id(epoch));
}

static bool needs_asking(const struct lane *lane)
{
    return lane && lane->state != LANE_RELEASING &&
           (!lane->pg_known || (lane->fresh && !lane->seeds_due));
}

static void lanes_answered(void *arg, const struct gql_answer *answer)
{
    struct worker *w = arg;
    bool told = false;

    w->takeover_asked = false;
    if (answer->outcome != GQL_DONE) {
        away_enter(w, answer->error);
        loop_timer_set(w->takeover_timer, RETRY_MS);
        return;
    }
    for (const struct json *s = json_first(json_get(answer->data, "claimLanes")); s;
         s = json_next(s)) {
        struct lane *lane = lane_of(w, s);

        if (!lane || !is_state(s))
            continue;
        told = told || needs_asking(lane);
        take_state(lane, s);
        lane->seeds_due = lane->fresh && recorded_elsewhere(lane);
        if (!lane->seeds_due)
            seeds_settle(lane);
    }
    if (!told) { /* it does not know our lanes, or they went meanwhile */
        loop_timer_set(w->takeover_timer, RETRY_MS);
        return;
    }
    away_leave(w);
    takeover_ask(w); /* whatever was granted meanwhile */
    seeds_ask(w);
    load_kick(w);
    flush_all(w);
}

static void ask(void *arg)
{
    struct worker *w = arg;
    struct buf body;
    unsigned n = 0;

    if (w->takeover_asked || w->done)
        return;
    buf_init(&body, 0);
    buf_puts(&body, "{\"documentId\":\"" OPERATION_CLAIM_LANES "\",\"variables\":{\"lanes\":[");
    for (unsigned i = 0; i < LANES; i++)
        if (needs_asking(w->lanes[i]))
            buf_printf(&body, "%s%u", n++ ? "," : "", i);
    buf_printf(&body, "],\"epoch\":\"%llu\"}}", (unsigned long long)w->shm.header->epoch);
    if (n) {
        w->takeover_asked = true;
        gql_send(&w->gql, &body, 10000, lanes_answered, w);
    }
    buf_clear(&body);
}

/* Grants come in a row: one request asks for all of them. */
void takeover_ask(struct worker *w)
{
    if (!w->takeover_timer)
        w->takeover_timer = loop_timer_new(w->loop, ask, w);
    if (!w->takeover_asked && !loop_timer_active(w->takeover_timer))
        loop_timer_set(w->takeover_timer, 0);
}
