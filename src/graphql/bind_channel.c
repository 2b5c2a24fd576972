/* Channels. Rows of the table of fields (bind.c).
 * Diagnostics: none. */
#include "config.h"

#include "graphql/bind_priv.h"

static const struct bind rows[] = {
    {"Query", "channels", BIND_LIST, "presence.channel {t} WHERE {t}.guild_id = {guildId}::bigint",
     "{t}.channel_id"},
    {"Query", "channel", BIND_ONE,
     "presence.channel {t} WHERE {t}.guild_id = {guildId}::bigint"
     " AND {t}.channel_id = {channelId}::bigint",
     NULL},
    {"Channel", "guildId", BIND_ID, "{p}.guild_id", NULL},
    {"Channel", "id", BIND_ID, "{p}.channel_id", NULL},
    {"Channel", "type", BIND_PLAIN, "{p}.type", NULL},
    {"Channel", "name", BIND_TEXT, "{p}.name", NULL},
    {"Channel", "parentId", BIND_ID, "{p}.parent_id", NULL},
    {"Channel", "ownerId", BIND_ID, "{p}.owner_id", NULL},
    {"Channel", "lastMessageId", BIND_ID, "{p}.last_message_id", NULL},
    {"Channel", "position", BIND_PLAIN, "{p}.position", NULL},
    {"Channel", "archived", BIND_PLAIN, "{p}.archived", NULL},
    {"Channel", "locked", BIND_PLAIN, "{p}.locked", NULL},
    {"Channel", "goneAt", BIND_TIME, "{p}.gone_at", NULL},
};

const struct bind_table bind_channel = BIND_TABLE(rows);
