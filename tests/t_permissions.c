/* Permission bits, and what members may do in guilds, channels and threads. */
#include "cmocka_all.h"

#include <string.h>

#include "presence/permissions.h"

#define GUILD     1000
#define OWNER     1
#define MEMBER    2
#define MODS      2001
#define QUIET     2002
#define ADMINS    2003
#define DELETED   2999
#define TIMED_OUT 1785585700000

#define P(name)  PERMISSION(name)
#define EVERYONE (P(VIEW_CHANNEL) | P(SEND_MESSAGES) | P(READ_MESSAGE_HISTORY) | P(EMBED_LINKS))

static const struct permissions_role roles[] = {
    {{GUILD}, 0, EVERYONE, ROLE_PLAIN},
    {{MODS}, 3, P(KICK_MEMBERS) | P(MANAGE_ROLES), ROLE_PLAIN},
    {{QUIET}, 1, 0, ROLE_PLAIN},
    {{ADMINS}, 5, P(ADMINISTRATOR), ROLE_PLAIN},
};
static const struct permissions_guild guild = {{GUILD}, {OWNER}, roles, 4};
static const unixms_t now = {1785585600000};

#define LIST(...)                                                                                  \
    (const snowflake_t[]){__VA_ARGS__}, sizeof((snowflake_t[]){__VA_ARGS__}) / sizeof(snowflake_t)

/* --- bits ------------------------------------------------------------------------------------- */

static void test_names_and_values(void **state)
{
    static const struct {
        const char *name;
        uint64_t value;
    } rows[] = {
        {"CREATE_INSTANT_INVITE", 1},
        {"KICK_MEMBERS", 2},
        {"ADMINISTRATOR", 8},
        {"VIEW_CHANNEL", 1024},
        {"READ_MESSAGE_HISTORY", 65536},
        {"MANAGE_ROLES", 268435456},
        {"MANAGE_THREADS", 17179869184},
        {"MODERATE_MEMBERS", 1099511627776},
        {"SET_VOICE_CHANNEL_STATUS", 281474976710656},
        {"PIN_MESSAGES", 2251799813685248},
        {"BYPASS_SLOWMODE", 4503599627370496},
    };
    uint64_t all = 0;

    (void)state;
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
        assert_int_equal(permissions_by_name(rows[i].name), rows[i].value);
    for (unsigned bit = 0; bit < 64; bit++) {
        const char *name = permissions_name(bit);

        assert_true(!name == !(PERMISSIONS_ALL >> bit & 1));
        if (name)
            assert_int_equal(permissions_by_name(name), UINT64_C(1) << bit);
        all |= name ? permissions_by_name(name) : 0;
    }
    assert_int_equal(all, PERMISSIONS_ALL);
    assert_int_equal(permissions_by_name("KICK"), 0);
    assert_null(permissions_name(47)); /* the one hole */
    assert_null(permissions_name(64));
}

static void test_printing(void **state)
{
    struct buf b;

    (void)state;
    buf_init(&b, 0);
    permissions_print(0, &b);
    assert_string_equal(buf_cstr(&b), "");
    permissions_print(P(KICK_MEMBERS) | P(MANAGE_ROLES) | UINT64_C(1) << 47, &b);
    assert_string_equal(buf_cstr(&b), "KICK_MEMBERS, MANAGE_ROLES, bit 47");
    buf_clear(&b);
}

static void test_has(void **state)
{
    (void)state;
    assert_true(permissions_has(P(KICK_MEMBERS) | P(BAN_MEMBERS), P(KICK_MEMBERS)));
    assert_false(permissions_has(P(KICK_MEMBERS), P(KICK_MEMBERS) | P(BAN_MEMBERS)));
    assert_true(permissions_has(0, 0));
}

/* --- the guild's level ------------------------------------------------------------------------ */

static const struct {
    const char *what;
    struct permissions_member member;
    uint64_t expected;
} base_rows[] = {
    {"no role: @everyone", {{MEMBER}, NULL, 0, {0}}, EVERYONE},
    {"a role adds", {{MEMBER}, LIST({MODS}), {0}}, EVERYONE | P(KICK_MEMBERS) | P(MANAGE_ROLES)},
    {"an unknown role adds nothing", {{MEMBER}, LIST({DELETED}), {0}}, EVERYONE},
    {"administrator", {{MEMBER}, LIST({QUIET}, {ADMINS}), {0}}, PERMISSIONS_ALL},
    {"owner without a role", {{OWNER}, NULL, 0, {0}}, PERMISSIONS_ALL},
};

static void test_base(void **state)
{

    (void)state;
    for (size_t i = 0; i < sizeof(base_rows) / sizeof(base_rows[0]); i++)
        if (permissions_base(&guild, &base_rows[i].member) != base_rows[i].expected)
            fail_msg("%s", base_rows[i].what);
}

