/* Processes die at any instruction, and nothing is lost or counted twice.
 *
 * The parent plays the master and the database; neither dies here. Two children play workers: each
 * owns two lanes, appends every event it is given to the lane's ring, folds it into a table too
 * small for all members, acknowledges, and commits in batches or by way of the spool. The parent
 * kills them with SIGKILL at random moments and starts successors. At the end the database holds
 * every event exactly once, and the table the last sighting of every member it still has.
 *
 * PRESENCE_KILLS sets how many deaths there are, PRESENCE_SEED how it begins. */
#include <errno.h>
#include <signal.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <time.h>

#include "presence/activity.h"
#include "presence/buf.h"
#include "presence/fd.h"
#include "presence/ipc.h"
#include "presence/ring.h"
#include "presence/seen.h"
#include "presence/spool.h"
#include "tests/cmocka_all.h"
#include "tests/shm_fixture.h"

#define WORKERS      2u
#define OWN_LANES    2u
#define TEST_LANES   (WORKERS * OWN_LANES)
#define MEMBERS      20000u /* per lane */
#define HOT_MEMBERS  40u    /* do nine of ten things */
#define TABLE_ROWS   500u
#define WINDOW       400u  /* events of a lane under way without acknowledgement */
#define LAG_MAX      1500u /* slots */
#define SESSION      77u
#define FIRST_MS     INT64_C(1700000000000)
#define BATCH_EVENTS 40u
#define SPOOL_ONE_IN 200u
#define DEADLINE_MS  240000

/* --- what both sides know -------------------------------------------------------------------- */

struct member_truth {
    uint64_t count;
    _Atomic uint64_t last; /* ms; read by the workers as a worker reads PostgreSQL */
};

/* The database: in memory that survives its readers. Only the parent writes. */
struct store {
    struct member_truth members[TEST_LANES][MEMBERS];
    _Atomic uint64_t position[TEST_LANES];
};

/* The latest that was ever folded for a member; each lane's part is written by its owner. */
struct oracle {
    _Atomic uint64_t last[TEST_LANES][MEMBERS];
    /* A sighting found no room in the table: it is not in the database before this position. */
    uint64_t missed_to[TEST_LANES][MEMBERS];
    /* The row was read back before that: it may lack the sighting. */
    bool inexact[TEST_LANES][MEMBERS];
};

static struct shm shm;
static struct store *store;
static struct oracle *oracle;
static char spool_dir[48];
static snowflake_t guilds[TEST_LANES]; /* each in a lane of its own */

static uint64_t mixed(uint64_t lane, uint64_t n)
{
    return route_mix(lane << 40 ^ n);
}

static unsigned member_of(unsigned lane, uint64_t n)
{
    uint64_t x = mixed(lane, n);

    return (unsigned)(x % 10 ? (x >> 8) % HOT_MEMBERS : (x >> 8) % MEMBERS);
}

static int64_t ms_of(unsigned lane, uint64_t n)
{
    /* Mostly forward, sometimes late: maxima matter. */
    return FIRST_MS + (int64_t)n * 10 - (int64_t)(mixed(lane, n) >> 20 & 0xff);
}

static snowflake_t user_of(unsigned member)
{
    return (snowflake_t){UINT64_C(300000000000000000) + member * UINT64_C(77777777777)};
}

static unsigned lane_number(unsigned lane)
{
    return route_lane(guilds[lane]);
}

static unsigned lane_by_number(unsigned number)
{
    for (unsigned i = 0; i < TEST_LANES; i++)
        if (lane_number(i) == number)
            return i;
    abort();
}

/* --- the worker ------------------------------------------------------------------------------ */

struct own_lane {
    unsigned lane;
    struct ring ring;
    struct spool *spool;
    bool in_flight, finishing;
    uint64_t unacked, events_since_commit;
};

static struct loop *loop;
static struct ipc *to_master;
static struct own_lane own[OWN_LANES];
static unsigned my_slot;
static struct record_list list;

