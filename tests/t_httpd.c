/* httpd: late answers, pipelining, limits, hang-ups, slow readers and turns, over TCP and a Unix
 * socket. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "presence/fd.h"
#include "presence/httpd.h"

#define DEADLINE_MS 5000
#define BIG         ((size_t)8 << 20) /* more than sockets hold */
#define SPIN_MS     6                 /* longer than a turn */

struct fixture {
    struct loop *loop;
    struct httpd *httpd;
    struct sockaddr_storage at; /* where it listens: "localhost" may be of either family */
    socklen_t at_len;
    struct httpd_request *kept[8]; /* "/late": answered by the test */
    size_t kept_n;
    unsigned seen, gone;
    unsigned other; /* how many were seen when "/other" came */
};

static void gone(void *arg, struct httpd_request *req)
{
    struct fixture *f = arg;

    (void)req;
    f->gone++;
}

static void fill(struct buf *out, size_t len)
{
    memset(buf_reserve(out, len), 'x', len);
    buf_commit(out, len);
}

static void spin(void)
{
    int64_t begun_ms = clock_mono().ms;

    while (clock_mono().ms - begun_ms < SPIN_MS)
        ;
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
    if (strcmp(httpd_path(req), "/other") == 0)
        f->other = f->seen;
    if (strcmp(httpd_path(req), "/spin") == 0)
        spin();
    buf_init(&out, 0);
    if (strcmp(httpd_path(req), "/big") == 0)
        fill(&out, BIG);
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

    int one = 1;

    assert_int_equal(connect(fd, (const struct sockaddr *)&f->at, f->at_len), 0);
    setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof(one));
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
        loop_once(f->loop, n > 0 ? 0 : 20);
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

/* --- requests in pieces ---------------------------------------------------------------------- */

static void without_dates(char *text)
{
    char *date;

    while ((date = strstr(text, "Date: ")) != NULL) {
        char *end = strstr(date, "\r\n");

        assert_non_null(end);
        memmove(date, end + 2, strlen(end + 2) + 1);
    }
}

/* All that is answered to text, sent with a pause behind its first bytes and then one every step.
 */
static char *answers(struct fixture *f, const char *text, size_t first, size_t step)
{
    size_t len = strlen(text), n = first;
    int fd = dial(f);
    char *heard;

    for (size_t at = 0; at < len; at += n, n = step) {
        n = n < len - at ? n : len - at;
        if (send(fd, text + at, n, MSG_NOSIGNAL) != (ssize_t)n)
            break; /* refused already */
        for (int i = 0; i < 3; i++)
            loop_once(f->loop, 0);
    }
    heard = strdup(hear(f, fd, NULL));
    close(fd);
    without_dates(heard);
    return heard;
}

static void test_requests_in_any_pieces(void **state)
{
    static const char *const texts[] = {
        "\r\nGET /a%20b?q=1 HTTP/1.1\r\nHost: x\r\n\r\nPOST /two HTTP/1.1\r\nHost: x\r\n"
        "Content-Length: 3\r\nConnection: close\r\n\r\ntwo",
        "POST /c HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n5;a=b\r\nhello\r\n"
        "1\r\n!\r\n0\r\nX: y\r\n\r\nHEAD /h HTTP/1.1\r\nHost: x\r\n\r\nGET /l HTTP/1.0\r\n\r\n",
        "GET /k HTTP/1.0\r\nConnection: keep-alive\r\n\r\nGET /l HTTP/1.0\r\n\r\n",
        "GET /a HTTP/1.1\r\nHost: x\r\n\r\nGET /b HTTP/1.1\r\nHost: x\r\nX: folded\r\n "
        "here\r\n\r\n",
        "POST /c HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhelloX\r\n",
        "GET /a HTTP/1.1\nHost: x\n\n",
    };
    struct fixture f;

    (void)state;
    start(&f, "127.0.0.1:0", NULL);
    for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++) {
        size_t len = strlen(texts[i]);
        char *whole = answers(&f, texts[i], len, len);

        for (size_t first = 1; first < len; first++) {
            char *pieces = answers(&f, texts[i], first, first == 1 ? 1 : len);

            assert_string_equal(pieces, whole);
            free(pieces);
        }
        free(whole);
    }
    stop(&f);
}

