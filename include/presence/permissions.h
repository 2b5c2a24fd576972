/* Discord's permissions: the bits by name, and what a member may do in a guild, a channel, a
 * thread. Pure: the guild's state and the time are handed in. Source: Discord interactions.md,
 * "Permission bits" and "Computing permissions". */
#ifndef PRESENCE_PERMISSIONS_H
#define PRESENCE_PERMISSIONS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "presence/buf.h"
#include "presence/snowflake.h"

/* X(bit, name, kinds of channel in which overwrites of it apply). */
#define PERMISSIONS_LIST(X)                                                                        \
    X(0, CREATE_INSTANT_INVITE, TEXT | VOICE | STAGE)                                              \
    X(1, KICK_MEMBERS, 0)                                                                          \
    X(2, BAN_MEMBERS, 0)                                                                           \
    X(3, ADMINISTRATOR, 0)                                                                         \
    X(4, MANAGE_CHANNELS, TEXT | VOICE | STAGE)                                                    \
    X(5, MANAGE_GUILD, 0)                                                                          \
    X(6, ADD_REACTIONS, TEXT | VOICE | STAGE)                                                      \
    X(7, VIEW_AUDIT_LOG, 0)                                                                        \
    X(8, PRIORITY_SPEAKER, VOICE)                                                                  \
    X(9, STREAM, VOICE | STAGE)                                                                    \
    X(10, VIEW_CHANNEL, TEXT | VOICE | STAGE)                                                      \
    X(11, SEND_MESSAGES, TEXT | VOICE | STAGE)                                                     \
    X(12, SEND_TTS_MESSAGES, TEXT | VOICE | STAGE)                                                 \
    X(13, MANAGE_MESSAGES, TEXT | VOICE | STAGE)                                                   \
    X(14, EMBED_LINKS, TEXT | VOICE | STAGE)                                                       \
    X(15, ATTACH_FILES, TEXT | VOICE | STAGE)                                                      \
    X(16, READ_MESSAGE_HISTORY, TEXT | VOICE | STAGE)                                              \
    X(17, MENTION_EVERYONE, TEXT | VOICE | STAGE)                                                  \
    X(18, USE_EXTERNAL_EMOJIS, TEXT | VOICE | STAGE)                                               \
    X(19, VIEW_GUILD_INSIGHTS, 0)                                                                  \
    X(20, CONNECT, VOICE | STAGE)                                                                  \
    X(21, SPEAK, VOICE)                                                                            \
    X(22, MUTE_MEMBERS, VOICE | STAGE)                                                             \
    X(23, DEAFEN_MEMBERS, VOICE)                                                                   \
    X(24, MOVE_MEMBERS, VOICE | STAGE)                                                             \
    X(25, USE_VAD, VOICE)                                                                          \
    X(26, CHANGE_NICKNAME, 0)                                                                      \
    X(27, MANAGE_NICKNAMES, 0)                                                                     \
    X(28, MANAGE_ROLES, TEXT | VOICE | STAGE)                                                      \
    X(29, MANAGE_WEBHOOKS, TEXT | VOICE | STAGE)                                                   \
    X(30, MANAGE_GUILD_EXPRESSIONS, 0)                                                             \
    X(31, USE_APPLICATION_COMMANDS, TEXT | VOICE | STAGE)                                          \
    X(32, REQUEST_TO_SPEAK, STAGE)                                                                 \
    X(33, MANAGE_EVENTS, VOICE | STAGE)                                                            \
    X(34, MANAGE_THREADS, TEXT)                                                                    \
    X(35, CREATE_PUBLIC_THREADS, TEXT)                                                             \
    X(36, CREATE_PRIVATE_THREADS, TEXT)                                                            \
    X(37, USE_EXTERNAL_STICKERS, TEXT | VOICE | STAGE)                                             \
    X(38, SEND_MESSAGES_IN_THREADS, TEXT)                                                          \
    X(39, USE_EMBEDDED_ACTIVITIES, TEXT | VOICE)                                                   \
    X(40, MODERATE_MEMBERS, 0)                                                                     \
    X(41, VIEW_CREATOR_MONETIZATION_ANALYTICS, 0)                                                  \
    X(42, USE_SOUNDBOARD, VOICE)                                                                   \
    X(43, CREATE_GUILD_EXPRESSIONS, 0)                                                             \
    X(44, CREATE_EVENTS, VOICE | STAGE)                                                            \
    X(45, USE_EXTERNAL_SOUNDS, VOICE)                                                              \
    X(46, SEND_VOICE_MESSAGES, TEXT | VOICE | STAGE)                                               \
    X(48, SET_VOICE_CHANNEL_STATUS, VOICE)                                                         \
    X(49, SEND_POLLS, TEXT | VOICE | STAGE)                                                        \
    X(50, USE_EXTERNAL_APPS, TEXT | VOICE | STAGE)                                                 \
    X(51, PIN_MESSAGES, TEXT)                                                                      \
    X(52, BYPASS_SLOWMODE, TEXT | VOICE | STAGE)

