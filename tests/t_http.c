/* The HTTP client against a real server that answers, stalls, cuts and overflows. */
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "presence/http.h"
#include "presence/httpd.h"

static struct {
    struct loop *loop;
    struct httpd *server;
    struct http *http;
    char socket[64], url[64];
    unsigned port, served, connections;
    struct httpd_request *stalled, *stream;
    char pieces[64];
    /* the last answer */
    unsigned answers;
    int status;
    char body[64], error[256], header[32];
    char seen_agent[80], seen_body[64], seen_extra[32];
} t;

static void serve(void *arg, struct httpd_request *req)
{
    struct httpd_header header = {"X-Reply", "  yes "};
    const char *path = httpd_path(req), *extra = httpd_header(req, "X-Extra");
    size_t len;

    (void)arg;
    t.served++;
    if (httpd_connections(t.server) > t.connections)
        t.connections = httpd_connections(t.server);
    snprintf(t.seen_agent, sizeof(t.seen_agent), "%s", httpd_header(req, "User-Agent"));
    snprintf(t.seen_body, sizeof(t.seen_body), "%s", httpd_body(req, &len));
    snprintf(t.seen_extra, sizeof(t.seen_extra), "%s", extra ? extra : "");
    if (!strcmp(path, "/stall")) {
        t.stalled = req;
    } else if (!strcmp(path, "/stream")) {
        t.stream = req;
        httpd_stream(req, 201, &header, 1, 100);
        httpd_stream_write(req, "one ", 4);
    } else if (!strcmp(path, "/cut")) {
        httpd_abort(req);
    } else {
        httpd_respond(req, 201, &header, 1, "hello", 5);
    }
}

static void answered(void *arg, const struct http_answer *a)
{
    (void)arg;
    t.answers++;
    t.status = a->status;
    snprintf(t.body, sizeof(t.body), "%s", a->body);
    snprintf(t.error, sizeof(t.error), "%s", a->error ? a->error : "");
    if (http_answer_header(a, "x-reply", t.header, sizeof(t.header)) < 0)
        snprintf(t.header, sizeof(t.header), "none");
}

/* Takes the pieces of answers with status 201, and has the next one sent. */
static bool take_piece(void *arg, const struct http_answer *piece)
{
    size_t had = strlen(t.pieces);

    (void)arg;
    assert_true(http_answer_header(piece, "X-Reply", t.header, sizeof(t.header)) > 0);
    if (piece->status != 201)
        return false;
    snprintf(t.pieces + had, sizeof(t.pieces) - had, "%.*s", (int)piece->len, piece->body);
    return true;
}

static int set_up(void **state)
{
    char address[80], *error = NULL;
    int fd;

    (void)state;
    memset(&t, 0, sizeof(t));
    t.loop = loop_new();
    snprintf(t.socket, sizeof(t.socket), "/tmp/t_http.%d", (int)getpid());
    snprintf(address, sizeof(address), "unix:%s", t.socket);
    fd = httpd_listen(address, 0600, &error);
    assert_true(fd >= 0);
    t.server = httpd_new(t.loop, fd, NULL, serve, NULL, &error);
    assert_non_null(t.server);
    t.http = http_new(t.loop, "DiscordBot (https://example.org, 1)");
    return 0;
}

static int tear_down(void **state)
{
    (void)state;
    http_free(&t.http);
    httpd_free(&t.server);
    loop_free(&t.loop);
    unlink(t.socket);
    return 0;
}

static void wait_answers(unsigned n)
{
    int64_t end_ms = clock_mono().ms + 10000;

    while (t.answers < n) {
        assert_true(clock_mono().ms < end_ms);
        loop_once(t.loop, 50);
    }
}

static struct http_call *get(const char *path, int64_t timeout_ms, size_t answer_max)
{
    char url[80];
    struct http_request r = {.method = "GET",
                             .url = url,
                             .unix_path = t.socket,
                             .timeout_ms = timeout_ms,
                             .answer_max = answer_max};

    snprintf(url, sizeof(url), "http://localhost%s", path);
    return http_send(t.http, &r, answered, NULL);
}

static void test_posts_over_one_kept_connection(void **state)
{
    const char *headers[] = {"X-Extra: more"};
    struct buf body;

    (void)state;
    for (unsigned i = 0; i < 5; i++) {
        struct http_request r = {.method = "POST",
                                 .url = "http://localhost/x",
                                 .unix_path = t.socket,
                                 .headers = headers,
                                 .n_headers = 1,
                                 .body = &body};

        buf_init(&body, 0);
        buf_puts(&body, "bytes");
        http_send(t.http, &r, answered, NULL);
        assert_int_equal(buf_len(&body), 0); /* taken over */
        wait_answers(i + 1);
    }
    assert_int_equal(t.status, 201);
    assert_string_equal(t.body, "hello");
    assert_string_equal(t.header, "yes");
    assert_string_equal(t.seen_body, "bytes");
    assert_string_equal(t.seen_extra, "more");
    assert_string_equal(t.seen_agent, "DiscordBot (https://example.org, 1)");
    assert_int_equal(t.connections, 1);
}

