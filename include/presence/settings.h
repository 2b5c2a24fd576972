/* The settings of a guild: one table of all there are, values that are known to be good, and sets
 * of them. Pure. Source: product sheet, section 3; a test holds this table against the one in
 * PostgreSQL (sql/011_settings.sql), which judges what is stored.
 *
 * A value comes from JSON (as PostgreSQL and exported files have it) or from what somebody typed,
 * and is judged by its row before anything holds it. What is wrong is told in words that name what
 * was expected and why. Settings that are each good may still not go together: settings_faults. */
#ifndef PRESENCE_SETTINGS_H
#define PRESENCE_SETTINGS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "presence/activity.h"
#include "presence/buf.h"
#include "presence/snowflake.h"

enum setting {
    SETTING_MODE,
    SETTING_TIME_UNTIL_INACTIVE,
    SETTING_AUTO_KICK,
    SETTING_AUTO_PRUNE_TIMER,
    SETTING_NEW_MEMBER_GRACE,
    SETTING_REJOIN_GRACE,
    SETTING_NEVER_SEEN_POLICY,
    SETTING_MIN_OBSERVED_SHARE,
    SETTING_INACTIVE_ROLE,
    SETTING_ACTIVE_ROLE,
    SETTING_ROLE_MODE,
    SETTING_MIN_EVENTS,
    SETTING_MIN_DAYS,
    SETTING_VOICE_COUNTS,
    SETTING_VOICE_AFK_COUNTS,
    SETTING_VOICE_ALONE_COUNTS,
    SETTING_VOICE_SELF_DEAF_COUNTS,
    SETTING_VOICE_TICK,
    SETTING_WARN_BEFORE_FLAG,
    SETTING_WARN_BEFORE_KICK,
    SETTING_WARN_VIA,
    SETTING_DM_GUILD_PER_DAY,
    SETTING_DM_BOT_PER_DAY,
    SETTING_DM_SPACING,
    SETTING_KICK_DM,
    SETTING_REINVITE,
    SETTING_REINVITE_AGE,
    SETTING_KICKS_PER_RUN,
    SETTING_KICKS_PER_HOUR,
    SETTING_KICKS_PER_DAY,
    SETTING_KICKS_SHARE,
    SETTING_KICK_SPACING,
    SETTING_APPROVERS,
    SETTING_SECOND_APPROVER_ABOVE,
    SETTING_SECOND_APPROVER_MEMBERS,
    SETTING_RECHECK_WINDOW,
    SETTING_PROTECT_BOOSTERS,
    SETTING_PROTECT_SUBSCRIBERS,
    SETTING_PROTECT_STAFF,
    SETTING_PROTECT_IN_VOICE,
    SETTING_PROTECT_RSVP,
    SETTING_PAUSE_ON_TIMEOUT,
    SETTING_PAUSE_WHILE_PENDING,
    SETTING_AWAY_MAX,
    SETTING_AWAY_PER_YEAR,
    SETTING_AWAY_APPROVAL,
    SETTING_AWAY_ENDS_ON_ACTIVITY,
    SETTING_TRACKED_CHANNELS_MODE,
    SETTING_TRACKED_CHANNELS_IDS,
    SETTING_COUNT_BOTS,
    SETTING_COUNT_WEBHOOKS,
    SETTING_CHANNEL_IDLE,
    SETTING_CHANNEL_MIN_PEOPLE,
    SETTING_IGNORED_CHANNELS,
    SETTING_CHANNEL_ARCHIVE_AUTO,
    SETTING_CHANNEL_ARCHIVE_CATEGORY,
    SETTING_LOG_CHANNEL,
    SETTING_REVIEW_CHANNEL,
    SETTING_NUDGE_CHANNEL,
    SETTING_REPORT_CHANNEL,
    SETTING_REPORT_EVERY,
    SETTING_REPORT_DAY,
    SETTING_REPORT_HOUR,
    SETTING_TIMEZONE,
    SETTING_LANGUAGE,
    SETTING_LEADERBOARD_VISIBILITY,
    SETTING_EVENT_RETENTION,
    SETTING_LEFT_MEMBER_RETENTION,
    SETTING_GUILD_LEFT_RETENTION,
    SETTING_OPT_OUT_POLICY,
    SETTING_PING_EVERYONE,
    SETTING_PERSONAL_RHYTHM,
    SETTING_PRESET,
    SETTING_SIGNALS, /* the first of one per kind of activity: setting_signal */
    SETTINGS = SETTING_SIGNALS + ACTIVITY_KINDS - 1,
    SETTING_NONE = SETTINGS
};

