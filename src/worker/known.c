/* What a member was before an event, where only the store knows it: the segment was lost, and the
 * gateway session goes on by RESUME, which tells nobody's state again. A voice state or a member
 * update means something only beside the one before, so it waits until the member's row is read
 * back. Called by lane, for events of sessions older than the segment.
 * Diagnostics: none; an absent GraphQL is away.c's business. */
#include "presence/scan.h"
#include "worker/load.h"

static bool is_old(const struct worker *w, const struct msg_event *event)
{
    return event->session >> 8 < w->shm.header->epoch; /* it begins with the ms of its start */
}

/* The member whose state the event changes; none for most events. */
static snowflake_t member_of(const struct msg_event *event, const char *frame, size_t len,
                             uint16_t *known_r)
{
    struct slice t = {frame + event->t_off, event->t_len}, d = {frame + event->d_off, event->d_len};
    struct slice user_id = SLICE_NONE, whole = SLICE_NONE, id = SLICE_NONE;
    const struct scan_field in_user[] = {SCAN_FIELD("id", &id)};
    const struct scan_field fields[] = {SCAN_FIELD("user_id", &user_id),
                                        SCAN_FIELD_INNER("user", &whole, in_user, 1)};
    snowflake_t user = SNOWFLAKE_NONE;

    if (event->t_off > len || event->t_len > len - event->t_off || event->d_off > len ||
        event->d_len > len - event->d_off)
        return SNOWFLAKE_NONE;
    if (slice_is(t, "VOICE_STATE_UPDATE"))
        *known_r = SEEN_VOICE_KNOWN;
    else if (slice_is(t, "GUILD_MEMBER_UPDATE"))
        *known_r = SEEN_STATE_KNOWN;
    else
        return SNOWFLAKE_NONE;
    if (!scan_fields(d, fields, 2)) /* otherwise its interpretation will say what is wrong */
        scan_snowflake(user_id.p ? user_id : id, &user);
    return user;
}

bool known_before(struct lane *lane, const struct msg_event *event, const char *frame, size_t len)
{
    struct worker *w = lane->w;
    snowflake_t guild = {event->guild}, user;
    struct seen_row *row;
    uint16_t known = 0;
    bool inserted = false;

    if (!is_old(w, event) || !event->guild)
        return true;
    user = member_of(event, frame, len, &known);
    if (!snowflake_known(user))
        return true;
    row = seen_touch(&w->shm, guild, user, w->slot, &inserted);
    if (inserted)
        load_row(lane, row);
    return !row || row->flags & known || !(row->flags & SEEN_LOADING);
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
