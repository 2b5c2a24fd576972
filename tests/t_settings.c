/* Settings: every row of the table with its least, most, what is beyond, of another type, hostile;
 * sets, what does not go together, differences, files. */
#include "cmocka_all.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "presence/duration.h"
#include "presence/settings.h"

static const struct setting_info *info_of(enum setting s)
{
    return &setting_infos[s];
}

static bool is_number(enum setting_type type)
{
    return type == VALUE_INTEGER || type == VALUE_NUMBER || type == VALUE_SECONDS;
}

static void print(enum setting s, const struct setting_value *v, struct buf *out, bool json)
{
    buf_reset(out);
    if (json)
        setting_print_json(s, v, out);
    else
        setting_print_text(s, v, out);
}

/* --- one value ---------------------------------------------------------------------------- */

static void reads(enum setting s, const char *text, bool json, const char *as_json)
{
    struct setting_value v, again;
    struct buf out;
    char *wrong = json ? setting_read_json(s, text, strlen(text), &v)
                       : setting_read_text(s, text, strlen(text), &v);

    if (wrong)
        fail_msg("%s: %s: %s", info_of(s)->key, text, wrong);
    buf_init(&out, 0);
    print(s, &v, &out, true);
    if (strcmp(buf_cstr(&out), as_json) != 0)
        fail_msg("%s: %s became %s", info_of(s)->key, text, buf_cstr(&out));
    assert_null(setting_read_json(s, buf_cstr(&out), buf_len(&out), &again));
    assert_true(setting_equal(s, &v, &again));
    setting_free(s, &again);
    print(s, &v, &out, false);
    assert_null(setting_read_text(s, buf_cstr(&out), buf_len(&out), &again));
    assert_true(setting_equal(s, &v, &again));
    setting_free(s, &again);
    setting_free(s, &v);
    buf_clear(&out);
}

static void refuses(enum setting s, const char *text, size_t len, bool json)
{
    struct setting_value v = {.none = true, {.number = 4711}};
    char *wrong = json ? setting_read_json(s, text, len, &v) : setting_read_text(s, text, len, &v);

    if (!wrong)
        fail_msg("%s took %.*s", info_of(s)->key, (int)(len > 60 ? 60 : len), text);
    assert_int_equal(strncmp(wrong, "expected ", 9), 0);
    if (info_of(s)->why)
        assert_non_null(strstr(wrong, info_of(s)->why));
    assert_true(v.none && v.number == 4711); /* not touched */
    free(wrong);
}

/* A number of the row in JSON's unit, exactly. */
static const char *in_json(const struct setting_info *info, int64_t v, char out[32])
{
    int64_t whole = info->type == VALUE_INTEGER ? v : v / 1000;
    int rest = info->type == VALUE_INTEGER ? 0 : (int)(v % 1000);

    if (rest == 0) {
        snprintf(out, 32, "%lld", (long long)whole);
        return out;
    }
    snprintf(out, 32, "%lld.%03d", (long long)whole, rest);
    while (out[strlen(out) - 1] == '0')
        out[strlen(out) - 1] = '\0';
    return out;
}

static void walk_range(enum setting s)
{
    const struct setting_info *info = info_of(s);
    char text[32], beyond[32];

    assert_true(info->least < info->most);
    in_json(info, info->least, text);
    reads(s, text, true, text);
    in_json(info, info->most, text);
    reads(s, text, true, text);
    in_json(info, info->most + 1, beyond);
    refuses(s, beyond, strlen(beyond), true);
    if (info->least > 0) {
        in_json(info, info->least - 1, beyond);
        refuses(s, beyond, strlen(beyond), true);
    }
    refuses(s, "-1", 2, true);
}

static void walk_delays(enum setting s)
{
    const struct setting_info *info = info_of(s);
    char text[128], one[32];

    snprintf(text, sizeof(text), "[%s]", in_json(info, info->least - 1, one));
    refuses(s, text, strlen(text), true);
    snprintf(text, sizeof(text), "[%s]", in_json(info, info->most + 1, one));
    refuses(s, text, strlen(text), true);
    snprintf(text, sizeof(text), "[%s]", in_json(info, info->least, one));
    reads(s, text, true, text);
    reads(s, "[]", true, "[]");
    reads(s, "none", false, "[]");
    reads(s, "7d, 1d", false, "[604800,86400]");
    reads(s, "1 d 12 h,1h", false, "[129600,3600]");
    reads(s, "[3600,3600,3600,3600,3600]", true, "[3600,3600,3600,3600,3600]");
    refuses(s, "[3600,3600,3600,3600,3600,3600]", 31, true);
    refuses(s, "7d,", 3, false);
    refuses(s, ",7d", 3, false);
    refuses(s, "7d 1d", 5, false);
    refuses(s, "3m", 2, false);
    refuses(s, "3600", 4, true);
}

