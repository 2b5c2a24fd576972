/* buf: a byte queue with a limit, numbers, JSON strings. */
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "presence/buf.h"
#include "tests/cmocka_all.h"

static void queues_bytes(void **state)
{
    struct buf b;
    unsigned char next_in = 0, next_out = 0;

    (void)state;
    buf_init(&b, 0);
    assert_int_equal(buf_len(&b), 0);
    assert_null(buf_bytes(&b));
    /* Sizes that are coprime, so that every way of growing and moving comes by. */
    for (int round = 0; round < 2000; round++) {
        size_t in = (size_t)(round * 7 % 113), out;

        for (size_t i = 0; i < in; i++)
            assert_int_equal(buf_append(&b, &(unsigned char){next_in++}, 1), 0);
        out = (size_t)(round * 11 % 109);
        if (out > buf_len(&b))
            out = buf_len(&b);
        for (size_t i = 0; i < out; i++)
            assert_int_equal(buf_bytes(&b)[i], next_out++);
        buf_consume(&b, out);
    }
    assert_int_equal((unsigned char)(next_in - next_out), (unsigned char)buf_len(&b));
    buf_clear(&b);
    assert_null(b.data);
}

static void keeps_its_limit(void **state)
{
    struct buf b;

    (void)state;
    buf_init(&b, 10);
    assert_int_equal(buf_append(&b, "0123456789", 10), 0);
    assert_int_equal(buf_append(&b, "x", 1), -1);
    assert_int_equal(buf_append(&b, "", 0), 0);
    assert_int_equal(buf_printf(&b, "%d", 1), -1);
    assert_int_equal(buf_len(&b), 10);
    assert_null(buf_reserve(&b, SIZE_MAX));
    buf_consume(&b, 4);
    assert_int_equal(buf_append(&b, "abcd", 4), 0);
    assert_memory_equal(buf_bytes(&b), "456789abcd", 10);
    /* The terminator is not one of the bytes. */
    assert_string_equal(buf_cstr(&b), "456789abcd");
    assert_int_equal(buf_len(&b), 10);
    buf_truncate(&b, 11);
    assert_int_equal(buf_len(&b), 10);
    buf_consume(&b, 2);
    buf_truncate(&b, 3);
    assert_string_equal(buf_cstr(&b), "678");
    buf_clear(&b);
    assert_int_equal(b.max, 10);
}

static void printf_may_fill_it_to_the_limit(void **state)
{
    struct buf b;

    (void)state;
    buf_init(&b, 4);
    assert_int_equal(buf_printf(&b, "%s", "abcd"), 0);
    assert_string_equal(buf_cstr(&b), "abcd");
    buf_clear(&b);
}

static void prints_numbers(void **state)
{
    struct buf b;

    (void)state;
    buf_init(&b, 0);
    buf_put_u64(&b, 0);
    buf_putc(&b, ' ');
    buf_put_u64(&b, UINT64_MAX);
    buf_putc(&b, ' ');
    buf_put_i64(&b, INT64_MIN);
    buf_putc(&b, ' ');
    buf_put_i64(&b, -7);
    buf_printf(&b, " %s-%d", "x", 5);
    assert_string_equal(buf_cstr(&b), "0 18446744073709551615 -9223372036854775808 -7 x-5");
    buf_clear(&b);
}

static void writes_json_strings(void **state)
{
    static const struct {
        const char *in;
        size_t len;
        const char *out;
    } cases[] = {
        {"", 0, "\"\""},
        {"plain", 5, "\"plain\""},
        {"a\"b\\c", 5, "\"a\\\"b\\\\c\""},
        {"\n\r\t\b\x1f\0", 6, "\"\\n\\r\\t\\u0008\\u001f\\u0000\""},
        {"\x7f", 1, "\"\x7f\""},
        {"\xc3\xa9\xe2\x82\xac\xf0\x9f\x98\x80", 9, "\"\xc3\xa9\xe2\x82\xac\xf0\x9f\x98\x80\""},
        {"\xff", 1, "\"\xef\xbf\xbd\""},
        {"\xc0\x80", 2, "\"\xef\xbf\xbd\xef\xbf\xbd\""},                 /* overlong */
        {"\xed\xa0\x80", 3, "\"\xef\xbf\xbd\xef\xbf\xbd\xef\xbf\xbd\""}, /* surrogate */
        {"\xf4\x90\x80\x80", 4, "\"\xef\xbf\xbd\xef\xbf\xbd\xef\xbf\xbd\xef\xbf\xbd\""},
        {"\xe2\x82", 2, "\"\xef\xbf\xbd\xef\xbf\xbd\""}, /* cut off */
        {"\xe2(x", 3, "\"\xef\xbf\xbd(x\""},
    };

    (void)state;
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        struct buf b;

        buf_init(&b, 0);
        assert_int_equal(buf_put_json(&b, cases[i].in, cases[i].len), 0);
        assert_string_equal(buf_cstr(&b), cases[i].out);
        buf_clear(&b);
    }
}

static void json_over_the_limit_fails(void **state)
{
    struct buf b;

    (void)state;
    for (size_t max = 1; max < 8; max++) {
        buf_init(&b, max);
        assert_int_equal(buf_put_json(&b, "a\"b\xc3\xa9", 5), -1);
        buf_clear(&b);
    }
    buf_init(&b, 8);
    assert_int_equal(buf_put_json(&b, "a\"b\xc3\xa9", 5), 0);
    buf_clear(&b);
}

static void copies_text(void **state)
{
    char *a = xstrndup("abcdef", 3), *b = xasprintf("%s/%d", a, 9);

    (void)state;
    assert_string_equal(a, "abc");
    assert_string_equal(b, "abc/9");
    free(a);
    free(b);
}

/* gcc defines a name for each sanitizer, clang has a question. */
#ifdef __has_feature
#define SANITIZED (__has_feature(address_sanitizer) || __has_feature(thread_sanitizer))
#elif defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
#define SANITIZED 1
#else
#define SANITIZED 0
#endif

#if !SANITIZED
static size_t resident_pages(void)
{
    FILE *f = fopen("/proc/self/statm", "r");
    size_t all, resident;

    assert_non_null(f);
    assert_int_equal(fscanf(f, "%zu %zu", &all, &resident), 2);
    fclose(f);
    return resident;
}

/* Something small above them keeps freed blocks in the heap. */
static void freed_memory_is_given_back(void **state)
{
    static char *blocks[4096];
    char *above;
    size_t held;

    (void)state;
    for (size_t i = 0; i < 4096; i++)
        memset(blocks[i] = xmalloc(8000), 1, 8000);
    above = xstrdup("above");
    for (size_t i = 0; i < 4096; i++)
        free(blocks[i]);
    held = resident_pages();
    heap_give_back();
    assert_true(resident_pages() + 4096 < held);
    free(above);
}
#else
static void freed_memory_is_given_back(void **state)
{
    (void)state;
    skip(); /* the sanitizer's allocator keeps what was freed on purpose */
}
#endif

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(freed_memory_is_given_back),
        cmocka_unit_test(queues_bytes),
        cmocka_unit_test(keeps_its_limit),
        cmocka_unit_test(printf_may_fill_it_to_the_limit),
        cmocka_unit_test(prints_numbers),
        cmocka_unit_test(writes_json_strings),
        cmocka_unit_test(json_over_the_limit_fails),
        cmocka_unit_test(copies_text),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
