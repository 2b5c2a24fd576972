/* Who may act on whom. Called before a kick or a change of roles is asked of Discord, by diagnoses,
 * and by presence-sim. Diagnostics: none; the reason is the answer. */
#include "presence/hierarchy.h"

static const char *const names[] = {
    [HIERARCHY_MAY] = "may",
    [HIERARCHY_NO_PERMISSION] = "no_permission",
    [HIERARCHY_TIMED_OUT] = "timed_out",
    [HIERARCHY_TARGET_IS_OWNER] = "target_is_owner",
    [HIERARCHY_TARGET_IS_ACTOR] = "target_is_actor",
    [HIERARCHY_TARGET_IS_BOT] = "target_is_bot",
    [HIERARCHY_TARGET_NOT_BELOW] = "target_not_below",
    [HIERARCHY_TARGET_RANK_UNKNOWN] = "target_rank_unknown",
    [HIERARCHY_ROLE_UNKNOWN] = "role_unknown",
    [HIERARCHY_ROLE_IS_EVERYONE] = "role_is_everyone",
    [HIERARCHY_ROLE_OF_BOT] = "role_of_bot",
    [HIERARCHY_ROLE_OF_INTEGRATION] = "role_of_integration",
    [HIERARCHY_ROLE_OF_BOOSTERS] = "role_of_boosters",
    [HIERARCHY_ROLE_OF_SUBSCRIBERS] = "role_of_subscribers",
    [HIERARCHY_ROLE_OF_CONNECTIONS] = "role_of_connections",
    [HIERARCHY_ROLE_MANAGED] = "role_managed",
    [HIERARCHY_ROLE_NOT_BELOW] = "role_not_below",
};

static const enum hierarchy_reason of_kind[] = {
    [ROLE_PLAIN] = HIERARCHY_MAY,
    [ROLE_BOT] = HIERARCHY_ROLE_OF_BOT,
    [ROLE_INTEGRATION] = HIERARCHY_ROLE_OF_INTEGRATION,
    [ROLE_BOOSTER] = HIERARCHY_ROLE_OF_BOOSTERS,
    [ROLE_SUBSCRIPTION] = HIERARCHY_ROLE_OF_SUBSCRIBERS,
    [ROLE_LINKED] = HIERARCHY_ROLE_OF_CONNECTIONS,
    [ROLE_MANAGED] = HIERARCHY_ROLE_MANAGED,
};

const char *hierarchy_reason_name(enum hierarchy_reason reason)
{
    return (size_t)reason < sizeof(names) / sizeof(names[0]) ? names[reason] : "unknown";
}

/* --- rank ------------------------------------------------------------------------------------- */

int hierarchy_compare(const struct permissions_guild *guild, const struct permissions_role *a,
                      const struct permissions_role *b)
{
    bool a_everyone = snowflake_equal(a->id, guild->id);
    bool b_everyone = snowflake_equal(b->id, guild->id);

    if (a_everyone || b_everyone)
        return (int)b_everyone - (int)a_everyone;
    if (a->position != b->position)
        return a->position < b->position ? -1 : 1;
    return (a->id.id < b->id.id) - (a->id.id > b->id.id);
}

const struct permissions_role *hierarchy_top(const struct permissions_guild *guild,
                                             const struct permissions_member *member)
{
    const struct permissions_role *top = permissions_role(guild, guild->id);

    for (size_t i = 0; i < member->n_roles; i++) {
        const struct permissions_role *role = permissions_role(guild, member->roles[i]);

        if (role && (!top || hierarchy_compare(guild, role, top) > 0))
            top = role;
    }
    return top;
}

/* Whether the member has a role that the guild's list lacks. */
static bool unlisted(const struct permissions_guild *guild, const struct permissions_member *member,
                     snowflake_t *role_r)
{
    for (size_t i = 0; i < member->n_roles; i++)
        if (!permissions_role(guild, member->roles[i])) {
            *role_r = member->roles[i];
            return true;
        }
    return false;
}

static bool owns(const struct permissions_guild *guild, const struct permissions_member *member)
{
    return snowflake_known(guild->owner) && snowflake_equal(guild->owner, member->id);
}

static bool same(const struct permissions_member *a, const struct permissions_member *b)
{
    return snowflake_equal(a->id, b->id);
}

/* Whether the member's highest role ranks above this one; unlisted ones count as the lowest. */
static bool top_above(const struct permissions_guild *guild,
                      const struct permissions_member *member, const struct permissions_role *role)
{
    const struct permissions_role *top = hierarchy_top(guild, member);

    return top && role && hierarchy_compare(guild, top, role) > 0;
}

bool hierarchy_above(const struct permissions_guild *guild, const struct permissions_member *a,
                     const struct permissions_member *b)
{
    if (same(a, b) || owns(guild, b))
        return false;
    return owns(guild, a) || top_above(guild, a, hierarchy_top(guild, b));
}

/* --- verdicts --------------------------------------------------------------------------------- */