static void die_loudly(const char *what)
{
    fprintf(stderr, "worker %u: %s: %s\n", my_slot, what, strerror(errno));
    _exit(3);
}

/* Like a worker on a miss: asks the database, merges what it knew. */
static void read_through(struct seen_row *row, unsigned lane, unsigned member)
{
    bool all_there = atomic_load(&store->position[lane]) >= oracle->missed_to[lane][member];
    int64_t last = (int64_t)atomic_load(&store->members[lane][member].last);
    struct seen_seed seed = {.seen = {last}, .counted = {last}, .seen_kind = 1, .counted_kind = 1};

    oracle->inexact[lane][member] = !all_there;
    seen_merge(&shm, row, &seed);
}

/* Whatever was evicted and read back meanwhile, a row holds the latest there ever was. */
static void fold(const struct record_header *h)
{
    const struct record_sighting *s = (const void *)h;
    uint64_t last, at;
    unsigned lane, member;
    bool inserted;
    struct seen_row *row = seen_apply(&shm, h, my_slot, &inserted);

    if (h->type != RECORD_SIGHTING)
        return;
    at = (uint64_t)s->at.ms;
    lane = lane_by_number(route_lane(s->guild));
    member = (unsigned)((s->user.id - user_of(0).id) / (user_of(1).id - user_of(0).id));
    last = atomic_load(&oracle->last[lane][member]);
    if (at > last)
        atomic_store(&oracle->last[lane][member], last = at);
    if (!row) {
        oracle->missed_to[lane][member] = ring_head(&own[lane % OWN_LANES].ring);
        return;
    }
    if (row->flags & SEEN_LOADING)
        read_through(row, lane, member);
    /* More is possible: who folded it may have died before the oracle heard of it. */
    if (!oracle->inexact[lane][member] && (uint64_t)SEEN_MS(row->seen) < last)
        die_loudly("a row forgot its last sighting");
}

static void fold_recovered(void *arg, const struct record_header *h)
{
    (void)arg;
    fold(h);
}

static void spool_reaches(void *arg, const struct spool_frame *frame)
{
    struct own_lane *o = arg;

    if (frame->to > ring_tail(&o->ring))
        ring_set_tail(&o->ring, frame->to);
}

static void take_over(struct own_lane *o)
{
    char *note = NULL, *error = NULL;
    const char *bad;
    uint64_t bad_pos;

    ring_init(&o->ring, &shm, lane_number(o->lane));
    if (!(o->spool = spool_open(spool_dir, lane_number(o->lane), &note, &error)))
        die_loudly(error);
    if (note && !strstr(note, "torn"))
        die_loudly(note);
    if (ring_recover(&o->ring, fold_recovered, NULL, &bad, &bad_pos))
        die_loudly(bad);
    if (spool_each(o->spool, spool_reaches, o))
        die_loudly("spool_each");
}

/* Slots from the tail on that lie in one piece. */
static const unsigned char *waiting(const struct own_lane *o, uint64_t *from_r, uint64_t *to_r)
{
    uint64_t tail = ring_tail(&o->ring), index = tail % o->ring.size;

    *from_r = tail;
    *to_r = ring_head(&o->ring);
    if (*to_r - tail > o->ring.size - index)
        *to_r = tail + o->ring.size - index;
    return o->ring.slots + index * RECORD_SLOT_SIZE;
}

static void spool_out(struct own_lane *o)
{
    uint64_t from, to;
    const unsigned char *slots = waiting(o, &from, &to);

    if (from == to)
        return;
    if (spool_append(o->spool, shm.header->epoch, from, to, slots))
        die_loudly("spool_append");
    ring_set_tail(&o->ring, to);
}

