/* presence-worker as a process: this test plays the master (segment, channel, lanes, events) and a
 * presence-graphqld that can be told to fail in each way. What it applies, it applies as the schema
 * says: by epoch and position. */
#include <errno.h>
#include <fcntl.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#include "presence/conf.h"
#include "presence/fd.h"
#include "presence/framepool.h"
#include "presence/httpd.h"
#include "presence/ipc.h"
#include "presence/json.h"
#include "presence/ring.h"
#include "presence/seen.h"
#include "presence/shm.h"
#include "worker/operations.h"

#define GUILD        1213063181107335175u
#define PATIENCE_MS  12000
#define FRAMES_BYTES ((size_t)16 << 20)
#define ARRIVAL_MS   ((uint64_t)1785585605000)
#define ALICE        806374682394759223u
#define VOICE        UINT64_C(1213063185301639200)
#define BEEP         806374682394759224u
#define OLD_SESSION  ((uint64_t)1785585600000 << 8)

enum fault {
    FAULT_NONE,
    FAULT_AWAY,        /* 503 for everything */
    FAULT_OLDER,       /* knows none of the operations: built from another version */
    FAULT_LOSE_ANSWER, /* applies the batch, then closes the connection; once */
    FAULT_POISON,      /* refuses batches that hold the user `poison` */
    FAULT_HOLD,        /* lets a batch wait until release_batch */
    FAULT_LANE_AWAY    /* 503 for every request that holds a batch of stuck_lane */
};

static struct {
    struct loop *loop;
    char dir[64], instance[32];
    struct shm shm;
    struct framepool frames;
    size_t frames_used;
    struct httpd *httpd;
    unsigned port;
    enum fault fault;
    uint64_t poison;
    /* GUILD's lane as the database has it */
    uint64_t epoch, position, session, seq;
    struct { /* any other's */
        uint64_t epoch, position;
    } others[LANES];
    unsigned together; /* the most batches that one request held */
    unsigned stuck_lane;
    uint64_t counted; /* sightings applied */
    uint64_t counted_at_seeds;
    struct httpd_request *held;
    uint64_t claimed;
    unsigned applied, lanes_asked, refused;
    unsigned members, bots, humans, rosters, seeds_asked, guild_seeds_asked, rest_asked;
    bool rest_limited; /* answer the next REST call 429 */
    pid_t redis;
    /* what the worker asked the gateway */
    unsigned asked;
    uint64_t asked_guild;
    bool no_lanes;     /* the answer names none */
    bool no_seeds;     /* the answer holds none */
    bool keep_session; /* the one that is remembered stays */
    char nonce[40];
    uint64_t fetched_id;
    int fetched_status;
    char fetched[256];
    /* the worker */
    pid_t pid;
    struct ipc *ipc;
    uint32_t generation;
    bool ready, owned, released, drained, ponged, closed;
    const char *member_seeds; /* the whole answer; NULL: nobody is known */
    uint64_t acked, durable;
    unsigned alerts;
    uint64_t n, next_seq, gateway; /* gateway: the session's number */
    const char *spool_dir;
} t;

/* --- the GraphQL service --------------------------------------------------------------------- */

static void answer_text(struct httpd_request *req, unsigned status, const char *text)
{
    struct httpd_header json = {"Content-Type", "application/json"};

    httpd_respond(req, status, &json, 1, text, strlen(text));
}

static void answer_away(struct httpd_request *req)
{
    answer_text(req, 503,
                "{\"errors\":[{\"message\":\"away\",\"extensions\":{\"code\":"
                "\"UNAVAILABLE\"}}]}");
}

static bool holds_poison(const struct json *batch)
{
    const struct json *users = json_get(json_get(batch, "sightings"), "userId");

    for (const struct json *u = json_first(users); u; u = json_next(u))
        if (json_id(u) == t.poison)
            return true;
    return false;
}

static const char *judge(const struct json *batch, uint64_t at_epoch, uint64_t at)
{
    uint64_t epoch = json_id(json_get(batch, "epoch")), from = json_id(json_get(batch, "from"));

    if (json_id(json_get(batch, "claim")) < t.claimed)
        return "CLAIMED";
    if (epoch < at_epoch)
        return "EPOCH";
    return from == (epoch > at_epoch ? 0 : at) ? NULL : "POSITION";
}

/* A lane that is not GUILD's. */
static const char *apply_other(const struct json *batch, uint64_t *epoch, uint64_t *position)
{
    const struct json *counts = json_get(json_get(batch, "sightings"), "count");
    const char *refused = judge(batch, *epoch, *position);

    if (refused)
        return refused;
    for (const struct json *c = json_first(counts); c; c = json_next(c))
        t.counted += (uint64_t)json_int(c, 0);
    *epoch = json_id(json_get(batch, "epoch"));
    *position = json_id(json_get(batch, "to"));
    return "APPLIED";
}

static const char *apply(const struct json *batch)
{
    const struct json *counts = json_get(json_get(batch, "sightings"), "count");
    const char *refused = judge(batch, t.epoch, t.position);

    if (refused)
        return refused;
    for (const struct json *c = json_first(counts); c; c = json_next(c))
        t.counted += (uint64_t)json_int(c, 0);
    for (const struct json *s = json_first(json_get(batch, "sessions")); s; s = json_next(s)) {
        if (t.keep_session && json_id(json_get(s, "session")) != t.session)
            continue;
        t.session = json_id(json_get(s, "session"));
        if (json_id(json_get(s, "seq")) > t.seq)
            t.seq = json_id(json_get(s, "seq"));
    }
    for (const struct json *m = json_first(json_get(batch, "members")); m; m = json_next(m)) {
        const struct json *bot = json_get(m, "bot");

        t.members++;
        t.bots += json_bool(bot, false);
        t.humans += json_is_bool(bot) && !json_bool(bot, true);
    }
    t.rosters += (unsigned)json_size(json_get(batch, "rostersComplete"));
    t.epoch = json_id(json_get(batch, "epoch"));
    t.position = json_id(json_get(batch, "to"));
    t.applied++;
    return "APPLIED";
}

static unsigned lane_of(uint64_t guild)
{
    return route_lane((snowflake_t){guild});
}

static void apply_and_print(const struct json *batch, struct buf *out)
{
    unsigned lane = (unsigned)json_int(json_get(batch, "lane"), 0);
    uint64_t *epoch = &t.epoch, *position = &t.position;
    const char *code;

    if (lane == lane_of(GUILD)) {
        code = apply(batch);
    } else {
        epoch = &t.others[lane].epoch;
        position = &t.others[lane].position;
        code = apply_other(batch, epoch, position);
    }
    buf_printf(out, "{\"code\":\"%s\",\"epoch\":\"%llu\",\"position\":\"%llu\"}", code,
               (unsigned long long)*epoch, (unsigned long long)*position);
}

/* All or nothing, where one of them is refused. */
static void record(struct httpd_request *req, const struct json *batches)
{
    struct buf out;

    if (json_size(batches) > t.together)
        t.together = (unsigned)json_size(batches);
    for (const struct json *b = json_first(batches); b; b = json_next(b)) {
        if (t.fault == FAULT_LANE_AWAY && json_int(json_get(b, "lane"), 0) == t.stuck_lane) {
            answer_away(req);
            return;
        }
        if (t.fault == FAULT_POISON && holds_poison(b)) {
            t.refused++;
            answer_text(req, 400,
                        "{\"errors\":[{\"message\":\"bad\",\"extensions\":{\"code\":"
                        "\"BAD_USER_INPUT\"}}]}");
            return;
        }
    }
    if (t.fault == FAULT_HOLD) {
        t.held = req;
        return;
    }
    buf_init(&out, 0);
    buf_puts(&out, "{\"data\":{\"recordSightings\":[");
    for (const struct json *b = json_first(batches); b; b = json_next(b)) {
        if (b != json_first(batches))
            buf_putc(&out, ',');
        apply_and_print(b, &out);
    }
    buf_puts(&out, "]}}");
    if (t.fault == FAULT_LOSE_ANSWER) {
        t.fault = FAULT_NONE;
        httpd_abort(req);
    } else {
        answer_text(req, 200, buf_cstr(&out));
    }
    buf_clear(&out);
}

static void release_batch(void)
{
    size_t len;
    const char *body = httpd_body(t.held, &len);
    struct json *root = json_parse(body, len, NULL);

    t.fault = FAULT_NONE;
    record(t.held, json_get(json_get(root, "variables"), "batches"));
    t.held = NULL;
    json_free(&root);
}

