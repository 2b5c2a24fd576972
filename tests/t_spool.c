/* spool: frames in order, full disks, torn writes, damage; and CRC-32C. */
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "presence/buf.h"
#include "presence/crc32c.h"
#include "presence/fd.h"
#include "presence/spool.h"
#include "tests/cmocka_all.h"

#define LANE  9
#define EPOCH 1000

static char dir[48], path[80];
static struct spool *spool;
static char *note, *error;

static int set_up(void **state)
{
    (void)state;
    snprintf(dir, sizeof(dir), "/tmp/presence-t_spool-XXXXXX");
    assert_non_null(mkdtemp(dir));
    snprintf(path, sizeof(path), "%s/lane-09.spool", dir);
    note = error = NULL;
    return 0;
}

static int tear_down(void **state)
{
    char *command = xasprintf("rm -rf '%s'", dir);

    (void)state;
    spool_close(&spool);
    free(note);
    free(error);
    assert_int_equal(system(command), 0);
    free(command);
    return 0;
}

/* Stands before the C library's. */
static unsigned synced;
static int sync_error;

int fdatasync(int fd)
{
    errno = sync_error;
    if (sync_error)
        return -1;
    synced++;
    return (int)syscall(SYS_fdatasync, fd);
}

static void open_again(void)
{
    spool_close(&spool);
    free(note);
    free(error);
    note = error = NULL;
    spool = spool_open(dir, LANE, &note, &error);
    if (!spool)
        fail_msg("%s", error);
}

/* The slots of a position are made of its number, so that any frame can be checked. */
static unsigned char *slots_of(uint64_t from, uint64_t to)
{
    unsigned char *slots = xmalloc((to - from) * RECORD_SLOT_SIZE);

    for (uint64_t pos = from; pos < to; pos++)
        memset(slots + (pos - from) * RECORD_SLOT_SIZE, (int)(pos * 37 % 251), RECORD_SLOT_SIZE);
    return slots;
}

static int append(uint64_t epoch, uint64_t from, uint64_t to)
{
    unsigned char *slots = slots_of(from, to);
    int r = spool_append(spool, epoch, from, to, slots);

    free(slots);
    return r;
}

static void check_frame(const struct spool_frame *frame, uint64_t epoch, uint64_t from, uint64_t to)
{
    unsigned char *slots = slots_of(from, to);

    assert_int_equal(frame->epoch, epoch);
    assert_int_equal(frame->from, from);
    assert_int_equal(frame->to, to);
    assert_memory_equal(frame->slots, slots, (to - from) * RECORD_SLOT_SIZE);
    free(slots);
}

static void expect_first(uint64_t epoch, uint64_t from, uint64_t to)
{
    struct spool_frame frame;

    assert_int_equal(spool_peek(spool, &frame), 1);
    check_frame(&frame, epoch, from, to);
}

static void expect_empty(void)
{
    struct spool_frame frame;

    assert_true(spool_empty(spool));
    assert_int_equal(spool_bytes(spool), 0);
    assert_int_equal(spool_peek(spool, &frame), 0);
}

static off_t file_size(void)
{
    struct stat st;

    assert_int_equal(stat(path, &st), 0);
    return st.st_size;
}

/* --- crc ------------------------------------------------------------------------------------- */

static void crc_of_known_bytes(void **state)
{
    unsigned char zeros[32] = {0}, ones[32], up[32];

    (void)state;
    memset(ones, 0xff, sizeof(ones));
    for (unsigned i = 0; i < 32; i++)
        up[i] = (unsigned char)i;
    assert_int_equal(crc32c(0, "123456789", 9), 0xe3069283);
    /* RFC 3720, appendix B.4 */
    assert_int_equal(crc32c(0, zeros, 32), 0x8a9136aa);
    assert_int_equal(crc32c(0, ones, 32), 0x62a8ab43);
    assert_int_equal(crc32c(0, up, 32), 0x46dd794e);
    for (size_t n = 0; n <= 32; n++) {
        assert_int_equal(crc32c(0, up, n), crc32c_by_table(0, up, n));
        assert_int_equal(crc32c(crc32c(0, up, n), up + n, 32 - n), 0x46dd794e);
        assert_int_equal(crc32c_by_table(crc32c_by_table(0, up, n), up + n, 32 - n), 0x46dd794e);
    }
}

/* --- use ------------------------------------------------------------------------------------- */