static void walk_ids(enum setting s)
{
    struct buf many;

    reads(s, "[]", true, "[]");
    reads(s, "none", false, "[]");
    reads(s, "<#175928847299117063> 175928847299117064,<#3>", false,
          "[\"175928847299117063\",\"175928847299117064\",\"3\"]");
    refuses(s, "[1]", 3, true);
    refuses(s, "[\"0\"]", 5, true);
    refuses(s, "[\"1\",]", 6, true);
    refuses(s, "<#>", 3, false);
    refuses(s, "1 x", 3, false);
    for (size_t n = 500; n <= 501; n++) {
        buf_init(&many, 0);
        for (size_t i = 0; i < n; i++)
            buf_puts(&many, i ? ",\"1\"" : "[\"1\"");
        buf_putc(&many, ']');
        if (n == 500)
            reads(s, buf_cstr(&many), true, buf_cstr(&many));
        else
            refuses(s, buf_cstr(&many), buf_len(&many), true);
        buf_clear(&many);
    }
}

static void walk_id(enum setting s)
{
    reads(s, "\"18446744073709551615\"", true, "\"18446744073709551615\"");
    reads(s, "<@&175928847299117063>", false, "\"175928847299117063\"");
    reads(s, "<#175928847299117063>", false, "\"175928847299117063\"");
    reads(s, "175928847299117063", false, "\"175928847299117063\"");
    refuses(s, "\"18446744073709551616\"", 22, true);
    refuses(s, "175928847299117063", 18, true); /* a number loses digits elsewhere */
    refuses(s, "\"0\"", 3, true);
    refuses(s, "<@&>", 4, false);
    refuses(s, "<@&1", 4, false);
    refuses(s, "@everyone", 9, false);
}

static void walk_choices(enum setting s)
{
    char text[64];

    for (size_t i = 0; info_of(s)->choices[i]; i++) {
        snprintf(text, sizeof(text), "\"%s\"", info_of(s)->choices[i]);
        reads(s, text, true, text);
        reads(s, info_of(s)->choices[i], false, text);
        refuses(s, text, strlen(text) - 1, true);
        snprintf(text, sizeof(text), "%sx", info_of(s)->choices[i]);
        refuses(s, text, strlen(text), false);
    }
}

static void walk_boolean(enum setting s)
{
    reads(s, "true", true, "true");
    reads(s, " false ", true, "false");
    reads(s, "ON", false, "true");
    reads(s, " no ", false, "false");
    refuses(s, "1", 1, true);
    refuses(s, "\"true\"", 6, true);
    refuses(s, "True", 4, true);
    refuses(s, "maybe", 5, false);
}

/* No setting takes any of these. */
static void walk_hostile(enum setting s)
{
    static const char *const texts[] = {"",
                                        " ",
                                        "null ull",
                                        "{}",
                                        "[[]]",
                                        "[{}]",
                                        "\"",
                                        "\"\\u0000\"",
                                        "\"\\ud800\"",
                                        "\"\\x\"",
                                        "\"on\nx\"",
                                        "nan",
                                        "NaN",
                                        "Infinity",
                                        "-",
                                        "1e",
                                        "1.",
                                        ".5",
                                        "+1",
                                        "0x1",
                                        "1e400",
                                        "99999999999999999999999999",
                                        "1e-400",
                                        "86400.0001",
                                        "true false",
                                        "[1,2",
                                        "\xff\xfe",
                                        "'; DROP TABLE setting; --",
                                        "\342\200\21730d",
                                        "\xe2\x80\x8b",
                                        "@everyone",
                                        "<@&175928847299117063><@&175928847299117063>",
                                        "{mode}",
                                        "30 d d",
                                        "1,5 d"};
    char *huge = malloc(10000);

    assert_non_null(huge);
    for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++) {
        refuses(s, texts[i], strlen(texts[i]), true);
        refuses(s, texts[i], strlen(texts[i]), false);
    }
    for (const char *c = "9[\"a,\\{-e."; *c; c++) {
        memset(huge, *c, 10000);
        refuses(s, huge, 10000, true);
        refuses(s, huge, 10000, false);
    }
    refuses(s, "01", 2, true);
    refuses(s, "on\0", 3, false);
    refuses(s, "1d\0", 3, false);
    free(huge);
}