static void commit(struct own_lane *o)
{
    struct spool_frame frame;
    struct {
        uint64_t to;
        unsigned char slots[1 << 16];
    } batch;
    uint64_t from, to;
    const unsigned char *slots;

    if (o->in_flight)
        return;
    if (!spool_empty(o->spool)) {
        if (spool_peek(o->spool, &frame) != 1)
            die_loudly("spool_peek");
        from = frame.from;
        to = frame.to;
        slots = frame.slots;
    } else {
        slots = waiting(o, &from, &to);
    }
    if (from == to)
        return;
    if ((to - from) * RECORD_SLOT_SIZE > sizeof(batch.slots))
        die_loudly("batch too large");
    batch.to = to;
    memcpy(batch.slots, slots, (to - from) * RECORD_SLOT_SIZE);
    ipc_send(to_master, MSG_QUERY_REPLY, (uint16_t)lane_number(o->lane), &(struct msg_id){from},
             sizeof(struct msg_id), &batch, 8 + (to - from) * RECORD_SLOT_SIZE);
    o->in_flight = true;
    o->events_since_commit = 0;
}

static void committed(struct own_lane *o, uint64_t position)
{
    o->in_flight = false;
    if (spool_drop(o->spool, shm.header->epoch, position))
        die_loudly("spool_drop");
    if (position > ring_tail(&o->ring))
        ring_set_tail(&o->ring, position);
    seen_committed(&shm, lane_number(o->lane), position);
    if (o->finishing || o->events_since_commit >= BATCH_EVENTS || !spool_empty(o->spool))
        commit(o);
}

static void acknowledge(struct own_lane *o)
{
    ipc_send(to_master, MSG_EVENT_ACK, (uint16_t)lane_number(o->lane), &(struct msg_id){o->unacked},
             sizeof(struct msg_id), NULL, 0);
}

static void log_event(struct own_lane *o, const struct msg_event *event)
{
    struct record_sighting *s;

    record_list_reset(&list);
    /* A record of two parts now and then: both or neither. */
    if (event->n % 5 == 0)
        record_list_add(&list, RECORD_EVENT, event->session, event->seq, 0);
    s = record_list_add(&list, RECORD_SIGHTING, event->session, event->seq, 0);
    s->h.flags = RECORD_EVENT_END | RECORD_COUNTED;
    s->guild = guilds[o->lane];
    s->user = user_of(member_of(o->lane, event->n));
    s->at.ms = ms_of(o->lane, event->n);
    s->kind = ACTIVITY_MESSAGE;
    while (!ring_append(&o->ring, &list, 0, false))
        spool_out(o);
    fold(&s->h);
}

static void take_event(struct own_lane *o, const struct msg_event *event)
{
    if (event->seq > ring_appended(&o->ring, event->session)) {
        log_event(o, event);
        o->events_since_commit++;
    }
    o->unacked = event->n;
    if (event->n % 16 == 0)
        acknowledge(o);
    if ((mixed(o->lane, event->n) >> 8) % SPOOL_ONE_IN == 0)
        spool_out(o);
    if (o->events_since_commit >= BATCH_EVENTS)
        commit(o);
}

static void worker_message(void *arg, const struct msg_header *h, const void *body,
                           const void *tail, size_t tail_len)
{
    struct own_lane *o = own;

    (void)arg;
    (void)tail;
    (void)tail_len;
    while (lane_number(o->lane) != h->lane)
        o++;
    if (h->type == MSG_EVENT) {
        take_event(o, body);
    } else if (h->type == MSG_QUERY) {
        committed(o, ((const struct msg_id *)body)->id);
    } else { /* MSG_PING: nothing more comes; finish */
        o->finishing = true;
        if (o->unacked)
            acknowledge(o);
        commit(o);
    }
}

static void worker_closed(void *arg, const char *why)
{
    (void)arg;
    fprintf(stderr, "worker %u: master gone: %s\n", my_slot, why);
    _exit(4);
}

