/* The table of fields. Called by the compiler; a test compares it with the schema.
 * Diagnostics: none. */
#include "config.h"

#include "graphql/bind.h"

#include <stddef.h>
#include <string.h>

#define PAGE                                                                                       \
    "(SELECT * FROM presence.member_activity x WHERE x.guild_id = {p}.guild_id"                    \
    " AND x.left_at IS NULL AND ({p}.after IS NULL OR x.user_id > {p}.after)"                      \
    " ORDER BY x.user_id LIMIT {p}.first) {t}"
#define PAGE_OF(guild)                                                                             \
    "(SELECT " guild " AS guild_id, {first}::int AS first,"                                        \
    " presence.cursor_key({after}::text, 1, " guild ") AS after) {t}"
#define COVERAGE_OF(guild)                                                                         \
    "presence.coverage_interval {t} WHERE {t}.guild_id = " guild                                   \
    " AND ({from}::timestamptz IS NULL OR coalesce({t}.to_at, 'infinity') > {from}::timestamptz)"  \
    " AND ({to}::timestamptz IS NULL OR {t}.from_at < {to}::timestamptz)"

#define LANES                                                                                      \
    "(SELECT u.lane, u.n, nullif(l.epoch, 0) AS epoch, coalesce(l.position, 0) AS position"        \
    " FROM unnest({lanes}::int[]) WITH ORDINALITY AS u(lane, n)"                                   \
    " LEFT JOIN presence.lane l ON l.lane = u.lane) {t}"

