/* How long the scan takes per event: envelope (master) and interpretation (worker) of messages of
 * about 1.3 kB, chunks of 1000 members, and bare skipping. Prints nanoseconds; not a test. */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "discord/scan_skip.h"
#include "presence/buf.h"
#include "presence/event.h"

#define FRAMES 2048
#define ROUNDS 101

static double now_ns(void)
{
    struct timespec ts;

    clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &ts);
    return (double)ts.tv_sec * 1e9 + (double)ts.tv_nsec;
}

/* Keys in Discord's order, guild_id late. */
static void put_message(struct buf *b, unsigned i)
{
    buf_printf(b,
               "{\"t\":\"MESSAGE_CREATE\",\"s\":%u,\"op\":0,\"d\":{\"type\":0,\"tts\":false,"
               "\"timestamp\":\"2026-08-01T12:00:00.123000+00:00\",\"pinned\":false,\"nonce\":"
               "\"1533081865000000000\",\"mentions\":[],\"mention_roles\":[],\"mention_everyone\":"
               "false,\"member\":{\"roles\":[\"1213410469478535170\",\"1213410469478535171\","
               "\"1213410469478535172\"],\"premium_since\":null,\"pending\":false,\"nick\":\"Mi\","
               "\"mute\":false,\"joined_at\":\"2024-03-02T08:15:00.000000+00:00\",\"flags\":0,"
               "\"deaf\":false,\"communication_disabled_until\":null,\"banner\":null,\"avatar\":"
               "null},\"id\":\"%" PRIu64 "\",\"flags\":0,\"embeds\":[],\"edited_timestamp\":null,"
               "\"content\":\"",
               i, UINT64_C(1533081865936834564) + i * 4194304);
    for (unsigned k = 0; k < 12; k++)
        buf_printf(b, "what a long day it was, %s wasn't it? ", k == 5 ? "\\\"quoted\\\" \\n" : "");
    buf_printf(b,
               "\",\"components\":[],\"channel_type\":0,\"channel_id\":\"1213063185301639169\","
               "\"author\":{\"username\":\"mira\",\"public_flags\":0,\"primary_guild\":null,"
               "\"id\":\"%u\",\"global_name\":\"Mira\",\"discriminator\":\"0\",\"clan\":null,"
               "\"avatar_decoration_data\":null,\"avatar\":\"a_1269e74af4df7417b13759eae50c83dc\"},"
               "\"attachments\":[],\"guild_id\":\"1213063181107335175\"}}",
               800000000 + i % 1000);
}

static void put_chunk(struct buf *b)
{
    buf_puts(b, "{\"t\":\"GUILD_MEMBERS_CHUNK\",\"s\":7,\"op\":0,\"d\":{\"members\":[");
    for (unsigned i = 0; i < 1000; i++)
        buf_printf(
            b,
            "%s{\"user\":{\"username\":\"member%u\",\"public_flags\":0,\"primary_guild\":null,"
            "\"id\":\"%" PRIu64 "\",\"global_name\":\"Member %u\",\"display_name_styles\":null,"
            "\"discriminator\":\"0\",\"collectibles\":null,\"clan\":null,"
            "\"avatar_decoration_data\":null,\"avatar\":\"1269e74af4df7417b13759eae50c83dc\"},"
            "\"roles\":[\"1213410469478535170\",\"1213410469478535171\"],\"premium_since\":null,"
            "\"pending\":false,\"nick\":null,\"mute\":false,\"joined_at\":"
            "\"2024-03-02T08:15:00.000000+00:00\",\"flags\":0,\"deaf\":false,"
            "\"communication_disabled_until\":null,\"banner\":null,\"avatar\":null}",
            i ? "," : "", i, UINT64_C(806374682394759223) + i, i);
    buf_puts(b, "],\"guild_id\":\"1213063181107335175\",\"chunk_index\":0,\"chunk_count\":1}}");
}

struct bench {
    size_t start[FRAMES + 1];
    struct buf frames, chunk;
    struct event_ctx *ctx;
    struct record_list list;
    struct event_result result;
    uint64_t sum; /* of everything computed, so that nothing is left out */
    const char *(*skip)(const char *p, const char *end, struct skip_watch *watch);
    const char *only; /* run what begins so; NULL = all */
};

static struct msg_event event_of(const struct envelope *env)
{
    return (struct msg_event){.session = 1,
                              .seq = env->seq,
                              .arrival_ms = 1785586261000,
                              .guild = env->guild.id,
                              .t_off = env->t_off,
                              .t_len = env->t_len,
                              .d_off = env->d_off,
                              .d_len = env->d_len};
}