static void walk(enum setting s)
{
    const struct setting_info *info = info_of(s);

    if (is_number(info->type))
        walk_range(s);
    else if (info->type == VALUE_DELAYS)
        walk_delays(s);
    else if (info->type == VALUE_IDS)
        walk_ids(s);
    else if (info->type == VALUE_ID)
        walk_id(s);
    else if (info->type == VALUE_CHOICE)
        walk_choices(s);
    else if (info->type == VALUE_BOOLEAN)
        walk_boolean(s);
    walk_hostile(s);
    if (info->optional) {
        reads(s, "null", true, "null");
        reads(s, "None", false, "null");
    } else {
        refuses(s, "null", 4, true);
    }
}

static void test_every_row(void **state)
{
    (void)state;
    for (int s = 0; s < SETTINGS; s++)
        walk((enum setting)s);
}

/* The table itself: whole, and each default good. */
static void test_the_table(void **state)
{
    struct buf out;

    (void)state;
    assert_true(FAMILIES <= 25); /* subcommands of /set: Discord's limit */
    buf_init(&out, 0);
    for (int i = 0; i < SETTINGS; i++) {
        enum setting s = (enum setting)i;
        const struct setting_info *info = info_of(s);
        char *wrong;
        struct setting_value v;

        assert_non_null(info->key);
        assert_int_equal(setting_by_key(info->key, strlen(info->key)), s);
        assert_true(info->means && info->means[0]);
        assert_true((info->type == VALUE_CHOICE) == (info->choices != NULL));
        assert_true(info->optional == info->otherwise.none);
        if (is_number(info->type) || info->type == VALUE_DELAYS || info->type == VALUE_IDS)
            assert_true(info->most > 0 && info->why);
        assert_true(info->family < FAMILIES && info->feature < FEATURES);
        /* Whatever can make somebody be kicked sooner asks for an administrator. */
        if (info->sooner != SOONER_NEVER && s != SETTING_AWAY_ENDS_ON_ACTIVITY)
            assert_true(info->administrator);
        print(s, &info->otherwise, &out, true);
        wrong = setting_read_json(s, buf_cstr(&out), buf_len(&out), &v);
        if (wrong)
            fail_msg("the default of %s: %s", info->key, wrong);
        assert_true(setting_equal(s, &v, &info->otherwise));
        setting_free(s, &v);
    }
    buf_clear(&out);
    assert_int_equal(setting_by_key("mod", 3), SETTING_NONE);
    assert_int_equal(setting_by_key("mode\0x", 6), SETTING_NONE);
    assert_int_equal(setting_by_key("", 0), SETTING_NONE);
    for (int f = 0; f < FAMILIES; f++)
        assert_true(strlen(setting_family_name((enum setting_family)f)) <= 32);
    for (int f = 0; f < FEATURES; f++)
        assert_non_null(setting_feature_name((enum setting_feature)f));
}

static void test_signals_are_the_kinds(void **state)
{
    (void)state;
    for (int kind = 1; kind < ACTIVITY_KINDS; kind++) {
        enum setting s = setting_signal((enum activity_kind)kind);
        char key[64];

        snprintf(key, sizeof(key), "signals.%s", activity_infos[kind].graphql_name);
        assert_string_equal(info_of(s)->key, key);
        assert_int_equal(info_of(s)->otherwise.on, activity_infos[kind].counts_by_default);
    }
}

static void test_numbers_are_exact(void **state)
{
    (void)state;
    reads(SETTING_KICKS_SHARE, "0.1", true, "0.1");
    reads(SETTING_KICKS_SHARE, "100e-3", true, "0.1");
    reads(SETTING_KICKS_SHARE, "0.1000000000000000000000000000", true, "0.1");
    reads(SETTING_KICKS_SHARE, "2E0", true, "2");
    reads(SETTING_KICKS_SHARE, "0.2e+1", true, "2");
    reads(SETTING_KICKS_SHARE, "2.125", true, "2.125");
    reads(SETTING_KICKS_SHARE, " 2.5 % ", false, "2.5");
    reads(SETTING_KICKS_SHARE, "02.50", false, "2.5");
    reads(SETTING_KICK_SPACING, "500ms", false, "0.5");
    reads(SETTING_RECHECK_WINDOW, "0", true, "0");
    reads(SETTING_RECHECK_WINDOW, "0e5", true, "0");
    reads(SETTING_RECHECK_WINDOW, "-0.000", true, "0");
    reads(SETTING_RECHECK_WINDOW, "0s", false, "0");
    reads(SETTING_MIN_EVENTS, "5.0", true, "5");
    reads(SETTING_TIME_UNTIL_INACTIVE, "2592e3", true, "2592000");
    reads(SETTING_TIME_UNTIL_INACTIVE, "5Y", false, "157680000");
    refuses(SETTING_KICKS_SHARE, "2.1251", 6, true);
    refuses(SETTING_KICKS_SHARE, "00.5", 4, true);
    refuses(SETTING_MIN_EVENTS, "5.5", 3, true);
    refuses(SETTING_MIN_EVENTS, "5%", 2, false);
    refuses(SETTING_TIME_UNTIL_INACTIVE, "30", 2, false); /* days? seconds? */
}

