/* Who may kick whom, and who may give which role. */
#include "cmocka_all.h"

#include <string.h>

#include "presence/hierarchy.h"

#define GUILD     1000
#define LOW       2001 /* position 1 */
#define BOT_ROLE  2005 /* position 5, the bot's own */
#define TWIN_HIGH 2004 /* position 5 as well: the lower id is higher */
#define TWIN_LOW  2006 /* position 5 as well, below the bot's */
#define STAFF     2007 /* position 4: kicks and gives roles */
#define TOP       2009 /* position 9: nothing but its height */
#define ADMINS    2010 /* position 2: administrator, yet low */
#define FLAT      999  /* position 0, with an id below the guild's own */
#define HELPERS   2011 /* position 3: may do nothing */
#define LATER     1785585600001

#define ACTING (PERMISSION(KICK_MEMBERS) | PERMISSION(MANAGE_ROLES))

static const struct permissions_role roles[] = {
    {{GUILD}, 0, PERMISSION(VIEW_CHANNEL), ROLE_PLAIN},
    {{LOW}, 1, 0, ROLE_PLAIN},
    {{BOT_ROLE}, 5, ACTING, ROLE_BOT},
    {{TWIN_HIGH}, 5, 0, ROLE_PLAIN},
    {{TWIN_LOW}, 5, 0, ROLE_PLAIN},
    {{STAFF}, 4, ACTING, ROLE_PLAIN},
    {{TOP}, 9, 0, ROLE_PLAIN},
    {{ADMINS}, 2, PERMISSION(ADMINISTRATOR), ROLE_PLAIN},
    {{FLAT}, 0, 0, ROLE_PLAIN},
    {{HELPERS}, 3, 0, ROLE_PLAIN},
    {{2101}, 1, 0, ROLE_BOT},
    {{2102}, 1, 0, ROLE_INTEGRATION},
    {{2103}, 1, 0, ROLE_BOOSTER},
    {{2104}, 1, 0, ROLE_SUBSCRIPTION},
    {{2105}, 1, 0, ROLE_LINKED},
    {{2106}, 1, 0, ROLE_MANAGED},
};
#define N_ROLES (sizeof(roles) / sizeof(roles[0]))

static const struct permissions_guild guild = {{GUILD}, {1}, roles, N_ROLES};
static const unixms_t now = {1785585600000};

#define WITH(...)                                                                                  \
    (const snowflake_t[]){__VA_ARGS__}, sizeof((snowflake_t[]){__VA_ARGS__}) / sizeof(snowflake_t)

static const struct permissions_member owner = {{1}, NULL, 0, {0}};
static const struct permissions_member bot = {{2}, WITH({BOT_ROLE}), {0}};
static const struct permissions_member bot_flat = {{2}, NULL, 0, {0}};
static const struct permissions_member bot_admin = {{2}, WITH({ADMINS}), {0}};
static const struct permissions_member bot_owner = {{1}, NULL, 0, {0}};
static const struct permissions_member bot_quiet = {{2}, WITH({BOT_ROLE}), {LATER}};
static const struct permissions_member plain = {{3}, NULL, 0, {0}};
static const struct permissions_member low = {{4}, WITH({LOW}), {0}};
static const struct permissions_member staff = {{5}, WITH({LOW}, {STAFF}), {0}};
static const struct permissions_member staff_too = {{6}, WITH({STAFF}), {0}};
static const struct permissions_member staff_quiet = {{7}, WITH({STAFF}), {LATER}};
static const struct permissions_member admin = {{8}, WITH({ADMINS}), {0}};
static const struct permissions_member twin_high = {{9}, WITH({TWIN_HIGH}), {0}};
static const struct permissions_member twin_low = {{10}, WITH({TWIN_LOW}), {0}};
static const struct permissions_member high = {{11}, WITH({LOW}, {TOP}), {0}};
static const struct permissions_member strange = {{13}, WITH({LOW}, {4711}), {0}};
static const struct permissions_member helper = {{12}, WITH({HELPERS}), {0}};

