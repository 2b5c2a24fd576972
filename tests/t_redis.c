/* The Redis client: URLs, and a real redis-server that comes and goes. */
#include <arpa/inet.h>
#include <dlfcn.h>
#include <fcntl.h>
#include <netdb.h>
#include <netinet/in.h>
#include <poll.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#include "presence/buf.h"
#include "presence/redis.h"

static struct loop *loop;
static char path[64], url[80];
static pid_t server;
static bool up;
static unsigned changes, replies, lost;
static char last[64];

static void state_changed(void *arg, bool now_up)
{
    (void)arg;
    up = now_up;
    changes++;
}

static void replied(void *arg, const struct redis_value *v)
{
    size_t len = 0;
    const char *text = v ? redis_text(v, &len) : NULL;

    (void)arg;
    replies++;
    lost += v == NULL;
    snprintf(last, sizeof(last), "%.*s", (int)len, text ? text : "");
    if (v && redis_type(v) == REDIS_INTEGER)
        snprintf(last, sizeof(last), "%d", (int)redis_integer(v));
    if (v && redis_type(v) == REDIS_ARRAY)
        snprintf(last, sizeof(last), "%zu", redis_count(v));
}

#define WAIT(condition)                                                                            \
    do {                                                                                           \
        int64_t end_ms_ = clock_mono().ms + 15000;                                                 \
        while (!(condition)) {                                                                     \
            if (clock_mono().ms > end_ms_)                                                         \
                fail_msg("line %d: not in time: %s", __LINE__, #condition);                        \
            loop_once(loop, 50);                                                                   \
        }                                                                                          \
    } while (0)

static void start_server(const char *password)
{
    server = fork();
    if (server == 0) {
        int null = open("/dev/null", O_WRONLY);

        dup2(null, 1);
        execlp("redis-server", "redis-server", "--port", "0", "--unixsocket", path, "--save", "",
               "--appendonly", "no", "--requirepass", password, (char *)NULL);
        _exit(127);
    }
}

static void stop_server(void)
{
    if (server > 0) {
        kill(server, SIGKILL);
        waitpid(server, NULL, 0);
    }
    server = 0;
}

static int set_up(void **state)
{
    (void)state;
    loop = loop_new();
    snprintf(path, sizeof(path), "/tmp/t_redis.%d", (int)getpid());
    snprintf(url, sizeof(url), "unix://%s", path);
    up = false;
    changes = replies = lost = 0;
    return 0;
}

static int tear_down(void **state)
{
    (void)state;
    stop_server();
    loop_free(&loop);
    unlink(path);
    return 0;
}

static int command(struct redis *r, const char *a, const char *b, const char *c)
{
    const char *argv[] = {a, b, c};

    return redis_command(r, c ? 3 : b ? 2 : 1, argv, NULL, replied, NULL);
}

static void test_urls(void **state)
{
    static const char *const bad[] = {
        "rediss://localhost", "http://localhost", "redis://", "unix://relative/path", "",
        "redis://:6379"};
    static const char *const good[] = {"redis://localhost", "redis://u:p@127.0.0.1:7000/3",
                                       "redis://[::1]:6379", "unix:/run/r.sock",
                                       "unix:///run/r.sock?db=2"};

    (void)state;
    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
        char *error = NULL;

        assert_null(redis_new(loop, bad[i], state_changed, NULL, &error));
        assert_non_null(error);
        if (i == 0)
            assert_non_null(strstr(error, "TLS"));
        free(error);
    }
    for (size_t i = 0; i < sizeof(good) / sizeof(good[0]); i++) {
        char *error = NULL;
        struct redis *r = redis_new(loop, good[i], state_changed, NULL, &error);

        assert_non_null(r);
        assert_int_equal(command(r, "PING", NULL, NULL), -1); /* not connected yet */
        redis_free(&r);
    }
}

static void test_pipelines_and_types(void **state)
{
    char *error = NULL;
    struct redis *r;

    (void)state;
    start_server("");
    r = redis_new(loop, url, state_changed, NULL, &error);
    assert_non_null(r);
    WAIT(up);
    for (unsigned i = 0; i < 1000; i++)
        assert_int_equal(command(r, "INCR", "n", NULL), 0);
    assert_int_equal(redis_pending(r), 1000);
    WAIT(replies == 1000);
    assert_string_equal(last, "1000");
    command(r, "SET", "k", "v\r\n$w");
    command(r, "GET", "k", NULL);
    WAIT(replies == 1002);
    assert_string_equal(last, "v\r\n$w");
    command(r, "KEYS", "*", NULL);
    command(r, "NOSUCH", NULL, NULL);
    WAIT(replies == 1004);
    assert_non_null(strstr(last, "unknown command"));
    assert_int_equal(lost, 0);
    redis_free(&r);
}

