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
#include "presence/httpd.h"
#include "presence/ipc.h"
#include "presence/json.h"
#include "presence/ring.h"
#include "presence/shm.h"

#define GUILD       1213063181107335175u
#define PATIENCE_MS 12000
#define OLD_SESSION ((uint64_t)1785585600000 << 8)

enum fault {
    FAULT_NONE,
    FAULT_AWAY,        /* 503 for everything */
    FAULT_LOSE_ANSWER, /* applies the batch, then closes the connection; once */
    FAULT_POISON       /* refuses batches that hold the user `poison` */
};

static struct {
    struct loop *loop;
    char dir[64], instance[32];
    struct shm shm;
    struct httpd *httpd;
    unsigned port;
    enum fault fault;
    uint64_t poison;
    /* the lane as the database has it */
    uint64_t epoch, position, session, seq;
    uint64_t counted; /* sightings applied */
    unsigned applied, lanes_asked, refused;
    /* the worker */
    pid_t pid;
    struct ipc *ipc;
    uint32_t generation;
    bool ready, owned, released, drained, closed;
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

static bool holds_poison(const struct json *batch)
{
    const struct json *users = json_get(json_get(batch, "sightings"), "userId");

    for (const struct json *u = json_first(users); u; u = json_next(u))
        if (json_id(u) == t.poison)
            return true;
    return false;
}

static const char *apply(const struct json *batch)
{
    uint64_t epoch = json_id(json_get(batch, "epoch")), from = json_id(json_get(batch, "from"));
    const struct json *counts = json_get(json_get(batch, "sightings"), "count");

    if (epoch < t.epoch)
        return "EPOCH";
    if (epoch > t.epoch ? from != 0 : from != t.position)
        return "POSITION";
    for (const struct json *c = json_first(counts); c; c = json_next(c))
        t.counted += (uint64_t)json_int(c, 0);
    for (const struct json *s = json_first(json_get(batch, "sessions")); s; s = json_next(s)) {
        t.session = json_id(json_get(s, "session"));
        if (json_id(json_get(s, "seq")) > t.seq)
            t.seq = json_id(json_get(s, "seq"));
    }
    t.epoch = epoch;
    t.position = json_id(json_get(batch, "to"));
    t.applied++;
    return "APPLIED";
}

static void record(struct httpd_request *req, const struct json *batch)
{
    char text[200];
    const char *code;

    if (t.fault == FAULT_POISON && holds_poison(batch)) {
        t.refused++;
        answer_text(req, 400,
                    "{\"errors\":[{\"message\":\"bad\",\"extensions\":{\"code\":"
                    "\"BAD_USER_INPUT\"}}]}");
        return;
    }
    code = apply(batch);
    if (t.fault == FAULT_LOSE_ANSWER) {
        t.fault = FAULT_NONE;
        httpd_abort(req);
        return;
    }
    snprintf(text, sizeof(text),
             "{\"data\":{\"recordSightings\":{\"code\":\"%s\",\"epoch\":\"%llu\",\"position\":"
             "\"%llu\"}}}",
             code, (unsigned long long)t.epoch, (unsigned long long)t.position);
    answer_text(req, 200, text);
}

static void lanes(struct httpd_request *req, const struct json *numbers)
{
    struct buf out;

    t.lanes_asked++;
    buf_init(&out, 0);
    buf_puts(&out, "{\"data\":{\"lanes\":[");
    for (const struct json *n = json_first(numbers); n; n = json_next(n)) {
        buf_printf(&out, "%s{\"lane\":%d,\"epoch\":", n == json_first(numbers) ? "" : ",",
                   (int)json_int(n, 0));
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

static void serve(void *arg, struct httpd_request *req)
{
    size_t len;
    const char *body = httpd_body(req, &len);
    struct json *root;
    const struct json *variables;
    const char *query;

    (void)arg;
    if (strcmp(httpd_path(req), "/graphql")) { /* REST: nobody is known */
        answer_text(req, 404, "{\"code\":10007,\"message\":\"Unknown Member\"}");
        return;
    }
    if (t.fault == FAULT_AWAY) {
        answer_text(req, 503,
                    "{\"errors\":[{\"message\":\"away\",\"extensions\":{\"code\":"
                    "\"UNAVAILABLE\"}}]}");
        return;
    }
    root = json_parse(body, len, NULL);
    assert_non_null(root);
    query = json_string(json_get(root, "query"), "");
    variables = json_get(root, "variables");
    if (strstr(query, "recordSightings"))
        record(req, json_get(variables, "batch"));
    else if (strstr(query, "memberSeeds"))
        answer_text(req, 200, "{\"data\":{\"memberSeeds\":[]}}");
    else
        lanes(req, json_get(variables, "lanes"));
    json_free(&root);
}

/* --- the master ------------------------------------------------------------------------------ */

static void message(void *arg, const struct msg_header *h, const void *body, const void *tail,
                    size_t len)
{
    (void)arg;
    (void)tail;
    (void)len;
    switch (h->type) {
    case MSG_WORKER_READY:
        t.ready = true;
        break;
    case MSG_LANE_OWNED:
        t.owned = true;
        break;
    case MSG_LANE_RELEASED:
        t.released = true;
        break;
    case MSG_EVENT_ACK:
        assert_true(((const struct msg_id *)body)->id > t.acked);
        t.acked = ((const struct msg_id *)body)->id;
        break;
    case MSG_DURABLE:
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
    conf.redis.url = xasprintf("unix://%s/no-redis.sock", t.dir);
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
        int channel = fcntl(pair[1], F_DUPFD, 64), segment = fcntl(t.shm.fd, F_DUPFD, 64);

        dup2(channel, 3);
        dup2(segment, 4);
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
    return route_lane((snowflake_t){GUILD});
}

static void grant(void)
{
    ipc_send(t.ipc, MSG_LANE_GRANT, (uint16_t)lane_number(), NULL, 0, NULL, 0);
    WAIT(t.owned);
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

static void send_frame(uint64_t n, uint64_t seq, uint64_t user, const char *type)
{
    struct buf frame;
    struct msg_event e = {.n = n,
                          .session = t.gateway,
                          .seq = seq,
                          .arrival_ms = 1785585605000,
                          .guild = GUILD,
                          .t_len = (uint32_t)strlen(type)};
    const char *at;

    buf_init(&frame, 0);
    buf_printf(&frame,
               "{\"op\":0,\"s\":%llu,\"t\":\"%s\",\"d\":{\"id\":\"%llu\",\"type\":0,"
               "\"channel_id\":\"1213063185301639169\",\"guild_id\":\"%llu\",\"author\":{\"id\":"
               "\"%llu\",\"username\":\"u%llu\",\"discriminator\":\"0\",\"global_name\":null},"
               "\"member\":{\"roles\":[],\"joined_at\":\"2024-03-02T08:15:00.000000+00:00\"},"
               "\"content\":\"x\",\"timestamp\":\"2026-08-01T12:00:05.000000+00:00\","
               "\"edited_timestamp\":null}}",
               (unsigned long long)seq, type,
               (unsigned long long)(((1785585605000u - SNOWFLAKE_EPOCH_MS) << 22) + seq),
               (unsigned long long)GUILD, (unsigned long long)user, (unsigned long long)user);
    at = strstr(buf_cstr(&frame), type);
    e.t_off = (uint32_t)(at - buf_cstr(&frame));
    e.d_off = (uint32_t)(strstr(at, "\"d\":") + 4 - buf_cstr(&frame));
    e.d_len = (uint32_t)(buf_len(&frame) - 1 - e.d_off);
    ipc_send(t.ipc, MSG_EVENT, (uint16_t)lane_number(), &e, sizeof(e), buf_bytes(&frame),
             buf_len(&frame));
    buf_clear(&frame);
}

/* count messages by different members. */
static void post(unsigned count)
{
    for (unsigned i = 0; i < count; i++) {
        t.n++;
        t.next_seq++;
        send_frame(t.n, t.next_seq, 806374682394759000u + t.next_seq % 50, "MESSAGE_CREATE");
    }
}

static bool spool_is_empty(void)
{
    char path[128];
    struct stat st;

    snprintf(path, sizeof(path), "%s/lane-%02u.spool", t.spool_dir, lane_number());
    return stat(path, &st) || st.st_size <= 4096; /* its head */
}

/* --- set up ---------------------------------------------------------------------------------- */

static void open_segment(void)
{
    struct shm_params params = {.rows = 10000, .ring_slots = 1024, .guilds = 64};
    char *why = NULL;

    assert_true(shm_open_master(t.instance, &params, &t.shm, &why) >= 0);
    free(why);
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
    ipc_free(&t.ipc);
    httpd_free(&t.httpd);
    loop_free(&t.loop);
    shm_close(&t.shm);
    shm_remove(t.instance);
    snprintf(command, sizeof(command), "rm -rf %s", t.dir);
    return system(command);
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
    t.n = t.next_seq = 1;
    send_frame(1, 1, 1, "PRESENCE_UPDATE");
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

int main(void)
{
    const struct CMUnitTest tests[] = {
#define T(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)
        T(test_events_become_durable),
        T(test_event_without_effect_is_durable_too),
        T(test_what_was_seen_is_dropped),
        T(test_lost_answer_counts_once),
        T(test_spools_while_graphql_is_away),
        T(test_successor_takes_over_the_ring),
        T(test_successor_takes_over_the_spool),
        T(test_only_the_poisoned_event_is_moved_aside),
        T(test_full_ring_stops_acknowledging),
        T(test_old_session_in_a_new_segment_waits_for_the_database),
        T(test_spool_outlives_the_segment),
        T(test_release_and_drain),
        T(test_orphan_makes_everything_durable),
    };

    signal(SIGPIPE, SIG_IGN);
    return cmocka_run_group_tests(tests, NULL, NULL);
}
