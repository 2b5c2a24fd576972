/* What was recorded: the log and its figures. Rows of the table of fields (bind.c).
 * Diagnostics: none. */
#include "config.h"

#include "graphql/bind_priv.h"

static const struct bind_order orders[] = {
    {"TIME",
     31,
     "a",
     "presence.activity a",
     NULL,
     "a.guild_id, a.user_id, a.minute, a.channel_id, a.kind",
     "a.guild_id",
     "a.last_at >= " BIND_RESET " AND NOT EXISTS (SELECT FROM presence.member m"
     " WHERE m.guild_id = a.guild_id AND m.user_id = a.user_id AND m.bot IS NULL)",
     {{"a.minute", KEY_TIME},
      {"a.user_id", KEY_BIG},
      {"a.channel_id", KEY_BIG},
      {"a.kind", KEY_BIG}}},
    {.name = NULL},
};

static const struct bind_filter filters[] = {
    {"userId", NULL, NULL, false, "a.user_id = {filter.userId}::bigint", NULL, false},
    {"channelId", NULL, NULL, false, "a.channel_id = {filter.channelId}::bigint", NULL, false},
    {"kinds", NULL, NULL, true, "a.kind = presence.kind_number('{v}')", NULL, true},
    {"since", NULL, NULL, false, "a.minute >= date_trunc('minute', {filter.since}::timestamptz)",
     NULL, false},
    {"until", NULL, NULL, false, "a.minute <= {filter.until}::timestamptz", NULL, false},
    {.name = NULL},
};

const struct bind_list list_activity = {
    "activity",
    "presence.activity {t} ON {t}.guild_id = {p}.guild_id AND {t}.user_id = {p}.user_id"
    " AND {t}.minute = {p}.minute AND {t}.channel_id = {p}.channel_id AND {t}.kind = {p}.kind",
    orders, filters};

#define FIGURES(function)                                                                          \
    "presence." function                                                                           \
    "({guildId}::bigint, {days}::integer, {timeZone}::text, {userId}::bigint,"                     \
    " {channelId}::bigint, {kinds}::text[]) {t}"

static const struct bind rows[] = {
    {"Query", "activity", BIND_CONNECTION, "{guildId}::bigint", "activity"},
    {"Guild", "activity", BIND_CONNECTION, "{p}.guild_id", "activity"},
    BIND_PAGES("Activity"),
    {"ActivityEntry", "guildId", BIND_ID, "{p}.guild_id", NULL},
    {"ActivityEntry", "userId", BIND_ID, "{p}.user_id", NULL},
    {"ActivityEntry", "channelId", BIND_ID, "nullif({p}.channel_id, 0)", NULL},
    {"ActivityEntry", "kind", BIND_KIND, "{p}.kind", NULL},
    {"ActivityEntry", "count", BIND_PLAIN, "{p}.count", NULL},
    {"ActivityEntry", "firstAt", BIND_TIME, "{p}.first_at", NULL},
    {"ActivityEntry", "lastAt", BIND_TIME, "{p}.last_at", NULL},
    {"Query", "heatmap", BIND_LIST, FIGURES("hours_of_week"), "{t}.weekday, {t}.hour"},
    {"HourOfWeek", "weekday", BIND_PLAIN, "{p}.weekday", NULL},
    {"HourOfWeek", "hour", BIND_PLAIN, "{p}.hour", NULL},
    {"HourOfWeek", "acts", BIND_BIG, "{p}.acts", NULL},
    {"HourOfWeek", "people", BIND_PLAIN, "{p}.people", NULL},
    {"HourOfWeek", "observedMs", BIND_BIG, "{p}.observed_ms", NULL},
    {"Query", "dailyCounts", BIND_LIST, FIGURES("calendar_days"), "{t}.day"},
    {"DailyCount", "day", BIND_TEXT, "{p}.day", NULL},
    {"DailyCount", "from", BIND_TIME, "{p}.from_at", NULL},
    {"DailyCount", "acts", BIND_BIG, "{p}.acts", NULL},
    {"DailyCount", "messages", BIND_BIG, "{p}.messages", NULL},
    {"DailyCount", "people", BIND_PLAIN, "{p}.people", NULL},
    {"DailyCount", "observedMs", BIND_BIG, "{p}.observed_ms", NULL},
    {"Query", "ranking", BIND_LIST,
     "presence.ranking({guildId}::bigint, {of}::text, {days}::integer, {kinds}::text[],"
     " {first}::integer, {reverse}::boolean) {t}",
     "{t}.place"},
    {"RankingEntry", "place", BIND_PLAIN, "{p}.place", NULL},
    {"RankingEntry", "id", BIND_ID, "{p}.id", NULL},
    {"RankingEntry", "acts", BIND_BIG, "{p}.acts", NULL},
    {"RankingEntry", "people", BIND_PLAIN, "{p}.people", NULL},
    {"RankingEntry", "lastActAt", BIND_TIME, "{p}.last_at", NULL},
};

#define TIME_ZONE                                                                                  \
    "CASE WHEN presence.time_zone({timeZone}::text) IS NULL"                                       \
    " THEN presence.refused('timeZone: expected a name such as Europe/Berlin') END"

const struct bind_judge bind_judges[] = {
    {"Query", "heatmap", TIME_ZONE}, {"Query", "dailyCounts", TIME_ZONE}, {.type = NULL}};

const struct bind_table bind_activity = BIND_TABLE(rows);
