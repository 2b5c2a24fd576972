/* ipc: messages of all sizes over a real socket pair, back pressure, damage, ends. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "presence/buf.h"
#include "presence/fd.h"
#include "presence/ipc.h"
#include "tests/cmocka_all.h"

struct end {
    struct ipc *ipc;
    unsigned messages, closed, writable;
    char why[200];
    uint64_t next; /* number of the message expected */
    unsigned free_at;
    size_t tail_bytes;
    unsigned together, most_together; /* messages since the last handed_over */
    const unsigned char *first_tail;  /* of these */
    uint64_t first_n;
};

static struct loop *loop;
static struct end a, b;
static int raw_fd; /* the other end of a, when there is no b */

static unsigned char pattern(uint64_t n, size_t i)
{
    return (unsigned char)(n * 31 + i * 7);
}

static void on_message(void *arg, const struct msg_header *h, const void *body, const void *tail,
                       size_t tail_len)
{
    struct end *end = arg;
    const struct msg_event *event = body;

    end->messages++;
    assert_int_equal((uintptr_t)body % 8, 0);
    if (h->type == MSG_EVENT) {
        const unsigned char *p = tail;

        assert_int_equal(event->n, end->next);
        assert_int_equal(h->lane, event->n % 64);
        assert_int_equal(tail_len, event->seq);
        for (size_t i = 0; i < tail_len; i += 1 + tail_len / 1000)
            assert_int_equal(p[i], pattern(event->n, i));
        end->tail_bytes += tail_len;
        end->next++;
        if (end->together++ == 0) {
            end->first_tail = tail_len ? p : NULL;
            end->first_n = event->n;
        }
    }
    if (end->messages == end->free_at)
        ipc_free(&end->ipc);
}

static void on_closed(void *arg, const char *why)
{
    struct end *end = arg;

    end->closed++;
    strncpy(end->why, why, sizeof(end->why) - 1);
    ipc_free(&end->ipc); /* what an owner does */
}

static void on_writable(void *arg)
{
    ((struct end *)arg)->writable++;
}

/* What came together is still there. */
static void on_handed_over(void *arg)
{
    struct end *end = arg;

    if (end->together > 1 && end->first_tail)
        assert_int_equal(end->first_tail[0], pattern(end->first_n, 0));
    if (end->together > end->most_together)
        end->most_together = end->together;
    end->together = 0;
}

static const struct ipc_callbacks callbacks = {on_message, on_closed, on_writable, on_handed_over};

static int set_up(void **state)
{
    int fds[2];

    (void)state;
    loop = loop_new();
    assert_int_equal(fd_pair(fds), 0);
    a = b = (struct end){0};
    a.ipc = ipc_new(loop, fds[0], &callbacks, &a);
    b.ipc = ipc_new(loop, fds[1], &callbacks, &b);
    raw_fd = -1;
    return 0;
}

static int set_up_raw(void **state)
{
    int fds[2];

    (void)state;
    loop = loop_new();
    assert_int_equal(fd_pair(fds), 0);
    a = b = (struct end){0};
    a.ipc = ipc_new(loop, fds[0], &callbacks, &a);
    raw_fd = fds[1];
    return 0;
}

static int tear_down(void **state)
{
    (void)state;
    ipc_free(&a.ipc);
    ipc_free(&b.ipc);
    fd_close(&raw_fd);
    loop_free(&loop);
    return 0;
}

static void run_rounds(int n)
{
    for (int i = 0; i < n; i++)
        loop_once(loop, 0);
}

static void send_event(struct end *end, uint64_t n, size_t len)
{
    struct msg_event event = {.n = n, .seq = len};
    unsigned char *tail = xmalloc(len);

    for (size_t i = 0; i < len; i++)
        tail[i] = pattern(n, i);
    ipc_send(end->ipc, MSG_EVENT, (uint16_t)(n % 64), &event, sizeof(event), tail, len);
    free(tail);
}

static void send_id(struct end *end, uint16_t type, uint64_t id)
{
    ipc_send(end->ipc, type, 0, &(struct msg_id){id}, sizeof(struct msg_id), NULL, 0);
}

static void messages_arrive_in_order_both_ways(void **state)
{
    uint64_t sent = 0;

    (void)state;
    for (int round = 0; round < 400; round++) {
        for (int i = 0; i < round % 60; i++, sent++) {
            send_event(&a, sent, (size_t)(sent * sent % 3001));
            send_id(&b, MSG_EVENT_ACK, sent);
        }
        loop_once(loop, 0);
    }
    while (b.next < sent || a.messages < sent)
        loop_once(loop, 1000);
    assert_int_equal(b.messages, sent);
    assert_int_equal(a.messages, sent);
    assert_int_equal(ipc_queued(a.ipc), 0);
    assert_int_equal(a.closed + b.closed, 0);
}

