/* What came of REST calls, by name. */
#include "cmocka_all.h"

#include <string.h>

#include "presence/outcome.h"

static const struct {
    int status, code;
    bool bot_token, sent;
    const char *expected;
} rows[] = {
    {200, 0, true, true, "ok"},
    {201, 0, true, true, "ok"},
    {204, 0, true, true, "ok"},
    {200, 50013, true, true, "ok"}, /* a key of that name in a success is no error */
    {202, 110000, true, true, "not_ready"},
    {202, 0, true, true, "ok"},
    {304, 0, true, true, "unexpected"},
    {100, 0, true, true, "unexpected"},
    {600, 0, true, true, "unexpected"},
    {0, 0, true, true, "no_answer"},
    {0, 0, true, false, "not_sent"},
    {401, 0, true, true, "unauthorized"},
    {401, 0, false, true, "token_expired"},
    {401, 40001, true, true, "unauthorized"},
    {401, 40001, false, true, "token_expired"},
    {401, 50027, true, true, "token_expired"},
    {401, 50027, false, true, "token_expired"},
    {403, 0, true, true, "forbidden"},
    {403, 50001, true, true, "no_access"},
    {403, 50013, true, true, "no_permission"},
    {403, 50007, true, true, "cannot_dm"},
    {400, 50007, true, true, "cannot_dm"},
    {403, 50278, true, true, "cannot_dm"},
    {403, 40003, true, true, "dm_too_fast"},
    {403, 60003, true, true, "needs_2fa"},
    {403, 40333, true, true, "agent_refused"},
    {404, 0, true, true, "not_found"},
    {404, 10003, true, true, "unknown_channel"},
    {404, 10004, true, true, "unknown_guild"},
    {400, 50055, true, true, "unknown_guild"},
    {404, 10007, true, true, "unknown_member"},
    {404, 10008, true, true, "unknown_message"},
    {404, 10011, true, true, "unknown_role"},
    {400, 50028, true, true, "unknown_role"},
    {404, 10013, true, true, "unknown_user"},
    {404, 10015, false, true, "token_expired"},
    {404, 10026, true, true, "unknown_ban"},
    {404, 10062, false, true, "interaction_late"},
    {404, 10063, true, true, "unknown_command"},
    {404, 10065, true, true, "unknown_voice_state"},
    {404, 99999, true, true, "not_found"},
    {400, 0, true, true, "bad_request"},
    {400, 50035, true, true, "bad_request"},
    {400, 50109, true, true, "bad_request"},
    {405, 0, true, true, "bad_request"},
    {400, 30005, true, true, "limit_reached"},
    {400, 30013, true, true, "limit_reached"},
    {400, 30034, true, true, "limit_reached"},
    {400, 30060, true, true, "limit_reached"},
    {400, 40094, false, true, "limit_reached"},
    {400, 30046, true, true, "rate_limited"},
    {413, 0, true, true, "too_large"},
    {413, 40005, true, true, "too_large"},
    {400, 50045, true, true, "too_large"},
    {400, 40060, false, true, "already_answered"},
    {400, 200000, true, true, "content_blocked"},
    {400, 240000, true, true, "content_blocked"},
    {400, 50083, true, true, "thread_archived"},
    {403, 160005, true, true, "thread_locked"},
    {403, 160002, true, true, "no_history"},
    {400, 50074, true, true, "channel_needed"},
    {429, 0, true, true, "rate_limited"},
    {429, 20028, true, true, "rate_limited"},
    {429, 50013, true, true, "rate_limited"}, /* a 429 is a 429 */
    {500, 0, true, true, "unavailable"},
    {502, 50013, true, true, "unavailable"},
    {503, 130000, true, true, "unavailable"},
};

static void test_outcomes(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        enum outcome o = outcome_of(rows[i].status, rows[i].code, rows[i].bot_token, rows[i].sent);

        if (strcmp(outcome_name(o), rows[i].expected))
            fail_msg("%d, %d: %s, expected %s", rows[i].status, rows[i].code, outcome_name(o),
                     rows[i].expected);
    }
    assert_string_equal(outcome_name((enum outcome)999), "unknown");
}

static void test_what_counts_as_invalid(void **state)
{
    static const struct {
        int status;
        bool shared, counts;
    } list[] = {
        {401, false, true},  {403, false, true},  {429, false, true},
        {429, true, false},  {404, false, false}, {400, false, false},
        {200, false, false}, {0, false, false},   {502, false, false},
    };

    (void)state;
    for (size_t i = 0; i < sizeof(list) / sizeof(list[0]); i++)
        assert_int_equal(outcome_counts_as_invalid(list[i].status, list[i].shared), list[i].counts);
}

static void test_trying_again(void **state)
{
    static const struct {
        enum outcome outcome;
        bool repeatable, once;
    } list[] = {
        {OUTCOME_NOT_SENT, true, true},        {OUTCOME_NO_ANSWER, true, false},
        {OUTCOME_UNAVAILABLE, true, false},    {OUTCOME_OK, false, false},
        {OUTCOME_NO_PERMISSION, false, false}, {OUTCOME_NOT_FOUND, false, false},
        {OUTCOME_UNAUTHORIZED, false, false},  {OUTCOME_BAD_REQUEST, false, false},
        {OUTCOME_UNEXPECTED, false, false},
    };
    static const struct {
        const char *method;
        enum outcome_repeat repeat;
    } methods[] = {
        {"GET", OUTCOME_REPEATABLE},   {"PUT", OUTCOME_REPEATABLE}, {"DELETE", OUTCOME_REPEATABLE},
        {"PATCH", OUTCOME_REPEATABLE}, {"POST", OUTCOME_ONCE},
    };

    (void)state;
    for (size_t i = 0; i < sizeof(list) / sizeof(list[0]); i++) {
        assert_int_equal(outcome_try_again(list[i].outcome, OUTCOME_REPEATABLE),
                         list[i].repeatable);
        assert_int_equal(outcome_try_again(list[i].outcome, OUTCOME_ONCE), list[i].once);
    }
    for (size_t i = 0; i < sizeof(methods) / sizeof(methods[0]); i++)
        assert_int_equal(outcome_repeat_of(methods[i].method), methods[i].repeat);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_outcomes),
        cmocka_unit_test(test_what_counts_as_invalid),
        cmocka_unit_test(test_trying_again),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
