/* Who may act on whom: kicking a member, giving or taking a role, judged before anything is asked
 * of Discord, with the reason by name. Pure. Source: Discord interactions.md, "Role hierarchy";
 * rest.md, "Guild, members, roles".
 *
 * Rank: the highest role of a member counts; of two roles in the same position the one with the
 * lower id is higher; @everyone is below all; the owner is above everybody. ADMINISTRATOR lifts
 * none of this. A bot that gives or takes a role is measured against the role only; whoever asks
 * the bot to must besides stand above the member, since Presence lets nobody act through it on
 * their superiors. */
#ifndef PRESENCE_HIERARCHY_H
#define PRESENCE_HIERARCHY_H

#include "presence/permissions.h"

enum hierarchy_reason {
    HIERARCHY_MAY = 0,             /* nothing stands against it */
    HIERARCHY_NO_PERMISSION,       /* `needed` is missing */
    HIERARCHY_TIMED_OUT,           /* the actor has the permission, but is timed out */
    HIERARCHY_TARGET_IS_OWNER,     /* nobody kicks the owner */
    HIERARCHY_TARGET_IS_ACTOR,     /* nobody kicks oneself */
    HIERARCHY_TARGET_IS_BOT,       /* Presence is not asked to kick itself */
    HIERARCHY_TARGET_NOT_BELOW,    /* `role`: the target's highest */
    HIERARCHY_TARGET_RANK_UNKNOWN, /* `role`: one of the target's that the guild's list lacks */
    HIERARCHY_ROLE_UNKNOWN,        /* the guild has no such role */
    HIERARCHY_ROLE_IS_EVERYONE,    /* everybody has it, nobody gives it */
    HIERARCHY_ROLE_OF_BOT,         /* managed: it is a bot's own */
    HIERARCHY_ROLE_OF_INTEGRATION,
    HIERARCHY_ROLE_OF_BOOSTERS,
    HIERARCHY_ROLE_OF_SUBSCRIBERS,
    HIERARCHY_ROLE_OF_CONNECTIONS,
    HIERARCHY_ROLE_MANAGED,  /* by something else */
    HIERARCHY_ROLE_NOT_BELOW /* `role` is not below the actor's highest */
};

enum hierarchy_side { HIERARCHY_BOT, HIERARCHY_CALLER };

struct hierarchy_verdict {
    enum hierarchy_reason reason;
    enum hierarchy_side side; /* whom the reason stops; without meaning for HIERARCHY_MAY */
    uint64_t needed;          /* the permission that is missing, or 0 */
    snowflake_t role;         /* the role in the way, or none */
};

/* "target_not_below": for logs, evidence and as the key of a text. */
const char *hierarchy_reason_name(enum hierarchy_reason reason);

/* The member's highest role, @everyone if there is no other; NULL if the guild lists none of them.
 */
const struct permissions_role *hierarchy_top(const struct permissions_guild *guild,
                                             const struct permissions_member *member);
/* <0, 0, >0: a ranks below, is the same as, ranks above b. */
int hierarchy_compare(const struct permissions_guild *guild, const struct permissions_role *a,
                      const struct permissions_role *b);
/* Whether a stands above b: as owner, or by a strictly higher role. Nobody is above oneself. */
bool hierarchy_above(const struct permissions_guild *guild, const struct permissions_member *a,
                     const struct permissions_member *b);

/* Whether the bot may, and the caller as well if there is one (NULL: Presence acts by itself). What
 * stops the bot is told first: then no caller could. */
struct hierarchy_verdict hierarchy_kick(const struct permissions_guild *guild,
                                        const struct permissions_member *bot,
                                        const struct permissions_member *caller,
                                        const struct permissions_member *target, unixms_t now);
/* Giving the role to the target; taking it is judged the same way. */
struct hierarchy_verdict hierarchy_role(const struct permissions_guild *guild,
                                        const struct permissions_member *bot,
                                        const struct permissions_member *caller,
                                        const struct permissions_member *target, snowflake_t role,
                                        unixms_t now);

#endif
