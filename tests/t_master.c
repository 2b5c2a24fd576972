/* The pure parts of the master: lane queue, resume point, lane plan, identify gate, state file. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "master/idgate.h"
#include "master/laneq.h"
#include "master/plan.h"
#include "master/resume.h"
#include "master/state.h"
#include "presence/buf.h"

/* --- laneq ----------------------------------------------------------------------------------- */

struct queue {
    struct laneq q;
    struct laneq_pool pool;
};

static void add(struct queue *t, uint64_t seq, const char *frame)
{
    struct msg_event e = {.session = 7, .seq = seq};

    laneq_add(&t->q, &t->pool, &e, frame, strlen(frame));
}

/* Blocks for some of the events; the others go to the heap. */
static void queue_init(struct queue *t)
{
    laneq_init(&t->q);
    assert_int_equal(framepool_open(&t->pool.frames, 4 * FRAMEPOOL_BLOCK), 0);
}

static void queue_clear(struct queue *t)
{
    laneq_clear(&t->q, &t->pool);
    assert_int_equal(t->pool.frames.spares, t->pool.frames.fresh);
    framepool_close(&t->pool.frames);
    assert_int_equal(t->pool.bytes, 0);
    assert_int_equal(t->pool.events, 0);
}

static void test_laneq_order(void **state)
{
    struct queue t = {0};
    char frame[32];

    (void)state;
    queue_init(&t);
    assert_null(laneq_peek(&t.q));
    assert_true(laneq_empty(&t.q));
    for (uint64_t i = 1; i <= 5000; i++) {
        snprintf(frame, sizeof(frame), "frame %llu", (unsigned long long)i);
        add(&t, i, frame);
    }
    for (uint64_t i = 1; i <= 5000; i++) {
        const struct framepool_event *e = laneq_peek(&t.q);

        snprintf(frame, sizeof(frame), "frame %llu", (unsigned long long)i);
        assert_int_equal(e->head.n, i);
        assert_int_equal(e->head.seq, i);
        assert_int_equal(e->head.flags, 0);
        assert_int_equal(e->len, strlen(frame));
        assert_memory_equal(framepool_frame(e), frame, (size_t)e->len);
        laneq_sent(&t.q);
        if (i % 3 == 0)
            assert_int_equal(laneq_ack(&t.q, &t.pool, i - 1), 0);
    }
    assert_null(laneq_peek(&t.q));
    assert_int_equal(laneq_ack(&t.q, &t.pool, 5001), -1);
    assert_int_equal(laneq_ack(&t.q, &t.pool, 5000), 0);
    assert_true(laneq_empty(&t.q));
    assert_int_equal(t.pool.bytes, 0);
    add(&t, 9, "again");
    assert_int_equal(laneq_peek(&t.q)->head.n, 5001);
    queue_clear(&t);
}

static void test_laneq_large_events(void **state)
{
    struct queue t = {0};
    char *large = xmalloc(200001);

    (void)state;
    queue_init(&t);
    memset(large, 'x', 200000);
    large[200000] = '\0';
    for (uint64_t i = 1; i <= 4; i++)
        add(&t, i, i % 2 ? "small" : large);
    for (uint64_t i = 1; i <= 4; i++) {
        assert_int_equal(laneq_peek(&t.q)->len, i % 2 ? 5 : 200000);
        assert_int_equal(framepool_owns(&t.pool.frames, laneq_peek(&t.q)), i % 2);
        laneq_sent(&t.q);
        assert_int_equal(laneq_ack(&t.q, &t.pool, i), 0);
    }
    assert_int_equal(t.pool.bytes, 0);
    add(&t, 5, "after");
    assert_int_equal(laneq_first(&t.q)->head.n, 5);
    queue_clear(&t);
    free(large);
}

static void test_laneq_redelivery(void **state)
{
    struct queue t = {0};

    (void)state;
    queue_init(&t);
    for (uint64_t i = 1; i <= 4; i++)
        add(&t, i, "{}");
    for (int i = 0; i < 3; i++)
        laneq_sent(&t.q);
    laneq_ack(&t.q, &t.pool, 1);
    assert_true(laneq_unacked(&t.q));
    laneq_rewind(&t.q);
    assert_false(laneq_unacked(&t.q));
    for (uint64_t i = 2; i <= 4; i++) {
        assert_int_equal(laneq_peek(&t.q)->head.n, i);
        /* The fourth was never sent. */
        assert_int_equal(laneq_peek(&t.q)->head.flags, i < 4 ? MSG_EVENT_REDELIVERED : 0);
        laneq_sent(&t.q);
    }
    queue_clear(&t);
}

