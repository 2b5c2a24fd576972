/* The table of all settings. A new one is a row here, one in sql/011_settings.sql and a place in
 * enum setting; tests compare the three. Diagnostics: none. */
#include <string.h>

#include "core/settings_priv.h"
#include "presence/duration.h"

#define SECOND DURATION_SECOND_MS
#define HOUR   DURATION_HOUR_MS
#define DAY    DURATION_DAY_MS
#define YEAR   DURATION_YEAR_MS
#define MILLI  INT64_C(1000) /* one, in thousandths */

static const char *const modes[] = {"observe", "on", "off", NULL};
static const char *const never_seen_policies[] = {"ignore", "report", "treat_as_joined", NULL};
static const char *const role_modes[] = {"add", "swap", "strip_and_restore", NULL};
static const char *const voice_counts[] = {"off", "joins", "connected", "unmuted", NULL};
static const char *const warn_vias[] = {"off", "channel", "dm", "channel_then_dm", NULL};
static const char *const tracked_modes[] = {"all", "allow", "ignore", NULL};
static const char *const archive_modes[] = {"off", "warn", "archive", NULL};
static const char *const report_periods[] = {"day", "week", "month", NULL};
static const char *const visibilities[] = {"everyone", "staff", "off", NULL};
static const char *const opt_out_policies[] = {"not_actionable", "review", NULL};
static const char *const presets[] = {
    "standard", "gaming", "large_public", "education", "strict", "archive_only", NULL};

/* clang-format off */
#define SIGNAL(kind, counts)                                                                      \
    [SETTING_SIGNALS + ACTIVITY_##kind - 1] = {                                                   \
        .key = "signals." #kind, .type = VALUE_BOOLEAN, .family = FAMILY_SIGNALS,                 \
        .feature = FEATURE_JUDGING, .sooner = SOONER_IF_LESS, .administrator = true,              \
        .otherwise = {.on = counts}, .means = N_("acts of this kind reset idle")}

