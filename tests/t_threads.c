/* Several owners at once in one small table: threads here, so that ThreadSanitizer can watch what
 * processes do in production (make check-tsan). Each thread owns lanes of its own; they meet in
 * buckets, in the guild rows, in the counters, and when a lane changes hands. */
#include <pthread.h>
#include <sched.h>
#include <string.h>

#include "presence/activity.h"
#include "presence/ring.h"
#include "presence/seen.h"
#include "tests/cmocka_all.h"
#include "tests/shm_fixture.h"

#define THREADS     4u
#define GUILDS_EACH 8u
#define USERS       400u
#define ROUNDS      100000u
#define DEAD_SLOT   99u

static struct shm shm;
static _Atomic unsigned failures;

static int set_up(void **state)
{
    (void)state;
    fixture_name("threads");
    shm = fixture_shm(600);
    failures = 0;
    return 0;
}

static int tear_down(void **state)
{
    (void)state;
    fixture_done(&shm);
    return 0;
}

/* Guild g of a thread lies in a lane that thread owns: lane % THREADS == thread. */
static snowflake_t guild_of(unsigned thread, unsigned g)
{
    snowflake_t guild = {(UINT64_C(1000) + thread * 1000 + g * 100) << 22};

    while (route_lane(guild) % THREADS != thread)
        guild.id += 1 << 22;
    return guild;
}

static snowflake_t user_of(unsigned n)
{
    return (snowflake_t){UINT64_C(400000000000000000) + n * UINT64_C(99999999)};
}

static void own_lanes(void)
{
    for (unsigned lane = 0; lane < LANES; lane++)
        atomic_store(&shm_lane(&shm, lane)->owner, lane % THREADS + 1);
}

static uint64_t next_random(uint64_t *x)
{
    *x = *x * UINT64_C(6364136223846793005) + 1442695040888963407;
    return *x >> 33;
}

/* Only the owner wrote the row: what it left there is there. */
static void check_row(struct seen_row *row, snowflake_t guild, snowflake_t user)
{
    if (row->guild != guild.id || row->user != user.id ||
        (row->last_edit && row->last_edit != (guild.id ^ user.id)))
        failures++;
}

static void *use_the_table(void *arg)
{
    unsigned thread = (unsigned)(uintptr_t)arg;
    uint64_t x = thread + 1;

    for (unsigned round = 0; round < ROUNDS; round++) {
        snowflake_t guild = guild_of(thread, (unsigned)(next_random(&x) % GUILDS_EACH));
        snowflake_t user = user_of((unsigned)(next_random(&x) % USERS));
        bool inserted;
        struct seen_row *row = seen_touch(&shm, guild, user, thread, &inserted);

        /* Everything is durable at once: rows come and go as fast as they can. */
        if (round % 64 == 0)
            for (unsigned lane = thread; lane < LANES; lane += THREADS)
                atomic_store(&shm_lane(&shm, lane)->durable_ms, INT64_C(1) << 40);
        if (round % 500 == 0 && !shm_guild(&shm, guild, true))
            failures++;
        if (!row)
            continue;
        check_row(row, guild, user);
        row->flags &= (uint16_t)~SEEN_LOADING;
        row->last_edit = guild.id ^ user.id;
        seen_raise(row, (unixms_t){(int64_t)round + 1}, ACTIVITY_MESSAGE, round % 2);
        if (SEEN_MS(row->seen) != round + 1)
            failures++;
        if (next_random(&x) % 20 == 0)
            seen_erase(&shm, row);
    }
    return NULL;
}

/* The master, who releases what a dead worker claimed while the others work on. */
static void *release_claims(void *arg)
{
    (void)arg;
    for (int i = 0; i < 50; i++) {
        seen_release_claims(&shm, DEAD_SLOT);
        sched_yield();
    }
    return NULL;
}

static unsigned live, found;

static bool count_row(void *arg, struct seen_row *row)
{
    (void)arg;
    live++;
    found += seen_find(&shm, (snowflake_t){row->guild}, (snowflake_t){row->user}) == row;
    return true;
}