static void lanes(struct httpd_request *req, const struct json *numbers, uint64_t epoch)
{
    struct buf out;

    t.lanes_asked++;
    t.claimed = epoch > t.claimed ? epoch : t.claimed;
    buf_init(&out, 0);
    buf_puts(&out, "{\"data\":{\"claimLanes\":[");
    for (const struct json *n = t.no_lanes ? NULL : json_first(numbers); n; n = json_next(n)) {
        if (n != json_first(numbers))
            buf_putc(&out, ',');
        buf_printf(&out, "{\"lane\":%d,\"epoch\":", (int)json_int(n, 0));
        if (json_int(n, 0) != lane_of(GUILD)) {
            buf_puts(&out, "null,\"position\":\"0\",\"sessions\":[]}");
            continue;
        }
        if (t.epoch)
            buf_printf(&out, "\"%llu\"", (unsigned long long)t.epoch);
        else
            buf_puts(&out, "null");
        buf_printf(&out, ",\"position\":\"%llu\",\"sessions\":[", (unsigned long long)t.position);
        if (t.session)
            buf_printf(&out, "{\"session\":\"%llu\",\"seq\":\"%llu\"}",
                       (unsigned long long)t.session, (unsigned long long)t.seq);
        buf_puts(&out, "]}");
    }
    buf_puts(&out, "]}}");
    answer_text(req, 200, buf_cstr(&out));
    buf_clear(&out);
}

/* The guild, watched through the old session, with Alice in voice. */
static void seeds(struct httpd_request *req)
{
    char *text = xasprintf(
        "{\"data\":{\"guildSeeds\":[{\"guildId\":\"%llu\",\"afkChannelId\":\"7\",\"memberCount\":3,"
        "\"botJoinedMs\":5,\"rosterAtMs\":6,\"left\":false,\"available\":true,\"session\":\"%llu\"}"
        "],"
        "\"voiceSeeds\":[{\"guildId\":\"%llu\",\"userId\":\"%llu\",\"channelId\":\"%llu\","
        "\"state\":1}]}}",
        (unsigned long long)GUILD, (unsigned long long)OLD_SESSION, (unsigned long long)GUILD,
        (unsigned long long)ALICE, (unsigned long long)VOICE);

    t.guild_seeds_asked++;
    answer_text(req, 200, text);
    free(text);
}

/* Beep is a member and a bot; Alice has left and is a person. */
static void rest(struct httpd_request *req)
{
    char beep[100], alice[100];

    t.rest_asked++;
    assert_non_null(strstr(httpd_header(req, "User-Agent"), "DiscordBot (https://"));
    snprintf(beep, sizeof(beep), "/guilds/%llu/members/%llu", (unsigned long long)GUILD,
             (unsigned long long)BEEP);
    snprintf(alice, sizeof(alice), "/users/%llu", (unsigned long long)ALICE);
    if (t.rest_limited) {
        t.rest_limited = false;
        answer_text(req, 429, "{\"message\":\"slow\",\"retry_after\":0.2,\"global\":false}");
    } else if (!strcmp(httpd_path(req), beep)) {
        answer_text(req, 200,
                    "{\"user\":{\"id\":\"806374682394759224\",\"username\":\"beep\",\"bot\":true},"
                    "\"roles\":[]}");
    } else if (!strcmp(httpd_path(req), alice)) {
        answer_text(req, 200, "{\"id\":\"806374682394759223\",\"username\":\"alice\"}");
    } else {
        answer_text(req, 404, "{\"code\":10007,\"message\":\"Unknown Member\"}");
    }
}

static void serve(void *arg, struct httpd_request *req)
{
    size_t len;
    const char *body = httpd_body(req, &len);
    struct json *root;
    const struct json *variables;
    const char *operation;

    (void)arg;
    if (strcmp(httpd_path(req), "/graphql")) {
        rest(req);
        return;
    }
    if (t.fault == FAULT_AWAY) {
        answer_away(req);
        return;
    }
    if (t.fault == FAULT_OLDER) {
        answer_text(req, 400,
                    "{\"errors\":[{\"message\":\"no such operation\",\"extensions\":{\"code\":"
                    "\"PERSISTED_NOT_FOUND\"}}]}");
        return;
    }
    root = json_parse(body, len, NULL);
    assert_non_null(root);
    operation = json_string(json_get(root, "documentId"), "");
    variables = json_get(root, "variables");
    if (strcmp(operation, OPERATION_RECORD_SIGHTINGS) == 0)
        record(req, json_get(variables, "batches"));
    else if (strcmp(operation, OPERATION_MEMBER_SEEDS) == 0) {
        t.seeds_asked++;
        t.counted_at_seeds = t.counted;
        if (t.member_seeds)
            answer_text(req, 200, t.member_seeds);
        else
            answer_text(req, 200, t.no_seeds ? "{\"data\":{}}" : "{\"data\":{\"memberSeeds\":[]}}");
    } else if (strcmp(operation, OPERATION_GUILD_SEEDS) == 0)
        seeds(req);
    else if (strcmp(operation, OPERATION_CLAIM_LANES) == 0)
        lanes(req, json_get(variables, "lanes"), json_id(json_get(variables, "epoch")));
    json_free(&root);
}

/* --- the master ------------------------------------------------------------------------------ */

/* {"op":8,"d":{"guild_id":…,"nonce":…}} */
static void took_request(const char *text, size_t len)
{
    struct json *root = json_parse(text, len, NULL);
    const struct json *d = json_get(root, "d");

    assert_int_equal(json_int(json_get(root, "op"), 0), 8);
    t.asked_guild = json_id(json_get(d, "guild_id"));
    assert_int_equal(lane_of(t.asked_guild), lane_of(GUILD));
    assert_int_equal(json_int(json_get(d, "limit"), -1), 0);
    snprintf(t.nonce, sizeof(t.nonce), "%s", json_string(json_get(d, "nonce"), ""));
    assert_in_range(strlen(t.nonce), 1, 32);
    t.asked++;
    json_free(&root);
}

static void message(void *arg, const struct msg_header *h, const void *body, const void *tail,
                    size_t len)
{
    (void)arg;
    switch (h->type) {
    case MSG_FETCH_REPLY:
        t.fetched_status = ((const struct msg_fetch_reply *)body)->status;
        t.fetched_id = ((const struct msg_fetch_reply *)body)->id;
        snprintf(t.fetched, sizeof(t.fetched), "%.*s", (int)len, (const char *)tail);
        break;
    case MSG_GATEWAY_SEND:
        took_request(tail, len);
        break;
    case MSG_WORKER_READY:
        t.ready = true;
        break;
    case MSG_LANE_OWNED:
        t.owned = true;
        break;
    case MSG_LANE_RELEASED:
        t.released = true;
        break;
    case MSG_PONG:
        t.ponged = true;
        break;
    case MSG_EVENT_ACK:
        if (h->lane != lane_of(GUILD))
            break;
        assert_true(((const struct msg_id *)body)->id > t.acked);
        t.acked = ((const struct msg_id *)body)->id;
        break;
    case MSG_DURABLE:
        if (h->lane != lane_of(GUILD))
            break;
        t.durable = ((const struct msg_durable *)body)->seq;
        break;
    case MSG_DRAINED:
        t.drained = true;
        break;
    case MSG_ALERT:
        t.alerts++;
        break;
    default:
        break;
    }
}

static void closed(void *arg, const char *why)
{
    (void)arg;
    (void)why;
    t.closed = true;
}

/* WAIT(condition): serves the loop until it holds. */
#define WAIT(condition)                                                                            \
    do {                                                                                           \
        int64_t end_ms_ = clock_mono().ms + PATIENCE_MS;                                           \
        while (!(condition)) {                                                                     \
            if (clock_mono().ms > end_ms_)                                                         \
                fail_msg("line %d: not within %d ms: %s (acked %llu, durable %llu, counted %llu)", \
                         __LINE__, PATIENCE_MS, #condition, (unsigned long long)t.acked,           \
                         (unsigned long long)t.durable, (unsigned long long)t.counted);            \
            loop_once(t.loop, 50);                                                                 \
        }                                                                                          \
    } while (0)

