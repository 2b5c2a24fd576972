/* Rate limits learnt from answers. */
#include "cmocka_all.h"

#include <stdio.h>
#include <string.h>

#include "presence/buckets.h"

#define GET_MEMBER(guild) "/guilds/" guild "/members/2"

static int set_up(void **state)
{
    *state = buckets_new();
    return 0;
}

static int tear_down(void **state)
{
    struct buckets *b = *state;

    buckets_free(&b);
    assert_null(b);
    buckets_free(&b); /* a second time is harmless */
    return 0;
}

/* --- routes ----------------------------------------------------------------------------------- */

static const struct {
    const char *method, *path, *template;
    bool has_major, interaction;
} route_rows[] = {
    {"GET", "/users/@me", "GET /users/@me", false, false},
    {"GET", "/users/123", "GET /users/:id", false, false},
    {"GET", "/gateway/bot", "GET /gateway/bot", false, false},
    {"PUT", "/guilds/1/members/2/roles/3", "PUT /guilds/:major/members/:id/roles/:id", true, false},
    {"GET", "/guilds/1/members?limit=1000&after=5", "GET /guilds/:major/members", true, false},
    {"GET", "guilds//1/", "GET /guilds/:major", true, false},
    {"GET", "/guilds", "GET /guilds", false, false},
    {"GET", "/guilds/templates", "GET /guilds/templates", false, false},
    {"POST", "/channels/7/messages", "POST /channels/:major/messages", true, false},
    {"PUT", "/channels/7/messages/8/reactions/%F0%9F%91%8D/@me",
     "PUT /channels/:major/messages/:id/reactions/:emoji/@me", true, false},
    {"PUT", "/applications/5/guilds/6/commands", "PUT /applications/:id/guilds/:id/commands", false,
     false},
    {"GET", "/webhooks/5", "GET /webhooks/:major", true, false},
    {"PATCH", "/webhooks/5/aW50ZXJ/messages/@original",
     "PATCH /webhooks/:major/:major/messages/@original", true, true},
    {"POST", "/webhooks/5/aW50ZXJ?wait=true", "POST /webhooks/:major/:major", true, true},
    {"POST", "/interactions/9/abc/callback", "POST /interactions/:major/:major/callback", true,
     true},
    {"POST", "/interactions/9", "POST /interactions/:id", false, false},
    {"GET", "", "GET ", false, false},
};

static void test_routes(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof(route_rows) / sizeof(route_rows[0]); i++) {
        struct buckets_route r;

        buckets_route(route_rows[i].method, route_rows[i].path, &r);
        assert_string_equal(r.template, route_rows[i].template);
        assert_int_equal(r.major != 0, route_rows[i].has_major);
        assert_int_equal(r.interaction, route_rows[i].interaction);
    }
}

static void test_majors_differ_by_what_counts(void **state)
{
    static const struct {
        const char *a, *b;
        bool same;
    } rows[] = {
        {"/guilds/1/members/2", "/guilds/1/members/3", true},
        {"/guilds/1/members/2", "/guilds/2/members/2", false},
        {"/webhooks/1/abc", "/webhooks/1/abd", false},
        {"/webhooks/1/abc", "/webhooks/1/abc/messages/5", true},
        {"/webhooks/1", "/webhooks/1/abc", false},
        {"/interactions/1/a/callback", "/interactions/2/a/callback", false},
    };

    (void)state;
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        struct buckets_route a, b;

        buckets_route("GET", rows[i].a, &a);
        buckets_route("GET", rows[i].b, &b);
        if ((a.major == b.major) != rows[i].same)
            fail_msg("%s, %s", rows[i].a, rows[i].b);
    }
}

static void test_paths_beyond_measure(void **state)
{
    char path[1000] = "/guilds/1";
    struct buckets_route r;

    (void)state;
    for (size_t i = 0; i < 60; i++)
        strcat(path, "/segment");
    buckets_route("GET", path, &r);
    assert_int_equal(strlen(r.template), BUCKETS_TEMPLATE_SIZE - 1);
    assert_int_not_equal(r.major, 0);
}

/* --- what an answer says ---------------------------------------------------------------------- */

struct header {
    const char *name, *value;
};

static struct buckets_answer read_answer(int status, const struct header *headers)
{
    struct buckets_answer a;

    buckets_answer_init(&a, status);
    for (; headers->name; headers++)
        buckets_answer_header(&a, headers->name, headers->value);
    return a;
}

