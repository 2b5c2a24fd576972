/* What the files of the event table share: the event at work, who did it, and the records. */
#ifndef PRESENCE_DISCORD_EVENT_PRIV_H
#define PRESENCE_DISCORD_EVENT_PRIV_H

#include "presence/event.h"
#include "presence/scan.h"

/* Somebody whom the table has in voice. */
struct in_voice {
    snowflake_t guild, user;
};

struct event_ctx {
    const struct shm *shm;
    snowflake_t self;
    snowflake_t awaited; /* whose next message is looked at */
    char prefix;         /* the first byte of developers' commands; NUL = there is none */
    /* Who was last looked for, for the event at work: handlers ask several times. */
    snowflake_t found_user;
    struct seen_row *found;
    /* Everybody in voice when the newest gateway session began to bring its guilds: one walk of the
     * table instead of one per guild. */
    struct in_voice *in_voice;
    size_t in_voice_count, in_voice_cap;
    uint64_t in_voice_session; /* 0 = never walked */
};

struct id_list {
    snowflake_t *ids; /* owned */
    size_t count, cap;
};

/* The keys of a user object, for a walk that comes past one. */
struct user_parts {
    struct slice id, username, global_name, bot, system;
};

/* The parts of a message that matter. */
struct message {
    snowflake_t id, channel;
    uint64_t type, flags;
    struct slice author, member, webhook, metadata, mentions, edited, channel_type, content;
    struct user_parts author_parts;
};

/* An act of d.user_id. */
struct act {
    struct slice user, channel, member, timestamp;
};

/* An event as far as it is read before its turn. */
struct event_ahead {
    const struct msg_event *event;
    const struct event_row *row; /* NULL: nobody's act */
    struct slice d;
    const char *error; /* NULL, or what is wrong */
    snowflake_t actor;
    union {
        struct message message;
        struct act act;
    };
};

/* One event at work. */
struct job {
    struct event_ctx *ctx;
    const struct event_ahead *ahead;
    const struct msg_event *event;
    struct slice d;
    struct record_list *list;
    struct event_result *result;
    snowflake_t guild;
    unixms_t arrival;
};

/* A user object. */
struct user {
    snowflake_t id;
    bool bot;    /* or Discord itself: not a person */
    bool system; /* Discord itself: never catalogued */
    struct slice username, global_name;
};

/* A guild member object; user.id is 0 where it holds no user. */
struct member {
    struct user user;
    struct slice nick, roles, avatar, banner;
    unixms_t joined_at, premium_since, timeout_until;
    uint32_t flags;
    bool pending, has_pending, has_flags;
};

/* Whose act it was, as far as the payload tells. */
enum person { PERSON_UNKNOWN, PERSON_HUMAN, PERSON_BOT };

/* A handler returns NULL, or what is wrong (static text: field, and what was expected). */
typedef const char *event_handler(struct job *job);
/* Reads d into ahead, and who it is; its handler finds it there. */
typedef void event_reader(struct event_ahead *ahead);

#define EXPECTED_USER_ID "user_id: expected a snowflake"

static inline snowflake_t id_or_none(struct slice value)
{
    snowflake_t id = SNOWFLAKE_NONE;

    scan_snowflake(value, &id);
    return id;
}

#define FIELDS(object, fields) scan_fields((object), (fields), sizeof(fields) / sizeof((fields)[0]))

/* event_actor.c */
/* A user object's keys for the scan, and what they say then. */
#define USER_FIELDS(parts)                                                                         \
    {                                                                                              \
        SCAN_FIELD("id", &(parts)->id), SCAN_FIELD("username", &(parts)->username),                \
            SCAN_FIELD("global_name", &(parts)->global_name), SCAN_FIELD("bot", &(parts)->bot),    \
            SCAN_FIELD("system", &(parts)->system),                                                \
    }