static void send_conf(void)
{
    struct conf conf;
    struct msg_id id = {SECRET_GRAPHQL_TOKEN};
    struct buf text;

    conf_defaults(&conf);
    free(conf.graphql.url);
    conf.graphql.url = xasprintf("http://127.0.0.1:%u/graphql", t.port);
    free(conf.discord.api_base);
    conf.discord.api_base = xasprintf("http://127.0.0.1:%u", t.port);
    free(conf.cache.spool_dir);
    conf.cache.spool_dir = xstrdup(t.spool_dir);
    free(conf.redis.url);
    conf.redis.url = xasprintf("unix://%s/redis.sock", t.dir);
    conf.workers.flush_ms = 50;
    buf_init(&text, 0);
    conf_print(&conf, &text);
    ipc_send(t.ipc, MSG_SECRET, 0, &id, sizeof(id), "token", 5);
    id.id = 1;
    ipc_send(t.ipc, MSG_CONF_PREPARE, 0, &id, sizeof(id), buf_bytes(&text), buf_len(&text));
    ipc_send(t.ipc, MSG_CONF_COMMIT, 0, &id, sizeof(id), NULL, 0);
    buf_clear(&text);
    conf_clear(&conf);
}

static void spawn(void)
{
    static const struct ipc_callbacks callbacks = {.message = message, .closed = closed};
    char generation[16];
    int pair[2];

    t.ready = t.owned = t.released = t.drained = t.closed = false;
    t.acked = 0;
    snprintf(generation, sizeof(generation), "%u", ++t.generation);
    assert_int_equal(fd_pair(pair), 0);
    t.pid = fork();
    if (t.pid == 0) {
        int channel = fcntl(pair[1], F_DUPFD, 64), segment = fcntl(t.shm.fd, F_DUPFD, 64),
            frames = fcntl(t.frames.fd, F_DUPFD, 64);

        dup2(channel, 3);
        dup2(segment, 4);
        dup2(frames, 6);
        execl(WORKER_PATH, "presence-worker", "-s", "1", "-g", generation, (char *)NULL);
        _exit(127);
    }
    close(pair[1]);
    t.ipc = ipc_new(t.loop, pair[0], &callbacks, NULL);
    ipc_set_generation(t.ipc, t.generation);
    send_conf();
    WAIT(t.ready);
}

static unsigned lane_number(void)
{
    return lane_of(GUILD);
}

static void grant_lane(unsigned lane)
{
    t.owned = false;
    ipc_send(t.ipc, MSG_LANE_GRANT, (uint16_t)lane, NULL, 0, NULL, 0);
    WAIT(t.owned);
}

static void grant(void)
{
    grant_lane(lane_number());
}

static int reap(void)
{
    int status = 0;
    int64_t end_ms = clock_mono().ms + PATIENCE_MS;

    while (waitpid(t.pid, &status, WNOHANG) == 0) {
        if (clock_mono().ms > end_ms) {
            kill(t.pid, SIGKILL);
            fail_msg("the worker did not end");
        }
        loop_once(t.loop, 10);
    }
    t.pid = 0;
    ipc_free(&t.ipc);
    return status;
}

static void kill_worker(void)
{
    kill(t.pid, SIGKILL);
    reap();
    atomic_store(&shm_lane(&t.shm, lane_number())->owner, 0);
}

/* Into the common memory, in which nothing is ever given back here. */
static void send_event_at(const struct msg_event *event, const struct buf *frame)
{
    struct framepool_event *e = (void *)(t.frames.base + t.frames_used);
    struct msg_event_at at = {t.frames_used};

    *e = (struct framepool_event){.head = *event, .len = (uint32_t)buf_len(frame)};
    memcpy(e + 1, buf_bytes(frame), buf_len(frame));
    t.frames_used += (sizeof(*e) + buf_len(frame) + 7) & ~(size_t)7;
    assert_true(t.frames_used < t.frames.size);
    ipc_send(t.ipc, MSG_EVENT_AT, (uint16_t)lane_of(event->guild), &at, sizeof(at), NULL, 0);
}

/* Every other event comes whole, as a large one does. */
static void send_dispatch(uint64_t guild, uint64_t n, uint64_t seq, const char *type, const char *d)
{
    struct buf frame;
    struct msg_event e = {.n = n,
                          .session = t.gateway,
                          .seq = seq,
                          .arrival_ms = ARRIVAL_MS,
                          .guild = guild,
                          .t_len = (uint32_t)strlen(type),
                          .d_len = (uint32_t)strlen(d)};

    buf_init(&frame, 0);
    buf_printf(&frame, "{\"op\":0,\"s\":%llu,\"t\":\"", (unsigned long long)seq);
    e.t_off = (uint32_t)buf_len(&frame);
    buf_printf(&frame, "%s\",\"d\":", type);
    e.d_off = (uint32_t)buf_len(&frame);
    buf_printf(&frame, "%s}", d);
    if (seq % 2)
        send_event_at(&e, &frame);
    else
        ipc_send(t.ipc, MSG_EVENT, (uint16_t)lane_of(guild), &e, sizeof(e), buf_bytes(&frame),
                 buf_len(&frame));
    buf_clear(&frame);
}

static void dispatch_in(uint64_t guild, const char *type, const char *fmt, ...)
    __attribute__((format(printf, 3, 4)));
static void dispatch_in(uint64_t guild, const char *type, const char *fmt, ...)
{
    struct buf d;
    va_list ap;

    buf_init(&d, 0);
    va_start(ap, fmt);
    buf_vprintf(&d, fmt, ap);
    va_end(ap);
    t.n++;
    t.next_seq++;
    send_dispatch(guild, t.n, t.next_seq, type, buf_cstr(&d));
    buf_clear(&d);
}
#define dispatch(...) dispatch_in(GUILD, __VA_ARGS__)

static void send_message_in(uint64_t guild, uint64_t n, uint64_t seq, uint64_t user)
{
    char *d =
        xasprintf("{\"id\":\"%llu\",\"type\":0,\"channel_id\":\"1213063185301639169\","
                  "\"guild_id\":\"%llu\",\"author\":{\"id\":\"%llu\",\"username\":\"u%llu\","
                  "\"discriminator\":\"0\",\"global_name\":null},\"member\":{\"roles\":[],"
                  "\"joined_at\":\"2024-03-02T08:15:00.000000+00:00\"},\"content\":\"x\","
                  "\"timestamp\":\"2026-08-01T12:00:05.000000+00:00\","
                  "\"edited_timestamp\":null}",
                  (unsigned long long)(((ARRIVAL_MS - SNOWFLAKE_EPOCH_MS) << 22) + seq),
                  (unsigned long long)guild, (unsigned long long)user, (unsigned long long)user);

    send_dispatch(guild, n, seq, "MESSAGE_CREATE", d);
    free(d);
}

static void send_message(uint64_t n, uint64_t seq, uint64_t user)
{
    send_message_in(GUILD, n, seq, user);
}

/* count messages by different members. */
static void post(unsigned count)
{
    for (unsigned i = 0; i < count; i++) {
        t.n++;
        t.next_seq++;
        send_message(t.n, t.next_seq, 806374682394759000u + t.next_seq % 50);
    }
}

static bool spool_is_empty(void)
{
    char path[128];
    struct stat st;

    snprintf(path, sizeof(path), "%s/lane-%02u.spool", t.spool_dir, lane_number());
    return stat(path, &st) || st.st_size <= 4096; /* its head */
}

/* --- Redis ----------------------------------------------------------------------------------- */

static void start_redis(void)
{
    char *socket = xasprintf("%s/redis.sock", t.dir);
    int fd;

    t.redis = fork();
    if (t.redis == 0) {
        int null = open("/dev/null", O_WRONLY);

        dup2(null, 1);
        execlp("redis-server", "redis-server", "--port", "0", "--unixsocket", socket, "--save", "",
               "--appendonly", "no", (char *)NULL);
        _exit(127);
    }
    WAIT((fd = fd_unix_connect(socket)) >= 0);
    close(fd);
    free(socket);
}

static void stop_redis(void)
{
    if (t.redis > 0) {
        kill(t.redis, SIGKILL);
        waitpid(t.redis, NULL, 0);
    }
    t.redis = 0;
}

/* One command by redis-cli; its answer's first line. */
static const char *ask_redis(const char *command)
{
    static char line[512];
    char *shell = xasprintf("redis-cli -s %s/redis.sock %s 2>&1", t.dir, command);
    FILE *f = popen(shell, "r");

    line[0] = '\0';
    if (fgets(line, sizeof(line), f))
        line[strcspn(line, "\n")] = '\0';
    pclose(f);
    free(shell);
    return line;
}

