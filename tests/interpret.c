/* Reads lines "arrival-ms frame" and prints what the event table makes of them, a JSON object per
 * sighting; the table is kept as a worker would. For tests that compare it with the simulator. */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "presence/event.h"

static void print_sighting(const struct record_sighting *s)
{
    printf("{\"guild\":\"%" PRIu64 "\",\"user\":\"%" PRIu64 "\",\"channel\":\"%" PRIu64
           "\",\"kind\":\"%s\",\"at\":%" PRId64 ",\"counted\":%s,\"unknown\":%s}\n",
           s->guild.id, s->user.id, s->channel.id, activity_infos[s->kind].name, s->at.ms,
           s->h.flags & RECORD_COUNTED ? "true" : "false",
           s->h.flags & RECORD_BOT_UNKNOWN ? "true" : "false");
}

static void take(const struct shm *shm, struct event_ctx *ctx, struct record_list *list,
                 int64_t arrival_ms, const char *frame, size_t len)
{
    struct event_result result;
    struct envelope env;
    const char *error = envelope_scan(frame, len, &env);
    struct msg_event event = {.session = 1, .seq = env.seq, .arrival_ms = arrival_ms};

    if (!error && env.op != 0)
        return;
    event.guild = env.guild.id;
    event.t_off = env.t_off;
    event.t_len = env.t_len;
    event.d_off = env.d_off;
    event.d_len = env.d_len;
    if (error || event_interpret(ctx, &event, frame, len, list, &result, &error)) {
        fprintf(stderr, "%.*s: %s\n", (int)len, frame, error);
        exit(1);
    }
    for (uint32_t at = 0; at < list->count;) {
        const struct record_header *h = (const void *)(list->slots + (size_t)at * RECORD_SLOT_SIZE);
        bool inserted;

        if (h->type == RECORD_SIGHTING)
            print_sighting((const void *)h);
        seen_apply(shm, h, 0, &inserted);
        at += h->slots;
    }
}

int main(void)
{
    struct shm_params params = {.rows = 65536, .ring_slots = 256, .guilds = 256};
    char instance[64], *why = NULL, *line = NULL, *frame;
    struct record_list list;
    struct event_ctx *ctx;
    struct shm shm;
    size_t cap = 0;
    ssize_t len;

    snprintf(instance, sizeof(instance), "interpret-%d", (int)getpid());
    if (shm_open_master(instance, &params, &shm, &why) == SHM_FAILED) {
        fprintf(stderr, "%s\n", why);
        return 1;
    }
    shm_remove(instance);
    ctx = event_ctx_new(&shm);
    record_list_init(&list);
    while ((len = getline(&line, &cap, stdin)) > 0) {
        int64_t arrival_ms = strtoll(line, &frame, 10);

        if (*frame == ' ')
            frame++;
        take(&shm, ctx, &list, arrival_ms, frame, (size_t)(line + len - frame));
    }
    free(line);
    record_list_clear(&list);
    event_ctx_free(&ctx);
    shm_close(&shm);
    return 0;
}
