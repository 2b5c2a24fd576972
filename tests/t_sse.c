/* Event streams: the standard's own examples, and every way to cut them into pieces. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "presence/sse.h"

static void take(void *arg, const char *name, const char *data, size_t len)
{
    assert_int_equal(strlen(data), len);
    buf_printf(arg, "<%s|%s>", name, data);
}

static void expect(const char *stream, const char *events)
{
    size_t len = strlen(stream);

    for (size_t piece = 1; piece <= len; piece++) {
        struct buf out;
        struct sse sse;

        buf_init(&out, 0);
        sse_init(&sse, 100, take, &out);
        for (size_t at = 0; at < len; at += piece)
            assert_int_equal(sse_feed(&sse, stream + at, piece < len - at ? piece : len - at), 0);
        assert_string_equal(buf_cstr(&out), events);
        sse_clear(&sse);
        buf_clear(&out);
    }
}

static void test_events(void **state)
{
    (void)state;
    expect("data: YHOO\ndata: +2\ndata: 10\n\n", "<message|YHOO\n+2\n10>");
    expect(": test stream\n\ndata: first event\nid: 1\n\ndata:second event\nid\n\ndata:  third "
           "event\n\n",
           "<message|first event><message|second event><message| third event>");
    expect("data\n\ndata\ndata\n\ndata:", "<message|><message|\n>");
    expect("event: next\ndata: {}\n\nevent: complete\ndata:\n\n", "<next|{}><complete|>");
}

static void test_ends_of_lines(void **state)
{
    (void)state;
    expect("event: a\r\ndata: 1\r\n\r\nevent: b\rdata: 2\r\r", "<a|1><b|2>");
    expect("\xEF\xBB\xBF"
           "data: 1\n\n\xEF\xBB\xBF"
           "data: 2\n\n",
           "<message|1>");
}

static void test_what_is_passed_over(void **state)
{
    (void)state;
    expect("event: a\n\nretry: 5\nnothing\nDATA: x\n\ndata: 1", ""); /* never ended */
}

static void test_too_long(void **state)
{
    static const char line[] = "data: 0123456789\n";
    struct buf out;
    struct sse sse;

    (void)state;
    buf_init(&out, 0);
    sse_init(&sse, 21, take, &out);
    assert_int_equal(sse_feed(&sse, line, sizeof(line) - 1), 0);
    assert_int_equal(sse_feed(&sse, line, sizeof(line) - 1), 0); /* 21 bytes of data */
    assert_int_equal(sse_feed(&sse, line, sizeof(line) - 1), -1);
    sse_clear(&sse);
    sse_init(&sse, 15, take, &out);
    assert_int_equal(sse_feed(&sse, line, sizeof(line) - 1), -1); /* a line of 16 */
    sse_clear(&sse);
    buf_clear(&out);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_events),
        cmocka_unit_test(test_ends_of_lines),
        cmocka_unit_test(test_what_is_passed_over),
        cmocka_unit_test(test_too_long),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