static void test_expecting_to_be_asked(void **state)
{
    struct fixture f;
    int fd;

    (void)state;
    start(&f, "127.0.0.1:0", NULL);
    fd = dial(&f);
    say(fd, "POST /x HTTP/1.1\r\nHost: x\r\nExpect: 100-continue\r\nContent-Length: 5\r\n\r\n");
    hear(&f, fd, "HTTP/1.1 100 Continue\r\n\r\n");
    say(fd, "hello");
    hear(&f, fd, "body=hello");
    close(fd);
    stop(&f);
}

/* --- slow readers, and turns ----------------------------------------------------------------- */

static size_t read_all(struct fixture *f, int fd, size_t want)
{
    static char piece[65536];
    size_t len = 0;
    int64_t until = clock_mono().ms + DEADLINE_MS;

    while (len < want && clock_mono().ms < until) {
        ssize_t n = read(fd, piece, sizeof(piece));

        if (n > 0)
            len += (size_t)n;
        else if (n == 0)
            break;
        else
            loop_once(f->loop, 20);
    }
    return len;
}

static void test_slow_reader(void **state)
{
    struct fixture f;
    int slow, fd;

    (void)state;
    start(&f, "127.0.0.1:0", NULL);
    slow = dial(&f);
    say(slow, "GET /big HTTP/1.1\r\nHost: x\r\n\r\nGET /big HTTP/1.1\r\nHost: x\r\n\r\n"
              "GET /last HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n");
    serve_until(&f, &f.seen, 1);
    fd = dial(&f);
    say(fd, "GET /ok HTTP/1.1\r\nHost: x\r\n\r\n");
    hear(&f, fd, "GET /ok");
    assert_int_equal(f.seen, 2); /* the second answer is made when the first one is read */
    assert_true(read_all(&f, slow, SIZE_MAX) > 2 * BIG);
    assert_int_equal(f.seen, 4);
    close(slow);
    close(fd);
    stop(&f);
}

static void test_reader_that_stops(void **state)
{
    struct httpd_options options = {.idle_sec = 1};
    struct fixture f;
    int64_t until = clock_mono().ms + DEADLINE_MS;
    int slow;

    (void)state;
    start(&f, "127.0.0.1:0", &options);
    slow = dial(&f);
    say(slow, "GET /big HTTP/1.1\r\nHost: x\r\n\r\n");
    serve_until(&f, &f.seen, 1);
    while (httpd_connections(f.httpd) > 0 && clock_mono().ms < until)
        loop_once(f.loop, 20);
    assert_int_equal(httpd_connections(f.httpd), 0);
    assert_true(read_all(&f, slow, BIG) < BIG);
    close(slow);
    stop(&f);
}

/* Whoever has much to ask has one turn like everybody else. */
static void test_turns(void **state)
{
    struct fixture f;
    struct buf many;
    int a, b;

    (void)state;
    start(&f, "127.0.0.1:0", NULL);
    a = dial(&f);
    b = dial(&f);
    while (httpd_connections(f.httpd) < 2)
        loop_once(f.loop, 20);
    buf_init(&many, 0);
    for (int i = 0; i < 100; i++)
        buf_puts(&many, "GET /a HTTP/1.1\r\nHost: x\r\n\r\n");
    say(a, buf_cstr(&many));
    say(b, "GET /other HTTP/1.1\r\nHost: x\r\n\r\n");
    hear(&f, b, "GET /other");
    assert_in_range(f.other, 1, 3);
    serve_until(&f, &f.seen, 101);
    buf_clear(&many);
    close(a);
    close(b);
    stop(&f);
}

/* Requests that take long leave the loop its turns. */
static void test_turns_of_the_loop(void **state)
{
    struct fixture f;
    unsigned rounds = 0;
    int fd;

    (void)state;
    start(&f, "127.0.0.1:0", NULL);
    fd = dial(&f);
    say(fd, "GET /spin HTTP/1.1\r\nHost: x\r\n\r\nGET /spin HTTP/1.1\r\nHost: x\r\n\r\n"
            "GET /spin HTTP/1.1\r\nHost: x\r\n\r\nGET /spin HTTP/1.1\r\nHost: x\r\n\r\n");
    while (f.seen < 4) {
        unsigned seen = f.seen;

        loop_once(f.loop, 20);
        assert_true(f.seen <= seen + 1);
        rounds++;
    }
    assert_true(rounds >= 4);
    close(fd);
    stop(&f);
}

