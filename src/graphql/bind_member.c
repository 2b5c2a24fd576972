/* Members. Rows of the table of fields (bind.c).
 * Diagnostics: none. */
#include "config.h"

#include "graphql/bind_priv.h"

#define PAGE                                                                                       \
    "(SELECT * FROM presence.member_activity x WHERE x.guild_id = {p}.guild_id"                    \
    " AND x.left_at IS NULL AND ({p}.after IS NULL OR x.user_id > {p}.after)"                      \
    " ORDER BY x.user_id LIMIT {p}.first) {t}"
#define PAGE_OF(guild)                                                                             \
    "(SELECT " guild " AS guild_id, {first}::int AS first,"                                        \
    " presence.cursor_key({after}::text, 1, " guild ") AS after) {t}"

static const struct bind rows[] = {
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
};

const struct bind_table bind_member = BIND_TABLE(rows);
