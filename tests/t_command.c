/* Commands as tables: registration, reading what callers give, permissions, help. */
#include "cmocka_all.h"

#include <stdlib.h>
#include <string.h>

#include "presence/command.h"
#include "presence/interaction.h"
#include "presence/json.h"
#include "presence/permissions.h"
#include "presence/text.h"

#define USER "994893149241479228"

static void run(struct call *call)
{
    (void)call;
}

static const struct command_choice formats[] = {{"csv", "CSV"}, {"json", "JSON"}, {NULL, NULL}};
static const struct command_option list_options[] = {
    {.name = "days",
     .description = "Days",
     .type = COMMAND_INTEGER,
     .required = true,
     .min = 1,
     .max = 3650},
    {.name = "member", .description = "Who", .type = COMMAND_USER},
    {.name = "reason", .description = "Why", .type = COMMAND_TEXT, .min = 3, .max = 8},
    {.name = "export", .description = "File", .type = COMMAND_TEXT, .choices = formats},
    {.name = "channel", .description = "Where", .type = COMMAND_CHANNEL, .channels = 1u << 0},
    {.name = "target", .description = "User or role", .type = COMMAND_MENTIONABLE},
    {.name = "share", .description = "Share", .type = COMMAND_NUMBER, .min = 0, .max = 1},
    {.name = "all", .description = "All", .type = COMMAND_BOOL},
    {.name = "preset", .description = "Preset", .type = COMMAND_TEXT, .complete = true},
    {.name = NULL},
};
static const struct command_action actions[] = {
    {.name = "list",
     .description = "Show them",
     .options = list_options,
     .run = run,
     .complete = run},
    {.name = "undo",
     .description = "Take back",
     .permissions = PERMISSION(ADMINISTRATOR),
     .run = run},
    {.run = NULL},
};
static const struct command_action bare[] = {{.run = run}, {.run = NULL}};
static const struct command inactive = {.kind = COMMAND_SLASH,
                                        .name = "inactive",
                                        .description = "Inactive members",
                                        .permissions = PERMISSION(KICK_MEMBERS),
                                        .actions = actions};
static const struct command ping = {
    .kind = COMMAND_SLASH, .name = "ping", .description = "Nudge", .actions = bare};
static const struct command menu = {
    .kind = COMMAND_USER_MENU, .name = "Activity status", .actions = bare};
static const struct command *const table[] = {&inactive, &ping, &menu};

static const char *words(const char *locale, const char *text)
{
    if (!strcmp(locale, "de") && !strcmp(text, "Why"))
        return "Warum";
    if (!strcmp(locale, "de") && !strcmp(text, "/reason"))
        return "/grund";
    if (!strcmp(locale, "de") && !strcmp(text, "CSV"))
        return "CSV-Datei";
    return text;
}
static const char *const locales[] = {"de", NULL};

/* --- tables -------------------------------------------------------------------------------------
 */

static void test_registration(void **state)
{
    struct buf out;
    struct json *j;
    const struct json *list, *reason, *c;

    (void)state;
    buf_init(&out, 0);
    command_print(table, 3, words, locales, &out);
    j = json_parse(buf_cstr(&out), buf_len(&out), NULL);
    assert_int_equal(json_size(j), 3);
    c = json_at(j, 0);
    assert_int_equal(json_int(json_get(c, "default_member_permissions"), 0), 2);
    assert_int_equal(json_size(json_get(c, "contexts")), 1);
    list = json_at(json_get(c, "options"), 0);
    assert_int_equal(json_int(json_get(list, "type"), 0), 1);
    assert_int_equal(json_size(json_get(list, "options")), 9);
    assert_true(json_bool(json_get(json_at(json_get(list, "options"), 0), "required"), false));
    reason = json_at(json_get(list, "options"), 2);
    assert_int_equal(json_int(json_get(reason, "max_length"), 0), 8);
    assert_string_equal(json_string(json_get(json_get(reason, "name_localizations"), "de"), ""),
                        "grund");
    assert_string_equal(
        json_string(json_get(json_get(reason, "description_localizations"), "de"), ""), "Warum");
    assert_null(json_get(json_at(json_get(list, "options"), 0), "name_localizations"));
    assert_null(json_get(json_at(j, 2), "description"));
    assert_null(json_get(json_at(j, 1), "default_member_permissions"));
    json_free(&j);
    buf_clear(&out);
    assert_null(command_check(table, 3, words, locales));
}