static void test_unknown_owner_is_nobody(void **state)
{
    struct permissions_guild ownerless = guild;
    struct permissions_member unknown = {{0}, NULL, 0, {0}};

    (void)state;
    ownerless.owner = SNOWFLAKE_NONE;
    assert_int_equal(permissions_base(&ownerless, &unknown), EVERYONE);
    ownerless.n_roles = 0; /* nothing known: nothing granted */
    assert_int_equal(permissions_base(&ownerless, &unknown), 0);
}

static void test_time_out(void **state)
{
    static const unixms_t later = {1785585600001}, past = {1785585600000};
    struct permissions_member mod = {{MEMBER}, LIST({MODS}), later};
    struct permissions_member admin = {{MEMBER}, LIST({ADMINS}), later};
    struct permissions_member owner = {{OWNER}, NULL, 0, later};

    (void)state;
    assert_true(permissions_timed_out(&guild, &mod, now));
    assert_int_equal(permissions_in_guild(&guild, &mod, now),
                     P(VIEW_CHANNEL) | P(READ_MESSAGE_HISTORY));
    assert_int_equal(permissions_in_guild(&guild, &admin, now), PERMISSIONS_ALL);
    assert_int_equal(permissions_in_guild(&guild, &owner, now), PERMISSIONS_ALL);
    assert_false(permissions_timed_out(&guild, &admin, now));
    mod.timeout_until = past; /* over at its very moment */
    assert_false(permissions_timed_out(&guild, &mod, now));
    assert_int_equal(permissions_in_guild(&guild, &mod, now),
                     EVERYONE | P(KICK_MEMBERS) | P(MANAGE_ROLES));
}

/* --- channels --------------------------------------------------------------------------------- */

struct channel_row {
    const char *what;
    struct permissions_member member;
    enum permissions_channel_kind kind;
    struct permissions_overwrite overwrites[4];
    uint64_t expected;
};

