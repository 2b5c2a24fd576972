/* Who may what in the simulated guilds. Called by REST. Diagnostics: none. */
#include "sim/access.h"

#define BOT_ROLE 3u /* index of the bot's own role in every guild */

void access_guild(const struct world *w, uint32_t guild, struct access_guild *out)
{
    const struct guild *g = &w->guilds[guild];

    out->guild = (struct permissions_guild){{g->id}, {w->users[g->owner].id}, out->roles, 0};
    for (uint32_t i = 0; i < g->n_roles; i++) {
        const struct role *r = &g->roles[i];

        if (r->gone)
            continue;
        out->roles[out->guild.n_roles++] =
            (struct permissions_role){.id = {r->id},
                                      .position = r->position,
                                      .permissions = r->permissions,
                                      .kind = i == BOT_ROLE ? ROLE_BOT
                                              : r->managed  ? ROLE_MANAGED
                                                            : ROLE_PLAIN};
    }
}

void access_member(const struct world *w, uint32_t guild, uint32_t slot, struct access_member *out)
{
    const struct guild *g = &w->guilds[guild];
    const struct member *m = &g->members[slot];

    out->member = (struct permissions_member){
        .id = {w->users[m->user].id}, .roles = out->roles, .timeout_until = {m->timeout_until_ms}};
    for (uint32_t i = 1; i < g->n_roles; i++)
        if (!g->roles[i].gone && m->roles >> i & 1)
            out->roles[out->member.n_roles++] = (snowflake_t){g->roles[i].id};
}

uint64_t access_bot(const struct world *w, uint32_t guild)
{
    struct access_guild g;
    struct access_member bot;

    access_guild(w, guild, &g);
    access_member(w, guild, SELF_MEMBER, &bot);
    return permissions_in_guild(&g.guild, &bot.member, clock_unix());
}

static enum permissions_channel_kind kind_of(const struct channel *c)
{
    return c->type == 2    ? CHANNEL_VOICE
           : c->type == 13 ? CHANNEL_STAGE
           : c->type == 4  ? CHANNEL_CATEGORY
                           : CHANNEL_TEXT;
}

uint64_t access_in(const struct world *w, uint32_t guild, uint32_t slot, uint32_t channel)
{
    const struct guild *g = &w->guilds[guild];
    const struct channel *c = &g->channels[channel];
    bool is_thread = channel_is_thread(c);
    uint32_t parent = is_thread ? guild_channel(g, c->parent) : channel;
    const struct permissions_overwrite hidden = {.id = {g->id}, .deny = PERMISSION(VIEW_CHANNEL)};
    const struct permissions_thread thread = {.is_private = c->type == 12};
    struct permissions_channel place = {.overwrites = &hidden, .n_overwrites = c->hidden};
    struct access_guild ag;
    struct access_member member;

    if (parent == NONE)
        return 0;
    place.kind = kind_of(&g->channels[parent]);
    access_guild(w, guild, &ag);
    access_member(w, guild, slot, &member);
    return is_thread
               ? permissions_in_thread(&ag.guild, &member.member, &place, &thread, clock_unix())
               : permissions_in_channel(&ag.guild, &member.member, &place, clock_unix());
}

uint64_t access_bot_in(const struct world *w, uint32_t guild, uint32_t channel)
{
    return access_in(w, guild, SELF_MEMBER, channel);
}
