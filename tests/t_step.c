/* Death at every single instruction: a child appends an event to its lane's ring and folds it into
 * the table, under ptrace, one instruction at a time. Whenever an instruction has changed the
 * shared memory, a successor takes over from what there is, as if the child had died just then: the
 * event must end up there exactly once, with the table whole. Then the memory is put back and the
 * child goes on.
 *
 * Skipped where a process may not trace its child. */
#include <signal.h>
#include <string.h>
#include <sys/ptrace.h>
#include <sys/wait.h>

#include "presence/activity.h"
#include "presence/ring.h"
#include "presence/seen.h"
#include "tests/cmocka_all.h"
#include "tests/shm_fixture.h"

#define GUILD   ((snowflake_t){UINT64_C(613425648685547541)})
#define SLOT    1u
#define SESSION 5u
#define FILLED  200u /* rows wanted beforehand: more than there is room for */

static struct shm shm;
static uint64_t begin_head; /* positions and numbers before the event */
static snowflake_t newcomer;

static unsigned lane(void)
{
    return route_lane(GUILD);
}

static snowflake_t user_of(uint64_t n)
{
    return (snowflake_t){UINT64_C(200000000000000000) + n * 4194305};
}

static struct record_sighting *make_event(struct record_list *list, snowflake_t user, uint64_t seq)
{
    struct record_sighting *s;

    record_list_reset(list);
    record_list_add(list, RECORD_VOICE, SESSION, seq, 0); /* of nobody; two slots */
    s = record_list_add(list, RECORD_SIGHTING, SESSION, seq, 0);
    s->h.flags = RECORD_EVENT_END | RECORD_COUNTED;
    s->guild = GUILD;
    s->user = user;
    s->at.ms = (int64_t)seq * 1000;
    s->kind = ACTIVITY_MESSAGE;
    return s;
}

/* What a worker does with an event. */
static struct seen_row *handle(struct ring *ring, struct record_list *list, snowflake_t user,
                               uint64_t seq)
{
    struct record_sighting *s = make_event(list, user, seq);
    struct seen_seed nothing = {.bot = -1};
    bool inserted;
    struct seen_row *row;

    if (seq <= ring_appended(ring, SESSION))
        return seen_find(&shm, GUILD, user);
    if (ring_append(ring, list, 0, false) == 0)
        abort();
    row = seen_apply(&shm, &s->h, SLOT, &inserted);
    if (row && (row->flags & SEEN_LOADING))
        seen_merge(&shm, row, &nothing);
    return row;
}

/* A full table of rows that are durable, so that the event has to evict one, and a ring whose end
 * comes in the middle of the event. */
static void prepare(void)
{
    struct ring ring;
    struct record_list list;
    uint64_t seq = 0;

    ring_init(&ring, &shm, lane());
    record_list_init(&list);
    atomic_store(&ring.lane->owner, SLOT + 1);
    for (uint64_t n = 0; n < FILLED; n++) {
        handle(&ring, &list, user_of(n), ++seq);
        ring_set_tail(&ring, ring_head(&ring));
    }
    /* Records of one slot up to the last place but one. */
    while (ring_head(&ring) % ring.size != ring.size - 1) {
        make_event(&list, user_of(0), ++seq);
        ring_append(&ring, &list, list.last, false);
        ring_set_tail(&ring, ring_head(&ring));
    }
    atomic_store(&ring.lane->durable_ms, INT64_C(1) << 40);
    begin_head = ring_head(&ring);
    record_list_clear(&list);
}

/* --- the child ------------------------------------------------------------------------------- */

_Noreturn static void be_worker(uint64_t seq)
{
    struct ring ring;
    struct record_list list;

    ring_init(&ring, &shm, lane());
    record_list_init(&list);
    make_event(&list, newcomer, seq); /* memory is allocated, code is bound */
    seen_find(&shm, GUILD, newcomer);
    clock_mono();
    clock_mono_coarse();
    if (ptrace(PTRACE_TRACEME, 0, NULL, NULL))
        _exit(77);
    raise(SIGSTOP);
    handle(&ring, &list, newcomer, seq);
    raise(SIGSTOP);
    _exit(0);
}

static pid_t start_worker(uint64_t seq)
{
    pid_t pid = fork();
    int status;

    if (pid == 0)
        be_worker(seq);
    assert_int_equal(waitpid(pid, &status, 0), pid);
    if (WIFEXITED(status) && WEXITSTATUS(status) == 77)
        skip();
    assert_true(WIFSTOPPED(status) && WSTOPSIG(status) == SIGSTOP);
    return pid;
}