static const struct channel_row channel_rows[] = {
    {"no overwrites", {{MEMBER}, NULL, 0, {0}}, CHANNEL_TEXT, {{{0}, 0, 0, 0}}, EVERYONE},
    {"@everyone is denied",
     {{MEMBER}, NULL, 0, {0}},
     CHANNEL_TEXT,
     {{{GUILD}, false, 0, P(EMBED_LINKS)}},
     EVERYONE & ~P(EMBED_LINKS)},
    {"@everyone is allowed",
     {{MEMBER}, NULL, 0, {0}},
     CHANNEL_TEXT,
     {{{GUILD}, false, P(ADD_REACTIONS), 0}},
     EVERYONE | P(ADD_REACTIONS)},
    {"allow beats deny in one overwrite",
     {{MEMBER}, NULL, 0, {0}},
     CHANNEL_TEXT,
     {{{GUILD}, false, P(EMBED_LINKS), P(EMBED_LINKS)}},
     EVERYONE},
    {"a role's allow beats @everyone's deny",
     {{MEMBER}, LIST({QUIET}), {0}},
     CHANNEL_TEXT,
     {{{GUILD}, false, 0, P(VIEW_CHANNEL)}, {{QUIET}, false, P(VIEW_CHANNEL), 0}},
     EVERYONE},
    {"one role's allow beats the other's deny, lower or not",
     {{MEMBER}, LIST({MODS}, {QUIET}), {0}},
     CHANNEL_TEXT,
     {{{MODS}, false, 0, P(EMBED_LINKS)}, {{QUIET}, false, P(EMBED_LINKS), 0}},
     EVERYONE | P(KICK_MEMBERS) | P(MANAGE_ROLES)},
    {"roles in the other order",
     {{MEMBER}, LIST({QUIET}, {MODS}), {0}},
     CHANNEL_TEXT,
     {{{MODS}, false, 0, P(EMBED_LINKS)}, {{QUIET}, false, P(EMBED_LINKS), 0}},
     EVERYONE | P(KICK_MEMBERS) | P(MANAGE_ROLES)},
    {"the member's own beats all",
     {{MEMBER}, LIST({QUIET}), {0}},
     CHANNEL_TEXT,
     {{{QUIET}, false, P(EMBED_LINKS), 0}, {{MEMBER}, true, 0, P(EMBED_LINKS)}},
     EVERYONE & ~P(EMBED_LINKS)},
    {"the member's own allow",
     {{MEMBER}, LIST({QUIET}), {0}},
     CHANNEL_TEXT,
     {{{QUIET}, false, 0, P(VIEW_CHANNEL)}, {{MEMBER}, true, P(VIEW_CHANNEL), 0}},
     EVERYONE},
    {"somebody else's and an unheld role's",
     {{MEMBER}, NULL, 0, {0}},
     CHANNEL_TEXT,
     {{{OWNER}, true, 0, P(VIEW_CHANNEL)}, {{MODS}, false, 0, P(VIEW_CHANNEL)}},
     EVERYONE},
    {"an overwrite for a role does not fit a member of that id",
     {{MEMBER}, NULL, 0, {0}},
     CHANNEL_TEXT,
     {{{MEMBER}, false, 0, P(VIEW_CHANNEL)}},
     EVERYONE},
    {"nor one for a member a role",
     {{MEMBER}, LIST({QUIET}), {0}},
     CHANNEL_TEXT,
     {{{QUIET}, true, 0, P(VIEW_CHANNEL)}},
     EVERYONE},
    {"a role that is gone has no say",
     {{MEMBER}, LIST({DELETED}), {0}},
     CHANNEL_TEXT,
     {{{DELETED}, false, P(MANAGE_CHANNELS), P(VIEW_CHANNEL)}},
     EVERYONE},
    {"@everyone listed as a role is not applied twice",
     {{MEMBER}, LIST({GUILD}, {QUIET}), {0}},
     CHANNEL_TEXT,
     {{{GUILD}, false, P(ADD_REACTIONS), P(EMBED_LINKS)}, {{QUIET}, false, 0, P(ADD_REACTIONS)}},
     EVERYONE & ~P(EMBED_LINKS)},
    {"bits of the guild's level cannot be given",
     {{MEMBER}, NULL, 0, {0}},
     CHANNEL_TEXT,
     {{{GUILD}, false, P(ADMINISTRATOR) | P(KICK_MEMBERS), 0}},
     EVERYONE},
    {"nor taken",
     {{MEMBER}, LIST({MODS}), {0}},
     CHANNEL_TEXT,
     {{{MODS}, false, 0, P(KICK_MEMBERS)}},
     EVERYONE | P(KICK_MEMBERS) | P(MANAGE_ROLES)},
    {"nor bits of another kind of channel",
     {{MEMBER}, NULL, 0, {0}},
     CHANNEL_TEXT,
     {{{GUILD}, false, P(SPEAK), 0}},
     EVERYONE},
    {"in a voice channel they can",
     {{MEMBER}, NULL, 0, {0}},
     CHANNEL_VOICE,
     {{{GUILD}, false, P(SPEAK) | P(CONNECT), 0}},
     EVERYONE | P(SPEAK) | P(CONNECT)},
    {"in a category those of any kind",
     {{MEMBER}, NULL, 0, {0}},
     CHANNEL_CATEGORY,
     {{{GUILD}, false, P(SPEAK) | P(MANAGE_THREADS) | P(REQUEST_TO_SPEAK), 0}},
     EVERYONE | P(SPEAK) | P(MANAGE_THREADS) | P(REQUEST_TO_SPEAK)},
    {"administrators feel no overwrite",
     {{MEMBER}, LIST({ADMINS}), {0}},
     CHANNEL_TEXT,
     {{{MEMBER}, true, 0, P(VIEW_CHANNEL)}},
     PERMISSIONS_ALL},
    {"nor does the owner",
     {{OWNER}, NULL, 0, {0}},
     CHANNEL_TEXT,
     {{{GUILD}, false, 0, P(VIEW_CHANNEL)}},
     PERMISSIONS_ALL},
    {"unseen: nothing at all",
     {{MEMBER}, LIST({MODS}), {0}},
     CHANNEL_TEXT,
     {{{GUILD}, false, 0, P(VIEW_CHANNEL)}},
     0},
    {"cannot write: none of writing's parts",
     {{MEMBER}, NULL, 0, {0}},
     CHANNEL_TEXT,
     {{{GUILD},
       false,
       P(MENTION_EVERYONE) | P(ATTACH_FILES) | P(SEND_TTS_MESSAGES) | P(ADD_REACTIONS),
       P(SEND_MESSAGES)}},
     P(VIEW_CHANNEL) | P(READ_MESSAGE_HISTORY) | P(ADD_REACTIONS)},
    {"voice without CONNECT",
     {{MEMBER}, NULL, 0, {0}},
     CHANNEL_VOICE,
     {{{GUILD}, false, P(SPEAK), P(CONNECT)}},
     P(VIEW_CHANNEL)},
    {"stage without CONNECT",
     {{MEMBER}, NULL, 0, {0}},
     CHANNEL_STAGE,
     {{{GUILD}, false, P(REQUEST_TO_SPEAK), 0}},
     P(VIEW_CHANNEL)},
    {"stage with CONNECT",
     {{MEMBER}, NULL, 0, {0}},
     CHANNEL_STAGE,
     {{{GUILD}, false, P(CONNECT) | P(REQUEST_TO_SPEAK) | P(SPEAK), 0}},
     EVERYONE | P(CONNECT) | P(REQUEST_TO_SPEAK)},
    {"timed out",
     {{MEMBER}, LIST({MODS}), {TIMED_OUT}},
     CHANNEL_TEXT,
     {{{MODS}, false, P(MANAGE_MESSAGES), 0}},
     P(VIEW_CHANNEL) | P(READ_MESSAGE_HISTORY)},
    {"timed out, in a channel not seen",
     {{MEMBER}, LIST({MODS}), {TIMED_OUT}},
     CHANNEL_TEXT,
     {{{GUILD}, false, 0, P(VIEW_CHANNEL)}},
     0},
    {"timed out administrator",
     {{MEMBER}, LIST({ADMINS}), {TIMED_OUT}},
     CHANNEL_TEXT,
     {{{0}, 0, 0, 0}},
     PERMISSIONS_ALL},
};

