/* Sets of settings: what a guild has set, what is in force, what does not go together, what
 * differs. Called by the workers and the commands. Diagnostics: none. */
#include <stdlib.h>
#include <string.h>

#include "core/settings_priv.h"
#include "presence/duration.h"

void settings_init(struct settings *s)
{
    *s = (struct settings){0, NULL, 0};
}

void settings_free(struct settings *s)
{
    for (size_t i = 0; i < s->count; i++)
        setting_free(s->items[i].setting, &s->items[i].value);
    free(s->items);
    settings_init(s);
}

void settings_copy(struct settings *to, const struct settings *from)
{
    *to = (struct settings){from->version, NULL, from->count};
    if (from->count == 0)
        return;
    to->items = xcalloc(from->count, sizeof(*to->items));
    for (size_t i = 0; i < from->count; i++) {
        to->items[i].setting = from->items[i].setting;
        setting_copy(from->items[i].setting, &to->items[i].value, &from->items[i].value);
    }
}

/* Where the setting is, or would be. */
static size_t place(const struct settings *s, enum setting which)
{
    size_t i = 0;

    while (i < s->count && s->items[i].setting < which)
        i++;
    return i;
}

bool settings_is_set(const struct settings *s, enum setting which)
{
    size_t i = place(s, which);

    return i < s->count && s->items[i].setting == which;
}

const struct setting_value *settings_get(const struct settings *s, enum setting which)
{
    size_t i = place(s, which);

    return i < s->count && s->items[i].setting == which ? &s->items[i].value
                                                        : &setting_infos[which].otherwise;
}

void settings_reset(struct settings *s, enum setting which)
{
    size_t i = place(s, which);

    if (i == s->count || s->items[i].setting != which)
        return;
    setting_free(which, &s->items[i].value);
    memmove(s->items + i, s->items + i + 1, (--s->count - i) * sizeof(*s->items));
}

void settings_put(struct settings *s, enum setting which, struct setting_value *value)
{
    size_t i;

    settings_reset(s, which);
    if (value->none)
        return;
    i = place(s, which);
    s->items = xrealloc(s->items, (s->count + 1) * sizeof(*s->items));
    memmove(s->items + i + 1, s->items + i, (s->count++ - i) * sizeof(*s->items));
    s->items[i] = (struct settings_item){which, *value};
    memset(value, 0, sizeof(*value));
}

char *settings_put_stored(struct settings *s, const char *key, const char *json)
{
    enum setting which = setting_by_key(key, strlen(key));
    struct setting_value v;
    char *wrong;

    if (which == SETTING_NONE)
        return xstrdup("there is no such setting");
    wrong = setting_read_json(which, json, strlen(json), &v);
    if (!wrong)
        settings_put(s, which, &v);
    return wrong;
}

/* --- what does not go together ------------------------------------------------------------ */

static bool on(const struct settings *s, enum setting which)
{
    return settings_get(s, which)->on;
}

static int64_t number(const struct settings *s, enum setting which)
{
    return settings_get(s, which)->number;
}

static bool short_time_with_kicks(const struct settings *s)
{
    return on(s, SETTING_AUTO_KICK) && number(s, SETTING_TIME_UNTIL_INACTIVE) < 7 * DURATION_DAY_MS;
}

/* More days with acts than the time has: nobody could ever be active. */
static bool more_days_than_time(const struct settings *s)
{
    return number(s, SETTING_MIN_DAYS) * DURATION_DAY_MS > number(s, SETTING_TIME_UNTIL_INACTIVE);
}

/* The warnings before a kick would all lie before the flag: the kick would come without any. */
static bool no_warning_fits(const struct settings *s)
{
    const struct setting_value *before = settings_get(s, SETTING_WARN_BEFORE_KICK);

    if (!on(s, SETTING_AUTO_KICK) || before->delays.count == 0)
        return false;
    for (size_t i = 0; i < before->delays.count; i++)
        if (before->delays.ms[i] <= number(s, SETTING_AUTO_PRUNE_TIMER))
            return false;
    return true;
}