static void round_envelope(struct bench *b)
{
    const char *base = (const char *)buf_bytes(&b->frames);
    struct envelope env;

    for (unsigned i = 0; i < FRAMES; i++) {
        b->sum += envelope_scan(base + b->start[i], b->start[i + 1] - b->start[i], &env) != NULL;
        b->sum += env.guild.id + env.seq;
    }
}

static void round_event(struct bench *b)
{
    const char *base = (const char *)buf_bytes(&b->frames), *error;
    struct envelope env;

    for (unsigned i = 0; i < FRAMES; i++) {
        size_t len = b->start[i + 1] - b->start[i];
        struct msg_event event;

        envelope_scan(base + b->start[i], len, &env);
        event = event_of(&env);
        b->sum += (uint64_t)event_interpret(b->ctx, &event, base + b->start[i], len, &b->list,
                                            &b->result, &error);
        b->sum += b->list.count;
    }
}

static void round_chunk(struct bench *b)
{
    const char *frame = (const char *)buf_bytes(&b->chunk), *error;
    struct envelope env;
    struct msg_event event;

    envelope_scan(frame, buf_len(&b->chunk), &env);
    event = event_of(&env);
    b->sum += (uint64_t)event_interpret(b->ctx, &event, frame, buf_len(&b->chunk), &b->list,
                                        &b->result, &error);
    b->sum += b->result.members;
}

static void round_skip(struct bench *b)
{
    const char *base = (const char *)buf_bytes(&b->frames);

    for (unsigned i = 0; i < FRAMES; i++)
        b->sum += (uintptr_t)b->skip(base + b->start[i], base + b->start[i + 1], NULL);
}

static int compare(const void *a, const void *b)
{
    const double *x = a, *y = b;

    return (*x > *y) - (*x < *y);
}

static void run(struct bench *b, const char *name, void (*round)(struct bench *b), size_t n,
                size_t bytes)
{
    double ns[ROUNDS];

    if (b->only && strncmp(name, b->only, strlen(b->only)) != 0)
        return;
    for (unsigned r = 0; r < ROUNDS; r++) {
        double t = now_ns();

        round(b);
        ns[r] = (now_ns() - t) / (double)n;
    }
    qsort(ns, ROUNDS, sizeof(ns[0]), compare);
    printf("%-20s %7.1f ns median, %7.1f best, each of %zu bytes\n", name, ns[ROUNDS / 2], ns[0],
           bytes);
}

static void setup(struct bench *b, const struct shm *shm)
{
    record_list_init(&b->list);
    b->ctx = event_ctx_new(shm);
    buf_init(&b->frames, 0);
    buf_init(&b->chunk, 0);
    for (unsigned i = 0; i < FRAMES; i++) {
        b->start[i] = buf_len(&b->frames);
        put_message(&b->frames, i);
    }
    b->start[FRAMES] = buf_len(&b->frames);
    put_chunk(&b->chunk);
    for (unsigned i = 0; i < 1000; i++) {
        bool inserted;
        struct seen_row *row = seen_touch(shm, (snowflake_t){UINT64_C(1213063181107335175)},
                                          (snowflake_t){800000000 + i}, 0, &inserted);
        if (row)
            row->flags = SEEN_HUMAN | SEEN_RECORDED;
    }
}

int main(int argc, char **argv)
{
    struct shm_params params = {.rows = 65536, .ring_slots = 256, .guilds = 64};
    static struct bench b;
    char instance[64], *why = NULL;
    struct shm shm;
    size_t bytes;

    snprintf(instance, sizeof(instance), "bench-%d", (int)getpid());
    if (shm_open_master(instance, &params, &shm, &why) == SHM_FAILED) {
        fprintf(stderr, "%s\n", why);
        return 1;
    }
    shm_remove(instance);
    setup(&b, &shm);
    b.only = argc > 1 ? argv[1] : NULL;
    bytes = b.start[FRAMES] / FRAMES;
    run(&b, "envelope", round_envelope, FRAMES, bytes);
    run(&b, "event, with envelope", round_event, FRAMES, bytes);
    run(&b, "chunk, per member", round_chunk, 1000, buf_len(&b.chunk) / 1000);
    b.skip = skip_container_portable;
    run(&b, "skip, portable", round_skip, FRAMES, bytes);
    b.skip = skip_container_sse2;
    run(&b, "skip, SSE2", round_skip, FRAMES, bytes);
    b.skip = skip_container_avx2;
    run(&b, "skip, AVX2", round_skip, FRAMES, bytes);
    printf("(%" PRIu64 ")\n", b.sum);
    buf_clear(&b.frames);
    buf_clear(&b.chunk);
    record_list_clear(&b.list);
    event_ctx_free(&b.ctx);
    shm_close(&shm);
    return 0;
}
