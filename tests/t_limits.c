/* Rate limits learnt from answers. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "presence/limits.h"

#define ROUTE "GET /guilds/:id/members/:id"

static struct limits_answer ok(int remaining, double reset_after_sec)
{
    struct limits_answer a = {.status = 200,
                              .limit = 2,
                              .remaining = remaining,
                              .reset_after_sec = reset_after_sec,
                              .retry_after_sec = -1};

    strcpy(a.bucket, "abc");
    return a;
}

static int set_up(void **state)
{
    *state = limits_new();
    return 0;
}

static int tear_down(void **state)
{
    struct limits *l = *state;

    limits_free(&l);
    return 0;
}

static void test_unknown_route_lets_one_through(void **state)
{
    struct limits_answer a = ok(1, 1.0);

    assert_int_equal(limits_take(*state, ROUTE, 1, 0), 0);
    assert_int_equal(limits_take(*state, ROUTE, 1, 0), LIMITS_UNTIL_ANSWER);
    assert_int_equal(limits_take(*state, ROUTE, 2, 0), 0); /* another guild: another limiter */
    limits_learn(*state, ROUTE, 1, &a, 10);
    assert_int_equal(limits_take(*state, ROUTE, 1, 10), 0);
}

static void test_waits_for_the_reset(void **state)
{
    struct limits_answer a = ok(1, 1.0);
    int64_t wait;

    assert_int_equal(limits_take(*state, ROUTE, 1, 0), 0);
    limits_learn(*state, ROUTE, 1, &a, 0);
    assert_int_equal(limits_take(*state, ROUTE, 1, 0), 0);
    wait = limits_take(*state, ROUTE, 1, 0);
    assert_in_range(wait, 1000, 1001);
    /* After it the whole limit is there again: two, not more. */
    assert_int_equal(limits_take(*state, ROUTE, 1, wait), 0);
    assert_int_equal(limits_take(*state, ROUTE, 1, wait), 0);
    assert_int_not_equal(limits_take(*state, ROUTE, 1, wait), 0);
}

static void test_obeys_retry_after_before_remaining(void **state)
{
    struct limits_answer a = ok(5, 0.5);
    int64_t wait;

    a.status = 429;
    a.retry_after_sec = 64.57;
    assert_int_equal(limits_take(*state, ROUTE, 1, 0), 0);
    limits_learn(*state, ROUTE, 1, &a, 0);
    wait = limits_take(*state, ROUTE, 1, 0);
    assert_in_range(wait, 64570, 64571);
    assert_int_equal(limits_take(*state, "GET /users/:id", 0, 0), 0);
}

static void test_global_stops_everything(void **state)
{
    struct limits_answer a = {.status = 429,
                              .limit = -1,
                              .remaining = -1,
                              .reset_after_sec = -1,
                              .retry_after_sec = 2,
                              .global = true};

    assert_int_equal(limits_take(*state, ROUTE, 1, 0), 0);
    limits_learn(*state, ROUTE, 1, &a, 0);
    assert_in_range(limits_take(*state, "GET /users/:id", 0, 0), 2000, 2001);
    assert_int_equal(limits_take(*state, "GET /users/:id", 0, 2001), 0);
}

static void test_routes_of_one_bucket_share_it(void **state)
{
    struct limits_answer a = ok(1, 1.0), none = ok(0, 1.0);

    assert_int_equal(limits_take(*state, ROUTE, 1, 0), 0);
    limits_learn(*state, ROUTE, 1, &a, 0);
    assert_int_equal(limits_take(*state, "GET /other", 1, 0), 0);
    limits_learn(*state, "GET /other", 1, &none, 0);
    assert_int_not_equal(limits_take(*state, "GET /other", 1, 0), 0);
}

static void test_no_answer_frees_the_place(void **state)
{
    struct limits_answer none = {
        .status = 0, .limit = -1, .remaining = -1, .reset_after_sec = -1, .retry_after_sec = -1};

    assert_int_equal(limits_take(*state, ROUTE, 1, 0), 0);
    limits_learn(*state, ROUTE, 1, &none, 5);
    assert_int_equal(limits_take(*state, ROUTE, 1, 5), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
#define T(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)
        T(test_unknown_route_lets_one_through),     T(test_waits_for_the_reset),
        T(test_obeys_retry_after_before_remaining), T(test_global_stops_everything),
        T(test_routes_of_one_bucket_share_it),      T(test_no_answer_frees_the_place),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