/* --- rank ------------------------------------------------------------------------------------- */

static const struct permissions_role *role_of(snowflake_t id)
{
    return permissions_role(&guild, id);
}

static void test_rank(void **state)
{
    const struct permissions_role *everyone = role_of((snowflake_t){GUILD});
    const struct permissions_role *flat = role_of((snowflake_t){FLAT});
    struct permissions_member stranger = {{20}, WITH({4711}), {0}};
    struct permissions_guild bare = {{GUILD}, {1}, NULL, 0};

    (void)state;
    assert_true(snowflake_equal(hierarchy_top(&guild, &high)->id, (snowflake_t){TOP}));
    assert_true(snowflake_equal(hierarchy_top(&guild, &plain)->id, (snowflake_t){GUILD}));
    assert_true(snowflake_equal(hierarchy_top(&guild, &stranger)->id, (snowflake_t){GUILD}));
    assert_null(hierarchy_top(&bare, &plain));
    /* @everyone is below a role of position 0, whatever their ids. */
    assert_true(hierarchy_compare(&guild, flat, everyone) > 0);
    assert_true(hierarchy_compare(&guild, everyone, flat) < 0);
    assert_int_equal(hierarchy_compare(&guild, everyone, everyone), 0);
    assert_int_equal(hierarchy_compare(&guild, flat, flat), 0);
    assert_true(hierarchy_compare(&guild, role_of((snowflake_t){LOW}), flat) > 0);
    assert_true(hierarchy_compare(&guild, flat, role_of((snowflake_t){LOW})) < 0);
    assert_true(hierarchy_compare(&guild, role_of((snowflake_t){TWIN_HIGH}),
                                  role_of((snowflake_t){TWIN_LOW})) > 0);
    assert_true(hierarchy_compare(&guild, role_of((snowflake_t){TWIN_LOW}),
                                  role_of((snowflake_t){TWIN_HIGH})) < 0);
}

static void test_above(void **state)
{
    static const struct {
        const struct permissions_member *a, *b;
        bool above;
    } rows[] = {
        {&owner, &high, true},   {&high, &owner, false},        {&owner, &owner, false},
        {&staff, &low, true},    {&low, &staff, false},         {&staff, &staff_too, false},
        {&staff, &staff, false}, {&plain, &plain, false},       {&low, &plain, true},
        {&plain, &low, false},   {&twin_high, &twin_low, true}, {&twin_low, &twin_high, false},
        {&staff, &admin, true},  {&admin, &staff, false}, /* ADMINISTRATOR is no height */
    };
    struct permissions_guild bare = {{GUILD}, {1}, NULL, 0};

    (void)state;
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
        if (hierarchy_above(&guild, rows[i].a, rows[i].b) != rows[i].above)
            fail_msg("row %zu", i);
    assert_false(hierarchy_above(&bare, &staff, &plain)); /* nothing known: nobody is above */
}

/* --- kicks ------------------------------------------------------------------------------------ */

