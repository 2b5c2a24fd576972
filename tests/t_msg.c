/* msg: which headers are believed. */
#include <string.h>

#include "presence/msg.h"
#include "presence/route.h"
#include "tests/cmocka_all.h"

static const char *check(uint32_t size, uint16_t type, uint16_t lane)
{
    struct msg_header h = {.size = size, .type = type, .lane = lane};

    return msg_check(&h);
}

static void every_type_is_described(void **state)
{
    unsigned known = 0;

    (void)state;
    for (uint32_t type = 0; type <= UINT16_MAX; type++) {
        size_t fixed = msg_fixed_size((uint16_t)type);
        bool exists = (type >= MSG_CONF_PREPARE && type <= MSG_COGS_REPORT) ||
                      (type >= MSG_WORKER_READY && type <= MSG_COGS_ASK);

        assert_int_equal(fixed != SIZE_MAX, exists);
        assert_int_equal(strcmp(msg_name((uint16_t)type), "unknown") != 0, exists);
        if (!exists) {
            assert_non_null(check(1000, (uint16_t)type, 0));
            continue;
        }
        known++;
        assert_int_equal(fixed % 8, 0);
        assert_null(check((uint32_t)(16 + fixed), (uint16_t)type, LANES - 1));
        assert_non_null(check((uint32_t)(15 + fixed), (uint16_t)type, 0));
        assert_int_equal(check((uint32_t)(17 + fixed), (uint16_t)type, 0) == NULL,
                         msg_has_tail((uint16_t)type));
    }
    assert_int_equal(known, 40);
}

static void bounds(void **state)
{
    (void)state;
    assert_null(check(MSG_SIZE_MAX, MSG_EVENT, 0));
    assert_non_null(strstr(check(MSG_SIZE_MAX + 1, MSG_EVENT, 0), "larger"));
    assert_non_null(strstr(check(UINT32_MAX, MSG_EVENT, 0), "larger"));
    assert_non_null(strstr(check(0, MSG_EVENT, 0), "shorter"));
    assert_non_null(strstr(check(100, MSG_EVENT, LANES), "lane"));
    assert_non_null(strstr(check(100, 999, 0), "unknown"));
    assert_non_null(strstr(check(100, MSG_DRAIN, 0), "fixed size"));
}

static void padding(void **state)
{
    (void)state;
    assert_int_equal(MSG_PADDED(16), 16);
    assert_int_equal(MSG_PADDED(17), 24);
    assert_int_equal(MSG_PADDED(24), 24);
    assert_int_equal(MSG_PADDED(UINT32_MAX), UINT64_C(0x100000000));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_type_is_described),
        cmocka_unit_test(bounds),
        cmocka_unit_test(padding),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
