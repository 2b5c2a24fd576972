/* Durations: what people write, what is refused and where, what is printed, which date it means. */
#include "cmocka_all.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "presence/duration.h"

#define DAY  DURATION_DAY_MS
#define HOUR DURATION_HOUR_MS

/* --- what is understood ------------------------------------------------------------------- */

static const struct {
    const char *text;
    int64_t ms;
} good[] = {
    {"12h", 12 * HOUR},
    {"30d", 30 * DAY},
    {"6w", 42 * DAY},
    {"3mo", 90 * DAY},
    {"1y", 365 * DAY},
    {"36h", 36 * HOUR},
    {"5y", 1825 * DAY},
    {"12mo", 360 * DAY}, /* a year is not twelve months */
    {"0s", 0},
    {"0d", 0},
    {"007d", 7 * DAY},
    {"500ms", 500},
    {"90min", 90 * 60000},
    {"1d12h", 36 * HOUR},
    {"1d 12h", 36 * HOUR},
    {" 30 d ", 30 * DAY},
    {"\t30\td", 30 * DAY},
    {"30D", 30 * DAY},
    {"3MO", 90 * DAY},
    {"2 Weeks", 14 * DAY},
    {"1 year 1 month 1 week 1 day 1 hour 1 minute 1 second 1 ms",
     403 * DAY + HOUR + 60000 + 1000 + 1},
    {"1y1d", 366 * DAY},
    {"100y", DURATION_MAX_MS},
    {"876000h", DURATION_MAX_MS},
    {"3153600000000ms", DURATION_MAX_MS},
};

static void test_understood(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof(good) / sizeof(good[0]); i++) {
        struct duration_fault fault = {0, ""};
        duration_t d = {-1};

        if (duration_parse(good[i].text, strlen(good[i].text), &d, &fault) != 0)
            fail_msg("\"%s\": at %zu expected %s", good[i].text, fault.at, fault.expected);
        if (d.ms != good[i].ms)
            fail_msg("\"%s\": %lld", good[i].text, (long long)d.ms);
    }
}

/* --- what is refused ---------------------------------------------------------------------- */

#define NUMBER "a whole number"
#define UNIT   "a unit: y, mo, w, d, h, min, s or ms"
#define ORDER  "each unit once, the largest first"
#define RANGE  "at most 100 years"
#define MINUTE "min for minutes or mo for months"

static const struct {
    const char *text;
    size_t at;
    const char *expected;
} bad[] = {
    {"", 0, NUMBER},
    {"  ", 2, NUMBER},
    {"d", 0, NUMBER},
    {"forever", 0, NUMBER},
    {"-1d", 0, NUMBER},
    {"+1d", 0, NUMBER},
    {"1.5d", 1, UNIT},
    {"1,5d", 1, UNIT},
    {"1e3d", 1, UNIT},
    {"0x10d", 1, UNIT},
    {"30", 2, UNIT},
    {"30 ", 3, UNIT},
    {"1d2", 3, UNIT},
    {"3m", 1, MINUTE}, /* months, or minutes? */
    {"3M", 1, MINUTE},
    {"1d 3m", 4, MINUTE},
    {"3mon", 1, UNIT},
    {"1dd", 1, UNIT},
    {"1fortnight", 1, UNIT},
    {"1d,2h", 2, NUMBER},
    {"1d;DROP TABLE", 2, NUMBER},
    {"12h1d", 4, ORDER},
    {"1d1d", 3, ORDER},
    {"1d1days", 3, ORDER},
    {"101y", 0, RANGE},
    {"100y1ms", 4, RANGE},
    {"3153600000001ms", 0, RANGE},
    {"18446744073709551617d", 0, RANGE}, /* 2^64 + 1 */
    {"9223372036854775807y", 0, RANGE},
    {"99999999999999999999999999999999999999d", 0, RANGE},
    {"1\xc2\xa0"
     "d",
     1, UNIT}, /* a no-break space */
    {"\xe2\x80\x8b"
     "1d",
     0, NUMBER}, /* a zero-width space */
    {"\xd9\xa3"
     "d",
     0, NUMBER}, /* an Arabic digit */
    {"1\xff", 1, UNIT},
    {"1d\n", 2, NUMBER},
    {"<t:1700000000:R>", 0, NUMBER},
};

static void test_refused(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
        struct duration_fault fault = {99, ""};
        duration_t d = {4711};

        if (duration_parse(bad[i].text, strlen(bad[i].text), &d, &fault) == 0)
            fail_msg("\"%s\" was taken for %lld", bad[i].text, (long long)d.ms);
        if (fault.at != bad[i].at || strcmp(fault.expected, bad[i].expected) != 0)
            fail_msg("\"%s\": at %zu expected %s", bad[i].text, fault.at, fault.expected);
        assert_int_equal(d.ms, 4711);
    }
}

/* Bytes of all kinds, without a terminator behind them: never read past the end, never a value out
 * of range, and a NUL is no end. */
