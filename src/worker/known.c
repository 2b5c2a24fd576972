/* What a member was before an event, where only the store knows it: the segment was lost, and the
 * gateway session goes on by RESUME, which tells nobody's state again. A voice state, a member
 * update or an edited message means something only beside the one before, so it waits until the
 * member's row is read back. Called by lane, for events of sessions older than the segment.
 * Diagnostics: none; an absent GraphQL is away.c's business. */
#include "presence/scan.h"
#include "worker/load.h"

static bool is_old(const struct worker *w, const struct msg_event *event)
{
    return event->session >> 8 < w->shm.header->epoch; /* it begins with the ms of its start */
}

enum state { STATE_NONE, STATE_VOICE, STATE_MEMBER, STATE_EDIT };

/* Which part of a member's state the event is compared with. */
static enum state state_of(struct slice t)
{
    return slice_is(t, "VOICE_STATE_UPDATE")    ? STATE_VOICE
           : slice_is(t, "GUILD_MEMBER_UPDATE") ? STATE_MEMBER
           : slice_is(t, "MESSAGE_UPDATE")      ? STATE_EDIT
                                                : STATE_NONE;
}

/* Whose. Nobody's if it cannot be read: its interpretation will say what is wrong. */
static snowflake_t member_of(enum state state, struct slice d)
{
    struct slice user_id = SLICE_NONE, user = SLICE_NONE, author = SLICE_NONE, id = SLICE_NONE,
                 author_id = SLICE_NONE, webhook = SLICE_NONE;
    const struct scan_field in_user[] = {SCAN_FIELD("id", &id)};
    const struct scan_field in_author[] = {SCAN_FIELD("id", &author_id)};
    const struct scan_field fields[] = {
        SCAN_FIELD("user_id", &user_id), SCAN_FIELD_INNER("user", &user, in_user, 1),
        SCAN_FIELD_INNER("author", &author, in_author, 1), SCAN_FIELD("webhook_id", &webhook)};
    snowflake_t member = SNOWFLAKE_NONE;

    if (!scan_fields(d, fields, 4) && !webhook.p)
        scan_snowflake(state == STATE_VOICE    ? user_id
                       : state == STATE_MEMBER ? id
                                               : author_id,
                       &member);
    return member;
}

static bool is_known(const struct seen_row *row, enum state state)
{
    return !(row->flags & SEEN_LOADING) ||
           (state == STATE_VOICE && row->flags & SEEN_VOICE_KNOWN) ||
           (state == STATE_MEMBER && row->flags & SEEN_STATE_KNOWN);
}

bool known_before(struct lane *lane, const struct msg_event *event, const char *frame, size_t len)
{
    struct worker *w = lane->w;
    snowflake_t guild = {event->guild}, user;
    struct seen_row *row;
    enum state state;
    bool inserted = false;

    if (!is_old(w, event) || !event->guild || event->t_off > len ||
        event->t_len > len - event->t_off || event->d_off > len ||
        event->d_len > len - event->d_off)
        return true;
    state = state_of((struct slice){frame + event->t_off, event->t_len});
    if (state == STATE_NONE)
        return true;
    user = member_of(state, (struct slice){frame + event->d_off, event->d_len});
    if (!snowflake_known(user))
        return true;
    row = seen_touch(&w->shm, guild, user, w->slot, &inserted);
    if (inserted)
        load_row(lane, row);
    return !row || is_known(row, state);
}

static void retry(void *arg)
{
    struct worker *w = arg;

    w->retry_due = false;
    for (unsigned i = 0; i < LANES; i++)
        if (w->lanes[i] && w->lanes[i]->held)
            lane_retry_held(w->lanes[i]);
}

void known_now(struct lane *lane)
{
    struct worker *w = lane->w;

    if (!lane->held || w->retry_due)
        return;
    w->retry_due = true;
    loop_defer(w->loop, retry, w);
}
