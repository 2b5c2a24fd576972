/* The memory that master and workers share for events. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "presence/buf.h"
#include "presence/framepool.h"
#include "tests/cmocka_all.h"

#define BLOCKS 200u

static struct framepool pool;

static int set_up(void **state)
{
    (void)state;
    return framepool_open(&pool, BLOCKS * FRAMEPOOL_BLOCK + 17);
}

static int tear_down(void **state)
{
    (void)state;
    framepool_close(&pool);
    return 0;
}

/* Blocks of the pool that hold memory. */
static unsigned resident(void)
{
    size_t page = (size_t)sysconf(_SC_PAGESIZE);
    unsigned char *pages = xcalloc(pool.size / page, 1);
    unsigned n = 0;

    assert_int_equal(mincore(pool.base, pool.size, pages), 0);
    for (size_t i = 0; i < pool.size / page; i++)
        n += pages[i] & 1;
    free(pages);
    return n / (unsigned)(FRAMEPOOL_BLOCK / page);
}

static void every_block_once(void **state)
{
    unsigned char *blocks[BLOCKS];

    (void)state;
    for (unsigned i = 0; i < BLOCKS; i++) {
        blocks[i] = framepool_take(&pool);
        assert_non_null(blocks[i]);
        assert_int_equal((uintptr_t)blocks[i] % 8, 0);
        assert_true(framepool_owns(&pool, blocks[i] + FRAMEPOOL_BLOCK - 1));
        memset(blocks[i], (int)i, FRAMEPOOL_BLOCK);
    }
    assert_null(framepool_take(&pool));
    for (unsigned i = 0; i < BLOCKS; i++) {
        assert_int_equal(blocks[i][0], (unsigned char)i);
        assert_int_equal(blocks[i][FRAMEPOOL_BLOCK - 1], (unsigned char)i);
    }
    framepool_give(&pool, blocks[7]);
    assert_ptr_equal(framepool_take(&pool), blocks[7]);
    assert_null(framepool_take(&pool));
    assert_false(framepool_owns(&pool, &pool));
}

static void what_nobody_needs_goes_back(void **state)
{
    unsigned char *blocks[BLOCKS];

    (void)state;
    for (unsigned i = 0; i < BLOCKS; i++)
        memset(blocks[i] = framepool_take(&pool), 1, FRAMEPOOL_BLOCK);
    assert_int_equal(resident(), BLOCKS);
    framepool_rest(&pool);
    for (unsigned i = 0; i < BLOCKS; i++)
        framepool_give(&pool, blocks[i]);
    framepool_rest(&pool); /* they were in use since the last call */
    assert_int_equal(resident(), BLOCKS);
    for (unsigned i = 0; i < 10; i++)
        blocks[i] = framepool_take(&pool);
    for (unsigned i = 0; i < 10; i++)
        framepool_give(&pool, blocks[i]);
    framepool_rest(&pool);
    assert_in_range(resident(), 10, BLOCKS / 2);
    for (unsigned i = 0; i < BLOCKS; i++) /* and comes again */
        memset(framepool_take(&pool), 2, FRAMEPOOL_BLOCK);
    assert_int_equal(resident(), BLOCKS);
}

static void another_process_reads_it(void **state)
{
    struct framepool mine;
    struct framepool_event *e;
    const struct framepool_event *there;
    uint64_t offset;

    (void)state;
    e = (void *)((char *)framepool_take(&pool) + 64);
    *e = (struct framepool_event){.head = {.n = 5, .seq = 7}, .len = 4};
    memcpy(e + 1, "abcd", 4);
    offset = framepool_offset(&pool, e);
    assert_int_equal(framepool_attach(&mine, dup(pool.fd)), 0);
    there = framepool_event(&mine, offset);
    assert_non_null(there);
    assert_ptr_not_equal(there, e);
    assert_int_equal(there->head.seq, 7);
    assert_memory_equal(framepool_frame(there), "abcd", 4);
    framepool_close(&pool); /* the master dies */
    assert_memory_equal(framepool_frame(there), "abcd", 4);
    framepool_close(&mine);
}

static void no_event_outside(void **state)
{
    struct framepool_event *last =
        (void *)(pool.base + pool.size - sizeof(struct framepool_event) - 8);
    uint64_t end = framepool_offset(&pool, last);

    (void)state;
    last->len = 8;
    assert_ptr_equal(framepool_event(&pool, end), last);
    last->len = 9;
    assert_null(framepool_event(&pool, end));
    assert_null(framepool_event(&pool, end + 16));
    assert_null(framepool_event(&pool, pool.size));
    assert_null(framepool_event(&pool, UINT64_MAX - 7));
    assert_null(framepool_event(&pool, 4));
}

static void a_pool_without_memory(void **state)
{
    struct framepool none = {0};
    int ends[2];

    (void)state;
    assert_null(framepool_take(&none));
    assert_false(framepool_owns(&none, &none));
    framepool_rest(&none);
    framepool_close(&none);
    assert_int_equal(pipe(ends), 0);
    assert_int_equal(framepool_attach(&none, ends[0]), -1);
    assert_int_equal(errno, EINVAL);
    close(ends[0]);
    close(ends[1]);
    assert_int_equal(framepool_attach(&none, -1), -1);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(every_block_once, set_up, tear_down),
        cmocka_unit_test_setup_teardown(what_nobody_needs_goes_back, set_up, tear_down),
        cmocka_unit_test_setup_teardown(another_process_reads_it, set_up, tear_down),
        cmocka_unit_test_setup_teardown(no_event_outside, set_up, tear_down),
        cmocka_unit_test(a_pool_without_memory),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
