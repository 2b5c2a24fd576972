/* Reading a guild's roles, channels and the bot's membership from REST bodies. Called by cogs and
 * the worker. Diagnostics: none. */
#include "presence/guild_view.h"

#include <stdlib.h>
#include <string.h>

#include "presence/text.h"

enum { TYPE_TEXT = 0, TYPE_VOICE = 2, TYPE_CATEGORY = 4, TYPE_NEWS = 5, TYPE_STAGE = 13 };

void guild_view_init(struct guild_view *v)
{
    *v = (struct guild_view){0};
}

static void clear_channels(struct guild_view *v)
{
    for (size_t i = 0; i < v->n_channels; i++)
        free((void *)v->channels[i].access.overwrites);
    free(v->channels);
    v->channels = NULL;
    v->n_channels = 0;
}

void guild_view_clear(struct guild_view *v)
{
    clear_channels(v);
    free((void *)v->guild.roles);
    free((void *)v->bot.roles);
    *v = (struct guild_view){0};
}

/* --- reading -----------------------------------------------------------------------------------
 */

/* By presence: premium_subscriber is null where it is true. */
static enum permissions_role_kind kind_of(const struct json *role)
{
    const struct json *tags = json_get(role, "tags");

    if (json_get(tags, "bot_id"))
        return ROLE_BOT;
    if (json_get(tags, "premium_subscriber"))
        return ROLE_BOOSTER;
    if (json_get(tags, "subscription_listing_id"))
        return ROLE_SUBSCRIPTION;
    if (json_get(tags, "integration_id"))
        return ROLE_INTEGRATION;
    if (json_get(tags, "guild_connections"))
        return ROLE_LINKED;
    return json_bool(json_get(role, "managed"), false) ? ROLE_MANAGED : ROLE_PLAIN;
}

static struct permissions_role read_role(const struct json *j)
{
    return (struct permissions_role){.id = {json_id(json_get(j, "id"))},
                                     .position = (int)json_int(json_get(j, "position"), 0),
                                     .permissions = json_id(json_get(j, "permissions")),
                                     .kind = kind_of(j)};
}

bool guild_view_guild(struct guild_view *v, const struct json *guild)
{
    const struct json *list = json_get(guild, "roles");
    uint64_t id = json_id(json_get(guild, "id"));
    struct permissions_role *roles;
    size_t n = 0;

    if (!id || !json_is_array(list))
        return false;
    roles = xcalloc(json_size(list) + 1, sizeof(*roles));
    for (const struct json *j = json_first(list); j; j = json_next(j))
        roles[n++] = read_role(j);
    free((void *)v->guild.roles);
    v->guild = (struct permissions_guild){
        .id = {id}, .owner = {json_id(json_get(guild, "owner_id"))}, .roles = roles, .n_roles = n};
    return true;
}

void guild_view_add_role(struct guild_view *v, const struct json *role)
{
    size_t n = v->guild.n_roles;
    struct permissions_role *roles = xrealloc((void *)v->guild.roles, (n + 1) * sizeof(*roles));

    roles[n] = read_role(role);
    v->guild.roles = roles;
    v->guild.n_roles = n + 1;
}

static enum permissions_channel_kind channel_kind(int type)
{
    return type == TYPE_VOICE      ? CHANNEL_VOICE
           : type == TYPE_STAGE    ? CHANNEL_STAGE
           : type == TYPE_CATEGORY ? CHANNEL_CATEGORY
                                   : CHANNEL_TEXT;
}

static void read_channel(const struct json *j, struct guild_view_channel *c)
{
    const struct json *list = json_get(j, "permission_overwrites");
    struct permissions_overwrite *overwrites = xcalloc(json_size(list) + 1, sizeof(*overwrites));
    size_t n = 0;

    for (const struct json *o = json_first(list); o; o = json_next(o))
        overwrites[n++] = (struct permissions_overwrite){
            .id = {json_id(json_get(o, "id"))},
            .of_member = json_int(json_get(o, "type"), 0) == 1,
            .allow = json_id(json_get(o, "allow")),
            .deny = json_id(json_get(o, "deny")),
        };
    *c = (struct guild_view_channel){
        .id = {json_id(json_get(j, "id"))},
        .parent = {json_id(json_get(j, "parent_id"))},
        .last_message = {json_id(json_get(j, "last_message_id"))},
        .type = (int)json_int(json_get(j, "type"), 0),
    };
    c->access = (struct permissions_channel){channel_kind(c->type), overwrites, n};
}

bool guild_view_channels(struct guild_view *v, const struct json *channels)
{
    if (!json_is_array(channels))
        return false;
    clear_channels(v);
    v->channels = xcalloc(json_size(channels) + 1, sizeof(*v->channels));
    for (const struct json *j = json_first(channels); j; j = json_next(j))
        read_channel(j, &v->channels[v->n_channels++]);
    return true;
}

bool guild_view_bot(struct guild_view *v, const struct json *member)
{
    const struct json *list = json_get(member, "roles");
    uint64_t id = json_id(json_get(json_get(member, "user"), "id"));
    snowflake_t *roles;
    size_t n = 0;

    if (!id || !json_is_array(list))
        return false;
    roles = xcalloc(json_size(list) + 1, sizeof(*roles));
    for (const struct json *j = json_first(list); j; j = json_next(j))
        roles[n++] = (snowflake_t){json_id(j)};
    free((void *)v->bot.roles);
    v->bot = (struct permissions_member){.id = {id}, .roles = roles, .n_roles = n};
    return true;
}

/* --- asking ------------------------------------------------------------------------------------
 */

uint64_t guild_view_may(const struct guild_view *v, unixms_t now)
{
    return permissions_in_guild(&v->guild, &v->bot, now);
}

uint64_t guild_view_may_in(const struct guild_view *v, size_t i, unixms_t now)
{
    return permissions_in_channel(&v->guild, &v->bot, &v->channels[i].access, now);
}

bool guild_view_holds_messages(const struct guild_view *v, size_t i)
{
    int type = v->channels[i].type;

    return type == TYPE_TEXT || type == TYPE_VOICE || type == TYPE_NEWS || type == TYPE_STAGE;
}

const struct guild_view_channel *guild_view_channel(const struct guild_view *v, snowflake_t id)
{
    for (size_t i = 0; i < v->n_channels; i++)
        if (v->channels[i].id.id == id.id)
            return &v->channels[i];
    return NULL;
}