enum permissions_bit {
#define X(bit, name, kinds) PERMISSIONS_BIT_##name = bit,
    PERMISSIONS_LIST(X)
#undef X
};

/* PERMISSION(KICK_MEMBERS) is the mask 2. */
#define PERMISSION(name) (UINT64_C(1) << PERMISSIONS_BIT_##name)

/* Every bit that has a name. */
#define PERMISSIONS_ALL UINT64_C(8866461766385663)

/* "KICK_MEMBERS" for bit 1; NULL for a bit without a name. */
const char *permissions_name(unsigned bit);
/* The mask of a name, 0 for an unknown one. */
uint64_t permissions_by_name(const char *name);
/* Appends "KICK_MEMBERS, MANAGE_ROLES"; bits without a name as "bit 47". */
void permissions_print(uint64_t permissions, struct buf *out);

/* What makes a role managed: nobody gives or takes such a role by hand. */
enum permissions_role_kind {
    ROLE_PLAIN = 0,
    ROLE_BOT,          /* tags.bot_id: a bot's own role */
    ROLE_INTEGRATION,  /* tags.integration_id */
    ROLE_BOOSTER,      /* tags.premium_subscriber: who boosts the guild */
    ROLE_SUBSCRIPTION, /* tags.subscription_listing_id: who pays for it */
    ROLE_LINKED,       /* tags.guild_connections: linked roles */
    ROLE_MANAGED       /* managed, and the tags do not say by whom */
};

struct permissions_role {
    snowflake_t id; /* the guild's id: @everyone */
    int position;   /* higher is more; not unique */
    uint64_t permissions;
    enum permissions_role_kind kind;
};

struct permissions_guild {
    snowflake_t id, owner;
    const struct permissions_role *roles; /* in any order; @everyone included */
    size_t n_roles;
};

struct permissions_member {
    snowflake_t id;
    const snowflake_t *roles; /* without @everyone; ids the guild does not have grant nothing */
    size_t n_roles;
    unixms_t timeout_until; /* communication_disabled_until; UNIXMS_NONE = none */
};

struct permissions_overwrite {
    snowflake_t id;
    bool of_member; /* type 1; otherwise type 0, a role's */
    uint64_t allow, deny;
};

enum permissions_channel_kind { CHANNEL_TEXT, CHANNEL_VOICE, CHANNEL_STAGE, CHANNEL_CATEGORY };

struct permissions_channel {
    enum permissions_channel_kind kind; /* text: announcement, forum and media channels as well */
    const struct permissions_overwrite *overwrites; /* its own: a category's are not inherited */
    size_t n_overwrites;
};

struct permissions_thread {
    bool is_private;
    bool joined; /* the member asked about is in it */
};

/* NULL if the guild has no such role. */
const struct permissions_role *permissions_role(const struct permissions_guild *guild,
                                                snowflake_t id);

static inline bool permissions_has(uint64_t permissions, uint64_t needed)
{
    return (permissions & needed) == needed;
}

/* At the level of the guild, time-out left aside: the owner and administrators have all. */
uint64_t permissions_base(const struct permissions_guild *guild,
                          const struct permissions_member *member);
/* The same at this moment: who is timed out keeps VIEW_CHANNEL and READ_MESSAGE_HISTORY. */
uint64_t permissions_in_guild(const struct permissions_guild *guild,
                              const struct permissions_member *member, unixms_t now);
bool permissions_timed_out(const struct permissions_guild *guild,
                           const struct permissions_member *member, unixms_t now);

/* What the member may do in the channel, implied losses included: nothing where it is not seen.
 * Overwrites of bits that exist at the guild's level only are ignored. */
uint64_t permissions_in_channel(const struct permissions_guild *guild,
                                const struct permissions_member *member,
                                const struct permissions_channel *channel, unixms_t now);
/* In a thread of the channel. SEND_MESSAGES stands for writing here, so that callers ask for one
 * bit everywhere: it is set if SEND_MESSAGES_IN_THREADS is. */
uint64_t permissions_in_thread(const struct permissions_guild *guild,
                               const struct permissions_member *member,
                               const struct permissions_channel *parent,
                               const struct permissions_thread *thread, unixms_t now);

#endif