static void refused(const struct command *c, const char *why)
{
    char *wrong = command_check(&c, 1, words, locales);

    assert_non_null(wrong);
    if (!strstr(wrong, why))
        fail_msg("%s instead of %s", wrong, why);
    free(wrong);
}

static void test_bad_tables(void **state)
{
    static char long_text[102];
    static const struct command_option unordered[] = {
        {.name = "a", .description = "A", .type = COMMAND_BOOL},
        {.name = "b", .description = "B", .type = COMMAND_BOOL, .required = true},
        {.name = NULL}};
    static const struct command_option twice[] = {
        {.name = "a", .description = "A", .type = COMMAND_BOOL},
        {.name = "a", .description = "B", .type = COMMAND_BOOL},
        {.name = NULL}};
    static const struct command_option limits[] = {
        {.name = "a", .description = "A", .type = COMMAND_INTEGER, .min = 3, .max = 2},
        {.name = NULL}};
    static const struct command_option silent[] = {
        {.name = "a", .description = "A", .type = COMMAND_TEXT, .complete = true}, {.name = NULL}};
    const struct command_action with[][2] = {
        {{.description = "x", .options = unordered, .run = run}},
        {{.description = "x", .options = twice, .run = run}},
        {{.description = "x", .options = limits, .run = run}},
        {{.description = "x", .options = silent, .run = run}},
    };
    struct command c = ping;
    const struct command *const both[] = {&ping, &c};
    char *wrong;

    (void)state;
    wrong = command_check(both, 2, words, locales);
    assert_non_null(strstr(wrong, "this name"));
    free(wrong);
    memset(long_text, 'x', 101);
    c.description = long_text;
    refused(&c, "1 to 100");
    c = ping;
    c.name = "Ping";
    refused(&c, "[a-z0-9_-]");
    c = ping;
    c.actions = with[0];
    refused(&c, "required options come first");
    c.actions = with[1];
    refused(&c, "two options");
    c.actions = with[2];
    refused(&c, "min <= max");
    c.actions = with[3];
    refused(&c, "suggests nothing");
    c = menu;
    c.description = "no";
    refused(&c, "a menu");
}

/* --- what callers give --------------------------------------------------------------------------
 */

#define LIST(options)                                                                              \
    "{\"name\":\"inactive\",\"type\":1,\"options\":[{\"name\":\"list\",\"type\":1,\"options\":"    \
    "[" options "]}]}"
