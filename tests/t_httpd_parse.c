/* The pure parts of the HTTP server: the head of a request, and a body in chunks, which reads the
 * same in whatever pieces it comes. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <stdio.h>
#include <string.h>

#include "link/httpd_priv.h"

/* --- heads ----------------------------------------------------------------------------------- */

static struct httpd_request *parse(const char *head, unsigned *status, const char **why)
{
    *status = 0;
    *why = NULL;
    return httpd_head_parse((const unsigned char *)head, strlen(head), status, why);
}

static void test_head(void **state)
{
    unsigned status;
    const char *why;
    struct httpd_request *req =
        parse("POST /a%20b%00c?q=1%2C2&r=a+b&empty=&q=3&flag HTTP/1.1\r\nHost: x\r\n"
              "X-Empty:\r\nX-Blank: \t \r\nX-Trailing:  a b \t\r\nContent-Length: 007\r\n"
              "EXPECT: 100-Continue\r\n\r\n",
              &status, &why);

    (void)state;
    assert_non_null(req);
    assert_string_equal(httpd_method(req), "POST");
    assert_string_equal(httpd_path(req), "/a b%00c");
    assert_string_equal(httpd_query(req, "q"), "1,2");
    assert_string_equal(httpd_query(req, "r"), "a b");
    assert_string_equal(httpd_query(req, "empty"), "");
    assert_null(httpd_query(req, "flag"));
    assert_int_equal(httpd_query_count(req, "q"), 2);
    assert_int_equal(httpd_query_count(req, "flag"), 1);
    assert_string_equal(httpd_header(req, "x-empty"), "");
    assert_string_equal(httpd_header(req, "x-blank"), "");
    assert_string_equal(httpd_header(req, "x-trailing"), "a b");
    assert_null(httpd_header(req, "x"));
    assert_true(req->has_length && req->length == 7);
    assert_true(req->expects_continue && req->keep_alive && !req->chunked);
    httpd_request_free(req);
}

static void test_who_keeps_the_connection(void **state)
{
    static const struct {
        const char *head;
        bool keep_alive;
    } cases[] = {
        {"GET / HTTP/1.1\r\nHost: x\r\n\r\n", true},
        {"GET / HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n", false},
        {"GET / HTTP/1.1\r\nHost: x\r\nConnection: x-a, Close\r\n\r\n", false},
        {"GET / HTTP/1.0\r\n\r\n", false},
        {"GET / HTTP/1.0\r\nConnection: Keep-Alive\r\n\r\n", true},
    };

    (void)state;
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        unsigned status;
        const char *why;
        struct httpd_request *req = parse(cases[i].head, &status, &why);

        assert_non_null(req);
        assert_int_equal(req->keep_alive, cases[i].keep_alive);
        httpd_request_free(req);
    }
}

static void test_targets(void **state)
{
    static const struct {
        const char *target, *path;
    } cases[] = {
        {"/", "/"},           {"http://x/graphql", "/graphql"},
        {"HTTP://x", "/"},    {"http://x?a=b", "/"},
        {"/%zz%4", "/%zz%4"}, {"/%c3%A4", "/\xc3\xa4"},
    };

    (void)state;
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        char head[128];
        unsigned status;
        const char *why;
        struct httpd_request *req;

        snprintf(head, sizeof(head), "GET %s HTTP/1.1\r\nHost: x\r\n\r\n", cases[i].target);
        req = parse(head, &status, &why);
        assert_non_null(req);
        assert_string_equal(httpd_path(req), cases[i].path);
        httpd_request_free(req);
    }
}

