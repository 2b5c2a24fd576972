/* The simulator's ground truth: rows, times by delivery, what is printed. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <stdlib.h>
#include <string.h>

#include "sim/truth.h"

static void test_own_times(void **state)
{
    struct truth t;
    uint32_t row;

    (void)state;
    truth_init(&t);
    row = truth_count(&t, 0, 5, 77, TRUTH_MESSAGE, 2000, 1);
    assert_int_equal(truth_count(&t, 0, 5, 77, TRUTH_MESSAGE, 1000, 2), row);
    assert_int_equal(truth_count(&t, 0, 5, 77, TRUTH_MESSAGE, 1500, 3), row);
    truth_delivered(&t, row, 1, false, 99999); /* says nothing: the events have their times */
    assert_int_equal(t.rows[row].count, 3);
    assert_int_equal(t.rows[row].first_ms, 1000);
    assert_int_equal(t.rows[row].last_ms, 2000);
    assert_int_equal(t.rows[row].last_until_ms, 2000);
    truth_clear(&t);
}

static void test_times_by_delivery(void **state)
{
    struct truth t;
    uint32_t row;
    const struct truth_row *r;

    (void)state;
    truth_init(&t);
    row = truth_count(&t, 0, 5, 77, TRUTH_REACTION_ADD, 0, 1);
    assert_int_equal(truth_count(&t, 0, 5, 77, TRUTH_REACTION_ADD, 0, 2), row);
    r = &t.rows[row];
    assert_int_equal(r->first_ms, 0); /* made, but nobody got it yet */
    truth_delivered(&t, row, 1, false, 100);
    truth_delivered(&t, row, 2, false, 200);
    truth_delivered(&t, row, 1, true, 300); /* replayed */
    assert_int_equal(r->first_ms, 100);
    assert_int_equal(r->first_until_ms, 300);
    assert_int_equal(r->last_ms, 200);
    assert_int_equal(r->last_until_ms, 300);
    truth_delivered(&t, row, 2, true, 400);
    assert_int_equal(r->first_until_ms, 300);
    assert_int_equal(r->last_until_ms, 400);
    assert_int_equal(r->last_ms, 200);
    truth_clear(&t);
}

static void test_many_rows_are_kept_apart(void **state)
{
    struct truth t;

    (void)state;
    truth_init(&t);
    for (int round = 0; round < 2; round++)
        for (uint32_t guild = 0; guild < 20; guild++)
            for (uint32_t user = 0; user < 50; user++)
                for (uint64_t channel = 0; channel < 5; channel++)
                    for (unsigned kind = 1; kind < 5; kind++)
                        truth_count(&t, guild, user, channel, kind, 1, 1);
    assert_int_equal(t.n_rows, 20 * 50 * 5 * 4);
    for (uint32_t i = 0; i < t.n_rows; i++) {
        const struct truth_row *r = &t.rows[i];

        assert_int_equal(r->count, 2);
        assert_int_equal(truth_find(&t, r->guild, r->user, r->channel, r->kind), i);
    }
    assert_int_equal(t.totals[TRUTH_MESSAGE], 2 * 20 * 50 * 5);
    truth_clear(&t);
}

static void test_printed_members(void **state)
{
    struct truth t;
    struct world w;
    struct buf b;
    uint32_t user;

    (void)state;
    world_init(&w, 2, 3, 1, 0);
    truth_init(&t);
    buf_init(&b, 0);
    user = w.guilds[1].members[FIRST_HUMAN].user;
    truth_count(&t, 1, user, 7, TRUTH_MESSAGE, 1000, 1);
    truth_count(&t, 1, user, 8, TRUTH_TYPING, 3000, 2); /* seen, but weak */
    truth_print_members(&t, &w, NONE, &b);
    assert_non_null(strstr(buf_cstr(&b),
                           "\"seen\":3000,\"seen_until\":3000,\"seen_kind\":\"typing\","
                           "\"counted\":1000,\"counted_until\":1000,"
                           "\"counted_kind\":\"message\"}"));
    buf_reset(&b);
    truth_print_members(&t, &w, 0, &b);
    assert_int_equal(buf_len(&b), 0);
    truth_print_roster(&w, 1, &b);
    assert_null(strstr(buf_cstr(&b), "463424486260080640")); /* the bot */
    buf_clear(&b);
    truth_clear(&t);
    world_clear(&w);
}

static void test_world_ids(void **state)
{
    struct world w;
    uint32_t guild, user, slot;

    (void)state;
    world_init(&w, 3, 4, 1, 0);
    for (uint32_t g = 0; g < w.n_guilds; g++) {
        assert_int_equal(world_guild(&w, w.guilds[g].id), g);
        for (uint32_t m = 0; m < w.guilds[g].n_members; m++) {
            user = w.guilds[g].members[m].user;
            assert_int_equal(world_user(&w, w.users[user].id), user);
            assert_int_equal(guild_member(&w, g, user), m);
        }
        assert_int_equal(world_channel(&w, w.guilds[g].channels[2].id, &guild), 2);
        assert_int_equal(guild, g);
    }
    assert_int_equal(world_user(&w, 12345), NONE);
    assert_int_equal(world_guild(&w, w.guilds[0].id + 1), NONE);
    /* leaving and coming back: another slot, the same user */
    user = w.guilds[0].members[3].user;
    w.guilds[0].members[3].state |= MEMBER_LEFT;
    assert_int_equal(guild_member(&w, 0, user), NONE);
    slot = world_add_member(&w, 0, user, 5);
    assert_int_equal(guild_member(&w, 0, user), slot);
    assert_true(slot > 3);
    /* and in another guild as well */
    slot = world_add_member(&w, 1, user, 5);
    assert_int_equal(guild_member(&w, 1, user), slot);
    assert_true(world_id_at(&w, 1600000000000) < world_id_at(&w, 1600000000000));
    world_clear(&w);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_own_times),
        cmocka_unit_test(test_times_by_delivery),
        cmocka_unit_test(test_many_rows_are_kept_apart),
        cmocka_unit_test(test_printed_members),
        cmocka_unit_test(test_world_ids),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