static void test_hostile(void **state)
{
    static const char alphabet[] = "0123456789ymowdhins -.\0\xff";
    struct duration_fault fault;
    duration_t d;
    char *huge = malloc(10000);

    (void)state;
    srandom(1);
    for (int round = 0; round < 200000; round++) {
        size_t len = (size_t)random() % 12;
        char *text = malloc(len ? len : 1);

        for (size_t i = 0; i < len; i++)
            text[i] = alphabet[(size_t)random() % (sizeof(alphabet) - 1)];
        if (duration_parse(text, len, &d, &fault) == 0)
            assert_true(d.ms >= 0 && d.ms <= DURATION_MAX_MS);
        else
            assert_true(fault.at <= len && fault.expected[0]);
        free(text);
    }
    assert_non_null(huge);
    memset(huge, '9', 10000);
    assert_int_equal(duration_parse(huge, 10000, &d, &fault), -1);
    memset(huge, '0', 10000);
    huge[9999] = 'd';
    assert_int_equal(duration_parse(huge, 10000, &d, &fault), 0);
    assert_int_equal(d.ms, 0);
    free(huge);
    assert_int_equal(duration_parse("1d\0", 3, &d, &fault), -1);
    assert_int_equal(fault.at, 2);
}

/* --- printing ----------------------------------------------------------------------------- */

static const struct {
    int64_t ms;
    const char *text;
} printed[] = {
    {0, "0s"},
    {1, "1ms"},
    {500, "500ms"},
    {1000, "1s"},
    {1500, "1s500ms"},
    {90 * 60000, "90min"},
    {36 * HOUR, "36h"},
    {7 * DAY, "7d"},
    {30 * DAY, "30d"},
    {400 * DAY, "400d"},
    {365 * DAY, "1y"},
    {1825 * DAY, "5y"},
    {1000 * DAY, "2y270d"},
    {DAY + 1000, "1d1s"},
    {DURATION_MAX_MS, "100y"},
    {DURATION_MAX_MS - 1, "99y364d23h59min59s999ms"},
    {INT64_MAX, "100y"},
    {-1, "0s"},
};

static void test_printed(void **state)
{
    char out[DURATION_TEXT_SIZE];

    (void)state;
    for (size_t i = 0; i < sizeof(printed) / sizeof(printed[0]); i++) {
        assert_int_equal(duration_print((duration_t){printed[i].ms}, out), strlen(printed[i].text));
        assert_string_equal(out, printed[i].text);
    }
}

/* Whatever is printed is read as the same. */
static void test_there_and_back(void **state)
{
    char out[DURATION_TEXT_SIZE];
    struct duration_fault fault;
    duration_t d;

    (void)state;
    srandom(2);
    for (int round = 0; round < 200000; round++) {
        static const int64_t steps[] = {1, 1000, 60000, HOUR, DAY, 365 * DAY};
        int64_t step = steps[random() % 6];
        int64_t ms = (int64_t)(((uint64_t)random() << 31 | (uint64_t)random()) %
                               (uint64_t)(DURATION_MAX_MS / step + 1)) *
                     step;
        size_t len = duration_print((duration_t){ms}, out);

        assert_true(len < DURATION_TEXT_SIZE);
        if (duration_parse(out, len, &d, &fault) != 0 || d.ms != ms)
            fail_msg("%lld was printed as %s", (long long)ms, out);
    }
}

/* --- dates -------------------------------------------------------------------------------- */

static void assert_date(unixms_t t, const char *date)
{
    char out[CLOCK_RFC3339_SIZE];

    clock_rfc3339(t, out);
    assert_string_equal(out, date);
}

static void test_dates(void **state)
{
    unixms_t t;

    (void)state;
    assert_int_equal(clock_parse_rfc3339("2026-11-23T16:00:00.250Z", 24, &t), 0);
    assert_date(duration_after((duration_t){90 * DAY}, t), "2027-02-21T16:00:00.250Z");
    assert_date(duration_after((duration_t){365 * DAY}, t), "2027-11-23T16:00:00.250Z");
    assert_date(duration_before((duration_t){36 * HOUR}, t), "2026-11-22T04:00:00.250Z");
    assert_date(duration_after((duration_t){0}, t), "2026-11-23T16:00:00.250Z");
    /* A year is 365 days, in leap years too. */
    assert_int_equal(clock_parse_rfc3339("2028-01-01T00:00:00.000Z", 24, &t), 0);
    assert_date(duration_after((duration_t){365 * DAY}, t), "2028-12-31T00:00:00.000Z");
}

static void test_dates_out_of_range(void **state)
{
    const unixms_t last = {253402300799999};

    (void)state;
    assert_false(unixms_known(duration_after((duration_t){DAY}, UNIXMS_NONE)));
    assert_false(unixms_known(duration_before((duration_t){DAY}, UNIXMS_NONE)));
    assert_true(unixms_known(duration_after((duration_t){0}, last)));
    assert_false(unixms_known(duration_after((duration_t){1}, last)));
    assert_false(unixms_known(duration_after((duration_t){INT64_MAX}, last)));
    assert_false(unixms_known(duration_after((duration_t){1}, (unixms_t){INT64_MAX})));
    assert_false(unixms_known(duration_before((duration_t){DAY}, (unixms_t){DAY})));
    assert_false(unixms_known(duration_before((duration_t){INT64_MAX}, (unixms_t){INT64_MIN})));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_understood),
        cmocka_unit_test(test_refused),
        cmocka_unit_test(test_hostile),
        cmocka_unit_test(test_printed),
        cmocka_unit_test(test_there_and_back),
        cmocka_unit_test(test_dates),
        cmocka_unit_test(test_dates_out_of_range),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