static void test_several_at_once(void **state)
{
    (void)state;
    for (unsigned i = 0; i < 20; i++)
        get("/x", 0, 0);
    assert_int_equal(http_calls(t.http), 20);
    wait_answers(20);
    assert_int_equal(http_calls(t.http), 0);
}

static void test_time_out(void **state)
{
    (void)state;
    get("/stall", 100, 0);
    wait_answers(1);
    assert_int_equal(t.status, 0);
    assert_true(strlen(t.error) > 0);
    httpd_respond(t.stalled, 200, NULL, 0, "", 0);
}

static void test_cut_connection(void **state)
{
    (void)state;
    get("/cut", 0, 0);
    wait_answers(1);
    assert_int_equal(t.status, 0);
    get("/x", 0, 0); /* and it goes on */
    wait_answers(2);
    assert_int_equal(t.status, 201);
}

static void test_nobody_there(void **state)
{
    struct http_request r = {
        .method = "GET", .url = "http://localhost/", .unix_path = "/nonexistent/socket"};

    (void)state;
    http_send(t.http, &r, answered, NULL);
    assert_int_equal(t.answers, 0); /* never before it returns */
    wait_answers(1);
    assert_int_equal(t.status, 0);
    assert_string_equal(t.error, "/nonexistent/socket: No such file or directory");
}

static void test_too_large(void **state)
{
    (void)state;
    get("/x", 0, 3);
    wait_answers(1);
    assert_int_equal(t.status, 0);
    assert_string_equal(t.error, "the answer is larger than allowed");
}

static void test_other_schemes_are_refused(void **state)
{
    struct http_request r = {.method = "GET", .url = "file:///etc/passwd"};

    (void)state;
    http_send(t.http, &r, answered, NULL);
    wait_answers(1);
    assert_int_equal(t.status, 0);
    assert_string_equal(t.body, "");
}

static void test_cancelled_calls_say_nothing(void **state)
{
    struct http_call *call;

    (void)state;
    call = get("/stall", 0, 0);
    while (!t.stalled)
        loop_once(t.loop, 50);
    http_cancel(&call);
    assert_null(call);
    httpd_respond(t.stalled, 200, NULL, 0, "", 0);
    get("/x", 0, 0);
    wait_answers(1);
    assert_int_equal(t.status, 201);
    assert_int_equal(t.answers, 1);
}

static void stream(int64_t silence_max_ms, http_piece_cb *piece)
{
    struct http_request r = {.method = "GET",
                             .url = "http://localhost/stream",
                             .unix_path = t.socket,
                             .timeout_ms = -1,
                             .silence_max_ms = silence_max_ms,
                             .piece = piece};

    http_send(t.http, &r, answered, NULL);
}

static void wait_pieces(const char *text)
{
    int64_t end_ms = clock_mono().ms + 10000;

    while (strcmp(t.pieces, text) != 0) {
        assert_true(clock_mono().ms < end_ms);
        loop_once(t.loop, 50);
    }
}

static void test_pieces_as_they_come(void **state)
{
    (void)state;
    stream(0, take_piece);
    wait_pieces("one ");
    assert_int_equal(t.answers, 0);
    httpd_stream_write(t.stream, "two", 3);
    wait_pieces("one two");
    httpd_stream_end(t.stream);
    wait_answers(1);
    assert_int_equal(t.status, 201);
    assert_string_equal(t.body, ""); /* it was taken already */
}

static bool take_none(void *arg, const struct http_answer *piece)
{
    (void)arg;
    (void)piece;
    return false;
}

static void test_pieces_that_are_not_taken(void **state)
{
    (void)state;
    stream(0, take_none);
    while (!t.stream)
        loop_once(t.loop, 50);
    httpd_stream_end(t.stream);
    wait_answers(1);
    assert_string_equal(t.body, "one ");
}

static void test_silence(void **state)
{
    (void)state;
    stream(50, take_piece);
    wait_answers(1);
    assert_string_equal(t.pieces, "one ");
    assert_int_equal(t.status, 0);
    assert_string_equal(t.error, "nothing arrived for 50 ms");
    httpd_stream_end(t.stream);
}

static void expect_place(const char *given, const char *url, const char *unix_path)
{
    char *u, *p;

    http_service_url(given, "/graphql", &u, &p);
    assert_string_equal(u, url);
    assert_int_equal(p != NULL, unix_path != NULL);
    if (p)
        assert_string_equal(p, unix_path);
    free(u);
    free(p);
}

static void test_where_a_service_is(void **state)
{
    (void)state;
    expect_place("unix:/run/x.sock", "http://localhost/graphql", "/run/x.sock");
    expect_place("unix:///run/x.sock", "http://localhost/graphql", "/run/x.sock");
    expect_place("http://db:8080", "http://db:8080/graphql", NULL);
    expect_place("http://db/other", "http://db/other", NULL);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
#define T(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)
        T(test_posts_over_one_kept_connection),
        T(test_several_at_once),
        T(test_time_out),
        T(test_cut_connection),
        T(test_nobody_there),
        T(test_too_large),
        T(test_other_schemes_are_refused),
        T(test_cancelled_calls_say_nothing),
        T(test_pieces_as_they_come),
        T(test_pieces_that_are_not_taken),
        T(test_silence),
        T(test_where_a_service_is),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