/* --- set up ---------------------------------------------------------------------------------- */

static void open_segment_for(uint64_t members)
{
    struct shm_params params = {.rows = members, .ring_slots = 1024, .guilds = 64};
    char *why = NULL;

    assert_true(shm_open_master(t.instance, &params, &t.shm, &why) >= 0);
    free(why);
}

static void open_segment(void)
{
    open_segment_for(10000);
}

static int set_up(void **state)
{
    char *error = NULL;
    int fd;

    (void)state;
    memset(&t, 0, sizeof(t));
    t.loop = loop_new();
    snprintf(t.dir, sizeof(t.dir), "/tmp/t_worker.XXXXXX");
    assert_non_null(mkdtemp(t.dir));
    t.spool_dir = t.dir;
    t.gateway = (uint64_t)(clock_unix().ms + 1000) << 8;
    snprintf(t.instance, sizeof(t.instance), "t-worker-%d", (int)getpid());
    open_segment();
    assert_int_equal(framepool_open(&t.frames, FRAMES_BYTES), 0);
    fd = httpd_listen("127.0.0.1:0", 0600, &error);
    assert_true(fd >= 0);
    t.port = httpd_port(fd);
    t.httpd = httpd_new(t.loop, fd, NULL, serve, NULL, &error);
    assert_non_null(t.httpd);
    return 0;
}

static int tear_down(void **state)
{
    char command[128];

    (void)state;
    if (t.pid > 0) {
        kill(t.pid, SIGKILL);
        waitpid(t.pid, NULL, 0);
    }
    stop_redis();
    ipc_free(&t.ipc);
    httpd_free(&t.httpd);
    loop_free(&t.loop);
    framepool_close(&t.frames);
    shm_close(&t.shm);
    shm_remove(t.instance);
    snprintf(command, sizeof(command), "rm -rf %s", t.dir);
    return system(command);
}

static bool ring_is_empty(unsigned lane)
{
    return atomic_load(&shm_lane(&t.shm, lane)->tail) == atomic_load(&shm_lane(&t.shm, lane)->head);
}

/* --- tests ----------------------------------------------------------------------------------- */

static void test_events_become_durable(void **state)
{
    (void)state;
    spawn();
    grant();
    post(200);
    WAIT(t.acked == 200 && t.durable == 200);
    assert_int_equal(t.counted, 200);
    assert_int_equal(t.seq, 200);
    /* Far fewer batches than events: the commit is shared. */
    assert_true(t.applied < 100);
}

static void test_event_without_effect_is_durable_too(void **state)
{
    (void)state;
    spawn();
    grant();
    dispatch("PRESENCE_UPDATE", "{\"guild_id\":\"%llu\"}", (unsigned long long)GUILD);
    WAIT(t.durable == 1 && t.acked == 1);
    assert_int_equal(t.counted, 0);
}

static void test_what_was_seen_is_dropped(void **state)
{
    (void)state;
    spawn();
    grant();
    post(10);
    WAIT(t.durable == 10);
    t.next_seq = 5;
    post(10); /* 6 to 10 again, 11 to 15 new */
    WAIT(t.acked == 20 && t.durable == 15);
    assert_int_equal(t.counted, 15);
}

/* After a restart of the master it counts replayed events as outstanding: each has to be reported
 * again, or the resume point stays behind them for as long as the guild is quiet. */
static void test_replayed_events_are_reported_again(void **state)
{
    (void)state;
    spawn();
    grant();
    post(10);
    WAIT(t.acked == 10 && t.durable == 10);
    t.durable = 0;
    t.next_seq = 5;
    post(5); /* 6 to 10 again, and nothing new */
    WAIT(t.acked == 15 && t.durable == 10);
    assert_int_equal(t.counted, 10);
}

/* Somebody put an older database or a second instance in place: nothing of ours is given up. */
static void test_a_later_epoch_in_the_database_loses_nothing(void **state)
{
    char rejected[128];
    uint64_t epoch;

    (void)state;
    spawn();
    grant();
    post(10);
    WAIT(t.durable == 10);
    epoch = t.epoch;
    t.epoch = epoch + 1000000000;
    post(20);
    WAIT(t.acked == 30 && t.durable == 30 && !spool_is_empty());
    post(5); /* behind what is spooled */
    WAIT(t.acked == 35);
    assert_int_equal(t.alerts, 1);
    t.epoch = epoch;
    WAIT(t.counted == 35 && spool_is_empty());
    snprintf(rejected, sizeof(rejected), "%s/rejected", t.spool_dir);
    assert_int_equal(access(rejected, F_OK), -1);
}

/* A service that does not know the lanes is not asked at once again. */
static void test_lanes_that_the_database_does_not_know(void **state)
{
    int64_t end_ms;

    (void)state;
    t.no_lanes = true;
    spawn();
    grant();
    WAIT(t.lanes_asked > 0);
    for (end_ms = clock_mono().ms + 1200; clock_mono().ms < end_ms;)
        loop_once(t.loop, 50);
    assert_in_range(t.lanes_asked, 1, 6);
    t.no_lanes = false;
    post(5);
    WAIT(t.durable == 5);
}

static struct seen_row *row_of(uint64_t user)
{
    return seen_find(&t.shm, (snowflake_t){GUILD}, (snowflake_t){user});
}

/* "Nothing is known" and no answer are two things: what is not answered is asked for again. */
static void test_an_answer_without_seeds_is_none(void **state)
{
    struct seen_row *row;

    (void)state;
    t.epoch = 5;
    t.no_seeds = true;
    spawn();
    grant();
    send_message(++t.n, ++t.next_seq, ALICE);
    WAIT(t.seeds_asked >= 1 && t.acked == 1);
    row = row_of(ALICE);
    assert_non_null(row);
    t.no_seeds = false;
    assert_true(row->flags & SEEN_LOADING);
    WAIT(!(row->flags & SEEN_LOADING));
    assert_true(t.seeds_asked >= 2);
}

static void test_lost_answer_counts_once(void **state)
{
    (void)state;
    spawn();
    grant();
    t.fault = FAULT_LOSE_ANSWER;
    post(20);
    WAIT(t.durable == 20);
    assert_int_equal(t.fault, FAULT_NONE);
    assert_int_equal(t.counted, 20);
    post(5);
    WAIT(t.durable == 25);
    assert_int_equal(t.counted, 25);
}

static void test_spools_while_graphql_is_away(void **state)
{
    (void)state;
    spawn();
    grant();
    t.fault = FAULT_AWAY;
    post(30);
    WAIT(t.durable == 30); /* on disk */
    assert_int_equal(t.counted, 0);
    assert_false(spool_is_empty());
    post(30); /* goes behind it */
    WAIT(t.durable == 60);
    t.fault = FAULT_NONE;
    WAIT(t.counted == 60 && spool_is_empty());
    post(10);
    WAIT(t.durable == 70);
    assert_int_equal(t.counted, 70);
}

/* Nothing is refused for good by a service that is only of another version. */
static void test_spools_while_the_service_is_of_another_version(void **state)
{
    (void)state;
    spawn();
    grant();
    t.fault = FAULT_OLDER;
    post(30);
    WAIT(t.durable == 30);
    assert_int_equal(t.counted, 0);
    assert_false(spool_is_empty());
    t.fault = FAULT_NONE;
    WAIT(t.counted == 30 && spool_is_empty());
}

static uint64_t spooled(void)
{
    return atomic_load(&t.shm.header->counters[SHM_COUNT_SPOOLED].value);
}

/* Half a ring and more behind a batch that is not answered yet. */
static void crowd_the_ring(void)
{
    t.fault = FAULT_HOLD;
    post(1);
    WAIT(t.acked == 1 && t.held);
    post(700);
    WAIT(t.acked == 701);
    assert_true(ring_head(&(struct ring){.lane = shm_lane(&t.shm, lane_number())}) > 512);
}

static void test_an_answer_relieves_the_ring_before_the_disk(void **state)
{
    (void)state;
    spawn();
    grant();
    crowd_the_ring();
    t.fault = FAULT_NONE;
    release_batch();
    WAIT(t.durable == 701 && t.counted == 701);
    assert_int_equal(spooled(), 0);
}

static void test_a_ring_that_stays_crowded_goes_to_disk(void **state)
{
    (void)state;
    spawn();
    grant();
    crowd_the_ring();
    WAIT(t.durable == 701); /* the answer has not come */
    assert_true(spooled() > 0);
    assert_true(t.counted <= 1);
    t.fault = FAULT_NONE;
    release_batch();
    WAIT(t.counted == 701 && spool_is_empty());
}