_Noreturn static void be_worker(unsigned slot, int fd)
{
    const struct ipc_callbacks callbacks = {worker_message, worker_closed, NULL, NULL};

    my_slot = slot;
    loop = loop_new();
    record_list_init(&list);
    to_master = ipc_new(loop, fd, &callbacks, NULL);
    for (unsigned i = 0; i < OWN_LANES; i++) {
        own[i].lane = slot * OWN_LANES + i;
        take_over(&own[i]);
        ipc_send(to_master, MSG_LANE_OWNED, (uint16_t)lane_number(own[i].lane), NULL, 0, NULL, 0);
        commit(&own[i]);
    }
    loop_run(loop);
    _exit(5);
}

/* --- the master and the database ------------------------------------------------------------- */

struct master_lane {
    uint64_t sent, acked; /* event numbers, from 1 */
    bool owned;
};

struct master_worker {
    unsigned slot;
    pid_t pid;
    struct ipc *ipc;
};

static struct master_lane lanes[TEST_LANES];
static struct master_worker workers[WORKERS];
static struct loop_timer *killer;
static unsigned kills, kills_wanted;
static uint64_t events_wanted = UINT64_MAX; /* per lane; set once there were enough deaths */
static uint64_t seed;
static bool broken;

/* One transaction. */
static uint64_t apply_batch(unsigned lane, uint64_t from, uint64_t to, const unsigned char *slots)
{
    uint64_t pos = from;

    if (from != store->position[lane])
        return store->position[lane];
    while (pos < to) {
        const struct record_sighting *s = (const void *)(slots + (pos - from) * RECORD_SLOT_SIZE);
        struct member_truth *m;

        if (record_check(&s->h, (uint32_t)(to - pos))) {
            broken = true;
            break;
        }
        pos += s->h.slots;
        if (s->h.type != RECORD_SIGHTING)
            continue;
        m = &store->members[lane][(s->user.id - user_of(0).id) / (user_of(1).id - user_of(0).id)];
        m->count++;
        if ((uint64_t)s->at.ms > atomic_load(&m->last))
            atomic_store(&m->last, (uint64_t)s->at.ms);
    }
    store->position[lane] = to;
    return to;
}

/* Whether the database keeps up: rows that wait for it cannot be evicted. */
static bool keeps_up(unsigned lane)
{
    struct ring ring;

    ring_init(&ring, &shm, lane_number(lane));
    return ring_head(&ring) - store->position[lane] < LAG_MAX;
}

static void feed(struct master_worker *w)
{
    for (unsigned i = 0; i < OWN_LANES; i++) {
        unsigned lane = w->slot * OWN_LANES + i;
        struct master_lane *l = &lanes[lane];

        while (l->owned && l->sent - l->acked < WINDOW && l->sent < events_wanted &&
               keeps_up(lane)) {
            struct msg_event event = {.n = ++l->sent, .session = SESSION, .seq = l->sent};

            ipc_send(w->ipc, MSG_EVENT, (uint16_t)lane_number(lane), &event, sizeof(event), "{}",
                     2);
            if (l->sent == events_wanted)
                ipc_send(w->ipc, MSG_PING, (uint16_t)lane_number(lane), &(struct msg_id){0}, 8,
                         NULL, 0);
        }
    }
}

static void master_message(void *arg, const struct msg_header *h, const void *body,
                           const void *tail, size_t tail_len)
{
    struct master_worker *w = arg;
    unsigned lane = lane_by_number(h->lane);
    uint64_t id = h->type == MSG_LANE_OWNED ? 0 : ((const struct msg_id *)body)->id;

    if (h->type == MSG_LANE_OWNED) {
        /* What was not acknowledged is delivered again. */
        lanes[lane].sent = lanes[lane].acked;
        lanes[lane].owned = true;
        if (lanes[lane].sent == events_wanted) /* the ending was lost with the worker */
            ipc_send(w->ipc, MSG_PING, h->lane, &(struct msg_id){0}, 8, NULL, 0);
    } else if (h->type == MSG_EVENT_ACK) {
        if (id > lanes[lane].acked)
            lanes[lane].acked = id;
    } else {
        uint64_t to;

        memcpy(&to, tail, 8);
        assert_int_equal(tail_len, 8 + (to - id) * RECORD_SLOT_SIZE);
        id = apply_batch(lane, id, to, (const unsigned char *)tail + 8);
        ipc_send(w->ipc, MSG_QUERY, h->lane, &(struct msg_id){id}, sizeof(struct msg_id), NULL, 0);
    }
    feed(w);
}