/* What a value is, and which field of struct setting_value holds it. */
enum setting_type {
    VALUE_BOOLEAN, /* on */
    VALUE_INTEGER, /* number */
    VALUE_NUMBER,  /* number, in thousandths */
    VALUE_SECONDS, /* number, in milliseconds; seconds in JSON */
    VALUE_CHOICE,  /* number: the index in choices */
    VALUE_ID,      /* id */
    VALUE_IDS,     /* ids */
    VALUE_DELAYS,  /* delays, in milliseconds; seconds in JSON */
    VALUE_ZONE,    /* text: an IANA time zone by its form; whether it exists PostgreSQL knows */
    VALUE_LANGUAGE /* text: a locale as Discord writes it */
};

#define SETTING_DELAYS_MAX 5
#define SETTING_TEXT_SIZE  40

/* The order of choices in the table. */
enum setting_mode { MODE_OBSERVE, MODE_ON, MODE_OFF };
enum setting_never_seen { NEVER_SEEN_IGNORE, NEVER_SEEN_REPORT, NEVER_SEEN_TREAT_AS_JOINED };
enum setting_voice {
    VOICE_COUNTS_OFF,
    VOICE_COUNTS_JOINS,
    VOICE_COUNTS_CONNECTED,
    VOICE_COUNTS_UNMUTED
};
enum setting_warn_via { WARN_VIA_OFF, WARN_VIA_CHANNEL, WARN_VIA_DM, WARN_VIA_CHANNEL_THEN_DM };
enum setting_tracked { TRACKED_ALL, TRACKED_ALLOW, TRACKED_IGNORE };
enum setting_leaderboard { LEADERBOARD_EVERYONE, LEADERBOARD_STAFF, LEADERBOARD_OFF };
enum setting_opt_out { OPT_OUT_NOT_ACTIONABLE, OPT_OUT_REVIEW };

/* One value; good for the setting it was read for. */
struct setting_value {
    bool none; /* there is no value: no role, no channel, off */
    union {
        bool on;
        int64_t number;
        snowflake_t id;
        struct {
            snowflake_t *list; /* owned */
            size_t count;
        } ids;
        struct {
            size_t count;
            int64_t ms[SETTING_DELAYS_MAX]; /* in the order given */
        } delays;
        char text[SETTING_TEXT_SIZE];
    };
};

/* The subcommands of /set; every setting belongs to one. */
enum setting_family {
    FAMILY_MODE,
    FAMILY_TIME_UNTIL_INACTIVE,
    FAMILY_AUTO_KICK,
    FAMILY_AUTO_PRUNE_TIMER,
    FAMILY_GRACE,
    FAMILY_INACTIVE_ROLE,
    FAMILY_ACTIVE_ROLE,
    FAMILY_SIGNALS,
    FAMILY_VOICE,
    FAMILY_WARNINGS,
    FAMILY_CAPS,
    FAMILY_APPROVAL,
    FAMILY_PROTECTION,
    FAMILY_AWAY,
    FAMILY_CHANNELS,
    FAMILY_LOG_CHANNEL,
    FAMILY_REVIEW_CHANNEL,
    FAMILY_NUDGE_CHANNEL,
    FAMILY_REPORTS,
    FAMILY_TIMEZONE,
    FAMILY_LANGUAGE,
    FAMILY_RETENTION,
    FAMILY_PRIVACY,
    FAMILY_PRESET,
    FAMILIES
};

/* What has to work before a setting means anything. */
enum setting_feature {
    FEATURE_RECORDING, /* acts are recorded */
    FEATURE_JUDGING,   /* members have a state and a next step */
    FEATURE_ROLES,     /* flagging gives and takes roles */
    FEATURE_WARNING,
    FEATURE_KICKING,
    FEATURE_ABSENCE,
    FEATURE_CHANNELS, /* idle channels are found and archived */
    FEATURE_REPORTS,
    FEATURE_ANSWERS, /* commands are answered */
    FEATURE_ERASURE, /* what is old is removed */
    FEATURES
};

/* Which change of a setting can make somebody be flagged or kicked sooner (section 5, rule 4). */
enum setting_sooner { SOONER_NEVER, SOONER_IF_LESS, SOONER_IF_MORE, SOONER_IF_CHANGED };

/* What an ID is the id of. */
enum setting_place { PLACE_NONE, PLACE_ROLE, PLACE_CHANNEL, PLACE_CATEGORY };

struct setting_info {
    const char *key; /* "kick_caps.per_run": as stored and exported */
    enum setting_type type;
    enum setting_family family;
    enum setting_feature feature;
    bool works; /* something acts by it, or (of places) will find it ready: it can be set by
                   command. Others appear with what they are for: a switch without effect would be a
                   lie, and one that was forgotten by the time it has an effect a trap. */
    enum setting_place place;
    enum setting_sooner sooner; /* BOOLEAN: less is from on to off */
    bool administrator;         /* it can lead to kicks: Manage Server is not enough to change it */
    bool optional;              /* there may be no value, which is then the default */
    int64_t least, most; /* INTEGER, NUMBER, SECONDS, DELAYS: of each, in the unit of its type;
                            IDS: most is how many */
    const char *const *choices;     /* CHOICE: ends with NULL */
    struct setting_value otherwise; /* the default */
    const char *means;              /* what it does; English, to be translated, as the next */
    const char *why;                /* the reason of the range; NULL: it has none */
};

