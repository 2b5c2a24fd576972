/* Members. Rows of the table of fields (bind.c).
 * Diagnostics: none. */
#include "config.h"

#include "graphql/bind_priv.h"

#define IDLE_SINCE "greatest(l.last_counted, l.present_until)"
#define RESET      BIND_RESET
/* One comparison, and never twice in a list: the planner takes each for a third of the rows. */
#define KNOWN           "(l.idle_slot, " IDLE_SINCE ") >= (presence.idle_slot(" RESET "), " RESET ")"
#define QUIET(since)    "l.idle_slot <= " since " AND " IDLE_SINCE " <= " since
#define ACTIVE(since)   "l.idle_slot >= presence.idle_slot(" since ") AND " IDLE_SINCE " >= " since
#define CUTOFF          "(SELECT presence.observed_cutoff({owner}, {filter.observedIdleMs}::bigint))"
#define JOINED_OR_RESET "(m.joined_at IS NOT NULL OR " RESET " <> '-infinity')"
#define WITH_SEEN                                                                                  \
    "LEFT JOIN presence.last_seen l ON l.guild_id = m.guild_id AND l.user_id = m.user_id"
#define WITH_MEMBER "JOIN presence.member m ON m.guild_id = l.guild_id AND m.user_id = l.user_id"
#define LOWER_NAME  "lower({filter.name}::text COLLATE \"und-x-icu\")"
#define NAMED(m)    "strpos(" m ".name_key, (SELECT " LOWER_NAME ") COLLATE \"C\") > 0"
/* The same once more, for the planner: it knows how many names are like a text, not what strpos
 * finds. */
#define LIKE_NAMED(m)                                                                              \
    m ".name_key LIKE '%' || regexp_replace(" LOWER_NAME                                           \
      ", '([%_\\\\])', '\\\\\\1', 'g') COLLATE "                                                   \
      "\"C\" || '%'"
#define BY_MEMBER "m", "presence.member m", WITH_SEEN, "m.guild_id, m.user_id", "m.guild_id"
#define BY_SEEN   "l", "presence.last_seen l", WITH_MEMBER, "l.guild_id, l.user_id", "l.guild_id"

static const struct bind_order orders[] = {
    {"ID", 1, BY_MEMBER, "m.bot = false", {{"m.user_id", KEY_BIG}}},
    {"IDLE",
     2,
     BY_SEEN,
     KNOWN,
     {{"l.idle_slot", KEY_TIME}, {IDLE_SINCE, KEY_TIME}, {"l.user_id", KEY_BIG}}},
    {"JOINED",
     3,
     BY_MEMBER,
     "m.bot = false AND m.joined_at IS NOT NULL",
     {{"m.joined_at", KEY_TIME}, {"m.user_id", KEY_BIG}}},
    {"NAME", 4, BY_MEMBER, "m.bot = false", {{"m.name_key", KEY_TEXT}, {"m.user_id", KEY_BIG}}},
    {.name = NULL},
};

/* last_seen.state is null of whoever is not known to be human, and LEFT of whoever is not there. */
static const struct bind_filter filters[] = {
    {"states", "m", NULL, true,
     "CASE '{v}' WHEN 'LEFT' THEN m.left_at IS NOT NULL"
     " ELSE m.left_at IS NULL AND m.state = '{v}' END",
     "m.left_at IS NULL", false},
    {"states", "l", NULL, true, "l.state = '{v}'", "l.state <> 'LEFT'", false},
    {"knowledge", "m", "l", true,
     "CASE '{v}' WHEN 'KNOWN' THEN " KNOWN " WHEN 'NOT_BEFORE' THEN (" KNOWN
     ") IS NOT TRUE AND " JOINED_OR_RESET " ELSE (" KNOWN ") IS NOT TRUE AND NOT " JOINED_OR_RESET
     " END",
     NULL, false},
    {"knowledge", "l", NULL, true, "'{v}' = 'KNOWN'", NULL, false},
    {"quietSince", "m", "l", false, KNOWN " AND " QUIET("{filter.quietSince}::timestamptz"), NULL,
     false},
    {"quietSince", "l", "l", false, QUIET("{filter.quietSince}::timestamptz"), NULL, false},
    {"activeSince", "m", "l", false, KNOWN " AND " ACTIVE("{filter.activeSince}::timestamptz"),
     NULL, false},
    {"activeSince", "l", "l", false, ACTIVE("{filter.activeSince}::timestamptz"), NULL, false},
    {"observedIdleMs", "m", "l", false, KNOWN " AND " QUIET(CUTOFF), NULL, false},
    {"observedIdleMs", "l", "l", false, QUIET(CUTOFF), NULL, false},
    {"lastKinds", NULL, "l", true,
     "(l.last_counted < " RESET
     ") IS NOT TRUE AND l.last_counted_kind = presence.kind_number('{v}')",
     NULL, true},
    {"roles", NULL, "m", false,
     "m.roles @> {filter.roles}::bigint[] AND"
     " (presence.role_holders({filter.roles}::bigint[]) IS NULL"
     " OR m.user_id = ANY (presence.role_holders({filter.roles}::bigint[])))",
     NULL, true},
    {"withoutRoles", NULL, "m", false,
     "NOT coalesce(m.roles && {filter.withoutRoles}::bigint[], false)", NULL, true},
    {"joinedSince", NULL, "m", false, "m.joined_at >= {filter.joinedSince}::timestamptz", NULL,
     false},
    {"joinedUntil", NULL, "m", false, "m.joined_at <= {filter.joinedUntil}::timestamptz", NULL,
     false},
    {"name", "m", "m", false, NAMED("m"), NULL, true},
    /* Whose name it is, by the index of names: the scan that is sorted by idle time would look up
     * each member. Those who are not there are few and have an index of their own. */
    {"name", "l", NULL, false,
     "l.user_id IN (SELECT x.user_id FROM presence.member x WHERE x.guild_id = {owner}"
     " AND x.bot = false AND x.left_at IS NULL AND " NAMED("x") " AND " LIKE_NAMED(
         "x") " UNION ALL SELECT x.user_id FROM presence.member x WHERE x.guild_id = {owner}"
              " AND x.bot = false AND x.left_at IS NOT NULL AND " NAMED("x") ")",
     NULL, true},
    {.name = NULL},
};