static void frames_come_back_in_order(void **state)
{
    (void)state;
    open_again();
    assert_null(note);
    expect_empty();
    assert_int_equal(append(EPOCH, 10, 15), 0);
    assert_int_equal(append(EPOCH, 15, 16), 0);
    assert_int_equal(append(EPOCH, 16, 100), 0);
    assert_int_equal(append(EPOCH + 5, 0, 3), 0); /* the ring was lost in between */
    assert_int_equal(spool_bytes(spool), 4 * 64 + (5 + 1 + 84 + 3) * 64);
    for (int again = 0; again < 2; again++) {
        expect_first(EPOCH, 10, 15);
        open_again();
        assert_null(note);
    }
    assert_int_equal(spool_drop(spool, EPOCH, 15), 0);
    expect_first(EPOCH, 15, 16);
    open_again();
    expect_first(EPOCH, 15, 16);
    assert_int_equal(spool_drop(spool, EPOCH, 20), 0);
    expect_first(EPOCH, 20, 100); /* the rest of a frame */
    open_again();
    expect_first(EPOCH, 20, 100);
    assert_int_equal(spool_drop(spool, EPOCH, 12), 0); /* long gone */
    expect_first(EPOCH, 20, 100);
    assert_int_equal(spool_drop(spool, EPOCH, 100), 0);
    expect_first(EPOCH + 5, 0, 3);
    assert_int_equal(spool_drop(spool, EPOCH + 5, 3), 0);
    expect_empty();
    assert_int_equal(file_size(), 4096);
    assert_int_equal(append(EPOCH + 5, 3, 7), 0);
    open_again();
    assert_null(note);
    expect_first(EPOCH + 5, 3, 7);
}

static void a_later_epoch_drops_the_earlier(void **state)
{
    (void)state;
    open_again();
    append(EPOCH, 10, 15);
    append(EPOCH + 1, 0, 4);
    assert_int_equal(spool_drop(spool, EPOCH + 1, 0), 0);
    expect_first(EPOCH + 1, 0, 4);
}

static void an_earlier_epoch_is_refused(void **state)
{
    (void)state;
    open_again();
    append(EPOCH, 10, 15);
    assert_int_equal(append(EPOCH - 1, 0, 4), -1);
    assert_int_equal(errno, ESTALE);
    open_again();
    assert_null(note);
    expect_first(EPOCH, 10, 15);
    assert_int_equal(append(EPOCH, 15, 16), 0);
    assert_int_equal(spool_drop(spool, EPOCH, 16), 0);
    assert_int_equal(append(EPOCH - 1, 0, 4), 0); /* nothing of the later one is left */
    expect_first(EPOCH - 1, 0, 4);
    open_again();
    expect_first(EPOCH - 1, 0, 4);
}

struct walk {
    uint64_t epoch, next;
    unsigned frames;
};

static void walk_frame(void *arg, const struct spool_frame *frame)
{
    struct walk *walk = arg;

    check_frame(frame, walk->epoch, walk->next, frame->to);
    walk->next = frame->to;
    walk->frames++;
}

static void each_sees_all_that_is_wanted(void **state)
{
    struct walk walk = {.epoch = EPOCH, .next = 7};

    (void)state;
    open_again();
    for (uint64_t from = 1; from < 2000; from += 1 + from % 50)
        append(EPOCH, from, from + 1 + from % 50);
    spool_drop(spool, EPOCH, 7);
    assert_int_equal(spool_each(spool, walk_frame, &walk), 0);
    assert_true(walk.next >= 2000);
    assert_true(walk.frames > 50);
}

static void dropped_blocks_go_back_to_the_disk(void **state)
{
    struct stat before, after;
    uint64_t pos = 0;

    (void)state;
    open_again();
    for (int i = 0; i < 8; i++, pos += 10000)
        assert_int_equal(append(EPOCH, pos, pos + 10000), 0);
    assert_int_equal(stat(path, &before), 0);
    assert_int_equal(spool_drop(spool, EPOCH, 70000), 0);
    assert_int_equal(stat(path, &after), 0);
    if (after.st_blocks * 4 > before.st_blocks)
        fail_msg("%jd of %jd blocks are still there", (intmax_t)after.st_blocks,
                 (intmax_t)before.st_blocks);
    open_again();
    assert_null(note);
    expect_first(EPOCH, 70000, 80000);
}

/* --- a full disk ----------------------------------------------------------------------------- */

