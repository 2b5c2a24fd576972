/* The world's guilds and members as permissions and hierarchy want them. */
#ifndef SIM_ACCESS_H
#define SIM_ACCESS_H

#include "presence/hierarchy.h"
#include "sim/world.h"

struct access_guild {
    struct permissions_guild guild;
    struct permissions_role roles[ROLES_MAX];
};

struct access_member {
    struct permissions_member member;
    snowflake_t roles[ROLES_MAX];
};

/* Both point into themselves: not to be copied. */
void access_guild(const struct world *w, uint32_t guild, struct access_guild *out);
void access_member(const struct world *w, uint32_t guild, uint32_t slot, struct access_member *out);

/* What the bot may do now in the guild. */
uint64_t access_bot(const struct world *w, uint32_t guild);
/* What a member, or the bot, may do now in a channel or thread. */
uint64_t access_in(const struct world *w, uint32_t guild, uint32_t slot, uint32_t channel);
uint64_t access_bot_in(const struct world *w, uint32_t guild, uint32_t channel);

#endif
