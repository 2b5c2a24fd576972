/* The state of the fake Discord: users, guilds, members, channels, roles, messages. Everything the
 * gateway and REST tell comes from here; acts change it.
 *
 * A generated object costs no text: names and the like are derived from its index, and only what an
 * act changed is stored. Slots of members are never reused: a member who left and comes back has a
 * new one, so (guild, slot) names one stay in a guild. */
#ifndef SIM_WORLD_H
#define SIM_WORLD_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define NONE UINT32_MAX

#define ROLES_MAX   64u /* of a guild: a member's roles are one mask */
#define USERS_MAX   4000000u
#define RECENT_MAX  64u /* messages kept per guild for edits, reactions, REST */
#define SELF_USER   0u  /* index of the bot itself */
#define OTHER_BOT   1u  /* index of a second bot, member of every guild */
#define SELF_MEMBER 0u  /* the slots of both in every guild */
#define BOT_MEMBER  1u
#define FIRST_HUMAN 2u

enum { USER_BOT = 1, USER_SYSTEM = 2 };

struct user {
    uint64_t id;
    uint32_t home_slot; /* slot in the home guild; NONE for bots and for users made by acts */
    uint16_t home_guild;
    uint16_t flags; /* USER_* */
    char *name;     /* NULL = derived */
};

enum { MEMBER_LEFT = 1, MEMBER_IS_PENDING = 2, MEMBER_MUTE = 4, MEMBER_DEAF = 8 };

enum {
    VOICE_IS_SELF_MUTE = 1,
    VOICE_IS_SELF_DEAF = 2,
    VOICE_IS_SELF_VIDEO = 4,
    VOICE_IS_SELF_STREAM = 8,
    VOICE_IS_MUTE = 16,
    VOICE_IS_DEAF = 32,
    VOICE_IS_SUPPRESS = 64
};

struct member {
    uint32_t user;
    uint16_t state;         /* MEMBER_* */
    uint16_t avatar_rev;    /* 0 = no avatar of its own in this guild */
    uint32_t flags;         /* Discord's guild member flags */
    uint32_t voice_session; /* index into the truth's voice sessions while connected */
    uint64_t roles;         /* bit per role index */
    int64_t joined_ms;
    int64_t timeout_until_ms; /* 0 = none */
    int64_t hand_ms;          /* request to speak; 0 = none */
    char *nick;               /* NULL = derived; "" = none */
    char *fragment;           /* load mode's pieces, rendered once; NULL = not yet */
    uint16_t fragment_user_len, fragment_member_len;
    uint16_t voice_channel; /* index + 1; 0 = not connected */
    uint16_t voice_flags;   /* VOICE_IS_* */
};

struct role {
    uint64_t id;
    char *name;
    uint64_t permissions;
    int position;
    bool managed, hoist, mentionable, gone;
    uint32_t color;
};

struct channel {
    uint64_t id;
    uint64_t parent; /* category, or a thread's channel; 0 = none */
    uint64_t owner;  /* of a thread: user id */
    uint64_t last_message;
    int64_t created_ms;
    char *name;
    char *topic; /* or NULL */
    int position;
    uint32_t message_count, member_count; /* of a thread */
    uint8_t type;
    bool gone;
    bool hidden; /* @everyone is denied VIEW_CHANNEL, the bot as well */
    bool archived, locked;
};

struct message {
    uint64_t id; /* 0 = empty slot */
    uint32_t channel;
    uint32_t user;
    int type;
    int64_t edited_ms;
    char *content; /* or NULL = derived from the id */
    char nonce[26 * 4]; /* of the bot's own: 25 characters; "" = none */
};

struct scheduled_event {
    uint64_t id;
    uint64_t creator;
    uint32_t channel;
    char *name;
};

