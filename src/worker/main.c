/* presence-worker: started by presenced with its message channel on descriptor 3 and the shared
 * segment on 4, events' memory on 6 (5, the instance's lock, is only inherited). Takes secrets and
 * configuration by message, owns the lanes it is granted, and leaves by MSG_DRAIN or when the
 * master is gone. Arguments: -s slot, -g generation. Diagnostics: errors and exit 1 when the
 * descriptors are not what they should be. */
#include <errno.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <unistd.h>

#include "config.h"
#include "presence/custom_id.h"
#include "presence/fd.h"
#include "presence/log.h"
#include "presence/rest.h"
#include "worker/cache.h"
#include "worker/call.h"
#include "worker/cogs.h"
#include "worker/copies.h"
#include "worker/forget.h"
#include "worker/load.h"
#include "worker/order.h"
#include "worker/query.h"
#include "worker/react.h"
#include "worker/reset.h"
#include "worker/worker.h"

#define IPC_FD           3
#define SEGMENT_FD       4
#define FRAMES_FD        6
#define DRAIN_CALLS_MS   3000  /* who waits for an answer gets it */
#define DRAIN_SPOOL_MS   8000  /* GraphQL had its chance: the rest goes to disk */
#define DRAIN_GIVE_UP_MS 18000 /* the next master waits 20 s for us */

void worker_alert(struct worker *w, const char *fmt, ...)
{
    struct buf text;
    va_list ap;

    buf_init(&text, 0);
    va_start(ap, fmt);
    buf_vprintf(&text, fmt, ap);
    va_end(ap);
    if (w->orphan) /* otherwise the master says it */
        log_error("alert", "%s", buf_cstr(&text));
    else
        ipc_send(w->ipc, MSG_ALERT, 0, NULL, 0, buf_bytes(&text), buf_len(&text));
    buf_clear(&text);
}

static void reply_id(struct worker *w, uint16_t type, uint64_t id, const char *text)
{
    struct msg_id body = {id};

    ipc_send(w->ipc, type, 0, &body, sizeof(body), text, text ? strlen(text) : 0);
}

/* --- configuration --------------------------------------------------------------------------- */

static void apply_secrets(struct worker *w)
{
    gql_set(&w->gql, w->conf.graphql.url, w->graphql_token);
    changes_open(w);
    rest_set(w->rest, w->conf.discord.api_base, w->discord_token);
}

static void apply_conf(struct worker *w)
{
    const struct conf *conf = &w->conf;

    log_set_level((enum log_level)conf->log.level);
    event_ctx_set_prefix(w->events, conf->discord.prefix);
    apply_secrets(w);
    cache_set_url(w, conf->redis.url);
    if (fd_mkdirs(conf->cache.spool_dir, 0700))
        worker_alert(w, "%s: %s", conf->cache.spool_dir, strerror(errno));
}

/* Once: a process keeps the modules it began with. */
static void load_cogs(struct worker *w)
{
    char *path;

    if (w->cogs_loaded)
        return;
    path = xasprintf("%s/" COGS_SERVICE, w->conf.presence.state_dir);
    cogs_load_all(path);
    free(path);
    w->cogs_loaded = true;
}

static void commit_conf(struct worker *w)
{
    if (!w->has_next_conf)
        return;
    if (w->has_conf)
        conf_clear(&w->conf);
    w->conf = w->next_conf;
    w->has_conf = true;
    w->has_next_conf = false;
    load_cogs(w);
    apply_conf(w);
}

static void fail_conf(struct worker *w, uint64_t id, const struct conf_errors *errors)
{
    struct buf why;

    buf_init(&why, 0);
    for (size_t i = 0; i < errors->count; i++)
        buf_printf(&why, "%s%s", i ? "\n" : "", errors->lines[i]);
    reply_id(w, MSG_CONF_FAIL, id, buf_cstr(&why));
    buf_clear(&why);
}

static void prepare_conf(struct worker *w, uint64_t id, const char *text, size_t len)
{
    struct conf_errors errors = {0};
    struct conf next;

    if (conf_parse_text(text, len, "configuration", &next, &errors)) {
        fail_conf(w, id, &errors);
        conf_errors_clear(&errors);
        return;
    }
    conf_errors_clear(&errors);
    if (w->has_next_conf)
        conf_clear(&w->next_conf);
    w->next_conf = next;
    w->next_conf_id = id;
    w->has_next_conf = true;
    if (!w->has_conf) { /* the first one is what we start with */
        commit_conf(w);
        fetch_self(w);
    }
    reply_id(w, MSG_CONF_READY, id, NULL);
    if (!w->ready_told)
        reply_id(w, MSG_WORKER_READY, MSG_VERSION, NULL);
    w->ready_told = true;
}

