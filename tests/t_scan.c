/* scan: readers, walking, errors; the skipping variants against each other; and the walk against a
 * real parser on mutated frames. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cJSON.h>
#include <cmocka.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "discord/scan_skip.h"
#include "presence/buf.h"
#include "presence/scan.h"

static struct slice text(const char *s)
{
    return (struct slice){s, strlen(s)};
}

/* Reproducible: the same on every machine. */
static uint32_t next_random(uint32_t *state)
{
    *state = *state * 1664525u + 1013904223u;
    return *state >> 8;
}

/* --- readers ---------------------------------------------------------------------------------- */

static void numbers(void **state)
{
    static const struct {
        const char *in;
        bool u64, i64, ms;
        uint64_t u;
        int64_t i, m;
    } cases[] = {
        {"0", true, true, true, 0, 0, 0},
        {"7", true, true, true, 7, 7, 7000},
        {"12345678", true, true, true, 12345678, 12345678, 12345678000},
        {"18446744073709551615", true, false, false, UINT64_MAX, 0, 0},
        {"18446744073709551616", false, false, false, 0, 0, 0},
        {"99999999999999999999", false, false, false, 0, 0, 0},
        {"123456789012345678901", false, false, false, 0, 0, 0},
        {"9223372036854775807", true, true, false, INT64_MAX, INT64_MAX, 0},
        {"-5", false, true, true, 0, -5, -5000},
        {"17.3", false, true, true, 0, 17, 17300},
        {"0.0019", false, true, true, 0, 0, 1},
        {"-1.25", false, true, true, 0, -1, -1250},
        {"1.", false, false, false, 0, 0, 0},
        {"1.x", false, false, false, 0, 0, 0},
        {"-", false, false, false, 0, 0, 0},
        {"", false, false, false, 0, 0, 0},
        {"1e3", false, false, false, 0, 0, 0},
        {"1234567:", false, false, false, 0, 0, 0},
        {"1234/678", false, false, false, 0, 0, 0},
        {"\"7\"", false, false, false, 0, 0, 0},
        {"null", false, false, false, 0, 0, 0},
    };

    (void)state;
    for (size_t k = 0; k < sizeof(cases) / sizeof(cases[0]); k++) {
        uint64_t u = 0;
        int64_t i = 0, m = 0;

        assert_int_equal(scan_u64(text(cases[k].in), &u), cases[k].u64);
        assert_int_equal(u, cases[k].u);
        assert_int_equal(scan_i64(text(cases[k].in), &i), cases[k].i64);
        assert_int_equal(i, cases[k].i);
        assert_int_equal(scan_ms(text(cases[k].in), &m), cases[k].ms);
        assert_int_equal(m, cases[k].m);
    }
}

static void every_byte_in_eight_digits(void **state)
{
    char in[9] = "12345678";
    uint64_t v;

    (void)state;
    for (unsigned at = 0; at < 8; at++) {
        for (unsigned c = 0; c < 256; c++) {
            in[at] = (char)c;
            assert_int_equal(scan_u64((struct slice){in, 8}, &v), c >= '0' && c <= '9');
        }
        in[at] = (char)('1' + at);
    }
}

static void other_values(void **state)
{
    snowflake_t id = {1};
    unixms_t t = {1};
    uint64_t v = 1;
    bool b = false;

    (void)state;
    assert_true(scan_bool(text("true"), &b) && b);
    assert_true(scan_bool(text("false"), &b) && !b);
    assert_false(scan_bool(text("\"true\""), &b));
    assert_false(scan_bool(SLICE_NONE, &b));
    assert_true(scan_is_null(SLICE_NONE));
    assert_true(scan_is_null(text("null")));
    assert_false(scan_is_null(text("0")));
    assert_true(scan_snowflake(text("\"1213063181107335175\""), &id));
    assert_int_equal(id.id, UINT64_C(1213063181107335175));
    assert_true(scan_snowflake(text("123123"), &id)); /* other servers */
    assert_int_equal(id.id, 123123);
    assert_false(scan_snowflake(text("\"0\""), &id));
    assert_false(scan_snowflake(text("\"\""), &id));
    assert_false(scan_snowflake(text("\"1213063181107335175x\""), &id));
    assert_false(scan_snowflake(text("null"), &id));
    assert_false(scan_snowflake(SLICE_NONE, &id));
    assert_true(scan_digits(text("\"1799666563140672\""), &v));
    assert_int_equal(v, UINT64_C(1799666563140672));
    assert_true(scan_digits(text("\"0\""), &v));
    assert_true(scan_time(text("\"2026-08-01T12:00:00.123000+00:00\""), &t));
    assert_int_equal(t.ms, INT64_C(1785585600123));
    assert_false(scan_time(text("\"2026-08-01\""), &t));
    assert_false(scan_time(text("5"), &t));
}