const struct setting_info setting_infos[SETTINGS] = {
    [SETTING_MODE] = {
        .key = "mode", .type = VALUE_CHOICE, .family = FAMILY_MODE, .works = true,
        .feature = FEATURE_JUDGING, .sooner = SOONER_IF_CHANGED, .administrator = true,
        .choices = modes, .otherwise = {.number = MODE_OBSERVE},
        .means = N_("observe computes and reports and never acts; unless set, on follows after 14 days")},
    [SETTING_TIME_UNTIL_INACTIVE] = {
        .key = "time_until_inactive", .type = VALUE_SECONDS, .family = FAMILY_TIME_UNTIL_INACTIVE,
        .works = true, .feature = FEATURE_JUDGING, .sooner = SOONER_IF_LESS, .administrator = true,
        .least = DAY, .most = 5 * YEAR, .otherwise = {.number = 30 * DAY},
        .means = N_("idle that long: inactive; at least 7 days with auto_kick"),
        .why = N_("people sleep and work; silence of less than a day means nothing")},
    [SETTING_AUTO_KICK] = {
        .key = "auto_kick", .type = VALUE_BOOLEAN, .family = FAMILY_AUTO_KICK,
        .feature = FEATURE_KICKING, .sooner = SOONER_IF_MORE, .administrator = true,
        .otherwise = {.on = false},
        .means = N_("members who stay away are kicked; enabling waits 24 hours and wants a confirmation")},
    [SETTING_AUTO_PRUNE_TIMER] = {
        .key = "auto_prune_timer", .type = VALUE_SECONDS, .family = FAMILY_AUTO_PRUNE_TIMER,
        .feature = FEATURE_KICKING, .sooner = SOONER_IF_LESS, .administrator = true,
        .least = 7 * DAY, .most = YEAR, .otherwise = {.number = 14 * DAY},
        .means = N_("from flag to kick"),
        .why = N_("whoever is flagged has a week at least to come back")},
    [SETTING_NEW_MEMBER_GRACE] = {
        .key = "new_member_grace", .type = VALUE_SECONDS, .family = FAMILY_GRACE,
        .works = true, .feature = FEATURE_JUDGING, .sooner = SOONER_IF_LESS, .administrator = true,
        .least = 0, .most = 180 * DAY, .otherwise = {.number = 14 * DAY},
        .means = N_("after joining"),
        .why = N_("after half a year nobody is new")},
    [SETTING_REJOIN_GRACE] = {
        .key = "rejoin_grace", .type = VALUE_SECONDS, .family = FAMILY_GRACE,
        .feature = FEATURE_JUDGING, .sooner = SOONER_IF_LESS, .administrator = true,
        .least = 0, .most = 180 * DAY, .otherwise = {.number = 30 * DAY},
        .means = N_("after joining again"),
        .why = N_("after half a year nobody is new")},
    [SETTING_NEVER_SEEN_POLICY] = {
        .key = "never_seen_policy", .type = VALUE_CHOICE, .family = FAMILY_GRACE, .works = true,
        .feature = FEATURE_JUDGING, .sooner = SOONER_IF_CHANGED, .administrator = true,
        .choices = never_seen_policies, .otherwise = {.number = NEVER_SEEN_IGNORE},
        .means = N_("what a member counts as of whom nothing was ever seen")},
    [SETTING_MIN_OBSERVED_SHARE] = {
        .key = "min_observed_share", .type = VALUE_NUMBER, .family = FAMILY_GRACE,
        .feature = FEATURE_KICKING, .sooner = SOONER_IF_LESS, .administrator = true,
        .least = 50 * MILLI, .most = 100 * MILLI, .otherwise = {.number = 90 * MILLI},
        .means = N_("percent of the silence that must have been observed before a kick"),
        .why = N_("nobody is kicked for a silence of which half was not watched")},
    [SETTING_INACTIVE_ROLE] = {
        .key = "inactive_role", .type = VALUE_ID, .family = FAMILY_INACTIVE_ROLE,
        .place = PLACE_ROLE, .works = true,
        .feature = FEATURE_ROLES, .sooner = SOONER_NEVER, .optional = true,
        .otherwise = {.none = true},
        .means = N_("given when flagged; none: made on demand")},
    [SETTING_ACTIVE_ROLE] = {
        .key = "active_role", .type = VALUE_ID, .family = FAMILY_ACTIVE_ROLE,
        .place = PLACE_ROLE, .works = true,
        .feature = FEATURE_ROLES, .sooner = SOONER_NEVER, .optional = true,
        .otherwise = {.none = true},
        .means = N_("taken when flagged")},
    [SETTING_ROLE_MODE] = {
        .key = "role_mode", .type = VALUE_CHOICE, .family = FAMILY_INACTIVE_ROLE,
        .feature = FEATURE_ROLES, .sooner = SOONER_NEVER, .administrator = true,
        .choices = role_modes, .otherwise = {.number = 0},
        .means = N_("what flagging does to roles")},
    [SETTING_MIN_EVENTS] = {
        .key = "min_events", .type = VALUE_INTEGER, .family = FAMILY_SIGNALS,
        .feature = FEATURE_JUDGING, .sooner = SOONER_IF_MORE, .administrator = true,
        .least = 1, .most = 100, .otherwise = {.number = 1},
        .means = N_("acts within time_until_inactive"),
        .why = N_("more than a hundred would flag people who are there every day")},
    [SETTING_MIN_DAYS] = {
        .key = "min_days", .type = VALUE_INTEGER, .family = FAMILY_SIGNALS,
        .feature = FEATURE_JUDGING, .sooner = SOONER_IF_MORE, .administrator = true,
        .least = 1, .most = 30, .otherwise = {.number = 1},
        .means = N_("days with acts within time_until_inactive"),
        .why = N_("more than thirty days would flag people who are there every week")},
    [SETTING_VOICE_COUNTS] = {
        .key = "voice_counts", .type = VALUE_CHOICE, .family = FAMILY_VOICE, .works = true,
        .feature = FEATURE_RECORDING, .sooner = SOONER_IF_CHANGED, .administrator = true,
        .choices = voice_counts, .otherwise = {.number = VOICE_COUNTS_CONNECTED},
        .means = N_("what of voice resets idle")},
    [SETTING_VOICE_AFK_COUNTS] = {
        .key = "voice_afk_counts", .type = VALUE_BOOLEAN, .family = FAMILY_VOICE,
        .feature = FEATURE_RECORDING, .sooner = SOONER_IF_LESS, .administrator = true,
        .otherwise = {.on = false},
        .means = N_("being in the AFK channel counts")},
    [SETTING_VOICE_ALONE_COUNTS] = {
        .key = "voice_alone_counts", .type = VALUE_BOOLEAN, .family = FAMILY_VOICE,
        .feature = FEATURE_RECORDING, .sooner = SOONER_IF_LESS, .administrator = true,
        .otherwise = {.on = true},
        .means = N_("being alone in voice counts")},
    [SETTING_VOICE_SELF_DEAF_COUNTS] = {
        .key = "voice_self_deaf_counts", .type = VALUE_BOOLEAN, .family = FAMILY_VOICE,
        .feature = FEATURE_RECORDING, .sooner = SOONER_IF_LESS, .administrator = true,
        .otherwise = {.on = false},
        .means = N_("being self-deafened counts")},
    [SETTING_VOICE_TICK] = {
        .key = "voice_tick", .type = VALUE_SECONDS, .family = FAMILY_VOICE,
        .feature = FEATURE_RECORDING, .sooner = SOONER_NEVER, .least = 10 * SECOND, .most = 600 * SECOND,
        .otherwise = {.number = 60 * SECOND},
        .means = N_("how often time in voice is stored"),
        .why = N_("more often burdens the database, more seldom loses minutes in a crash")},
    [SETTING_WARN_BEFORE_FLAG] = {
        .key = "warn_at.before_flag", .type = VALUE_DELAYS, .family = FAMILY_WARNINGS,
        .feature = FEATURE_WARNING, .sooner = SOONER_NEVER, .least = HOUR, .most = 90 * DAY,
        .otherwise = {.delays = {2, {7 * DAY, DAY}}},
        .means = N_("warnings"),
        .why = N_("a warning needs an hour at least to be read")},
    [SETTING_WARN_BEFORE_KICK] = {
        .key = "warn_at.before_kick", .type = VALUE_DELAYS, .family = FAMILY_WARNINGS,
        .feature = FEATURE_WARNING, .sooner = SOONER_IF_CHANGED, .administrator = true,
        .least = HOUR, .most = 90 * DAY, .otherwise = {.delays = {2, {7 * DAY, DAY}}},
        .means = N_("warnings"),
        .why = N_("a warning needs an hour at least to be read")},
    [SETTING_WARN_VIA] = {
        .key = "warn_via", .type = VALUE_CHOICE, .family = FAMILY_WARNINGS,
        .feature = FEATURE_WARNING, .sooner = SOONER_IF_CHANGED, .administrator = true,
        .choices = warn_vias, .otherwise = {.number = WARN_VIA_CHANNEL},
        .means = N_("where")},
    [SETTING_DM_GUILD_PER_DAY] = {
        .key = "dm_budget.guild_per_day", .type = VALUE_INTEGER, .family = FAMILY_WARNINGS,
        .feature = FEATURE_WARNING, .sooner = SOONER_NEVER, .least = 0, .most = 200,
        .otherwise = {.number = 20},
        .means = N_("direct messages"),
        .why = N_("Discord closes direct messages to bots that send many")},
    [SETTING_DM_BOT_PER_DAY] = {
        .key = "dm_budget.bot_per_day", .type = VALUE_INTEGER, .family = FAMILY_WARNINGS,
        .feature = FEATURE_WARNING, .sooner = SOONER_NEVER, .least = 0, .most = 500,
        .otherwise = {.number = 40},
        .means = N_("direct messages in all guilds"),
        .why = N_("Discord closes direct messages to bots that send many")},
    [SETTING_DM_SPACING] = {
        .key = "dm_budget.spacing", .type = VALUE_SECONDS, .family = FAMILY_WARNINGS,
        .feature = FEATURE_WARNING, .sooner = SOONER_NEVER, .least = 10 * SECOND, .most = 3600 * SECOND,
        .otherwise = {.number = 60 * SECOND},
        .means = N_("between two direct messages"),
        .why = N_("Discord closes direct messages to bots that send many at once")},
    [SETTING_KICK_DM] = {
        .key = "kick_dm", .type = VALUE_BOOLEAN, .family = FAMILY_WARNINGS,
        .feature = FEATURE_KICKING, .sooner = SOONER_NEVER, .otherwise = {.on = true},
        .means = N_("the reason is sent before a kick")},
    [SETTING_REINVITE] = {
        .key = "reinvite", .type = VALUE_BOOLEAN, .family = FAMILY_WARNINGS,
        .feature = FEATURE_KICKING, .sooner = SOONER_NEVER, .otherwise = {.on = false},
        .means = N_("an invite goes with it")},
    [SETTING_REINVITE_AGE] = {
        .key = "reinvite_age", .type = VALUE_SECONDS, .family = FAMILY_WARNINGS,
        .feature = FEATURE_KICKING, .sooner = SOONER_NEVER, .least = DAY, .most = 30 * DAY,
        .otherwise = {.number = 7 * DAY},
        .means = N_("how long that invite is good"),
        .why = N_("Discord's invites last thirty days at most")},
    [SETTING_KICKS_PER_RUN] = {
        .key = "kick_caps.per_run", .type = VALUE_INTEGER, .family = FAMILY_CAPS,
        .feature = FEATURE_KICKING, .sooner = SOONER_NEVER, .administrator = true,
        .least = 1, .most = 500, .otherwise = {.number = 10},
        .means = N_("kicks"),
        .why = N_("a mistake must stay one that can be undone by hand")},
    [SETTING_KICKS_PER_HOUR] = {
        .key = "kick_caps.per_hour", .type = VALUE_INTEGER, .family = FAMILY_CAPS,
        .feature = FEATURE_KICKING, .sooner = SOONER_NEVER, .administrator = true,
        .least = 1, .most = 1000, .otherwise = {.number = 20},
        .means = N_("kicks"),
        .why = N_("a mistake must stay one that can be undone by hand")},
    [SETTING_KICKS_PER_DAY] = {
        .key = "kick_caps.per_day", .type = VALUE_INTEGER, .family = FAMILY_CAPS,
        .feature = FEATURE_KICKING, .sooner = SOONER_NEVER, .administrator = true,
        .least = 1, .most = 5000, .otherwise = {.number = 50},
        .means = N_("kicks"),
        .why = N_("a mistake must stay one that can be undone by hand")},
    [SETTING_KICKS_SHARE] = {
        .key = "kick_caps.share", .type = VALUE_NUMBER, .family = FAMILY_CAPS,
        .feature = FEATURE_KICKING, .sooner = SOONER_NEVER, .administrator = true,
        .least = MILLI / 10, .most = 20 * MILLI, .otherwise = {.number = 2 * MILLI},
        .means = N_("percent of the members a day, but five are always allowed"),
        .why = N_("more than a fifth of a server in a day is no clean-up")},
    [SETTING_KICK_SPACING] = {
        .key = "kick_spacing", .type = VALUE_SECONDS, .family = FAMILY_CAPS,
        .feature = FEATURE_KICKING, .sooner = SOONER_NEVER, .administrator = true,
        .least = SECOND / 2, .most = 60 * SECOND, .otherwise = {.number = 2 * SECOND},
        .means = N_("between two kicks"),
        .why = N_("a run must leave time to be stopped")},
    [SETTING_APPROVERS] = {
        .key = "approval.approvers", .type = VALUE_INTEGER, .family = FAMILY_APPROVAL,
        .feature = FEATURE_KICKING, .sooner = SOONER_NEVER, .administrator = true,
        .least = 0, .most = 3, .otherwise = {.number = 1},
        .means = N_("people"),
        .why = N_("with more than three nobody would ever agree")},
    [SETTING_SECOND_APPROVER_ABOVE] = {
        .key = "approval.second_above", .type = VALUE_INTEGER, .family = FAMILY_APPROVAL,
        .feature = FEATURE_KICKING, .sooner = SOONER_NEVER, .administrator = true,
        .least = 1, .most = 1000, .otherwise = {.number = 25},
        .means = N_("kicks in one run"),
        .why = N_("a run holds at most 500")},
    [SETTING_SECOND_APPROVER_MEMBERS] = {
        .key = "approval.second_members", .type = VALUE_INTEGER, .family = FAMILY_APPROVAL,
        .feature = FEATURE_KICKING, .sooner = SOONER_NEVER, .administrator = true,
        .least = 1, .most = 1000, .otherwise = {.number = 100},
        .means = N_("members of the guild"),
        .why = N_("above a thousand members a second pair of eyes is never too much")},
    [SETTING_RECHECK_WINDOW] = {
        .key = "recheck_window", .type = VALUE_SECONDS, .family = FAMILY_CAPS,
        .feature = FEATURE_KICKING, .sooner = SOONER_IF_LESS, .administrator = true,
        .least = 0, .most = 24 * HOUR, .otherwise = {.number = 0},
        .means = N_("quiet time after the last event"),
        .why = N_("after a day the next look comes anyway")},
    [SETTING_PROTECT_BOOSTERS] = {
        .key = "protect_boosters", .type = VALUE_BOOLEAN, .family = FAMILY_PROTECTION,
        .works = true, .feature = FEATURE_JUDGING, .sooner = SOONER_IF_LESS, .administrator = true,
        .otherwise = {.on = true},
        .means = N_("never flagged nor kicked")},
    [SETTING_PROTECT_SUBSCRIBERS] = {
        .key = "protect_subscribers", .type = VALUE_BOOLEAN, .family = FAMILY_PROTECTION,
        .feature = FEATURE_JUDGING, .sooner = SOONER_IF_LESS, .administrator = true,
        .otherwise = {.on = true},
        .means = N_("never flagged nor kicked")},
    [SETTING_PROTECT_STAFF] = {
        .key = "protect_staff", .type = VALUE_BOOLEAN, .family = FAMILY_PROTECTION,
        .works = true, .feature = FEATURE_JUDGING, .sooner = SOONER_IF_LESS, .administrator = true,
        .otherwise = {.on = true},
        .means = N_("never flagged nor kicked")},
    [SETTING_PROTECT_IN_VOICE] = {
        .key = "protect_in_voice", .type = VALUE_BOOLEAN, .family = FAMILY_PROTECTION,
        .works = true, .feature = FEATURE_JUDGING, .sooner = SOONER_IF_LESS, .administrator = true,
        .otherwise = {.on = true},
        .means = N_("never flagged nor kicked")},
    [SETTING_PROTECT_RSVP] = {
        .key = "protect_rsvp", .type = VALUE_BOOLEAN, .family = FAMILY_PROTECTION,
        .feature = FEATURE_JUDGING, .sooner = SOONER_IF_LESS, .administrator = true,
        .otherwise = {.on = true},
        .means = N_("until the event ends")},
    [SETTING_PAUSE_ON_TIMEOUT] = {
        .key = "pause_on_timeout", .type = VALUE_BOOLEAN, .family = FAMILY_PROTECTION,
        .works = true, .feature = FEATURE_JUDGING, .sooner = SOONER_IF_LESS, .administrator = true,
        .otherwise = {.on = true},
        .means = N_("idle time stops")},
    [SETTING_PAUSE_WHILE_PENDING] = {
        .key = "pause_while_pending", .type = VALUE_BOOLEAN, .family = FAMILY_PROTECTION,
        .works = true, .feature = FEATURE_JUDGING, .sooner = SOONER_IF_LESS, .administrator = true,
        .otherwise = {.on = true},
        .means = N_("idle time stops")},
    [SETTING_AWAY_MAX] = {
        .key = "away_max", .type = VALUE_SECONDS, .family = FAMILY_AWAY, .works = true,
        .feature = FEATURE_ABSENCE, .sooner = SOONER_NEVER, .least = DAY, .most = YEAR,
        .otherwise = {.number = 60 * DAY},
        .means = N_("length of an absence"),
        .why = N_("an absence of more than a year is leaving")},
    [SETTING_AWAY_PER_YEAR] = {
        .key = "away_per_year", .type = VALUE_INTEGER, .family = FAMILY_AWAY,
        .works = true, .feature = FEATURE_ABSENCE, .sooner = SOONER_NEVER, .least = 1, .most = 52,
        .otherwise = {.number = 4},
        .means = N_("absences of a member in 365 days"),
        .why = N_("a year has 52 weeks")},
    [SETTING_AWAY_APPROVAL] = {
        .key = "away_approval", .type = VALUE_BOOLEAN, .family = FAMILY_AWAY, .works = true,
        .feature = FEATURE_ABSENCE, .sooner = SOONER_NEVER, .otherwise = {.on = false},
        .means = N_("somebody else must approve it")},
    [SETTING_AWAY_ENDS_ON_ACTIVITY] = {
        .key = "away_ends_on_activity", .type = VALUE_BOOLEAN, .family = FAMILY_AWAY, .works = true,
        .feature = FEATURE_ABSENCE, .sooner = SOONER_IF_MORE, .otherwise = {.on = false},
        .means = N_("an act ends an absence")},
    [SETTING_TRACKED_CHANNELS_MODE] = {
        .key = "tracked_channels.mode", .type = VALUE_CHOICE, .family = FAMILY_CHANNELS,
        .feature = FEATURE_RECORDING, .sooner = SOONER_IF_CHANGED, .administrator = true,
        .choices = tracked_modes, .otherwise = {.number = TRACKED_ALL},
        .means = N_("which channels count")},
    [SETTING_TRACKED_CHANNELS_IDS] = {
        .key = "tracked_channels.ids", .type = VALUE_IDS, .family = FAMILY_CHANNELS,
        .feature = FEATURE_RECORDING, .sooner = SOONER_IF_CHANGED, .administrator = true,
        .least = 0, .most = 500, .otherwise = {.ids = {NULL, 0}},
        .means = N_("channels or categories"),
        .why = N_("a Discord server has at most 500 channels")},
    [SETTING_COUNT_BOTS] = {
        .key = "count_bots", .type = VALUE_BOOLEAN, .family = FAMILY_CHANNELS,
        .feature = FEATURE_CHANNELS, .sooner = SOONER_NEVER, .otherwise = {.on = false},
        .means = N_("in the figures of channels")},
    [SETTING_COUNT_WEBHOOKS] = {
        .key = "count_webhooks", .type = VALUE_BOOLEAN, .family = FAMILY_CHANNELS,
        .feature = FEATURE_CHANNELS, .sooner = SOONER_NEVER, .otherwise = {.on = false},
        .means = N_("in the figures of channels")},
    [SETTING_CHANNEL_IDLE] = {
        .key = "channel_idle", .type = VALUE_SECONDS, .family = FAMILY_CHANNELS, .works = true,
        .feature = FEATURE_CHANNELS, .sooner = SOONER_NEVER, .least = 7 * DAY, .most = 2 * YEAR,
        .otherwise = {.number = 60 * DAY},
        .means = N_("a channel counts as idle"),
        .why = N_("a quiet week happens in every channel")},
    [SETTING_CHANNEL_MIN_PEOPLE] = {
        .key = "channel_min_people", .type = VALUE_INTEGER, .family = FAMILY_CHANNELS,
        .works = true, .feature = FEATURE_CHANNELS, .sooner = SOONER_NEVER, .least = 1, .most = 20,
        .otherwise = {.number = 2},
        .means = N_("fewer humans in that time: idle"),
        .why = N_("a channel that twenty use is alive")},
    [SETTING_IGNORED_CHANNELS] = {
        .key = "ignored_channels", .type = VALUE_IDS, .family = FAMILY_CHANNELS, .works = true,
        .feature = FEATURE_CHANNELS, .sooner = SOONER_NEVER,
        .least = 0, .most = 500, .otherwise = {.ids = {NULL, 0}},
        .means = N_("channels or categories that are never proposed as quiet"),
        .why = N_("a Discord server has at most 500 channels")},
    [SETTING_CHANNEL_ARCHIVE_AUTO] = {
        .key = "channel_archive_auto", .type = VALUE_CHOICE, .family = FAMILY_CHANNELS,
        .feature = FEATURE_CHANNELS, .sooner = SOONER_NEVER, .choices = archive_modes,
        .otherwise = {.number = 0},
        .means = N_("archive needs channel_archive_category")},
    [SETTING_CHANNEL_ARCHIVE_CATEGORY] = {
        .key = "channel_archive_category", .type = VALUE_ID, .family = FAMILY_CHANNELS,
        .place = PLACE_CATEGORY,
        .feature = FEATURE_CHANNELS, .sooner = SOONER_NEVER, .optional = true,
        .otherwise = {.none = true},
        .means = N_("where archived channels go")},
    [SETTING_LOG_CHANNEL] = {
        .key = "log_channel", .type = VALUE_ID, .family = FAMILY_LOG_CHANNEL,
        .place = PLACE_CHANNEL, .works = true,
        .feature = FEATURE_ANSWERS, .sooner = SOONER_NEVER, .optional = true,
        .otherwise = {.none = true},
        .means = N_("a text channel")},
    [SETTING_REVIEW_CHANNEL] = {
        .key = "review_channel", .type = VALUE_ID, .family = FAMILY_REVIEW_CHANNEL,
        .place = PLACE_CHANNEL, .works = true,
        .feature = FEATURE_KICKING, .sooner = SOONER_NEVER, .optional = true,
        .otherwise = {.none = true},
        .means = N_("a text channel")},
    [SETTING_NUDGE_CHANNEL] = {
        .key = "nudge_channel", .type = VALUE_ID, .family = FAMILY_NUDGE_CHANNEL,
        .place = PLACE_CHANNEL, .works = true,
        .feature = FEATURE_WARNING, .sooner = SOONER_NEVER, .optional = true,
        .otherwise = {.none = true},
        .means = N_("a text channel")},
    [SETTING_REPORT_CHANNEL] = {
        .key = "report_channel", .type = VALUE_ID, .family = FAMILY_REPORTS, .place = PLACE_CHANNEL,
        .feature = FEATURE_REPORTS, .sooner = SOONER_NEVER, .optional = true,
        .otherwise = {.none = true},
        .means = N_("a text channel")},
    [SETTING_REPORT_EVERY] = {
        .key = "report_schedule.every", .type = VALUE_CHOICE, .family = FAMILY_REPORTS,
        .feature = FEATURE_REPORTS, .sooner = SOONER_NEVER, .choices = report_periods,
        .otherwise = {.number = 1},
        .means = N_("reports")},
    [SETTING_REPORT_DAY] = {
        .key = "report_schedule.day", .type = VALUE_INTEGER, .family = FAMILY_REPORTS,
        .feature = FEATURE_REPORTS, .sooner = SOONER_NEVER, .least = 1, .most = 28,
        .otherwise = {.number = 1},
        .means = N_("of the week (Monday is 1) or month"),
        .why = N_("every month has 28 days")},
    [SETTING_REPORT_HOUR] = {
        .key = "report_schedule.hour", .type = VALUE_INTEGER, .family = FAMILY_REPORTS,
        .feature = FEATURE_REPORTS, .sooner = SOONER_NEVER, .least = 0, .most = 23,
        .otherwise = {.number = 9},
        .means = N_("in the timezone"),
        .why = N_("the hours of a day")},
    [SETTING_TIMEZONE] = {
        .key = "timezone", .type = VALUE_ZONE, .family = FAMILY_TIMEZONE,
        .feature = FEATURE_ANSWERS, .sooner = SOONER_NEVER, .otherwise = {.text = "UTC"},
        .means = N_("IANA")},
    [SETTING_LANGUAGE] = {
        .key = "language", .type = VALUE_LANGUAGE, .family = FAMILY_LANGUAGE,
        .works = true, .feature = FEATURE_ANSWERS, .sooner = SOONER_NEVER, .optional = true,
        .otherwise = {.none = true},
        .means = N_("none: the locale of the guild")},
    [SETTING_LEADERBOARD_VISIBILITY] = {
        .key = "leaderboard_visibility", .type = VALUE_CHOICE, .family = FAMILY_PRIVACY,
        .feature = FEATURE_ANSWERS, .works = true, .sooner = SOONER_NEVER, .choices = visibilities,
        .otherwise = {.number = LEADERBOARD_EVERYONE},
        .means = N_("who")},
    [SETTING_EVENT_RETENTION] = {
        .key = "event_retention", .type = VALUE_SECONDS, .family = FAMILY_RETENTION,
        .feature = FEATURE_ERASURE, .sooner = SOONER_NEVER, .least = 30 * DAY, .most = 10 * YEAR,
        .otherwise = {.number = 400 * DAY},
        .means = N_("of the activity log"),
        .why = N_("figures of the last month must stay exact")},
    [SETTING_LEFT_MEMBER_RETENTION] = {
        .key = "left_member_retention", .type = VALUE_SECONDS, .family = FAMILY_RETENTION,
        .feature = FEATURE_ERASURE, .sooner = SOONER_NEVER, .least = 0, .most = 2 * YEAR,
        .otherwise = {.number = 90 * DAY},
        .means = N_("then anonymised"),
        .why = N_("who left two years ago is not coming back")},
    [SETTING_GUILD_LEFT_RETENTION] = {
        .key = "guild_left_retention", .type = VALUE_SECONDS, .family = FAMILY_RETENTION,
        .feature = FEATURE_ERASURE, .sooner = SOONER_NEVER, .least = 0, .most = 90 * DAY,
        .otherwise = {.number = 30 * DAY},
        .means = N_("then erased"),
        .why = N_("a server that sent the bot away wants to be forgotten")},
    [SETTING_OPT_OUT_POLICY] = {
        .key = "opt_out_policy", .type = VALUE_CHOICE, .family = FAMILY_PRIVACY,
        .feature = FEATURE_JUDGING, .sooner = SOONER_IF_CHANGED, .administrator = true,
        .choices = opt_out_policies, .otherwise = {.number = OPT_OUT_NOT_ACTIONABLE},
        .means = N_("members who opted out")},
    [SETTING_PING_EVERYONE] = {
        .key = "ping_everyone", .type = VALUE_BOOLEAN, .family = FAMILY_NUDGE_CHANNEL,
        .works = true, .feature = FEATURE_ANSWERS, .sooner = SOONER_NEVER,
        .otherwise = {.on = false},
        .means = N_("/ping may mention everyone")},
    [SETTING_PERSONAL_RHYTHM] = {
        .key = "personal_rhythm", .type = VALUE_NUMBER, .family = FAMILY_SIGNALS,
        .feature = FEATURE_JUDGING, .sooner = SOONER_IF_CHANGED, .administrator = true,
        .optional = true, .least = MILLI, .most = 5 * MILLI, .otherwise = {.none = true},
        .means = N_("times the p99 gap of the member; it only ever lengthens; none: off"),
        .why = N_("it only ever lengthens, and five times is for ever")},
    [SETTING_PRESET] = {
        .key = "preset", .type = VALUE_CHOICE, .family = FAMILY_PRESET,
        .works = true, .feature = FEATURE_JUDGING, .sooner = SOONER_NEVER, .choices = presets,
        .otherwise = {.number = 0},
        .means = N_("where the values came from")},
    SIGNAL(MESSAGE, true),
    SIGNAL(MESSAGE_SYSTEM, true),
    SIGNAL(COMMAND, true),
    SIGNAL(EDIT, true),
    SIGNAL(REACTION_ADD, true),
    SIGNAL(REACTION_REMOVE, true),
    SIGNAL(POLL_VOTE_ADD, true),
    SIGNAL(POLL_VOTE_REMOVE, true),
    SIGNAL(TYPING, false),
    SIGNAL(VOICE_JOIN, true),
    SIGNAL(VOICE_MOVE, true),
    SIGNAL(VOICE_LEAVE, true),
    SIGNAL(VOICE_SELF, true),
    SIGNAL(INTERACTION, true),
    SIGNAL(THREAD_CREATE, true),
    SIGNAL(THREAD_JOIN, true),
    SIGNAL(THREAD_LEAVE, true),
    SIGNAL(MEMBER_JOIN, true),
    SIGNAL(MEMBER_UPDATE, true),
    SIGNAL(AUDIT, true),
    SIGNAL(EVENT_CREATE, true),
    SIGNAL(EVENT_RSVP_ADD, true),
    SIGNAL(EVENT_RSVP_REMOVE, true),
    SIGNAL(INVITE_CREATE, true),
    SIGNAL(AUTOMOD, true),
    SIGNAL(VOICE_EFFECT, true),
};