static void test_words(void **state)
{
    static const char *const zones[] = {"UTC", "Europe/Berlin", "America/Argentina/Buenos_Aires",
                                        "Etc/GMT+5", "America/Port-au-Prince"};
    static const char *const no_zones[] = {"utc",
                                           "Europe",
                                           "Europe/",
                                           "/Berlin",
                                           "Europe//Berlin",
                                           "Europe/Berlin/",
                                           "A/B/C/D",
                                           "europe/Berlin",
                                           "E/B",
                                           "Europe/Berlin; x",
                                           "Eu1/Berlin",
                                           "../../etc/passwd"};
    static const char *const languages[] = {"de", "en-US", "es-419", "zh-TW"};
    static const char *const none[] = {"deutsch", "DE",   "d",       "en-us",
                                       "en-",     "en-U", "en-USAA", "en_US"};
    char json[64];

    (void)state;
    for (size_t i = 0; i < sizeof(zones) / sizeof(zones[0]); i++) {
        snprintf(json, sizeof(json), "\"%s\"", zones[i]);
        reads(SETTING_TIMEZONE, zones[i], false, json);
    }
    reads(SETTING_TIMEZONE, "\"Europe\\/Berl\\u0069n\"", true, "\"Europe/Berlin\"");
    for (size_t i = 0; i < sizeof(no_zones) / sizeof(no_zones[0]); i++)
        refuses(SETTING_TIMEZONE, no_zones[i], strlen(no_zones[i]), false);
    for (size_t i = 0; i < sizeof(languages) / sizeof(languages[0]); i++) {
        snprintf(json, sizeof(json), "\"%s\"", languages[i]);
        reads(SETTING_LANGUAGE, languages[i], false, json);
    }
    for (size_t i = 0; i < sizeof(none) / sizeof(none[0]); i++)
        refuses(SETTING_LANGUAGE, none[i], strlen(none[i]), false);
}

static void test_what_is_expected_and_why(void **state)
{
    static const struct {
        enum setting setting;
        const char *says;
    } rows[] = {
        {SETTING_TIME_UNTIL_INACTIVE,
         "expected a duration such as 12h or 30d from 1d to 5y: people sleep and work; silence of "
         "less than a day means nothing"},
        {SETTING_KICKS_SHARE, "expected a number of at most three decimals from 0.1 to 20: more "
                              "than a fifth of a server in a day is no clean-up"},
        {SETTING_MODE, "expected one of observe, on, off"},
        {SETTING_AUTO_KICK, "expected on or off"},
        {SETTING_INACTIVE_ROLE, "expected a Discord id, or none"},
        {SETTING_TRACKED_CHANNELS_IDS,
         "expected a list of Discord ids, at most 500: a Discord server has at most 500 channels"},
    };

    (void)state;
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        struct setting_value v;
        char *wrong = setting_read_text(rows[i].setting, "?", 1, &v);

        assert_string_equal(wrong, rows[i].says);
        free(wrong);
    }
}

/* --- sets --------------------------------------------------------------------------------- */

static void set(struct settings *s, enum setting which, const char *text)
{
    struct setting_value v;
    char *wrong = setting_read_text(which, text, strlen(text), &v);

    if (wrong)
        fail_msg("%s: %s", info_of(which)->key, wrong);
    settings_put(s, which, &v);
}