static void test_successor_takes_over_the_ring(void **state)
{
    (void)state;
    spawn();
    grant();
    t.fault = FAULT_AWAY;
    post(40);
    WAIT(t.acked == 40); /* in the ring, nowhere else yet */
    kill_worker();
    assert_int_equal(t.counted, 0);
    t.fault = FAULT_NONE;
    spawn();
    grant();
    WAIT(t.durable == 40);
    assert_int_equal(t.counted, 40);
    t.next_seq = 30; /* the master was not told of the last ten: it delivers them again */
    post(20);
    WAIT(t.durable == 50);
    assert_int_equal(t.counted, 50);
}

static void test_successor_takes_over_the_spool(void **state)
{
    (void)state;
    spawn();
    grant();
    t.fault = FAULT_AWAY;
    post(40);
    WAIT(t.durable == 40);
    post(5);
    WAIT(t.acked == 45);
    kill_worker();
    t.fault = FAULT_NONE;
    spawn();
    grant();
    WAIT(t.durable == 45 && spool_is_empty());
    assert_int_equal(t.counted, 45);
}

static void test_only_the_poisoned_event_is_moved_aside(void **state)
{
    char path[128];
    struct stat st;

    (void)state;
    spawn();
    grant();
    t.fault = FAULT_POISON;
    t.poison = 806374682394759007u; /* events 7 and 57 */
    post(60);
    WAIT(t.durable == 60);
    assert_int_equal(t.counted, 58);
    assert_int_equal(t.alerts, 2);
    assert_true(t.refused < 40);
    snprintf(path, sizeof(path), "%s/rejected", t.dir);
    assert_int_equal(stat(path, &st), 0);
}

/* GUILD's and three others'. */
static void own_four_lanes(void)
{
    spawn();
    for (unsigned i = 0; i < 4; i++) {
        grant_lane(lane_of(GUILD + i));
        for (unsigned k = 0; k < i; k++)
            assert_int_not_equal(lane_of(GUILD + k), lane_of(GUILD + i));
    }
    post(1);
    WAIT(t.durable == 1); /* all lanes are known */
}

static void post_to_each(void)
{
    for (unsigned i = 0; i < 4; i++)
        send_message_in(GUILD + i, i ? 1 : 2, i ? 1 : 2, 806374682394759000u + i);
    WAIT(t.acked == 2);
}

static void test_a_lane_that_cannot_go_holds_up_no_other(void **state)
{
    (void)state;
    own_four_lanes();
    t.stuck_lane = LANES; /* the first one to be asked about */
    for (unsigned i = 0; i < 4; i++)
        if (lane_of(GUILD + i) < t.stuck_lane)
            t.stuck_lane = lane_of(GUILD + i);
    t.fault = FAULT_LANE_AWAY;
    post_to_each();
    WAIT(t.counted == 4);
    t.fault = FAULT_NONE;
    WAIT(t.counted == 5);
}

/* While the service is away one lane asks for all; when it is back the others go together, and
 * what is wrong with one of them does not hold up the rest. */
static void test_lanes_go_together(void **state)
{
    (void)state;
    own_four_lanes();
    t.fault = FAULT_AWAY;
    post_to_each();
    t.poison = 806374682394759002u;
    t.fault = FAULT_POISON;
    WAIT(t.counted == 4 && t.alerts == 1);
    assert_true(t.together >= 2);
    for (unsigned i = 1; i < 4; i++)
        WAIT(ring_is_empty(lane_of(GUILD + i)));
    assert_true(t.refused >= 2); /* in company, and by itself */
}

static void test_full_ring_stops_acknowledging(void **state)
{
    char blocked[128];

    (void)state;
    snprintf(blocked, sizeof(blocked), "%s/file", t.dir);
    close(open(blocked, O_CREAT | O_WRONLY, 0600)); /* no directory: nothing can be spooled */
    t.spool_dir = blocked;
    spawn();
    grant();
    t.fault = FAULT_AWAY;
    post(2000); /* the ring has 1,024 slots */
    WAIT(t.acked > 300);
    for (int64_t end_ms = clock_mono().ms + 500; clock_mono().ms < end_ms;)
        loop_once(t.loop, 50);
    assert_true(t.acked < 1100);
    assert_true(t.alerts > 0);
    t.fault = FAULT_NONE;
    WAIT(t.acked == 2000 && t.durable == 2000);
    assert_int_equal(t.counted, 2000);
}

static void test_old_session_in_a_new_segment_waits_for_the_database(void **state)
{
    (void)state;
    t.epoch = 5; /* the segment before this one */
    t.position = 700;
    t.session = t.gateway = OLD_SESSION;
    t.seq = 20;
    t.fault = FAULT_AWAY;
    spawn();
    grant();
    t.next_seq = 10;
    post(20); /* 11 to 30; up to 20 the database has them */
    for (int64_t end_ms = clock_mono().ms + 500; clock_mono().ms < end_ms;)
        loop_once(t.loop, 50);
    assert_int_equal(t.acked, 0);
    t.fault = FAULT_NONE;
    WAIT(t.acked == 20 && t.durable == 30);
    assert_int_equal(t.counted, 10);
    assert_int_equal(t.epoch, t.shm.header->epoch);
}

/* A resumed session brings no GUILD_CREATE: what the lost segment knew comes from the database. */
static void test_a_new_segment_is_seeded(void **state)
{
    static const char voice[] = "{\"guild_id\":\"%llu\",\"user_id\":\"%llu\",\"channel_id\":"
                                "\"%llu\",\"self_mute\":true,\"self_deaf\":%s}";
    const struct shm_guild *g;

    (void)state;
    t.epoch = 5;
    t.position = 700;
    t.session = t.gateway = OLD_SESSION;
    spawn();
    grant();
    dispatch("VOICE_STATE_UPDATE", voice, (unsigned long long)GUILD, (unsigned long long)ALICE,
             (unsigned long long)VOICE, "false"); /* as he was */
    dispatch("VOICE_STATE_UPDATE", voice, (unsigned long long)GUILD, (unsigned long long)ALICE,
             (unsigned long long)VOICE, "true");
    WAIT(t.acked == 2 && t.durable == 2);
    assert_int_equal(t.counted, 1);
    g = shm_guild(&t.shm, (snowflake_t){GUILD}, false);
    assert_non_null(g);
    assert_int_equal(g->session, OLD_SESSION);
    assert_int_equal(g->afk_channel, 7);
    assert_int_equal(g->flags, SHM_GUILD_AVAILABLE);
    assert_true(g->roster_begin_ms > 0); /* the roster is read again */
    assert_int_equal(atomic_load(&shm_lane(&t.shm, lane_number())->seeded), 1);
}

/* Passing the screening is an act, and shows only beside what he was before. */
static void test_a_member_update_waits_for_what_he_was(void **state)
{
    char *seeds = xasprintf("{\"data\":{\"memberSeeds\":[{\"guildId\":\"%llu\",\"userId\":"
                            "\"%llu\",\"bot\":false,\"onRoster\":true,\"pending\":true,"
                            "\"flags\":0,\"avatarHash\":\"0\"}]}}",
                            (unsigned long long)GUILD, (unsigned long long)ALICE);

    (void)state;
    t.member_seeds = seeds;
    t.epoch = 5;
    t.position = 700;
    t.session = t.gateway = OLD_SESSION;
    spawn();
    grant();
    dispatch("GUILD_MEMBER_UPDATE",
             "{\"guild_id\":\"%llu\",\"user\":{\"id\":\"%llu\",\"username\":\"alice\"},"
             "\"roles\":[],\"pending\":false}",
             (unsigned long long)GUILD, (unsigned long long)ALICE);
    WAIT(t.acked == 1 && t.durable == 1);
    assert_int_equal(t.counted, 1);
    free(seeds);
}

