/* libFuzzer: any bytes as a frame, from its envelope to its records, which are checked and applied
 * to a table. */
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "presence/event.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static struct shm shm;
static struct event_ctx *ctx;
static struct record_list list;

static void start(void)
{
    struct shm_params params = {.rows = 1024, .ring_slots = 256, .guilds = 16};
    char name[64], *why = NULL;

    snprintf(name, sizeof(name), "fuzz-event-%d", (int)getpid());
    if (shm_open_master(name, &params, &shm, &why) == SHM_FAILED) {
        fprintf(stderr, "%s\n", why);
        exit(1);
    }
    shm_remove(name);
    ctx = event_ctx_new(&shm);
    record_list_init(&list);
}

/* What was interpreted must be whole records that end once. */
static void check_records(void)
{
    for (uint32_t at = 0; at < list.count;) {
        const struct record_header *h = (const void *)(list.slots + (size_t)at * RECORD_SLOT_SIZE);
        bool inserted;

        if (record_check(h, list.count - at) ||
            !!(h->flags & RECORD_EVENT_END) != (at == list.last))
            abort();
        seen_apply(&shm, h, 0, &inserted);
        at += h->slots;
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    const char *frame = (const char *)data, *error;
    struct event_result result;
    struct envelope env;
    struct msg_event event;

    if (!ctx)
        start();
    if (envelope_scan(frame, size, &env))
        return 0;
    event = (struct msg_event){.session = 1 + env.seq % 3,
                               .seq = env.seq,
                               .arrival_ms = 1785586261000,
                               .guild = env.guild.id,
                               .flags = env.seq & 1 ? MSG_EVENT_REPLAYED : 0,
                               .t_off = env.t_off,
                               .t_len = env.t_len,
                               .d_off = env.d_off,
                               .d_len = env.d_len};
    if (event_interpret(ctx, &event, frame, size, &list, &result, &error) == 0)
        check_records();
    else if (!error || list.count)
        abort();
    return 0;
}