static void test_defaults_and_what_is_set(void **state)
{
    struct settings a, b;
    enum setting changed[SETTINGS];

    (void)state;
    settings_init(&a);
    assert_true(settings_get(&a, SETTING_TIME_UNTIL_INACTIVE)->number == 30 * DURATION_DAY_MS);
    assert_false(settings_is_set(&a, SETTING_TIME_UNTIL_INACTIVE));
    set(&a, SETTING_PRESET, "strict");
    set(&a, SETTING_TRACKED_CHANNELS_IDS, "1 2 3");
    set(&a, SETTING_MODE, "on");
    set(&a, SETTING_MODE, "off");
    set(&a, SETTING_TIMEZONE, "Europe/Berlin");
    assert_int_equal(a.count, 4);
    assert_int_equal(settings_get(&a, SETTING_MODE)->number, MODE_OFF);
    /* To set none is to take it back. */
    set(&a, SETTING_LOG_CHANNEL, "5");
    assert_true(settings_is_set(&a, SETTING_LOG_CHANNEL));
    set(&a, SETTING_LOG_CHANNEL, "none");
    assert_false(settings_is_set(&a, SETTING_LOG_CHANNEL));
    assert_true(settings_get(&a, SETTING_LOG_CHANNEL)->none);
    settings_copy(&b, &a);
    assert_int_equal(settings_diff(&a, &b, changed), 0);
    settings_reset(&b, SETTING_TRACKED_CHANNELS_IDS);
    settings_reset(&b, SETTING_TRACKED_CHANNELS_IDS);
    settings_reset(&b, SETTING_AUTO_KICK);
    assert_int_equal(settings_get(&a, SETTING_TRACKED_CHANNELS_IDS)->ids.count, 3);
    assert_int_equal(settings_diff(&a, &b, changed), 1);
    assert_int_equal(changed[0], SETTING_TRACKED_CHANNELS_IDS);
    /* A default that was set is in force with the same value: no difference. */
    set(&b, SETTING_AUTO_KICK, "off");
    assert_true(settings_is_set(&b, SETTING_AUTO_KICK));
    assert_int_equal(settings_diff(&a, &b, changed), 1);
    settings_free(&a);
    settings_free(&b);
    assert_int_equal(a.count, 0);
}

/* Set, copied, reset at random: always as an array of all settings would have it. */
static void test_sets_at_random(void **state)
{
    const char *values[SETTINGS] = {NULL};
    struct settings s, copy;

    (void)state;
    srandom(3);
    settings_init(&s);
    for (int round = 0; round < 5000; round++) {
        enum setting which = setting_signal((enum activity_kind)(1 + random() % 26));
        const char *value = random() % 2 ? "on" : "off";

        if (random() % 3 == 0) {
            settings_reset(&s, which);
            values[which] = NULL;
        } else {
            set(&s, which, value);
            values[which] = value;
        }
        for (int i = SETTING_SIGNALS; i < SETTINGS; i++) {
            assert_int_equal(settings_is_set(&s, (enum setting)i), values[i] != NULL);
            if (values[i])
                assert_int_equal(settings_get(&s, (enum setting)i)->on,
                                 strcmp(values[i], "on") == 0);
        }
        settings_copy(&copy, &s);
        settings_free(&s);
        s = copy;
    }
    settings_free(&s);
}

static const struct {
    const char *fault; /* its beginning; NULL: they go together */
    struct {
        enum setting setting;
        const char *text;
    } with[3];
} together[] = {
    {NULL, {{SETTING_AUTO_KICK, "on"}}},
    {NULL, {{SETTING_TIME_UNTIL_INACTIVE, "1d"}}},
    {"time_until_inactive: ",
     {{SETTING_AUTO_KICK, "on"}, {SETTING_TIME_UNTIL_INACTIVE, "6d23h59min59s999ms"}}},
    {NULL, {{SETTING_AUTO_KICK, "on"}, {SETTING_TIME_UNTIL_INACTIVE, "7d"}}},
    {"min_days: ", {{SETTING_MIN_DAYS, "8"}, {SETTING_TIME_UNTIL_INACTIVE, "7d"}}},
    {NULL, {{SETTING_MIN_DAYS, "7"}, {SETTING_TIME_UNTIL_INACTIVE, "7d"}}},
    {"warn_at.before_kick: ", {{SETTING_AUTO_KICK, "on"}, {SETTING_WARN_BEFORE_KICK, "30d, 15d"}}},
    {NULL, {{SETTING_AUTO_KICK, "on"}, {SETTING_WARN_BEFORE_KICK, "30d, 14d"}}},
    {NULL, {{SETTING_WARN_BEFORE_KICK, "30d, 15d"}}},
    {NULL, {{SETTING_AUTO_KICK, "on"}, {SETTING_WARN_BEFORE_KICK, "none"}}},
    {"tracked_channels.ids: ", {{SETTING_TRACKED_CHANNELS_MODE, "allow"}}},
    {NULL, {{SETTING_TRACKED_CHANNELS_MODE, "ignore"}}},
    {NULL, {{SETTING_TRACKED_CHANNELS_MODE, "allow"}, {SETTING_TRACKED_CHANNELS_IDS, "5"}}},
    {"active_role: ", {{SETTING_INACTIVE_ROLE, "5"}, {SETTING_ACTIVE_ROLE, "5"}}},
    {NULL, {{SETTING_INACTIVE_ROLE, "5"}, {SETTING_ACTIVE_ROLE, "6"}}},
    {"channel_archive_auto: ", {{SETTING_CHANNEL_ARCHIVE_AUTO, "archive"}}},
    {NULL, {{SETTING_CHANNEL_ARCHIVE_AUTO, "warn"}}},
    {NULL, {{SETTING_CHANNEL_ARCHIVE_AUTO, "archive"}, {SETTING_CHANNEL_ARCHIVE_CATEGORY, "5"}}},
    {"report_schedule.day: ", {{SETTING_REPORT_DAY, "8"}}},
    {NULL, {{SETTING_REPORT_DAY, "28"}, {SETTING_REPORT_EVERY, "month"}}},
};