static void test_channels(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof(channel_rows) / sizeof(channel_rows[0]); i++) {
        const struct channel_row *r = &channel_rows[i];
        struct permissions_channel channel = {r->kind, r->overwrites, 4};
        uint64_t got = permissions_in_channel(&guild, &r->member, &channel, now);

        if (got != r->expected)
            fail_msg("%s: %llx, expected %llx", r->what, (unsigned long long)got,
                     (unsigned long long)r->expected);
    }
}

/* --- threads ---------------------------------------------------------------------------------- */

#define IN_THREADS (P(VIEW_CHANNEL) | P(READ_MESSAGE_HISTORY))

static const struct {
    const char *what;
    struct permissions_member member;
    struct permissions_overwrite overwrite;
    struct permissions_thread thread;
    uint64_t expected;
} thread_rows[] = {
    {"who writes in the channel does not in its threads",
     {{MEMBER}, NULL, 0, {0}},
     {{0}, 0, 0, 0},
     {false, false},
     IN_THREADS},
    {"who may write in threads",
     {{MEMBER}, NULL, 0, {0}},
     {{GUILD}, false, P(SEND_MESSAGES_IN_THREADS), P(SEND_MESSAGES)},
     {false, false},
     EVERYONE | P(SEND_MESSAGES_IN_THREADS)},
    {"the channel is not seen",
     {{MEMBER}, NULL, 0, {0}},
     {{GUILD}, false, P(SEND_MESSAGES_IN_THREADS), P(VIEW_CHANNEL)},
     {false, true},
     0},
    {"private, not in it",
     {{MEMBER}, NULL, 0, {0}},
     {{GUILD}, false, P(SEND_MESSAGES_IN_THREADS), 0},
     {true, false},
     0},
    {"private, in it",
     {{MEMBER}, NULL, 0, {0}},
     {{GUILD}, false, P(SEND_MESSAGES_IN_THREADS), 0},
     {true, true},
     EVERYONE | P(SEND_MESSAGES_IN_THREADS)},
    {"private, manages threads",
     {{MEMBER}, NULL, 0, {0}},
     {{GUILD}, false, P(MANAGE_THREADS), 0},
     {true, false},
     IN_THREADS | P(MANAGE_THREADS)},
    {"timed out: managing threads is gone too",
     {{MEMBER}, NULL, 0, {TIMED_OUT}},
     {{GUILD}, false, P(MANAGE_THREADS), 0},
     {true, false},
     0},
    {"timed out, in it: reads",
     {{MEMBER}, NULL, 0, {TIMED_OUT}},
     {{GUILD}, false, P(SEND_MESSAGES_IN_THREADS), 0},
     {true, true},
     IN_THREADS},
    {"administrator",
     {{MEMBER}, LIST({ADMINS}), {TIMED_OUT}},
     {{GUILD}, false, 0, P(VIEW_CHANNEL)},
     {true, false},
     PERMISSIONS_ALL},
};

static void test_threads(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof(thread_rows) / sizeof(thread_rows[0]); i++) {
        struct permissions_channel parent = {CHANNEL_TEXT, &thread_rows[i].overwrite, 1};
        uint64_t got = permissions_in_thread(&guild, &thread_rows[i].member, &parent,
                                             &thread_rows[i].thread, now);

        if (got != thread_rows[i].expected)
            fail_msg("%s: %llx, expected %llx", thread_rows[i].what, (unsigned long long)got,
                     (unsigned long long)thread_rows[i].expected);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_names_and_values),
        cmocka_unit_test(test_printing),
        cmocka_unit_test(test_has),
        cmocka_unit_test(test_base),
        cmocka_unit_test(test_unknown_owner_is_nobody),
        cmocka_unit_test(test_time_out),
        cmocka_unit_test(test_channels),
        cmocka_unit_test(test_threads),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