static void strings(void **state)
{
    static const struct {
        const char *in, *out;
    } cases[] = {
        {"\"\"", ""},
        {"\"plain\"", "plain"},
        {"\"\\\"\\\\\\/\\b\\f\\n\\r\\t\"", "\"\\/\b\f\n\r\t"},
        {"\"\\u0041\\u00e9\\u20AC\"", "A\xc3\xa9\xe2\x82\xac"},
        {"\"\\ud83d\\ude00!\"", "\xf0\x9f\x98\x80!"},
        {"\"\\ud83dx\"", "\xef\xbf\xbdx"},
        {"\"\\ude00\"", "\xef\xbf\xbd"},
        {"\"\\ud83d\\u0041\"", "\xef\xbf\xbd"
                               "A"},
        {"\"a\\u0000b\"", "a\xef\xbf\xbd"
                          "b"},
        {"\"\\u12\"", "\xef\xbf\xbd"
                      "12"},
        {"\"\xc3\xa9\xf0\x9f\x98\x80\"", "\xc3\xa9\xf0\x9f\x98\x80"},
        {"\"\xff\"", "\xef\xbf\xbd"},
        {"\"\xc3\"", "\xef\xbf\xbd"},
        {"\"\xc0\x80\"", "\xef\xbf\xbd\xef\xbf\xbd"},                 /* overlong */
        {"\"\xed\xa0\x80\"", "\xef\xbf\xbd\xef\xbf\xbd\xef\xbf\xbd"}, /* surrogate */
        {"12", ""},
        {"null", ""},
    };
    char out[64];

    (void)state;
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        size_t len = scan_string(text(cases[i].in), out, sizeof(out));

        assert_int_equal(len, strlen(cases[i].out));
        assert_memory_equal(out, cases[i].out, len);
    }
    assert_int_equal(scan_string(SLICE_NONE, out, sizeof(out)), 0);
    /* cut between characters */
    assert_int_equal(scan_string(text("\"abc\xf0\x9f\x98\x80\""), out, 6), 3);
    assert_int_equal(scan_string(text("\"abc\xf0\x9f\x98\x80\""), out, 7), 7);
    assert_int_equal(scan_string(text("\"abc\""), out, 0), 0);
}

/* --- walking ---------------------------------------------------------------------------------- */