static void test_stream_of_http_1_0(void **state)
{
    struct fixture f;
    int fd;

    (void)state;
    start(&f, "127.0.0.1:0", NULL);
    fd = dial(&f);
    say(fd, "GET /late HTTP/1.0\r\nConnection: keep-alive\r\n\r\n");
    serve_until(&f, &f.seen, 1);
    httpd_stream(f.kept[0], 200, NULL, 0, 1000);
    assert_int_equal(httpd_stream_write(f.kept[0], "one", 3), 0);
    httpd_stream_end(f.kept[0]);
    assert_non_null(strstr(hear(&f, fd, NULL), "Connection: close\r\n\r\none")); /* its end: EOF */
    close(fd);
    stop(&f);
}

/* An answer is not taken back by what its client sent behind its last request. */
static void test_more_than_was_announced(void **state)
{
    struct fixture f;
    struct buf text;
    int64_t until = clock_mono().ms + DEADLINE_MS;
    char bytes[4096];
    ssize_t n;
    int fd;

    (void)state;
    start(&f, "127.0.0.1:0", NULL);
    fd = dial(&f);
    buf_init(&text, 0);
    buf_puts(&text, "GET /only HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n");
    fill(&text, 30000);
    say(fd, buf_cstr(&text));
    while ((n = read(fd, bytes, sizeof(bytes))) != 0 && clock_mono().ms < until) {
        assert_true(n > 0 || errno == EAGAIN); /* no reset */
        loop_once(f.loop, 20);
    }
    assert_int_equal(n, 0);
    close(fd);
    while (httpd_connections(f.httpd) > 0 && clock_mono().ms < until)
        loop_once(f.loop, 20);
    assert_int_equal(httpd_connections(f.httpd), 0);
    assert_int_equal(f.seen, 1);
    buf_clear(&text);
    stop(&f);
}

static void test_no_descriptors_left(void **state)
{
    struct rlimit usual, none;
    struct fixture f;
    int fd;

    (void)state;
    start(&f, "127.0.0.1:0", NULL);
    fd = dial(&f);
    say(fd, "GET /x HTTP/1.1\r\nHost: x\r\n\r\n");
    assert_int_equal(getrlimit(RLIMIT_NOFILE, &usual), 0);
    none = (struct rlimit){.rlim_cur = 3, .rlim_max = usual.rlim_max};
    assert_int_equal(setrlimit(RLIMIT_NOFILE, &none), 0);
    for (int i = 0; i < 5; i++)
        loop_once(f.loop, 0);
    assert_int_equal(setrlimit(RLIMIT_NOFILE, &usual), 0);
    assert_int_equal(httpd_connections(f.httpd), 0);
    hear(&f, fd, "GET /x");
    close(fd);
    stop(&f);
}

static void test_connections_max(void **state)
{
    struct httpd_options options = {.connections_max = 1};
    struct fixture f;
    int first, second;

    (void)state;
    start(&f, "127.0.0.1:0", &options);
    first = dial(&f);
    second = dial(&f);
    say(second, "GET /x HTTP/1.1\r\nHost: x\r\n\r\n");
    for (int i = 0; i < 5; i++)
        loop_once(f.loop, 0);
    assert_int_equal(httpd_connections(f.httpd), 1);
    assert_int_equal(f.seen, 0);
    close(first);
    hear(&f, second, "GET /x");
    close(second);
    stop(&f);
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
        cmocka_unit_test(test_requests_in_any_pieces),
        cmocka_unit_test(test_expecting_to_be_asked),
        cmocka_unit_test(test_slow_reader),
        cmocka_unit_test(test_reader_that_stops),
        cmocka_unit_test(test_turns),
        cmocka_unit_test(test_turns_of_the_loop),
        cmocka_unit_test(test_stream_of_http_1_0),
        cmocka_unit_test(test_more_than_was_announced),
        cmocka_unit_test(test_no_descriptors_left),
        cmocka_unit_test(test_connections_max),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