static const struct {
    const char *name, *about;
} families[FAMILIES] = {
    [FAMILY_MODE] = {"mode", N_("Whether Presence acts here, only observes, or is off")},
    [FAMILY_TIME_UNTIL_INACTIVE] = {"time_until_inactive", N_("After how much silence a member is inactive")},
    [FAMILY_AUTO_KICK] = {"auto_kick", N_("Whether members who stay away are kicked")},
    [FAMILY_AUTO_PRUNE_TIMER] = {"auto_prune_timer", N_("How long after the flag a kick comes")},
    [FAMILY_GRACE] = {"grace", N_("Who is left alone: new members, and those never seen")},
    [FAMILY_INACTIVE_ROLE] = {"inactive_role", N_("The role of inactive members")},
    [FAMILY_ACTIVE_ROLE] = {"active_role", N_("The role that inactive members lose")},
    [FAMILY_SIGNALS] = {"signals", N_("What counts as activity")},
    [FAMILY_VOICE] = {"voice", N_("What counts in voice")},
    [FAMILY_WARNINGS] = {"warnings", N_("When and where members are warned")},
    [FAMILY_CAPS] = {"caps", N_("How many kicks there may be")},
    [FAMILY_APPROVAL] = {"approval", N_("Who has to agree to kicks")},
    [FAMILY_PROTECTION] = {"protection", N_("Who is protected, and when the clock stops")},
    [FAMILY_AWAY] = {"away", N_("Rules for leaves of absence")},
    [FAMILY_CHANNELS] = {"channels", N_("Which channels count, and when one is idle")},
    [FAMILY_LOG_CHANNEL] = {"log_channel", N_("The channel for what Presence did")},
    [FAMILY_REVIEW_CHANNEL] = {"review_channel", N_("The channel for what people have to decide")},
    [FAMILY_NUDGE_CHANNEL] = {"nudge_channel", N_("The channel for nudges and warnings")},
    [FAMILY_REPORTS] = {"reports", N_("When and where reports come")},
    [FAMILY_TIMEZONE] = {"timezone", N_("The time zone of this server")},
    [FAMILY_LANGUAGE] = {"language", N_("The language of the answers")},
    [FAMILY_RETENTION] = {"retention", N_("How long data are kept")},
    [FAMILY_PRIVACY] = {"privacy", N_("Who sees what, and what opting out means")},
    [FAMILY_PRESET] = {"preset", N_("A set of values for a kind of server")},
};

