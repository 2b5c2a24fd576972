/* httpd: late answers, pipelining, limits, hang-ups, over TCP and a Unix socket. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "presence/fd.h"
#include "presence/httpd.h"

#define DEADLINE_MS 5000

struct fixture {
    struct loop *loop;
    struct httpd *httpd;
    struct sockaddr_storage at; /* where it listens: "localhost" may be of either family */
    socklen_t at_len;
    struct httpd_request *kept[8]; /* "/late": answered by the test */
    size_t kept_n;
    unsigned seen, gone;
};

static void gone(void *arg, struct httpd_request *req)
{
    struct fixture *f = arg;

    (void)req;
    f->gone++;
}

static void handle(void *arg, struct httpd_request *req)
{
    struct fixture *f = arg;
    struct httpd_header plain = {"Content-Type", "text/plain"};
    struct buf out;
    size_t len;
    char *body = httpd_body(req, &len);
    const char *q = httpd_query(req, "q"), *x = httpd_header(req, "x-test");

    f->seen++;
    if (strcmp(httpd_path(req), "/late") == 0) {
        httpd_set_gone(req, gone, f);
        f->kept[f->kept_n++] = req;
        return;
    }
    buf_init(&out, 0);
    buf_printf(&out, "%s %s q=%s x=%s body=%s", httpd_method(req), httpd_path(req), q ? q : "-",
               x ? x : "-", body);
    httpd_respond_buf(req, 200, &plain, 1, &out);
}

static void start(struct fixture *f, const char *address, const struct httpd_options *options)
{
    char *error = NULL;
    int fd;

    *f = (struct fixture){.loop = loop_new()};
    fd = httpd_listen(address, 0600, &error);
    assert_true(fd >= 0);
    f->at_len = sizeof(f->at);
    assert_int_equal(getsockname(fd, (struct sockaddr *)&f->at, &f->at_len), 0);
    f->httpd = httpd_new(f->loop, fd, options, handle, f, &error);
    assert_non_null(f->httpd);
}

static void stop(struct fixture *f)
{
    httpd_free(&f->httpd);
    assert_null(f->httpd);
    loop_free(&f->loop);
}

static int dial(const struct fixture *f)
{
    int fd = socket(f->at.ss_family, SOCK_STREAM, 0);

    assert_int_equal(connect(fd, (const struct sockaddr *)&f->at, f->at_len), 0);
    assert_int_equal(fd_nonblock(fd), 0);
    return fd;
}

static void say(int fd, const char *text)
{
    assert_int_equal(write(fd, text, strlen(text)), (ssize_t)strlen(text));
}

/* Serves until the client has read `want` (or end-of-file when want is NULL). */
static const char *hear(struct fixture *f, int fd, const char *want)
{
    static char text[65536];
    size_t len = 0;
    int64_t until = clock_mono().ms + DEADLINE_MS;

    text[0] = '\0';
    while (clock_mono().ms < until) {
        ssize_t n = read(fd, text + len, sizeof(text) - 1 - len);

        if (n > 0)
            text[len += (size_t)n] = '\0';
        if (want ? strstr(text, want) != NULL : n == 0 || (n < 0 && errno == ECONNRESET))
            return text;
        loop_once(f->loop, 20);
    }
    fail_msg("never heard \"%s\"; got \"%s\"", want ? want : "end of file", text);
    return NULL;
}

static void serve_until(struct fixture *f, const unsigned *counter, unsigned value)
{
    int64_t until = clock_mono().ms + DEADLINE_MS;

    while (*counter < value && clock_mono().ms < until)
        loop_once(f->loop, 20);
    assert_int_equal(*counter, value);
}

static void test_simple(void **state)
{
    struct fixture f;
    int fd;

    (void)state;
    start(&f, "127.0.0.1:0", NULL);
    fd = dial(&f);
    say(fd, "POST /a%20b?q=1%2C2&q=3 HTTP/1.1\r\nHost: x\r\nX-Test: yes\r\nContent-Length: "
            "5\r\n\r\nhello");
    assert_non_null(strstr(hear(&f, fd, "body=hello"), "POST /a b q=1,2 x=yes"));
    say(fd, "GET /again HTTP/1.1\r\nHost: x\r\n\r\n");
    hear(&f, fd, "GET /again q=- x=- body=");
    assert_int_equal(httpd_pending(f.httpd), 0);
    close(fd);
    stop(&f);
}

static void test_late_answer_and_pipelining(void **state)
{
    struct fixture f;
    const char *text;
    int fd;

    (void)state;
    start(&f, "127.0.0.1:0", NULL);
    fd = dial(&f);
    say(fd, "GET /late HTTP/1.1\r\nHost: x\r\n\r\n"
            "POST /two HTTP/1.1\r\nHost: x\r\nContent-Length: 3\r\n\r\ntwo"
            "GET /three HTTP/1.1\r\nHost: x\r\n\r\n");
    serve_until(&f, &f.seen, 1);
    assert_int_equal(httpd_pending(f.httpd), 1);
    loop_once(f.loop, 0);
    assert_int_equal(f.seen, 1); /* one after the other */
    httpd_respond(f.kept[0], 202, NULL, 0, "late answer", 11);
    text = hear(&f, fd, "/three");
    assert_non_null(strstr(text, "202"));
    assert_true(strstr(text, "late answer") < strstr(text, "POST /two"));
    assert_true(strstr(text, "body=two") < strstr(text, "/three"));
    assert_int_equal(f.gone, 0);
    close(fd);
    stop(&f);
}