const struct bind binds[] = {
    /* --- ingestion --- */
    {"Query", "lanes", BIND_LIST, LANES, "{t}.n"},
    {"Mutation", "claimLanes", BIND_LIST, LANES, "{t}.n"},
    {"LaneState", "lane", BIND_PLAIN, "{p}.lane", NULL},
    {"LaneState", "epoch", BIND_BIG, "{p}.epoch", NULL},
    {"LaneState", "position", BIND_BIG, "{p}.position", NULL},
    {"LaneState", "sessions", BIND_LIST,
     "presence.lane_session {t} WHERE {t}.lane = {p}.lane AND NOT EXISTS (SELECT FROM"
     " presence.gateway_session g WHERE g.session = {t}.session AND g.ended_at IS NOT NULL)",
     "{t}.session"},
    {"SessionPosition", "session", BIND_BIG, "{p}.session", NULL},
    {"SessionPosition", "seq", BIND_BIG, "{p}.appended", NULL},

    {"Query", "memberSeeds", BIND_LIST,
     "(SELECT m.*, l.last_seen, l.last_seen_kind, l.last_counted, l.last_counted_kind,"
     " l.present_until, l.last_edit, v.channel_id AS voice_channel, v.state AS voice_state"
     " FROM unnest({keys.guildId}::bigint[], {keys.userId}::bigint[]) AS u(g, u)"
     " JOIN presence.member m ON m.guild_id = u.g AND m.user_id = u.u"
     " LEFT JOIN presence.last_seen l ON l.guild_id = u.g AND l.user_id = u.u"
     " LEFT JOIN presence.voice_session v ON v.guild_id = u.g AND v.user_id = u.u"
     " AND v.to_at IS NULL) {t}",
     NULL},
    {"MemberSeed", "guildId", BIND_ID, "{p}.guild_id", NULL},
    {"MemberSeed", "userId", BIND_ID, "{p}.user_id", NULL},
    {"MemberSeed", "bot", BIND_PLAIN, "{p}.bot", NULL},
    {"MemberSeed", "onRoster", BIND_PLAIN, "({p}.roster_at IS NOT NULL AND {p}.left_at IS NULL)",
     NULL},
    {"MemberSeed", "lastSeenMs", BIND_MS, "{p}.last_seen", NULL},
    {"MemberSeed", "lastSeenKind", BIND_KIND, "{p}.last_seen_kind", NULL},
    {"MemberSeed", "lastCountedMs", BIND_MS, "{p}.last_counted", NULL},
    {"MemberSeed", "lastCountedKind", BIND_KIND, "{p}.last_counted_kind", NULL},
    {"MemberSeed", "presentUntilMs", BIND_MS, "{p}.present_until", NULL},
    {"MemberSeed", "voiceChannelId", BIND_ID, "{p}.voice_channel", NULL},
    {"MemberSeed", "voiceState", BIND_PLAIN, "{p}.voice_state", NULL},
    {"MemberSeed", "lastEditMs", BIND_MS, "{p}.last_edit", NULL},
    {"MemberSeed", "pending", BIND_PLAIN, "{p}.pending", NULL},
    {"MemberSeed", "flags", BIND_PLAIN, "{p}.flags", NULL},
    {"MemberSeed", "avatarHash", BIND_BIG, "{p}.avatar_hash", NULL},

    {"Query", "guildSeeds", BIND_LIST, "presence.guild {t} WHERE {t}.lane = ANY ({lanes}::int[])",
     "{t}.guild_id"},
    {"GuildSeed", "guildId", BIND_ID, "{p}.guild_id", NULL},
    {"GuildSeed", "afkChannelId", BIND_ID, "{p}.afk_channel_id", NULL},
    {"GuildSeed", "memberCount", BIND_PLAIN, "{p}.member_count", NULL},
    {"GuildSeed", "botJoinedMs", BIND_MS, "{p}.bot_joined_at", NULL},
    {"GuildSeed", "rosterAtMs", BIND_MS, "{p}.roster_at", NULL},
    {"GuildSeed", "left", BIND_PLAIN, "({p}.left_at IS NOT NULL)", NULL},
    {"GuildSeed", "available", BIND_PLAIN, "{p}.available", NULL},
    {"GuildSeed", "session", BIND_BIG,
     "(SELECT max(c.session) FROM presence.coverage c WHERE c.guild_id = {p}.guild_id"
     " AND c.to_at IS NULL)",
     NULL},
    {"Query", "voiceSeeds", BIND_LIST,
     "(SELECT v.* FROM presence.guild g JOIN presence.voice_session v ON v.guild_id = g.guild_id"
     " WHERE g.lane = ANY ({lanes}::int[]) AND g.left_at IS NULL AND v.to_at IS NULL) {t}",
     "{t}.guild_id, {t}.user_id"},
    {"VoiceSeed", "guildId", BIND_ID, "{p}.guild_id", NULL},
    {"VoiceSeed", "userId", BIND_ID, "{p}.user_id", NULL},
    {"VoiceSeed", "channelId", BIND_ID, "{p}.channel_id", NULL},
    {"VoiceSeed", "state", BIND_PLAIN, "{p}.state", NULL},

    /* --- people --- */
    {"Query", "guild", BIND_ONE, "presence.guild {t} WHERE {t}.guild_id = {id}::bigint", NULL},
    {"Query", "guilds", BIND_LIST, "presence.guild {t} WHERE {t}.left_at IS NULL", "{t}.guild_id"},
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
    {"Guild", "members", BIND_ONE, PAGE_OF("{p}.guild_id"), NULL},
    {"Guild", "channels", BIND_LIST, "presence.channel {t} WHERE {t}.guild_id = {p}.guild_id",
     "{t}.channel_id"},
    {"Guild", "coverage", BIND_LIST, COVERAGE_OF("{p}.guild_id"), "{t}.from_at, {t}.session"},
    {"Guild", "settings", BIND_LIST, "presence.setting {t} WHERE {t}.guild_id = {p}.guild_id",
     "{t}.key"},

    {"Query", "member", BIND_ONE,
     "presence.member_activity {t} WHERE {t}.guild_id = {guildId}::bigint"
     " AND {t}.user_id = {userId}::bigint",
     NULL},
    {"Query", "members", BIND_ONE, PAGE_OF("{guildId}::bigint"), NULL},
    {"MemberConnection", "nodes", BIND_LIST, PAGE, "{t}.user_id"},
    {"MemberConnection", "edges", BIND_LIST, PAGE, "{t}.user_id"},
    {"MemberConnection", "pageInfo", BIND_ONE,
     "(SELECT {p}.guild_id, {p}.after, min(y.user_id) AS a, max(y.user_id) AS b FROM"
     " (SELECT x.user_id FROM presence.member_activity x WHERE x.guild_id = {p}.guild_id"
     " AND x.left_at IS NULL AND ({p}.after IS NULL OR x.user_id > {p}.after)"
     " ORDER BY x.user_id LIMIT {p}.first) y) {t}",
     NULL},
    {"MemberConnection", "totalCount", BIND_PLAIN,
     "(SELECT count(*) FROM presence.member x WHERE x.guild_id = {p}.guild_id AND x.bot = false"
     " AND x.left_at IS NULL)",
     NULL},
    {"MemberEdge", "cursor", BIND_TEXT, "presence.cursor_text(1, {p}.guild_id, {p}.user_id)", NULL},
    {"MemberEdge", "node", BIND_SAME, NULL, NULL},
    {"PageInfo", "hasNextPage", BIND_PLAIN,
     "EXISTS (SELECT FROM presence.member_activity x WHERE x.guild_id = {p}.guild_id"
     " AND x.left_at IS NULL AND x.user_id > {p}.b)",
     NULL},
    {"PageInfo", "hasPreviousPage", BIND_PLAIN, "({p}.after IS NOT NULL)", NULL},
    {"PageInfo", "startCursor", BIND_TEXT, "presence.cursor_text(1, {p}.guild_id, {p}.a)", NULL},
    {"PageInfo", "endCursor", BIND_TEXT, "presence.cursor_text(1, {p}.guild_id, {p}.b)", NULL},

    {"Member", "guildId", BIND_ID, "{p}.guild_id", NULL},
    {"Member", "userId", BIND_ID, "{p}.user_id", NULL},
    {"Member", "username", BIND_TEXT, "{p}.username", NULL},
    {"Member", "globalName", BIND_TEXT, "{p}.global_name", NULL},
    {"Member", "nick", BIND_TEXT, "{p}.nick", NULL},
    {"Member", "roles", BIND_IDS, "{p}.roles", NULL},
    {"Member", "joinedAt", BIND_TIME, "{p}.joined_at", NULL},
    {"Member", "premiumSince", BIND_TIME, "{p}.premium_since", NULL},
    {"Member", "timeoutUntil", BIND_TIME, "{p}.timeout_until", NULL},
    {"Member", "pending", BIND_PLAIN, "{p}.pending", NULL},
    {"Member", "leftAt", BIND_TIME, "{p}.left_at", NULL},
    {"Member", "knowledge", BIND_TEXT, "{p}.knowledge", NULL},
    {"Member", "idleSince", BIND_TIME, "{p}.idle_since", NULL},
    {"Member", "notBefore", BIND_TIME, "{p}.not_before", NULL},
    {"Member", "lastSeen", BIND_TIME, "{p}.last_seen", NULL},
    {"Member", "lastSeenKind", BIND_KIND, "{p}.last_seen_kind", NULL},
    {"Member", "lastSeenChannelId", BIND_ID, "{p}.last_channel", NULL},
    {"Member", "lastCounted", BIND_TIME, "{p}.last_counted", NULL},
    {"Member", "lastCountedKind", BIND_KIND, "{p}.last_counted_kind", NULL},
    {"Member", "presentUntil", BIND_TIME, "{p}.present_until", NULL},
    {"Member", "gaps", BIND_SAME, NULL, NULL},
    {"Member", "activity", BIND_LIST,
     "(SELECT x.kind, sum(x.count) AS count, min(x.first_at) AS first_at, max(x.last_at) AS last_at"
     " FROM presence.activity x WHERE x.guild_id = {p}.guild_id AND x.user_id = {p}.user_id"
     " AND ({since}::timestamptz IS NULL OR x.minute >= date_trunc('minute',"
     " {since}::timestamptz)) GROUP BY x.kind) {t}",
     "{t}.kind"},
    {"GapStatistics", "count", BIND_PLAIN, "coalesce({p}.gap_count, 0)", NULL},
    {"GapStatistics", "meanMs", BIND_BIG, "{p}.gap_sum_ms / nullif({p}.gap_count, 0)", NULL},
    {"GapStatistics", "maxMs", BIND_BIG, "nullif({p}.gap_max_ms, 0)", NULL},
    {"ActivityCount", "kind", BIND_KIND, "{p}.kind", NULL},
    {"ActivityCount", "count", BIND_BIG, "{p}.count", NULL},
    {"ActivityCount", "firstAt", BIND_TIME, "{p}.first_at", NULL},
    {"ActivityCount", "lastAt", BIND_TIME, "{p}.last_at", NULL},

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

    {"Query", "coverage", BIND_LIST, COVERAGE_OF("{guildId}::bigint"), "{t}.from_at, {t}.session"},
    {"CoverageInterval", "session", BIND_BIG, "{p}.session", NULL},
    {"CoverageInterval", "from", BIND_TIME, "{p}.from_at", NULL},
    {"CoverageInterval", "to", BIND_TIME, "{p}.to_at", NULL},
    {"CoverageInterval", "open", BIND_PLAIN, "{p}.open", NULL},
    {"CoverageInterval", "openReason", BIND_TEXT, "{p}.open_reason", NULL},
    {"CoverageInterval", "closeReason", BIND_TEXT, "{p}.close_reason", NULL},

    {"Query", "settings", BIND_LIST, "presence.setting {t} WHERE {t}.guild_id = {guildId}::bigint",
     "{t}.key"},
    {"Setting", "key", BIND_TEXT, "{p}.key", NULL},
    {"Setting", "value", BIND_TEXT, "{p}.value::text", NULL},
    {"Setting", "version", BIND_PLAIN, "{p}.version", NULL},
    {"Setting", "changedAt", BIND_TIME, "{p}.changed_at", NULL},
    {"Setting", "changedBy", BIND_ID, "{p}.changed_by", NULL},

    /* --- subscriptions: presence.event is what one notification said --- */
    {"Subscription", "changes", BIND_ONE, "presence.event {t}", NULL},
    {"Change", "kind", BIND_TEXT, "{p}.kind", NULL},
    {"Change", "guildId", BIND_ID, "{p}.guild_id", NULL},
    {"Change", "id", BIND_BIG, "{p}.id", NULL},
    {"Subscription", "activity", BIND_ONE, "presence.event {t}", NULL},
    {"ActivityEvent", "guildId", BIND_ID, "{p}.guild_id", NULL},
    {"ActivityEvent", "members", BIND_LIST,
     "presence.member_activity {t} WHERE {t}.guild_id = {p}.guild_id AND {t}.user_id = ANY "
     "({p}.ids)",
     "{t}.user_id"},
    {"Subscription", "memberStateChanged", BIND_ONE, "presence.event {t}", NULL},
    {"MemberStateEvent", "guildId", BIND_ID, "{p}.guild_id", NULL},
    {"MemberStateEvent", "userId", BIND_ID, "{p}.id", NULL},
    {"MemberStateEvent", "member", BIND_ONE,
     "presence.member_activity {t} WHERE {t}.guild_id = {p}.guild_id AND {t}.user_id = {p}.id",
     NULL},
    {"Subscription", "decisionMade", BIND_ONE, "presence.event {t}", NULL},
    {"DecisionEvent", "guildId", BIND_ID, "{p}.guild_id", NULL},
    {"DecisionEvent", "decisionId", BIND_BIG, "{p}.id", NULL},

    {"Query", "service", BIND_ONE, "(SELECT max(version) AS v FROM presence.migration) {t}", NULL},
    {"Service", "version", BIND_TEXT, "'" PACKAGE_VERSION "'", NULL},
    {"Service", "schemaVersion", BIND_PLAIN, "{p}.v", NULL},
};

const unsigned binds_n = sizeof(binds) / sizeof(binds[0]);

const char *bind_deed(const char *field)
{
    return strcmp(field, "claimLanes") == 0
               ? "presence.claim_lanes({lanes}::int[], {epoch}::bigint)"
               : NULL;
}

const struct bind *bind_find(const char *type, const char *field)
{
    for (unsigned i = 0; i < binds_n; i++)
        if (strcmp(binds[i].field, field) == 0 && strcmp(binds[i].type, type) == 0)
            return &binds[i];
    return NULL;
}
