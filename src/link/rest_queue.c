/* Whose turn it is: the lines of waiting calls. Called by the rest of the REST client.
 * Diagnostics: warns when a lane is braked. */
#include <stdlib.h>
#include <string.h>

#include "presence/clock.h"
#include "presence/log.h"
#include "rest_priv.h"

#define LOOK_AHEAD 16u /* calls of a line that may be passed because they wait after a failure */

/* --- lines ------------------------------------------------------------------------------------ */

static struct rest_line *line_for(struct rest *r, const struct rest_call *call)
{
    struct rest_line *line;

    TAILQ_FOREACH(line, &r->lines[call->lane], entry)
    if (line->route.major == call->route.major &&
        !strcmp(line->route.template, call->route.template))
        return line;
    line = xcalloc(1, sizeof(*line));
    line->route = call->route;
    TAILQ_INIT(&line->calls);
    TAILQ_INSERT_TAIL(&r->lines[call->lane], line, entry);
    return line;
}

void rest_queue_add(struct rest_call *call, bool first)
{
    struct rest *r = call->rest;

    call->state = REST_WAITING;
    call->line = line_for(r, call);
    if (first)
        TAILQ_INSERT_HEAD(&call->line->calls, call, entry);
    else
        TAILQ_INSERT_TAIL(&call->line->calls, call, entry);
    r->waiting[call->lane]++;
    r->with_deadline += call->give_up_ms != 0;
}

void rest_queue_remove(struct rest_call *call)
{
    struct rest *r = call->rest;

    TAILQ_REMOVE(&call->line->calls, call, entry);
    r->waiting[call->lane]--;
    r->with_deadline -= call->give_up_ms != 0;
    if (TAILQ_EMPTY(&call->line->calls)) {
        TAILQ_REMOVE(&r->lines[call->lane], call->line, entry);
        free(call->line);
    }
    call->line = NULL;
}

void rest_queue_end(struct rest_call *call, enum outcome outcome, int status, const char *error)
{
    rest_queue_remove(call);
    call->state = REST_OVER;
    call->local =
        (struct rest_answer){.outcome = outcome, .status = status, .text = "", .error = error};
    TAILQ_INSERT_TAIL(&call->rest->over, call, entry);
}

/* --- a round ---------------------------------------------------------------------------------- */

static void sooner(int64_t *soonest_ms, int64_t wait_ms)
{
    if (wait_ms >= 0 && (*soonest_ms < 0 || wait_ms < *soonest_ms))
        *soonest_ms = wait_ms;
}

/* Ends what nobody waits for any more, of all lines. */
static void expire(struct rest *r, int64_t now_ms, int64_t *soonest_ms)
{
    for (int lane = 0; lane < 2 && r->with_deadline > 0; lane++) {
        struct rest_line *line, *next_line;

        for (line = TAILQ_FIRST(&r->lines[lane]); line; line = next_line) {
            struct rest_call *call, *next;

            next_line = TAILQ_NEXT(line, entry);
            for (call = TAILQ_FIRST(&line->calls); call; call = next) {
                next = TAILQ_NEXT(call, entry);
                if (!call->give_up_ms)
                    continue;
                if (call->give_up_ms > now_ms)
                    sooner(soonest_ms, call->give_up_ms - now_ms);
                else
                    rest_queue_end(call, call->so_far, 0, "its time was over while it waited");
            }
        }
    }
}

/* What holds for the whole lane; 0 = nothing. */
static int64_t lane_wait(struct rest *r, enum budget_lane lane, int64_t now_ms)
{
    int64_t ban_ms = budget_blocked(r->budget, BUDGET_BAN, now_ms);
    int64_t brake_ms = budget_brake(r->budget, lane, now_ms);

    return ban_ms > brake_ms ? ban_ms : brake_ms;
}

