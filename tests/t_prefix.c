/* Developers' commands: what is one, its arguments, hostile text, codes. */
#include "cmocka_all.h"

#include <string.h>

#include "presence/prefix.h"

#define SELF ((snowflake_t){UINT64_C(1234567890123456789)})
#define ID   "994893149241479228"

static void run(struct order *order)
{
    (void)order;
}

static const char *const types[] = {"guild", "member", NULL};
static const struct prefix_argument delete_arguments[] = {{"type", PREFIX_WORD, true, types},
                                                          {"target_id", PREFIX_ID, true, NULL},
                                                          {"--no-readd", PREFIX_FLAG, false, NULL},
                                                          {NULL, PREFIX_ID, false, NULL}};
static const struct prefix_argument reload_arguments[] = {{"cog", PREFIX_WORD, false, types},
                                                          {NULL, PREFIX_ID, false, NULL}};
static const struct prefix_command delete_command = {
    .name = "delete", .guild = true, .arguments = delete_arguments, .run = run};
static const struct prefix_command reload = {
    .name = "reload", .arguments = reload_arguments, .run = run};
static const struct prefix_command *const table[] = {&delete_command, &reload, NULL};

static void test_what_is_one(void **state)
{
    static const struct {
        const char *text, *prefix, *rest;
    } cases[] = {
        {"?ping", "?", "ping"},
        {"? ping now", "?", "ping now"},
        {"?", "?", ""},
        {"ping", "?", NULL},
        {" ?ping", "?", NULL},
        {"", "?", NULL},
        {"p!ping", "p!", "ping"},
        {"p ping", "p!", NULL},
        {"?ping", "", NULL},
        {"<@1234567890123456789> ping", "?", "ping"},
        {"<@!1234567890123456789>\nping", "?", "ping"},
        {"<@1234567890123456780> ping", "?", NULL},
        {"<@1234567890123456789 ping", "?", NULL},
        {"<@> ping", "?", NULL},
        {"<@&1234567890123456789> ping", "?", NULL},
        {"<@12345678901234567891234567890> ping", "?", NULL},
    };

    (void)state;
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        const char *rest = prefix_strip(cases[i].text, cases[i].prefix, SELF);

        if (!cases[i].rest)
            assert_null(rest);
        else
            assert_string_equal(rest, cases[i].rest);
    }
    assert_null(prefix_strip("<@0> ping", "?", SNOWFLAKE_NONE));
}

static void test_finding(void **state)
{
    (void)state;
    assert_ptr_equal(prefix_find(table, "delete member"), &delete_command);
    assert_ptr_equal(prefix_find(table, "RELOAD"), &reload);
    assert_ptr_equal(prefix_find(table, "  reload\n"), &reload);
    assert_null(prefix_find(table, "deleted"));
    assert_null(prefix_find(table, "delet"));
    assert_null(prefix_find(table, ""));
    assert_null(prefix_find(table, "d\xc3\xa9lete"));
}

struct reading {
    const struct prefix_command *command;
    const char *text;
    bool direct;
    const char *error; /* NULL: it is fine */
};