static const struct {
    const char *what;
    const struct permissions_member *bot, *caller, *target;
    enum hierarchy_reason reason;
    enum hierarchy_side side;
    uint64_t needed;
    uint64_t role;
} kicks[] = {
    {"the bot kicks a plain member", &bot, NULL, &plain, HIERARCHY_MAY, 0, 0, 0},
    {"and one with a lower role", &bot, NULL, &staff, HIERARCHY_MAY, 0, 0, 0},
    {"and an administrator whose role is lower", &bot, NULL, &admin, HIERARCHY_MAY, 0, 0, 0},
    {"same position, higher id", &bot, NULL, &twin_low, HIERARCHY_MAY, 0, 0, 0},
    {"same position, lower id", &bot, NULL, &twin_high, HIERARCHY_TARGET_NOT_BELOW, HIERARCHY_BOT,
     0, 2004},
    {"a higher role", &bot, NULL, &high, HIERARCHY_TARGET_NOT_BELOW, HIERARCHY_BOT, 0, 2009},
    {"the owner", &bot, &owner, &owner, HIERARCHY_TARGET_IS_OWNER, HIERARCHY_BOT, 0, 0},
    {"the bot itself", &bot, &owner, &bot, HIERARCHY_TARGET_IS_BOT, HIERARCHY_BOT, 0, 0},
    {"without the permission", &bot_flat, NULL, &plain, HIERARCHY_NO_PERMISSION, HIERARCHY_BOT,
     PERMISSION(KICK_MEMBERS), 0},
    {"a bot that is administrator, but low", &bot_admin, NULL, &staff, HIERARCHY_TARGET_NOT_BELOW,
     HIERARCHY_BOT, 0, 2007},
    {"a bot that is administrator, above", &bot_admin, NULL, &low, HIERARCHY_MAY, 0, 0, 0},
    {"a bot that is timed out", &bot_quiet, NULL, &plain, HIERARCHY_TIMED_OUT, HIERARCHY_BOT, 0, 0},
    {"a bot that owns the guild", &bot_owner, NULL, &high, HIERARCHY_MAY, 0, 0, 0},
    {"staff asks for a plain member", &bot, &staff, &plain, HIERARCHY_MAY, 0, 0, 0},
    {"staff asks for staff", &bot, &staff, &staff_too, HIERARCHY_TARGET_NOT_BELOW, HIERARCHY_CALLER,
     0, 2007},
    {"staff asks for themselves", &bot, &staff, &staff, HIERARCHY_TARGET_IS_ACTOR, HIERARCHY_CALLER,
     0, 0},
    {"staff asks for who is above them but below the bot", &bot, &staff, &twin_low,
     HIERARCHY_TARGET_NOT_BELOW, HIERARCHY_CALLER, 0, 2006},
    {"the owner asks for staff", &bot, &owner, &staff, HIERARCHY_MAY, 0, 0, 0},
    {"a member who may not kick", &bot, &helper, &low, HIERARCHY_NO_PERMISSION, HIERARCHY_CALLER,
     PERMISSION(KICK_MEMBERS), 0},
    {"staff who is timed out", &bot, &staff_quiet, &plain, HIERARCHY_TIMED_OUT, HIERARCHY_CALLER, 0,
     0},
    {"an administrator asks for who is above them", &bot, &admin, &staff,
     HIERARCHY_TARGET_NOT_BELOW, HIERARCHY_CALLER, 0, 2007},
    {"a role nobody knows could be any height", &bot, NULL, &strange, HIERARCHY_TARGET_RANK_UNKNOWN,
     HIERARCHY_BOT, 0, 4711},
    {"which only the owner need not care about", &bot_owner, NULL, &strange, HIERARCHY_MAY, 0, 0,
     0},
    {"what stops the bot is told before what stops the caller", &bot, &helper, &high,
     HIERARCHY_TARGET_NOT_BELOW, HIERARCHY_BOT, 0, 2009},
};

static void check(const char *what, const struct hierarchy_verdict *v, enum hierarchy_reason reason,
                  enum hierarchy_side side, uint64_t needed, uint64_t role)
{
    if (v->reason != reason)
        fail_msg("%s: %s, expected %s", what, hierarchy_reason_name(v->reason),
                 hierarchy_reason_name(reason));
    if (reason != HIERARCHY_MAY && (v->side != side || v->needed != needed || v->role.id != role))
        fail_msg("%s: side %d, needed %llx, role %llu", what, (int)v->side,
                 (unsigned long long)v->needed, (unsigned long long)v->role.id);
}

static void test_kicks(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof(kicks) / sizeof(kicks[0]); i++) {
        struct hierarchy_verdict v =
            hierarchy_kick(&guild, kicks[i].bot, kicks[i].caller, kicks[i].target, now);

        check(kicks[i].what, &v, kicks[i].reason, kicks[i].side, kicks[i].needed, kicks[i].role);
    }
}