#define DAYS "{\"name\":\"days\",\"type\":4,\"value\":30}"
#define OPTION(name, type, value)                                                                  \
    LIST(DAYS ",{\"name\":\"" name "\",\"type\":" #type ",\"value\":" value "}")

static int parse(const char *data, bool complete, struct command_args *args,
                 struct command_error *error)
{
    return command_parse(table, 3, (struct slice){data, strlen(data)}, complete, args, error);
}

static void test_good_options(void **state)
{
    struct command_args a;
    struct command_error e;
    const struct command_value *v;

    (void)state;
    assert_int_equal(parse(OPTION("reason", 3, "\"h\\u00e4h\\ud83d\\ude00\""), false, &a, &e), 0);
    assert_string_equal(command_arg(&a, "reason")->text, "häh😀");
    assert_int_equal(command_arg(&a, "days")->integer, 30);
    assert_false(command_arg(&a, "member")->given);
    assert_false(command_arg(&a, "nothing")->given);
    assert_ptr_equal(a.action, &actions[0]);
    command_args_clear(&a);

    assert_int_equal(parse("{\"name\":\"inactive\",\"options\":[{\"name\":\"list\",\"type\":1,"
                           "\"options\":[" DAYS ",{\"name\":\"member\",\"type\":6,\"value\":\"" USER
                           "\"},{\"name\":\"target\",\"type\":9,\"value\":\"7\"},"
                           "{\"name\":\"share\",\"type\":10,\"value\":0.25},"
                           "{\"name\":\"all\",\"type\":5,\"value\":true}]}],\"resolved\":{"
                           "\"users\":{\"" USER "\":{\"id\":\"" USER "\",\"bot\":true}},"
                           "\"members\":{\"" USER "\":{\"roles\":[]}},\"roles\":{\"7\":{}}}}",
                           false, &a, &e),
                     0);
    v = command_arg(&a, "member");
    assert_true(v->given && v->is_member && v->is_bot);
    assert_int_equal(v->id.id, 994893149241479228);
    assert_true(command_arg(&a, "target")->is_role);
    assert_true(command_arg(&a, "share")->number == 0.25);
    assert_true(command_arg(&a, "all")->yes);
    command_args_clear(&a);

    assert_int_equal(parse("{\"name\":\"ping\"}", false, &a, &e), 0);
    assert_ptr_equal(a.command, &ping);
    command_args_clear(&a);
    assert_int_equal(parse("{\"name\":\"Activity status\",\"type\":2,\"target_id\":\"" USER "\"}",
                           false, &a, &e),
                     0);
    assert_int_equal(a.target.id, 994893149241479228);
    command_args_clear(&a);
}

static void test_bad_options(void **state)
{
    static const struct {
        const char *data;
        enum command_fault fault;
        const char *option, *said;
    } rows[] = {
        {"{\"name\":\"gone\"}", COMMAND_UNKNOWN, "", "has changed"},
        {"{\"name\":\"inactive\"}", COMMAND_UNKNOWN, "", "has changed"},
        {"{\"name\":\"ping\",\"type\":2}", COMMAND_UNKNOWN, "", "has changed"},
        {"{\"name\":\"inactive\",\"options\":[{\"name\":\"no\",\"type\":1}]}", COMMAND_UNKNOWN, "",
         "has changed"},
        {OPTION("colour", 3, "\"x\""), COMMAND_UNKNOWN_OPTION, "colour", "has changed"},
        {LIST(""), COMMAND_MISSING, "days", "`days` is missing: Days"},
        {LIST("{\"name\":\"days\",\"type\":4,\"value\":0}"), COMMAND_OUT_OF_RANGE, "days",
         "`days`: expected a number from 1 to 3650."},
        {LIST("{\"name\":\"days\",\"type\":4,\"value\":3651}"), COMMAND_OUT_OF_RANGE, "days",
         "3650"},
        {LIST("{\"name\":\"days\",\"type\":4,\"value\":1e300}"), COMMAND_WRONG_TYPE, "days", ""},
        {LIST("{\"name\":\"days\",\"type\":4,\"value\":99999999999999999999}"), COMMAND_WRONG_TYPE,
         "days", ""},
        {LIST("{\"name\":\"days\",\"type\":4,\"value\":1.5}"), COMMAND_WRONG_TYPE, "days", ""},
        {LIST("{\"name\":\"days\",\"type\":4,\"value\":\"30\"}"), COMMAND_WRONG_TYPE, "days", ""},
        {LIST("{\"name\":\"days\",\"type\":3,\"value\":\"30\"}"), COMMAND_WRONG_TYPE, "days", ""},
        {LIST(DAYS "," DAYS), COMMAND_MALFORMED, "", "form"},
        {OPTION("reason", 3, "\"ab\""), COMMAND_WRONG_LENGTH, "reason", "3 to 8 characters"},
        {OPTION("reason", 3, "\"123456789\""), COMMAND_WRONG_LENGTH, "reason", "3 to 8"},
        {OPTION("reason", 3, "\"abc\\u0000\""), COMMAND_FINE, "", ""},
        {OPTION("reason", 3, "\"abc\\u0007\""), COMMAND_UNSEEN, "reason", "nobody can see"},
        {OPTION("reason", 3, "\"ab\\u202ec\""), COMMAND_UNSEEN, "reason", ""},
        {OPTION("reason", 3, "\"ab\\u200bc\""), COMMAND_UNSEEN, "reason", ""},
        {OPTION("reason", 3, "7"), COMMAND_WRONG_TYPE, "reason", ""},
        {OPTION("export", 3, "\"xml\""), COMMAND_NO_CHOICE, "export", "expected CSV or JSON"},
        {OPTION("member", 6, "\"18446744073709551616\""), COMMAND_WRONG_ID, "member", "a member"},
        {OPTION("member", 6, "\"1; drop table member\""), COMMAND_WRONG_ID, "member", ""},
        {OPTION("member", 6, "\"\""), COMMAND_WRONG_ID, "member", ""},
        {OPTION("member", 6, "\"-5\""), COMMAND_WRONG_ID, "member", ""},
        {OPTION("member", 6, "5"), COMMAND_WRONG_ID, "member", ""},
        {OPTION("share", 10, "1.01"), COMMAND_OUT_OF_RANGE, "share", ""},
        {OPTION("all", 5, "\"true\""), COMMAND_WRONG_TYPE, "all", "yes or no"},
        {"[]", COMMAND_MALFORMED, "", ""},
        {"{\"name\":\"inactive\",\"options\":[7]}", COMMAND_MALFORMED, "", ""},
        {"{\"name\":\"inactive\",\"options\":[{\"name\":\"list\",\"type\":1,\"options\":{}}]}",
         COMMAND_MALFORMED, "", ""},
        {"{\"name\":\"Activity status\",\"type\":2}", COMMAND_MALFORMED, "", ""},
        {"{\"name\":\"inactive\",\"options\":[{\"name\":\"list\",\"type\":1,\"options\":[" DAYS
         ",{\"name\":\"channel\",\"type\":7,\"value\":\"9\"}]}],\"resolved\":{\"channels\":{\"9\":{"
         "\"type\":2}}}}",
         COMMAND_WRONG_CHANNEL, "channel", "does not fit"},
    };

    (void)state;
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        struct command_args a;
        struct command_error e;
        struct buf said;
        int bad = parse(rows[i].data, false, &a, &e);

        if ((bad != 0) != (rows[i].fault != COMMAND_FINE) || e.fault != rows[i].fault ||
            strcmp(e.option, rows[i].option) != 0)
            fail_msg("row %zu, %s: fault %d of \"%s\"", i, rows[i].data, (int)e.fault, e.option);
        buf_init(&said, 0);
        if (bad) {
            command_error_print(&e, words, "en-US", &said);
            assert_non_null(strstr(buf_cstr(&said), rows[i].said));
        }
        buf_clear(&said);
        command_args_clear(&a);
    }
}

