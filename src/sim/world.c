/* The state of the fake Discord: made from a seed at start, changed by acts. Called by every other
 * part of the simulator.
 * Diagnostics: fatal when more users are asked for than ids can name. */
#include "sim/world.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "presence/buf.h"
#include "presence/clock.h"
#include "presence/log.h"

#define EPOCH_MS      1420070400000
#define GUILD_BASE_MS 1496275200000 /* 2017-06-01 */
#define GUILD_STEP_MS 3600001
#define USER_BASE_MS  1462060800000 /* 2016-05-01 */
#define USER_SPAN_MS  221184000000  /* seven years */
#define INDEX_MASK    UINT64_C(0x3fffff)
#define GUILDS_MAX    60000u

uint64_t world_hash(uint64_t x)
{
    x += UINT64_C(0x9e3779b97f4a7c15);
    x = (x ^ (x >> 30)) * UINT64_C(0xbf58476d1ce4e5b9);
    x = (x ^ (x >> 27)) * UINT64_C(0x94d049bb133111eb);
    return x ^ (x >> 31);
}

uint64_t world_random(struct world *w)
{
    w->random += UINT64_C(0x9e3779b97f4a7c15);
    return world_hash(w->random);
}

uint64_t world_id_at(struct world *w, int64_t unix_ms)
{
    uint64_t id = (uint64_t)(unix_ms - EPOCH_MS) << 22;

    if (id <= w->last_id)
        id = w->last_id + 1;
    w->last_id = id;
    return id;
}

uint64_t world_next_id(struct world *w)
{
    return world_id_at(w, clock_unix().ms);
}

/* --- look-ups: an id's low bits are its index ------------------------------------------------- */

static uint64_t user_id(uint32_t index)
{
    uint64_t ms = USER_BASE_MS - EPOCH_MS + world_hash(index) % USER_SPAN_MS;

    return ms << 22 | index;
}

uint32_t world_guild(const struct world *w, uint64_t id)
{
    uint64_t i = id & INDEX_MASK;

    return i < w->n_guilds && w->guilds[i].id == id ? (uint32_t)i : NONE;
}

uint32_t world_user(const struct world *w, uint64_t id)
{
    uint64_t i = id & INDEX_MASK;

    return i < w->n_users && w->users[i].id == id ? (uint32_t)i : NONE;
}

uint32_t guild_member(const struct world *w, uint32_t guild, uint32_t user)
{
    const struct guild *g = &w->guilds[guild];
    const struct user *u = &w->users[user];

    if (u->home_slot != NONE && u->home_guild == guild &&
        !(g->members[u->home_slot].state & MEMBER_LEFT))
        return u->home_slot;
    for (uint32_t i = 0; i < g->n_strangers; i++) {
        const struct member *m = &g->members[g->strangers[i]];

        if (m->user == user && !(m->state & MEMBER_LEFT))
            return g->strangers[i];
    }
    return NONE;
}

uint32_t guild_channel(const struct guild *g, uint64_t id)
{
    for (uint32_t i = 0; i < g->n_channels; i++)
        if (g->channels[i].id == id && !g->channels[i].gone)
            return i;
    return NONE;
}

uint32_t guild_role(const struct guild *g, uint64_t id)
{
    for (uint32_t i = 0; i < g->n_roles; i++)
        if (g->roles[i].id == id && !g->roles[i].gone)
            return i;
    return NONE;
}

uint32_t world_channel(const struct world *w, uint64_t id, uint32_t *guild_r)
{
    for (uint32_t i = 0; i < w->n_guilds; i++) {
        uint32_t channel = guild_channel(&w->guilds[i], id);

        if (channel != NONE) {
            *guild_r = i;
            return channel;
        }
    }
    return NONE;
}

struct message *guild_message(struct guild *g, uint64_t id)
{
    for (uint32_t i = 0; i < RECENT_MAX; i++)
        if (g->recent[i].id == id && id != 0)
            return &g->recent[i];
    return NULL;
}

/* --- growing ---------------------------------------------------------------------------------- */

uint32_t world_add_user(struct world *w, uint16_t flags, const char *name)
{
    uint32_t i = w->n_users;

    if (i == USERS_MAX)
        fatal("sim_users", "more than %u users", USERS_MAX);
    if (i == w->cap_users) {
        w->cap_users = w->cap_users ? w->cap_users * 2 : 64;
        w->users = xrealloc(w->users, w->cap_users * sizeof(*w->users));
    }
    w->users[w->n_users++] = (struct user){.id = user_id(i),
                                           .home_slot = NONE,
                                           .flags = flags,
                                           .name = name ? xstrndup(name, 128) : NULL};
    return i;
}