/* One instruction; false when the event is handled. */
static bool step(pid_t pid)
{
    int status;

    assert_int_equal(ptrace(PTRACE_SINGLESTEP, pid, NULL, NULL), 0);
    assert_int_equal(waitpid(pid, &status, 0), pid);
    assert_true(WIFSTOPPED(status));
    return WSTOPSIG(status) == SIGTRAP;
}

/* --- the successor --------------------------------------------------------------------------- */

static unsigned times_seen;
static uint64_t looked_for;

static void recovered(void *arg, const struct record_header *h)
{
    bool inserted;
    struct seen_seed nothing = {.bot = -1};
    struct seen_row *row = seen_apply(&shm, h, SLOT, &inserted);

    (void)arg;
    times_seen += h->type == RECORD_SIGHTING && h->seq == looked_for;
    if (row && (row->flags & SEEN_LOADING))
        seen_merge(&shm, row, &nothing);
}

static unsigned live, found;

static bool count_row(void *arg, struct seen_row *row)
{
    (void)arg;
    live++;
    found += seen_find(&shm, (snowflake_t){row->guild}, (snowflake_t){row->user}) == row;
    return true;
}

static void check_table(void)
{
    const uint64_t *tags = shm_at(&shm, shm.header->tags_offset);
    const struct seen_row *rows = shm_at(&shm, shm.header->rows_offset);

    live = found = 0;
    seen_each(&shm, count_row, NULL);
    assert_int_equal(found, live);
    for (uint64_t i = 0; i < shm.header->rows; i++) {
        bool tagged = tags[i / 8] >> (i % 8 * 8) & 0xff;

        assert_int_equal(tagged, (atomic_load(&rows[i].state) & 0xff) == SEEN_LIVE);
        assert_int_not_equal(atomic_load(&rows[i].state) & 0xff, SEEN_CLAIMED);
    }
}

/* The master clears what the dead one held, a successor takes the lane over and is given the event
 * again. */
static void take_over(uint64_t seq)
{
    struct ring ring;
    struct record_list list;
    const char *bad;
    uint64_t bad_pos;
    struct seen_row *row;

    seen_release_claims(&shm, SLOT);
    ring_init(&ring, &shm, lane());
    record_list_init(&list);
    looked_for = seq;
    times_seen = 0;
    assert_int_equal(ring_recover(&ring, recovered, NULL, &bad, &bad_pos), 0);
    assert_int_equal(times_seen, ring_appended(&ring, SESSION) == seq);
    row = handle(&ring, &list, newcomer, seq);
    assert_non_null(row);
    assert_int_equal(row->user, newcomer.id);
    assert_int_equal(row->seen, SEEN_PACK(seq * 1000, ACTIVITY_MESSAGE));
    assert_int_equal(row->counted, row->seen);
    assert_false(row->flags & SEEN_LOADING);
    times_seen = 0;
    assert_int_equal(ring_recover(&ring, recovered, NULL, &bad, &bad_pos), 0);
    assert_int_equal(times_seen, 1);
    check_table();
    record_list_clear(&list);
}

static void any_instruction_may_be_the_last(void **state)
{
    uint64_t seq = 1000000, steps = 0, deaths = 0;
    unsigned char *image = malloc(shm.size);
    pid_t pid;
    bool inside = true;

    (void)state;
    assert_non_null(image);
    newcomer = user_of(100000);
    prepare();
    memcpy(image, shm.header, shm.size);
    take_over(seq); /* also if it died before it did anything */
    memcpy(shm.header, image, shm.size);
    pid = start_worker(seq);
    for (; inside; steps++) {
        inside = step(pid);
        if (memcmp(image, shm.header, shm.size) == 0)
            continue;
        memcpy(image, shm.header, shm.size);
        take_over(seq);
        memcpy(shm.header, image, shm.size);
        deaths++;
    }
    kill(pid, SIGKILL);
    waitpid(pid, NULL, 0);
    assert_true(atomic_load(&shm.header->counters[SHM_COUNT_EVICTIONS].value) > 0);
    assert_true(atomic_load(&shm_lane(&shm, lane())->head) >
                begin_head + 2); /* the end of the ring was padded */
    print_message("%ju instructions, %ju of them changed the memory\n", (uintmax_t)steps,
                  (uintmax_t)deaths);
    assert_true(deaths > 20);
    free(image);
}

static int set_up(void **state)
{
    (void)state;
    fixture_name("step");
    shm = fixture_shm(64);
    return 0;
}

static int tear_down(void **state)
{
    (void)state;
    fixture_done(&shm);
    return 0;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(any_instruction_may_be_the_last, set_up, tear_down),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
