/* Signed custom ids: for one guild, one user, until a moment, and not to be made up. */
#include "cmocka_all.h"

#include <string.h>

#include "presence/custom_id.h"

static const snowflake_t guild = {7}, user = {UINT64_MAX};
static const unixms_t now = {1795451460000}, later = {1795451460000 + 900000};

static enum custom_id_verdict read_as(const char *secret, snowflake_t g, snowflake_t u,
                                      const char *text, size_t len, unixms_t at,
                                      struct custom_id *id)
{
    struct custom_id_key key;

    custom_id_derive(secret, &key);
    return custom_id_read(&key, g, u, text, len, at, id);
}

static void make(const char *name, const char *data, char out[CUSTOM_ID_SIZE])
{
    struct custom_id_key key;

    custom_id_derive("secret", &key);
    custom_id_print(&key, guild, user, name, data, later, out);
    assert_true(strlen(out) <= 100);
}

static void test_round_trip(void **state)
{
    static const char *const rows[][2] = {
        {"page", "17"},
        {"abcdefghijklmnop", "0123456789012345678901234567890123456789"},
        {"x_y", ""},
        {"a", "AZaz09_-"},
    };
    char text[CUSTOM_ID_SIZE];
    struct custom_id id;

    (void)state;
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        make(rows[i][0], rows[i][1], text);
        assert_int_equal(read_as("secret", guild, user, text, strlen(text), now, &id),
                         CUSTOM_ID_GOOD);
        assert_string_equal(id.name, rows[i][0]);
        assert_string_equal(id.data, rows[i][1]);
    }
}

static void test_others(void **state)
{
    const unixms_t before = {later.ms - 1};
    char text[CUSTOM_ID_SIZE];
    struct custom_id id;
    size_t len;

    (void)state;
    make("page", "17", text);
    len = strlen(text);
    assert_int_equal(read_as("secret", guild, user, text, len, before, &id), CUSTOM_ID_GOOD);
    assert_int_equal(read_as("secret", guild, user, text, len, later, &id), CUSTOM_ID_EXPIRED);
    assert_string_equal(id.name, "page");
    assert_int_equal(read_as("other", guild, user, text, len, now, &id), CUSTOM_ID_FOREIGN);
    assert_int_equal(read_as("secret", (snowflake_t){8}, user, text, len, now, &id),
                     CUSTOM_ID_FOREIGN);
    assert_int_equal(read_as("secret", guild, (snowflake_t){8}, text, len, now, &id),
                     CUSTOM_ID_FOREIGN);
    assert_int_equal(read_as("secret", guild, user, text, len, (unixms_t){later.ms * 2}, &id),
                     CUSTOM_ID_EXPIRED);
}

/* Whatever is changed, cut or added. */
static void test_made_up(void **state)
{
    static const char *const rows[] = {
        "", ".", "...", "page.ffffffff.17.", "ok", "page.ffffffff.17.000000000000000000000000"};
    char text[CUSTOM_ID_SIZE], longer[CUSTOM_ID_SIZE + 8];
    struct custom_id id;
    size_t len;

    (void)state;
    make("page", "17", text);
    len = strlen(text);
    for (size_t i = 0; i < len; i++)
        for (unsigned char with = 0; with < 255; with++) {
            char saved = text[i];

            if (with == (unsigned char)saved)
                continue;
            text[i] = (char)with;
            assert_int_equal(read_as("secret", guild, user, text, len, now, &id),
                             CUSTOM_ID_FOREIGN);
            text[i] = saved;
        }
    for (size_t i = 0; i < len; i++)
        assert_int_equal(read_as("secret", guild, user, text, i, now, &id), CUSTOM_ID_FOREIGN);
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
        assert_int_equal(read_as("secret", guild, user, rows[i], strlen(rows[i]), now, &id),
                         CUSTOM_ID_FOREIGN);
    memset(longer, 'a', sizeof(longer));
    for (size_t i = len; i <= sizeof(longer); i++)
        assert_int_equal(read_as("secret", guild, user, longer, i, now, &id), CUSTOM_ID_FOREIGN);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_round_trip),
        cmocka_unit_test(test_others),
        cmocka_unit_test(test_made_up),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
