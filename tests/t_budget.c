/* What the bot's processes share towards Discord: the global limit, the count of invalid requests.
 */
#include "cmocka_all.h"

#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include "presence/budget.h"

#define SEC_US INT64_C(1000000)
#define START  (INT64_C(5000) * SEC_US)

/* Sends as soon as it may, for `sec` seconds; the moments go to sent_us. Returns how many. */
static size_t send_greedily(struct budget *b, enum budget_lane lane, int64_t sec, int64_t *sent_us)
{
    size_t n = 0;

    for (int64_t now_us = START; now_us < START + sec * SEC_US;) {
        int64_t wait_ms = budget_take(b, lane, now_us);

        if (wait_ms == 0)
            sent_us[n++] = now_us;
        else
            now_us += wait_ms * 1000;
    }
    return n;
}

static size_t most_in_a_second(const int64_t *sent_us, size_t n)
{
    size_t most = 0, from = 0;

    for (size_t i = 0; i < n; i++) {
        while (sent_us[i] - sent_us[from] >= SEC_US)
            from++;
        if (i - from + 1 > most)
            most = i - from + 1;
    }
    return most;
}

static void test_no_second_sees_too_many(void **state)
{
    static const struct {
        enum budget_lane lane;
        size_t most;
    } rows[] = {
        {BUDGET_ANSWERS, BUDGET_PER_SECOND + BUDGET_BURST + 1},
        {BUDGET_BULK, BUDGET_PER_SECOND + BUDGET_BURST_BULK + 1},
    };

    (void)state;
    for (size_t i = 0; i < 2; i++) {
        struct budget b = {0};
        int64_t sent_us[2000];
        size_t n = send_greedily(&b, rows[i].lane, 10, sent_us);

        assert_in_range(n, 10 * BUDGET_PER_SECOND - 1, 10 * BUDGET_PER_SECOND + BUDGET_BURST + 1);
        assert_in_range(most_in_a_second(sent_us, n), BUDGET_PER_SECOND, rows[i].most);
        assert_true(most_in_a_second(sent_us, n) < 50);
    }
}

static void test_bulk_leaves_room_for_answers(void **state)
{
    struct budget b = {0};

    (void)state;
    while (budget_take(&b, BUDGET_BULK, START) == 0)
        ;
    for (int i = 0; i < BUDGET_BURST - BUDGET_BURST_BULK; i++)
        assert_int_equal(budget_take(&b, BUDGET_ANSWERS, START), 0);
    assert_true(budget_take(&b, BUDGET_ANSWERS, START) > 0);
    /* And waiting as long as told is enough. */
    assert_int_equal(
        budget_take(&b, BUDGET_ANSWERS, START + 1000 * budget_take(&b, BUDGET_ANSWERS, START)), 0);
}

static void test_a_word_of_an_older_boot_is_past(void **state)
{
    struct budget b = {0};

    (void)state;
    b.next_us = START + 3600 * SEC_US;
    b.blocked_until_ms[BUDGET_GLOBAL] = START;
    assert_int_equal(budget_take(&b, BUDGET_BULK, START), 0);
    assert_int_equal(budget_blocked(&b, BUDGET_GLOBAL, 1000), 0);
    budget_block(&b, BUDGET_GLOBAL, 2000, 1000);
    assert_int_equal(budget_blocked(&b, BUDGET_GLOBAL, 1000), 2000);
}

static void test_blocks(void **state)
{
    static const struct {
        int64_t for_ms, at_ms, asked_ms, left_ms;
    } rows[] = {
        {5000, 1000, 1000, 5000}, {1000, 1500, 1500, 4500}, /* the longer one stays */
        {9000, 2000, 2000, 9000}, {0, 3000, 3000, 8000},
        {1, 10999, 11000, 0},     {INT64_MAX / 2, 20000, 20000, 86400000},
    };
    struct budget b = {0};

    (void)state;
    assert_int_equal(budget_blocked(&b, BUDGET_GLOBAL, 1000), 0);
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        budget_block(&b, BUDGET_GLOBAL, rows[i].for_ms, rows[i].at_ms);
        assert_int_equal(budget_blocked(&b, BUDGET_GLOBAL, rows[i].asked_ms), rows[i].left_ms);
        assert_int_equal(budget_blocked(&b, BUDGET_BAN, rows[i].asked_ms), 0);
    }
    budget_block(&b, BUDGET_BAN, 5, 1000);
    assert_int_equal(budget_blocked(&b, BUDGET_BAN, 1000), 5);
}

/* --- processes -------------------------------------------------------------------------------- */

#define CHILDREN 4
#define TURNS    20000

struct shared {
    struct budget budget;
    _Atomic int64_t clock_us; /* moves on with each turn, so that all see one time */
    _Atomic uint32_t taken;
};

static void child(struct shared *s)
{
    for (int i = 0; i < TURNS; i++) {
        if (budget_take(&s->budget, BUDGET_BULK, atomic_fetch_add(&s->clock_us, 100)) == 0)
            atomic_fetch_add(&s->taken, 1);
        budget_invalid(&s->budget, 1000);
    }
    _exit(0);
}

