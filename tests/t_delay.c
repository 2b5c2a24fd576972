/* Delay from arrival to commit: marks per lane, samples per worker. */
#include "tests/cmocka_all.h"

#include "worker/delay.h"

static void test_nothing_known(void **state)
{
    struct delay d = {.total = 0};

    (void)state;
    assert_int_equal(delay_percentile(&d, 50), -1);
}

static void test_marks_end_at_their_position(void **state)
{
    static struct delay d;
    struct delay_lane lane = {.count = 0};

    (void)state;
    delay_mark(&lane, 10, 1000);
    delay_mark(&lane, 20, 1050);
    delay_committed(&d, &lane, 9, (unixms_t){1100});
    assert_int_equal(d.total, 0);
    delay_committed(&d, &lane, 10, (unixms_t){1100});
    assert_int_equal(d.total, 1);
    assert_int_equal(delay_percentile(&d, 99), 100);
    delay_committed(&d, &lane, 25, (unixms_t){1040}); /* the clock went back */
    assert_int_equal(d.total, 2);
    assert_int_equal(delay_percentile(&d, 0), 0);
    assert_int_equal(lane.count, 0);
}

static void test_full_lane_leaves_events_out(void **state)
{
    static struct delay d;
    struct delay_lane lane = {.count = 0};

    (void)state;
    for (unsigned round = 0; round < 3; round++) {
        for (unsigned i = 1; i <= DELAY_MARKS + 5; i++)
            delay_mark(&lane, i, 0);
        assert_int_equal(lane.count, DELAY_MARKS);
        delay_committed(&d, &lane, DELAY_MARKS + 5, (unixms_t){7});
        assert_int_equal(lane.count, 0);
    }
    assert_int_equal(d.total, 3 * DELAY_MARKS);
}

static void test_percentiles_of_the_latest(void **state)
{
    static struct delay d;
    struct delay_lane lane = {.count = 0};

    (void)state;
    for (unsigned i = 0; i < DELAY_SAMPLES + 1000; i++) {
        delay_mark(&lane, i, 0);
        delay_committed(&d, &lane, i, (unixms_t){i});
    }
    assert_int_equal(delay_percentile(&d, 0), 1000);
    assert_int_equal(delay_percentile(&d, 50), 1000 + (DELAY_SAMPLES - 1) / 2);
    assert_int_equal(delay_percentile(&d, 100), DELAY_SAMPLES + 999);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_nothing_known),
        cmocka_unit_test(test_marks_end_at_their_position),
        cmocka_unit_test(test_full_lane_leaves_events_out),
        cmocka_unit_test(test_percentiles_of_the_latest),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
