/* ring: what goes in comes out in order, across the end of the ring, and damage is told. */
#include <string.h>

#include "presence/ring.h"
#include "tests/cmocka_all.h"
#include "tests/shm_fixture.h"

static struct shm shm;
static struct ring ring;
static struct record_list list;

static int set_up(void **state)
{
    (void)state;
    fixture_name("ring");
    shm = fixture_shm(64);
    ring_init(&ring, &shm, 7);
    record_list_init(&list);
    return 0;
}

static int tear_down(void **state)
{
    (void)state;
    record_list_clear(&list);
    fixture_done(&shm);
    return 0;
}

static void add(uint64_t seq, size_t tail_len, uint16_t flags)
{
    struct record_role *role = record_list_add(&list, RECORD_ROLE, 1000, seq, tail_len);

    role->h.flags = flags;
    role->name_len = (uint16_t)tail_len;
    memset(record_list_tail(&list, role), (int)(seq & 0x7f), tail_len);
}

static void lists_grow_and_keep_their_records(void **state)
{
    const struct record_header *h;
    uint32_t at = 0;

    (void)state;
    for (uint64_t seq = 1; seq <= 300; seq++) {
        add(seq, seq * 13 % 1500, 0);
        h = (const void *)(list.slots + list.last * RECORD_SLOT_SIZE);
        assert_int_equal(h->seq, seq);
    }
    for (uint64_t seq = 1; seq <= 300; seq++) {
        h = (const void *)(list.slots + at * RECORD_SLOT_SIZE);
        assert_null(record_check(h, list.count - at));
        assert_int_equal(h->session, 1000);
        assert_int_equal(h->seq, seq);
        assert_int_equal(h->tail_len, seq * 13 % 1500);
        assert_int_equal((uintptr_t)h % 8, 0);
        at += h->slots;
    }
    assert_int_equal(at, list.count);
    record_list_reset(&list);
    assert_int_equal(list.count, 0);
    /* A record is zeroed although its memory was used before. */
    h = record_list_add(&list, RECORD_MEMBER, 1, 2, 0);
    for (size_t i = sizeof(*h); i < h->slots * RECORD_SLOT_SIZE; i++)
        assert_int_equal(((const unsigned char *)h)[i], 0);
}

/* Of an event whose acts count for nothing the rest is left, and ends it. */
static void records_of_a_type_are_dropped(void **state)
{
    static const uint16_t left[] = {RECORD_ROLE, RECORD_VOICE};
    const struct record_header *h;
    uint32_t at = 0;

    (void)state;
    record_list_add(&list, RECORD_SIGHTING, 1000, 1, 0);
    add(1, 700, 0);
    record_list_add(&list, RECORD_SIGHTING, 1000, 1, 0);
    record_list_add(&list, RECORD_VOICE, 1000, 1, 0);
    h = record_list_add(&list, RECORD_SIGHTING, 1000, 1, 0);
    ((struct record_header *)(uintptr_t)h)->flags |= RECORD_EVENT_END;
    record_list_drop(&list, RECORD_SIGHTING);
    for (unsigned i = 0; i < 2; i++) {
        h = (const void *)(list.slots + (size_t)at * RECORD_SLOT_SIZE);
        assert_null(record_check(h, list.count - at));
        assert_int_equal(h->type, left[i]);
        assert_int_equal(h->flags, i ? RECORD_EVENT_END : 0);
        at += h->slots;
    }
    assert_int_equal(at, list.count);
    record_list_drop(&list, RECORD_VOICE);
    record_list_drop(&list, RECORD_ROLE);
    assert_int_equal(list.count, 0);
    record_list_drop(&list, RECORD_ROLE);
    assert_int_equal(list.count, 0);
}

/* Reads what lies between tail and head and returns how many records there were. */
static unsigned read_all(uint64_t *next_seq)
{
    uint64_t pos = ring_tail(&ring);
    const struct record_header *h;
    const char *bad;
    unsigned n = 0;

    while ((h = ring_next(&ring, &pos, ring_head(&ring), &bad))) {
        assert_int_equal(h->seq, (*next_seq)++);
        for (uint16_t i = 0; i < h->tail_len; i++)
            assert_int_equal(record_tail(h)[i], h->seq & 0x7f);
        n++;
    }
    assert_null(bad);
    ring_set_tail(&ring, pos);
    return n;
}

