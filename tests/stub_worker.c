/* A worker for tests of presenced alone: speaks msg.h for real, keeps nothing, writes down what it
 * is given. What it does with an event is asked for by the event itself or by files in the state
 * directory:
 *
 *   an event that holds "stub:abort"  abort()           "stub:hang"  never returns
 *   file stall    events are neither acknowledged nor made durable while it exists
 *   file volatile events are acknowledged but not durable while it exists
 *   file fail     a new configuration is refused
 *   file quiet    events are not written down (measurements)
 *
 * Written down, in stub.<slot>.log: one line per event, message of a session, payload of a query.
 * Diagnostics: what the harness must see goes to stderr. */
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "presence/buf.h"
#include "presence/fd.h"
#include "presence/framepool.h"
#include "presence/ipc.h"
#include "presence/log.h"
#include "presence/route.h"

struct held {
    uint64_t acked, last;
    uint64_t session, seq;
    uint64_t acked_seq;
};

static struct {
    struct loop *loop;
    struct ipc *ipc;
    struct loop_timer *timer;
    unsigned slot;
    char *state_dir;
    FILE *log;
    struct held lanes[LANES];
    bool quiet, ready;
    struct framepool frames;
} stub;

static bool flag(const char *name)
{
    char *path = xasprintf("%s/%s", stub.state_dir, name);
    bool is = access(path, F_OK) == 0;

    free(path);
    return is;
}

static void send_id(uint16_t type, unsigned lane, uint64_t id)
{
    struct msg_id body = {id};

    ipc_send(stub.ipc, type, (uint16_t)lane, &body, sizeof(body), NULL, 0);
}

static void settle(void *arg)
{
    bool stalled = flag("stall"), is_volatile = flag("volatile");

    (void)arg;
    stub.quiet = flag("quiet");
    for (unsigned i = 0; i < LANES && !stalled; i++) {
        struct held *l = &stub.lanes[i];
        struct msg_durable d = {l->session, l->seq};

        if (l->last != l->acked)
            send_id(MSG_EVENT_ACK, i, l->acked = l->last);
        if (l->seq == l->acked_seq || is_volatile)
            continue;
        l->acked_seq = l->seq;
        ipc_send(stub.ipc, MSG_DURABLE, (uint16_t)i, &d, sizeof(d), NULL, 0);
    }
    loop_timer_set(stub.timer, 20);
}

static void take_conf(uint64_t id, const char *text, size_t len)
{
    char *copy = xstrndup(text, len), *line = strstr(copy, "state_dir = ");

    if (!stub.state_dir) {
        char *path;

        if (!line)
            fatal("stub", "no state_dir in the configuration");
        line += strlen("state_dir = ");
        stub.state_dir = xstrndup(line, strcspn(line, "\n"));
        path = xasprintf("%s/stub.%u.log", stub.state_dir, stub.slot);
        stub.log = fopen(path, "ae");
        if (!stub.log)
            fatal("stub", "%s: %s", path, strerror(errno));
        setvbuf(stub.log, NULL, _IOLBF, 0);
        free(path);
        stub.quiet = flag("quiet");
    }
    free(copy);
    if (flag("fail")) {
        struct msg_id body = {id};

        ipc_send(stub.ipc, MSG_CONF_FAIL, 0, &body, sizeof(body), "the test wants it", 17);
    } else {
        send_id(MSG_CONF_READY, 0, id);
    }
}

static void take_event(unsigned lane, const struct msg_event *e, const char *frame, size_t len)
{
    struct held *l = &stub.lanes[lane];

    if (!stub.quiet) {
        fprintf(stub.log,
                "event lane=%u n=%" PRIu64 " session=%" PRIu64 " seq=%" PRIu64
                " flags=%u t=%.*s guild=%" PRIu64 " arrival=%" PRId64 "\n",
                lane, e->n, e->session, e->seq, e->flags, (int)e->t_len, frame + e->t_off, e->guild,
                e->arrival_ms);
        if (memmem(frame, len, "stub:abort", 10))
            abort();
        while (memmem(frame, len, "stub:hang", 9))
            pause();
    }
    l->last = e->n;
    l->session = e->session;
    l->seq = e->seq;
}

static void take_event_at(unsigned lane, uint64_t offset)
{
    const struct framepool_event *e = framepool_event(&stub.frames, offset);

    if (!e)
        fatal("stub", "no event can lie at %" PRIu64, offset);
    take_event(lane, &e->head, framepool_frame(e), e->len);
}

static void answer_fetch(const struct msg_fetch *fetch)
{
    struct msg_fetch_reply reply = {.id = fetch->id, .what = fetch->what, .status = 404};
    const char *text = "not here";

    if (fetch->what == FETCH_RESOLVE) {
        reply.status = 200;
        text = "127.0.0.1\n";
    }
    ipc_send(stub.ipc, MSG_FETCH_REPLY, 0, &reply, sizeof(reply), text, strlen(text));
}