static void fields(void **state)
{
    struct slice id, author, guild_id, long_name;
    const struct scan_field wanted[] = {
        SCAN_FIELD("id", &id),
        SCAN_FIELD("author", &author),
        SCAN_FIELD("guild_id", &guild_id),
        SCAN_FIELD("communication_disabled_until", &long_name),
    };

    (void)state;
    /* nested objects, strings that look like keys, any order */
    assert_null(scan_fields(
        text("{\"content\":\"\\\"id\\\":\\\"5\\\",\",\"x\":{\"id\":\"6\",\"guild_id\":\"7\"},"
             "\"communication_disabled_until\":null,\"communication_disabled_untiX\":4,"
             "\"guild_id\":\"1\",\"a\":[{\"id\":1}],\"author\":{\"id\":\"2\"},\"id\":\"3\"}"),
        wanted, 4));
    assert_true(slice_is(id, "\"3\""));
    assert_true(slice_is(guild_id, "\"1\""));
    assert_true(slice_is(author, "{\"id\":\"2\"}"));
    assert_true(slice_is(long_name, "null"));
    /* white space */
    assert_null(scan_fields(text("{ \"id\" :\t1 ,\r\n\"author\": [ ] }"), wanted, 4));
    assert_true(slice_is(id, "1"));
    assert_true(slice_is(author, "[ ]"));
    assert_null(guild_id.p);
    /* of a key that comes twice the last one */
    assert_null(scan_fields(text("{\"id\":1,\"id\":2}"), wanted, 4));
    assert_true(slice_is(id, "2"));
    /* keys written with escapes */
    assert_null(scan_fields(text("{\"\\u0069d\":4,\"gu\\u0069ld_id\":5,\"\\\"id\":6}"), wanted, 4));
    assert_true(slice_is(id, "4"));
    assert_true(slice_is(guild_id, "5"));
    assert_null(scan_fields(text("{}"), wanted, 4));
    assert_null(id.p);
    assert_null(scan_fields(text("{\"\":1}"), wanted, 4));
}

static void errors(void **state)
{
    static const struct {
        const char *in, *error;
    } cases[] = {
        {"", "expected an object"},
        {"{", "expected an object"},
        {"[]", "expected an object"},
        {"nu", "expected an object"},
        {"{\"a\"", "expected a colon behind a key"},
        {"{\"a\":", "expected a value that is closed before the end"},
        {"{\"a\":}", "expected a value that is closed before the end"},
        {"{\"a\":1", "expected a closing bracket before the end"},
        {"{\"a\":1,", "expected a key in quotes"},
        {"{\"a\":1,}", "expected a key in quotes"},
        {"{,}", "expected a key in quotes"},
        {"{\"a\":1 \"b\":2}", "expected a comma or a closing bracket"},
        {"{\"a\":1]", "expected a comma or a closing bracket"},
        {"{a:1}", "expected a key in quotes"},
        {"{\"a:1}", "expected a closing quote before the end"},
        {"{\"a\\\":1}", "expected a closing quote before the end"},
        {"{\"a\":\"b}", "expected a value that is closed before the end"},
        {"{\"a\":\"b\\", "expected a value that is closed before the end"},
        {"{\"a\":[1,2}", "expected a closing bracket before the end"}, /* brackets are counted */
        {"{\"a\":[[1,2]", "expected a value that is closed before the end"},
        {"{\"a\":[\\\"]}", "expected a value that is closed before the end"},
        {"{\"a\":nul}", "expected a value that is closed before the end"},
        {"{\"a\":tru", "expected a value that is closed before the end"},
        {"{\"a\":x}", "expected a value that is closed before the end"},
    };
    struct slice id;
    const struct scan_field wanted[] = {SCAN_FIELD("id", &id)};
    struct scan scan;

    (void)state;
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        const char *error = scan_fields(text(cases[i].in), wanted, 1);

        if (!error || strcmp(error, cases[i].error) != 0)
            fail_msg("%s: got %s", cases[i].in, error ? error : "no error");
    }
    assert_false(scan_array(&scan, text("{}")));
    assert_string_equal(scan.error, "expected an array");
}

static void arrays(void **state)
{
    struct scan scan;
    struct slice value;

    (void)state;
    assert_true(scan_array(&scan, text("[ ]")));
    assert_false(scan_element(&scan, &value));
    assert_null(scan.error);
    assert_true(scan_array(&scan, text("[1, {\"a\":[2]},\"],\", null]")));
    assert_true(scan_element(&scan, &value) && slice_is(value, "1"));
    assert_true(scan_element(&scan, &value) && slice_is(value, "{\"a\":[2]}"));
    assert_true(scan_element(&scan, &value) && slice_is(value, "\"],\""));
    assert_true(scan_element(&scan, &value) && slice_is(value, "null"));
    assert_false(scan_element(&scan, &value));
    assert_null(scan.error);
    assert_true(scan_array(&scan, text("[1,]")));
    assert_true(scan_element(&scan, &value));
    assert_false(scan_element(&scan, &value));
    assert_non_null(scan.error);
}