static void take_secret(struct worker *w, uint64_t which, const char *text, size_t len)
{
    char **secret, *key;

    if (which == SECRET_KEY) {
        key = xstrndup(text ? text : "", len);
        custom_id_derive(key, &w->custom_id_key);
        fd_secret_free(&key);
        return;
    }
    secret = which == SECRET_DISCORD_TOKEN   ? &w->discord_token
             : which == SECRET_GRAPHQL_TOKEN ? &w->graphql_token
                                             : NULL;

    if (!secret)
        return;
    fd_secret_free(secret);
    *secret = xstrndup(text ? text : "", len);
    if (w->has_conf)
        apply_secrets(w);
}

/* --- the end --------------------------------------------------------------------------------- */

static void finish(struct worker *w)
{
    w->done = true;
    if (!w->orphan) {
        ipc_send(w->ipc, MSG_DRAINED, 0, NULL, 0, NULL, 0);
        ipc_flush(w->ipc);
    }
    loop_stop(w->loop);
}

void worker_check_drained(struct worker *w)
{
    if (!w->draining || w->done)
        return;
    for (unsigned i = 0; i < LANES; i++)
        if (w->lanes[i] && !flush_clean(w->lanes[i]))
            return;
    if ((call_pending(w) || order_pending(w)) &&
        clock_mono().ms - w->drain_since.ms < DRAIN_CALLS_MS)
        return;
    finish(w);
}

static void drain_check(void *arg)
{
    struct worker *w = arg;
    int64_t since_ms = clock_mono().ms - w->drain_since.ms;

    if (w->away || since_ms > DRAIN_SPOOL_MS)
        flush_spool_all(w);
    flush_all(w);
    worker_check_drained(w);
    if (!w->done && since_ms > DRAIN_GIVE_UP_MS) {
        log_error("drain",
                  "not everything could be made durable in time; it stays in shared memory");
        finish(w);
    }
    if (!w->done)
        loop_timer_set(w->drain_timer, 100);
}

static void start_drain(struct worker *w)
{
    if (w->draining)
        return;
    lane_send_acks(w);
    w->draining = true;
    w->drain_since = clock_mono();
    loop_timer_set(w->drain_timer, 0);
}

/* --- messages -------------------------------------------------------------------------------- */

static void debug_fault(uint64_t what)
{
#ifdef ENABLE_DEBUG_FAULTS
    if (what == DEBUG_CRASH)
        abort();
    if (what == DEBUG_EXIT)
        _exit(3);
    while (what == DEBUG_HANG)
        pause();
#else
    (void)what;
#endif
}

static void control_message(struct worker *w, uint16_t type, uint64_t id, const char *tail,
                            size_t len)
{
    switch (type) {
    case MSG_CONF_PREPARE:
        prepare_conf(w, id, tail, len);
        break;
    case MSG_CONF_COMMIT:
        if (id == w->next_conf_id)
            commit_conf(w);
        break;
    case MSG_CONF_ABORT:
        if (w->has_next_conf)
            conf_clear(&w->next_conf);
        w->has_next_conf = false;
        break;
    case MSG_SECRET:
        take_secret(w, id, tail, len);
        break;
    case MSG_PING: /* a good moment: it comes every few seconds, and only then */
        heap_give_back();
        reply_id(w, MSG_PONG, id, NULL);
        break;
    case MSG_LOG_LEVEL:
        log_set_level((enum log_level)id);
        break;
    case MSG_QUERY:
        query_answer(w, id, tail, len);
        break;
    case MSG_DEBUG:
        debug_fault(id);
        break;
    case MSG_CLOCK:
        clock_set_offset((int64_t)id);
        break;
    default:
        break;
    }
}

static void event_at(struct worker *w, unsigned lane, uint64_t offset)
{
    const struct framepool_event *e = framepool_event(&w->frames, offset);

    if (!e)
        fatal("event", "the master says that an event of lane %u lies at %llu, where none can",
              lane, (unsigned long long)offset);
    inbox_event(w, lane, &e->head, framepool_frame(e), e->len);
}

static void take_message(void *arg, const struct msg_header *h, const void *body, const void *tail,
                         size_t len)
{
    struct worker *w = arg;

    if (h->generation != w->generation)
        return;
    if (h->type != MSG_EVENT && h->type != MSG_EVENT_AT)
        inbox_empty(w);
    switch (h->type) {
    case MSG_EVENT:
        inbox_event(w, h->lane, body, tail, len);
        break;
    case MSG_EVENT_AT:
        event_at(w, h->lane, ((const struct msg_event_at *)body)->offset);
        break;
    case MSG_LANE_GRANT:
        lane_grant(w, h->lane);
        break;
    case MSG_LANE_REVOKE:
        lane_revoke(w, h->lane);
        break;
    case MSG_SESSION:
        react_session(w, body);
        break;
    case MSG_GATEWAY_STATE:
        react_gateway(w, body);
        break;
    case MSG_FETCH:
        fetch_request(w, body, tail, len);
        break;
    case MSG_RESET_STEP:
        order_reset_step(w, (snowflake_t){((const struct msg_id *)body)->id});
        reset_go_on(w);
        break;
    case MSG_COGS_REPORT:
        order_reloaded(w, (snowflake_t){((const struct msg_id *)body)->id}, tail, len);
        break;
    case MSG_FORGET:
        forget(w, (snowflake_t){((const struct msg_forget *)body)->guild},
               (snowflake_t){((const struct msg_forget *)body)->user});
        break;
    case MSG_ORDER:
        order_passed(w, body, tail, len);
        break;
    case MSG_DRAIN:
        start_drain(w);
        break;
    case MSG_LOG_REOPEN:
        log_reopen();
        break;
    default:
        if (msg_fixed_size(h->type) == sizeof(struct msg_id))
            control_message(w, h->type, ((const struct msg_id *)body)->id, tail, len);
        break;
    }
}