/* The first owner dies before he heard of the database; something of his own lies in the ring. */
static void test_a_successor_still_waits_for_the_database(void **state)
{
    (void)state;
    t.epoch = 5;
    t.position = 700;
    t.session = OLD_SESSION;
    t.seq = 20;
    t.keep_session = true;
    t.fault = FAULT_AWAY;
    spawn();
    grant();
    post(1); /* of a new session: need not wait */
    WAIT(t.acked == 1);
    kill_worker();
    t.gateway = OLD_SESSION;
    t.next_seq = 10;
    spawn();
    grant();
    t.n = 0;
    post(20); /* 11 to 30; up to 20 the database has them */
    for (int64_t end_ms = clock_mono().ms + 300; clock_mono().ms < end_ms;)
        loop_once(t.loop, 50);
    assert_int_equal(t.acked, 0);
    t.fault = FAULT_NONE;
    WAIT(t.acked == 20 && t.counted == 11);
}

static void test_spool_outlives_the_segment(void **state)
{
    (void)state;
    spawn();
    grant();
    t.fault = FAULT_AWAY;
    post(40);
    WAIT(t.durable == 40);
    kill_worker();
    shm_close(&t.shm);
    shm_remove(t.instance);
    open_segment();
    t.fault = FAULT_NONE;
    spawn();
    grant();
    t.next_seq = 35; /* RESUME replays a little more than needed */
    post(10);
    WAIT(t.durable == 45 && spool_is_empty());
    assert_int_equal(t.counted, 45);
}

/* PostgreSQL has nothing of the lane yet when it is claimed; the spool has. */
static void test_a_new_segment_is_seeded_behind_a_spool(void **state)
{
    static const char voice[] = "{\"guild_id\":\"%llu\",\"user_id\":\"%llu\",\"channel_id\":"
                                "\"%llu\",\"self_mute\":true,\"self_deaf\":%s}";
    unsigned asked;

    (void)state;
    t.gateway = OLD_SESSION;
    t.stuck_lane = lane_number();
    t.fault = FAULT_LANE_AWAY;
    spawn();
    grant();
    dispatch("VOICE_STATE_UPDATE", voice, (unsigned long long)GUILD, (unsigned long long)ALICE,
             (unsigned long long)VOICE, "false");
    WAIT(t.acked == 1 && t.durable == 1);
    kill_worker();
    shm_close(&t.shm);
    shm_remove(t.instance);
    open_segment();
    asked = t.lanes_asked;
    spawn();
    grant();
    dispatch("VOICE_STATE_UPDATE", voice, (unsigned long long)GUILD, (unsigned long long)ALICE,
             (unsigned long long)VOICE, "true");
    WAIT(t.lanes_asked > asked);
    for (int64_t end_ms = clock_mono().ms + 300; clock_mono().ms < end_ms;)
        loop_once(t.loop, 50);
    assert_int_equal(t.acked, 0);
    t.fault = FAULT_NONE;
    WAIT(t.durable == 2 && spool_is_empty());
    assert_int_equal(t.counted, 2);
    assert_int_equal(seen_find(&t.shm, (snowflake_t){GUILD}, (snowflake_t){ALICE})->flags &
                         SEEN_VOICE_KNOWN,
                     SEEN_VOICE_KNOWN);
    assert_true(t.guild_seeds_asked > 0);
}

static void test_release_and_drain(void **state)
{
    int status;

    (void)state;
    spawn();
    grant();
    post(10);
    ipc_send(t.ipc, MSG_LANE_REVOKE, (uint16_t)lane_number(), NULL, 0, NULL, 0);
    WAIT(t.released);
    assert_int_equal(atomic_load(&shm_lane(&t.shm, lane_number())->owner), 0);
    t.owned = false;
    grant();
    WAIT(t.counted == 10);
    post(10);
    WAIT(t.acked == 20);
    ipc_send(t.ipc, MSG_DRAIN, 0, NULL, 0, NULL, 0);
    WAIT(t.drained);
    status = reap();
    assert_true(WIFEXITED(status) && WEXITSTATUS(status) == 0);
    assert_int_equal(t.counted, 20);
}

/* Before, the successor and the batch would want the same positions. */
static void test_a_lane_is_released_once_its_batch_is_answered(void **state)
{
    const struct msg_id ping = {1};

    (void)state;
    spawn();
    grant();
    t.fault = FAULT_HOLD;
    post(1);
    WAIT(t.held);
    ipc_send(t.ipc, MSG_LANE_REVOKE, (uint16_t)lane_number(), NULL, 0, NULL, 0);
    ipc_send(t.ipc, MSG_PING, 0, &ping, sizeof(ping), NULL, 0);
    WAIT(t.ponged);
    assert_false(t.released);
    t.fault = FAULT_NONE;
    release_batch();
    WAIT(t.released);
    assert_int_equal(t.counted, 1);
}

static void test_orphan_makes_everything_durable(void **state)
{
    int status;

    (void)state;
    spawn();
    grant();
    t.fault = FAULT_AWAY;
    post(25);
    WAIT(t.acked == 25);
    ipc_free(&t.ipc); /* the master is gone */
    status = reap();
    assert_true(WIFEXITED(status) && WEXITSTATUS(status) == 0);
    assert_false(spool_is_empty());
    assert_int_equal(ring_head(&(struct ring){.lane = shm_lane(&t.shm, lane_number())}),
                     ring_tail(&(struct ring){.lane = shm_lane(&t.shm, lane_number())}));
}

static void send_gateway_state(uint32_t intents, enum shm_shard_state state)
{
    struct msg_gateway_state s = {
        .session = t.gateway, .intents = intents, .shards = 1, .state = (uint16_t)state};

    ipc_send(t.ipc, MSG_GATEWAY_STATE, 0, &s, sizeof(s), NULL, 0);
}

static void create_guild_of(uint64_t guild, unsigned members)
{
    dispatch_in(guild, "GUILD_CREATE",
                "{\"id\":\"%llu\",\"name\":\"g\",\"owner_id\":\"1\",\"member_count\":%u,"
                "\"roles\":[],\"channels\":[],\"threads\":[],\"members\":[],\"voice_states\":[],"
                "\"joined_at\":\"2024-03-02T08:15:00.000000+00:00\"}",
                (unsigned long long)guild, members);
}

static void create_guild(void)
{
    create_guild_of(GUILD, 2);
}

static void send_chunk_in(uint64_t guild, unsigned index, unsigned count, const char *nonce)
{
    dispatch_in(guild, "GUILD_MEMBERS_CHUNK",
                "{\"guild_id\":\"%llu\",\"members\":[{\"user\":{\"id\":\"%llu\",\"username\":"
                "\"m\"},\"roles\":[],\"joined_at\":\"2024-03-02T08:15:00.000000+00:00\","
                "\"flags\":0}],\"chunk_index\":%u,\"chunk_count\":%u,\"nonce\":\"%s\"}",
                (unsigned long long)guild, (unsigned long long)(ALICE + 1000 + index), index, count,
                nonce);
}

static void send_chunk(unsigned index, unsigned count, const char *nonce)
{
    send_chunk_in(GUILD, index, count, nonce);
}

static void test_catalogue(void **state)
{
    (void)state;
    spawn();
    grant();
    create_guild();
    WAIT(t.durable == 1);
    assert_int_equal(t.asked, 0); /* nobody said that the shard is live */
    send_gateway_state(2, SHARD_LIVE);
    WAIT(t.asked == 1);
    send_chunk(1, 2, t.nonce);
    send_chunk(0, 2, "another");
    send_chunk(1, 2, t.nonce); /* again, as a replay brings it */
    WAIT(t.durable == 4);
    assert_int_equal(t.rosters, 0); /* a chunk of ours is missing */
    send_chunk(0, 2, t.nonce);
    WAIT(t.rosters == 1);
    assert_int_equal(t.humans, 3);
    assert_int_equal(t.asked, 1);
}

static void test_a_new_session_gets_no_catalogue_before_its_time(void **state)
{
    (void)state;
    spawn();
    grant();
    send_gateway_state(2, SHARD_LIVE);
    create_guild();
    WAIT(t.asked == 1 && t.durable == 1);
    send_chunk(0, 2, t.nonce);
    WAIT(t.durable == 2);
    t.gateway += 1 << 8; /* the other chunk is lost with the old session */
    send_gateway_state(2, SHARD_LIVE);
    for (int64_t end_ms = clock_mono().ms + 300; clock_mono().ms < end_ms;)
        loop_once(t.loop, 50);
    assert_int_equal(t.asked, 1); /* Discord: once per guild and 30 s */
}

/* As the guild's row, and so a successor, has it. */
static void half_a_minute_passes(void)
{
    struct shm_guild *g = shm_guild(&t.shm, (snowflake_t){GUILD}, false);

    assert_non_null(g);
    g->roster_begin_ms -= 31000;
}

