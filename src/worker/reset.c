/* What the owner of a lane does when a guild of it is reset: the steps CLEAR and OPEN, as the
 * segment tells them. Each part may have been done by a predecessor already; doing it again changes
 * nothing. Called by lane when the lane is granted, by main when the master tells of a step.
 * Diagnostics: warns when presence-graphqld does not carry the reset out. */
#include "worker/reset.h"

#include <stdlib.h>
#include <string.h>

#include "presence/log.h"
#include "worker/forget.h"
#include "worker/operations.h"
#include "worker/order.h"
#include "worker/react_parts.h"

#define SOON_MS  20
#define ASK_MS   5000
#define AGAIN_MS 500

struct reset {
    struct worker *w;
    struct loop_timer *timer;
    struct lane *lane;    /* of which the rest tells; compared, not followed */
    uint64_t request;     /* likewise */
    enum reset_step step; /* likewise */
    bool closed;          /* coverage, by the record before mark */
    uint64_t mark;
    bool asked; /* softReset is under way, or was answered */
};

static const struct shm_reset *the_reset(const struct worker *w)
{
    return &w->shm.header->reset;
}

/* The lane of the reset's guild, if it is ours and the reset is at this step. */
static struct lane *lane_at(const struct worker *w, enum reset_step step)
{
    const struct shm_reset *r = the_reset(w);
    struct lane *lane;

    if (atomic_load(&r->step) != step || w->draining)
        return NULL;
    lane = w->lanes[route_lane((snowflake_t){r->guild})];
    return lane && lane->state == LANE_OWNED ? lane : NULL;
}

static void tell_done(struct worker *w, enum reset_step step, bool failed)
{
    struct msg_reset_done done = {the_reset(w)->request, step, failed};

    ipc_send(w->ipc, MSG_RESET_DONE, (uint16_t)route_lane((snowflake_t){the_reset(w)->guild}),
             &done, sizeof(done), NULL, 0);
}

/* 0, or -1: no room just now. */
static int log_coverage(struct lane *lane, enum coverage_edge edge, int64_t at_ms)
{
    const struct shm_reset *r = the_reset(lane->w);
    struct record_coverage *c;
    struct record_list list;
    int bad;

    record_list_init(&list);
    c = record_list_add(&list, RECORD_COVERAGE, 0, 0, 0);
    c->guild.id = r->guild;
    c->at.ms = at_ms;
    c->gateway_session = r->session;
    c->edge = (uint16_t)edge;
    c->reason = COVERAGE_EVENTS_LOST;
    bad = lane_append(lane, &list);
    record_list_clear(&list);
    return bad;
}

/* --- CLEAR -------------------------------------------------------------------------------------
 */

static void answered(void *arg, const struct gql_answer *answer)
{
    struct reset *r = arg;
    const char *code =
        json_string(json_get(json_get(answer->data, "softReset"), "code"), "no answer");
    bool done = answer->outcome == GQL_DONE && !strcmp(code, "OK");

    if (!lane_at(r->w, RESET_CLEAR)) /* the master waits no longer, or somebody else does it */
        return;
    if (!done)
        log_warn("reset_refused", "guild %llu: %s", (unsigned long long)the_reset(r->w)->guild,
                 answer->error ? answer->error : code);
    if (answer->outcome == GQL_AWAY) {
        r->asked = false;
        loop_timer_set(r->timer, AGAIN_MS);
        return;
    }
    forget(r->w, (snowflake_t){the_reset(r->w)->guild}, SNOWFLAKE_NONE);
    tell_done(r->w, RESET_CLEAR, !done);
}

static void ask(struct reset *r)
{
    const struct shm_reset *reset = the_reset(r->w);
    struct buf body;

    r->asked = true;
    buf_init(&body, 0);
    buf_printf(&body,
               "{\"documentId\":\"" OPERATION_SOFT_RESET
               "\",\"variables\":{\"guildId\":\"%llu\",\"actorId\":\"%llu\",\"requestId\":"
               "\"%llu\"}}",
               (unsigned long long)reset->guild, (unsigned long long)reset->actor,
               (unsigned long long)reset->request);
    gql_send(&r->w->gql, &body, ASK_MS, answered, r);
    buf_clear(&body);
}

static bool committed(const struct lane *lane, uint64_t mark)
{
    return lane->pg_known && lane->pg_epoch == lane->w->shm.header->epoch && lane->pg_pos >= mark;
}

static void clear(struct reset *r, struct lane *lane)
{
    const struct shm_reset *reset = the_reset(r->w);

    if (!r->closed && !log_coverage(lane, COVERAGE_CLOSE, reset->gated_ms)) {
        r->closed = true;
        r->mark = ring_head(&lane->ring);
        flush_lane(lane);
    }
    if (!r->closed || !committed(lane, r->mark)) {
        loop_timer_set(r->timer, SOON_MS);
        return;
    }
    if (r->asked)
        return;
    forget(r->w, (snowflake_t){reset->guild}, SNOWFLAKE_NONE);
    ask(r);
}

/* --- OPEN --------------------------------------------------------------------------------------
 */

/* A new session has shown the guild: its GUILD_CREATE does all this. */
static void open_again(struct reset *r, struct lane *lane)
{
    const struct shm_reset *reset = the_reset(r->w);
    snowflake_t guild = {reset->guild};

    if (reset->resumed && log_coverage(lane, COVERAGE_OPEN, reset->resumed_ms)) {
        loop_timer_set(r->timer, SOON_MS);
        return;
    }
    if (reset->resumed)
        roster_want(lane, guild);
    order_reset_over(r->w, (snowflake_t){reset->request}, reset->failed);
    tell_done(r->w, RESET_OPEN, false);
}

/* --- steps -------------------------------------------------------------------------------------
 */

static void look(void *arg)
{
    struct reset *r = arg;
    struct lane *lane;

    if ((lane = lane_at(r->w, RESET_CLEAR)))
        clear(r, lane);
    else if ((lane = lane_at(r->w, RESET_OPEN)))
        open_again(r, lane);
}

void reset_go_on(struct worker *w)
{
    struct reset *r = w->reset;
    const struct shm_reset *reset = the_reset(w);
    struct lane *lane = w->lanes[route_lane((snowflake_t){reset->guild})];
    enum reset_step step = (enum reset_step)atomic_load(&reset->step);

    if (step == RESET_NONE)
        return;
    if (r->lane != lane || r->request != reset->request || r->step != step)
        *r = (struct reset){
            .w = w, .timer = r->timer, .lane = lane, .request = reset->request, .step = step};
    loop_timer_set(r->timer, 0);
}

void reset_init(struct worker *w)
{
    w->reset = xcalloc(1, sizeof(*w->reset));
    w->reset->w = w;
    w->reset->timer = loop_timer_new(w->loop, look, w->reset);
}