struct guild {
    uint64_t id;
    char *name;
    uint32_t owner; /* user index */
    bool present;   /* the bot is a member */
    bool available; /* not in an outage */
    int64_t bot_joined_ms;
    uint32_t afk_channel, system_channel; /* indexes, NONE = none */
    struct member *members;
    uint32_t n_members, cap_members;
    uint32_t alive;      /* members that have not left */
    uint32_t *strangers; /* slots of members whose home is elsewhere */
    uint32_t n_strangers, cap_strangers;
    struct role roles[ROLES_MAX];
    uint32_t n_roles;
    struct channel *channels; /* threads included */
    uint32_t n_channels, cap_channels;
    struct message recent[RECENT_MAX];
    uint32_t next_recent;
    struct message *old; /* of before: nobody was told of them; in the order of their ids */
    uint32_t n_old, cap_old;
    struct scheduled_event *events;
    uint32_t n_events;
    int64_t chunks_free_ms; /* monotonic; before it a whole-list request is refused */
};

struct world {
    struct guild *guilds;
    uint32_t n_guilds, cap_guilds;
    uint32_t humans; /* generated per guild */
    struct user *users;
    uint32_t n_users, cap_users;
    uint64_t last_id;
    uint64_t random;      /* state of world_random */
    uint64_t permissions; /* of the bot's managed role */
    char *bot_name;
};

void world_init(struct world *w, uint32_t guilds, uint32_t humans, uint64_t seed,
                uint64_t permissions);
void world_clear(struct world *w);

uint64_t world_random(struct world *w);
/* Well mixed, the same for the same value: derived properties. */
uint64_t world_hash(uint64_t x);
/* A new snowflake of this moment, above every one given before. */
uint64_t world_next_id(struct world *w);
/* The same at a moment of the caller's choice; unique as well while moments do not go back. */
uint64_t world_id_at(struct world *w, int64_t unix_ms);
static inline int64_t id_ms(uint64_t id)
{
    return (int64_t)(id >> 22) + 1420070400000;
}

/* Indexes, NONE if there is no such object. */
uint32_t world_guild(const struct world *w, uint64_t id);
uint32_t world_user(const struct world *w, uint64_t id);
uint32_t guild_member(const struct world *w, uint32_t guild, uint32_t user);
uint32_t guild_channel(const struct guild *g, uint64_t id);
uint32_t guild_role(const struct guild *g, uint64_t id);
/* Finds a channel of any guild. */
uint32_t world_channel(const struct world *w, uint64_t id, uint32_t *guild_r);

uint32_t world_add_user(struct world *w, uint16_t flags, const char *name);
uint32_t world_add_member(struct world *w, uint32_t guild, uint32_t user, int64_t joined_ms);
uint32_t world_add_guild(struct world *w, const char *name);
uint32_t guild_add_channel(struct guild *g, uint64_t id, int type, const char *name,
                           uint64_t parent, int64_t created_ms);
uint32_t guild_add_role(struct guild *g, uint64_t id, const char *name, uint64_t permissions);
struct message *guild_add_message(struct guild *g, uint64_t id, uint32_t channel, uint32_t user,
                                  int type, const char *content);
/* A message of the past, for who reads or searches the history. */
void guild_add_old_message(struct guild *g, uint64_t id, uint32_t channel, uint32_t user, int type);
struct message *guild_message(struct guild *g, uint64_t id); /* or NULL */

static inline bool channel_is_thread(const struct channel *c)
{
    return c->type >= 10 && c->type <= 12;
}

static inline bool channel_is_voice(const struct channel *c)
{
    return c->type == 2 || c->type == 13;
}

#define PERM_KICK           (UINT64_C(1) << 1)
#define PERM_BAN            (UINT64_C(1) << 2)
#define PERM_ADMINISTRATOR  (UINT64_C(1) << 3)
#define PERM_MANAGE_CHANNEL (UINT64_C(1) << 4)
#define PERM_MANAGE_GUILD   (UINT64_C(1) << 5)
#define PERM_VIEW_AUDIT_LOG (UINT64_C(1) << 7)

static inline bool bot_may(const struct world *w, uint64_t permission)
{
    return (w->permissions & (permission | PERM_ADMINISTRATOR)) != 0;
}

#endif