static void a_full_disk_leaves_the_file_as_it_was(void **state)
{
    struct rlimit old, small;
    off_t size;

    (void)state;
    signal(SIGXFSZ, SIG_IGN);
    open_again();
    assert_int_equal(append(EPOCH, 0, 10), 0);
    size = file_size();
    getrlimit(RLIMIT_FSIZE, &old);
    for (rlim_t room = 0; room < 2000; room += 77) {
        small = (struct rlimit){.rlim_cur = (rlim_t)size + room, .rlim_max = old.rlim_max};
        setrlimit(RLIMIT_FSIZE, &small);
        assert_int_equal(append(EPOCH, 10, 60), -1);
        assert_true(errno == EFBIG || errno == ENOSPC);
        setrlimit(RLIMIT_FSIZE, &old);
        assert_int_equal(file_size(), size);
        expect_first(EPOCH, 0, 10);
    }
    open_again();
    assert_null(note);
    assert_int_equal(append(EPOCH, 10, 60), 0);
    assert_int_equal(spool_drop(spool, EPOCH, 10), 0);
    expect_first(EPOCH, 10, 60);
}

static void a_directory_that_is_not_there(void **state)
{
    (void)state;
    spool = spool_open("/nonexistent", LANE, &note, &error);
    assert_null(spool);
    assert_non_null(strstr(error, "/nonexistent/lane-09.spool"));
    assert_non_null(strstr(error, strerror(ENOENT)));
}

static void a_file_in_use_is_left_alone(void **state)
{
    (void)state;
    open_again();
    assert_int_equal(append(EPOCH, 0, 10), 0);
    assert_null(spool_open(dir, LANE, &note, &error));
    assert_non_null(strstr(error, "lane-09.spool: another process uses it"));
    open_again(); /* its user has closed it */
    expect_first(EPOCH, 0, 10);
}

static void a_frame_counts_when_it_is_on_disk(void **state)
{
    off_t size;

    (void)state;
    open_again();
    synced = 0;
    assert_int_equal(append(EPOCH, 0, 10), 0);
    assert_true(synced > 0);
    size = file_size();
    sync_error = EIO;
    assert_int_equal(append(EPOCH, 10, 20), -1);
    assert_int_equal(errno, EIO);
    sync_error = 0;
    assert_int_equal(file_size(), size);
    assert_int_equal(append(EPOCH, 10, 15), 0);
    open_again();
    assert_null(note);
    expect_first(EPOCH, 0, 10);
    assert_int_equal(spool_drop(spool, EPOCH, 10), 0);
    expect_first(EPOCH, 10, 15);
}

/* --- torn and damaged files ------------------------------------------------------------------ */

static char *three_frames(size_t *len_r)
{
    open_again();
    append(EPOCH, 0, 3);
    append(EPOCH, 3, 4);
    append(EPOCH, 4, 9);
    spool_close(&spool);
    return fd_read_file(path, 1 << 20, len_r);
}

static void nothing_is_left_behind_of_a_torn_write(void **state)
{
    (void)state;
    open_again();
    assert_int_equal(append(EPOCH, 0, 3), 0);
    assert_int_equal(append(EPOCH, 3, 60), 0);
    assert_int_equal(truncate(path, file_size() - 1), 0);
    open_again();
    assert_non_null(strstr(note, "the last write was torn"));
    assert_int_equal(append(EPOCH, 3, 4), 0); /* shorter than what was torn */
    open_again();
    assert_null(note);
    assert_int_equal(spool_drop(spool, EPOCH, 3), 0);
    expect_first(EPOCH, 3, 4);
}

/* Ends of the first, second and third frame in the file. */
static const size_t ends[] = {4096, 4096 + 256, 4096 + 256 + 128, 4096 + 256 + 128 + 384};

static unsigned whole_frames(size_t len)
{
    unsigned n = 0;

    while (n < 3 && ends[n + 1] <= len)
        n++;
    return n;
}

static void expect_frames(unsigned n)
{
    static const uint64_t positions[] = {0, 3, 4, 9};

    for (unsigned i = 0; i < n; i++) {
        expect_first(EPOCH, positions[i], positions[i + 1]);
        assert_int_equal(spool_drop(spool, EPOCH, positions[i + 1]), 0);
    }
    expect_empty();
}

static void cut_at_every_byte(void **state)
{
    size_t len;
    char *bytes = three_frames(&len);

    (void)state;
    assert_int_equal(len, ends[3]);
    for (size_t cut = 0; cut <= len; cut++) {
        if (cut > 100 && cut < 4000)
            continue; /* in the middle of the head's padding */
        assert_int_equal(fd_write_file(path, bytes, cut, 0600, false), 0);
        open_again();
        assert_int_equal(note != NULL, cut > 4096 && ends[whole_frames(cut)] != cut);
        expect_frames(whole_frames(cut));
        assert_int_equal(append(EPOCH + 1, 0, 2), 0); /* and goes on */
        expect_first(EPOCH + 1, 0, 2);
        spool_close(&spool);
    }
    free(bytes);
}

