/* loop: order of timers, deletions inside callbacks, deferred calls, signals; with either back end.
 */
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "presence/buf.h"
#include "presence/fd.h"
#include "presence/loop.h"
#include "tests/cmocka_all.h"

#define TIMERS 200

static struct loop *loop;
static monoms_t now;

static int set_up(void **state)
{
    (void)state;
    loop = loop_new();
    now = (monoms_t){1000};
    return 0;
}

static int set_up_epoll(void **state)
{
    (void)state;
    loop = loop_new_epoll();
    now = (monoms_t){1000};
    return 0;
}

static int tear_down(void **state)
{
    (void)state;
    clock_set_for_test(NULL, NULL);
    loop_free(&loop);
    assert_null(loop);
    return 0;
}

/* Advances the test's clock and serves what is due. */
static void pass_time(int64_t ms)
{
    now.ms += ms;
    clock_set_for_test(NULL, &now);
    loop_once(loop, 0);
}

/* --- time that was not served ----------------------------------------------------------------- */

/* As if the process were stopped while it waits: the clock goes on. */
static void stopped_wait(void *ctx, int64_t max_wait_ms)
{
    now.ms += (max_wait_ms > 0 ? max_wait_ms : 0) + *(int64_t *)ctx;
}

static void free_nothing(void *ctx)
{
    (void)ctx;
}

static const struct loop_backend stopped_backend = {.wait = stopped_wait, .free = free_nothing};

static int64_t served_at_timer;

static void stop_in_callback(void *arg)
{
    now.ms += *(int64_t *)arg;
    served_at_timer = loop_served(loop).ms;
}

static void time_in_which_nothing_was_read_is_not_served(void **state)
{
    int64_t stop_ms = 0, in_callback_ms = 0, begun;
    struct loop_timer *timer;

    (void)state;
    loop_free(&loop);
    loop = loop_new_backend(&stopped_backend, &stop_ms);
    clock_set_for_test(NULL, &now);
    timer = loop_timer_new(loop, stop_in_callback, &in_callback_ms);
    begun = loop_served(loop).ms;
    loop_timer_set(timer, 3000);
    loop_once(loop, -1);
    assert_int_equal(served_at_timer - begun, 3000); /* a wait that was wanted */
    stop_ms = 60000;
    loop_timer_set(timer, 3000);
    loop_once(loop, -1);
    assert_int_equal(served_at_timer - begun, 6000 + LOOP_HELD_MS);
    stop_ms = 0;
    in_callback_ms = 60000;
    loop_timer_set(timer, 3000);
    loop_once(loop, -1);
    assert_int_equal(served_at_timer - begun, 9000 + 2 * LOOP_HELD_MS);
    loop_once(loop, 0);
    assert_int_equal(loop_served(loop).ms, served_at_timer);
    loop_timer_free(&timer);
}

/* --- timers ---------------------------------------------------------------------------------- */

static struct {
    struct loop_timer *timer;
    int64_t due;
    bool fired;
} timers[TIMERS];
static int64_t last_due;
static unsigned fired;

static void note_fired(void *arg)
{
    size_t i = (size_t)(uintptr_t)arg;

    assert_false(timers[i].fired);
    assert_true(timers[i].due >= last_due);
    assert_true(timers[i].due <= now.ms);
    assert_false(loop_timer_active(timers[i].timer));
    timers[i].fired = true;
    last_due = timers[i].due;
    fired++;
}

static void timers_fire_in_order(void **state)
{
    (void)state;
    clock_set_for_test(NULL, &now);
    last_due = fired = 0;
    for (size_t i = 0; i < TIMERS; i++) {
        timers[i].timer = loop_timer_new(loop, note_fired, (void *)(uintptr_t)i);
        timers[i].fired = false;
        assert_false(loop_timer_active(timers[i].timer));
        loop_timer_set(timers[i].timer, 5);
        timers[i].due = now.ms + (int64_t)(i * 7919 % 1000);
        loop_timer_set(timers[i].timer, timers[i].due - now.ms);
    }
    for (size_t i = 0; i < TIMERS; i += 3)
        loop_timer_stop(timers[i].timer);
    pass_time(500);
    for (size_t i = 0; i < TIMERS; i++)
        assert_int_equal(timers[i].fired, i % 3 != 0 && timers[i].due <= now.ms);
    pass_time(600);
    assert_int_equal(fired, TIMERS - (TIMERS + 2) / 3);
    for (size_t i = 0; i < TIMERS; i++)
        loop_timer_free(&timers[i].timer);
}

static void free_the_next(void *arg)
{
    size_t i = (size_t)(uintptr_t)arg;

    fired++;
    loop_timer_free(&timers[i].timer);
    if (i + 1 < 10)
        loop_timer_free(&timers[i + 1].timer);
}

