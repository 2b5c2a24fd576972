/* What the parts of src/core cost, in nanoseconds of CPU time: make bench-core. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "presence/activity.h"
#include "presence/crc32c.h"
#include "presence/fd.h"
#include "presence/ipc.h"
#include "presence/ring.h"
#include "presence/seen.h"
#include "tests/shm_fixture.h"

#define MEMBERS  1000000u
#define GUILDS   100u
#define TIMES    3000000u
#define MESSAGES 500000u
#define TAIL     1000u

static struct shm shm;
static uint64_t random_state = 1;

static double cpu_ns(void)
{
    struct timespec t;

    clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &t);
    return (double)t.tv_sec * 1e9 + (double)t.tv_nsec;
}

static void report(const char *what, double begin, double times)
{
    printf("%-52s %8.1f ns\n", what, (cpu_ns() - begin) / times);
    fflush(stdout);
}

static uint32_t chance(uint32_t bound)
{
    random_state = random_state * UINT64_C(6364136223846793005) + 1442695040888963407;
    return (uint32_t)(random_state >> 33) % bound;
}

static snowflake_t guild_of(uint32_t n)
{
    return (snowflake_t){(UINT64_C(250000000000) + n % GUILDS * 1000003) << 22};
}

static snowflake_t user_of(uint32_t n)
{
    return (snowflake_t){UINT64_C(200000000000000000) + n * UINT64_C(3000017)};
}

/* --- the table ------------------------------------------------------------------------------- */

static void bench_insert(void)
{
    double begin = cpu_ns();
    unsigned full = 0;
    bool inserted;

    for (uint32_t n = 0; n < MEMBERS; n++)
        full += !seen_touch(&shm, guild_of(n), user_of(n), 0, &inserted);
    report("seen_touch, 1,000,000 inserted", begin, MEMBERS);
    printf("%-52s %8u of %u\n", "  found no room", full, MEMBERS);
    printf("%-52s %8.1f bytes\n", "  table per member wanted",
           (double)(shm.header->guilds_offset - shm.header->tags_offset) / MEMBERS);
}

static void bench_find(const char *what, uint32_t among)
{
    double begin = cpu_ns();
    unsigned missing = 0;

    for (uint32_t i = 0; i < TIMES; i++) {
        uint32_t n = chance(among);

        missing += !seen_find(&shm, guild_of(n), user_of(n));
    }
    report(what, begin, TIMES);
    if (missing > TIMES / 50)
        abort();
}

static void bench_touch(void)
{
    double begin = cpu_ns();
    bool inserted;

    for (uint32_t i = 0; i < TIMES; i++) {
        uint32_t n = chance(10000);
        struct seen_row *row = seen_touch(&shm, guild_of(n), user_of(n), 0, &inserted);

        if (row)
            seen_raise(row, (unixms_t){1700000000000 + i}, ACTIVITY_MESSAGE, true);
    }
    report("seen_touch and seen_raise, among 10,000", begin, TIMES);
}

static void bench_event(void)
{
    struct ring ring;
    struct record_list list;
    double begin = cpu_ns();
    bool inserted;

    ring_init(&ring, &shm, 3);
    record_list_init(&list);
    for (uint32_t i = 0; i < TIMES; i++) {
        uint32_t n = chance(10000);
        struct record_sighting *s;

        record_list_reset(&list);
        s = record_list_add(&list, RECORD_SIGHTING, 7, i + 1, 0);
        s->h.flags = RECORD_EVENT_END | RECORD_COUNTED;
        s->guild = guild_of(n);
        s->user = user_of(n);
        s->kind = ACTIVITY_MESSAGE;
        s->at.ms = 1700000000000 + i;
        while (!ring_append(&ring, &list, 0, false))
            ring_set_tail(&ring, ring_head(&ring));
        seen_apply(&shm, &s->h, 0, &inserted);
    }
    report("record, ring_append and seen_apply, among 10,000", begin, TIMES);
    record_list_clear(&list);
}

static void bench_table(void)
{
    struct shm_params params = {.rows = MEMBERS, .ring_slots = 16384, .guilds = 1024};
    double begin = cpu_ns();
    char *why;

    fixture_name("bench");
    if (shm_open_master(fixture_instance, &params, &shm, &why) != SHM_CREATED) {
        fprintf(stderr, "%s\n", why);
        exit(1);
    }
    report("shm_open_master, 1,000,000 members", begin, 1);
    bench_insert();
    bench_find("seen_find, among 1,000,000", MEMBERS);
    bench_find("seen_find, among 10,000", 10000);
    bench_touch();
    bench_event();
    fixture_done(&shm);
}

/* --- messages -------------------------------------------------------------------------------- */

static struct loop *loop;
static struct ipc *ipc;
static uint32_t sent, received;
static char tail[TAIL];

static void count_message(void *arg, const struct msg_header *h, const void *body, const void *t,
                          size_t tail_len)
{
    (void)arg;
    (void)h;
    (void)body;
    (void)t;
    (void)tail_len;
    if (++received == MESSAGES)
        ipc_send(ipc, MSG_EVENT_ACK, 3, &(struct msg_id){received}, sizeof(struct msg_id), NULL, 0);
}

static void send_some(void *arg)
{
    (void)arg;
    while (sent < MESSAGES && !ipc_congested(ipc)) {
        struct msg_event event = {.n = ++sent};

        ipc_send(ipc, MSG_EVENT, 3, &event, sizeof(event), tail, sizeof(tail));
    }
}

static void stop_at_ack(void *arg, const struct msg_header *h, const void *body, const void *t,
                        size_t tail_len)
{
    (void)arg;
    (void)h;
    (void)body;
    (void)t;
    (void)tail_len;
    loop_stop(loop);
}

static void stop_at_end(void *arg, const char *why)
{
    (void)arg;
    (void)why;
    loop_stop(loop);
}

static void bench_ipc(void)
{
    const struct ipc_callbacks in = {count_message, stop_at_end, NULL, NULL};
    const struct ipc_callbacks out = {stop_at_ack, stop_at_end, send_some, NULL};
    int fds[2];
    double begin;
    pid_t child;

    if (fd_pair(fds) || (child = fork()) < 0)
        exit(1);
    loop = loop_new();
    begin = cpu_ns();
    if (child == 0) {
        close(fds[0]);
        ipc = ipc_new(loop, fds[1], &in, NULL);
        loop_run(loop);
        report("ipc, receiving 1 kB, the kernel's part included", begin, MESSAGES);
        exit(0);
    }
    close(fds[1]);
    ipc = ipc_new(loop, fds[0], &out, NULL);
    ipc_set_marks(ipc, 256 << 10, 1 << 20);
    send_some(NULL);
    loop_run(loop);
    report("ipc, sending 1 kB, the kernel's part included", begin, MESSAGES);
    ipc_free(&ipc);
    loop_free(&loop);
    waitpid(child, NULL, 0);
}

static void bench_crc(void)
{
    static unsigned char bytes[1 << 20];
    double begin = cpu_ns();
    uint32_t crc = 0;

    for (int i = 0; i < 100; i++)
        crc = crc32c(crc, bytes, sizeof(bytes));
    report("crc32c, per kB", begin, 100 * 1024);
    if (crc == 1)
        abort();
}

int main(void)
{
    bench_table();
    bench_ipc();
    bench_crc();
    return 0;
}
