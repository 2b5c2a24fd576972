/* Channels. Rows of the table of fields (bind.c).
 * Diagnostics: none. */
#include "config.h"

#include "graphql/bind_priv.h"

#define BY_CHANNEL "c", "presence.channel c", NULL, "c.guild_id, c.channel_id", "c.guild_id", "true"

static const struct bind_order orders[] = {
    {"ID", 21, BY_CHANNEL, {{"c.channel_id", KEY_BIG}}},
    {"NAME",
     22,
     BY_CHANNEL,
     {{"lower(coalesce(c.name, '') COLLATE \"und-x-icu\") COLLATE \"C\"", KEY_TEXT},
      {"c.channel_id", KEY_BIG}}},
    {"POSITION", 23, BY_CHANNEL, {{"coalesce(c.position, 0)", KEY_BIG}, {"c.channel_id", KEY_BIG}}},
    {.name = NULL},
};

static const struct bind_filter filters[] = {
    {"gone", NULL, NULL, false, "(c.gone_at IS NOT NULL) = {filter.gone}::boolean",
     "c.gone_at IS NULL", false},
    {"name", NULL, NULL, false,
     "strpos(lower(c.name COLLATE \"und-x-icu\"), (SELECT lower({filter.name}::text COLLATE "
     "\"und-x-icu\"))) > 0",
     NULL, false},
    {"parentId", NULL, NULL, false, "c.parent_id = {filter.parentId}::bigint", NULL, false},
    {"types", NULL, NULL, false, "c.type = ANY ({filter.types}::integer[])", NULL, false},
    {"ignored", NULL, NULL, false,
     "(c.channel_id = ANY ((SELECT presence.ignored_channels({owner}))::bigint[])"
     " OR coalesce(c.parent_id = ANY ((SELECT presence.ignored_channels({owner}))::bigint[]), "
     "false))"
     " = {filter.ignored}::boolean",
     NULL, false},
    {"quietDays", NULL, NULL, false,
     "c.channel_id NOT IN (SELECT f.channel_id FROM presence.channel_figures({owner},"
     " {filter.quietDays}::integer) f WHERE f.people >= {filter.minPeople}::integer)",
     NULL, false},
    {.name = NULL},
};

const struct bind_list list_channels = {
    "channels",
    "presence.channel {t} ON {t}.guild_id = {p}.guild_id AND {t}.channel_id = {p}.channel_id",
    orders, filters};

/* The figures of all channels of the guild are made once, whichever the page shows. */
#define FIGURES_OF(function)                                                                       \
    "(SELECT f.* FROM (VALUES (1)) v LEFT JOIN (WITH f AS MATERIALIZED (SELECT * FROM "            \
    "presence." function                                                                           \
    "({owner}, {days}::integer)) SELECT * FROM f) f ON f.channel_id = {p}.channel_id) {t}"

static const struct bind rows[] = {
    {"Query", "channels", BIND_CONNECTION, "{guildId}::bigint", "channels"},
    {"Query", "channel", BIND_ONE,
     "presence.channel {t} WHERE {t}.guild_id = {guildId}::bigint"
     " AND {t}.channel_id = {channelId}::bigint",
     NULL},
    {"Guild", "channels", BIND_CONNECTION, "{p}.guild_id", "channels"},
    BIND_PAGES("Channel"),
    {"Channel", "guildId", BIND_ID, "{p}.guild_id", NULL},
    {"Channel", "id", BIND_ID, "{p}.channel_id", NULL},
    {"Channel", "type", BIND_PLAIN, "{p}.type", NULL},
    {"Channel", "name", BIND_TEXT, "{p}.name", NULL},
    {"Channel", "parentId", BIND_ID, "{p}.parent_id", NULL},
    {"Channel", "ownerId", BIND_ID, "{p}.owner_id", NULL},
    {"Channel", "lastMessageId", BIND_ID, "{p}.last_message_id", NULL},
    {"Channel", "lastMessageAt", BIND_TIME, "presence.snowflake_time({p}.last_message_id)", NULL},
    {"Channel", "position", BIND_PLAIN, "{p}.position", NULL},
    {"Channel", "archived", BIND_PLAIN, "{p}.archived", NULL},
    {"Channel", "locked", BIND_PLAIN, "{p}.locked", NULL},
    {"Channel", "goneAt", BIND_TIME, "{p}.gone_at", NULL},
    {"Channel", "activity", BIND_ONE, FIGURES_OF("channel_figures"), NULL},
    {"ChannelActivity", "people", BIND_PLAIN, "coalesce({p}.people, 0)", NULL},
    {"ChannelActivity", "acts", BIND_BIG, "coalesce({p}.acts, 0)", NULL},
    {"ChannelActivity", "messages", BIND_BIG, "coalesce({p}.messages, 0)", NULL},
    {"ChannelActivity", "lastActAt", BIND_TIME, "{p}.last_at", NULL},
    {"Channel", "voice", BIND_ONE, FIGURES_OF("channel_voice"), NULL},
    {"ChannelVoice", "people", BIND_PLAIN, "coalesce({p}.people, 0)", NULL},
    {"ChannelVoice", "minutes", BIND_BIG, "coalesce({p}.ms, 0) / 60000", NULL},
};

const struct bind_table bind_channel = BIND_TABLE(rows);
