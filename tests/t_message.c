/* Messages stay within Discord's limits, whatever is put into them, and mention nobody by chance.
 */
#include "cmocka_all.h"

#include <string.h>

#include "presence/json.h"
#include "presence/message.h"
#include "presence/text.h"

static struct json *printed(const struct message *m, bool with_flags)
{
    struct json *j;
    struct buf out;

    buf_init(&out, 0);
    buf_putc(&out, '{');
    message_print(m, with_flags, &out);
    buf_putc(&out, '}');
    j = json_parse(buf_cstr(&out), buf_len(&out), NULL);
    if (!j)
        fail_msg("%s", buf_cstr(&out));
    buf_clear(&out);
    return j;
}

static size_t chars_of(const struct json *j)
{
    return text_chars(json_string(j, ""));
}

static void fill(struct buf *b, size_t n)
{
    while (n-- > 0)
        buf_puts(b, "\xf0\x9f\x98\x80");
}

static void test_plain(void **state)
{
    struct message m;
    struct json *j;

    (void)state;
    message_init(&m);
    buf_puts(&m.content, "hello \"you\"");
    j = printed(&m, true);
    assert_string_equal(json_string(json_get(j, "content"), ""), "hello \"you\"");
    assert_int_equal(json_int(json_get(j, "flags"), 0), MESSAGE_EPHEMERAL);
    assert_null(json_get(j, "embeds"));
    assert_int_equal(json_size(json_get(json_get(j, "allowed_mentions"), "parse")), 0);
    assert_null(json_get(json_get(j, "allowed_mentions"), "users"));
    json_free(&j);
    m.everybody = true;
    m.mention.id = 77;
    j = printed(&m, true);
    assert_null(json_get(j, "flags"));
    assert_string_equal(
        json_string(json_at(json_get(json_get(j, "allowed_mentions"), "users"), 0), ""), "77");
    json_free(&j);
    message_clear(&m);
}

/* An edit says what is empty too: what was there before goes away. */
static void test_edit(void **state)
{
    struct message m;
    struct json *j;

    (void)state;
    message_init(&m);
    buf_puts(&m.body, "x");
    j = printed(&m, false);
    assert_string_equal(json_string(json_get(j, "content"), "?"), "");
    assert_int_equal(json_size(json_get(j, "embeds")), 1);
    assert_null(json_get(j, "flags"));
    assert_true(json_is_array(json_get(j, "components")));
    json_free(&j);
    message_clear(&m);
}

static size_t embed_chars(const struct json *e)
{
    size_t sum = chars_of(json_get(e, "title")) + chars_of(json_get(e, "description")) +
                 chars_of(json_get(json_get(e, "footer"), "text"));

    for (const struct json *f = json_first(json_get(e, "fields")); f; f = json_next(f)) {
        assert_in_range(chars_of(json_get(f, "name")), 1, MESSAGE_FIELD_NAME_MAX);
        assert_in_range(chars_of(json_get(f, "value")), 1, MESSAGE_FIELD_VALUE_MAX);
        sum += chars_of(json_get(f, "name")) + chars_of(json_get(f, "value"));
    }
    return sum;
}

static void test_embed_limits(void **state)
{
    static const size_t lengths[] = {0, 1, 100, 1000, 5000, 20000};
    const size_t n = sizeof(lengths) / sizeof(lengths[0]);
    struct buf value;

    (void)state;
    for (size_t a = 0; a < n; a++)
        for (size_t b = 0; b < n; b++) {
            struct message m;
            struct json *j;
            const struct json *e;

            message_init(&m);
            buf_init(&value, 0);
            fill(&m.title, lengths[a]);
            fill(&m.body, lengths[b]);
            fill(&m.footer, lengths[a]);
            fill(&value, lengths[b]);
            for (int i = 0; i < 40; i++)
                message_field(&m, i % 2 ? "name" : "", buf_cstr(&value), i % 2);
            j = printed(&m, true);
            e = json_at(json_get(j, "embeds"), 0);
            assert_true(chars_of(json_get(e, "title")) <= MESSAGE_TITLE_MAX);
            assert_true(chars_of(json_get(e, "description")) <= MESSAGE_BODY_MAX);
            assert_true(json_size(json_get(e, "fields")) <= MESSAGE_FIELDS_MAX);
            assert_true(embed_chars(e) <= MESSAGE_EMBED_MAX);
            json_free(&j);
            buf_clear(&value);
            message_clear(&m);
        }
}

static void test_buttons(void **state)
{
    char long_id[MESSAGE_CUSTOM_ID_MAX + 2];
    struct message m;
    struct json *j;
    const struct json *rows;

    (void)state;
    memset(long_id, 'x', sizeof(long_id) - 1);
    long_id[sizeof(long_id) - 1] = '\0';
    message_init(&m);
    message_button(&m, MESSAGE_DANGER, "Too long", long_id, false);
    assert_int_equal(m.n_rows, 0);
    for (int i = 0; i < 40; i++)
        message_button(&m, MESSAGE_PRIMARY, "Press", long_id + 1, i == 1);
    j = printed(&m, true);
    rows = json_get(j, "components");
    assert_int_equal(json_size(rows), MESSAGE_ROWS_MAX);
    for (const struct json *r = json_first(rows); r; r = json_next(r))
        assert_int_equal(json_size(json_get(r, "components")), MESSAGE_BUTTONS_MAX);
    assert_true(json_bool(
        json_get(json_at(json_get(json_at(rows, 0), "components"), 1), "disabled"), false));
    json_free(&j);
    message_clear(&m);
}

static void test_files(void **state)
{
    struct message m;
    struct buf bytes;
    struct json *j;
    const struct json *named;

    (void)state;
    message_init(&m);
    buf_init(&bytes, 0);
    for (unsigned i = 0; i < MESSAGE_FILES_MAX + 2; i++) {
        buf_puts(&bytes, "id\r\n1\r\n");
        message_file(&m, i ? "b.csv" : "a \"b\".csv", "text/csv", &bytes);
        assert_int_equal(buf_len(&bytes), 0);
    }
    assert_int_equal(m.n_files, MESSAGE_FILES_MAX);
    assert_int_equal(buf_len(&m.files[0].bytes), 7);
    j = printed(&m, true);
    named = json_get(j, "attachments");
    assert_int_equal(json_size(named), MESSAGE_FILES_MAX);
    assert_string_equal(json_string(json_get(json_at(named, 0), "id"), ""), "0");
    assert_string_equal(json_string(json_get(json_at(named, 0), "filename"), ""), "a \"b\".csv");
    json_free(&j);
    message_clear(&m);
    /* An edit takes away the files that were there. */
    j = printed(&m, false);
    assert_true(json_is_array(json_get(j, "attachments")));
    assert_int_equal(json_size(json_get(j, "attachments")), 0);
    json_free(&j);
    j = printed(&m, true);
    assert_null(json_get(j, "attachments"));
    json_free(&j);
    message_clear(&m);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_plain),        cmocka_unit_test(test_edit),
        cmocka_unit_test(test_embed_limits), cmocka_unit_test(test_buttons),
        cmocka_unit_test(test_files),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
