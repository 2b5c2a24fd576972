/* Paths, reasons and multipart bodies. */
#include "cmocka_all.h"

#include <string.h>

#include "presence/form.h"

static void expect_path(const char *expected, const char *route,
                        const snowflake_t ids[FORM_IDS_MAX], const char *query)
{
    struct buf b;

    buf_init(&b, 0);
    buf_puts(&b, "<");
    assert_int_equal(form_path(route, ids, query, &b), expected ? 0 : -1);
    assert_string_equal(buf_cstr(&b) + 1, expected ? expected : "");
    buf_clear(&b);
}

static void test_path(void **state)
{
    const snowflake_t none[FORM_IDS_MAX] = {{0}}, one[FORM_IDS_MAX] = {{7}},
                      all[FORM_IDS_MAX] = {{1}, {2}, {3}, {UINT64_MAX}};

    (void)state;
    expect_path("/users/@me", "/users/@me", none, NULL);
    expect_path("/guilds/7/messages/search?limit=25&min_id=0", "/guilds/{}/messages/search", one,
                "limit=25&min_id=0");
    expect_path("/guilds/7", "/guilds/{}", one, "");
    expect_path("/a/1/b/2/c/3/d/18446744073709551615", "/a/{}/b/{}/c/{}/d/{}", all, NULL);
    expect_path(NULL, "/guilds/{}/members/{}", one, NULL);
    expect_path(NULL, "/guilds/{}/members/{}", all, NULL);
    expect_path(NULL, "/guilds", one, NULL);
    expect_path(NULL, "/a/{}/{}/{}/{}/{}", all, NULL);
    expect_path(NULL, "guilds/{}", one, NULL);
    expect_path(NULL, "", none, NULL);
    expect_path(NULL, "/guilds/../{}", one, NULL);
    expect_path(NULL, "/guilds/{}?a=b", one, NULL);
    expect_path(NULL, "/guilds/{}/\r\n", one, NULL);
    expect_path(NULL, "/guilds/{}", one, "a=b#c");
    expect_path(NULL, "/guilds/{}", one, "a=b c");
    expect_path(NULL, "/guilds/{}", one, "a=b\nHost: c");
}

static void expect_reason(const char *text, const char *expected)
{
    struct buf b;

    buf_init(&b, 0);
    form_reason(text, &b);
    assert_string_equal(buf_cstr(&b), expected);
    buf_clear(&b);
}

static void test_reason(void **state)
{
    (void)state;
    expect_reason("", "");
    expect_reason("idle 41 d, run #7", "idle%2041%20d%2C%20run%20%237");
    expect_reason("a-z_A.Z~09", "a-z_A.Z~09");
    expect_reason("100 %", "100%20%25");
    expect_reason("für č \xe2\x82\xac \xf0\x9f\x91\x8d",
                  "f%C3%BCr%20%C4%8D%20%E2%82%AC%20%F0%9F%91%8D");
    expect_reason("two\r\nlines\tand \x7f",
                  "two%20%20lines%20and%20%20"); /* no header is smuggled in */
}

static void test_reason_of_bytes_that_are_no_utf8(void **state)
{
    static const char *const bad[] = {"\xff",     "\x80",     "\xc0", "\xc3",
                                      "\xe2\x82", "\xed\xa0", "\xf5", "\xf0\x9f\x91"};
    struct buf b;

    (void)state;
    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
        buf_init(&b, 0);
        form_reason(bad[i], &b);
        assert_int_equal(strncmp(buf_cstr(&b), "%EF%BF%BD", 9), 0);
        assert_int_equal(buf_len(&b), 9 * strlen(bad[i]));
        buf_clear(&b);
    }
    expect_reason("a\xffz", "a%EF%BF%BDz");
}

static void test_reason_is_cut_between_characters(void **state)
{
    char text[3 * 600 + 1] = "";
    struct buf b;

    (void)state;
    for (int i = 0; i < 600; i++)
        strcat(text, "\xe2\x82\xac");
    buf_init(&b, 0);
    form_reason(text, &b);
    assert_int_equal(buf_len(&b), FORM_REASON_MAX * 9);
    buf_clear(&b);
}

static void test_multipart(void **state)
{
    static const struct form_file files[] = {{"a.csv", "text/csv", "id\r\n1\r\n", 7},
                                             {"b\"\r\n.png", "image/png", "\0\1", 2}};
    static const char expected[] =
        "--XX\r\nContent-Disposition: form-data; name=\"payload_json\"\r\n"
        "Content-Type: application/json\r\n\r\n{\"a\":1}"
        "\r\n--XX\r\nContent-Disposition: form-data; name=\"files[0]\"; filename=\"a.csv\"\r\n"
        "Content-Type: text/csv\r\n\r\nid\r\n1\r\n"
        "\r\n--XX\r\nContent-Disposition: form-data; name=\"files[1]\"; "
        "filename=\"b%22%0D%0A.png\"\r\n"
        "Content-Type: image/png\r\n\r\n\0\1"
        "\r\n--XX--\r\n";
    struct buf b;

    (void)state;
    buf_init(&b, 0);
    form_multipart("XX", "{\"a\":1}", 7, files, 2, &b);
    assert_int_equal(buf_len(&b), sizeof(expected) - 1);
    assert_memory_equal(buf_bytes(&b), expected, sizeof(expected) - 1);
    buf_clear(&b);
}

static void test_boundaries_differ(void **state)
{
    char a[FORM_BOUNDARY_SIZE], b[FORM_BOUNDARY_SIZE];

    (void)state;
    form_boundary(a);
    form_boundary(b);
    assert_int_equal(strlen(a), FORM_BOUNDARY_SIZE - 1);
    assert_string_not_equal(a, b);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_path),
        cmocka_unit_test(test_reason),
        cmocka_unit_test(test_reason_of_bytes_that_are_no_utf8),
        cmocka_unit_test(test_reason_is_cut_between_characters),
        cmocka_unit_test(test_multipart),
        cmocka_unit_test(test_boundaries_differ),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
