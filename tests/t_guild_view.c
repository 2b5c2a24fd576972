/* A guild's roles, channels and the bot's membership, from REST bodies. */
#include "cmocka_all.h"

#include <string.h>

#include "presence/guild_view.h"

static const char guild_text[] =
    "{\"id\":\"1000\",\"owner_id\":\"1\",\"roles\":["
    "{\"id\":\"1000\",\"position\":0,\"permissions\":\"66560\",\"managed\":false},"
    "{\"id\":\"2001\",\"position\":2,\"permissions\":\"268435456\",\"managed\":true,"
    "\"tags\":{\"bot_id\":\"9\"}},"
    "{\"id\":\"2002\",\"position\":1,\"permissions\":\"0\",\"managed\":true,"
    "\"tags\":{\"premium_subscriber\":null}},"
    "{\"id\":\"2003\",\"position\":1,\"permissions\":\"0\",\"managed\":true}]}";
static const char bot_text[] = "{\"user\":{\"id\":\"9\"},\"roles\":[\"2001\"]}";
static const char channels_text[] =
    "[{\"id\":\"3001\",\"type\":0,\"parent_id\":\"3003\",\"last_message_id\":\"77\","
    "\"permission_overwrites\":[]},"
    "{\"id\":\"3002\",\"type\":2,\"parent_id\":null,\"permission_overwrites\":["
    "{\"id\":\"1000\",\"type\":0,\"allow\":\"0\",\"deny\":\"1024\"}]},"
    "{\"id\":\"3003\",\"type\":4,\"permission_overwrites\":[]},"
    "{\"id\":\"3004\",\"type\":15,\"permission_overwrites\":["
    "{\"id\":\"1000\",\"type\":0,\"allow\":\"0\",\"deny\":\"1024\"},"
    "{\"id\":\"9\",\"type\":1,\"allow\":\"1024\",\"deny\":\"0\"}]}]";

static void take(bool (*reader)(struct guild_view *, const struct json *), struct guild_view *v,
                 const char *text, bool good)
{
    struct json *j = json_parse(text, strlen(text), NULL);

    assert_int_equal(reader(v, j), good);
    json_free(&j);
}

static void fill(struct guild_view *v)
{
    guild_view_init(v);
    take(guild_view_channels, v, channels_text, true);
    take(guild_view_bot, v, bot_text, true);
    take(guild_view_guild, v, guild_text, true);
}

static void test_roles_and_rights(void **state)
{
    const unixms_t now = {1785585600000};
    struct guild_view v;

    (void)state;
    fill(&v);
    assert_int_equal(v.guild.n_roles, 4);
    assert_int_equal(permissions_role(&v.guild, (snowflake_t){2001})->kind, ROLE_BOT);
    assert_int_equal(permissions_role(&v.guild, (snowflake_t){2002})->kind, ROLE_BOOSTER);
    assert_int_equal(permissions_role(&v.guild, (snowflake_t){2003})->kind, ROLE_MANAGED);
    assert_true(
        guild_view_may(&v, now) ==
        (PERMISSION(VIEW_CHANNEL) | PERMISSION(READ_MESSAGE_HISTORY) | PERMISSION(MANAGE_ROLES)));
    assert_true(guild_view_may_in(&v, 0, now) & PERMISSION(READ_MESSAGE_HISTORY));
    assert_true(guild_view_may_in(&v, 1, now) == 0); /* denied to all */
    assert_true(guild_view_may_in(&v, 3, now) &
                PERMISSION(VIEW_CHANNEL)); /* but the bot is let in */
    guild_view_clear(&v);
}

static void test_channels(void **state)
{
    struct guild_view v;

    (void)state;
    fill(&v);
    assert_int_equal(v.n_channels, 4);
    assert_true(v.channels[0].last_message.id == 77 && v.channels[0].parent.id == 3003);
    assert_false(snowflake_known(v.channels[1].parent));
    assert_true(guild_view_holds_messages(&v, 0) && guild_view_holds_messages(&v, 1));
    assert_false(guild_view_holds_messages(&v, 2) || guild_view_holds_messages(&v, 3));
    assert_ptr_equal(guild_view_channel(&v, (snowflake_t){3003}), &v.channels[2]);
    assert_null(guild_view_channel(&v, (snowflake_t){3005}));
    guild_view_clear(&v);
}

static void test_a_new_role_is_added(void **state)
{
    static const char text[] = "{\"id\":\"2004\",\"position\":1,\"permissions\":\"0\"}";
    struct json *j = json_parse(text, strlen(text), NULL);
    struct guild_view v;

    (void)state;
    fill(&v);
    guild_view_add_role(&v, j);
    assert_int_equal(permissions_role(&v.guild, (snowflake_t){2004})->kind, ROLE_PLAIN);
    json_free(&j);
    guild_view_clear(&v);
}

static void test_other_shapes_are_not_taken(void **state)
{
    struct guild_view v;

    (void)state;
    fill(&v);
    take(guild_view_guild, &v, "{\"message\":\"Missing Access\",\"code\":50001}", false);
    take(guild_view_channels, &v, "{}", false);
    take(guild_view_bot, &v, "[]", false);
    assert_int_equal(v.guild.n_roles, 4);
    assert_int_equal(v.n_channels, 4);
    assert_int_equal(v.bot.n_roles, 1);
    guild_view_clear(&v);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_roles_and_rights),
        cmocka_unit_test(test_channels),
        cmocka_unit_test(test_a_new_role_is_added),
        cmocka_unit_test(test_other_shapes_are_not_taken),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
