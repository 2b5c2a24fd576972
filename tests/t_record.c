/* record: what may stand in a ring, and what is told about what may not. */
#include <string.h>

#include "presence/record.h"
#include "tests/cmocka_all.h"

static union {
    struct record_header h;
    struct record_member member;
    struct record_guild guild;
    struct record_channel channel;
    struct record_role role;
    unsigned char bytes[RECORD_MAX_SLOTS * RECORD_SLOT_SIZE];
} r;

static void start(uint16_t type, uint16_t slots, uint16_t tail_len)
{
    memset(&r, 0, sizeof(r));
    r.h = (struct record_header){.type = type, .slots = slots, .tail_len = tail_len};
}

static void every_type_has_a_size(void **state)
{
    (void)state;
    assert_int_equal(record_fixed_size(0), 0);
    assert_int_equal(record_fixed_size(RECORD_TYPES), 0);
    assert_int_equal(record_fixed_size(UINT16_MAX), 0);
    for (uint16_t type = 1; type < RECORD_TYPES; type++) {
        assert_in_range(record_fixed_size(type), sizeof(struct record_header), 128);
        start(type, 2, 0);
        assert_null(record_check(&r.h, 2));
    }
}

static void bounds_of_slots(void **state)
{
    (void)state;
    start(RECORD_SIGHTING, 1, 0);
    assert_null(record_check(&r.h, 1));
    assert_non_null(strstr(record_check(&r.h, 0), "no slot left"));
    r.h.slots = 2;
    assert_non_null(strstr(record_check(&r.h, 1), "longer than the slots"));
    r.h.slots = 0;
    assert_non_null(strstr(record_check(&r.h, 200), "number of slots"));
    r.h.slots = RECORD_MAX_SLOTS + 1;
    assert_non_null(strstr(record_check(&r.h, 200), "number of slots"));
    r.h.slots = RECORD_MAX_SLOTS;
    assert_null(record_check(&r.h, 200));
    start(RECORD_VOICE, 1, 0);
    assert_non_null(strstr(record_check(&r.h, 9), "shorter than the fixed part"));
    start(99, 1, 0);
    assert_non_null(strstr(record_check(&r.h, 9), "unknown record type"));
    start(0, 1, 0);
    assert_non_null(strstr(record_check(&r.h, 9), "unknown record type"));
}

static void tails(void **state)
{
    (void)state;
    start(RECORD_MEMBER, 2, 8 * 3 + 5 + 0 + 2);
    r.member.role_count = 3;
    r.member.username_len = 5;
    r.member.nick_len = 2;
    assert_null(record_check(&r.h, 2));
    r.member.role_count = 4;
    assert_non_null(strstr(record_check(&r.h, 2), "do not add up"));
    r.h.tail_len = 300;
    assert_non_null(strstr(record_check(&r.h, 2), "tail longer"));

    start(RECORD_GUILD, 2, 7);
    r.guild.name_len = 2;
    r.guild.locale_len = 5;
    assert_null(record_check(&r.h, 2));
    r.guild.locale_len = 6;
    assert_non_null(record_check(&r.h, 2));

    start(RECORD_CHANNEL, 40, 2000);
    r.channel.name_len = 100;
    r.channel.overwrites_len = 1900;
    assert_null(record_check(&r.h, 40));
    r.channel.overwrites_len = UINT16_MAX;
    assert_non_null(record_check(&r.h, 40));

    start(RECORD_ROLE, 2, 3);
    r.role.name_len = 3;
    assert_null(record_check(&r.h, 2));
    r.role.name_len = 0;
    assert_non_null(record_check(&r.h, 2));

    start(RECORD_SIGHTING, 2, 10);
    assert_non_null(strstr(record_check(&r.h, 2), "do not add up"));
}

static void counts_slots(void **state)
{
    (void)state;
    assert_int_equal(record_slots_for(1), 1);
    assert_int_equal(record_slots_for(64), 1);
    assert_int_equal(record_slots_for(65), 2);
    assert_ptr_equal(record_tail(&r.h), r.bytes + record_fixed_size(r.h.type));
}

/* No bytes at all may lead a reader outside the slots it has: whatever passes keeps inside. */
static void random_bytes_never_claim_more(void **state)
{
    uint64_t x = 42;
    unsigned passed = 0;

    (void)state;
    for (int round = 0; round < 200000; round++) {
        uint32_t available = (uint32_t)(round % 5);

        for (size_t i = 0; i < 128; i += 8) {
            x = x * UINT64_C(6364136223846793005) + 1442695040888963407;
            memcpy(r.bytes + i, &x, 8);
        }
        r.h.type %= RECORD_TYPES + 2;
        r.h.slots %= 6;
        r.h.tail_len %= 256;
        if (round % 2) {
            r.member.role_count = (uint16_t)(r.h.tail_len / 8);
            r.member.username_len = (uint8_t)(r.h.tail_len % 8);
            r.member.global_name_len = r.member.nick_len = 0;
        }
        if (record_check(&r.h, available))
            continue;
        passed++;
        assert_in_range(r.h.slots, 1, available);
        assert_true(record_fixed_size(r.h.type) + r.h.tail_len <= r.h.slots * RECORD_SLOT_SIZE);
    }
    assert_true(passed > 100);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_type_has_a_size),
        cmocka_unit_test(bounds_of_slots),
        cmocka_unit_test(tails),
        cmocka_unit_test(counts_slots),
        cmocka_unit_test(random_bytes_never_claim_more),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