/* Adds, sends, acknowledges and rewinds at random, beside a model that is one number each. */
static void test_laneq_random(void **state)
{
    struct queue t = {0};
    uint64_t added = 0, sent = 0, acked = 0;
    char frame[20000];

    (void)state;
    srand(7);
    queue_init(&t);
    memset(frame, 'x', sizeof(frame));
    frame[sizeof(frame) - 1] = '\0';
    for (unsigned i = 0; i < 200000; i++) {
        switch (rand() % 8) {
        case 0:
        case 1:
        case 2:
            if (added - acked < 500)
                add(&t, ++added, frame + sizeof(frame) - 1 - rand() % (rand() % 50 ? 900 : 19000));
            break;
        case 3:
        case 4:
        case 5:
            if (sent == added) {
                assert_null(laneq_peek(&t.q));
                break;
            }
            assert_int_equal(laneq_peek(&t.q)->head.n, ++sent);
            assert_int_equal(laneq_peek(&t.q)->head.seq, sent);
            laneq_sent(&t.q);
            break;
        case 6:
            acked += sent > acked ? (uint64_t)rand() % (sent - acked + 1) : 0;
            assert_int_equal(laneq_ack(&t.q, &t.pool, acked), 0);
            break;
        case 7:
            if (rand() % 20 == 0) {
                laneq_rewind(&t.q);
                sent = acked;
            }
            break;
        }
        if (acked == added)
            assert_null(laneq_first(&t.q));
        else
            assert_int_equal(laneq_first(&t.q)->head.n, acked + 1);
        assert_int_equal(t.pool.events, added - acked);
        assert_int_equal(t.pool.bytes == 0, added == acked);
        assert_int_equal(t.pool.bytes, t.q.bytes);
    }
    queue_clear(&t);
}

static void test_laneq_poison(void **state)
{
    struct queue t = {0};
    const struct framepool_event *e;

    (void)state;
    queue_init(&t);
    add(&t, 1, "{\"poison\":true,\"and\":\"more\"}");
    add(&t, 2, "{}");
    assert_false(laneq_blame(&t.q, LANEQ_BLAME_CRASH)); /* nothing was sent */
    assert_int_equal(t.q.blame, 0);
    laneq_sent(&t.q);
    assert_false(laneq_blame(&t.q, LANEQ_BLAME_CRASH));
    laneq_rewind(&t.q);
    assert_true(t.q.blame >= LANEQ_BLAME_SUSPECT);
    laneq_sent(&t.q);
    assert_true(laneq_blame(&t.q, LANEQ_BLAME_CRASH));
    laneq_entomb_first(&t.q);
    laneq_rewind(&t.q);
    e = laneq_peek(&t.q);
    assert_int_equal(e->head.seq, 1);
    assert_int_equal(e->head.session, 7);
    assert_memory_equal(framepool_frame(e) + e->head.t_off, "QUARANTINED", (size_t)e->head.t_len);
    assert_memory_equal(framepool_frame(e) + e->head.d_off, "{}", (size_t)e->head.d_len);
    assert_null(strstr(framepool_frame(e), "poison"));
    laneq_sent(&t.q);
    laneq_ack(&t.q, &t.pool, 1);
    assert_int_equal(t.q.blame, 0);
    queue_clear(&t);
}

static void test_laneq_blame_ends_with_the_event(void **state)
{
    struct queue t = {0};

    (void)state;
    queue_init(&t);
    for (uint64_t i = 1; i <= 3; i++) {
        add(&t, i, "");
        laneq_sent(&t.q);
    }
    laneq_blame(&t.q, LANEQ_BLAME_CRASH);
    laneq_rewind(&t.q);
    laneq_sent(&t.q);
    laneq_ack(&t.q, &t.pool, 1); /* it was innocent */
    laneq_sent(&t.q);
    assert_false(laneq_blame(&t.q, LANEQ_BLAME_CRASH));
    /* Somebody else's SIGKILL weighs little. */
    laneq_ack(&t.q, &t.pool, 2);
    laneq_sent(&t.q);
    for (unsigned i = 1; i < LANEQ_BLAME_POISON; i++)
        assert_false(laneq_blame(&t.q, LANEQ_BLAME_KILLED));
    assert_true(laneq_blame(&t.q, LANEQ_BLAME_KILLED));
    laneq_entomb_first(&t.q); /* of an empty frame too */
    queue_clear(&t);
}