static void test_headers(void **state)
{
    static const struct header all[] = {
        {"X-RateLimit-Limit", "5"},
        {"x-ratelimit-remaining", "0"},
        {"X-RateLimit-Reset", "1785585605.250"},
        {"X-RateLimit-Reset-After", "1.250"},
        {"X-RateLimit-Bucket", "80c17d2f203122d936070c88c8d10f33"},
        {"Retry-After", "65"},
        {"Content-Type", "application/json"},
        {NULL, NULL},
    };
    static const struct header nonsense[] = {
        {"X-RateLimit-Limit", "many"},
        {"X-RateLimit-Remaining", "-3"},
        {"X-RateLimit-Reset", "nan"},
        {"X-RateLimit-Reset-After", "inf"},
        {"Retry-After", "Wed, 21 Oct 2026 07:28:00 GMT"},
        {"X-RateLimit-Scope", "galaxy"},
        {"X-RateLimit-Global", "false"},
        {"X-RateLimit-Bucket",
         "0123456789012345678901234567890123456789012345678901234567890123456789"},
        {NULL, NULL},
    };
    static const struct header huge[] = {
        {"X-RateLimit-Remaining", "1e300"}, {"X-RateLimit-Reset", "1e300"}, {NULL, NULL}};
    struct buckets_answer a = read_answer(200, all);

    (void)state;
    assert_int_equal(a.limit, 5);
    assert_int_equal(a.remaining, 0);
    assert_true(a.reset_sec == 1785585605.25 && a.reset_after_sec == 1.25);
    assert_true(a.retry_after_sec == 65);
    assert_string_equal(a.bucket, "80c17d2f203122d936070c88c8d10f33");
    a = read_answer(200, nonsense);
    assert_true(a.limit == -1 && a.remaining == -1 && a.reset_sec == -1 && a.reset_after_sec == -1);
    assert_true(a.retry_after_sec == -1 && !a.scope_told && !a.bucket[0]);
    assert_int_equal(read_answer(200, huge).remaining, -1);
    assert_true(read_answer(200, huge).reset_sec == -1);
    for (size_t i = 0; i < 8; i++)
        assert_non_null(buckets_headers[i]);
    assert_null(buckets_headers[8]);
}

static void test_429(void **state)
{
    static const struct {
        const char *what;
        struct header headers[3];
        bool is_json;
        double body_retry;
        bool body_global;
        enum buckets_scope scope;
        double wait;
    } rows[] = {
        {"a bucket's",
         {{"X-RateLimit-Scope", "user"}, {"Retry-After", "65"}},
         true,
         64.57,
         false,
         BUCKETS_USER,
         64.57},
        {"without a scope", {{"Retry-After", "65"}}, true, 64.57, false, BUCKETS_USER, 64.57},
        {"header only",
         {{"X-RateLimit-Scope", "user"}, {"Retry-After", "65"}},
         true,
         -1,
         false,
         BUCKETS_USER,
         65},
        {"no time told",
         {{"X-RateLimit-Scope", "user"}},
         true,
         -1,
         false,
         BUCKETS_USER,
         BUCKETS_WAIT_SEC},
        {"for ever",
         {{"Retry-After", "1e300"}},
         true,
         -1,
         false,
         BUCKETS_USER,
         BUCKETS_WAIT_MAX_SEC},
        {"for ever, by the body",
         {{NULL, NULL}},
         true,
         1e300,
         false,
         BUCKETS_USER,
         BUCKETS_WAIT_MAX_SEC},
        {"shared", {{"X-RateLimit-Scope", "shared"}}, true, 2, false, BUCKETS_SHARED, 2},
        {"global by scope", {{"X-RateLimit-Scope", "global"}}, true, 2, false, BUCKETS_GLOBAL, 2},
        {"global by its header",
         {{"X-RateLimit-Global", "true"}},
         true,
         2,
         false,
         BUCKETS_GLOBAL,
         2},
        {"global by the body", {{"Retry-After", "3"}}, true, 2, true, BUCKETS_GLOBAL, 2},
        {"a ban", {{"Retry-After", "3600"}}, false, -1, false, BUCKETS_BANNED, 3600},
        {"a ban without a time", {{NULL, NULL}}, false, -1, false, BUCKETS_BANNED, BUCKETS_BAN_SEC},
        {"no JSON, but Discord's headers",
         {{"X-RateLimit-Scope", "user"}},
         false,
         -1,
         false,
         BUCKETS_USER,
         BUCKETS_WAIT_SEC},
    };

    (void)state;
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        struct buckets_answer a = read_answer(429, rows[i].headers);

        buckets_answer_body(&a, rows[i].is_json, rows[i].body_retry, rows[i].body_global);
        if (a.scope != rows[i].scope || a.retry_after_sec != rows[i].wait)
            fail_msg("%s: scope %d, %f s", rows[i].what, (int)a.scope, a.retry_after_sec);
    }
}