static void large_messages(void **state)
{
    static const size_t sizes[] = {0, 1, 262144 - 80, 262144, 300001, 5 << 20, 3, 40 << 20, 17};
    size_t n = sizeof(sizes) / sizeof(sizes[0]), all = 0;

    (void)state;
    for (size_t i = 0; i < n; i++) {
        send_event(&a, i, sizes[i]);
        all += sizes[i];
    }
    while (b.next < n)
        loop_once(loop, 1000);
    assert_int_equal(b.tail_bytes, all);
}

static void one_write_for_many(void **state)
{
    (void)state;
    for (uint64_t i = 0; i < 100; i++)
        send_event(&a, i, 100);
    /* Nothing goes out before the round ends ... */
    assert_true(ipc_queued(a.ipc) >= 100 * 180);
    loop_once(loop, 0);
    assert_int_equal(ipc_queued(a.ipc), 0);
    /* ... but a lot does not wait for that. */
    for (uint64_t i = 100; i < 200; i++)
        send_event(&a, i, 1000);
    assert_true(ipc_queued(a.ipc) < 64 << 10);
    while (b.next < 200)
        loop_once(loop, 1000);
    /* Who reads hears when all that came together was handed over. */
    assert_true(b.most_together > 10);
    assert_int_equal(b.together, 0);
}

static struct msg_header last_header;

static void note_header(void *arg, const struct msg_header *h, const void *body, const void *tail,
                        size_t tail_len)
{
    (void)arg;
    (void)body;
    (void)tail;
    (void)tail_len;
    last_header = *h;
}

static void generation_is_sent(void **state)
{
    const struct ipc_callbacks cb = {note_header, on_closed, NULL, NULL};
    int fds[2];
    struct ipc *from, *to;

    (void)state;
    assert_int_equal(fd_pair(fds), 0);
    from = ipc_new(loop, fds[0], &cb, &a);
    to = ipc_new(loop, fds[1], &cb, &b);
    ipc_set_generation(from, 77);
    ipc_send(from, MSG_LANE_GRANT, 63, NULL, 0, NULL, 0);
    ipc_flush(from);
    loop_once(loop, 1000);
    assert_int_equal(last_header.generation, 77);
    assert_int_equal(last_header.lane, 63);
    assert_int_equal(last_header.type, MSG_LANE_GRANT);
    assert_int_equal(last_header.size, sizeof(struct msg_header));
    ipc_free(&from);
    ipc_free(&to);
}

static void back_pressure(void **state)
{
    uint64_t sent = 0;

    (void)state;
    ipc_set_marks(a.ipc, 100000, 1000000);
    while (!ipc_congested(a.ipc) && sent < 100000) {
        send_event(&a, sent++, 1000);
        if (sent % 100 == 0)
            loop_once(loop, 0);
    }
    assert_true(ipc_congested(a.ipc));
    run_rounds(5);
    assert_int_equal(a.writable, 0);
    b.ipc = ipc_new(loop, raw_fd, &callbacks, &b); /* nobody has read before */
    raw_fd = -1;
    while (b.next < sent)
        loop_once(loop, 1000);
    assert_int_equal(a.writable, 1);
    assert_false(ipc_congested(a.ipc));
}

static void freed_inside_a_callback(void **state)
{
    (void)state;
    b.free_at = 4;
    for (uint64_t i = 0; i < 10; i++)
        send_event(&a, i, 50);
    run_rounds(10);
    assert_int_equal(b.messages, 4);
    assert_null(b.ipc);
    assert_int_equal(b.closed, 0);
    assert_int_equal(a.closed, 1);
}

static void end_of_file(void **state)
{
    (void)state;
    send_event(&a, 0, 10);
    ipc_flush(a.ipc);
    ipc_free(&a.ipc);
    run_rounds(5);
    assert_int_equal(b.messages, 1); /* what was sent before is not lost */
    assert_int_equal(b.closed, 1);
    assert_string_equal(b.why, "end of file");
}