/* --- resume ---------------------------------------------------------------------------------- */

static void test_resume(void **state)
{
    struct resume r;

    (void)state;
    resume_start(&r, 5, 1);
    assert_int_equal(resume_point(&r), 1);
    resume_delivered(&r, 0, 1); /* READY itself */
    assert_int_equal(resume_point(&r), 1);
    resume_durable(&r, 0, 1);
    resume_received(&r, 2);
    assert_int_equal(resume_point(&r), 2);
    resume_received(&r, 3);
    resume_delivered(&r, 10, 3);
    assert_int_equal(resume_point(&r), 2);
    resume_received(&r, 4);
    resume_delivered(&r, 20, 4);
    resume_received(&r, 5);
    resume_delivered(&r, 10, 5);
    resume_durable(&r, 20, 4);
    assert_int_equal(resume_point(&r), 2);
    resume_durable(&r, 10, 3);
    assert_int_equal(resume_point(&r), 3);
    resume_durable(&r, 10, 2); /* an old report changes nothing */
    assert_int_equal(resume_point(&r), 3);
    resume_durable(&r, 10, 5);
    assert_int_equal(resume_point(&r), 5);
    resume_durable(&r, 30, 99); /* of a lane that was given nothing */
    assert_int_equal(resume_point(&r), 5);
    resume_received(&r, 9);
    resume_delivered(&r, 10, 9);
    resume_durable(&r, 10, 5);
    assert_int_equal(resume_point(&r), 8);
}

/* --- plan ------------------------------------------------------------------------------------ */

static void check_even(const int owner[LANES], unsigned count)
{
    unsigned held[LANES] = {0};

    for (unsigned i = 0; i < LANES; i++) {
        assert_in_range(owner[i], 0, count - 1);
        held[owner[i]]++;
    }
    for (unsigned s = 0; s < count; s++)
        assert_in_range(held[s], LANES / count, (LANES + count - 1) / count);
}

static void test_plan(void **state)
{
    int owner[LANES], before[LANES];

    (void)state;
    for (unsigned i = 0; i < LANES; i++)
        owner[i] = PLAN_NOBODY;
    for (unsigned from = 1; from <= LANES; from++) {
        plan_lanes(owner, from);
        check_even(owner, from);
        for (unsigned to = 1; to <= LANES; to++) {
            unsigned moved = 0, least = 0, held[LANES] = {0};

            memcpy(before, owner, sizeof(before));
            int planned[LANES];
            memcpy(planned, owner, sizeof(planned));
            plan_lanes(planned, to);
            check_even(planned, to);
            for (unsigned i = 0; i < LANES; i++) {
                moved += planned[i] != before[i];
                held[before[i]]++;
            }
            /* At least what the smaller shares and the slots that go away make necessary. */
            for (unsigned s = 0; s < LANES; s++) {
                unsigned share = s >= to ? 0 : (LANES + to - 1) / to;

                least += held[s] > share ? held[s] - share : 0;
            }
            assert_in_range(moved, least, least + to);
        }
    }
}

/* --- idgate ---------------------------------------------------------------------------------- */

static void test_idgate(void **state)
{
    struct idgate g;
    monoms_t now = {1000000}, retry;

    (void)state;
    idgate_init(&g);
    idgate_budget(&g, now, 1000, 30, 60000, 2);
    assert_int_equal(idgate_take(&g, now, 0, &retry), IDGATE_NOW);
    assert_int_equal(idgate_take(&g, now, 1, &retry), IDGATE_NOW);  /* another key */
    assert_int_equal(idgate_take(&g, now, 2, &retry), IDGATE_WAIT); /* shard 0's key */
    idgate_used(&g, now, 0);
    assert_true(IDGATE_KEY_MS > 5000); /* as they arrive, not as they are sent */
    now.ms += IDGATE_KEY_MS - 1;
    assert_int_equal(idgate_take(&g, now, 2, &retry), IDGATE_WAIT);
    assert_int_equal(retry.ms, now.ms + 1);
    now.ms++;
    assert_int_equal(idgate_take(&g, now, 2, &retry), IDGATE_NOW);
    idgate_release(&g, 2); /* not used */
    assert_int_equal(idgate_take(&g, now, 4, &retry), IDGATE_NOW);
    idgate_release(&g, 0); /* not the holder: nothing happens */
    assert_int_equal(idgate_take(&g, now, 2, &retry), IDGATE_WAIT);
}