uint32_t world_add_member(struct world *w, uint32_t guild, uint32_t user, int64_t joined_ms)
{
    struct guild *g = &w->guilds[guild];
    struct user *u = &w->users[user];
    uint32_t slot = g->n_members;

    if (slot == g->cap_members) {
        g->cap_members = g->cap_members ? g->cap_members * 2 : 16;
        g->members = xrealloc(g->members, g->cap_members * sizeof(*g->members));
    }
    g->members[g->n_members++] =
        (struct member){.user = user, .joined_ms = joined_ms, .voice_session = NONE};
    g->alive++;
    if (u->home_slot == NONE && !(u->flags & USER_BOT)) {
        u->home_guild = (uint16_t)guild;
        u->home_slot = slot;
        return slot;
    }
    if (g->n_strangers == g->cap_strangers) {
        g->cap_strangers = g->cap_strangers ? g->cap_strangers * 2 : 4;
        g->strangers = xrealloc(g->strangers, g->cap_strangers * sizeof(*g->strangers));
    }
    g->strangers[g->n_strangers++] = slot;
    return slot;
}

uint32_t guild_add_channel(struct guild *g, uint64_t id, int type, const char *name,
                           uint64_t parent, int64_t created_ms)
{
    uint32_t i = g->n_channels;

    if (i == g->cap_channels) {
        g->cap_channels = g->cap_channels ? g->cap_channels * 2 : 16;
        g->channels = xrealloc(g->channels, g->cap_channels * sizeof(*g->channels));
    }
    g->channels[g->n_channels++] = (struct channel){.id = id,
                                                    .type = (uint8_t)type,
                                                    .name = xstrdup(name),
                                                    .parent = parent,
                                                    .created_ms = created_ms,
                                                    .position = (int)i};
    return i;
}

uint32_t guild_add_role(struct guild *g, uint64_t id, const char *name, uint64_t permissions)
{
    if (g->n_roles == ROLES_MAX)
        return NONE;
    g->roles[g->n_roles] = (struct role){
        .id = id, .name = xstrdup(name), .permissions = permissions, .position = (int)g->n_roles};
    return g->n_roles++;
}

struct message *guild_add_message(struct guild *g, uint64_t id, uint32_t channel, uint32_t user,
                                  int type, const char *content)
{
    struct message *m = &g->recent[g->next_recent++ % RECENT_MAX];

    free(m->content);
    *m = (struct message){.id = id,
                          .channel = channel,
                          .user = user,
                          .type = type,
                          .content = content ? xstrdup(content) : NULL};
    g->channels[channel].last_message = id;
    g->channels[channel].message_count++;
    return m;
}

void guild_add_old_message(struct guild *g, uint64_t id, uint32_t channel, uint32_t user, int type)
{
    uint32_t i = g->n_old;

    if (g->n_old == g->cap_old) {
        g->cap_old = g->cap_old ? g->cap_old * 2 : 64;
        g->old = xrealloc(g->old, g->cap_old * sizeof(*g->old));
    }
    for (; i > 0 && g->old[i - 1].id > id; i--)
        g->old[i] = g->old[i - 1];
    g->old[i] = (struct message){.id = id, .channel = channel, .user = user, .type = type};
    g->n_old++;
    if (id > g->channels[channel].last_message)
        g->channels[channel].last_message = id;
}

/* --- generation ------------------------------------------------------------------------------- */

struct plan {
    int type;
    const char *name;
    bool in_category;
};

static const struct plan plans[] = {
    {4, "Community", false}, {0, "general", true}, {0, "memes", true},      {0, "help", true},
    {0, "random", true},     {5, "news", true},    {15, "ideas", true},     {2, "Lounge", true},
    {2, "Gaming", true},     {2, "AFK", true},     {13, "Town Hall", true},
};

static void make_channels(struct guild *g)
{
    int64_t ms = id_ms(g->id);
    uint64_t category = 0;

    for (uint32_t i = 0; i < sizeof(plans) / sizeof(plans[0]); i++) {
        uint64_t id = ((g->id >> 22) + 1000 * (i + 1)) << 22 | (g->id & INDEX_MASK);

        guild_add_channel(g, id, plans[i].type, plans[i].name, plans[i].in_category ? category : 0,
                          ms + 1000 * (i + 1));
        if (plans[i].type == 4)
            category = id;
        if (strcmp(plans[i].name, "AFK") == 0)
            g->afk_channel = i;
        if (strcmp(plans[i].name, "general") == 0)
            g->system_channel = i;
    }
}

