/* shm: making, keeping and refusing segments. */
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "presence/buf.h"
#include "tests/cmocka_all.h"
#include "tests/shm_fixture.h"

static const struct shm_params params = {.rows = 1000, .ring_slots = 600, .guilds = 100};
static struct shm shm;
static char *why;
static char name[80];

static int set_up(void **state)
{
    (void)state;
    fixture_name("shm");
    snprintf(name, sizeof(name), "/presence-%s", fixture_instance);
    shm_remove(fixture_instance);
    why = NULL;
    shm = (struct shm){.fd = -1};
    return 0;
}

static int tear_down(void **state)
{
    (void)state;
    shm_close(&shm);
    shm_remove(fixture_instance);
    free(why);
    return 0;
}

static enum shm_opened open_it(const struct shm_params *p)
{
    shm_close(&shm);
    free(why);
    why = NULL;
    return shm_open_master(fixture_instance, p, &shm, &why);
}

static void a_new_segment(void **state)
{
    struct stat st;
    const struct shm_header *h;
    const unsigned char *lanes;

    (void)state;
    assert_int_equal(open_it(&params), SHM_CREATED);
    assert_null(why);
    h = shm.header;
    assert_int_equal(fstat(shm.fd, &st), 0);
    assert_int_equal(st.st_mode & 07777, 0600);
    assert_int_equal(st.st_size, shm.size);
    assert_true(st.st_blocks * 512 >= st.st_size); /* the memory is there */
    assert_int_equal(fcntl(shm.fd, F_GETFD), FD_CLOEXEC);
    assert_int_equal(h->magic, SHM_MAGIC);
    assert_int_equal(h->ring_slots, 600);
    assert_int_equal(h->guilds, 128);
    assert_true(h->rows >= 1000 && h->rows % SHM_BUCKET_ROWS == 0);
    assert_true(h->epoch > 1600000000000);
    assert_null(shm_check(h, shm.size));
    lanes = shm_at(&shm, h->lanes_offset);
    for (size_t i = 0; i < shm.size - h->lanes_offset; i++)
        if (lanes[i])
            fail_msg("byte %zu behind the header is not 0", i);
}

static void kept_when_all_is_as_expected(void **state)
{
    uint64_t epoch;

    (void)state;
    assert_int_equal(open_it(&params), SHM_CREATED);
    epoch = shm.header->epoch;
    atomic_store(&shm_lane(&shm, 63)->head, 411);
    assert_int_equal(open_it(&params), SHM_KEPT);
    assert_null(why);
    assert_int_equal(shm.header->epoch, epoch);
    assert_int_equal(atomic_load(&shm_lane(&shm, 63)->head), 411);
}

static void epochs_grow(void **state)
{
    struct shm_params later = params;
    uint64_t first;

    (void)state;
    later.epoch_min = UINT64_C(1) << 50;
    assert_int_equal(open_it(&later), SHM_CREATED);
    first = shm.header->epoch;
    assert_true(first > later.epoch_min);
    later.epoch_min = 0;
    later.rows *= 3; /* another size: made anew, and still later than the old one */
    assert_int_equal(open_it(&later), SHM_CREATED);
    assert_true(shm.header->epoch > first);
}

/* Spoils the segment by `spoil` and expects a fresh one and a reason with both words. */
static void expect_refused(void (*spoil)(int fd, struct shm_header *h), const char *word,
                           const char *expected)
{
    int fd;

    assert_int_equal(open_it(&params), SHM_CREATED);
    atomic_store(&shm_lane(&shm, 5)->head, 99);
    fd = dup(shm.fd);
    spoil(fd, shm.header);
    close(fd);
    assert_int_equal(open_it(&params), SHM_CREATED);
    assert_non_null(why);
    if (!strstr(why, name) || !strstr(why, word) || !strstr(why, expected))
        fail_msg("expected \"%s\", \"%s\" and \"%s\" in: %s", name, word, expected, why);
    assert_int_equal(atomic_load(&shm_lane(&shm, 5)->head), 0);
    shm_close(&shm);
    shm_remove(fixture_instance);
}

static void cut_to_half(int fd, struct shm_header *h)
{
    assert_int_equal(ftruncate(fd, (off_t)(h->size / 2)), 0);
}

static void cut_to_little(int fd, struct shm_header *h)
{
    (void)h;
    assert_int_equal(ftruncate(fd, 100), 0);
}

static void cut_to_nothing(int fd, struct shm_header *h)
{
    (void)h;
    assert_int_equal(ftruncate(fd, 0), 0);
}

static void lengthen(int fd, struct shm_header *h)
{
    assert_int_equal(ftruncate(fd, (off_t)h->size + 4096), 0);
}

static void open_to_others(int fd, struct shm_header *h)
{
    (void)h;
    assert_int_equal(fchmod(fd, 0666), 0);
}

