/* clock: the text form of a time, both ways, and the clocks a test can set. */
#include <string.h>

#include "presence/clock.h"
#include "tests/cmocka_all.h"

static const struct {
    int64_t ms;
    const char *text;
} instants[] = {
    {0, "1970-01-01T00:00:00.000Z"},
    {-1, "1969-12-31T23:59:59.999Z"},
    {1, "1970-01-01T00:00:00.001Z"},
    {951782400000, "2000-02-29T00:00:00.000Z"},
    {1709251199999, "2024-02-29T23:59:59.999Z"},
    {1709251200000, "2024-03-01T00:00:00.000Z"},
    {4107542400000, "2100-03-01T00:00:00.000Z"},
    {1420070400000, "2015-01-01T00:00:00.000Z"},
    {-62135596800000, "0001-01-01T00:00:00.000Z"},
    {253402300799999, "9999-12-31T23:59:59.999Z"},
};

static void prints_and_parses(void **state)
{
    char text[CLOCK_RFC3339_SIZE];
    unixms_t t;

    (void)state;
    for (size_t i = 0; i < sizeof(instants) / sizeof(instants[0]); i++) {
        clock_rfc3339((unixms_t){instants[i].ms}, text);
        assert_string_equal(text, instants[i].text);
        assert_int_equal(clock_parse_rfc3339(text, strlen(text), &t), 0);
        assert_int_equal(t.ms, instants[i].ms);
    }
}

static void every_day_of_four_centuries_comes_back(void **state)
{
    char text[CLOCK_RFC3339_SIZE];
    unixms_t t;

    (void)state;
    for (int64_t day = -11000; day < 146097 + 11000; day++) {
        clock_rfc3339((unixms_t){day * 86400000 + 12345678}, text);
        assert_int_equal(clock_parse_rfc3339(text, strlen(text), &t), 0);
        assert_int_equal(t.ms, day * 86400000 + 12345678);
    }
}

static void clamps_far_times(void **state)
{
    char text[CLOCK_RFC3339_SIZE];

    (void)state;
    clock_rfc3339((unixms_t){INT64_MAX}, text);
    assert_string_equal(text, "9999-12-31T23:59:59.999Z");
    clock_rfc3339((unixms_t){INT64_MIN}, text);
    assert_string_equal(text, "0001-01-01T00:00:00.000Z");
}

static void parses_what_discord_sends(void **state)
{
    static const struct {
        const char *text;
        int64_t ms;
    } good[] = {
        {"2015-04-26T06:26:56.936000+00:00", 1430029616936},
        {"2021-08-05T00:00:00+00:00", 1628121600000},
        {"2021-08-05T02:00:00.5+02:00", 1628121600500},
        {"2021-08-04T18:30:00.999999-05:30", 1628121600999},
        {"2021-08-05t00:00:00z", 1628121600000},
        {"2016-12-31T23:59:60Z", 1483228800000},
    };
    unixms_t t;

    (void)state;
    for (size_t i = 0; i < sizeof(good) / sizeof(good[0]); i++) {
        assert_int_equal(clock_parse_rfc3339(good[i].text, strlen(good[i].text), &t), 0);
        assert_int_equal(t.ms, good[i].ms);
    }
}

static void refuses_the_rest(void **state)
{
    static const char *const bad[] = {
        "",
        "2021",
        "2021-08-05",
        "2021-08-05T00:00:00",
        "2021-08-05T00:00Z",
        "2021-13-05T00:00:00Z",
        "2021-02-29T00:00:00Z",
        "1900-02-29T00:00:00Z",
        "2021-00-10T00:00:00Z",
        "2021-01-00T00:00:00Z",
        "0000-01-01T00:00:00Z",
        "2021-08-05T24:00:00Z",
        "2021-08-05T00:60:00Z",
        "2021-08-05T00:00:61Z",
        "2021-08-05T00:00:00.Z",
        "2021-08-05T00:00:00+0000",
        "2021-08-05T00:00:00+24:00",
        "2021-08-05T00:00:00Zx",
        "-021-08-05T00:00:00Z",
        "2021-08-05X00:00:00Z",
        " 2021-08-05T00:00:00Z",
    };
    unixms_t t;

    (void)state;
    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
        assert_int_equal(clock_parse_rfc3339(bad[i], strlen(bad[i]), &t), -1);
}

static void never_reads_past_the_length(void **state)
{
    static const char text[] = "2021-08-05T00:00:00.123Z";
    unixms_t t;

    (void)state;
    for (size_t len = 0; len < sizeof(text) - 1; len++)
        assert_int_equal(clock_parse_rfc3339(text, len, &t), -1);
    assert_int_equal(clock_parse_rfc3339(text, sizeof(text) - 1, &t), 0);
}

static void clocks_can_be_set(void **state)
{
    unixms_t wall = {1000};
    monoms_t mono = {2000};

    (void)state;
    clock_set_for_test(&wall, &mono);
    assert_int_equal(clock_unix().ms, 1000);
    assert_int_equal(clock_mono().ms, 2000);
    assert_int_equal(clock_mono_coarse().ms, 2000);
    clock_set_for_test(NULL, NULL);
    assert_true(clock_unix().ms > 1600000000000);
    int64_t coarse = clock_mono_coarse().ms, fine = clock_mono().ms;
    assert_in_range(fine - coarse + 1, 0, 1000);
}

static void known_and_later(void **state)
{
    (void)state;
    assert_false(unixms_known(UNIXMS_NONE));
    assert_true(unixms_known((unixms_t){-1}));
    assert_int_equal(unixms_max((unixms_t){3}, (unixms_t){5}).ms, 5);
    assert_int_equal(unixms_max((unixms_t){5}, (unixms_t){3}).ms, 5);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(prints_and_parses),
        cmocka_unit_test(every_day_of_four_centuries_comes_back),
        cmocka_unit_test(clamps_far_times),
        cmocka_unit_test(parses_what_discord_sends),
        cmocka_unit_test(refuses_the_rest),
        cmocka_unit_test(never_reads_past_the_length),
        cmocka_unit_test(clocks_can_be_set),
        cmocka_unit_test(known_and_later),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
