/* Prepared statements of a connection: numbers of texts, who makes room. */
#include "link/pg_prepared.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

static void test_numbers(void **state)
{
    static const char *const texts[] = {
        "",         "S",        "SELECT 1",       "SELECT 2",        "SELECT 1 ", "SELECT 11",
        "\x01",     "\x01\x01", "SELECT 1234567", "SELECT 12345678", "1234567",   "12345671234567",
        "1234567 ",
    };
    enum { N = sizeof(texts) / sizeof(texts[0]) };

    (void)state;
    for (uint64_t key = 0; key < 1000; key++)
        for (size_t i = 0; i < N; i++) {
            uint64_t id = pg_prepared_id(key * UINT64_C(0x9e3779b97f4a7c15), texts[i]);

            assert_true(id > 0 && id < UINT64_MAX);
            for (size_t j = 0; j < i; j++)
                assert_true(id != pg_prepared_id(key * UINT64_C(0x9e3779b97f4a7c15), texts[j]));
        }
    assert_true(pg_prepared_id(1, "SELECT 1") == pg_prepared_id(1, "SELECT 1"));
    assert_true(pg_prepared_id(1, "SELECT 1") != pg_prepared_id(2, "SELECT 1"));
}

/* Of all texts that differ in two bytes, none gets another's number; the sum over a long text is
 * not lost in the reduction. */
static void test_numbers_of_near_texts(void **state)
{
    enum { N = 20000 };
    static uint64_t ids[N];
    char text[64];

    (void)state;
    for (size_t i = 0; i < N; i++) {
        snprintf(text, sizeof(text), "SELECT a%05zu FROM t WHERE b = $1 AND c = $2 ORDER BY d", i);
        ids[i] = pg_prepared_id(UINT64_MAX, text);
    }
    for (size_t i = 0; i < N; i += 97)
        for (size_t j = 0; j < i; j++)
            assert_true(ids[i] != ids[j]);
}

static void test_the_longest_unused_goes(void **state)
{
    struct pg_prepared *p = calloc(1, sizeof(*p));
    uint64_t since;

    (void)state;
    for (uint64_t id = 1; id <= PG_PREPARED_MAX; id++) {
        assert_false(pg_prepared_use(p, id));
        assert_int_equal(pg_prepared_victim(p, 1, p->uses), 0);
        pg_prepared_add(p, id);
    }
    assert_true(pg_prepared_use(p, 1));
    since = p->uses;
    assert_true(pg_prepared_use(p, 2)); /* by the job under way: it stays */
    assert_int_equal(pg_prepared_victim(p, 1, since), 3);
    assert_false(pg_prepared_use(p, 3)); /* on its way out */
    assert_int_equal(pg_prepared_victim(p, 1, since), 0);
    assert_int_equal(pg_prepared_victim(p, 2, since), 4);
    pg_prepared_remove(p, 3);
    pg_prepared_add(p, 1000);
    assert_true(pg_prepared_use(p, 1000));
    pg_prepared_settle(p); /* the job failed: 4 is still there */
    assert_true(pg_prepared_use(p, 4));
    assert_int_equal(p->n, PG_PREPARED_MAX);
    free(p);
}

static void test_a_job_of_more_statements_than_there_is_room_for(void **state)
{
    struct pg_prepared *p = calloc(1, sizeof(*p));

    (void)state;
    for (uint64_t id = 1; id <= PG_PREPARED_MAX; id++)
        pg_prepared_add(p, id);
    for (uint64_t id = 1; id <= PG_PREPARED_MAX; id++)
        assert_true(pg_prepared_use(p, id));
    assert_true(pg_prepared_victim(p, 1, PG_PREPARED_MAX) == UINT64_MAX);
    free(p);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_numbers),
        cmocka_unit_test(test_numbers_of_near_texts),
        cmocka_unit_test(test_the_longest_unused_goes),
        cmocka_unit_test(test_a_job_of_more_statements_than_there_is_room_for),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