static void give_away(int fd, struct shm_header *h)
{
    (void)h;
    assert_int_equal(fchown(fd, 12345, (gid_t)-1), 0);
}

static void other_version(int fd, struct shm_header *h)
{
    (void)fd;
    h->version = 77;
}

static void other_magic(int fd, struct shm_header *h)
{
    (void)fd;
    h->magic ^= 1;
}

static void unfinished(int fd, struct shm_header *h)
{
    (void)fd;
    atomic_store(&h->complete, 0);
}

static void head_before_tail(int fd, struct shm_header *h)
{
    (void)fd;
    (void)h;
    atomic_store(&shm_lane(&shm, 7)->tail, 1);
}

static void head_beyond_the_ring(int fd, struct shm_header *h)
{
    (void)fd;
    atomic_store(&shm_lane(&shm, 7)->head, h->ring_slots);
    assert_null(shm_check_lanes(&shm));
    atomic_store(&shm_lane(&shm, 7)->head, h->ring_slots + 1);
}

static void damaged_segments_are_made_anew(void **state)
{
    char expected[32];

    (void)state;
    expect_refused(cut_to_half, "size", "expected");
    expect_refused(cut_to_little, "size of the segment is 100", "expected at least");
    expect_refused(cut_to_nothing, "size of the segment is 0", "expected at least");
    expect_refused(lengthen, "size", "expected");
    snprintf(expected, sizeof(expected), "expected %u", SHM_VERSION);
    expect_refused(other_version, "version is 77", expected);
    expect_refused(other_magic, "magic", "expected");
    expect_refused(unfinished, "not finished", "creator");
    expect_refused(head_before_tail, "lane 7 has tail 1 and head 0", "expected tail <= head");
    expect_refused(head_beyond_the_ring, "lane 7 has tail 0", "expected tail <= head");
}

static void foreign_segments_are_made_anew(void **state)
{
    (void)state;
    expect_refused(open_to_others, "mode is 0666", "expected 0600");
    if (geteuid() == 0)
        expect_refused(give_away, "owner is uid 12345", "expected 0");
}

static void other_sizes_are_made_anew(void **state)
{
    struct shm_params more = params;

    (void)state;
    assert_int_equal(open_it(&params), SHM_CREATED);
    more.ring_slots = 700;
    assert_int_equal(open_it(&more), SHM_CREATED);
    assert_non_null(strstr(why, "ring slots is 600, expected 700"));
    more.rows = 5000;
    assert_int_equal(open_it(&more), SHM_CREATED);
    assert_non_null(strstr(why, "number of rows"));
    more.guilds = 1000;
    assert_int_equal(open_it(&more), SHM_CREATED);
    assert_non_null(strstr(why, "guild rows is 128, expected 1024"));
}

/* Whatever number in the description of the layout is wrong: refused, not followed. */
static void every_number_of_the_header_is_judged(void **state)
{
    size_t first = offsetof(struct shm_header, magic);
    size_t last = offsetof(struct shm_header, guild_size) + sizeof(uint32_t);

    (void)state;
    assert_int_equal(open_it(&params), SHM_CREATED);
    for (size_t at = first; at < last; at++) {
        unsigned char *byte = (unsigned char *)shm.header + at;

        if (at >= offsetof(struct shm_header, epoch) && at < offsetof(struct shm_header, lanes))
            continue; /* any epoch will do */
        for (int bit = 0; bit < 8; bit++) {
            *byte ^= (unsigned char)(1 << bit);
            if (!shm_check(shm.header, shm.size))
                fail_msg("bit %d of byte %zu changed, and nobody noticed", bit, at);
            *byte ^= (unsigned char)(1 << bit);
        }
    }
    assert_null(shm_check(shm.header, shm.size));
}

static void workers_attach_by_descriptor(void **state)
{
    char expected[48];
    struct shm mine;
    char *bad = NULL;
    int fd;

    (void)state;
    assert_int_equal(open_it(&params), SHM_CREATED);
    fd = dup(shm.fd);
    assert_int_equal(shm_attach(fd, &mine, &bad), 0);
    shm_count(&mine, SHM_COUNT_EVENTS, 3);
    assert_int_equal(atomic_load(&shm.header->counters[SHM_COUNT_EVENTS].value), 3);
    shm_close(&mine);
    assert_null(mine.header);

    fd = dup(shm.fd);
    shm.header->version = 99;
    assert_int_equal(shm_attach(fd, &mine, &bad), -1);
    snprintf(expected, sizeof(expected), "version is 99, expected %u", SHM_VERSION);
    assert_non_null(strstr(bad, expected));
    free(bad);
    close(fd);
    fd = open("/dev/null", O_RDWR);
    assert_int_equal(shm_attach(fd, &mine, &bad), -1);
    assert_non_null(bad);
    free(bad);
    close(fd);
    assert_int_equal(shm_attach(-1, &mine, &bad), -1);
    assert_non_null(strstr(bad, strerror(EBADF)));
    free(bad);
}

