/* The kinds of activity, one per row of the event table (product sheet, section 4) that can be
 * somebody's act. The numbers are stored in PostgreSQL: never reuse or change one; add at the end.
 */
#ifndef PRESENCE_ACTIVITY_H
#define PRESENCE_ACTIVITY_H

#include <stdbool.h>

enum activity_kind {
    ACTIVITY_NONE = 0,
    ACTIVITY_MESSAGE = 1,        /* types 0 and 19 */
    ACTIVITY_MESSAGE_SYSTEM = 2, /* the other counting message types */
    ACTIVITY_COMMAND = 3,        /* a bot's message with interaction_metadata: its user */
    ACTIVITY_EDIT = 4,           /* MESSAGE_UPDATE with a new edited_timestamp */
    ACTIVITY_REACTION_ADD = 5,
    ACTIVITY_REACTION_REMOVE = 6,
    ACTIVITY_POLL_VOTE_ADD = 7,
    ACTIVITY_POLL_VOTE_REMOVE = 8,
    ACTIVITY_TYPING = 9, /* weak */
    ACTIVITY_VOICE_JOIN = 10,
    ACTIVITY_VOICE_MOVE = 11,
    ACTIVITY_VOICE_LEAVE = 12,
    ACTIVITY_VOICE_SELF = 13, /* a self_* field or a new raise-hand time */
    ACTIVITY_INTERACTION = 14,
    ACTIVITY_THREAD_CREATE = 15,
    ACTIVITY_THREAD_JOIN = 16,  /* weak, on by default */
    ACTIVITY_THREAD_LEAVE = 17, /* weak, on by default */
    ACTIVITY_MEMBER_JOIN = 18,
    ACTIVITY_MEMBER_UPDATE = 19, /* screening passed, onboarding, own avatar or banner */
    ACTIVITY_AUDIT = 20,
    ACTIVITY_EVENT_CREATE = 21,
    ACTIVITY_EVENT_RSVP_ADD = 22,
    ACTIVITY_EVENT_RSVP_REMOVE = 23,
    ACTIVITY_INVITE_CREATE = 24,
    ACTIVITY_AUTOMOD = 25,
    ACTIVITY_VOICE_EFFECT = 26,
    ACTIVITY_KINDS = 27
};

struct activity_info {
    const char *name;         /* "reaction_add": logs, presencectl, simulator */
    const char *graphql_name; /* "REACTION_ADD": enum ActivityKind */
    bool counts_by_default;   /* resets idle unless a setting says otherwise */
    bool has_own_time;        /* the payload carries the time; otherwise arrival time is used */
};

/* Indexed by kind; [ACTIVITY_NONE] has the name "none". */
extern const struct activity_info activity_infos[ACTIVITY_KINDS];

/* By name ("reaction_add"); ACTIVITY_NONE if there is none of that name. */
enum activity_kind activity_by_name(const char *name);

#endif
