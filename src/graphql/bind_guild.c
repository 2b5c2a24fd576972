/* Guilds, coverage, settings. Rows of the table of fields (bind.c).
 * Diagnostics: none. */
#include "config.h"

#include "graphql/bind_priv.h"

#define COVERAGE_OF(guild)                                                                         \
    "presence.coverage_interval {t} WHERE {t}.guild_id = " guild                                   \
    " AND ({from}::timestamptz IS NULL OR coalesce({t}.to_at, 'infinity') > {from}::timestamptz)"  \
    " AND ({to}::timestamptz IS NULL OR {t}.from_at < {to}::timestamptz)"

#define BY_GUILD "g", "presence.guild g", NULL, "g.guild_id", NULL

static const struct bind_order guild_orders[] = {
    {"ID", 11, BY_GUILD, "g.left_at IS NULL", {{"g.guild_id", KEY_BIG}}},
    {"NAME",
     12,
     BY_GUILD,
     "g.left_at IS NULL",
     {{"lower(coalesce(g.name, '') COLLATE \"und-x-icu\") COLLATE \"C\"", KEY_TEXT},
      {"g.guild_id", KEY_BIG}}},
    {"MEMBERS",
     13,
     BY_GUILD,
     "g.left_at IS NULL",
     {{"coalesce(g.member_count, 0)", KEY_BIG}, {"g.guild_id", KEY_BIG}}},
    {.name = NULL},
};

static const struct bind_filter no_filters[] = {{.name = NULL}};

const struct bind_list list_guilds = {"guilds", "presence.guild {t} ON {t}.guild_id = {p}.guild_id",
                                      guild_orders, no_filters};

static const struct bind_order revision_orders[] = {
    {"VERSION",
     41,
     "h",
     "presence.setting_history h",
     NULL,
     "h.guild_id, h.version, h.key",
     "h.guild_id",
     "true",
     {{"h.version", KEY_BIG}, {"h.key COLLATE \"C\"", KEY_TEXT}}},
    {.name = NULL},
};

static const struct bind_filter revision_filters[] = {
    {"key", NULL, NULL, false, "h.key = {filter.key}::text", NULL, false},
    {"changedBy", NULL, NULL, false, "h.changed_by = {filter.changedBy}::bigint", NULL, false},
    {"since", NULL, NULL, false, "h.changed_at >= {filter.since}::timestamptz", NULL, false},
    {.name = NULL},
};

const struct bind_list list_revisions = {
    "revisions",
    "presence.setting_history {t} ON {t}.guild_id = {p}.guild_id AND {t}.version = {p}.version"
    " AND {t}.key = {p}.key",
    revision_orders, revision_filters};

static const struct bind rows[] = {
    {"Query", "guild", BIND_ONE, "presence.guild {t} WHERE {t}.guild_id = {id}::bigint", NULL},
    {"Query", "guilds", BIND_CONNECTION, "0", "guilds"},
    BIND_PAGES("Guild"),
    {"Guild", "id", BIND_ID, "{p}.guild_id", NULL},
    {"Guild", "name", BIND_TEXT, "{p}.name", NULL},
    {"Guild", "available", BIND_PLAIN, "{p}.available", NULL},
    {"Guild", "leftAt", BIND_TIME, "{p}.left_at", NULL},
    {"Guild", "ownerId", BIND_ID, "{p}.owner_id", NULL},
    {"Guild", "afkChannelId", BIND_ID, "{p}.afk_channel_id", NULL},
    {"Guild", "systemChannelId", BIND_ID, "{p}.system_channel_id", NULL},
    {"Guild", "locale", BIND_TEXT, "{p}.locale", NULL},
    {"Guild", "memberCount", BIND_PLAIN, "{p}.member_count", NULL},
    {"Guild", "humanCount", BIND_PLAIN,
     "(SELECT count(*) FROM presence.member x WHERE x.guild_id = {p}.guild_id AND x.bot = false"
     " AND x.left_at IS NULL)",
     NULL},
    {"Guild", "botJoinedAt", BIND_TIME, "{p}.bot_joined_at", NULL},
    {"Guild", "rosterAt", BIND_TIME, "{p}.roster_at", NULL},
    {"Guild", "settingsVersion", BIND_PLAIN, "{p}.settings_version", NULL},
    {"Guild", "members", BIND_CONNECTION, "{p}.guild_id", "members"},
    {"Guild", "lastAct", BIND_ONE,
     "(SELECT x.last_channel AS ch, x.last_seen_kind AS type, x.last_seen AS ts"
     " FROM presence.last_seen x WHERE x.guild_id = {p}.guild_id AND x.state <> 'LEFT'"
     " AND x.idle_slot IS NOT NULL"
     " AND presence.above(x.last_seen, {p}.reset_at) IS NOT NULL"
     " ORDER BY x.idle_slot DESC, greatest(x.last_counted, x.present_until) DESC LIMIT 1) {t}",
     NULL},
    {"Guild", "coverage", BIND_LIST, COVERAGE_OF("{p}.guild_id"), "{t}.from_at, {t}.session"},
    {"Guild", "resetAt", BIND_TIME, "{p}.reset_at", NULL},
    {"Guild", "settings", BIND_LIST,
     "presence.setting_in_force {t} WHERE {t}.guild_id = {p}.guild_id", "{t}.key"},
    {"Query", "coverage", BIND_LIST, COVERAGE_OF("{guildId}::bigint"), "{t}.from_at, {t}.session"},
    {"CoverageInterval", "session", BIND_BIG, "{p}.session", NULL},
    {"CoverageInterval", "from", BIND_TIME, "{p}.from_at", NULL},
    {"CoverageInterval", "to", BIND_TIME, "{p}.to_at", NULL},
    {"CoverageInterval", "open", BIND_PLAIN, "{p}.open", NULL},
    {"CoverageInterval", "openReason", BIND_TEXT, "{p}.open_reason", NULL},
    {"CoverageInterval", "closeReason", BIND_TEXT, "{p}.close_reason", NULL},
    {"Query", "settings", BIND_LIST,
     "presence.setting_in_force {t} WHERE {t}.guild_id = {guildId}::bigint", "{t}.key"},
    {"Setting", "key", BIND_TEXT, "{p}.key", NULL},
    {"Setting", "value", BIND_TEXT, "{p}.value::text", NULL},
    {"Setting", "version", BIND_PLAIN, "{p}.version", NULL},
    {"Setting", "changedAt", BIND_TIME, "{p}.changed_at", NULL},
    {"Setting", "changedBy", BIND_ID, "{p}.changed_by", NULL},
    {"Query", "settingHistory", BIND_CONNECTION, "{guildId}::bigint", "revisions"},
    {"Guild", "settingHistory", BIND_CONNECTION, "{p}.guild_id", "revisions"},
    BIND_PAGES("SettingRevision"),
    {"SettingRevision", "key", BIND_TEXT, "{p}.key", NULL},
    {"SettingRevision", "version", BIND_PLAIN, "{p}.version", NULL},
    {"SettingRevision", "oldValue", BIND_TEXT, "{p}.old_value::text", NULL},
    {"SettingRevision", "newValue", BIND_TEXT, "{p}.new_value::text", NULL},
    {"SettingRevision", "changedAt", BIND_TIME, "{p}.changed_at", NULL},
    {"SettingRevision", "changedBy", BIND_ID, "{p}.changed_by", NULL},
};

const struct bind_table bind_guild = BIND_TABLE(rows);