static void test_processes_share_one_budget(void **state)
{
    struct shared *s =
        mmap(NULL, sizeof(*s), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    int64_t seconds = CHILDREN * TURNS * 100 / SEC_US;
    pid_t pids[CHILDREN];

    (void)state;
    assert_ptr_not_equal(s, MAP_FAILED);
    s->clock_us = START;
    for (int i = 0; i < CHILDREN; i++) {
        pids[i] = fork();
        if (pids[i] == 0)
            child(s);
    }
    for (int i = 0; i < CHILDREN; i++) {
        int status;

        waitpid(pids[i], &status, 0);
        assert_int_equal(status, 0);
    }
    assert_in_range(s->taken, seconds * BUDGET_PER_SECOND - BUDGET_BURST,
                    seconds * BUDGET_PER_SECOND + BUDGET_BURST);
    assert_int_equal(budget_invalid_count(&s->budget, 1000), CHILDREN * TURNS);
    munmap(s, sizeof(*s));
}

/* --- invalid requests ------------------------------------------------------------------------- */

#define SLOT_MS (BUDGET_SLOT_SEC * 1000)
#define ALL_MS  (BUDGET_INVALID_SEC * 1000)

static void count(struct budget *b, unsigned n, int64_t at_ms)
{
    while (n--)
        budget_invalid(b, at_ms);
}

static void test_invalid_ones_are_counted_for_ten_minutes(void **state)
{
    struct budget b = {0};
    int64_t t = 1000 * SLOT_MS;

    (void)state;
    assert_int_equal(budget_invalid_count(&b, t), 0);
    count(&b, 3, t);
    count(&b, 4, t + ALL_MS / 2);
    assert_int_equal(budget_invalid_count(&b, t + ALL_MS / 2), 7);
    assert_int_equal(budget_invalid_count(&b, t + ALL_MS), 7); /* ten minutes to the ms */
    assert_int_equal(budget_invalid_count(&b, t + ALL_MS + SLOT_MS), 4);
    assert_int_equal(budget_invalid_count(&b, t + 2 * ALL_MS), 0);
    count(&b, 1, t + BUDGET_SLOTS * SLOT_MS); /* the first slot's place, used again */
    assert_int_equal(budget_invalid_count(&b, t + BUDGET_SLOTS * SLOT_MS), 1);
}

static void test_brake(void **state)
{
    static const struct {
        unsigned invalid;
        bool bulk, answers;
    } rows[] = {
        {0, true, true},
        {BUDGET_INVALID_BULK - 1, true, true},
        {BUDGET_INVALID_BULK, false, true},
        {BUDGET_INVALID_ALL - 1, false, true},
        {BUDGET_INVALID_ALL, false, false},
        {9999, false, false},
    };
    int64_t t = 1000 * SLOT_MS + 7000;

    (void)state;
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        struct budget b = {0};

        count(&b, rows[i].invalid, t);
        assert_int_equal(budget_brake(&b, BUDGET_BULK, t) == 0, rows[i].bulk);
        assert_int_equal(budget_brake(&b, BUDGET_ANSWERS, t) == 0, rows[i].answers);
    }
    assert_true(BUDGET_INVALID_ALL < 10000);
}

static void test_the_brake_is_let_go_when_told(void **state)
{
    struct budget b = {0};
    int64_t t = 1000 * SLOT_MS + 7000, wait_ms;

    (void)state;
    count(&b, BUDGET_INVALID_BULK - 10, t);
    count(&b, 5, t + SLOT_MS);
    assert_int_equal(budget_brake(&b, BUDGET_BULK, t + SLOT_MS), 0);
    count(&b, 5, t + 2 * SLOT_MS);
    wait_ms = budget_brake(&b, BUDGET_BULK, t + 2 * SLOT_MS);
    assert_in_range(wait_ms, ALL_MS - 3 * SLOT_MS, ALL_MS);
    assert_int_not_equal(budget_brake(&b, BUDGET_BULK, t + 2 * SLOT_MS + wait_ms - 1), 0);
    assert_int_equal(budget_brake(&b, BUDGET_BULK, t + 2 * SLOT_MS + wait_ms), 0);
    /* All of them in the current slot: that one must grow too old. */
    count(&b, BUDGET_INVALID_ALL, t + 2 * ALL_MS);
    wait_ms = budget_brake(&b, BUDGET_ANSWERS, t + 2 * ALL_MS);
    assert_int_not_equal(budget_brake(&b, BUDGET_ANSWERS, t + 2 * ALL_MS + wait_ms - 1), 0);
    assert_int_equal(budget_brake(&b, BUDGET_ANSWERS, t + 2 * ALL_MS + wait_ms), 0);
}

static void test_a_refused_token(void **state)
{
    struct budget b = {0};

    (void)state;
    assert_false(budget_token_refused(&b, 7));
    budget_refuse_token(&b, 7);
    assert_true(budget_token_refused(&b, 7));
    assert_false(budget_token_refused(&b, 8)); /* replaced */
    budget_trust_token(&b, 8);
    assert_true(budget_token_refused(&b, 7));
    budget_trust_token(&b, 7);
    assert_false(budget_token_refused(&b, 7));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_no_second_sees_too_many),
        cmocka_unit_test(test_bulk_leaves_room_for_answers),
        cmocka_unit_test(test_a_word_of_an_older_boot_is_past),
        cmocka_unit_test(test_blocks),
        cmocka_unit_test(test_processes_share_one_budget),
        cmocka_unit_test(test_invalid_ones_are_counted_for_ten_minutes),
        cmocka_unit_test(test_brake),
        cmocka_unit_test(test_the_brake_is_let_go_when_told),
        cmocka_unit_test(test_a_refused_token),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
