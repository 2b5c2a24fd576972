#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "worker/pace.h"

#define FLUSH_MS 250
#define BUSY     (FLUSH_MS * PACE_BUSY_PER_MS)

static void a_calm_worker_flushes_each_time(void **state)
{
    struct pace pace = {0};

    (void)state;
    for (uint64_t logged = BUSY - 1; logged < 20 * BUSY; logged += BUSY - 1)
        assert_false(pace_put_off(&pace, logged, FLUSH_MS));
    assert_false(pace_put_off(&pace, pace.logged, FLUSH_MS));
}

static void a_busy_one_flushes_once_a_second(void **state)
{
    struct pace pace = {0};
    unsigned flushes = 0;

    (void)state;
    for (uint64_t i = 1; i <= 40; i++)
        flushes += !pace_put_off(&pace, i * BUSY, FLUSH_MS);
    assert_int_equal(flushes, 40 * FLUSH_MS / PACE_WAIT_MAX_MS);
}

static void the_first_calm_moment_ends_it(void **state)
{
    struct pace pace = {0};

    (void)state;
    assert_true(pace_put_off(&pace, BUSY, FLUSH_MS));
    assert_int_equal(pace.waited_ms, FLUSH_MS);
    assert_false(pace_put_off(&pace, BUSY + 10, FLUSH_MS));
    assert_int_equal(pace.waited_ms, 0);
}

static void a_long_interval_is_never_put_off(void **state)
{
    struct pace pace = {0};

    (void)state;
    for (uint64_t i = 1; i <= 5; i++)
        assert_false(pace_put_off(&pace, i << 40, PACE_WAIT_MAX_MS / 2 + 1));
}

static void lanes_that_went_away_are_no_records(void **state)
{
    struct pace pace = {.logged = 100 * BUSY};

    (void)state;
    assert_false(pace_put_off(&pace, BUSY, FLUSH_MS));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_calm_worker_flushes_each_time),
        cmocka_unit_test(a_busy_one_flushes_once_a_second),
        cmocka_unit_test(the_first_calm_moment_ends_it),
        cmocka_unit_test(a_long_interval_is_never_put_off),
        cmocka_unit_test(lanes_that_went_away_are_no_records),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