static void test_only_a_429_is_read_so(void **state)
{
    static const struct header none[] = {{NULL, NULL}};
    struct buckets_answer a = read_answer(502, none);

    (void)state;
    buckets_answer_body(&a, false, 5, true);
    assert_true(a.scope == BUCKETS_USER && a.retry_after_sec == -1);
}

/* --- limiters --------------------------------------------------------------------------------- */

static int64_t take(struct buckets *b, const char *method, const char *path, int64_t now_ms,
                    struct buckets_ticket **ticket_r)
{
    struct buckets_route route;

    buckets_route(method, path, &route);
    return buckets_take(b, &route, now_ms, ticket_r);
}

static struct buckets_ticket *taken(struct buckets *b, const char *method, const char *path,
                                    int64_t now_ms)
{
    struct buckets_ticket *t;

    assert_int_equal(take(b, method, path, now_ms, &t), 0);
    assert_non_null(t);
    return t;
}

/* How long one more would have to wait; nothing is changed. */
static int64_t wait_of(struct buckets *b, const char *path, int64_t now_ms)
{
    struct buckets_ticket *t;
    int64_t ms = take(b, "GET", path, now_ms, &t);

    if (ms == 0)
        buckets_put_back(b, &t);
    else
        assert_null(t);
    return ms;
}

static struct buckets_answer answer(const char *bucket, int limit, int remaining, double after_sec)
{
    struct buckets_answer a;

    buckets_answer_init(&a, 200);
    strcpy(a.bucket, bucket);
    a.limit = limit;
    a.remaining = remaining;
    a.reset_after_sec = after_sec;
    return a;
}

static void learn(struct buckets *b, struct buckets_ticket *t, struct buckets_answer a,
                  int64_t now_ms)
{
    buckets_learn(b, &t, &a, now_ms);
    assert_null(t);
}

static void test_an_unknown_route_lets_one_through(void **state)
{
    struct buckets *b = *state;
    struct buckets_ticket *t = taken(b, "GET", GET_MEMBER("1"), 0);

    assert_int_equal(wait_of(b, GET_MEMBER("1"), 0), BUCKETS_UNTIL_ANSWER);
    assert_int_equal(wait_of(b, GET_MEMBER("9"), 0), 0);   /* another guild's */
    assert_int_equal(wait_of(b, "/guilds/1/roles", 0), 0); /* another route's */
    learn(b, t, answer("abc", 2, 1, 1.0), 10);
    assert_int_equal(wait_of(b, GET_MEMBER("1"), 10), 0);
}

static void test_waits_for_the_reset(void **state)
{
    struct buckets *b = *state;

    learn(b, taken(b, "GET", GET_MEMBER("1"), 0), answer("abc", 2, 1, 1.0), 0);
    taken(b, "GET", GET_MEMBER("1"), 0);
    assert_in_range(wait_of(b, GET_MEMBER("1"), 0), 1000, 1001);
    assert_in_range(wait_of(b, GET_MEMBER("1"), 400), 600, 601);
}

static void test_after_the_reset_the_whole_limit_is_there(void **state)
{
    struct buckets *b = *state;

    learn(b, taken(b, "GET", GET_MEMBER("1"), 0), answer("abc", 3, 0, 1.0), 0);
    taken(b, "GET", GET_MEMBER("1"), 1001);
    taken(b, "GET", GET_MEMBER("1"), 1001);
    taken(b, "GET", GET_MEMBER("1"), 1001);
    /* Nobody has told when the new window ends: as long as the longest so far. */
    assert_in_range(wait_of(b, GET_MEMBER("1"), 1001), 1000, 1002);
}

static void test_what_is_under_way_at_the_reset_counts_in_the_new_window(void **state)
{
    struct buckets *b = *state;

    learn(b, taken(b, "GET", GET_MEMBER("1"), 0), answer("abc", 2, 1, 1.0), 0);
    taken(b, "GET", GET_MEMBER("1"), 500);
    taken(b, "GET", GET_MEMBER("1"), 1001);
    assert_true(wait_of(b, GET_MEMBER("1"), 1001) > 0);
}

