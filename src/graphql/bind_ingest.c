/* What a worker reads, and what its claim of lanes answers. Rows of the table of fields (bind.c).
 * Diagnostics: none. */
#include "config.h"

#include "graphql/bind_priv.h"

#define LANES                                                                                      \
    "(SELECT u.lane, u.n, nullif(l.epoch, 0) AS epoch, coalesce(l.position, 0) AS position"        \
    " FROM unnest({lanes}::int[]) WITH ORDINALITY AS u(lane, n)"                                   \
    " LEFT JOIN presence.lane l ON l.lane = u.lane) {t}"

static const struct bind rows[] = {
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
     "(SELECT m.*, l.last_edit, v.channel_id AS voice_channel, v.state AS voice_state,"
     " presence.above(l.last_seen, g.reset_at) AS last_seen, l.last_seen_kind,"
     " presence.above(l.last_counted, g.reset_at) AS last_counted, l.last_counted_kind,"
     " presence.above(l.present_until, g.reset_at) AS present_until"
     " FROM unnest({keys.guildId}::bigint[], {keys.userId}::bigint[]) AS u(g, u)"
     " JOIN presence.member m ON m.guild_id = u.g AND m.user_id = u.u"
     " LEFT JOIN presence.guild g ON g.guild_id = u.g"
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
    {"MemberSeed", "lastSeenKind", BIND_KIND,
     "CASE WHEN {p}.last_seen IS NOT NULL THEN {p}.last_seen_kind END", NULL},
    {"MemberSeed", "lastCountedMs", BIND_MS, "{p}.last_counted", NULL},
    {"MemberSeed", "lastCountedKind", BIND_KIND,
     "CASE WHEN {p}.last_counted IS NOT NULL THEN {p}.last_counted_kind END", NULL},
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
};

const struct bind_table bind_ingest = BIND_TABLE(rows);