#define USER_FIELDS_COUNT 5
const char *user_of_parts(const struct user_parts *parts, struct user *user_r);
const char *user_read(struct slice value, struct user *user_r);
/* The user object within a member object; id 0 where there is none. */
const char *member_user(struct slice member, struct user *user_r);
/* Tolerates an absent or null object: everything empty. */
const char *member_read(struct slice value, struct member *member_r);
/* The member object at scan->p, in place. */
const char *member_read_in(struct scan *scan, struct member *member_r);
struct seen_row *job_row(const struct job *job, snowflake_t user);
void *job_add(struct job *job, uint16_t type, size_t tail_len);
/* A one-slot record about user and other. */
void job_add_subject(struct job *job, uint16_t type, snowflake_t user, snowflake_t other);
/* The time to store: an event's own, unless it cannot be true; else the arrival. */
unixms_t job_time(const struct job *job, unixms_t own);
/* How far from the arrival the act may lie: 5 minutes, and the gap of a replay. */
int64_t job_slack_ms(const struct job *job);
/* Records the act, unless its actor is the bot itself or known as a bot. */
void job_act(struct job *job, snowflake_t user, enum person person, snowflake_t channel,
             enum activity_kind kind, unixms_t at);
/* The same by somebody of whom the payload shows the user object, and the member (a value, absent
 * or not): catalogues him too where the store does not know him. */
const char *job_act_shown(struct job *job, const struct user *user, struct slice member,
                          snowflake_t channel, enum activity_kind kind, unixms_t at);
/* By id; the member, absent or not, may hold the user object. */
const char *job_act_member(struct job *job, snowflake_t user, struct slice member,
                           snowflake_t channel, enum activity_kind kind, unixms_t at);
/* A roster record. user: whom it is about; state: MEMBER_*. */
void job_add_member(struct job *job, const struct user *user, const struct member *member,
                    unsigned state);
uint32_t member_avatar_hash(const struct member *member);

/* event_message.c */
event_reader event_read_message;
event_handler event_message_create, event_message_update;
bool mention_recent(const struct job *job, snowflake_t thread, snowflake_t user);
/* event_act.c */
event_reader event_read_act;
event_handler event_reaction_add, event_reaction_remove, event_poll_add, event_poll_remove,
    event_typing, event_interaction, event_invite_create, event_rsvp_add, event_rsvp_remove,
    event_scheduled_create, event_automod, event_audit, event_voice_effect;
/* event_voice.c */
event_handler event_voice_state;
/* A guild's voice states as a whole. bots: those shown beside it as bots, not yet in the table.
 * first_of_session: this is the guild's first GUILD_CREATE in the gateway session. */
const char *voice_sync(struct job *job, struct slice array, const struct id_list *bots,
                       bool first_of_session);
/* event_thread.c */
event_handler event_thread_create, event_thread_update, event_thread_delete, event_thread_list,
    event_thread_members;
/* event_member.c */
event_handler event_member_add, event_member_update, event_member_remove, event_members_chunk;
/* Roster records of the array of members at outer->p, which steps over it; adds to *count_r. */
const char *members_read_in(struct job *job, struct scan *outer, unsigned state,
                            struct id_list *bots, uint32_t *count_r);
/* Roster records of an array of members (absent is fine); the bots among them are added to bots if
 * that is not NULL. */
const char *members_read(struct job *job, struct slice array, unsigned state, struct id_list *bots,
                         uint32_t *count_r);
/* event_channel.c */
event_handler event_channel, event_channel_delete, event_role, event_role_delete;
/* Records of one channel or thread, of all of an array (absent is fine), of all roles of one. */
const char *channel_read(struct job *job, struct slice object);
const char *channels_read(struct job *job, struct slice array);
const char *roles_read(struct job *job, struct slice array);
/* event_guild.c */
event_handler event_guild_create, event_guild_update, event_guild_delete, event_ready,
    event_rate_limited;

#endif