static void owners_do_not_disturb_each_other(void **state)
{
    pthread_t threads[THREADS], master;
    unsigned guilds = 0;

    (void)state;
    own_lanes();
    for (unsigned i = 0; i < THREADS; i++)
        pthread_create(&threads[i], NULL, use_the_table, (void *)(uintptr_t)i);
    pthread_create(&master, NULL, release_claims, NULL);
    for (unsigned i = 0; i < THREADS; i++)
        pthread_join(threads[i], NULL);
    pthread_join(master, NULL);
    assert_int_equal(failures, 0);
    live = found = 0;
    seen_each(&shm, count_row, NULL);
    assert_true(live > 300);
    assert_int_equal(found, live); /* each is found where it is: no key twice, no tag wrong */
    assert_int_equal(atomic_load(&shm.header->counters[SHM_COUNT_ROWS_LIVE].value), live);
    assert_true(atomic_load(&shm.header->counters[SHM_COUNT_EVICTIONS].value) > 1000);
    for (unsigned thread = 0; thread < THREADS; thread++)
        for (unsigned g = 0; g < GUILDS_EACH; g++)
            guilds += shm_guild(&shm, guild_of(thread, g), false) != NULL;
    assert_true(guilds > 0 && guilds <= THREADS * GUILDS_EACH);
}

/* --- a lane that changes hands --------------------------------------------------------------- */

#define HANDOVERS 300u
#define PER_TURN  37u

static unsigned lane_of_all;
static uint64_t expected_seq; /* guarded by who owns the lane */

static void count_record(void *arg, const struct record_header *h)
{
    uint64_t *next = arg;

    if (h->seq != (*next)++)
        failures++;
}

static void take_turn(unsigned thread)
{
    struct ring ring;
    struct record_list list;
    const char *bad;
    uint64_t bad_pos, next;

    ring_init(&ring, &shm, lane_of_all);
    next = expected_seq - (expected_seq - 1 < PER_TURN ? expected_seq - 1 : PER_TURN);
    if (ring_recover(&ring, count_record, &next, &bad, &bad_pos) || next != expected_seq ||
        ring_appended(&ring, 5) != expected_seq - 1)
        failures++;
    ring_set_tail(&ring, ring_head(&ring));
    record_list_init(&list);
    for (unsigned i = 0; i < PER_TURN; i++) {
        struct record_sighting *s = record_list_add(&list, RECORD_SIGHTING, 5, expected_seq++, 0);
        bool inserted;

        s->h.flags = RECORD_EVENT_END | RECORD_COUNTED;
        s->guild = guild_of(0, 0);
        s->user = user_of(i);
        s->at.ms = (int64_t)s->h.seq;
        s->kind = ACTIVITY_MESSAGE;
        if (ring_append(&ring, &list, list.last, false) != 1)
            failures++;
        if (!seen_apply(&shm, &s->h, thread, &inserted))
            failures++;
    }
    record_list_clear(&list);
}

static void *pass_the_lane_on(void *arg)
{
    unsigned thread = (unsigned)(uintptr_t)arg;
    struct shm_lane *lane = shm_lane(&shm, lane_of_all);

    for (unsigned turn = 0; turn < HANDOVERS;) {
        if (atomic_load(&lane->owner) != thread + 1) {
            sched_yield();
            continue;
        }
        take_turn(thread);
        turn++;
        atomic_store(&lane->owner, (thread + 1) % THREADS + 1);
    }
    return NULL;
}

static void a_lane_changes_hands(void **state)
{
    pthread_t threads[THREADS];

    (void)state;
    lane_of_all = route_lane(guild_of(0, 0));
    expected_seq = 1;
    atomic_store(&shm_lane(&shm, lane_of_all)->owner, 1);
    for (unsigned i = 0; i < THREADS; i++)
        pthread_create(&threads[i], NULL, pass_the_lane_on, (void *)(uintptr_t)i);
    for (unsigned i = 0; i < THREADS; i++)
        pthread_join(threads[i], NULL);
    assert_int_equal(failures, 0);
    assert_int_equal(expected_seq, HANDOVERS * THREADS * PER_TURN + 1);
    for (unsigned i = 0; i < PER_TURN; i++) {
        struct seen_row *row = seen_find(&shm, guild_of(0, 0), user_of(i));

        assert_non_null(row);
        assert_int_equal(SEEN_MS(row->seen), expected_seq - PER_TURN + i);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(owners_do_not_disturb_each_other, set_up, tear_down),
        cmocka_unit_test_setup_teardown(a_lane_changes_hands, set_up, tear_down),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