static void test_answers_that_overtake_each_other(void **state)
{
    struct buckets *b = *state;
    struct buckets_answer first = answer("abc", 5, 3, 1.0), second = answer("abc", 5, 2, 1.0);
    struct buckets_ticket *t1, *t2;

    first.reset_sec = second.reset_sec = 100.5;
    learn(b, taken(b, "GET", GET_MEMBER("1"), 0), answer("abc", 5, 4, 1.0), 0);
    t1 = taken(b, "GET", GET_MEMBER("1"), 0);
    t2 = taken(b, "GET", GET_MEMBER("1"), 0);
    learn(b, t2, second, 10); /* 2 left, of which the other one may be one */
    learn(b, t1, first, 20);
    taken(b, "GET", GET_MEMBER("1"), 20);
    assert_true(wait_of(b, GET_MEMBER("1"), 20) > 0);
}

static void test_an_answer_of_the_window_before_says_nothing_about_this_one(void **state)
{
    struct buckets *b = *state;
    struct buckets_answer before = answer("abc", 5, 4, 0.1), now = answer("abc", 5, 0, 1.0);
    struct buckets_ticket *t1, *t2;

    before.reset_sec = 99.5;
    now.reset_sec = 100.5;
    learn(b, taken(b, "GET", GET_MEMBER("1"), 0), answer("abc", 5, 4, 1.0), 0);
    t1 = taken(b, "GET", GET_MEMBER("1"), 0);
    t2 = taken(b, "GET", GET_MEMBER("1"), 0);
    learn(b, t2, now, 10);
    learn(b, t1, before, 20);
    assert_in_range(wait_of(b, GET_MEMBER("1"), 20), 980, 1000);
}

static void test_routes_of_one_bucket_share_it(void **state)
{
    struct buckets *b = *state;

    learn(b, taken(b, "GET", "/guilds/1/roles", 0), answer("abc", 5, 1, 1.0), 0);
    learn(b, taken(b, "GET", "/guilds/1/channels", 0), answer("abc", 5, 0, 1.0), 0);
    assert_true(wait_of(b, "/guilds/1/roles", 0) > 0);
    assert_int_equal(wait_of(b, "/guilds/2/roles", 0), 0); /* its own numbers, not yet known */
}

static void test_a_known_bucket_is_unknown_for_another_guild(void **state)
{
    struct buckets *b = *state;

    learn(b, taken(b, "GET", "/guilds/1/roles", 0), answer("abc", 5, 0, 60.0), 0);
    taken(b, "GET", "/guilds/2/roles", 0);
    assert_int_equal(wait_of(b, "/guilds/2/roles", 0), BUCKETS_UNTIL_ANSWER);
}

static void test_a_bucket_that_changes_its_name(void **state)
{
    struct buckets *b = *state;

    learn(b, taken(b, "GET", "/guilds/1/roles", 0), answer("abc", 5, 4, 60.0), 0);
    learn(b, taken(b, "GET", "/guilds/1/roles", 0), answer("def", 5, 0, 60.0), 0);
    assert_in_range(wait_of(b, "/guilds/1/roles", 0), 59000, 60001);
    /* What was under way under the old name still finds its place. */
    learn(b, taken(b, "GET", "/guilds/2/roles", 0), answer("ghi", 5, 4, 60.0), 0);
    assert_int_equal(wait_of(b, "/guilds/2/roles", 0), 0);
}

static void test_blocked(void **state)
{
    static const struct {
        enum buckets_scope scope;
        double after;
        int64_t least, most;
    } rows[] = {
        {BUCKETS_USER, 64.57, 64570, 64571},
        {BUCKETS_SHARED, 2, 2000, 2001},
        {BUCKETS_USER, 1e9, 24 * 3600 * 1000, 24 * 3600 * 1000}, /* nobody means that */
        {BUCKETS_GLOBAL, 2, 0, 0},                               /* the budget's business */
        {BUCKETS_BANNED, 2, 0, 0},
    };

    (void)state;
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        struct buckets *b = buckets_new();
        /* A hidden limit: there is something left, and the reset is near. */
        struct buckets_answer a = answer("abc", 5, 4, 0.5);

        a.status = 429;
        a.scope = rows[i].scope;
        a.retry_after_sec = rows[i].after;
        learn(b, taken(b, "GET", GET_MEMBER("1"), 0), a, 0);
        assert_in_range(wait_of(b, GET_MEMBER("1"), 0), rows[i].least, rows[i].most);
        assert_int_equal(wait_of(b, GET_MEMBER("2"), 0), 0);
        assert_int_equal(wait_of(b, GET_MEMBER("1"), rows[i].most), 0);
        buckets_free(&b);
    }
}