/* --- skipping --------------------------------------------------------------------------------- */

/* Whatever the bytes, all variants end at the same place and note the same key. The bytes lie at
 * the very end of their allocation, so that a sanitizer sees one byte read too far. */
static void variants_agree(void **state)
{
    static const char alphabet[] = "\"\"\"\"\\{}[]::,id guild_x0";
    uint32_t seed = 1;

    (void)state;
    for (unsigned round = 0; round < 60000; round++) {
        size_t len = 2 + next_random(&seed) % 300;
        char *p = malloc(len);
        struct skip_watch watch[3];
        const char *after[3];

        assert_non_null(p);
        for (size_t i = 0; i < len; i++) {
            /* stretches of filler make escapes and brackets fall anywhere in a block */
            p[i] = next_random(&seed) % 3 ? 'a'
                                          : alphabet[next_random(&seed) % (sizeof(alphabet) - 1)];
            if (i + 5 < len && next_random(&seed) % 16 == 0) {
                memcpy(p + i, "\"id\":", 5);
                i += 4;
            }
        }
        p[0] = round % 2 ? '{' : '[';
        for (size_t v = 0; v < 3; v++)
            watch[v] = (struct skip_watch){"id", 2, NULL};
        after[0] = skip_container_portable(p, p + len, &watch[0]);
        after[1] = skip_container_sse2(p, p + len, &watch[1]);
        after[2] = skip_container_avx2(p, p + len, &watch[2]);
        for (size_t v = 1; v < 3; v++) {
            assert_ptr_equal(after[v], after[0]);
            if (after[0]) /* of bytes that are refused nothing is used */
                assert_ptr_equal(watch[v].found, watch[0].found);
        }
        free(p);
    }
}

static void watched_key(void **state)
{
    static const struct {
        const char *in;
        int at; /* -1 = not there */
    } cases[] = {
        {"{\"id\":1}", 1},
        {"{\"id\" :1}", 1},
        {"{\"x\":{\"id\":1}}", -1},
        {"{\"x\":[{\"id\":1}],\"id\":2}", 16},
        {"{\"id\":1,\"id\":2}", 8},
        {"{\"x\":\"id\"}", -1},
        {"{\"x\":\"id\",\"y\":1}", -1},
        {"{\"x\":\"\\\"id\\\":1\"}", -1},
        {"{\"idx\":1}", -1},
    };

    (void)state;
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        const char *p = cases[i].in, *end = p + strlen(p);
        struct skip_watch watch = {"id", 2, NULL};

        assert_ptr_equal(skip_container(p, end, &watch), end);
        assert_int_equal(watch.found ? (int)(watch.found - p) : -1, cases[i].at);
    }
}

static void long_strings(void **state)
{
    (void)state;
    for (size_t len = 0; len < 200; len++) {
        char *p = malloc(len + 3);
        bool escaped = false;

        assert_non_null(p);
        memset(p, 'x', len);
        p[len] = '"';
        assert_ptr_equal(skip_string(p, p + len + 1, &escaped), p + len);
        assert_ptr_equal(skip_short_string(p, p + len + 1, &escaped), p + len);
        assert_false(escaped);
        assert_null(skip_string(p, p + len, &escaped));
        assert_null(skip_short_string(p, p + len, &escaped));
        memcpy(p + len, "\\\"\"", 3);
        assert_ptr_equal(skip_short_string(p, p + len + 3, &escaped), p + len + 2);
        assert_true(escaped);
        assert_null(skip_string(p, p + len + 1, &escaped));
        free(p);
    }
}

/* --- against a real parser -------------------------------------------------------------------- */

static bool same_text(struct slice value, const char *expected)
{
    size_t len = strlen(expected);
    char *out = malloc(value.len * 3 + 1);
    bool same = scan_string(value, out, value.len * 3 + 1) == len && !memcmp(out, expected, len);

    free(out);
    return same;
}

