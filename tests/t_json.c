/* json: exact parsing, look-ups that never trip, ids. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <stdlib.h>
#include <string.h>

#include "presence/json.h"

static struct json *parse(const char *text)
{
    return json_parse(text, strlen(text), NULL);
}

static void test_refuses_all_but_one_value(void **state)
{
    static const char *const bad[] = {"", "{", "{} x", "[1,]", "nul", "{\"a\":1}{}", "1 2"};
    char *error = NULL;

    (void)state;
    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
        assert_null(parse(bad[i]));
    assert_null(json_parse("[1,x]", 5, &error));
    assert_non_null(strstr(error, "byte"));
    free(error);
}

static void test_look_ups(void **state)
{
    struct json *j = parse(" {\"a\":{\"b\":[1,\"two\",null,true]},\"A\":5,\"id\":\"123\"} \n");
    const struct json *list = json_get(json_get(j, "a"), "b");

    (void)state;
    assert_int_equal(json_size(list), 4);
    assert_int_equal(json_int(json_at(list, 0), 7), 1);
    assert_string_equal(json_string(json_at(list, 1), "x"), "two");
    assert_true(json_is_null(json_at(list, 2)));
    assert_true(json_bool(json_at(list, 3), false));
    assert_null(json_at(list, 4));
    assert_int_equal(json_int(json_get(j, "A"), 0), 5);
    assert_int_equal(json_int(json_get(j, "id"), -1), -1); /* another type: the default */
    assert_null(json_get(json_get(json_get(j, "nothing"), "at"), "all"));
    assert_string_equal(json_key(json_first(j)), "a");
    assert_null(json_next(NULL));
    json_free(&j);
    assert_null(j);
}

static void test_ids(void **state)
{
    static const struct {
        const char *text;
        uint64_t id;
    } cases[] = {
        {"\"18446744073709551615\"", UINT64_MAX},
        {"\"18446744073709551616\"", 0},
        {"\"99999999999999999999\"", 0},
        {"\"1x\"", 0},
        {"\"\"", 0},
        {"\"-1\"", 0},
        {"123123", 123123},
        {"-5", 0},
        {"true", 0},
    };

    (void)state;
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        struct json *j = parse(cases[i].text);

        assert_true(json_id(j) == cases[i].id);
        json_free(&j);
    }
}

static void test_exact_integers(void **state)
{
    static const char text[] = "{\"g\":1213063181107335175,\"l\":[319626097459200001,5],"
                               "\"s\":\"\\\\\\\" 1213063181107335175\",\"f\":1.2345678901234567,"
                               "\"n\":-1213063181107335175}";
    struct json *j = json_parse_exact(text, strlen(text), NULL);

    (void)state;
    assert_true(json_id(json_get(j, "g")) == UINT64_C(1213063181107335175));
    assert_true(json_id(json_at(json_get(j, "l"), 0)) == UINT64_C(319626097459200001));
    assert_int_equal(json_int(json_at(json_get(j, "l"), 1), 0), 5);
    assert_string_equal(json_string(json_get(j, "s"), ""), "\\\" 1213063181107335175");
    assert_true(json_is_number(json_get(j, "f")) && json_is_number(json_get(j, "n")));
    json_free(&j);
    assert_null(json_parse_exact("\"open", 5, NULL));
    assert_null(json_parse_exact("\"\\", 2, NULL));
}

static void test_print(void **state)
{
    struct json *j = parse("{\"a\" : [ 1 , \"\\u0041\" ]}");
    struct buf b;

    (void)state;
    buf_init(&b, 0);
    json_print(j, &b);
    json_print(NULL, &b);
    assert_string_equal(buf_cstr(&b), "{\"a\":[1,\"A\"]}null");
    buf_clear(&b);
    json_free(&j);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_refuses_all_but_one_value),
        cmocka_unit_test(test_look_ups),
        cmocka_unit_test(test_ids),
        cmocka_unit_test(test_exact_integers),
        cmocka_unit_test(test_print),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