static void what_the_dead_peer_sent_is_still_read(void **state)
{
    (void)state;
    /* b dies with bytes of a unread: a's sending fails, b's last message must still arrive. */
    send_event(&a, 0, 10);
    ipc_flush(a.ipc);
    send_id(&b, MSG_PONG, 5);
    ipc_flush(b.ipc);
    ipc_free(&b.ipc);
    send_event(&a, 1, 10);
    ipc_flush(a.ipc);
    send_event(&a, 2, 10); /* no harm after the failure */
    run_rounds(5);
    assert_int_equal(a.messages, 1);
    assert_int_equal(a.closed, 1);
}

/* --- bytes no honest peer sends -------------------------------------------------------------- */

static void expect_refused(const void *bytes, size_t n, const char *why)
{
    assert_int_equal(write(raw_fd, bytes, n), n);
    run_rounds(5);
    assert_int_equal(a.messages, 0);
    assert_int_equal(a.closed, 1);
    assert_non_null(strstr(a.why, why));
}

static void unknown_type(void **state)
{
    struct msg_header h = {.size = 16, .type = 4711};

    (void)state;
    expect_refused(&h, sizeof(h), "type 4711, lane 0, 16 bytes: unknown message type");
}

static void wrong_size(void **state)
{
    struct msg_header h = {.size = 15, .type = MSG_DRAIN};

    (void)state;
    expect_refused(&h, sizeof(h), "shorter");
}

static void a_size_that_would_exhaust_memory(void **state)
{
    struct msg_header h = {.size = UINT32_MAX, .type = MSG_EVENT};

    (void)state;
    expect_refused(&h, sizeof(h), "larger");
}

static void end_inside_a_message(void **state)
{
    struct msg_header h = {.size = 200, .type = MSG_EVENT};

    (void)state;
    assert_int_equal(write(raw_fd, &h, sizeof(h)), sizeof(h));
    shutdown(raw_fd, SHUT_WR);
    run_rounds(5);
    assert_int_equal(a.closed, 1);
    assert_string_equal(a.why, "end of file inside a message");
}

static void one_byte_at_a_time(void **state)
{
    struct {
        struct msg_header h;
        struct msg_event event;
        unsigned char tail[8];
    } message = {.h = {.size = 16 + 64 + 5, .type = MSG_EVENT}, .event = {.seq = 5}};

    (void)state;
    for (size_t i = 0; i < 5; i++)
        message.tail[i] = pattern(0, i);
    for (size_t i = 0; i < sizeof(message); i++) {
        assert_int_equal(a.messages, 0);
        assert_int_equal(write(raw_fd, (char *)&message + i, 1), 1);
        loop_once(loop, 0);
    }
    assert_int_equal(a.messages, 1);
    assert_int_equal(a.closed, 0);
}

static void random_bytes(void **state)
{
    uint64_t x = 7;

    (void)state;
    for (int round = 0; round < 300; round++) {
        unsigned char bytes[256];
        int fds[2];
        struct end end = {0};

        for (size_t i = 0; i < sizeof(bytes); i++) {
            x = x * UINT64_C(6364136223846793005) + 1442695040888963407;
            bytes[i] = i % 16 < 2 || i % 16 >= 6 ? (unsigned char)(x >> 60) : 0;
        }
        assert_int_equal(fd_pair(fds), 0);
        end.ipc = ipc_new(loop, fds[0], &(struct ipc_callbacks){note_header, on_closed, NULL, NULL},
                          &end);
        assert_int_equal(write(fds[1], bytes, sizeof(bytes)), sizeof(bytes));
        close(fds[1]);
        run_rounds(4);
        assert_int_equal(end.closed, 1);
    }
}

int main(void)
{
#define IPC_TEST(f) cmocka_unit_test_setup_teardown(f, set_up, tear_down)
#define RAW_TEST(f) cmocka_unit_test_setup_teardown(f, set_up_raw, tear_down)
    const struct CMUnitTest tests[] = {
        IPC_TEST(messages_arrive_in_order_both_ways),
        IPC_TEST(large_messages),
        IPC_TEST(one_write_for_many),
        IPC_TEST(generation_is_sent),
        RAW_TEST(back_pressure),
        IPC_TEST(freed_inside_a_callback),
        IPC_TEST(end_of_file),
        IPC_TEST(what_the_dead_peer_sent_is_still_read),
        RAW_TEST(unknown_type),
        RAW_TEST(wrong_size),
        RAW_TEST(a_size_that_would_exhaust_memory),
        RAW_TEST(end_inside_a_message),
        RAW_TEST(one_byte_at_a_time),
        RAW_TEST(random_bytes),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