static void test_refused_heads(void **state)
{
    static const struct {
        const char *head;
        unsigned status;
        const char *why;
    } cases[] = {
        {"GET / HTTP/1.1\r\n\r\n", 400, "Host"},
        {"GET / HTTP/1.1\r\nHost: x\r\nHost: x\r\n\r\n", 400, "Host"},
        {"GET / HTTP/1.2\r\nHost: x\r\n\r\n", 505, "HTTP/1.1"},
        {"GET / HTTP/2.0\r\nHost: x\r\n\r\n", 505, "HTTP/1.1"},
        {"GET  / HTTP/1.1\r\nHost: x\r\n\r\n", 400, "one blank"},
        {"GET /a\tb HTTP/1.1\r\nHost: x\r\n\r\n", 400, "target"},
        {"GET /a\fb HTTP/1.1\r\nHost: x\r\n\r\n", 400, "target"},
        {"GET / HTTP/1.1\r\nHost: x\r\nX y: a\r\n\r\n", 400, "no token"},
        {"GET / HTTP/1.1\r\nHost: x\r\nX : a\r\n\r\n", 400, "no token"},
        {"GET / HTTP/1.1\r\nHost: x\r\nContent-Length: 1\r\nContent-Length: 1\r\n\r\n", 400, ""},
        {"GET / HTTP/1.1\r\nHost: x\r\nContent-Length: 1 1\r\n\r\n", 400, ""},
        {"GET / HTTP/1.1\r\nHost: x\r\nContent-Length:\r\n\r\n", 400, ""},
        {"GET / HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: gzip\r\n\r\n", 400, "chunked"},
        {"GET / HTTP/1.0\r\nTransfer-Encoding: chunked\r\n\r\n", 400, "HTTP/1.1"},
        {"GET / HTTP/1.1\r\nHost: x\r\nAuthorization: a\r\nauthorization: a\r\n\r\n", 400,
         "Authorization"},
        {"GET / HTTP/1.1\r\nHost: x\r\nX: a\x7f\r\n\r\n", 400, ""},
        {"BREW / HTTP/1.1\r\nHost: x\r\n\r\n", 400, "method"},
    };

    (void)state;
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        unsigned status;
        const char *why;

        assert_null(parse(cases[i].head, &status, &why));
        assert_int_equal(status, cases[i].status);
        assert_non_null(strstr(why, cases[i].why));
    }
}

static void test_number_of_fields(void **state)
{
    (void)state;
    for (size_t n = HTTPD_HEADERS_MAX - 1; n <= HTTPD_HEADERS_MAX + 1; n++) {
        struct httpd_request *req;
        struct buf head;
        unsigned status;
        const char *why;

        buf_init(&head, 0);
        buf_puts(&head, "GET / HTTP/1.1\r\nHost: x\r\n");
        for (size_t i = 1; i < n; i++)
            buf_puts(&head, "X: y\r\n");
        buf_puts(&head, "\r\n");
        req = parse(buf_cstr(&head), &status, &why);
        assert_int_equal(req != NULL, n <= HTTPD_HEADERS_MAX);
        if (req)
            httpd_request_free(req);
        else
            assert_int_equal(status, 431);
        buf_clear(&head);
    }
}

/* --- chunks ---------------------------------------------------------------------------------- */

#define BODY_MAX 64

struct outcome {
    enum httpd_progress progress;
    size_t used;
    struct buf body;
};

/* In pieces of `first` bytes and then of `step` each. */
static struct outcome feed(const char *text, size_t len, size_t first, size_t step)
{
    struct httpd_chunked d = {0};
    struct outcome o = {HTTPD_MORE, 0, {0}};
    size_t at = 0, n = first;

    buf_init(&o.body, 0);
    while (at < len && o.progress == HTTPD_MORE) {
        size_t used = 0;

        n = n < len - at ? n : len - at;
        o.progress =
            httpd_chunked_feed(&d, (const unsigned char *)text + at, n, BODY_MAX, &o.body, &used);
        o.used += used;
        at += n;
        n = step;
    }
    return o;
}

static void check_pieces(const char *text, size_t len, enum httpd_progress progress,
                         const char *body, size_t behind)
{
    for (size_t first = 1; first <= len; first++) {
        for (size_t step = 1; step <= len; step += step < 4 ? 1 : len) {
            struct outcome o = feed(text, len, first, step);

            assert_int_equal(o.progress, progress);
            if (progress == HTTPD_DONE) {
                assert_int_equal(o.used, len - behind);
                assert_int_equal(buf_len(&o.body), strlen(body));
                assert_string_equal(buf_cstr(&o.body), body);
            }
            assert_true(buf_len(&o.body) <= BODY_MAX);
            buf_clear(&o.body);
        }
    }
}