static void test_together(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof(together) / sizeof(together[0]); i++) {
        const char *faults[SETTINGS_FAULTS_MAX];
        struct settings s;
        size_t count;

        settings_init(&s);
        for (size_t n = 0; n < 3 && together[i].with[n].text; n++)
            set(&s, together[i].with[n].setting, together[i].with[n].text);
        count = settings_faults(&s, faults);
        if (count != (together[i].fault != NULL))
            fail_msg("row %zu: %zu faults", i, count);
        if (count && strncmp(faults[0], together[i].fault, strlen(together[i].fault)) != 0)
            fail_msg("row %zu: %s", i, faults[0]);
        settings_free(&s);
    }
}

/* Nobody does anything that counts: everybody would be inactive. */
static void test_one_signal_at_least(void **state)
{
    const char *faults[SETTINGS_FAULTS_MAX];
    struct settings s;

    (void)state;
    settings_init(&s);
    for (int i = SETTING_SIGNALS; i < SETTINGS; i++)
        set(&s, (enum setting)i, "off");
    assert_int_equal(settings_faults(&s, faults), 1);
    assert_int_equal(strncmp(faults[0], "signals: ", 9), 0);
    set(&s, setting_signal(ACTIVITY_TYPING), "on");
    assert_int_equal(settings_faults(&s, faults), 0);
    settings_free(&s);
}

static const struct {
    enum setting setting;
    const char *from, *to;
    bool there, back;
} changes[] = {
    {SETTING_TIME_UNTIL_INACTIVE, "30d", "29d", true, false},
    {SETTING_AUTO_PRUNE_TIMER, "14d", "7d", true, false},
    {SETTING_NEW_MEMBER_GRACE, "14d", "0s", true, false},
    {SETTING_AUTO_KICK, "off", "on", true, false},
    {SETTING_PROTECT_STAFF, "on", "off", true, false},
    {SETTING_PAUSE_ON_TIMEOUT, "on", "off", true, false},
    {SETTING_MIN_EVENTS, "1", "2", true, false},
    {SETTING_MIN_OBSERVED_SHARE, "90", "89.999", true, false},
    {SETTING_MODE, "observe", "on", true, true},
    {SETTING_NEVER_SEEN_POLICY, "ignore", "treat_as_joined", true, true},
    {SETTING_VOICE_COUNTS, "connected", "off", true, true},
    {SETTING_TRACKED_CHANNELS_IDS, "none", "1", true, true},
    {SETTING_PERSONAL_RHYTHM, "2", "none", true, true},
    {SETTING_WARN_BEFORE_KICK, "7d, 1d", "1d", true, true},
    {SETTING_LANGUAGE, "none", "de", false, false},
    {SETTING_KICK_SPACING, "2s", "1s", false, false},
};

static void test_what_makes_people_due_sooner(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof(changes) / sizeof(changes[0]); i++) {
        struct settings from, to;

        settings_init(&from);
        settings_init(&to);
        set(&from, changes[i].setting, changes[i].from);
        set(&to, changes[i].setting, changes[i].to);
        assert_false(settings_sooner(&from, &from));
        if (settings_sooner(&from, &to) != changes[i].there ||
            settings_sooner(&to, &from) != changes[i].back)
            fail_msg("row %zu", i);
        settings_free(&from);
        settings_free(&to);
    }
}

/* --- files -------------------------------------------------------------------------------- */

