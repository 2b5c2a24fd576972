/* Finding in the table what a predecessor left unfinished: rows still loading, actors of unknown
 * kind, members in voice. Grants come in bursts; one walk serves all of them. Called by react.
 * Diagnostics: none. */
#include <stdlib.h>

#include "worker/load.h"
#include "worker/react_parts.h"

struct survey {
    uint64_t due;    /* bit per lane to look at: a predecessor's look-ups will not be answered */
    uint64_t walked; /* those of the walk at hand */
    struct loop_timer *timer;
};

static bool look_at(void *arg, struct seen_row *row)
{
    struct worker *w = arg;
    snowflake_t guild = {row->guild}, user = {row->user};
    unsigned number = route_lane(guild);
    struct lane *lane = w->lanes[number];

    if (!lane || !(w->survey->walked >> number & 1))
        return true;
    if (row->flags & SEEN_LOADING) {
        load_row(lane, row);
    } else if (!(row->flags & (SEEN_HUMAN | SEEN_BOT)) &&
               (atomic_load(&row->seen) || row->flags & SEEN_LOOKED_UP)) {
        row->flags &= (uint16_t)~SEEN_LOOKED_UP;
        lookup_want(w, guild, user);
    }
    if (row->voice_channel)
        voice_note(w, guild, user);
    return true;
}

static void walk(void *arg)
{
    struct worker *w = arg;

    w->survey->walked = w->survey->due;
    w->survey->due = 0;
    seen_each(&w->shm, look_at, w);
}

void survey_lane(struct worker *w, unsigned lane)
{
    w->survey->due |= UINT64_C(1) << lane;
    if (!loop_timer_active(w->survey->timer))
        loop_timer_set(w->survey->timer, 100);
}

bool survey_is_due(const struct worker *w, unsigned lane)
{
    return w->survey->due >> lane & 1;
}

void survey_init(struct worker *w)
{
    w->survey = xcalloc(1, sizeof(*w->survey));
    w->survey->timer = loop_timer_new(w->loop, walk, w);
}

void survey_free(struct worker *w)
{
    if (!w->survey)
        return;
    loop_timer_free(&w->survey->timer);
    free(w->survey);
    w->survey = NULL;
}