/* Half typed values are nobody's fault. */
static void test_completion(void **state)
{
    struct command_args a;
    struct command_error e;

    (void)state;
    assert_int_equal(
        parse(LIST("{\"name\":\"preset\",\"type\":3,\"value\":\"ni\",\"focused\":true}"), true, &a,
              &e),
        0);
    assert_int_equal(a.focused, 8);
    assert_string_equal(command_arg(&a, "preset")->text, "ni");
    command_args_clear(&a);
    assert_int_equal(parse(LIST("{\"name\":\"days\",\"type\":4,\"value\":\"3x\",\"focused\":true}"),
                           true, &a, &e),
                     0);
    command_args_clear(&a);
}

static void test_permissions(void **state)
{
    struct command_args a = {.command = &inactive, .action = &actions[1]};

    (void)state;
    assert_int_equal(command_lacking(&a, 0), PERMISSION(KICK_MEMBERS) | PERMISSION(ADMINISTRATOR));
    assert_int_equal(command_lacking(&a, PERMISSION(KICK_MEMBERS)), PERMISSION(ADMINISTRATOR));
    assert_int_equal(command_lacking(&a, PERMISSION(ADMINISTRATOR)), 0);
    a.action = &actions[0];
    assert_int_equal(command_lacking(&a, PERMISSION(KICK_MEMBERS)), 0);
}

static void test_help(void **state)
{
    const struct command_action *action;
    struct buf out;

    (void)state;
    assert_ptr_equal(command_find(table, 3, "inactive undo", &action), &inactive);
    assert_ptr_equal(action, &actions[1]);
    assert_ptr_equal(command_find(table, 3, "/inactive", &action), &inactive);
    assert_null(action);
    assert_ptr_equal(command_find(table, 3, "Activity status", &action), &menu);
    assert_null(command_find(table, 3, "inactive lists", &action));
    assert_null(command_find(table, 3, "inact", &action));
    buf_init(&out, 0);
    command_usage(&inactive, &actions[0], &out);
    assert_string_equal(buf_cstr(&out), "/inactive list days [member] [reason] [export] [channel] "
                                        "[target] [share] [all] [preset]");
    buf_clear(&out);
}