/* Nothing that anybody does would count. */
static bool no_signal(const struct settings *s)
{
    for (int which = SETTING_SIGNALS; which < SETTINGS; which++)
        if (on(s, (enum setting)which))
            return false;
    return true;
}

static bool no_channel_counts(const struct settings *s)
{
    return number(s, SETTING_TRACKED_CHANNELS_MODE) == TRACKED_ALLOW &&
           settings_get(s, SETTING_TRACKED_CHANNELS_IDS)->ids.count == 0;
}

static bool archive_nowhere(const struct settings *s)
{
    return number(s, SETTING_CHANNEL_ARCHIVE_AUTO) == 2 &&
           settings_get(s, SETTING_CHANNEL_ARCHIVE_CATEGORY)->none;
}

static bool no_such_weekday(const struct settings *s)
{
    return number(s, SETTING_REPORT_EVERY) == 1 && number(s, SETTING_REPORT_DAY) > 7;
}

static bool same_role_twice(const struct settings *s)
{
    const struct setting_value *inactive = settings_get(s, SETTING_INACTIVE_ROLE),
                               *active = settings_get(s, SETTING_ACTIVE_ROLE);

    return !inactive->none && !active->none && snowflake_equal(inactive->id, active->id);
}

/* The same rules, in the same order, as in settings_faults of sql/011_settings.sql. */
static const struct {
    bool (*broken)(const struct settings *s);
    const char *fault;
} rules[] = {
    {short_time_with_kicks, N_("time_until_inactive: expected at least 7d while auto_kick is on")},
    {more_days_than_time, N_("min_days: expected no more days than time_until_inactive has")},
    {no_warning_fits,
     N_("warn_at.before_kick: expected one that is no longer than auto_prune_timer while auto_kick "
        "is on")},
    {no_signal, N_("signals: expected at least one that is on")},
    {no_channel_counts, N_("tracked_channels.ids: expected at least one channel while "
                           "tracked_channels.mode is allow")},
    {same_role_twice, N_("active_role: expected another role than inactive_role")},
    {archive_nowhere, N_("channel_archive_auto: archive needs channel_archive_category")},
    {no_such_weekday, N_("report_schedule.day: expected 1 to 7 while reports are weekly")},
};
#define RULES (sizeof(rules) / sizeof(rules[0]))
_Static_assert(RULES <= SETTINGS_FAULTS_MAX, "a caller's array holds all faults there can be");

size_t settings_faults(const struct settings *s, const char *faults_r[SETTINGS_FAULTS_MAX])
{
    size_t count = 0;

    for (size_t i = 0; i < RULES; i++)
        if (rules[i].broken(s))
            faults_r[count++] = rules[i].fault;
    return count;
}

/* --- what differs ------------------------------------------------------------------------- */

size_t settings_diff(const struct settings *a, const struct settings *b,
                     enum setting changed_r[SETTINGS])
{
    size_t count = 0;

    for (int i = 0; i < SETTINGS; i++) {
        enum setting which = (enum setting)i;

        if (!setting_equal(which, settings_get(a, which), settings_get(b, which)))
            changed_r[count++] = which;
    }
    return count;
}

static bool sooner(enum setting which, const struct setting_value *a, const struct setting_value *b)
{
    const struct setting_info *info = &setting_infos[which];
    int64_t from = info->type == VALUE_BOOLEAN ? a->on : a->number;
    int64_t to = info->type == VALUE_BOOLEAN ? b->on : b->number;

    switch (info->sooner) {
    case SOONER_IF_LESS:
        return to < from;
    case SOONER_IF_MORE:
        return to > from;
    case SOONER_IF_CHANGED:
        return true;
    default:
        return false;
    }
}

bool settings_sooner(const struct settings *a, const struct settings *b)
{
    enum setting changed[SETTINGS];
    size_t count = settings_diff(a, b, changed);

    /* Not set is not the same as set to the default: on follows of itself. */
    if (settings_is_set(a, SETTING_MODE) && !settings_is_set(b, SETTING_MODE))
        return true;
    for (size_t i = 0; i < count; i++)
        if (sooner(changed[i], settings_get(a, changed[i]), settings_get(b, changed[i])))
            return true;
    return false;
}
