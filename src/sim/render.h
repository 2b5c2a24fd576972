/* Objects as Discord writes them: appended to a buffer as JSON. */
#ifndef SIM_RENDER_H
#define SIM_RENDER_H

#include "presence/buf.h"
#include "sim/world.h"

/* "2026-08-01T12:00:00.123000+00:00" without quotes: always this long. */
#define RENDER_TIME_LEN 32
void render_time_text(int64_t unix_ms, char out[RENDER_TIME_LEN + 1]);
/* With quotes; null for 0. */
void render_time(struct buf *b, int64_t unix_ms);
/* A JSON string; null for NULL. */
void render_string(struct buf *b, const char *text);
void render_id(struct buf *b, uint64_t id); /* in quotes; null for 0 */

void render_flag(struct buf *b, const char *key, bool value); /* key: with comma and colon */
void render_hash(struct buf *b, uint64_t value); /* as of pictures: 32 hexadecimal digits */

void render_user_name(const struct world *w, uint32_t user, struct buf *b);
void render_user(const struct world *w, uint32_t user, struct buf *b);
/* A member object; with_user: as in GUILD_MEMBER_ADD, else the partial one of messages. */
void render_member(const struct world *w, uint32_t guild, uint32_t slot, bool with_user,
                   struct buf *b);
void render_member_fields(const struct world *w, uint32_t guild, uint32_t slot, bool with_user,
                          struct buf *b);
void render_role(const struct role *r, struct buf *b);
/* Without guild_id: as inside GUILD_CREATE. */
void render_channel(const struct guild *g, const struct channel *c, bool with_guild_id,
                    struct buf *b);
void render_voice_state(const struct world *w, uint32_t guild, uint32_t slot, bool in_event,
                        struct buf *b);
void render_scheduled_event(const struct world *w, const struct guild *g,
                            const struct scheduled_event *e, struct buf *b);

/* The keys of a guild object, without braces. */
void render_guild_fields(const struct world *w, uint32_t guild, struct buf *b);
void render_guild_create(const struct world *w, uint32_t guild, uint32_t intents,
                         uint32_t large_threshold, struct buf *b);

struct message_view {
    uint64_t id;
    int type;
    uint32_t guild;      /* NONE: a DM or an ephemeral message */
    uint64_t channel_id; /* where guild is NONE; else from channel */
    uint32_t channel;
    uint32_t user;       /* author; NONE with webhook_id only */
    uint64_t webhook_id; /* 0 = none */
    uint64_t application_id;
    uint32_t metadata_user; /* interaction_metadata.user; NONE = none */
    uint64_t metadata_id;
    uint32_t target;   /* one mentioned user; NONE = none */
    uint64_t reply_to; /* message id; 0 = none */
    int64_t edited_ms;
    int flags;
    const char *content;
    const char *nonce; /* or NULL */
    bool with_embed;
    bool with_content; /* false: as without MESSAGE_CONTENT */
    bool in_event;     /* adds guild_id and member */
};

void render_message(const struct world *w, const struct message_view *v, struct buf *b);

#endif