static void start_worker(struct master_worker *w);

static void worker_ended(void *arg, const char *why)
{
    struct master_worker *w = arg;
    int status;

    (void)why;
    ipc_free(&w->ipc);
    assert_int_equal(waitpid(w->pid, &status, 0), w->pid);
    if (!WIFSIGNALED(status) || WTERMSIG(status) != SIGKILL) {
        fprintf(stderr, "worker %u ended with status %#x\n", w->slot, (unsigned)status);
        broken = true;
        loop_stop(loop);
        return;
    }
    for (unsigned i = 0; i < OWN_LANES; i++)
        lanes[w->slot * OWN_LANES + i].owned = false;
    seen_release_claims(&shm, w->slot);
    start_worker(w);
}

static void start_worker(struct master_worker *w)
{
    const struct ipc_callbacks callbacks = {master_message, worker_ended, NULL, NULL};
    int fds[2];

    if (fd_pair(fds))
        abort();
    w->pid = fork();
    if (w->pid == 0) {
        close(fds[0]);
        be_worker(w->slot, fds[1]);
    }
    close(fds[1]);
    w->ipc = ipc_new(loop, fds[0], &callbacks, w);
}

static uint64_t chance(uint64_t bound)
{
    seed = seed * UINT64_C(6364136223846793005) + 1442695040888963407;
    return (seed >> 33) % bound;
}

/* No more deaths: the lanes get some more events, all the same number, and an end. */
static void begin_the_end(void)
{
    uint64_t most = 0;

    for (unsigned lane = 0; lane < TEST_LANES; lane++)
        if (lanes[lane].sent > most)
            most = lanes[lane].sent;
    events_wanted = most + 1000;
}

static void kill_one(void *arg)
{
    (void)arg;
    if (kills == kills_wanted) {
        begin_the_end();
        return;
    }
    kills++;
    kill(workers[chance(WORKERS)].pid, SIGKILL);
    loop_timer_set(killer, (int64_t)chance(60));
}

static bool all_done(void)
{
    for (unsigned lane = 0; lane < TEST_LANES; lane++) {
        struct ring ring;

        ring_init(&ring, &shm, lane_number(lane));
        if (lanes[lane].acked != events_wanted || store->position[lane] != ring_head(&ring) ||
            ring_tail(&ring) != ring_head(&ring))
            return false;
    }
    return true;
}

/* --- the test -------------------------------------------------------------------------------- */

static void choose_guilds(void)
{
    uint64_t id = UINT64_C(600000000000000000);

    for (unsigned lane = 0; lane < TEST_LANES; lane++) {
        for (bool taken = true; taken; id += 1 << 22) {
            taken = false;
            guilds[lane].id = id;
            for (unsigned i = 0; i < lane; i++)
                taken |= lane_number(i) == lane_number(lane);
        }
        atomic_store(&shm_lane(&shm, lane_number(lane))->owner, lane / OWN_LANES + 1);
    }
}

static uint64_t from_environment(const char *name, uint64_t otherwise)
{
    const char *text = getenv(name);

    return text ? strtoull(text, NULL, 10) : otherwise;
}