static void make_roles(struct guild *g, uint64_t bot_permissions)
{
    uint64_t base = (g->id >> 22) + 100000;

    guild_add_role(g, g->id, "@everyone", UINT64_C(1799666563140672) | 1024 | 65536 | 2048);
    guild_add_role(g, (base + 1) << 22, "Regulars", 1024);
    guild_add_role(g, (base + 2) << 22, "Mods", UINT64_C(1099511635970));
    guild_add_role(g, (base + 3) << 22, "Presence", bot_permissions);
    g->roles[3].managed = true;
    g->roles[2].hoist = true;
}

static uint32_t new_guild(struct world *w, const char *name)
{
    uint32_t i = w->n_guilds;
    uint64_t ms = GUILD_BASE_MS - EPOCH_MS + (uint64_t)i * GUILD_STEP_MS;
    struct guild *g;

    if (i == GUILDS_MAX)
        fatal("sim_guilds", "more than %u guilds", GUILDS_MAX);
    if (i == w->cap_guilds) {
        w->cap_guilds = w->cap_guilds ? w->cap_guilds * 2 : 8;
        w->guilds = xrealloc(w->guilds, w->cap_guilds * sizeof(*w->guilds));
    }
    g = &w->guilds[w->n_guilds++];
    *g = (struct guild){.id = ms << 22 | i,
                        .name = name ? xstrdup(name) : xasprintf("Guild %u", i),
                        .present = true,
                        .available = true,
                        .bot_joined_ms = GUILD_BASE_MS + 250000000000,
                        .afk_channel = NONE};
    make_channels(g);
    make_roles(g, w->permissions);
    world_add_member(w, i, SELF_USER, g->bot_joined_ms);
    world_add_member(w, i, OTHER_BOT, g->bot_joined_ms);
    g->members[SELF_MEMBER].roles = 1u << 3;
    return i;
}

static void make_humans(struct world *w, uint32_t guild, uint32_t n)
{
    struct guild *g;
    int64_t created = id_ms(w->guilds[guild].id);

    for (uint32_t k = 0; k < n; k++) {
        uint32_t user = world_add_user(w, 0, NULL);
        uint64_t h = world_hash(user ^ UINT64_C(0xabcdef));
        uint32_t slot =
            world_add_member(w, guild, user, created + 1000 + (int64_t)(h % 200000000000));

        if (h % 4 == 0)
            w->guilds[guild].members[slot].roles |= 1u << 1;
        if (k > 0 && h % 97 == 0)
            w->guilds[guild].members[slot].roles |= 1u << 2;
    }
    g = &w->guilds[guild];
    g->owner = n > 0 ? g->members[FIRST_HUMAN].user : OTHER_BOT;
    guild_add_channel(g, ((g->id >> 22) + 500000000) << 22 | (g->id & INDEX_MASK), 11, "weekend",
                      g->channels[g->system_channel].id, created + 500000000);
    g->channels[g->n_channels - 1].owner = w->users[g->owner].id;
    g->channels[g->n_channels - 1].member_count = 1;
}

uint32_t world_add_guild(struct world *w, const char *name)
{
    uint32_t guild = new_guild(w, name);

    make_humans(w, guild, w->humans);
    w->guilds[guild].bot_joined_ms = clock_unix().ms;
    return guild;
}

void world_init(struct world *w, uint32_t guilds, uint32_t humans, uint64_t seed,
                uint64_t permissions)
{
    *w = (struct world){.random = world_hash(seed), .permissions = permissions, .humans = humans};
    w->bot_name = xstrdup("Presence");
    world_add_user(w, USER_BOT, "Presence");
    world_add_user(w, USER_BOT, "Helper");
    for (uint32_t i = 0; i < guilds; i++)
        make_humans(w, new_guild(w, NULL), humans);
}

static void guild_clear(struct guild *g)
{
    for (uint32_t i = 0; i < g->n_members; i++) {
        free(g->members[i].nick);
        free(g->members[i].fragment);
    }
    for (uint32_t i = 0; i < g->n_roles; i++)
        free(g->roles[i].name);
    for (uint32_t i = 0; i < g->n_channels; i++) {
        free(g->channels[i].name);
        free(g->channels[i].topic);
    }
    for (uint32_t i = 0; i < RECENT_MAX; i++)
        free(g->recent[i].content);
    for (uint32_t i = 0; i < g->n_events; i++)
        free(g->events[i].name);
    free(g->events);
    free(g->old);
    free(g->channels);
    free(g->strangers);
    free(g->members);
    free(g->name);
}

void world_clear(struct world *w)
{
    for (uint32_t i = 0; i < w->n_guilds; i++)
        guild_clear(&w->guilds[i]);
    for (uint32_t i = 0; i < w->n_users; i++)
        free(w->users[i].name);
    free(w->guilds);
    free(w->users);
    free(w->bot_name);
    *w = (struct world){0};
}
