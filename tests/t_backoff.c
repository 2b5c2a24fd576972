/* backoff: pauses double within bounds and start again after a reset. */
#include "presence/backoff.h"
#include "tests/cmocka_all.h"

static void doubles_within_bounds(void **state)
{
    (void)state;
    for (int round = 0; round < 200; round++) {
        struct backoff b;
        int64_t whole = 1000;

        backoff_init(&b, 1000, 60000);
        for (int i = 0; i < 100; i++) {
            int64_t got = backoff_next_ms(&b);

            assert_in_range(got, whole / 2, whole);
            whole = whole * 2 > 60000 ? 60000 : whole * 2;
        }
        backoff_reset(&b);
        assert_in_range(backoff_next_ms(&b), 500, 1000);
    }
}

static void failures_are_counted(void **state)
{
    struct backoff b;

    (void)state;
    backoff_init(&b, 10, 20);
    assert_int_equal(b.failures, 0);
    backoff_next_ms(&b);
    backoff_next_ms(&b);
    assert_int_equal(b.failures, 2);
    backoff_reset(&b);
    assert_int_equal(b.failures, 0);
}

static void jitter_reaches_all_below_its_bound(void **state)
{
    unsigned seen = 0;

    (void)state;
    for (int i = 0; i < 2000; i++)
        seen |= 1u << backoff_jitter_ms(4);
    assert_int_equal(seen, 15);
    assert_int_equal(backoff_jitter_ms(0), 0);
    assert_int_equal(backoff_jitter_ms(-5), 0);
    assert_int_equal(backoff_jitter_ms(1), 0);
}

static void huge_bounds_do_not_overflow(void **state)
{
    struct backoff b;

    (void)state;
    backoff_init(&b, INT64_C(1) << 60, INT64_MAX);
    for (int i = 0; i < 100; i++)
        assert_true(backoff_next_ms(&b) > 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(doubles_within_bounds),
        cmocka_unit_test(failures_are_counted),
        cmocka_unit_test(jitter_reaches_all_below_its_bound),
        cmocka_unit_test(huge_bounds_do_not_overflow),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