static void test_a_shorter_block_does_not_end_a_longer_one(void **state)
{
    struct buckets *b = *state;
    struct buckets_answer a = answer("abc", 5, 4, 0.5);
    struct buckets_ticket *second;

    learn(b, taken(b, "GET", GET_MEMBER("1"), 0), a, 0);
    second = taken(b, "GET", GET_MEMBER("1"), 0);
    a.status = 429;
    a.retry_after_sec = 60;
    learn(b, taken(b, "GET", GET_MEMBER("1"), 0), a, 0);
    a.retry_after_sec = 1;
    learn(b, second, a, 0);
    assert_in_range(wait_of(b, GET_MEMBER("1"), 0), 60000, 60001);
}

static void test_no_answer_frees_the_place(void **state)
{
    struct buckets *b = *state;
    struct buckets_answer none;

    buckets_answer_init(&none, 0);
    learn(b, taken(b, "GET", GET_MEMBER("1"), 0), none, 5);
    assert_int_equal(wait_of(b, GET_MEMBER("1"), 5), 0);
}

static void test_put_back(void **state)
{
    struct buckets *b = *state;
    struct buckets_ticket *t;

    learn(b, taken(b, "GET", GET_MEMBER("1"), 0), answer("abc", 2, 1, 1.0), 0);
    t = taken(b, "GET", GET_MEMBER("1"), 0);
    assert_true(wait_of(b, GET_MEMBER("1"), 0) > 0);
    buckets_put_back(b, &t);
    assert_null(t);
    assert_int_equal(wait_of(b, GET_MEMBER("1"), 0), 0);
}

static void test_routes_without_limits(void **state)
{
    struct buckets *b = *state;
    struct buckets_answer plain, failed;

    buckets_answer_init(&plain, 204);
    buckets_answer_init(&failed, 502);
    learn(b, taken(b, "GET", "/gateway", 0), failed, 0);
    taken(b, "GET", "/gateway", 0);
    /* A failure is no proof that there is no limit. */
    assert_int_equal(wait_of(b, "/gateway", 0), BUCKETS_UNTIL_ANSWER);
    learn(b, taken(b, "GET", "/voice/regions", 0), plain, 0);
    taken(b, "GET", "/voice/regions", 0);
    assert_int_equal(wait_of(b, "/voice/regions", 0), 0);
    /* Once it names one, it has one. */
    learn(b, taken(b, "GET", "/voice/regions", 0), answer("abc", 1, 0, 9.0), 0);
    assert_true(wait_of(b, "/voice/regions", 0) > 0);
}

static void test_many_guilds_are_forgotten(void **state)
{
    struct buckets *b = *state;
    char path[64];

    for (int i = 1; i <= 10000; i++) {
        snprintf(path, sizeof(path), "/guilds/%d/roles", i);
        learn(b, taken(b, "GET", path, i), answer("abc", 5, 0, 0.01), i);
    }
    assert_true(wait_of(b, path, 10000) > 0);
    assert_int_equal(wait_of(b, "/guilds/1/roles", 10000), 0);
}

static void test_buckets_without_end(void **state)
{
    struct buckets *b = *state;
    char text[64];

    /* A server that names another bucket each time, and paths that never end: slower, not more. */
    for (int i = 0; i < 3000; i++) {
        snprintf(text, sizeof(text), "bucket%d", i);
        learn(b, taken(b, "GET", "/guilds/1/roles", i * 100), answer(text, 5, 4, 0.01), i * 100);
    }
    for (int i = 0; i < 2000; i++) {
        snprintf(text, sizeof(text), "/path%d", i);
        learn(b, taken(b, "GET", text, 1000000 + i * 100), answer("", 5, 4, 0.01),
              1000000 + i * 100);
    }
}

int main(void)
{
#define T(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)
    const struct CMUnitTest tests[] = {
        T(test_routes),
        T(test_majors_differ_by_what_counts),
        T(test_paths_beyond_measure),
        T(test_headers),
        T(test_429),
        T(test_only_a_429_is_read_so),
        T(test_an_unknown_route_lets_one_through),
        T(test_waits_for_the_reset),
        T(test_after_the_reset_the_whole_limit_is_there),
        T(test_what_is_under_way_at_the_reset_counts_in_the_new_window),
        T(test_answers_that_overtake_each_other),
        T(test_an_answer_of_the_window_before_says_nothing_about_this_one),
        T(test_routes_of_one_bucket_share_it),
        T(test_a_known_bucket_is_unknown_for_another_guild),
        T(test_a_bucket_that_changes_its_name),
        T(test_blocked),
        T(test_a_shorter_block_does_not_end_a_longer_one),
        T(test_no_answer_frees_the_place),
        T(test_put_back),
        T(test_routes_without_limits),
        T(test_many_guilds_are_forgotten),
        T(test_buckets_without_end),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