static void a_segment_in_use_is_left_alone(void **state)
{
    struct shm another;

    (void)state;
    assert_int_equal(open_it(&params), SHM_CREATED);
    shm_count(&shm, SHM_COUNT_EVENTS, 3);
    assert_int_equal(shm_open_master(fixture_instance, &params, &another, &why), SHM_FAILED);
    assert_non_null(strstr(why, "is in use: another presenced"));
    assert_int_equal(open_it(&params), SHM_KEPT); /* whose user has ended */
    assert_int_equal(atomic_load(&shm.header->counters[SHM_COUNT_EVENTS].value), 3);
}

/* In a child: its segment is gone behind the first page. */
static _Noreturn void use_what_was_cut(int err)
{
    dup2(err, STDERR_FILENO);
    shm_guard(&shm);
    if (ftruncate(shm.fd, 4096))
        _exit(77);
    shm_lane(&shm, LANES - 1)->durable_ms = 1;
    _exit(0);
}

static void a_segment_that_is_cut_short_ends_the_process_in_words(void **state)
{
    char said[500] = "";
    int ends[2], status;
    pid_t pid;

    (void)state;
    assert_int_equal(open_it(&params), SHM_CREATED);
    assert_int_equal(pipe(ends), 0);
    if ((pid = fork()) == 0)
        use_what_was_cut(ends[1]);
    close(ends[1]);
    assert_true(read(ends[0], said, sizeof(said) - 1) > 0);
    close(ends[0]);
    assert_int_equal(waitpid(pid, &status, 0), pid);
    assert_true(WIFEXITED(status) && WEXITSTATUS(status) == EXIT_FAILURE);
    assert_non_null(strstr(said, "error segment_cut: "));
}

static void no_room_is_an_error_at_start(void **state)
{
    struct rlimit old, small;

    (void)state;
    signal(SIGXFSZ, SIG_IGN);
    getrlimit(RLIMIT_FSIZE, &old);
    small = (struct rlimit){.rlim_cur = 1 << 20, .rlim_max = old.rlim_max};
    setrlimit(RLIMIT_FSIZE, &small);
    assert_int_equal(open_it(&params), SHM_FAILED);
    setrlimit(RLIMIT_FSIZE, &old);
    assert_non_null(strstr(why, name));
    assert_non_null(strstr(why, strerror(EFBIG)));
    assert_int_equal(shm_open(name, O_RDONLY, 0), -1); /* nothing half-made is left */
    assert_int_equal(errno, ENOENT);
}

static void names(void **state)
{
    char *longer = xasprintf("%0300d", 1);
    static const char *const bad[] = {"", "a/b", NULL};

    (void)state;
    for (int i = 0; i < 3; i++) {
        free(why);
        assert_int_equal(shm_open_master(bad[i] ? bad[i] : longer, &params, &shm, &why),
                         SHM_FAILED);
        assert_non_null(strstr(why, "instance name"));
    }
    assert_int_equal(shm_open_master("", &params, &shm, NULL), SHM_FAILED);
    free(longer);
}

static void guild_rows(void **state)
{
    unsigned made = 0;

    (void)state;
    assert_int_equal(open_it(&params), SHM_CREATED);
    assert_null(shm_guild(&shm, SNOWFLAKE_NONE, true));
    assert_null(shm_guild(&shm, (snowflake_t){5}, false));
    for (uint64_t id = 1; id <= 200; id++)
        made += shm_guild(&shm, (snowflake_t){id << 22}, true) != NULL;
    assert_int_equal(made, 128);
    for (uint64_t id = 1; id <= 200; id++) {
        struct shm_guild *row = shm_guild(&shm, (snowflake_t){id << 22}, false);

        assert_int_equal(row != NULL, id <= 128);
        if (row)
            assert_int_equal(row->guild, id << 22);
    }
}

int main(void)
{
#define SHM_TEST(f) cmocka_unit_test_setup_teardown(f, set_up, tear_down)
    const struct CMUnitTest tests[] = {
        SHM_TEST(a_new_segment),
        SHM_TEST(kept_when_all_is_as_expected),
        SHM_TEST(epochs_grow),
        SHM_TEST(damaged_segments_are_made_anew),
        SHM_TEST(foreign_segments_are_made_anew),
        SHM_TEST(other_sizes_are_made_anew),
        SHM_TEST(every_number_of_the_header_is_judged),
        SHM_TEST(workers_attach_by_descriptor),
        SHM_TEST(a_segment_in_use_is_left_alone),
        SHM_TEST(a_segment_that_is_cut_short_ends_the_process_in_words),
        SHM_TEST(no_room_is_an_error_at_start),
        SHM_TEST(names),
        SHM_TEST(guild_rows),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