/* How long the call has to wait; 0: it has its ticket and is counted everywhere. */
static int64_t call_wait(struct rest_call *call, int64_t now_ms)
{
    struct rest *r = call->rest;
    int64_t *held_ms = &r->held_ms[call->lane];
    int64_t wait_ms;

    if (call->route.interaction)
        return buckets_take(r->buckets, &call->route, now_ms, &call->ticket);
    if (*held_ms == 0)
        *held_ms = budget_blocked(r->budget, BUDGET_GLOBAL, now_ms);
    if (*held_ms > 0)
        return *held_ms;
    wait_ms = buckets_take(r->buckets, &call->route, now_ms, &call->ticket);
    if (wait_ms != 0)
        return wait_ms;
    *held_ms = budget_take(r->budget, call->lane, now_ms * 1000);
    if (*held_ms > 0)
        buckets_put_back(r->buckets, &call->ticket);
    return *held_ms;
}

/* The first call of the line that does not wait by itself, or NULL and for how long. */
static struct rest_call *next_of(struct rest_line *line, int64_t now_ms, int64_t *soonest_ms)
{
    struct rest_call *call;
    unsigned looked = 0;

    TAILQ_FOREACH(call, &line->calls, entry)
    {
        if (call->not_before_ms <= now_ms)
            return call;
        sooner(soonest_ms, call->not_before_ms - now_ms);
        if (++looked == LOOK_AHEAD)
            break;
    }
    return NULL;
}

static void send_now(struct rest_call *call)
{
    struct rest *r = call->rest;

    rest_queue_remove(call);
    call->state = REST_UNDER_WAY;
    TAILQ_INSERT_TAIL(&r->under_way, call, entry);
    if (call->lane == BUDGET_BULK)
        r->bulk_under_way++;
    rest_try(call);
}

static bool refused(const struct rest_call *call)
{
    return !call->route.interaction &&
           budget_token_refused(call->rest->budget, call->rest->token_digest);
}

/* Sends one call of the line. False if none of it may go now. */
static bool serve(struct rest *r, struct rest_line *line, int64_t now_ms, int64_t *soonest_ms)
{
    struct rest_call *call = next_of(line, now_ms, soonest_ms);
    int64_t wait_ms;

    if (!call)
        return false;
    if (refused(call)) {
        rest_queue_end(call, call->so_far == OUTCOME_NOT_SENT ? OUTCOME_UNAUTHORIZED : call->so_far,
                       401, "Discord has refused the bot's token");
        return true;
    }
    if (call->lane == BUDGET_BULK && r->bulk_under_way >= REST_BULK_MAX)
        return false;
    wait_ms = call_wait(call, now_ms);
    if (wait_ms == 0)
        send_now(call);
    else
        sooner(soonest_ms, wait_ms);
    return wait_ms == 0;
}

/* One call of each line in turn, until nobody may go. */
static void serve_lane(struct rest *r, enum budget_lane lane, int64_t now_ms, int64_t *soonest_ms)
{
    int64_t wait_ms = lane_wait(r, lane, now_ms);
    bool any = true;

    if (wait_ms > 0) {
        sooner(soonest_ms, wait_ms);
        return;
    }
    while (any) {
        struct rest_line *line, *next;

        any = false;
        for (line = TAILQ_FIRST(&r->lines[lane]); line; line = next) {
            next = TAILQ_NEXT(line, entry);
            any |= serve(r, line, now_ms, soonest_ms);
        }
        /* Who was first in this round is last in the next one. */
        line = TAILQ_FIRST(&r->lines[lane]);
        if (line) {
            TAILQ_REMOVE(&r->lines[lane], line, entry);
            TAILQ_INSERT_TAIL(&r->lines[lane], line, entry);
        }
    }
}

static void tell_those_over(struct rest *r)
{
    struct rest_call *call;

    while ((call = TAILQ_FIRST(&r->over))) {
        TAILQ_REMOVE(&r->over, call, entry);
        call->cb(call->arg, &call->local);
        rest_call_free(call);
    }
}

void rest_pump(void *arg)
{
    struct rest *r = arg;
    int64_t now_ms = clock_mono().ms, soonest_ms = -1;

    expire(r, now_ms, &soonest_ms);
    r->held_ms[BUDGET_ANSWERS] = r->held_ms[BUDGET_BULK] = 0;
    if (r->base) {
        serve_lane(r, BUDGET_ANSWERS, now_ms, &soonest_ms);
        serve_lane(r, BUDGET_BULK, now_ms, &soonest_ms);
    }
    if (soonest_ms >= 0)
        loop_timer_set(r->timer, soonest_ms);
    tell_those_over(r);
}