static void timers_may_free_themselves_and_others(void **state)
{
    (void)state;
    clock_set_for_test(NULL, &now);
    fired = 0;
    for (size_t i = 0; i < 10; i++) {
        timers[i].timer = loop_timer_new(loop, free_the_next, (void *)(uintptr_t)i);
        loop_timer_set(timers[i].timer, (int64_t)i);
    }
    pass_time(20);
    assert_int_equal(fired, 5);
    for (size_t i = 0; i < 10; i++)
        assert_null(timers[i].timer);
}

static void set_again(void *arg)
{
    (void)arg;
    fired++;
    loop_timer_set(timers[0].timer, 0);
}

static void a_timer_set_by_itself_waits_for_the_next_round(void **state)
{
    (void)state;
    clock_set_for_test(NULL, &now);
    fired = 0;
    timers[0].timer = loop_timer_new(loop, set_again, NULL);
    loop_timer_set(timers[0].timer, 0);
    pass_time(0);
    assert_int_equal(fired, 1);
    pass_time(1);
    assert_int_equal(fired, 2);
    loop_timer_free(&timers[0].timer);
}

static void a_real_timer_ends_the_wait(void **state)
{
    struct loop_timer *timer = loop_timer_new(loop, (loop_cb *)loop_stop, loop);
    int64_t begin = clock_mono().ms;

    (void)state;
    loop_timer_set(timer, 20);
    loop_run(loop);
    assert_in_range(clock_mono().ms - begin, 20, 5000);
    loop_timer_free(&timer);
}

/* --- deferred -------------------------------------------------------------------------------- */

static char order[32];

static void note_letter(void *arg)
{
    strncat(order, arg, 1);
}

static void defer_more(void *arg)
{
    note_letter(arg);
    loop_defer(loop, note_letter, "z");
    loop_undefer(loop, note_letter, "c");
}

static void deferred_calls_run_once_in_order(void **state)
{
    static char a[] = "a", b[] = "b", c[] = "c", d[] = "d";

    (void)state;
    order[0] = '\0';
    loop_defer(loop, note_letter, a);
    loop_defer(loop, defer_more, b);
    loop_defer(loop, note_letter, c);
    loop_defer(loop, note_letter, d);
    loop_undefer(loop, note_letter, a);
    loop_once(loop, -1); /* does not wait */
    assert_string_equal(order, "bcd");
    loop_once(loop, -1);
    assert_string_equal(order, "bcdz");
    loop_once(loop, 0);
    assert_string_equal(order, "bcdz");
}

static void deferred_calls_can_be_taken_back(void **state)
{
    static char a[] = "a", b[] = "b";

    (void)state;
    order[0] = '\0';
    loop_defer(loop, note_letter, a);
    loop_defer(loop, note_letter, b);
    loop_undefer(loop, note_letter, a);
    loop_once(loop, 0);
    assert_string_equal(order, "b");
}

/* --- descriptors ----------------------------------------------------------------------------- */

#define PAIRS 20

static struct {
    int fds[2];
    struct loop_fd *watch;
    unsigned served;
} pairs[PAIRS];
static unsigned deleted_mask;

static void open_pairs(loop_fd_cb *cb)
{
    deleted_mask = 0;
    for (size_t i = 0; i < PAIRS; i++) {
        assert_int_equal(fd_pair(pairs[i].fds), 0);
        pairs[i].served = 0;
        pairs[i].watch = loop_fd_add(loop, pairs[i].fds[0], LOOP_READ, cb, (void *)(uintptr_t)i);
        assert_int_equal(loop_fd_fd(pairs[i].watch), pairs[i].fds[0]);
        assert_int_equal(write(pairs[i].fds[1], "x", 1), 1);
    }
}

static void close_pairs(void)
{
    for (size_t i = 0; i < PAIRS; i++) {
        loop_fd_del(&pairs[i].watch);
        fd_close(&pairs[i].fds[0]);
        fd_close(&pairs[i].fds[1]);
    }
}

static void drain(size_t i)
{
    char byte;

    assert_int_equal(read(pairs[i].fds[0], &byte, 1), 1);
    pairs[i].served++;
}

/* Deletes itself, a neighbour and one far away. */
static void delete_some(void *arg, unsigned events)
{
    size_t i = (size_t)(uintptr_t)arg;
    size_t gone[] = {i, (i + 1) % PAIRS, (i * 7 + 3) % PAIRS};

    assert_int_equal(events, LOOP_READ);
    assert_false(deleted_mask & 1u << i);
    drain(i);
    for (size_t k = 0; k < 3; k++) {
        loop_fd_del(&pairs[gone[k]].watch);
        deleted_mask |= 1u << gone[k];
    }
}

static void watches_may_delete_any(void **state)
{
    (void)state;
    open_pairs(delete_some);
    for (int round = 0; round < 5; round++)
        loop_once(loop, 0);
    for (size_t i = 0; i < PAIRS; i++)
        assert_true(pairs[i].served == 1 || !pairs[i].watch);
    close_pairs();
}

