/* What follows from an event beside its records, handed to those whose work it is: lookup (bot
 * flags), roster (catalogues), voice (dwell), call (interactions). Also the gateway sessions' own
 * records. Called by lane, load, main. Diagnostics: none. */
#include "worker/react.h"

#include <stdlib.h>
#include <string.h>

#include "presence/log.h"
#include "worker/cache.h"
#include "worker/call.h"
#include "worker/lease.h"
#include "worker/order.h"
#include "worker/react_parts.h"

#define SESSIONS_WAITING_MAX 4096u
#define RETRY_MS             100

struct react {
    struct worker *w;
    struct msg_session *sessions; /* not logged yet: lane 0 had no room or is not ours yet */
    size_t n_sessions, cap_sessions;
    struct loop_timer *timer;
};

/* --- gateway sessions ------------------------------------------------------------------------ */

static int log_session(struct lane *lane, const struct msg_session *s)
{
    struct worker *w = lane->w;
    struct record_session *r;
    int bad;

    record_list_reset(&w->list);
    r = record_list_add(&w->list, RECORD_SESSION, 0, 0, 0);
    r->gateway_session = s->session;
    r->at.ms = s->at_ms;
    r->watched_until.ms = s->watched_until_ms;
    r->shard = s->shard;
    r->shards = s->shards;
    r->edge = s->edge;
    r->close_code = s->close_code;
    bad = lane_append(lane, &w->list);
    record_list_reset(&w->list);
    return bad;
}

static void log_sessions(void *arg)
{
    struct worker *w = arg;
    struct react *r = w->react;
    struct lane *lane = w->lanes[0];
    size_t n = 0;

    while (lane && n < r->n_sessions && !log_session(lane, &r->sessions[n]))
        n++;
    if (n > 0)
        memmove(r->sessions, r->sessions + n, (r->n_sessions - n) * sizeof(*r->sessions));
    r->n_sessions -= n;
    if (r->n_sessions && lane)
        loop_timer_set(r->timer, RETRY_MS);
}

void react_session(struct worker *w, const struct msg_session *session)
{
    struct react *r = w->react;

    if (r->n_sessions >= SESSIONS_WAITING_MAX) {
        log_error("session_lost", "an edge of gateway session %llu could not be logged",
                  (unsigned long long)session->session);
        return;
    }
    if (r->n_sessions == r->cap_sessions) {
        r->cap_sessions = r->cap_sessions ? r->cap_sessions * 2 : 8;
        r->sessions = xrealloc(r->sessions, r->cap_sessions * sizeof(*r->sessions));
    }
    r->sessions[r->n_sessions++] = *session;
    log_sessions(w);
}

/* --- to the others --------------------------------------------------------------------------- */

void react(struct lane *lane, const struct msg_event *event, const char *frame,
           const struct event_result *result)
{
    if (result->flags & EVENT_WANT_BOT_FLAG)
        lookup_want(lane->w, result->guild, result->user);
    if (result->flags & EVENT_WANT_ROSTER)
        roster_want(lane, result->guild);
    if (result->flags & EVENT_ROSTER_CHUNK)
        roster_chunk(lane, result);
    if (result->flags & EVENT_RATE_LIMITED)
        roster_limited(lane->w, result);
    if (result->flags & EVENT_GUILD_GONE)
        roster_forget(lane->w, result->guild);
    if (result->flags & EVENT_INTERACTION)
        call_begin(lane, event, frame, result);
    if (result->flags & EVENT_ORDER)
        order_begin(lane, event, frame);
}

void react_loaded(struct lane *lane, struct seen_row *row)
{
    snowflake_t guild = {row->guild}, user = {row->user};

    if (!(row->flags & (SEEN_HUMAN | SEEN_BOT)) && atomic_load(&row->seen))
        lookup_want(lane->w, guild, user);
    if (row->voice_channel)
        voice_note(lane->w, guild, user);
}

void react_record(struct lane *lane, const struct record_header *h)
{
    const struct record_voice *v = (const void *)h;

    if (h->type == RECORD_VOICE && snowflake_known(v->channel) &&
        (!snowflake_known(v->previous) || h->flags & RECORD_ESTIMATED))
        voice_note(lane->w, v->guild, v->user);
}

/* Whether a predecessor may have left something unfinished in the table. Rows may be there before
 * the first record: an event that waits for its member's past (known.c) makes one. */
static bool has_past(const struct lane *lane)
{
    const struct shm_header *header = lane->w->shm.header;

    return ring_head(&lane->ring) || atomic_load(&header->counters[SHM_COUNT_ROWS_LIVE].value);
}

void react_take_lane(struct lane *lane)
{
    cache_take_lane(lane);
    roster_take_lane(lane);
    lease_take_lane(lane);
    if (has_past(lane))
        survey_lane(lane->w, lane->number);
    if (lane->number == 0) {
        log_sessions(lane->w);
        register_commands(lane->w);
    }
}

void react_forget_lane(struct lane *lane)
{
    roster_forget_lane(lane);
    lease_forget_lane(lane);
    if (lane->number == 0)
        lane->w->react->n_sessions = 0; /* the master tells the next owner */
}

void react_gateway(struct worker *w, const struct msg_gateway_state *state)
{
    roster_gateway(w, state);
}

void react_init(struct worker *w)
{
    w->react = xcalloc(1, sizeof(*w->react));
    w->react->w = w;
    w->react->timer = loop_timer_new(w->loop, log_sessions, w);
    call_init(w);
    order_init(w);
    register_init(w);
    lease_init(w);
    lookup_init(w);
    roster_init(w);
    voice_init(w);
    survey_init(w);
}

void react_free(struct worker *w)
{
    if (!w->react)
        return;
    call_free(w);
    order_free(w);
    register_free(w);
    lease_free(w);
    lookup_free(w);
    roster_free(w);
    voice_free(w);
    survey_free(w);
    loop_timer_free(&w->react->timer);
    free(w->react->sessions);
    free(w->react);
    w->react = NULL;
}