static void test_chunks(void **state)
{
    static const struct {
        const char *text, *body;
        size_t behind; /* bytes of the next request */
    } cases[] = {
        {"0\r\n\r\n", "", 0},
        {"5\r\nhello\r\n0\r\n\r\n", "hello", 0},
        {"5\r\nhello\r\n00000006\r\n world\r\n0\r\n\r\nGET /", "hello world", 5},
        {"A;name=\"a b\";\tc\r\n\r\n\r\n\r\n\r\n\r\n\r\n000\r\nX: y\r\nZ:\r\n\r\n0",
         "\r\n\r\n\r\n\r\n\r\n", 1},
        {"1\r\na\r\n1;\r\nb\r\n0;x\r\n\r\n\r\n", "ab", 2},
    };

    (void)state;
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++)
        check_pieces(cases[i].text, strlen(cases[i].text), HTTPD_DONE, cases[i].body,
                     cases[i].behind);
}

static void test_broken_chunks(void **state)
{
    static const struct {
        const char *text;
        enum httpd_progress progress;
    } cases[] = {
        {"\r\n", HTTPD_BROKEN},
        {";x\r\n", HTTPD_BROKEN},
        {" 5\r\nhello\r\n", HTTPD_BROKEN},
        {"5 \r\nhello\r\n", HTTPD_BROKEN},
        {"+5\r\nhello\r\n", HTTPD_BROKEN},
        {"0x5\r\nhello\r\n", HTTPD_BROKEN},
        {"000000005\r\nhello\r\n", HTTPD_BROKEN},
        {"5\nhello\r\n", HTTPD_BROKEN},
        {"5\r\r\nhello\r\n", HTTPD_BROKEN},
        {"5\r\nhelloX\r\n", HTTPD_BROKEN},
        {"5\r\nhello\rX", HTTPD_BROKEN},
        {"5\r\nhello\n", HTTPD_BROKEN},
        {"5;a\x01\r\nhello\r\n", HTTPD_BROKEN},
        {"0\r\n X: folded\r\n\r\n", HTTPD_BROKEN},
        {"0\r\nX: y\n\r\n", HTTPD_BROKEN},
        {"0\r\n\rX", HTTPD_BROKEN},
        {"41\r\n", HTTPD_MORE}, /* of the next byte more is known */
        {"ffffffff\r\nx", HTTPD_TOO_LARGE},
        {"41\r\nx", HTTPD_TOO_LARGE},
        {"40\r\n", HTTPD_MORE},
        {"5\r\nhello\r\n0\r\n\r", HTTPD_MORE},
    };

    (void)state;
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++)
        check_pieces(cases[i].text, strlen(cases[i].text), cases[i].progress, NULL, 0);
}

static void test_long_lines_of_chunks(void **state)
{
    struct outcome o;
    struct buf text;

    (void)state;
    buf_init(&text, 0);
    buf_puts(&text, "1;");
    for (int i = 0; i < 300; i++)
        buf_puts(&text, "a");
    o = feed((const char *)buf_bytes(&text), buf_len(&text), 7, 7);
    assert_int_equal(o.progress, HTTPD_BROKEN);
    buf_clear(&o.body);
    buf_reset(&text);
    buf_puts(&text, "0\r\n");
    for (int i = 0; i < 5000; i++)
        buf_puts(&text, "X: y\r\n");
    o = feed((const char *)buf_bytes(&text), buf_len(&text), 7, 7);
    assert_int_equal(o.progress, HTTPD_BROKEN);
    buf_clear(&o.body);
    buf_clear(&text);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_head),
        cmocka_unit_test(test_who_keeps_the_connection),
        cmocka_unit_test(test_targets),
        cmocka_unit_test(test_refused_heads),
        cmocka_unit_test(test_number_of_fields),
        cmocka_unit_test(test_chunks),
        cmocka_unit_test(test_broken_chunks),
        cmocka_unit_test(test_long_lines_of_chunks),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