static void test_nothing_known_of_the_guild(void **state)
{
    struct permissions_guild bare = {{GUILD}, {0}, NULL, 0};
    const struct permissions_role only_bot[] = {{{BOT_ROLE}, 5, ACTING, ROLE_BOT}};
    struct permissions_guild partial = {{GUILD}, SNOWFLAKE_NONE, only_bot, 1};
    struct hierarchy_verdict v = hierarchy_kick(&bare, &bot, NULL, &plain, now);

    (void)state;
    check("no roles known", &v, HIERARCHY_NO_PERMISSION, HIERARCHY_BOT, PERMISSION(KICK_MEMBERS),
          0);
    v = hierarchy_kick(&partial, &bot, NULL, &plain, now);
    check("the target's roles are not known", &v, HIERARCHY_TARGET_NOT_BELOW, HIERARCHY_BOT, 0, 0);
}

/* --- roles ------------------------------------------------------------------------------------ */

static const struct {
    const char *what;
    const struct permissions_member *bot, *caller, *target;
    uint64_t role;
    enum hierarchy_reason reason;
    enum hierarchy_side side;
    uint64_t needed;
    uint64_t in_the_way;
} gifts[] = {
    {"a lower role to a plain member", &bot, NULL, &plain, 2001, HIERARCHY_MAY, 0, 0, 0},
    {"to somebody above the bot", &bot, NULL, &high, 2001, HIERARCHY_MAY, 0, 0, 0},
    {"to the owner", &bot, NULL, &owner, 2001, HIERARCHY_MAY, 0, 0, 0},
    {"to the bot itself", &bot, NULL, &bot, 2001, HIERARCHY_MAY, 0, 0, 0},
    {"a role of position 0", &bot, NULL, &plain, 999, HIERARCHY_MAY, 0, 0, 0},
    {"same position, higher id", &bot, NULL, &plain, 2006, HIERARCHY_MAY, 0, 0, 0},
    {"same position, lower id", &bot, NULL, &plain, 2004, HIERARCHY_ROLE_NOT_BELOW, HIERARCHY_BOT,
     0, 2004},
    {"a higher role", &bot, NULL, &plain, 2009, HIERARCHY_ROLE_NOT_BELOW, HIERARCHY_BOT, 0, 2009},
    {"a low administrator gives their own role", &bot_admin, NULL, &plain, 2010,
     HIERARCHY_ROLE_NOT_BELOW, HIERARCHY_BOT, 0, 2010},
    {"a bot that owns the guild gives any", &bot_owner, NULL, &plain, 2009, HIERARCHY_MAY, 0, 0, 0},
    {"no such role", &bot, NULL, &plain, 4711, HIERARCHY_ROLE_UNKNOWN, HIERARCHY_BOT, 0, 4711},
    {"@everyone", &bot, NULL, &plain, 1000, HIERARCHY_ROLE_IS_EVERYONE, HIERARCHY_BOT, 0, 1000},
    {"a bot's", &bot, NULL, &plain, 2101, HIERARCHY_ROLE_OF_BOT, HIERARCHY_BOT, 0, 2101},
    {"the bot's own", &bot, NULL, &plain, 2005, HIERARCHY_ROLE_OF_BOT, HIERARCHY_BOT, 0, 2005},
    {"an integration's", &bot, NULL, &plain, 2102, HIERARCHY_ROLE_OF_INTEGRATION, HIERARCHY_BOT, 0,
     2102},
    {"the boosters'", &bot, NULL, &plain, 2103, HIERARCHY_ROLE_OF_BOOSTERS, HIERARCHY_BOT, 0, 2103},
    {"the subscribers'", &bot, NULL, &plain, 2104, HIERARCHY_ROLE_OF_SUBSCRIBERS, HIERARCHY_BOT, 0,
     2104},
    {"a linked one", &bot, NULL, &plain, 2105, HIERARCHY_ROLE_OF_CONNECTIONS, HIERARCHY_BOT, 0,
     2105},
    {"managed, nobody knows by what", &bot, NULL, &plain, 2106, HIERARCHY_ROLE_MANAGED,
     HIERARCHY_BOT, 0, 2106},
    {"without the permission", &bot_flat, NULL, &plain, 2001, HIERARCHY_NO_PERMISSION,
     HIERARCHY_BOT, PERMISSION(MANAGE_ROLES), 0},
    {"a bot that is timed out", &bot_quiet, NULL, &plain, 2001, HIERARCHY_TIMED_OUT, HIERARCHY_BOT,
     0, 0},
    {"staff for a plain member", &bot, &staff, &plain, 2001, HIERARCHY_MAY, 0, 0, 0},
    {"staff for themselves", &bot, &staff, &staff, 2001, HIERARCHY_MAY, 0, 0, 0},
    {"staff for staff", &bot, &staff, &staff_too, 2001, HIERARCHY_TARGET_NOT_BELOW,
     HIERARCHY_CALLER, 0, 2007},
    {"staff for somebody of unknown height", &bot, &staff, &strange, 2001,
     HIERARCHY_TARGET_RANK_UNKNOWN, HIERARCHY_CALLER, 0, 4711},
    {"the bot by itself: heights do not matter", &bot, NULL, &strange, 2001, HIERARCHY_MAY, 0, 0,
     0},
    {"staff for the owner", &bot, &staff, &owner, 2001, HIERARCHY_TARGET_NOT_BELOW,
     HIERARCHY_CALLER, 0, 1000},
    {"staff gives their own role", &bot, &staff, &plain, 2007, HIERARCHY_ROLE_NOT_BELOW,
     HIERARCHY_CALLER, 0, 2007},
    {"the owner for anybody", &bot, &owner, &high, 2001, HIERARCHY_MAY, 0, 0, 0},
    {"the owner cannot lift the bot", &bot, &owner, &plain, 2009, HIERARCHY_ROLE_NOT_BELOW,
     HIERARCHY_BOT, 0, 2009},
    {"a member who may not", &bot, &helper, &plain, 2001, HIERARCHY_NO_PERMISSION, HIERARCHY_CALLER,
     PERMISSION(MANAGE_ROLES), 0},
    {"staff who is timed out", &bot, &staff_quiet, &plain, 2001, HIERARCHY_TIMED_OUT,
     HIERARCHY_CALLER, 0, 0},
};

static void test_roles(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof(gifts) / sizeof(gifts[0]); i++) {
        struct hierarchy_verdict v =
            hierarchy_role(&guild, gifts[i].bot, gifts[i].caller, gifts[i].target,
                           (snowflake_t){gifts[i].role}, now);

        check(gifts[i].what, &v, gifts[i].reason, gifts[i].side, gifts[i].needed,
              gifts[i].in_the_way);
    }
}

static void test_names(void **state)
{
    (void)state;
    for (int a = HIERARCHY_MAY; a <= HIERARCHY_ROLE_NOT_BELOW; a++) {
        assert_string_not_equal(hierarchy_reason_name((enum hierarchy_reason)a), "unknown");
        for (int b = HIERARCHY_MAY; b < a; b++)
            assert_string_not_equal(hierarchy_reason_name((enum hierarchy_reason)a),
                                    hierarchy_reason_name((enum hierarchy_reason)b));
    }
    assert_string_equal(hierarchy_reason_name((enum hierarchy_reason)99), "unknown");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_rank),  cmocka_unit_test(test_above),
        cmocka_unit_test(test_kicks), cmocka_unit_test(test_nothing_known_of_the_guild),
        cmocka_unit_test(test_roles), cmocka_unit_test(test_names),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