/* A torn write may also have made the file longer without its bytes. */
static void zeros_instead_of_the_last_frame(void **state)
{
    size_t len;
    char *bytes = three_frames(&len);

    (void)state;
    for (size_t from = ends[2]; from < len; from += 64) {
        char *torn = xmalloc(len);

        memcpy(torn, bytes, len);
        memset(torn + from, 0, len - from);
        assert_int_equal(fd_write_file(path, torn, len, 0600, false), 0);
        open_again();
        assert_non_null(strstr(note, "torn"));
        expect_frames(2);
        free(torn);
    }
    free(bytes);
}

static void every_changed_byte_is_noticed(void **state)
{
    size_t len;
    char *bytes = three_frames(&len);
    char *aside = xasprintf("%s.damaged", path);

    (void)state;
    for (size_t at = 4096; at < len; at += 3) {
        unsigned right = whole_frames(at);
        struct stat st;

        unlink(aside);
        bytes[at] ^= 0x10;
        assert_int_equal(fd_write_file(path, bytes, len, 0600, false), 0);
        open_again();
        assert_non_null(note);
        /* The last frame cannot be told from a torn write; the others can. */
        assert_int_equal(stat(aside, &st) == 0, right < 2);
        assert_non_null(strstr(note, right < 2 ? aside : "torn"));
        if (right < 2)
            assert_int_equal(st.st_size, len);
        expect_frames(right);
        assert_int_equal(append(EPOCH + 1, 0, 2), 0);
        open_again();
        assert_null(note);
        expect_first(EPOCH + 1, 0, 2);
        bytes[at] ^= 0x10;
    }
    free(aside);
    free(bytes);
}

static void a_damaged_head_brings_frames_back(void **state)
{
    size_t len;
    char *bytes;

    (void)state;
    free(three_frames(&len));
    open_again();
    spool_drop(spool, EPOCH, 3);
    spool_close(&spool);
    bytes = fd_read_file(path, 1 << 20, &len);
    for (size_t at = 0; at < 40; at++) {
        bytes[at] ^= 1;
        assert_int_equal(fd_write_file(path, bytes, len, 0600, false), 0);
        open_again();
        assert_null(note);
        expect_first(EPOCH, 0, 3); /* sent again; its position says that it is known */
        bytes[at] ^= 1;
    }
    free(bytes);
}

static void a_head_that_points_behind_the_end(void **state)
{
    int fd;

    (void)state;
    open_again();
    append(EPOCH, 0, 30);
    append(EPOCH, 30, 40);
    spool_drop(spool, EPOCH, 30);
    spool_close(&spool);
    /* Died in spool_drop between the cut and the new head. */
    fd = open(path, O_RDWR);
    assert_int_equal(ftruncate(fd, 4096), 0);
    close(fd);
    open_again();
    expect_empty();
    assert_int_equal(append(EPOCH, 40, 90), 0);
    open_again();
    assert_null(note);
    expect_first(EPOCH, 40, 90);
}

static void another_lanes_file_is_not_taken(void **state)
{
    size_t len;
    char *bytes = three_frames(&len), *other = xasprintf("%s/lane-10.spool", dir);
    struct spool *spool10;

    (void)state;
    assert_int_equal(fd_write_file(other, bytes, len, 0600, false), 0);
    spool10 = spool_open(dir, 10, NULL, &error);
    assert_non_null(spool10);
    assert_true(spool_empty(spool10));
    spool_close(&spool10);
    free(bytes);
    free(other);
}

int main(void)
{
#define SPOOL_TEST(f) cmocka_unit_test_setup_teardown(f, set_up, tear_down)
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(crc_of_known_bytes),
        SPOOL_TEST(frames_come_back_in_order),
        SPOOL_TEST(a_later_epoch_drops_the_earlier),
        SPOOL_TEST(an_earlier_epoch_is_refused),
        SPOOL_TEST(each_sees_all_that_is_wanted),
        SPOOL_TEST(dropped_blocks_go_back_to_the_disk),
        SPOOL_TEST(a_full_disk_leaves_the_file_as_it_was),
        SPOOL_TEST(a_directory_that_is_not_there),
        SPOOL_TEST(cut_at_every_byte),
        SPOOL_TEST(zeros_instead_of_the_last_frame),
        SPOOL_TEST(every_changed_byte_is_noticed),
        SPOOL_TEST(a_damaged_head_brings_frames_back),
        SPOOL_TEST(a_head_that_points_behind_the_end),
        SPOOL_TEST(another_lanes_file_is_not_taken),
        SPOOL_TEST(a_file_in_use_is_left_alone),
        SPOOL_TEST(a_frame_counts_when_it_is_on_disk),
        SPOOL_TEST(nothing_is_left_behind_of_a_torn_write),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