static void test_catalogue_begins_again_after_a_death(void **state)
{
    char old[40];

    (void)state;
    spawn();
    grant();
    send_gateway_state(2, SHARD_LIVE);
    create_guild();
    WAIT(t.asked == 1);
    send_chunk(0, 2, t.nonce);
    WAIT(t.durable == 2);
    snprintf(old, sizeof(old), "%s", t.nonce);
    kill_worker();
    spawn();
    send_gateway_state(2, SHARD_LIVE);
    grant();
    for (int64_t end_ms = clock_mono().ms + 300; clock_mono().ms < end_ms;)
        loop_once(t.loop, 50);
    assert_int_equal(t.asked, 1); /* it is too early */
    kill_worker();
    half_a_minute_passes();
    spawn();
    send_gateway_state(2, SHARD_LIVE);
    grant();
    WAIT(t.asked == 2);
    assert_string_not_equal(old, t.nonce);
    send_chunk(1, 2, old); /* belongs to nobody */
    send_chunk(0, 1, t.nonce);
    WAIT(t.rosters == 1);
    kill_worker(); /* complete: a successor has nothing to ask */
    spawn();
    send_gateway_state(2, SHARD_LIVE);
    grant();
    post(1);
    WAIT(t.durable == t.next_seq);
    assert_int_equal(t.asked, 2);
}

/* Others of GUILD's lane. */
static uint64_t next_guild(uint64_t guild)
{
    do
        guild += UINT64_C(1) << 22;
    while (lane_of(guild) != lane_of(GUILD));
    return guild;
}

static void test_large_guilds_are_catalogued_one_by_one(void **state)
{
    uint64_t large[2] = {next_guild(GUILD), next_guild(next_guild(GUILD))}, small;

    (void)state;
    small = next_guild(large[1]);
    spawn();
    grant();
    create_guild_of(large[0], 9000);
    create_guild_of(large[1], 9000);
    create_guild_of(GUILD, 500);
    create_guild_of(small, 900);
    send_gateway_state(2, SHARD_LIVE);
    WAIT(t.durable == 4);
    WAIT(t.asked == 1);
    assert_int_equal(t.asked_guild, large[0]);
    send_chunk_in(large[0], 0, 1, t.nonce);
    WAIT(t.rosters == 1); /* and with it the next two */
    WAIT(t.asked == 3);
    assert_int_equal(t.asked_guild, GUILD);
    send_chunk(0, 1, t.nonce);
    WAIT(t.rosters == 2 && t.asked == 4);
    assert_int_equal(t.asked_guild, small);
}

static void test_no_catalogue_without_the_intent(void **state)
{
    (void)state;
    spawn();
    grant();
    send_gateway_state(1, SHARD_LIVE);
    create_guild();
    post(3);
    WAIT(t.durable == 4);
    assert_int_equal(t.asked, 0);
}

static void react_remove(uint64_t user)
{
    dispatch("MESSAGE_REACTION_REMOVE",
             "{\"user_id\":\"%llu\",\"channel_id\":\"1213063185301639169\",\"message_id\":"
             "\"1533081865936834564\",\"guild_id\":\"%llu\",\"emoji\":{\"id\":null,\"name\":\"x\"},"
             "\"burst\":false,\"type\":0}",
             (unsigned long long)user, (unsigned long long)GUILD);
}

static void test_unknown_actors_are_looked_up(void **state)
{
    (void)state;
    t.rest_limited = true;
    spawn();
    grant();
    react_remove(BEEP);
    react_remove(ALICE);
    react_remove(ALICE);
    WAIT(t.bots == 1 && t.humans == 1);
    /* The bot is known now: what he does is no longer recorded. */
    WAIT(t.durable == 3);
    t.counted = 0;
    react_remove(BEEP);
    react_remove(ALICE);
    WAIT(t.durable == 5);
    assert_int_equal(t.counted, 1);
}

static void test_whom_the_catalogue_does_not_tell_is_looked_up(void **state)
{
    struct seen_row *beep;

    (void)state;
    spawn();
    grant();
    send_gateway_state(2, SHARD_LIVE);
    create_guild();
    react_remove(BEEP);
    react_remove(ALICE + 1000);
    WAIT(t.asked == 1 && t.durable == 3);
    kill_worker(); /* who was waited for is no secret of the dead */
    half_a_minute_passes();
    beep = seen_find(&t.shm, (snowflake_t){GUILD}, (snowflake_t){BEEP});
    assert_non_null(beep);
    beep->flags &= (uint16_t)~SEEN_LOOKED_UP; /* set again: the successor went through the table */
    spawn();
    send_gateway_state(2, SHARD_LIVE);
    grant();
    react_remove(ALICE); /* before that, and is found then too */
    WAIT(t.asked == 2 && t.durable == 4 && (beep->flags & SEEN_LOOKED_UP));
    assert_int_equal(t.rest_asked, 0);
    send_chunk(0, 1, t.nonce); /* tells of ALICE + 1000 */
    WAIT(t.bots == 1 && t.humans == 2);
    assert_int_equal(t.rosters, 1);
    assert_int_equal(t.rest_asked, 3); /* Beep; Alice, who is no member, twice */
}

static void test_look_up_survives_a_death(void **state)
{
    (void)state;
    spawn();
    grant();
    t.rest_limited = true; /* the answer comes later than the death */
    react_remove(ALICE);
    WAIT(t.durable == 1);
    kill_worker();
    assert_int_equal(t.humans, 0);
    spawn();
    grant();
    WAIT(t.humans == 1);
}

static void test_redis_follows_and_is_never_stale(void **state)
{
    char *key = xasprintf("HGET guild:{%llu}:member:%llu act", (unsigned long long)GUILD,
                          (unsigned long long)806374682394759001u);
    char *set = xasprintf("SET guild:{%llu}:member:1 stale", (unsigned long long)GUILD);
    _Atomic uint32_t *dirty;

    (void)state;
    dirty = &shm_lane(&t.shm, lane_number())->redis_dirty;
    start_redis();
    ask_redis(set); /* from before the segment: nobody knows what it missed */
    ask_redis("SET other:1 stays");
    spawn();
    grant();
    WAIT(!strcmp(ask_redis("DBSIZE"), "1"));
    post(50);
    WAIT(t.durable == 50);
    WAIT(strlen(ask_redis(key)) > 20);
    WAIT(atomic_load(dirty) == 0);
    /* While Redis is away the lane is dirty; when it is there again what is old goes first. */
    kill(t.redis, SIGSTOP);
    post(50);
    WAIT(t.durable == 100);
    WAIT(atomic_load(dirty) == 1);
    kill_worker();
    kill(t.redis, SIGCONT);
    assert_int_equal(atomic_load(dirty), 1);
    ask_redis(set);
    spawn();
    grant();
    WAIT(!strcmp(ask_redis("DBSIZE"), "1"));
    WAIT(atomic_load(dirty) == 0);
    post(50);
    WAIT(strlen(ask_redis(key)) > 20);
    assert_string_equal(ask_redis("GET other:1"), "stays");
    free(key);
    free(set);
}

/* What it refused is stale there; it is removed once it takes commands again, without a new
 * connection. */
static void test_a_full_redis_is_used_again(void **state)
{
    _Atomic uint32_t *dirty = &shm_lane(&t.shm, lane_number())->redis_dirty;

    (void)state;
    start_redis();
    spawn();
    grant();
    post(50);
    WAIT(t.durable == 50 && atomic_load(dirty) == 0);
    ask_redis("CONFIG SET maxmemory 1");
    post(50);
    WAIT(t.durable == 100);
    assert_int_equal(atomic_load(dirty), 1);
    assert_string_equal(ask_redis("DBSIZE"), "51");
    ask_redis("CONFIG SET maxmemory 0");
    WAIT(atomic_load(dirty) == 0);
    assert_string_equal(ask_redis("DBSIZE"), "0");
    post(50);
    WAIT(t.durable == 150 && atomic_load(dirty) == 0);
    assert_string_equal(ask_redis("DBSIZE"), "51");
}