static void test_client_leaves(void **state)
{
    struct fixture f;
    int fd;

    (void)state;
    start(&f, "127.0.0.1:0", NULL);
    fd = dial(&f);
    say(fd, "GET /late HTTP/1.1\r\nHost: x\r\n\r\n");
    serve_until(&f, &f.seen, 1);
    close(fd);
    serve_until(&f, &f.gone, 1);
    httpd_respond(f.kept[0], 200, NULL, 0, "nobody", 6);
    assert_int_equal(httpd_pending(f.httpd), 0);
    stop(&f);
}

static void test_body_limit(void **state)
{
    struct httpd_options options = {.body_max = 10};
    struct fixture f;
    int fd;

    (void)state;
    start(&f, "127.0.0.1:0", &options);
    fd = dial(&f);
    say(fd, "POST /x HTTP/1.1\r\nHost: x\r\nContent-Length: 11\r\n\r\n");
    assert_non_null(strstr(hear(&f, fd, NULL), "413"));
    close(fd);
    fd = dial(&f);
    say(fd, "POST /x HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\nb\r\n"
            "12345678901\r\n0\r\n\r\n");
    assert_non_null(strstr(hear(&f, fd, "40005"), "413"));
    close(fd);
    assert_int_equal(f.seen, 0);
    fd = dial(&f);
    say(fd, "POST /x HTTP/1.1\r\nHost: x\r\nContent-Length: 10\r\n\r\n1234567890");
    hear(&f, fd, "body=1234567890");
    close(fd);
    stop(&f);
}

static void test_half_sent_and_abort_and_idle(void **state)
{
    struct httpd_options options = {.idle_sec = 1};
    struct fixture f;
    int half, late, ok;

    (void)state;
    start(&f, "127.0.0.1:0", &options);
    half = dial(&f);
    say(half, "POST /x HTTP/1.1\r\nHost: x\r\nContent-Le");
    ok = dial(&f);
    say(ok, "GET /ok HTTP/1.1\r\nHost: x\r\n\r\n");
    hear(&f, ok, "/ok");
    late = dial(&f);
    say(late, "GET /late HTTP/1.1\r\nHost: x\r\n\r\n");
    serve_until(&f, &f.seen, 2);
    httpd_abort(f.kept[0]);
    assert_string_equal(hear(&f, late, NULL), "");
    hear(&f, half, NULL); /* the idle limit ends it */
    close(half);
    close(late);
    close(ok);
    stop(&f);
}

static void stream_gone(void *arg, struct httpd_request *req)
{
    struct fixture *f = arg;

    f->gone++;
    httpd_stream_end(req);
}

static int begin_stream(struct fixture *f, size_t unsent_max)
{
    struct httpd_header type = {"Content-Type", "text/event-stream"};
    unsigned seen = f->seen;
    int fd = dial(f);

    say(fd, "GET /late HTTP/1.1\r\nHost: x\r\n\r\n");
    serve_until(f, &f->seen, seen + 1);
    httpd_set_gone(f->kept[f->kept_n - 1], stream_gone, f);
    httpd_stream(f->kept[f->kept_n - 1], 200, &type, 1, unsent_max);
    return fd;
}

static void test_stream(void **state)
{
    struct fixture f;
    int fd;

    (void)state;
    start(&f, "127.0.0.1:0", NULL);
    fd = begin_stream(&f, 1000);
    hear(&f, fd, "chunked\r\n\r\n"); /* the head needs no first piece */
    assert_int_equal(httpd_stream_write(f.kept[0], "one", 3), 0);
    hear(&f, fd, "3\r\none\r\n");
    assert_int_equal(httpd_stream_write(f.kept[0], "two", 3), 0);
    assert_int_equal(httpd_stream_write(f.kept[0], "three", 5), 0);
    hear(&f, fd, "8\r\ntwothree\r\n");
    assert_int_equal(httpd_pending(f.httpd), 1);
    httpd_stream_end(f.kept[0]);
    assert_int_equal(httpd_pending(f.httpd), 0);
    hear(&f, fd, "0\r\n\r\n");
    say(fd, "GET /next HTTP/1.1\r\nHost: x\r\n\r\n"); /* the connection is kept */
    hear(&f, fd, "GET /next");
    assert_int_equal(f.gone, 0);
    close(fd);
    stop(&f);
}

