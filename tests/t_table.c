/* Rows as files: quoting, formulas, bounds; and that every kind of activity has its family. */
#include "cmocka_all.h"

#include <stdlib.h>
#include <string.h>

#include "cogs/kinds.h"
#include "cogs/table.h"
#include "presence/activity.h"

static const struct table_column columns[] = {
    {"id", "id"}, {"name", "user.name"}, {"share", "share"}, {NULL, NULL}};

static void add(struct table *t, const char *text)
{
    struct json *node = json_parse(text, strlen(text), NULL);

    assert_non_null(node);
    table_row(t, node);
    json_free(&node);
}

#define PLAIN    "{\"id\":\"994893149241479228\",\"user\":{\"name\":\"Mira\"},\"share\":0.5}"
#define FORMULA  "{\"id\":\"1\",\"user\":{\"name\":\"=1+1\"},\"share\":null}"
#define QUOTES   "{\"id\":\"2\",\"user\":{\"name\":\"a \\\"b\\\",\\r\\n\\tc\"}}"
#define NOBODY   "{\"id\":\"3\",\"user\":null,\"share\":true}"
#define LAST_ONE "{\"id\":\"4\",\"user\":{\"name\":\"@x\"},\"share\":1}"

static void check(enum table_format format, const char *expected)
{
    struct table t;

    table_begin(&t, format, columns, 10000);
    add(&t, PLAIN);
    add(&t, FORMULA);
    add(&t, QUOTES);
    add(&t, NOBODY);
    add(&t, LAST_ONE);
    table_end(&t);
    assert_string_equal(buf_cstr(&t.bytes), expected);
    assert_int_equal(t.rows, 5);
    assert_false(t.full);
    table_clear(&t);
}

static void test_formats(void **state)
{
    (void)state;
    check(TABLE_CSV, "id,name,share\r\n"
                     "\"994893149241479228\",\"Mira\",0.5\r\n"
                     "\"1\",\"'=1+1\",\r\n"
                     "\"2\",\"a \"\"b\"\",\r\n\tc\",\r\n"
                     "\"3\",,true\r\n"
                     "\"4\",\"'@x\",1\r\n");
    check(TABLE_TXT, "id\tname\tshare\n"
                     "994893149241479228\tMira\t0.5\n"
                     "1\t=1+1\t\n"
                     "2\ta \"b\",   c\t\n"
                     "3\t\ttrue\n"
                     "4\t@x\t1\n");
    check(TABLE_JSON, "[\n{\"id\":\"994893149241479228\",\"name\":\"Mira\",\"share\":0.5},\n"
                      "{\"id\":\"1\",\"name\":\"=1+1\",\"share\":null},\n"
                      "{\"id\":\"2\",\"name\":\"a \\\"b\\\",\\r\\n\\tc\",\"share\":null},\n"
                      "{\"id\":\"3\",\"name\":null,\"share\":true},\n"
                      "{\"id\":\"4\",\"name\":\"@x\",\"share\":1}\n]\n");
}

/* What is cut is cut between rows, and the file is whole nevertheless. */
static void test_bounds(void **state)
{
    (void)state;
    for (unsigned format = TABLE_CSV; format <= TABLE_TXT; format++)
        for (size_t max = 16; max < 140; max++) {
            struct table t;
            size_t rows;

            table_begin(&t, format, columns, max);
            for (unsigned i = 0; i < 20; i++)
                add(&t, i == 10 ? PLAIN : LAST_ONE);
            rows = t.rows;
            assert_true(t.full && rows < 20);
            add(&t, LAST_ONE);
            assert_int_equal(t.rows, rows);
            table_end(&t);
            assert_true(buf_len(&t.bytes) <= max);
            if (format == TABLE_JSON) {
                struct json *j =
                    json_parse((const char *)buf_bytes(&t.bytes), buf_len(&t.bytes), NULL);

                assert_true(json_is_array(j));
                assert_int_equal(json_size(j), rows);
                json_free(&j);
            }
            table_clear(&t);
        }
}

static void test_names(void **state)
{
    (void)state;
    for (unsigned format = TABLE_CSV; format <= TABLE_TXT; format++)
        assert_int_equal(table_format_named(table_extension(format)), format);
    assert_string_equal(table_type(TABLE_CSV), "text/csv; charset=utf-8");
}

static void test_every_kind_has_one_family(void **state)
{
    struct buf all;

    (void)state;
    buf_init(&all, 0);
    for (const struct command_choice *c = kinds_choices; c->value; c++)
        kinds_put(c->value, &all);
    assert_null(strstr(buf_cstr(&all), "[]"));
    for (unsigned kind = ACTIVITY_NONE + 1; kind < ACTIVITY_KINDS; kind++) {
        char *name = xasprintf("\"%s\"", activity_infos[kind].graphql_name);
        const char *first = strstr(buf_cstr(&all), name);

        if (!first || strstr(first + 1, name))
            fail_msg("%s belongs to no family, or to several", name);
        free(name);
    }
    buf_clear(&all);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_formats),
        cmocka_unit_test(test_bounds),
        cmocka_unit_test(test_names),
        cmocka_unit_test(test_every_kind_has_one_family),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