static bool same(struct slice value, const cJSON *item)
{
    struct scan scan;
    struct slice key, part;
    const cJSON *child = item->child;
    bool b;

    if (cJSON_IsString(item))
        return scan_is_string(value) && same_text(value, item->valuestring);
    if (cJSON_IsBool(item))
        return scan_bool(value, &b) && b == cJSON_IsTrue(item);
    if (cJSON_IsNull(item))
        return scan_is_null(value);
    if (cJSON_IsObject(item)) {
        if (!scan_object(&scan, value))
            return false;
        for (; scan_member(&scan, &key, &part); child = child->next) {
            struct slice quoted = {key.p - 1, key.len + 2};

            if (!child || !same_text(quoted, child->string) || !same(part, child))
                return false;
        }
        return !child && !scan.error && scan.p == value.p + value.len;
    }
    if (cJSON_IsArray(item)) {
        if (!scan_array(&scan, value))
            return false;
        for (; scan_element(&scan, &part); child = child->next)
            if (!child || !same(part, child))
                return false;
        return !child && !scan.error && scan.p == value.p + value.len;
    }
    return value.len > 0 && strchr("-0123456789", value.p[0]);
}

/* The first character is no part of what may change: the frame stays an object. */
static size_t mutate(char *p, size_t len, size_t cap, uint32_t *seed)
{
    static const char bytes[] = "\"\\{}[],:0n u";
    size_t at = 1 + next_random(seed) % (len - 1);

    if ((unsigned char)p[at] >= 0x80)
        return len; /* characters are left whole */
    switch (next_random(seed) % 4) {
    case 0:
        p[at] = bytes[next_random(seed) % (sizeof(bytes) - 1)];
        break;
    case 1:
        memmove(p + at, p + at + 1, len - at - 1);
        len--;
        break;
    case 2:
        if (len < cap) {
            memmove(p + at + 1, p + at, len - at);
            p[at] = bytes[next_random(seed) % (sizeof(bytes) - 1)];
            len++;
        }
        break;
    default: /* swap two plain bytes */
        if (at + 1 < len && (unsigned char)p[at + 1] < 0x80) {
            char c = p[at];

            p[at] = p[at + 1];
            p[at + 1] = c;
        }
    }
    return len;
}

static void against_parser(void **state)
{
    FILE *file = fopen(SRCDIR "/tests/data/events.jsonl", "r");
    char *line = NULL;
    size_t cap = 0, accepted = 0, refused = 0;
    ssize_t got;
    uint32_t seed = 7;

    (void)state;
    assert_non_null(file);
    while ((got = getline(&line, &cap, file)) > 0) {
        size_t len = strcspn(line, "\n"), room = len + 8;
        char *work = malloc(room);

        for (unsigned round = 0; round < 200; round++) {
            size_t n = len;
            const char *end;
            cJSON *item;

            memcpy(work, line, len);
            for (unsigned k = round ? 1 + next_random(&seed) % 3 : 0; k > 0; k--)
                n = mutate(work, n, room, &seed);
            if (memmem(work, n, "\\u", 2))
                continue; /* this parser reads broken ones as NUL; see strings() */
            item = cJSON_ParseWithLengthOpts(work, n, &end, false);
            if (item && end == work + n) {
                if (!same((struct slice){work, n}, item))
                    fail_msg("differs from the parser: %.*s", (int)n, work);
                accepted++;
            } else {
                refused++;
            }
            cJSON_Delete(item);
        }
        free(work);
    }
    free(line);
    fclose(file);
    assert_true(accepted > 1000); /* mutations inside strings leave it JSON */
    assert_true(refused > 1000);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(numbers),        cmocka_unit_test(every_byte_in_eight_digits),
        cmocka_unit_test(other_values),   cmocka_unit_test(strings),
        cmocka_unit_test(fields),         cmocka_unit_test(errors),
        cmocka_unit_test(arrays),         cmocka_unit_test(variants_agree),
        cmocka_unit_test(watched_key),    cmocka_unit_test(long_strings),
        cmocka_unit_test(against_parser),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
