/* A guild as Discord's REST API shows it at one moment: its roles, its channels and the bot's own
 * membership, in the shape in which permissions and hierarchy are computed. Sources: Discord
 * rest.md, "Shapes"; interactions.md, "Computing permissions".
 *
 * Filled from three bodies in any order: GET /guilds/{g}, GET /guilds/{g}/channels and
 * GET /guilds/{g}/members/{bot}. */
#ifndef PRESENCE_GUILD_VIEW_H
#define PRESENCE_GUILD_VIEW_H

#include "presence/json.h"
#include "presence/permissions.h"

struct guild_view_channel {
    snowflake_t id, parent;   /* parent: its category, or none */
    snowflake_t last_message; /* of forums: the latest thread; none: never any */
    int type;                 /* Discord's channel type */
    struct permissions_channel access;
};

struct guild_view {
    struct permissions_guild guild;
    struct permissions_member bot;
    struct guild_view_channel *channels; /* owned, as all that these point to */
    size_t n_channels;
};

void guild_view_init(struct guild_view *v);
void guild_view_clear(struct guild_view *v);

/* Each takes one of the bodies. False: it is not of that shape, and nothing is taken. */
bool guild_view_guild(struct guild_view *v, const struct json *guild);
bool guild_view_channels(struct guild_view *v, const struct json *channels);
/* A role that was made since: the body of POST /guilds/{g}/roles. */
void guild_view_add_role(struct guild_view *v, const struct json *role);
bool guild_view_bot(struct guild_view *v, const struct json *member);

/* What the bot may do in the guild, and in channel i. */
uint64_t guild_view_may(const struct guild_view *v, unixms_t now);
uint64_t guild_view_may_in(const struct guild_view *v, size_t i, unixms_t now);
/* Whether people's messages stand in channel i itself: not in categories, forums and media
 * channels. */
bool guild_view_holds_messages(const struct guild_view *v, size_t i);
/* NULL: there is none, or it is a thread. */
const struct guild_view_channel *guild_view_channel(const struct guild_view *v, snowflake_t id);

#endif