const struct bind_list list_members = {
    "members",
    "presence.member_activity {t} ON {t}.guild_id = {p}.guild_id AND {t}.user_id = {p}.user_id",
    orders, filters};

static const struct bind rows[] = {
    {"Query", "member", BIND_ONE,
     "presence.member_activity {t} WHERE {t}.guild_id = {guildId}::bigint"
     " AND {t}.user_id = {userId}::bigint",
     NULL},
    {"Query", "members", BIND_CONNECTION, "{guildId}::bigint", "members"},
    BIND_PAGES("Member"),
    {"PageInfo", "hasNextPage", BIND_HAS_NEXT, NULL, NULL},
    {"PageInfo", "hasPreviousPage", BIND_HAS_PREVIOUS, NULL, NULL},
    {"PageInfo", "startCursor", BIND_START, NULL, NULL},
    {"PageInfo", "endCursor", BIND_END, NULL, NULL},

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
    {"Member", "state", BIND_TEXT, "{p}.state", NULL},
    {"Member", "stateSince", BIND_TIME, "{p}.state_since", NULL},
    {"Member", "knowledge", BIND_TEXT, "{p}.knowledge", NULL},
    {"Member", "idleSince", BIND_TIME, "{p}.idle_since", NULL},
    {"Member", "observedIdleMs", BIND_BIG,
     "presence.observed_ms({p}.guild_id, {p}.idle_since, now())", NULL},
    {"Member", "observedShare", BIND_PLAIN,
     "presence.observed_share({p}.guild_id, {p}.idle_since, now())", NULL},
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
     " {since}::timestamptz)) AND presence.above(x.last_at, {p}.reset_at) IS NOT NULL"
     " GROUP BY x.kind) {t}",
     "{t}.kind"},
    {"Member", "lastAct", BIND_ONE,
     "(SELECT {p}.last_channel AS ch, {p}.last_seen_kind AS type, {p}.last_seen AS ts"
     " WHERE {p}.last_seen IS NOT NULL) {t}",
     NULL},
    {"LastAct", "ch", BIND_ID, "{p}.ch", NULL},
    {"LastAct", "type", BIND_KIND, "{p}.type", NULL},
    {"LastAct", "ts", BIND_TIME, "{p}.ts", NULL},
    {"Member", "idleStats", BIND_SAME, NULL, NULL},
    {"IdleStats", "timesIdle", BIND_PLAIN, "coalesce({p}.gap_count, 0)", NULL},
    {"IdleStats", "avgIdleTime", BIND_BIG, "{p}.gap_sum_ms / nullif({p}.gap_count, 0)", NULL},
    {"IdleStats", "prevAvgs", BIND_IDS, "presence.monthly_gaps({p}.guild_id, {p}.user_id)", NULL},
    {"GapStatistics", "count", BIND_PLAIN, "coalesce({p}.gap_count, 0)", NULL},
    {"GapStatistics", "meanMs", BIND_BIG, "{p}.gap_sum_ms / nullif({p}.gap_count, 0)", NULL},
    {"GapStatistics", "maxMs", BIND_BIG, "nullif({p}.gap_max_ms, 0)", NULL},
    {"GapStatistics", "medianMs", BIND_BIG, "presence.gap_quantile({p}.gap_hist, 0.5)", NULL},
    {"ActivityCount", "kind", BIND_KIND, "{p}.kind", NULL},
    {"ActivityCount", "count", BIND_BIG, "{p}.count", NULL},
    {"ActivityCount", "firstAt", BIND_TIME, "{p}.first_at", NULL},
    {"ActivityCount", "lastAt", BIND_TIME, "{p}.last_at", NULL},
    {"Query", "personalData", BIND_ONE,
     "(SELECT presence.personal_data({guildId}::bigint, {userId}::bigint) AS data) {t}", NULL},
    {"PersonalData", "json", BIND_TEXT, "{p}.data::text", NULL},
};

const struct bind_table bind_member = BIND_TABLE(rows);