static void test_there_and_back(void **state)
{
    struct settings s, again;
    struct buf out, faults;
    enum setting changed[SETTINGS];

    (void)state;
    buf_init(&out, 0);
    buf_init(&faults, 0);
    settings_init(&s);
    for (int round = 0; round < 2; round++) {
        buf_reset(&out);
        settings_export(&s, &out);
        if (settings_import(buf_cstr(&out), buf_len(&out), NULL, NULL, &again, &faults) != 0)
            fail_msg("%s\n%s", buf_cstr(&out), buf_cstr(&faults));
        assert_int_equal(settings_diff(&s, &again, changed), 0);
        assert_int_equal(again.version, s.version);
        assert_int_equal(again.count, s.count);
        settings_free(&again);
        s.version = 12;
        set(&s, SETTING_WARN_BEFORE_KICK, "3d, 36h");
        set(&s, SETTING_KICK_SPACING, "1500ms");
        set(&s, SETTING_LANGUAGE, "none");
        set(&s, SETTING_TIMEZONE, "Europe/Berlin");
        set(&s, SETTING_TRACKED_CHANNELS_IDS, "18446744073709551615 9007199254740993");
        set(&s, setting_signal(ACTIVITY_TYPING), "on");
    }
    assert_string_equal(buf_cstr(&out),
                        "{\n  \"format\": 1,\n  \"version\": 12,\n  \"settings\": {\n"
                        "    \"warn_at.before_kick\": [259200,129600],\n"
                        "    \"kick_spacing\": 1.5,\n"
                        "    \"tracked_channels.ids\": "
                        "[\"18446744073709551615\",\"9007199254740993\"],\n"
                        "    \"timezone\": \"Europe/Berlin\",\n"
                        "    \"signals.TYPING\": true\n  }\n}\n");
    settings_free(&s);
    buf_clear(&out);
    buf_clear(&faults);
}

#define FILE_OF(settings) "{\"format\": 1, \"version\": 3, \"settings\": {" settings "}}"

static const struct {
    const char *file, *faults;
} files[] = {
    {FILE_OF("\"min_days\": 31, \"mod\": 1, \"kick_dm\": \"no\", \"mode\": \"on\""),
     "settings.min_days: expected a whole number from 1 to 30: more than thirty days would flag "
     "people who are there every week\n"
     "settings.mod: there is no such setting\n"
     "settings.kick_dm: expected on or off\n"},
    {FILE_OF("\"mode\": \"on\", \"mode\": \"off\""), "settings.mode: expected it once\n"},
    {FILE_OF("\"mode\": null, \"mode\": null"), "settings.mode: expected it once\n"},
    {FILE_OF("\"auto_kick\": true, \"time_until_inactive\": 86400"),
     "settings: time_until_inactive: expected at least 7d while auto_kick is on\n"},
    {FILE_OF("\"mode\": {\"a\": [1, \"]}\", {}]}, \"min_days\": 5"),
     "settings.mode: expected one of observe, on, off\n"},
    {FILE_OF("\"mode\": \"on\",}"), "byte 54: expected a key in quotes\n"},
    {FILE_OF("\"mode\" \"on\""), "byte 48: expected : behind the key\n"},
    {FILE_OF("\"mode\": "), "byte 49: expected a value\n"},
    {FILE_OF("\"mode\": \"on\" 1"), "byte 54: expected , or }\n"},
    {"{}", "file: expected format and settings\n"},
    {"{\"settings\": {}}", "file: expected format and settings\n"},
    {"{\"format\": 1}", "file: expected format and settings\n"},
    {"", "byte 0: expected {\n"},
    {"[]", "byte 0: expected {\n"},
    {"{\"format\": 2, \"settings\": {}}", "format: expected 1: another Presence wrote this file\n"},
    {"{\"format\": \"1\", \"settings\": {}}", "byte 11: expected a number\n"},
    {"{\"format\": 1, \"version\": -1, \"settings\": {}}", "version: expected a whole number\n"},
    {"{\"format\": 1, \"version\": 4294967296, \"settings\": {}}",
     "version: expected a whole number\n"},
    {"{\"format\": 1, \"settings\": {}, \"guild\": [{}]}",
     "guild: expected format, version or settings\n"},
    {FILE_OF("") " x", "byte 44: expected the end of the file\n"},
    {"{\"format\": 1, \"settings\": []}", "byte 26: expected {\n"},
};

static void test_files_that_are_not_good(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof(files) / sizeof(files[0]); i++) {
        struct settings s = {4711, NULL, 0};
        struct buf faults;

        buf_init(&faults, 0);
        assert_int_equal(
            settings_import(files[i].file, strlen(files[i].file), NULL, NULL, &s, &faults), -1);
        if (strcmp(buf_cstr(&faults), files[i].faults) != 0)
            fail_msg("%s\n%s", files[i].file, buf_cstr(&faults));
        assert_int_equal(s.version, 4711); /* not touched */
        buf_clear(&faults);
    }
}