static void messages_over(void *arg)
{
    inbox_empty(arg);
}

static void master_gone(void *arg, const char *why)
{
    struct worker *w = arg;

    if (w->done)
        return;
    w->orphan = true;
    log_warn("master_gone", "%s; making durable what is at hand", why ? why : "end of file");
    start_drain(w);
}

static void terminated(void *arg, int signo)
{
    (void)signo;
    start_drain(arg);
}

static void ack_due(void *arg)
{
    lane_send_acks(arg);
}

/* --- start ----------------------------------------------------------------------------------- */

static void init(struct worker *w)
{
    static const struct ipc_callbacks callbacks = {
        .message = take_message, .closed = master_gone, .handed_over = messages_over};

    w->loop = loop_new();
    w->ipc = ipc_new(w->loop, IPC_FD, &callbacks, w);
    ipc_set_generation(w->ipc, w->generation);
    w->events = event_ctx_new(&w->shm);
    record_list_init(&w->list);
    inbox_init(w);
    w->http =
        http_new(w->loop, "DiscordBot (https://github.com/presence/presence, " PACKAGE_VERSION ")");
    w->gql.http = w->http;
    w->ack_timer = loop_timer_new(w->loop, ack_due, w);
    w->drain_timer = loop_timer_new(w->loop, drain_check, w);
    w->rest = rest_new(w->loop, w->http, &w->shm.header->budget);
    flush_init(w);
    load_init(w);
    react_init(w);
    copies_init(w);
    forget_init(w);
    reset_init(w);
    changes_init(w);
    loop_signal(w->loop, SIGTERM, terminated, w);
    signal(SIGINT, SIG_IGN); /* a terminal sends it to the whole group: the master decides */
    signal(SIGHUP, SIG_IGN);
    signal(SIGUSR1, SIG_IGN);
    signal(SIGPIPE, SIG_IGN);
}

/* What is still under way (requests, look-ups) hangs together in many ways and ends with the
 * process; all of it stays reachable from `worker`. Only what must not stay behind is taken away.
 */
static void tear_down(struct worker *w)
{
    w->done = true;
    explicit_bzero(&w->custom_id_key, sizeof(w->custom_id_key));
    fd_secret_free(&w->discord_token);
    fd_secret_free(&w->graphql_token);
    gql_clear(&w->gql);
    ipc_free(&w->ipc);
}

static void take_arguments(struct worker *w, int argc, char **argv)
{
    int c;

    while ((c = getopt(argc, argv, "s:g:")) != -1) {
        if (c == 's')
            w->slot = (unsigned)strtoul(optarg, NULL, 10);
        else if (c == 'g')
            w->generation = (uint32_t)strtoul(optarg, NULL, 10);
        else
            exit(1);
    }
}

int main(int argc, char **argv)
{
    static struct worker worker;
    char *why = NULL;

    log_init("presence-worker");
    if (argc > 1 && !strcmp(argv[1], "--version")) {
        puts("presence-worker " PACKAGE_VERSION);
        return 0;
    }
    if (argc >= 4 && !strcmp(argv[1], "--take-cogs"))
        return cog_trial(argv[2], argv[3], argv[4]);
    if (shm_attach(SEGMENT_FD, &worker.shm, &why)) {
        log_error("start",
                  "descriptor %d is not Presence's segment (%s): presence-worker is "
                  "started by presenced, not by hand",
                  SEGMENT_FD, why ? why : "unknown");
        free(why);
        return 1;
    }
    shm_guard(&worker.shm);
    if (framepool_attach(&worker.frames, FRAMES_FD)) {
        log_error("start",
                  "descriptor %d is not the memory for events (%s): presence-worker is started by "
                  "presenced, not by hand",
                  FRAMES_FD, strerror(errno));
        return 1;
    }
    take_arguments(&worker, argc, argv);
    fd_cloexec(IPC_FD, true);
    fd_cloexec(SEGMENT_FD, true);
    fd_cloexec(FRAMES_FD, true);
    fd_nonblock(IPC_FD);
    init(&worker);
    loop_run(worker.loop);
    tear_down(&worker);
    return 0;
}