static struct hierarchy_verdict stopped(enum hierarchy_side side, enum hierarchy_reason reason)
{
    return (struct hierarchy_verdict){.reason = reason, .side = side};
}

/* Whether the permission is there; HIERARCHY_MAY if so. */
static struct hierarchy_verdict permitted(const struct permissions_guild *guild,
                                          const struct permissions_member *actor,
                                          enum hierarchy_side side, uint64_t needed, unixms_t now)
{
    struct hierarchy_verdict v = stopped(side, HIERARCHY_MAY);

    if (!permissions_has(permissions_base(guild, actor), needed)) {
        v.reason = HIERARCHY_NO_PERMISSION;
        v.needed = needed;
    } else if (permissions_timed_out(guild, actor, now)) {
        v.reason = HIERARCHY_TIMED_OUT;
    }
    return v;
}

/* Whether the actor stands above the target. A role the guild's list lacks could be any height:
 * then nobody but the owner is known to be above, since Discord does not compare callers for us. */
static struct hierarchy_verdict outranked(const struct permissions_guild *guild,
                                          const struct permissions_member *actor,
                                          enum hierarchy_side side,
                                          const struct permissions_member *target)
{
    struct hierarchy_verdict v = stopped(side, HIERARCHY_MAY);
    const struct permissions_role *top = hierarchy_top(guild, target);

    if (!hierarchy_above(guild, actor, target)) {
        v.reason = HIERARCHY_TARGET_NOT_BELOW;
        v.role = top ? top->id : SNOWFLAKE_NONE;
    } else if (!owns(guild, actor) && unlisted(guild, target, &v.role)) {
        v.reason = HIERARCHY_TARGET_RANK_UNKNOWN;
    }
    return v;
}

static struct hierarchy_verdict kick_by(const struct permissions_guild *guild,
                                        const struct permissions_member *actor,
                                        enum hierarchy_side side,
                                        const struct permissions_member *target, unixms_t now)
{
    struct hierarchy_verdict v = permitted(guild, actor, side, PERMISSION(KICK_MEMBERS), now);

    if (v.reason != HIERARCHY_MAY)
        return v;
    if (same(actor, target))
        return stopped(side, HIERARCHY_TARGET_IS_ACTOR);
    return outranked(guild, actor, side, target);
}

struct hierarchy_verdict hierarchy_kick(const struct permissions_guild *guild,
                                        const struct permissions_member *bot,
                                        const struct permissions_member *caller,
                                        const struct permissions_member *target, unixms_t now)
{
    struct hierarchy_verdict v;

    if (owns(guild, target))
        return stopped(HIERARCHY_BOT, HIERARCHY_TARGET_IS_OWNER);
    if (same(bot, target))
        return stopped(HIERARCHY_BOT, HIERARCHY_TARGET_IS_BOT);
    v = kick_by(guild, bot, HIERARCHY_BOT, target, now);
    if (v.reason != HIERARCHY_MAY || !caller)
        return v;
    return kick_by(guild, caller, HIERARCHY_CALLER, target, now);
}

static struct hierarchy_verdict role_by(const struct permissions_guild *guild,
                                        const struct permissions_member *actor,
                                        enum hierarchy_side side,
                                        const struct permissions_role *role, unixms_t now)
{
    struct hierarchy_verdict v = permitted(guild, actor, side, PERMISSION(MANAGE_ROLES), now);

    if (v.reason != HIERARCHY_MAY || owns(guild, actor) || top_above(guild, actor, role))
        return v;
    v.reason = HIERARCHY_ROLE_NOT_BELOW;
    v.role = role->id;
    return v;
}

/* Whether anybody could give or take the role by hand. */
static struct hierarchy_verdict role_by_hand(const struct permissions_guild *guild,
                                             const struct permissions_role *role, snowflake_t id)
{
    struct hierarchy_verdict v = stopped(HIERARCHY_BOT, HIERARCHY_MAY);

    v.role = id;
    if (!role)
        v.reason = HIERARCHY_ROLE_UNKNOWN;
    else if (snowflake_equal(role->id, guild->id))
        v.reason = HIERARCHY_ROLE_IS_EVERYONE;
    else
        v.reason = of_kind[role->kind];
    return v;
}

struct hierarchy_verdict hierarchy_role(const struct permissions_guild *guild,
                                        const struct permissions_member *bot,
                                        const struct permissions_member *caller,
                                        const struct permissions_member *target, snowflake_t id,
                                        unixms_t now)
{
    const struct permissions_role *role = permissions_role(guild, id);
    struct hierarchy_verdict v = role_by_hand(guild, role, id);

    if (v.reason != HIERARCHY_MAY)
        return v;
    v = role_by(guild, bot, HIERARCHY_BOT, role, now);
    if (v.reason != HIERARCHY_MAY || !caller)
        return v;
    v = role_by(guild, caller, HIERARCHY_CALLER, role, now);
    if (v.reason != HIERARCHY_MAY || same(caller, target))
        return v;
    return outranked(guild, caller, HIERARCHY_CALLER, target);
}