extern const struct setting_info setting_infos[SETTINGS];

/* By key; SETTING_NONE if there is none. */
enum setting setting_by_key(const char *key, size_t len);
/* "signals.MESSAGE" for ACTIVITY_MESSAGE; not for ACTIVITY_NONE. */
enum setting setting_signal(enum activity_kind kind);
/* "time_until_inactive": the name of the subcommand. */
const char *setting_family_name(enum setting_family family);
/* "After how much silence a member is inactive": English, to be translated; at most 100 characters.
 */
const char *setting_family_about(enum setting_family family);
/* Whether one of its settings works. */
bool setting_family_works(enum setting_family family);
const char *setting_feature_name(enum setting_feature feature);

/* The text in the language of a locale of Discord. NULL in its place: English. */
typedef const char *setting_words(const char *locale, const char *text);

/* --- one value ---------------------------------------------------------------------------------
 */

/* From JSON (null where the setting is optional), or from what somebody typed: "30d", "off", "90%",
 * "<@&id>", "7d, 1d"; "none" where it is optional, and for an empty list. Returns NULL, or what was
 * expected and why (owned by the caller) with *v_r as it was. */
char *setting_read_json(enum setting s, const char *json, size_t len, struct setting_value *v_r);
char *setting_read_text(enum setting s, const char *text, size_t len, struct setting_value *v_r);
/* What a value of the setting has to be, and why: "expected on or off"; owned by the caller. */
char *setting_expected(enum setting s, setting_words *words, const char *locale);
/* As they are read. */
void setting_print_json(enum setting s, const struct setting_value *v, struct buf *out);
void setting_print_text(enum setting s, const struct setting_value *v, struct buf *out);

bool setting_equal(enum setting s, const struct setting_value *a, const struct setting_value *b);
void setting_copy(enum setting s, struct setting_value *to, const struct setting_value *from);
void setting_free(enum setting s, struct setting_value *v);

/* --- all of a guild's --------------------------------------------------------------------------
 */

/* What is set; the rest is at its default. */
struct settings {
    int32_t version; /* of the guild's settings: one more with every change */
    struct settings_item {
        enum setting setting;
        struct setting_value value;
    } * items; /* owned, in the order of the table */
    size_t count;
};

void settings_init(struct settings *s); /* all at their defaults, version 0 */
void settings_free(struct settings *s);
void settings_copy(struct settings *to, const struct settings *from); /* `to` is not initialised */

/* What is in force; lives as long as the settings are not changed. */
const struct setting_value *settings_get(const struct settings *s, enum setting which);
bool settings_is_set(const struct settings *s, enum setting which);
/* Takes the value over. None is always the default, so to put none is to reset. */
void settings_put(struct settings *s, enum setting which, struct setting_value *value);
void settings_reset(struct settings *s, enum setting which);
/* Puts one as PostgreSQL has it: its key and its value as JSON. Returns NULL, or what is wrong with
 * it (owned by the caller) with *s as it was. */
char *settings_put_stored(struct settings *s, const char *key, const char *json);

#define SETTINGS_FAULTS_MAX 16
/* What does not go together, each as "key: expected ..." (static; English, to be translated).
 * Returns how many. */
size_t settings_faults(const struct settings *s, const char *faults_r[SETTINGS_FAULTS_MAX]);

/* Which settings are in force with another value in b than in a; in the order of the table. */
size_t settings_diff(const struct settings *a, const struct settings *b,
                     enum setting changed_r[SETTINGS]);
/* Whether going from a to b can make anybody be flagged or kicked sooner. */
bool settings_sooner(const struct settings *a, const struct settings *b);

/* A file that settings_import reads: what is set, and the version it was. */
void settings_export(const struct settings *s, struct buf *out);
/* Reads such a file into *s_r (not initialised before). Returns 0 if every line of it is good and
 * they go together. Else -1 with one line per fault in faults_r, each naming its place, in the
 * language of the locale; then *s_r is not touched. */
int settings_import(const char *json, size_t len, setting_words *words, const char *locale,
                    struct settings *s_r, struct buf *faults_r);

/* --- presets ------------------------------------------------------------------------------------
 */

/* Puts what the preset (an index in the choices of SETTING_PRESET) consists of: itself, and a value
 * or the default for each setting that some preset has a value for. What nobody offers yet
 * (`works`) stays as it is, and no preset takes mode back, which could let Presence act. */
void settings_put_preset(struct settings *s, int64_t preset);

#endif