static void got(void *arg, const struct msg_header *h, const void *body, const void *tail,
                size_t len)
{
    const struct msg_id *id = body;
    const struct msg_session *s = body;

    (void)arg;
    switch (h->type) {
    case MSG_CONF_PREPARE:
        take_conf(id->id, tail, len);
        break;
    case MSG_CONF_COMMIT:
        fprintf(stub.log, "commit\n");
        if (!stub.ready)
            send_id(MSG_WORKER_READY, 0, MSG_VERSION);
        stub.ready = true;
        break;
    case MSG_CONF_ABORT:
        fprintf(stub.log, "abort\n");
        break;
    case MSG_LANE_GRANT:
        fprintf(stub.log, "grant lane=%u\n", h->lane);
        memset(&stub.lanes[h->lane], 0, sizeof(stub.lanes[0]));
        ipc_send(stub.ipc, MSG_LANE_OWNED, h->lane, NULL, 0, NULL, 0);
        break;
    case MSG_LANE_REVOKE:
        fprintf(stub.log, "revoke lane=%u\n", h->lane);
        settle(NULL);
        ipc_send(stub.ipc, MSG_LANE_RELEASED, h->lane, NULL, 0, NULL, 0);
        break;
    case MSG_EVENT:
        take_event(h->lane, body, tail, len);
        break;
    case MSG_EVENT_AT:
        take_event_at(h->lane, ((const struct msg_event_at *)body)->offset);
        break;
    case MSG_SESSION:
        fprintf(stub.log, "session edge=%u session=%" PRIu64 " close=%u watched=%" PRId64 "\n",
                s->edge, s->session, s->close_code, s->watched_until_ms);
        break;
    case MSG_PING:
        send_id(MSG_PONG, 0, id->id);
        break;
    case MSG_FETCH:
        answer_fetch(body);
        break;
    case MSG_QUERY: {
        struct msg_id reply = {id->id};
        const char *text = "{\"known\":true,\"guild\":\"319626097459200000\"}";

        ipc_send(stub.ipc, MSG_QUERY_REPLY, 0, &reply, sizeof(reply), text, strlen(text));
        break;
    }
    case MSG_LOG_REOPEN:
        fprintf(stub.log, "log_reopen\n");
        break;
    case MSG_DRAIN:
        settle(NULL);
        ipc_send(stub.ipc, MSG_DRAINED, 0, NULL, 0, NULL, 0);
        ipc_flush(stub.ipc);
        loop_stop(stub.loop);
        break;
    case MSG_DEBUG:
        if (id->id == DEBUG_CRASH)
            abort();
        if (id->id == DEBUG_EXIT)
            exit(3);
        for (;;)
            pause();
    default:
        break;
    }
}

static void closed(void *arg, const char *why)
{
    (void)arg;
    log_info("orphan", "%s", why);
    loop_stop(stub.loop);
}

int main(int argc, char **argv)
{
    static const struct ipc_callbacks callbacks = {.message = got, .closed = closed};
    int c;
    uint32_t generation = 0;

    log_init("presence-worker");
    if (argc > 1 && !strcmp(argv[1], "--take-cogs"))
        return 0; /* it has none */
    while ((c = getopt(argc, argv, "s:g:")) != -1) {
        if (c == 's')
            stub.slot = (unsigned)strtoul(optarg, NULL, 10);
        else if (c == 'g')
            generation = (uint32_t)strtoul(optarg, NULL, 10);
    }
    for (int fd = 3; fd <= 6; fd++)
        if (fcntl(fd, F_GETFD) < 0)
            fatal("stub", "descriptor %d is not there", fd);
    for (int fd = 7; fd < 256; fd++)
        if (fcntl(fd, F_GETFD) >= 0)
            fatal("stub", "descriptor %d was inherited", fd);
    if (getenv("DISCORD_TOKEN") || getenv("HOME"))
        fatal("stub", "the environment was not cleared");
    if (framepool_attach(&stub.frames, 6))
        fatal("stub", "descriptor 6: %s", strerror(errno));
    stub.loop = loop_new();
    fd_nonblock(3);
    stub.ipc = ipc_new(stub.loop, 3, &callbacks, NULL);
    ipc_set_generation(stub.ipc, generation);
    stub.timer = loop_timer_new(stub.loop, settle, NULL);
    loop_timer_set(stub.timer, 20);
    fprintf(stderr, "stub says hello\n");
    stub.state_dir = NULL;
    loop_timer_stop(stub.timer);
    /* Files are looked at once there is a configuration. */
    while (!stub.ready)
        loop_once(stub.loop, -1);
    settle(NULL);
    loop_run(stub.loop);
    ipc_free(&stub.ipc);
    loop_timer_free(&stub.timer);
    loop_free(&stub.loop);
    framepool_close(&stub.frames);
    fclose(stub.log);
    free(stub.state_dir);
    return 0;
}
