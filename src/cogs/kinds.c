/* Families of kinds. Called by cogs. Diagnostics: none. */
#include "cogs/kinds.h"

#include <string.h>

#include "presence/activity.h"

const struct command_choice kinds_choices[] = {
    {"messages", N_("messages")},
    {"reactions", N_("reactions")},
    {"polls", N_("votes in polls")},
    {"voice", N_("voice")},
    {"commands", N_("commands")},
    {"threads", N_("threads")},
    {"events", N_("events")},
    {"invites", N_("invites")},
    {"profile", N_("joining, and the own profile")},
    {"staff", N_("staff work")},
    {"automod", N_("messages that AutoMod stopped")},
    {"typing", N_("typing")},
    {NULL, NULL},
};

static const char *const families[ACTIVITY_KINDS] = {
    [ACTIVITY_MESSAGE] = "messages",
    [ACTIVITY_MESSAGE_SYSTEM] = "messages",
    [ACTIVITY_EDIT] = "messages",
    [ACTIVITY_COMMAND] = "commands",
    [ACTIVITY_INTERACTION] = "commands",
    [ACTIVITY_REACTION_ADD] = "reactions",
    [ACTIVITY_REACTION_REMOVE] = "reactions",
    [ACTIVITY_POLL_VOTE_ADD] = "polls",
    [ACTIVITY_POLL_VOTE_REMOVE] = "polls",
    [ACTIVITY_TYPING] = "typing",
    [ACTIVITY_VOICE_JOIN] = "voice",
    [ACTIVITY_VOICE_MOVE] = "voice",
    [ACTIVITY_VOICE_LEAVE] = "voice",
    [ACTIVITY_VOICE_SELF] = "voice",
    [ACTIVITY_VOICE_EFFECT] = "voice",
    [ACTIVITY_THREAD_CREATE] = "threads",
    [ACTIVITY_THREAD_JOIN] = "threads",
    [ACTIVITY_THREAD_LEAVE] = "threads",
    [ACTIVITY_MEMBER_JOIN] = "profile",
    [ACTIVITY_MEMBER_UPDATE] = "profile",
    [ACTIVITY_AUDIT] = "staff",
    [ACTIVITY_EVENT_CREATE] = "events",
    [ACTIVITY_EVENT_RSVP_ADD] = "events",
    [ACTIVITY_EVENT_RSVP_REMOVE] = "events",
    [ACTIVITY_INVITE_CREATE] = "invites",
    [ACTIVITY_AUTOMOD] = "automod",
};

const char *kinds_name(const char *family)
{
    const struct command_choice *c = kinds_choices;

    while (c->value && strcmp(c->value, family) != 0)
        c++;
    return c->value ? c->name : "";
}

void kinds_put(const char *family, struct buf *out)
{
    const char *between = "";

    buf_putc(out, '[');
    for (unsigned kind = ACTIVITY_NONE + 1; kind < ACTIVITY_KINDS; kind++)
        if (families[kind] && !strcmp(families[kind], family)) {
            buf_printf(out, "%s\"%s\"", between, activity_infos[kind].graphql_name);
            between = ",";
        }
    buf_putc(out, ']');
}