static void test_stream_without_a_reader(void **state)
{
    static char piece[50000];
    struct fixture f;
    size_t sent = 0;
    int fd;

    (void)state;
    memset(piece, 'x', sizeof(piece));
    start(&f, "127.0.0.1:0", NULL);
    fd = begin_stream(&f, 100000);
    while (httpd_stream_write(f.kept[0], piece, sizeof(piece)) == 0 && sent < 1u << 30) {
        sent += sizeof(piece);
        for (int i = 0; i < 5; i++)
            loop_once(f.loop, 0);
    }
    assert_true(sent < 1u << 30); /* the socket is full, and then what may wait */
    assert_true(httpd_stream_unsent(f.kept[0]) <= 100000);
    assert_int_equal(httpd_stream_write(f.kept[0], piece, sizeof(piece)), -1);
    close(fd);
    serve_until(&f, &f.gone, 1);
    assert_int_equal(httpd_pending(f.httpd), 0);

    fd = begin_stream(&f, 1000);
    close(fd); /* with nothing to send the hang-up is noticed as well */
    serve_until(&f, &f.gone, 2);
    fd = begin_stream(&f, 1000);
    httpd_abort(f.kept[2]);
    hear(&f, fd, NULL);
    close(fd);
    fd = begin_stream(&f, 1000);
    stop(&f); /* with a stream open */
    close(fd);
}

static void test_trickle(void **state)
{
    struct httpd_options options = {.request_sec = 1, .idle_sec = 30};
    static const char head[] = "POST /x HTTP/1.1\r\nHost: x\r\nX-A: 0123456789";
    struct fixture f;
    int64_t until = clock_mono().ms + DEADLINE_MS;
    int fd, late;
    char byte;

    (void)state;
    start(&f, "127.0.0.1:0", &options);
    late = dial(&f);
    say(late, "GET /late HTTP/1.1\r\nHost: x\r\n\r\n");
    fd = dial(&f);
    /* A byte now and then for ever: the idle limit never strikes, the deadline does. */
    for (size_t i = 0; read(fd, &byte, 1) != 0 && errno == EAGAIN; i++) {
        assert_true(clock_mono().ms < until);
        if (i < sizeof(head) - 1 && send(fd, head + i, 1, MSG_NOSIGNAL) != 1)
            break;
        loop_once(f.loop, 50);
    }
    assert_int_equal(f.gone, 0); /* who waits for our answer is left alone */
    httpd_respond(f.kept[0], 200, NULL, 0, "at last", 7);
    hear(&f, late, "at last");
    hear(&f, late, NULL); /* and has a deadline again */
    close(fd);
    close(late);
    stop(&f);
}

static void test_free_with_owed_answers(void **state)
{
    struct fixture f;
    int a, b;

    (void)state;
    start(&f, "localhost:0", NULL);
    a = dial(&f);
    b = dial(&f);
    say(a, "GET /late HTTP/1.1\r\nHost: x\r\n\r\n");
    say(b, "GET /late HTTP/1.1\r\nHost: x\r\n\r\n");
    serve_until(&f, &f.seen, 2);
    assert_int_equal(httpd_connections(f.httpd), 2);
    stop(&f);
    close(a);
    close(b);
}

/* What arrived by then and was not read is nobody's request any more. */
static void test_free_with_a_request_in_the_socket(void **state)
{
    struct fixture f;
    int fd;

    (void)state;
    start(&f, "127.0.0.1:0", NULL);
    fd = dial(&f);
    say(fd, "GET /first HTTP/1.1\r\nHost: x\r\n\r\n");
    hear(&f, fd, "GET /first");
    say(fd, "GET /late HTTP/1.1\r\nHost: x\r\n\r\n");
    stop(&f);
    assert_int_equal(f.seen, 1);
    close(fd);
}

static void test_unix_socket(void **state)
{
    char address[64], request[] = "GET /u HTTP/1.1\r\nHost: x\r\n\r\n";
    struct fixture f;
    int fd;

    (void)state;
    snprintf(address, sizeof(address), "unix:/tmp/t_httpd.%d", (int)getpid());
    start(&f, address, NULL);
    fd = fd_unix_connect(address + 5);
    assert_true(fd >= 0);
    assert_int_equal(fd_nonblock(fd), 0);
    say(fd, request);
    hear(&f, fd, "GET /u");
    close(fd);
    stop(&f);
    unlink(address + 5);
}

static void test_bad_addresses(void **state)
{
    static const char *const bad[] = {"nonsense", "127.0.0.1:", ":80", "unix:/nonexistent/dir/s",
                                      "127.0.0.1:notaport"};

    (void)state;
    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
        char *error = NULL;

        assert_int_equal(httpd_listen(bad[i], 0600, &error), -1);
        assert_non_null(strstr(error, bad[i][0] == 'u' ? bad[i] + 5 : bad[i]));
        free(error);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_simple),
        cmocka_unit_test(test_late_answer_and_pipelining),
        cmocka_unit_test(test_client_leaves),
        cmocka_unit_test(test_body_limit),
        cmocka_unit_test(test_half_sent_and_abort_and_idle),
        cmocka_unit_test(test_stream),
        cmocka_unit_test(test_stream_without_a_reader),
        cmocka_unit_test(test_trickle),
        cmocka_unit_test(test_free_with_owed_answers),
        cmocka_unit_test(test_free_with_a_request_in_the_socket),
        cmocka_unit_test(test_unix_socket),
        cmocka_unit_test(test_bad_addresses),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