/* --- the envelope -------------------------------------------------------------------------------
 */

#define ENVELOPE(id, token, member)                                                                \
    "{\"id\":" id ",\"application_id\":\"5\",\"type\":2,\"token\":" token                          \
    ",\"guild_id\":\"7\",\"channel_id\":\"8\",\"locale\":\"de\",\"app_permissions\":\"3\","        \
    "\"attachment_size_limit\":26214400,"                                                          \
    "\"authorizing_integration_owners\":{\"0\":\"7\"},\"member\":" member ",\"data\":{}}"
#define MEMBER "{\"permissions\":\"18446744073709551615\",\"user\":{\"id\":\"9\"}}"

static void test_envelope(void **state)
{
    static const struct {
        const char *d, *error; /* NULL = good */
    } rows[] = {
        {ENVELOPE("\"6\"", "\"aW50.x-_~=\"", MEMBER), NULL},
        {ENVELOPE("\"x\"", "\"a\"", MEMBER), "id:"},
        {ENVELOPE("\"6\"", "\"a/b\"", MEMBER), "token:"},
        {ENVELOPE("\"6\"", "\"\"", MEMBER), "token:"},
        {ENVELOPE("\"6\"", "\"a\\u0041\"", MEMBER), "token:"},
        {ENVELOPE("\"6\"", "\"a\"", "null"), "member.user.id:"},
        {ENVELOPE("\"6\"", "\"a\"", "{}"), "member.user.id:"},
        {"7", ""},
    };
    struct interaction i;

    (void)state;
    for (size_t k = 0; k < sizeof(rows) / sizeof(rows[0]); k++) {
        const char *error = interaction_read((struct slice){rows[k].d, strlen(rows[k].d)}, &i);

        if (!error != !rows[k].error || (error && !strstr(error, rows[k].error)))
            fail_msg("%s: %s", rows[k].d, error ? error : "taken");
        if (!error) {
            assert_int_equal(i.user.id, 9);
            assert_true(i.permissions == UINT64_MAX && i.installed);
            assert_string_equal(i.locale, "de");
            assert_int_equal(i.attachment_max, 26214400);
        }
    }
}

/* --- texts --------------------------------------------------------------------------------------
 */

static void test_texts(void **state)
{
    static const struct {
        const char *text;
        size_t max;
        const char *put, *foreign;
        bool unseen;
    } rows[] = {
        {"häßlich", 10, "häßlich", "häßlich", false},
        {"abcdef", 4, "abc…", "abc…", false},
        {"😀😀😀", 2, "😀…", "😀…", false},
        {"<@5> **x** @everyone", 40, "<@5> **x** @everyone", "\\<\\@5\\> \\*\\*x\\*\\* \\@everyone",
         false},
        {"a\nb", 9, "a\nb", "a b", false},
        {"a\xe2\x80\xae"
         "b",
         9,
         "a\xe2\x80\xae"
         "b",
         "ab", true},
        {"👩‍👧", 9, "👩‍👧", "👩‍👧", false},
        {"\xff", 9, "\xff", "\xef\xbf\xbd", true},
        {"", 9, "", "", false},
    };
    struct buf out;

    (void)state;
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        buf_init(&out, 0);
        text_put(rows[i].text, rows[i].max, &out);
        assert_string_equal(buf_cstr(&out), rows[i].put);
        buf_reset(&out);
        text_put_foreign(rows[i].text, rows[i].max, &out);
        assert_string_equal(buf_cstr(&out), rows[i].foreign);
        assert_int_equal(text_unseen(rows[i].text), rows[i].unseen);
        buf_clear(&out);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_registration), cmocka_unit_test(test_bad_tables),
        cmocka_unit_test(test_good_options), cmocka_unit_test(test_bad_options),
        cmocka_unit_test(test_completion),   cmocka_unit_test(test_permissions),
        cmocka_unit_test(test_help),         cmocka_unit_test(test_envelope),
        cmocka_unit_test(test_texts),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