static int set_up(void **state)
{
    (void)state;
    fixture_name("kill");
    shm = fixture_shm(TABLE_ROWS);
    store = mmap(NULL, sizeof(*store), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    assert_ptr_not_equal(store, MAP_FAILED);
    oracle = mmap(NULL, sizeof(*oracle), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    assert_ptr_not_equal(oracle, MAP_FAILED);
    snprintf(spool_dir, sizeof(spool_dir), "/tmp/presence-t_kill-XXXXXX");
    assert_non_null(mkdtemp(spool_dir));
    choose_guilds();
    loop = loop_new();
    return 0;
}

static int tear_down(void **state)
{
    char *command = xasprintf("rm -rf '%s'", spool_dir);

    (void)state;
    for (unsigned i = 0; i < WORKERS; i++) {
        ipc_free(&workers[i].ipc);
        kill(workers[i].pid, SIGKILL);
        waitpid(workers[i].pid, NULL, 0);
    }
    loop_timer_free(&killer);
    loop_free(&loop);
    fixture_done(&shm);
    munmap(store, sizeof(*store));
    munmap(oracle, sizeof(*oracle));
    assert_int_equal(system(command), 0);
    free(command);
    return 0;
}

static struct {
    uint64_t count, last;
    bool in_table;
} truth[TEST_LANES][MEMBERS];

static void learn_truth(void)
{
    for (unsigned lane = 0; lane < TEST_LANES; lane++) {
        for (uint64_t n = 1; n <= events_wanted; n++) {
            unsigned member = member_of(lane, n);

            truth[lane][member].count++;
            if ((uint64_t)ms_of(lane, n) > truth[lane][member].last)
                truth[lane][member].last = (uint64_t)ms_of(lane, n);
        }
    }
}

static bool check_row(void *arg, struct seen_row *row)
{
    unsigned lane = lane_by_number(route_lane((snowflake_t){row->guild}));
    unsigned member = (unsigned)((row->user - user_of(0).id) / (user_of(1).id - user_of(0).id));

    assert_int_equal(row->guild, guilds[lane].id);
    assert_int_equal(row->user, user_of(member).id);
    assert_false(truth[lane][member].in_table);
    truth[lane][member].in_table = true;
    if (oracle->inexact[lane][member])
        return true;
    assert_int_equal(SEEN_MS(row->seen), truth[lane][member].last);
    assert_int_equal(SEEN_MS(row->counted), truth[lane][member].last);
    ++*(unsigned *)arg;
    return true;
}

static void nothing_is_lost_or_doubled(void **state)
{
    monoms_t begin = clock_mono();
    unsigned rows = 0;

    (void)state;
    kills_wanted = (unsigned)from_environment("PRESENCE_KILLS", 60);
    seed = from_environment("PRESENCE_SEED", (uint64_t)clock_unix().ms);
    print_message("%u deaths, PRESENCE_SEED=%ju\n", kills_wanted, (uintmax_t)seed);
    for (unsigned i = 0; i < WORKERS; i++) {
        workers[i].slot = i;
        start_worker(&workers[i]);
    }
    killer = loop_timer_new(loop, kill_one, NULL);
    loop_timer_set(killer, 5);
    while (!broken && !all_done()) {
        loop_once(loop, 100);
        if (clock_mono().ms - begin.ms > DEADLINE_MS + (int64_t)kills_wanted * 1000)
            fail_msg("not done after %d s", DEADLINE_MS / 1000);
    }
    assert_false(broken);
    learn_truth();
    for (unsigned lane = 0; lane < TEST_LANES; lane++) {
        for (unsigned member = 0; member < MEMBERS; member++) {
            assert_int_equal(store->members[lane][member].count, truth[lane][member].count);
            assert_int_equal(atomic_load(&store->members[lane][member].last),
                             truth[lane][member].last);
        }
    }
    seen_each(&shm, check_row, &rows);
    assert_true(rows > TABLE_ROWS / 2 && rows <= shm.header->rows);
    assert_true(atomic_load(&shm.header->counters[SHM_COUNT_EVICTIONS].value) > 0);
    print_message("%ju events, %u rows, %ju evictions\n", (uintmax_t)(events_wanted * TEST_LANES),
                  rows, (uintmax_t)atomic_load(&shm.header->counters[SHM_COUNT_EVICTIONS].value));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(nothing_is_lost_or_doubled, set_up, tear_down),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