static void serve_and_move(void *arg, unsigned events)
{
    size_t i = (size_t)(uintptr_t)arg;

    (void)events;
    drain(i);
    loop_fd_del(&pairs[i].watch);
    pairs[i].watch = loop_fd_add(loop, pairs[i].fds[0], LOOP_READ, serve_and_move, arg);
}

static void each_is_served_once_though_all_move(void **state)
{
    (void)state;
    open_pairs(serve_and_move);
    for (int round = 0; round < 3; round++)
        loop_once(loop, 0);
    for (size_t i = 0; i < PAIRS; i++)
        assert_int_equal(pairs[i].served, 1);
    close_pairs();
}

static unsigned last_events;

static void note_events(void *arg, unsigned events)
{
    (void)arg;
    last_events = events;
}

static void wanted_events_are_reported(void **state)
{
    int fds[2];
    struct loop_fd *watch;

    (void)state;
    assert_int_equal(fd_pair(fds), 0);
    watch = loop_fd_add(loop, fds[0], 0, note_events, NULL);
    last_events = 0;
    loop_once(loop, 0);
    assert_int_equal(last_events, 0);
    loop_fd_want(watch, LOOP_READ | LOOP_WRITE);
    loop_once(loop, 0);
    assert_int_equal(last_events, LOOP_WRITE);
    assert_int_equal(write(fds[1], "x", 1), 1);
    loop_fd_want(watch, LOOP_READ);
    loop_once(loop, 0);
    assert_int_equal(last_events, LOOP_READ);
    close(fds[1]);
    loop_once(loop, 0);
    assert_int_equal(last_events, LOOP_READ | LOOP_HUP);
    loop_fd_del(&watch);
    assert_null(watch);
    loop_fd_del(&watch);
    close(fds[0]);
}

/* --- signals --------------------------------------------------------------------------------- */

static unsigned signals_seen[NSIG];

static void note_signal(void *arg, int signo)
{
    assert_ptr_equal(arg, &signals_seen);
    signals_seen[signo]++;
}

static void signals_come_through_the_loop(void **state)
{
    static const int list[] = {SIGHUP, SIGTERM, SIGUSR1, SIGCHLD};

    (void)state;
    for (size_t i = 0; i < 4; i++) {
        loop_signal(loop, list[i], note_signal, &signals_seen);
        signals_seen[list[i]] = 0;
    }
    for (size_t i = 0; i < 4; i++)
        raise(list[i]);
    for (size_t i = 0; i < 4; i++)
        assert_int_equal(signals_seen[list[i]], 0); /* only the loop calls */
    loop_once(loop, 5000);
    for (size_t i = 0; i < 4; i++)
        assert_int_equal(signals_seen[list[i]], 1);
}

static void a_signal_ends_the_wait(void **state)
{
    pid_t parent = getpid(), child;

    (void)state;
    signals_seen[SIGUSR1] = 0;
    loop_signal(loop, SIGUSR1, note_signal, &signals_seen);
    child = fork();
    if (child == 0) {
        kill(parent, SIGUSR1);
        _exit(0);
    }
    for (int i = 0; i < 100 && !signals_seen[SIGUSR1]; i++)
        loop_once(loop, 1000);
    assert_int_equal(signals_seen[SIGUSR1], 1);
}

static void more_signals_than_the_pipe_holds(void **state)
{
    (void)state;
    signals_seen[SIGUSR1] = 0;
    loop_signal(loop, SIGUSR1, note_signal, &signals_seen);
    for (int i = 0; i < 100000; i++)
        raise(SIGUSR1);
    loop_once(loop, 1000);
    assert_true(signals_seen[SIGUSR1] > 0);
}

int main(void)
{
#define LOOP_TEST(f)                                                                               \
    cmocka_unit_test_setup_teardown(f, set_up, tear_down),                                         \
    {                                                                                              \
#f " (epoll)", f, set_up_epoll, tear_down, NULL                                            \
    }
    const struct CMUnitTest tests[] = {
        LOOP_TEST(time_in_which_nothing_was_read_is_not_served),
        LOOP_TEST(timers_fire_in_order),
        LOOP_TEST(timers_may_free_themselves_and_others),
        LOOP_TEST(a_timer_set_by_itself_waits_for_the_next_round),
        LOOP_TEST(a_real_timer_ends_the_wait),
        LOOP_TEST(deferred_calls_run_once_in_order),
        LOOP_TEST(deferred_calls_can_be_taken_back),
        LOOP_TEST(watches_may_delete_any),
        LOOP_TEST(each_is_served_once_though_all_move),
        LOOP_TEST(wanted_events_are_reported),
        LOOP_TEST(signals_come_through_the_loop),
        LOOP_TEST(a_signal_ends_the_wait),
        LOOP_TEST(more_signals_than_the_pipe_holds),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