static void test_idgate_reserve(void **state)
{
    struct idgate g;
    monoms_t now = {1000}, retry;

    (void)state;
    idgate_init(&g);
    idgate_budget(&g, now, 1000, 26, 60000, 16);
    assert_int_equal(idgate_take(&g, now, 0, &retry), IDGATE_NOW);
    idgate_used(&g, now, 0);
    assert_int_equal(idgate_take(&g, now, 1, &retry), IDGATE_EXHAUSTED);
    assert_int_equal(retry.ms, 61000);
    now.ms = 61000; /* refilled */
    assert_int_equal(idgate_take(&g, now, 1, &retry), IDGATE_NOW);
}

/* --- state ----------------------------------------------------------------------------------- */

static void test_state(void **unused)
{
    static struct state s, t;
    struct buf text;
    char *error;

    (void)unused;
    s.epoch = 42;
    s.shards = 3;
    s.session_last = 77;
    state_set_shard(&s, 0, 1000, 55, "abc", "wss://x.example/", 1700000000000);
    state_set_shard(&s, 2, 1002, 56, "def", "wss://y.example", 1700000000001);
    buf_init(&text, 0);
    state_print(&s, &text);
    assert_int_equal(state_parse((char *)buf_bytes(&text), buf_len(&text), &t, &error), 0);
    assert_int_equal(t.epoch, 42);
    assert_int_equal(t.session_last, 77);
    assert_int_equal(t.shards, 3);
    assert_int_equal(t.shard[1].session, 0);
    assert_int_equal(t.shard[2].seq, 56);
    assert_int_equal(t.shard[2].watched_ms, 1700000000001);
    assert_string_equal(t.shard[2].session_id, "def");
    assert_string_equal(t.shard[0].resume_url, "wss://x.example/");
    /* Whatever is cut off or changed is noticed. */
    for (size_t len = 0; len + 1 < buf_len(&text); len++) {
        assert_int_equal(state_parse((char *)buf_bytes(&text), len, &t, &error), -1);
        assert_non_null(error);
        assert_int_equal(t.session_last, 0);
        free(error);
    }
    for (size_t i = 0; i + 1 < buf_len(&text); i++) {
        buf_bytes(&text)[i] ^= 1;
        assert_int_equal(state_parse((char *)buf_bytes(&text), buf_len(&text), &t, &error), -1);
        free(error);
        buf_bytes(&text)[i] ^= 1;
    }
    /* An id that the grammar cannot hold is not kept. */
    state_set_shard(&s, 0, 1000, 55, "a b", "wss://x.example/", 1);
    assert_int_equal(s.shard[0].session, 0);
    buf_clear(&text);
    state_clear(&s);
    state_clear(&t);
}

static void test_state_session_numbers_grow(void **unused)
{
    static struct state s;
    uint64_t last = 0;

    (void)unused;
    for (int i = 0; i < 5; i++) {
        uint64_t n = state_session_number(&s, i < 3 ? 1700000000000 : 1600000000000, 300);

        assert_true(n > last);
        assert_int_equal(n & 0xff, 300 & 0xff);
        last = n;
    }
    assert_true(last >> 8 >= 1700000000000);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_laneq_order),
        cmocka_unit_test(test_laneq_large_events),
        cmocka_unit_test(test_laneq_redelivery),
        cmocka_unit_test(test_laneq_poison),
        cmocka_unit_test(test_laneq_random),
        cmocka_unit_test(test_laneq_blame_ends_with_the_event),
        cmocka_unit_test(test_resume),
        cmocka_unit_test(test_plan),
        cmocka_unit_test(test_idgate),
        cmocka_unit_test(test_idgate_reserve),
        cmocka_unit_test(test_state),
        cmocka_unit_test(test_state_session_numbers_grow),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