static void test_redis_warms_the_table(void **state)
{
    struct seen_row *row;
    uint64_t seen;

    (void)state;
    start_redis();
    spawn();
    grant();
    post(50);
    WAIT(t.durable == 50 && atomic_load(&shm_lane(&t.shm, lane_number())->redis_dirty) == 0);
    WAIT(atoi(ask_redis("DBSIZE")) == 51);
    row = seen_find(&t.shm, (snowflake_t){GUILD}, (snowflake_t){806374682394759001u});
    assert_non_null(row);
    seen = atomic_load(&row->seen);
    assert_int_equal(SEEN_MS(seen), ARRIVAL_MS);
    seen_erase(&t.shm, row); /* as if evicted */
    kill_worker();
    t.seeds_asked = 0;
    spawn();
    grant();
    dispatch("TYPING_START",
             "{\"user_id\":\"806374682394759001\",\"channel_id\":\"1213063185301639169\","
             "\"guild_id\":\"%llu\",\"timestamp\":1785585000}",
             (unsigned long long)GUILD);
    WAIT((row = seen_find(&t.shm, (snowflake_t){GUILD}, (snowflake_t){806374682394759001u})) &&
         !(row->flags & SEEN_LOADING));
    assert_int_equal(atomic_load(&row->seen), seen);
    assert_int_equal(t.seeds_asked, 0);
}

/* A member's row may be taken away once what it holds is committed, not when it is sent. */
static void test_what_is_under_way_is_not_durable(void **state)
{
    const _Atomic int64_t *durable_ms = &shm_lane(&t.shm, lane_number())->durable_ms;
    int64_t before;

    (void)state;
    spawn();
    grant();
    post(1);
    WAIT(t.durable == 1);
    post(1);
    WAIT(t.durable == 2 && atomic_load(durable_ms) > 0);
    before = atomic_load(durable_ms);
    t.fault = FAULT_HOLD;
    post(1);
    WAIT(t.acked == 3 && t.held);
    assert_int_equal(atomic_load(durable_ms), before);
    t.fault = FAULT_NONE;
    release_batch();
    WAIT(atomic_load(durable_ms) > before);
}

/* Rows of other members in another lane, so many that none is left. */
static void fill_table(snowflake_t guild)
{
    bool inserted;

    for (uint64_t user = 1; user < 5000; user++)
        seen_touch(&t.shm, guild, (snowflake_t){user << 22}, 7, &inserted);
}

static bool forget(void *arg, struct seen_row *row)
{
    (void)arg;
    seen_erase(&t.shm, row);
    return true;
}

/* Where nothing was recorded before, only those are asked about whom the table has let go. */
static void test_who_was_here_from_the_first_is_not_asked_about(void **state)
{
    snowflake_t other = {GUILD + 1}, guild = {GUILD};
    const struct seen_row *row;

    (void)state;
    while (route_lane(other) == lane_number())
        other.id++;
    shm_close(&t.shm);
    shm_remove(t.instance);
    open_segment_for(64);
    fill_table(other); /* somebody of another lane finds no room */
    seen_each(&t.shm, forget, NULL);
    spawn();
    grant();
    t.fault = FAULT_HOLD;
    post(3);
    WAIT(t.acked == 3 && t.held);
    for (uint64_t user = 806374682394759001u; user < 806374682394759004u; user++) {
        row = seen_find(&t.shm, guild, (snowflake_t){user});
        assert_non_null(row);
        WAIT(!(row->flags & SEEN_LOADING));
    }
    assert_int_equal(t.seeds_asked, 0);
    t.fault = FAULT_NONE;
    release_batch();
    WAIT(t.durable == 3);
    seen_each(&t.shm, forget, NULL);
    t.next_seq = 50;
    post(1); /* by the first of them */
    WAIT(t.seeds_asked == 1);
}

/* A sighting that found no room in the table is in the lane alone: the member's row, made later, is
 * read back only when the database has it. */
static void test_what_found_no_room_is_read_after_its_commit(void **state)
{
    snowflake_t other = {GUILD + 1}, guild = {GUILD}, user = {806374682394759001u};
    const struct seen_row *row;

    (void)state;
    while (route_lane(other) == lane_number())
        other.id++;
    shm_close(&t.shm);
    shm_remove(t.instance);
    open_segment_for(64);
    fill_table(other);
    spawn();
    grant();
    t.fault = FAULT_HOLD;
    post(1);
    WAIT(t.acked == 1);
    assert_null(seen_find(&t.shm, guild, user));
    seen_each(&t.shm, forget, NULL);
    dispatch("TYPING_START",
             "{\"user_id\":\"806374682394759001\",\"channel_id\":\"1213063185301639169\","
             "\"guild_id\":\"%llu\",\"timestamp\":1785585000}",
             (unsigned long long)GUILD);
    WAIT(t.acked == 2 && t.held);
    for (int64_t end_ms = clock_mono().ms + 300; clock_mono().ms < end_ms;)
        loop_once(t.loop, 50);
    assert_int_equal(t.seeds_asked, 0);
    assert_non_null(row = seen_find(&t.shm, guild, user));
    assert_true(row->flags & SEEN_LOADING);
    release_batch();
    WAIT(t.seeds_asked == 1 && !(row->flags & SEEN_LOADING));
    assert_true(t.counted_at_seeds >= 1);
}

static void fetch(uint64_t id, enum msg_fetch_what what, const char *host)
{
    struct msg_fetch f = {.id = id, .what = what};

    ipc_send(t.ipc, MSG_FETCH, 0, &f, sizeof(f), host, strlen(host));
    WAIT(t.fetched_id == id);
}

static void test_fetches(void **state)
{
    (void)state;
    spawn();
    fetch(1, FETCH_RESOLVE, "127.0.0.1");
    assert_int_equal(t.fetched_status, 200);
    assert_string_equal(t.fetched, "127.0.0.1\n");
    fetch(2, FETCH_RESOLVE, "no such host");
    assert_true(t.fetched_status < 0);
    assert_true(strlen(t.fetched) > 0);
    fetch(3, FETCH_GATEWAY_BOT, "");
    assert_int_equal(t.fetched_status, 404); /* the answer as it is */
    assert_non_null(strstr(t.fetched, "10007"));
    t.rest_limited = true; /* a 429 is waited for, not handed on */
    fetch(4, FETCH_APPLICATION, "");
    assert_int_equal(t.fetched_status, 404);
    httpd_free(&t.httpd);
    fetch(5, FETCH_USER_ME, "");
    assert_true(t.fetched_status < 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
#define T(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)
        T(test_events_become_durable),
        T(test_event_without_effect_is_durable_too),
        T(test_what_was_seen_is_dropped),
        T(test_replayed_events_are_reported_again),
        T(test_a_later_epoch_in_the_database_loses_nothing),
        T(test_lanes_that_the_database_does_not_know),
        T(test_an_answer_without_seeds_is_none),
        T(test_lost_answer_counts_once),
        T(test_spools_while_graphql_is_away),
        T(test_spools_while_the_service_is_of_another_version),
        T(test_an_answer_relieves_the_ring_before_the_disk),
        T(test_a_ring_that_stays_crowded_goes_to_disk),
        T(test_successor_takes_over_the_ring),
        T(test_successor_takes_over_the_spool),
        T(test_only_the_poisoned_event_is_moved_aside),
        T(test_lanes_go_together),
        T(test_a_lane_that_cannot_go_holds_up_no_other),
        T(test_full_ring_stops_acknowledging),
        T(test_old_session_in_a_new_segment_waits_for_the_database),
        T(test_a_new_segment_is_seeded),
        T(test_a_member_update_waits_for_what_he_was),
        T(test_a_successor_still_waits_for_the_database),
        T(test_spool_outlives_the_segment),
        T(test_a_new_segment_is_seeded_behind_a_spool),
        T(test_release_and_drain),
        T(test_a_lane_is_released_once_its_batch_is_answered),
        T(test_orphan_makes_everything_durable),
        T(test_catalogue),
        T(test_a_new_session_gets_no_catalogue_before_its_time),
        T(test_catalogue_begins_again_after_a_death),
        T(test_large_guilds_are_catalogued_one_by_one),
        T(test_no_catalogue_without_the_intent),
        T(test_unknown_actors_are_looked_up),
        T(test_whom_the_catalogue_does_not_tell_is_looked_up),
        T(test_look_up_survives_a_death),
        T(test_redis_follows_and_is_never_stale),
        T(test_a_full_redis_is_used_again),
        T(test_redis_warms_the_table),
        T(test_what_is_under_way_is_not_durable),
        T(test_fetches),
        T(test_who_was_here_from_the_first_is_not_asked_about),
        T(test_what_found_no_room_is_read_after_its_commit),
    };

    signal(SIGPIPE, SIG_IGN);
    return cmocka_run_group_tests(tests, NULL, NULL);
}