/* A good file cut anywhere, or with any byte changed, is refused or is one with good values. */
static void test_files_that_were_damaged(void **state)
{
    static const char good[] =
        FILE_OF("\"mode\": \"on\", \"warn_at.before_kick\": [86400, 3600.5], \"inactive_role\": "
                "null, \"tracked_channels.ids\": [\"5\"], \"timezone\": \"Eu\\u0072ope\\/Berlin\"");
    const char *faults_of[SETTINGS_FAULTS_MAX];
    char *text = malloc(sizeof(good));
    struct settings s;
    struct buf faults;

    (void)state;
    assert_non_null(text);
    buf_init(&faults, 0);
    for (size_t len = 0; len < sizeof(good) - 1; len++) {
        char *cut = malloc(len ? len : 1);

        assert_non_null(cut);
        memcpy(cut, good, len);
        assert_int_equal(settings_import(cut, len, NULL, NULL, &s, &faults), -1);
        free(cut);
    }
    for (size_t at = 0; at < sizeof(good) - 1; at++) {
        for (int byte = 0; byte < 256; byte++) {
            memcpy(text, good, sizeof(good));
            text[at] = (char)byte;
            buf_reset(&faults);
            if (settings_import(text, sizeof(good) - 1, NULL, NULL, &s, &faults) != 0) {
                assert_true(buf_len(&faults) > 0);
                continue;
            }
            assert_int_equal(settings_faults(&s, faults_of), 0);
            settings_free(&s);
        }
    }
    free(text);
    text = calloc(1, (1 << 20) + 1);
    assert_non_null(text);
    assert_int_equal(settings_import(text, (1 << 20) + 1, NULL, NULL, &s, &faults), -1);
    memset(text, '[', 1 << 20);
    memcpy(text, "{\"a\":", 5);
    assert_int_equal(settings_import(text, 1 << 20, NULL, NULL, &s, &faults), -1);
    free(text);
    buf_clear(&faults);
}

/* --- presets ------------------------------------------------------------------------------- */

static void test_presets_put_back_what_they_do_not_have(void **state)
{
    struct settings s, before;
    enum setting changed[SETTINGS];

    (void)state;
    settings_init(&s);
    for (int64_t p = 0; setting_infos[SETTING_PRESET].choices[p]; p++) {
        set(&s, SETTING_AWAY_PER_YEAR, "9");
        settings_put_preset(&s, p);
        assert_int_equal(settings_get(&s, SETTING_PRESET)->number, p);
        assert_int_equal(settings_get(&s, SETTING_AWAY_PER_YEAR)->number, 9);
    }
    set(&s, SETTING_MODE, "observe");
    settings_put_preset(&s, 3);
    settings_copy(&before, &s);
    settings_put_preset(&s, 0);
    assert_true(settings_is_set(&s, SETTING_MODE));
    assert_false(settings_is_set(&s, SETTING_TIME_UNTIL_INACTIVE));
    assert_true(settings_diff(&before, &s, changed) > 3);
    assert_true(settings_sooner(&before, &s));
    settings_free(&before);
    settings_free(&s);
}

static void test_mode_that_is_not_set_any_more_can_act(void **state)
{
    struct settings a, b;

    (void)state;
    settings_init(&a);
    settings_init(&b);
    set(&a, SETTING_MODE, "observe");
    assert_true(settings_sooner(&a, &b));
    assert_false(settings_sooner(&b, &a));
    settings_free(&a);
    settings_free(&b);
}

static void test_what_is_stored(void **state)
{
    struct settings s;
    char *wrong;

    (void)state;
    settings_init(&s);
    assert_null(settings_put_stored(&s, "away_per_year", "9"));
    assert_int_equal(settings_get(&s, SETTING_AWAY_PER_YEAR)->number, 9);
    wrong = settings_put_stored(&s, "away_per_year", "99");
    assert_non_null(wrong);
    free(wrong);
    wrong = settings_put_stored(&s, "away_per_yea", "9");
    assert_string_equal(wrong, "there is no such setting");
    free(wrong);
    assert_int_equal(settings_get(&s, SETTING_AWAY_PER_YEAR)->number, 9);
    settings_free(&s);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_presets_put_back_what_they_do_not_have),
        cmocka_unit_test(test_mode_that_is_not_set_any_more_can_act),
        cmocka_unit_test(test_what_is_stored),
        cmocka_unit_test(test_every_row),
        cmocka_unit_test(test_the_table),
        cmocka_unit_test(test_signals_are_the_kinds),
        cmocka_unit_test(test_numbers_are_exact),
        cmocka_unit_test(test_words),
        cmocka_unit_test(test_what_is_expected_and_why),
        cmocka_unit_test(test_defaults_and_what_is_set),
        cmocka_unit_test(test_sets_at_random),
        cmocka_unit_test(test_together),
        cmocka_unit_test(test_one_signal_at_least),
        cmocka_unit_test(test_what_makes_people_due_sooner),
        cmocka_unit_test(test_there_and_back),
        cmocka_unit_test(test_files_that_are_not_good),
        cmocka_unit_test(test_files_that_were_damaged),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
