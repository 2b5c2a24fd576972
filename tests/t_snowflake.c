/* snowflake and route: text form, time, lane and shard. */
#include <string.h>

#include "presence/route.h"
#include "presence/snowflake.h"
#include "tests/cmocka_all.h"

static void parses_and_prints(void **state)
{
    static const struct {
        const char *text;
        uint64_t id;
    } cases[] = {
        {"0", 0},
        {"7", 7},
        {"175928847299117063", 175928847299117063},
        {"18446744073709551615", UINT64_MAX},
        {"10000000000000000000", UINT64_C(10000000000000000000)},
    };
    char text[SNOWFLAKE_TEXT_SIZE];
    snowflake_t s;

    (void)state;
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        assert_int_equal(snowflake_parse(cases[i].text, strlen(cases[i].text), &s), 0);
        assert_true(s.id == cases[i].id);
        assert_int_equal(snowflake_print(s, text), strlen(cases[i].text));
        assert_string_equal(text, cases[i].text);
    }
}

static void refuses_the_rest(void **state)
{
    static const char *const bad[] = {
        "",
        " 1",
        "1 ",
        "-1",
        "+1",
        "0x1",
        "1.0",
        "18446744073709551616",
        "a",
        "1e3",
        "\"1\"",
        "99999999999999999999",
        "000000000000000000001",
    };
    snowflake_t s;

    (void)state;
    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
        assert_int_equal(snowflake_parse(bad[i], strlen(bad[i]), &s), -1);
    assert_int_equal(snowflake_parse("1\0002", 3, &s), -1);
}

static void knows_its_time(void **state)
{
    (void)state;
    /* The example in Discord's documentation. */
    assert_int_equal(snowflake_time((snowflake_t){175928847299117063}).ms, 1462015105796);
    assert_int_equal(snowflake_time((snowflake_t){1}).ms, SNOWFLAKE_EPOCH_MS);
}

static void known_and_equal(void **state)
{
    (void)state;
    assert_false(snowflake_known(SNOWFLAKE_NONE));
    assert_true(snowflake_known((snowflake_t){1}));
    assert_true(snowflake_equal((snowflake_t){5}, (snowflake_t){5}));
    assert_false(snowflake_equal((snowflake_t){5}, (snowflake_t){6}));
}

/* These values are part of what is stored: a change would move guilds between lanes. */
static void lanes_never_change(void **state)
{
    static const struct {
        uint64_t guild;
        unsigned lane;
    } cases[] = {
        {0, 0}, {1, 44}, {41771983423143937, 50}, {1100000000000000000, 11}, {UINT64_MAX, 33},
    };

    (void)state;
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++)
        assert_int_equal(route_lane((snowflake_t){cases[i].guild}), cases[i].lane);
}

static void lanes_share_guilds_evenly(void **state)
{
    unsigned count[LANES] = {0};

    (void)state;
    for (uint64_t i = 0; i < 64000; i++)
        count[route_lane((snowflake_t){(i * 977 + 1) << 22})]++;
    for (unsigned lane = 0; lane < LANES; lane++)
        assert_in_range(count[lane], 800, 1200);
}

static void shards_as_discord_says(void **state)
{
    (void)state;
    assert_int_equal(route_shard((snowflake_t){UINT64_C(5) << 22}, 4), 1);
    assert_int_equal(route_shard((snowflake_t){(UINT64_C(7) << 22) + 4194303}, 4), 3);
    assert_int_equal(route_shard(SNOWFLAKE_NONE, 16), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(parses_and_prints),      cmocka_unit_test(refuses_the_rest),
        cmocka_unit_test(knows_its_time),         cmocka_unit_test(known_and_equal),
        cmocka_unit_test(lanes_never_change),     cmocka_unit_test(lanes_share_guilds_evenly),
        cmocka_unit_test(shards_as_discord_says),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