static void test_comes_and_goes(void **state)
{
    char *error = NULL;
    struct redis *r = redis_new(loop, url, state_changed, NULL, &error);

    (void)state;
    assert_non_null(r);
    for (unsigned i = 0; i < 5; i++)
        loop_once(loop, 20);
    assert_false(redis_up(r));
    start_server("");
    WAIT(up);
    kill(server, SIGSTOP);
    command(r, "PING", NULL, NULL);
    for (unsigned i = 0; i < 3; i++)
        loop_once(loop, 20);
    assert_int_equal(replies, 0);
    stop_server();
    WAIT(!up);
    assert_int_equal(lost, 1); /* each command is answered once, if only so */
    start_server("");
    WAIT(up);
    command(r, "PING", NULL, NULL);
    WAIT(replies == 2);
    assert_string_equal(last, "PONG");
    assert_int_equal(changes, 3);
    redis_free(&r);
}

static void test_password(void **state)
{
    char with[100], *error = NULL;
    struct redis *r;

    (void)state;
    start_server("secret");
    r = redis_new(loop, url, state_changed, NULL, &error);
    for (unsigned i = 0; i < 20; i++)
        loop_once(loop, 50);
    assert_false(up); /* connected, but it does not talk to us */
    redis_free(&r);
    /* A Unix URL carries none; its TCP form does. */
    snprintf(with, sizeof(with), "redis://:sec%%72et@localhost:1");
    r = redis_new(loop, with, state_changed, NULL, &error);
    assert_non_null(r);
    redis_free(&r);
}

/* --- a name server that hangs ----------------------------------------------------------------- */

static int let_resolve[2]; /* a byte, or its end, lets the name be resolved */

/* Takes the C library's place for one name. */
int getaddrinfo(const char *host, const char *service, const struct addrinfo *hints,
                struct addrinfo **list_r)
{
    int (*real)(const char *, const char *, const struct addrinfo *, struct addrinfo **) =
        (int (*)(const char *, const char *, const struct addrinfo *, struct addrinfo **))dlsym(
            RTLD_NEXT, "getaddrinfo");
    struct pollfd wait = {.fd = let_resolve[0], .events = POLLIN};

    if (!host || strcmp(host, "cache.test") || (hints && hints->ai_flags & AI_NUMERICHOST))
        return real(host, service, hints, list_r);
    poll(&wait, 1, 10000);
    return real("127.0.0.1", service, hints, list_r);
}

static void note_time(void *arg)
{
    *(bool *)arg = true;
}

static void test_a_database_that_is_not_there_is_no_other(void **state)
{
    char *to = xasprintf("%s?db=99", url), *error = NULL;
    struct redis *r;

    (void)state;
    start_server("");
    r = redis_new(loop, url, state_changed, NULL, &error);
    WAIT(up); /* it serves */
    redis_free(&r);
    up = false;
    changes = 0;
    r = redis_new(loop, to, state_changed, NULL, &error);
    for (int64_t end_ms = clock_mono().ms + 300; clock_mono().ms < end_ms;)
        loop_once(loop, 50);
    assert_int_equal(changes, 0);
    redis_free(&r);
    free(to);
}

static void test_a_resolver_that_hangs_holds_up_nothing_else(void **state)
{
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    socklen_t len = sizeof(address);
    int listener = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    struct loop_timer *timer;
    struct redis *r;
    bool fired = false;
    char *error = NULL;

    (void)state;
    assert_int_equal(bind(listener, (struct sockaddr *)&address, len), 0);
    assert_int_equal(listen(listener, 1), 0);
    assert_int_equal(getsockname(listener, (struct sockaddr *)&address, &len), 0);
    assert_int_equal(pipe2(let_resolve, O_CLOEXEC), 0);
    snprintf(url, sizeof(url), "redis://cache.test:%u", (unsigned)ntohs(address.sin_port));
    r = redis_new(loop, url, state_changed, NULL, &error);
    assert_non_null(r);
    timer = loop_timer_new(loop, note_time, &fired);
    loop_timer_set(timer, 20);
    for (int64_t end_ms = clock_mono().ms + 5000; !fired && clock_mono().ms < end_ms;)
        loop_once(loop, 50);
    assert_true(fired);
    assert_int_equal(fcntl(listener, F_SETFL, O_NONBLOCK), 0);
    assert_int_equal(accept(listener, NULL, NULL), -1); /* it waits for the name */
    close(let_resolve[1]);
    WAIT(accept(listener, NULL, NULL) >= 0);
    redis_free(&r);
    r = redis_new(loop, url, state_changed, NULL, &error);
    loop_once(loop, 0);
    redis_free(&r); /* while the name is looked up */
    loop_timer_free(&timer);
    close(listener);
    close(let_resolve[0]);
}

static void test_free_answers_what_is_owed(void **state)
{
    char *error = NULL;
    struct redis *r;

    (void)state;
    start_server("");
    r = redis_new(loop, url, state_changed, NULL, &error);
    WAIT(up);
    command(r, "PING", NULL, NULL);
    command(r, "PING", NULL, NULL);
    redis_free(&r);
    assert_int_equal(lost, 2);
    loop_once(loop, 10);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
#define T(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)
        T(test_urls),
        T(test_pipelines_and_types),
        T(test_comes_and_goes),
        T(test_password),
        T(test_a_database_that_is_not_there_is_no_other),
        T(test_free_answers_what_is_owed),
        T(test_a_resolver_that_hangs_holds_up_nothing_else),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
