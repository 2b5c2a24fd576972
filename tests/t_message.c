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

/* --- selects and forms -------------------------------------------------------------------------
 */

static const struct json *part(const struct json *message, size_t row, size_t n)
{
    return json_at(json_get(json_at(json_get(message, "components"), row), "components"), n);
}

static void test_selects_have_rows_of_their_own(void **state)
{
    static const struct message_choice choices[] = {{"a", "A", "first", false},
                                                    {"b", "B", NULL, true}};
    const snowflake_t role = {7};
    struct message m;
    struct json *j;
    const struct json *select;

    (void)state;
    message_init(&m);
    message_button(&m, MESSAGE_PRIMARY, "before", "x", false);
    message_select(&m, "which?", "s", choices, 2);
    message_pick(&m, MESSAGE_PICK_ROLE, "role", "r", role, 0);
    message_pick(&m, MESSAGE_PICK_CHANNEL, "channel", "c", SNOWFLAKE_NONE, 1u << 0 | 1u << 5);
    message_button(&m, MESSAGE_PRIMARY, "behind", "y", false);
    message_select(&m, "one too many", "z", choices, 2);
    j = printed(&m, true);
    assert_int_equal(json_size(json_get(j, "components")), 5);
    assert_string_equal(json_string(json_get(part(j, 0, 0), "label"), ""), "before");
    select = part(j, 1, 0);
    assert_int_equal(json_int(json_get(select, "type"), 0), 3);
    assert_string_equal(json_string(json_get(select, "placeholder"), ""), "which?");
    assert_int_equal(json_size(json_get(select, "options")), 2);
    assert_null(json_get(json_at(json_get(select, "options"), 0), "default"));
    assert_null(json_get(json_at(json_get(select, "options"), 1), "description"));
    assert_true(json_bool(json_get(json_at(json_get(select, "options"), 1), "default"), false));
    select = part(j, 2, 0);
    assert_int_equal(json_int(json_get(select, "type"), 0), 6);
    assert_int_equal(json_int(json_get(select, "min_values"), 9), 0);
    assert_int_equal(json_id(json_get(json_at(json_get(select, "default_values"), 0), "id")), 7);
    select = part(j, 3, 0);
    assert_null(json_get(select, "default_values"));
    assert_int_equal(json_int(json_at(json_get(select, "channel_types"), 1), 0), 5);
    assert_string_equal(json_string(json_get(part(j, 4, 0), "label"), ""), "behind");
    json_free(&j);
    message_clear(&m);
}

static void test_selects_are_cut(void **state)
{
    struct message_choice choices[30];
    struct message m;
    struct json *j;
    struct buf text;

    (void)state;
    buf_init(&text, 0);
    fill(&text, 300);
    for (size_t i = 0; i < 30; i++)
        choices[i] = (struct message_choice){"v", buf_cstr(&text), buf_cstr(&text), false};
    message_init(&m);
    message_select(&m, buf_cstr(&text), "s", choices, 30);
    message_select(&m, "no room for this id", buf_cstr(&text), choices, 30);
    j = printed(&m, true);
    assert_int_equal(json_size(json_get(j, "components")), 1);
    assert_int_equal(json_size(json_get(part(j, 0, 0), "options")), MESSAGE_SELECT_MAX);
    assert_int_equal(chars_of(json_get(part(j, 0, 0), "placeholder")), MESSAGE_HINT_MAX);
    assert_int_equal(chars_of(json_get(json_at(json_get(part(j, 0, 0), "options"), 0), "label")),
                     MESSAGE_CHOICE_MAX);
    json_free(&j);
    message_clear(&m);
    buf_clear(&text);
}

static void test_forms(void **state)
{
    struct message_line lines[6];
    struct json *j;
    const struct json *label;
    struct buf out, text;

    (void)state;
    buf_init(&out, 0);
    buf_init(&text, 0);
    fill(&text, 300);
    for (size_t i = 0; i < 6; i++)
        lines[i] = (struct message_line){"days",         buf_cstr(&text), "such as 3d",
                                         i ? "" : "30d", i ? 0 : 1,       40};
    buf_putc(&out, '{');
    message_modal_print(buf_cstr(&text), "id", lines, 6, &out);
    buf_putc(&out, '}');
    j = json_parse(buf_cstr(&out), buf_len(&out), NULL);
    assert_non_null(j);
    assert_int_equal(chars_of(json_get(j, "title")), MESSAGE_LINE_LABEL_MAX);
    assert_int_equal(json_size(json_get(j, "components")), MESSAGE_LINES_MAX);
    label = json_at(json_get(j, "components"), 0);
    assert_int_equal(chars_of(json_get(label, "label")), MESSAGE_LINE_LABEL_MAX);
    assert_string_equal(json_string(json_get(json_get(label, "component"), "value"), ""), "30d");
    assert_true(json_bool(json_get(json_get(label, "component"), "required"), false));
    label = json_at(json_get(j, "components"), 1);
    assert_null(json_get(json_get(label, "component"), "value"));
    assert_false(json_bool(json_get(json_get(label, "component"), "required"), true));
    json_free(&j);
    buf_clear(&out);
    buf_clear(&text);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_selects_have_rows_of_their_own),
        cmocka_unit_test(test_selects_are_cut),
        cmocka_unit_test(test_forms),
        cmocka_unit_test(test_plain),
        cmocka_unit_test(test_edit),
        cmocka_unit_test(test_embed_limits),
        cmocka_unit_test(test_buttons),
        cmocka_unit_test(test_files),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