/* Records of all sizes, so that every way of meeting the end of the ring comes by. */
static void order_is_kept_round_after_round(void **state)
{
    uint64_t seq = 1, next = 1;

    (void)state;
    for (int round = 0; round < 3000; round++) {
        uint64_t before = seq;
        unsigned n = 1 + (unsigned)round % 5;

        record_list_reset(&list);
        for (unsigned i = 0; i < n; i++, seq++)
            add(seq, (size_t)(seq * seq * 31 % 1700), i + 1 == n ? RECORD_EVENT_END : 0);
        if (ring_append(&ring, &list, 0, false) == 0) {
            assert_true(ring_free_slots(&ring) < 2 * list.count);
            assert_int_equal(ring_appended(&ring, 1000), before - 1);
            read_all(&next);
            assert_int_equal(next, before);
            assert_int_equal(ring_free_slots(&ring), ring.size);
            assert_int_equal(ring_append(&ring, &list, 0, false), list.count);
        }
        assert_int_equal(ring_appended(&ring, 1000), seq - 1);
    }
    read_all(&next);
    assert_int_equal(next, seq);
    assert_true(ring_head(&ring) > 10 * ring.size);
}

static void parts_of_a_long_event(void **state)
{
    uint32_t done = 0;
    uint64_t next = 1;
    unsigned records = 0;

    (void)state;
    for (uint64_t seq = 1; seq <= 2000; seq++)
        add(seq, (size_t)(seq % 300), seq == 2000 ? RECORD_EVENT_END : 0);
    assert_true(list.count > 2 * ring.size);
    assert_int_equal(ring_append(&ring, &list, 0, false), 0);
    assert_int_equal(ring_head(&ring), 0);
    while (done < list.count) {
        uint32_t taken = ring_append(&ring, &list, done, true);

        assert_int_equal(ring_appended(&ring, 1000), done + taken == list.count ? 2000 : 0);
        if (taken == 0)
            records += read_all(&next);
        done += taken;
    }
    records += read_all(&next);
    assert_int_equal(records, 2000);
    assert_int_equal(ring_append(&ring, &list, list.count, true), 0);
}

static void a_full_ring_takes_nothing(void **state)
{
    uint64_t head, next = 1;

    (void)state;
    do {
        record_list_reset(&list);
        add(ring_head(&ring) + 1, 0, 0);
    } while (ring_append(&ring, &list, 0, false));
    head = ring_head(&ring);
    assert_int_equal(ring_free_slots(&ring), 0);
    assert_int_equal(head, ring.size);
    assert_int_equal(ring_append(&ring, &list, 0, true), 0);
    assert_int_equal(ring_head(&ring), head);
    ring_set_tail(&ring, 1);
    assert_int_equal(ring_append(&ring, &list, 0, false), 1);
    next = 2;
    assert_int_equal(read_all(&next), ring.size);
}

static void sessions_are_remembered(void **state)
{
    (void)state;
    assert_int_equal(ring_appended(&ring, 5), 0);
    assert_int_equal(ring_appended(&ring, 0), 0);
    ring_raise_appended(&ring, 0, 9);
    assert_int_equal(ring_appended(&ring, 0), 0);
    for (uint64_t session = 1; session <= SHM_SESSIONS_MAX; session++)
        ring_raise_appended(&ring, session, session * 10);
    ring_raise_appended(&ring, 3, 7); /* never goes back */
    for (uint64_t session = 1; session <= SHM_SESSIONS_MAX; session++)
        assert_int_equal(ring_appended(&ring, session), session * 10);
    /* No place left: the oldest makes room. */
    ring_raise_appended(&ring, 1000, 4);
    assert_int_equal(ring_appended(&ring, 1000), 4);
    assert_int_equal(ring_appended(&ring, 1), 0);
    assert_int_equal(ring_appended(&ring, 2), 20);
}

static unsigned applied;

static void note_applied(void *arg, const struct record_header *h)
{
    uint64_t *next = arg;

    assert_int_equal(h->seq, (*next)++);
    applied++;
}