static const char *const features[FEATURES] = {
    [FEATURE_RECORDING] = "recording",
    [FEATURE_JUDGING] = "judging",
    [FEATURE_ROLES] = "roles",
    [FEATURE_WARNING] = "warning",
    [FEATURE_KICKING] = "kicking",
    [FEATURE_ABSENCE] = "absence",
    [FEATURE_CHANNELS] = "channels",
    [FEATURE_REPORTS] = "reports",
    [FEATURE_ANSWERS] = "answers",
    [FEATURE_ERASURE] = "erasure",
};
/* clang-format on */

enum setting setting_by_key(const char *key, size_t len)
{
    for (int s = 0; s < SETTINGS; s++)
        if (strlen(setting_infos[s].key) == len && memcmp(setting_infos[s].key, key, len) == 0)
            return (enum setting)s;
    return SETTING_NONE;
}

enum setting setting_signal(enum activity_kind kind)
{
    return (enum setting)(SETTING_SIGNALS + (int)kind - 1);
}

const char *setting_family_name(enum setting_family family)
{
    return families[family].name;
}

const char *setting_family_about(enum setting_family family)
{
    return families[family].about;
}

bool setting_family_works(enum setting_family family)
{
    for (int s = 0; s < SETTINGS; s++)
        if (setting_infos[s].family == family && setting_infos[s].works)
            return true;
    return false;
}

const char *setting_feature_name(enum setting_feature feature)
{
    return features[feature];
}
