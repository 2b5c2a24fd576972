/* The kinds of activity: names and defaults. Called by the event table, the workers, the simulator
 * and presencectl.
 * Diagnostics: none. */
#include "presence/activity.h"

#include <string.h>

#define COUNTS   true
#define WEAK     false
#define OWN_TIME true
#define ARRIVAL  false

const struct activity_info activity_infos[ACTIVITY_KINDS] = {
    [ACTIVITY_NONE] = {"none", "NONE", WEAK, ARRIVAL},
    [ACTIVITY_MESSAGE] = {"message", "MESSAGE", COUNTS, OWN_TIME},
    [ACTIVITY_MESSAGE_SYSTEM] = {"message_system", "MESSAGE_SYSTEM", COUNTS, OWN_TIME},
    [ACTIVITY_COMMAND] = {"command", "COMMAND", COUNTS, OWN_TIME},
    [ACTIVITY_EDIT] = {"edit", "EDIT", COUNTS, OWN_TIME},
    [ACTIVITY_REACTION_ADD] = {"reaction_add", "REACTION_ADD", COUNTS, ARRIVAL},
    [ACTIVITY_REACTION_REMOVE] = {"reaction_remove", "REACTION_REMOVE", COUNTS, ARRIVAL},
    [ACTIVITY_POLL_VOTE_ADD] = {"poll_vote_add", "POLL_VOTE_ADD", COUNTS, ARRIVAL},
    [ACTIVITY_POLL_VOTE_REMOVE] = {"poll_vote_remove", "POLL_VOTE_REMOVE", COUNTS, ARRIVAL},
    [ACTIVITY_TYPING] = {"typing", "TYPING", WEAK, OWN_TIME},
    [ACTIVITY_VOICE_JOIN] = {"voice_join", "VOICE_JOIN", COUNTS, ARRIVAL},
    [ACTIVITY_VOICE_MOVE] = {"voice_move", "VOICE_MOVE", COUNTS, ARRIVAL},
    [ACTIVITY_VOICE_LEAVE] = {"voice_leave", "VOICE_LEAVE", COUNTS, ARRIVAL},
    [ACTIVITY_VOICE_SELF] = {"voice_self", "VOICE_SELF", COUNTS, ARRIVAL},
    [ACTIVITY_INTERACTION] = {"interaction", "INTERACTION", COUNTS, OWN_TIME},
    [ACTIVITY_THREAD_CREATE] = {"thread_create", "THREAD_CREATE", COUNTS, OWN_TIME},
    [ACTIVITY_THREAD_JOIN] = {"thread_join", "THREAD_JOIN", COUNTS, ARRIVAL},
    [ACTIVITY_THREAD_LEAVE] = {"thread_leave", "THREAD_LEAVE", COUNTS, ARRIVAL},
    [ACTIVITY_MEMBER_JOIN] = {"member_join", "MEMBER_JOIN", COUNTS, ARRIVAL},
    [ACTIVITY_MEMBER_UPDATE] = {"member_update", "MEMBER_UPDATE", COUNTS, ARRIVAL},
    [ACTIVITY_AUDIT] = {"audit", "AUDIT", COUNTS, OWN_TIME},
    [ACTIVITY_EVENT_CREATE] = {"event_create", "EVENT_CREATE", COUNTS, ARRIVAL},
    [ACTIVITY_EVENT_RSVP_ADD] = {"event_rsvp_add", "EVENT_RSVP_ADD", COUNTS, ARRIVAL},
    [ACTIVITY_EVENT_RSVP_REMOVE] = {"event_rsvp_remove", "EVENT_RSVP_REMOVE", COUNTS, ARRIVAL},
    [ACTIVITY_INVITE_CREATE] = {"invite_create", "INVITE_CREATE", COUNTS, ARRIVAL},
    [ACTIVITY_AUTOMOD] = {"automod", "AUTOMOD", COUNTS, ARRIVAL},
    [ACTIVITY_VOICE_EFFECT] = {"voice_effect", "VOICE_EFFECT", COUNTS, ARRIVAL},
};

enum activity_kind activity_by_name(const char *name)
{
    for (int kind = ACTIVITY_NONE + 1; kind < ACTIVITY_KINDS; kind++)
        if (strcmp(activity_infos[kind].name, name) == 0)
            return (enum activity_kind)kind;
    return ACTIVITY_NONE;
}