static void test_arguments(void **state)
{
    static const struct reading cases[] = {
        {&delete_command, "delete member " ID, false, NULL},
        {&delete_command, "delete member " ID " --no-readd", false, NULL},
        {&delete_command, "delete --no-readd MEMBER " ID, false, NULL},
        {&delete_command, "delete\tguild\n" ID, false, NULL},
        {&delete_command, "delete " ID " member " ID, true, NULL},
        {&delete_command, "delete member " ID, true, "guild_id: expected an id of 17 to 20 digits"},
        {&delete_command, "delete", true, "guild_id: expected an id of 17 to 20 digits"},
        {&delete_command, "delete", false, "type: expected, but not given"},
        {&delete_command, "delete member", false, "target_id: expected, but not given"},
        {&delete_command, "delete role " ID, false, "type: expected one of guild|member"},
        {&delete_command, "delete member 1234567890123456", false,
         "target_id: expected an id of 17 to 20 digits"},
        {&delete_command, "delete member 18446744073709551616", false,
         "target_id: expected an id of 17 to 20 digits"},
        {&delete_command, "delete member 9948931492414792280000", false,
         "target_id: expected an id of 17 to 20 digits"},
        {&delete_command, "delete member <@" ID ">", false,
         "target_id: expected an id of 17 to 20 digits"},
        {&delete_command, "delete member -" ID, false,
         "target_id: expected an id of 17 to 20 digits"},
        {&delete_command, "delete member " ID "\xe2\x80\x8b", false,
         "target_id: expected an id of 17 to 20 digits"},
        {&delete_command, "delete member " ID "'; DROP TABLE member", false,
         "target_id: expected an id of 17 to 20 digits"},
        {&delete_command, "delete member " ID " " ID, false, "more was given than expected"},
        {&delete_command, "delete member " ID " --readd", false, "more was given than expected"},
        {&reload, "reload", false, NULL},
        {&reload, "reload", true, NULL},
        {&reload, "reload member", false, NULL},
        {&reload, "reload @everyone", false, "cog: expected one of guild|member"},
    };

    (void)state;
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        struct prefix_args args;
        struct buf error;
        int bad;

        buf_init(&error, 0);
        bad = prefix_parse(cases[i].command, cases[i].text, cases[i].direct, &args, &error);
        assert_string_equal(buf_cstr(&error), cases[i].error ? cases[i].error : "");
        assert_int_equal(bad, cases[i].error ? -1 : 0);
        buf_clear(&error);
    }
}

static void test_values(void **state)
{
    struct prefix_args args;
    struct buf error;

    (void)state;
    buf_init(&error, 0);
    assert_int_equal(prefix_parse(&delete_command,
                                  "delete 994893149241479229 --NO-readd Member " ID, true, &args,
                                  &error),
                     0);
    assert_int_equal(args.guild.id, UINT64_C(994893149241479229));
    assert_ptr_equal(args.values[0].word, types[1]);
    assert_int_equal(args.values[1].id.id, UINT64_C(994893149241479228));
    assert_true(args.values[2].given);
    assert_int_equal(prefix_parse(&reload, "reload", false, &args, &error), 0);
    assert_false(args.values[0].given);
    buf_clear(&error);
}

static void test_usage(void **state)
{
    struct buf out;

    (void)state;
    buf_init(&out, 0);
    prefix_usage(&delete_command, &out);
    buf_putc(&out, ' ');
    prefix_usage(&reload, &out);
    assert_string_equal(buf_cstr(&out),
                        "delete <guild|member> <target_id> [--no-readd] reload [guild|member]");
    buf_clear(&out);
}

static void test_codes(void **state)
{
    unsigned char random[PREFIX_CODE_LEN];
    char code[PREFIX_CODE_LEN + 1], again[PREFIX_CODE_LEN + 1], lower[PREFIX_CODE_LEN + 3];

    (void)state;
    for (unsigned i = 0; i < 256; i++) {
        memset(random, (int)i, sizeof(random));
        random[0] = (unsigned char)(i * 7);
        prefix_code(random, code);
        assert_int_equal(strlen(code), PREFIX_CODE_LEN);
        assert_null(strpbrk(code, "ILOU"));
        for (unsigned k = 0; k <= PREFIX_CODE_LEN; k++)
            lower[k] = code[k] >= 'A' ? (char)(code[k] - 'A' + 'a') : code[k];
        strcat(lower, " ");
        assert_true(prefix_read_code(lower, again));
        assert_string_equal(code, again);
    }
    assert_false(prefix_read_code("ABCDE", code));
    assert_false(prefix_read_code("ABCDEFG", code));
    assert_false(prefix_read_code("ABCDE F", code));
    assert_false(prefix_read_code("ABCDEF 1", code));
    assert_false(prefix_read_code("ABCDEI", code));
    assert_false(prefix_read_code("ABCD\xc3\xa9", code));
    assert_false(prefix_read_code("", code));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_what_is_one), cmocka_unit_test(test_finding),
        cmocka_unit_test(test_arguments),   cmocka_unit_test(test_values),
        cmocka_unit_test(test_usage),       cmocka_unit_test(test_codes),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