static void fill_some(unsigned n)
{
    for (uint64_t seq = 1; seq <= n; seq++) {
        record_list_reset(&list);
        add(seq, (size_t)(seq % 200), RECORD_EVENT_END);
        assert_true(ring_append(&ring, &list, 0, false) > 0);
    }
}

static void a_successor_learns_what_was_appended(void **state)
{
    struct ring taken;
    const char *bad;
    uint64_t bad_pos, next = 1;

    (void)state;
    fill_some(50);
    /* As if its owner had died between publishing and raising. */
    memset(ring.lane->sessions, 0, sizeof(ring.lane->sessions));
    ring_init(&taken, &shm, 7);
    applied = 0;
    assert_int_equal(ring_recover(&taken, note_applied, &next, &bad, &bad_pos), 0);
    assert_null(bad);
    assert_int_equal(applied, 50);
    assert_int_equal(ring_appended(&taken, 1000), 50);
    assert_int_equal(bad_pos, ring_head(&taken));
}

static void damage_is_told(void **state)
{
    const char *bad;
    uint64_t bad_pos, next = 1, pos;
    struct record_header *h;

    (void)state;
    fill_some(20);
    pos = 0;
    for (int i = 0; i < 9; i++)
        ring_next(&ring, &pos, ring_head(&ring), &bad);
    h = (void *)(ring.slots + pos * RECORD_SLOT_SIZE);
    h->type = 333;
    memset(ring.lane->sessions, 0, sizeof(ring.lane->sessions));
    applied = 0;
    assert_int_equal(ring_recover(&ring, note_applied, &next, &bad, &bad_pos), -1);
    assert_non_null(strstr(bad, "unknown record type"));
    assert_int_equal(bad_pos, pos);
    assert_int_equal(applied, 9);
    assert_int_equal(ring_appended(&ring, 1000), 9);
}

static void positions_that_cannot_be(void **state)
{
    const char *bad;
    uint64_t bad_pos, next = 1;

    (void)state;
    atomic_store(&ring.lane->tail, 10);
    assert_int_equal(ring_recover(&ring, note_applied, &next, &bad, &bad_pos), -1);
    assert_non_null(strstr(bad, "tail and head"));
    atomic_store(&ring.lane->head, 11 + ring.size);
    assert_int_equal(ring_recover(&ring, note_applied, &next, &bad, &bad_pos), -1);
    assert_int_equal(ring_free_slots(&ring), 0);
    assert_int_equal(bad_pos, 10);
}

static void any_bytes_at_all(void **state)
{
    uint64_t x = 1, bad_pos, next;
    const char *bad;
    unsigned refused = 0;

    (void)state;
    for (int round = 0; round < 500; round++) {
        for (uint32_t i = 0; i < ring.size; i++) {
            struct record_header *h = (void *)(ring.slots + i * RECORD_SLOT_SIZE);

            x = x * UINT64_C(6364136223846793005) + 1442695040888963407;
            memset(h, (int)(x >> 56) & 3, RECORD_SLOT_SIZE);
            h->type = (uint16_t)((x >> 33) % 500 ? (x >> 20) % RECORD_TYPES : 900);
            h->slots = (uint16_t)((x >> 40) % 4);
        }
        atomic_store(&ring.lane->tail, x % ring.size);
        atomic_store(&ring.lane->head, x % ring.size + ring.size - (x >> 50) % 5);
        next = 0;
        refused += ring_recover(&ring, NULL, &next, &bad, &bad_pos) != 0;
        assert_true(bad_pos <= ring_head(&ring));
    }
    assert_int_equal(refused, 500);
}

int main(void)
{
#define RING_TEST(f) cmocka_unit_test_setup_teardown(f, set_up, tear_down)
    const struct CMUnitTest tests[] = {
        RING_TEST(lists_grow_and_keep_their_records),
        RING_TEST(records_of_a_type_are_dropped),
        RING_TEST(order_is_kept_round_after_round),
        RING_TEST(parts_of_a_long_event),
        RING_TEST(a_full_ring_takes_nothing),
        RING_TEST(sessions_are_remembered),
        RING_TEST(a_successor_learns_what_was_appended),
        RING_TEST(damage_is_told),
        RING_TEST(positions_that_cannot_be),
        RING_TEST(any_bytes_at_all),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
