/* Batches: records in, the JSON of a RecordSightings request out. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>

#include "presence/activity.h"
#include "presence/json.h"
#include "presence/ring.h"
#include "worker/batch.h"
#include "worker/operations.h"

#define GUILD 1213063181107335175u
#define ALICE 806374682394759223u
#define BOB   806374682394759224u
#define NOON  1785585600000

static struct record_list list;

static void sighting(uint64_t user, enum activity_kind kind, int64_t at, uint16_t flags,
                     uint64_t seq)
{
    struct record_sighting *r = record_list_add(&list, RECORD_SIGHTING, 77, seq, 0);

    r->guild.id = GUILD;
    r->user.id = user;
    r->channel.id = kind == ACTIVITY_AUDIT ? 0 : 555;
    r->at.ms = at;
    r->kind = (uint16_t)kind;
    r->h.flags = (uint16_t)(flags | RECORD_EVENT_END);
}

static struct record_subject *subject(uint16_t type, uint64_t user, int64_t at)
{
    struct record_subject *r = record_list_add(&list, type, 0, 0, 0);

    r->guild.id = GUILD;
    r->user.id = user;
    r->at.ms = at;
    return r;
}

static void member(uint64_t user, const char *name, int64_t at, uint16_t state)
{
    size_t len = strlen(name);
    struct record_member *r = record_list_add(&list, RECORD_MEMBER, 0, 0, 8 + len);
    uint64_t role = 99;
    char *tail;

    r->guild.id = GUILD;
    r->user.id = user;
    r->at.ms = at;
    r->h.flags |= RECORD_IS_HUMAN;
    r->state = (uint16_t)(state | (state & MEMBER_PARTIAL ? 0 : MEMBER_HAS_ROLES));
    r->role_count = 1;
    r->username_len = (uint8_t)len;
    tail = record_list_tail(&list, r);
    memcpy(tail, &role, 8);
    memcpy(tail + 8, name, len);
}

static void fill(struct batch *b)
{
    for (uint32_t at = 0; at < list.count;) {
        const struct record_header *h = (const void *)(list.slots + (size_t)at * RECORD_SLOT_SIZE);

        assert_true(batch_room(b, h));
        batch_add(b, h);
        at += h->slots;
    }
}

/* What the batch prints, parsed: the batch. */
static struct json *root;
static const struct json *printed_from(struct batch *b, uint64_t from)
{
    struct buf out;
    char *error = NULL;

    buf_init(&out, 0);
    batch_print_begin(&out);
    batch_print(b, 7, 5000, 6000, from, 20, &out);
    batch_print_end(&out);
    json_free(&root);
    root = json_parse((const char *)buf_bytes(&out), buf_len(&out), &error);
    if (!root)
        fail_msg("%s: %s", error, buf_cstr(&out));
    buf_clear(&out);
    assert_string_equal(json_string(json_get(root, "documentId"), ""), OPERATION_RECORD_SIGHTINGS);
    return json_at(json_get(json_get(root, "variables"), "batches"), 0);
}

static const struct json *printed(struct batch *b)
{
    return printed_from(b, 10);
}

static int set_up(void **state)
{
    record_list_init(&list);
    *state = batch_new();
    return 0;
}

static int tear_down(void **state)
{
    struct batch *b = *state;

    batch_free(&b);
    record_list_clear(&list);
    json_free(&root);
    return 0;
}

static void test_coalesces_sightings_per_minute(void **state)
{
    const struct json *batch, *s;

    sighting(ALICE, ACTIVITY_MESSAGE, NOON + 100, RECORD_COUNTED, 5);
    sighting(ALICE, ACTIVITY_MESSAGE, NOON + 59999, RECORD_COUNTED, 6);
    sighting(ALICE, ACTIVITY_MESSAGE, NOON + 50, RECORD_COUNTED, 7);
    sighting(ALICE, ACTIVITY_MESSAGE, NOON + 60000, RECORD_COUNTED, 8);
    sighting(ALICE, ACTIVITY_TYPING, NOON, 0, 9);
    sighting(BOB, ACTIVITY_AUDIT, NOON, RECORD_COUNTED, 10);
    fill(*state);
    batch = printed(*state);
    s = json_get(batch, "sightings");
    assert_int_equal(json_size(json_get(s, "guildId")), 4);
    assert_int_equal(json_int(json_at(json_get(s, "count"), 0), 0), 3);
    assert_int_equal(json_int(json_at(json_get(s, "firstAt"), 0), 0), NOON + 50);
    assert_int_equal(json_int(json_at(json_get(s, "lastAt"), 0), 0), NOON + 59999);
    assert_int_equal(json_int(json_at(json_get(s, "count"), 1), 0), 1);
    assert_int_equal(json_int(json_at(json_get(s, "firstAt"), 1), 0), NOON + 60000);
    assert_string_equal(json_string(json_at(json_get(s, "kind"), 2), ""), "TYPING");
    assert_false(json_bool(json_at(json_get(s, "counted"), 2), true));
    assert_true(json_bool(json_at(json_get(s, "counted"), 3), false));
    assert_true(json_is_null(json_at(json_get(s, "channelId"), 3)));
    assert_string_equal(json_string(json_at(json_get(s, "userId"), 3), ""), "806374682394759224");
    assert_string_equal(json_string(json_at(json_get(s, "guildId"), 3), ""), "1213063181107335175");
}

static void test_counted_and_not_are_apart(void **state)
{
    sighting(ALICE, ACTIVITY_MESSAGE, NOON, RECORD_COUNTED, 1);
    sighting(ALICE, ACTIVITY_MESSAGE, NOON, 0, 2);
    fill(*state);
    assert_int_equal(json_size(json_get(json_get(printed(*state), "sightings"), "count")), 2);
}

/* What was found in the history stays apart from what was seen, and counts for nothing. */
static void test_found_ones_count_nothing(void **state)
{
    const struct json *counts;

    sighting(ALICE, ACTIVITY_MESSAGE, NOON, RECORD_COUNTED, 1);
    sighting(ALICE, ACTIVITY_MESSAGE, NOON + 5, RECORD_COUNTED | RECORD_FOUND, 2);
    sighting(ALICE, ACTIVITY_MESSAGE, NOON + 9, RECORD_COUNTED | RECORD_FOUND, 3);
    fill(*state);
    counts = json_get(json_get(printed(*state), "sightings"), "count");
    assert_int_equal(json_size(counts), 2);
    assert_int_equal(json_int(json_at(counts, 0), -1), 1);
    assert_int_equal(json_int(json_at(counts, 1), -1), 0);
}

static void test_header_and_offsets(void **state)
{
    const struct json *batch, *sessions;

    sighting(ALICE, ACTIVITY_MESSAGE, NOON, RECORD_COUNTED, 41);
    sighting(ALICE, ACTIVITY_MESSAGE, NOON, RECORD_COUNTED, 42);
    /* Not the end of its event: the offset must not cover it. */
    ((struct record_header *)record_list_add(&list, RECORD_EVENT, 77, 43, 0))->flags = 0;
    fill(*state);
    batch = printed(*state);
    assert_int_equal(json_int(json_get(batch, "lane"), -1), 7);
    assert_string_equal(json_string(json_get(batch, "epoch"), ""), "5000");
    assert_string_equal(json_string(json_get(batch, "claim"), ""), "6000");
    assert_string_equal(json_string(json_get(batch, "from"), ""), "10");
    assert_string_equal(json_string(json_get(batch, "to"), ""), "20");
    sessions = json_get(batch, "sessions");
    assert_int_equal(json_size(sessions), 1);
    assert_string_equal(json_string(json_get(json_at(sessions, 0), "session"), ""), "77");
    assert_string_equal(json_string(json_get(json_at(sessions, 0), "seq"), ""), "42");
}

/* A lane's first: 0 is a position like any other, not one that is left out. */
static void test_from_the_beginning(void **state)
{
    sighting(ALICE, ACTIVITY_MESSAGE, NOON, RECORD_COUNTED, 1);
    fill(*state);
    assert_string_equal(json_string(json_get(printed_from(*state, 0), "from"), ""), "0");
}

static void test_member_ends_in_its_final_state(void **state)
{
    const struct json *m;

    member(ALICE, "al\"ice\n", NOON, MEMBER_PENDING);
    member(ALICE, "alice2", NOON + 1, 0);
    sighting(ALICE, ACTIVITY_EDIT, NOON + 2, RECORD_COUNTED, 1);
    member(BOB, "bob", NOON + 3, 0);
    subject(RECORD_MEMBER_LEFT, BOB, NOON + 4);
    fill(*state);
    m = json_get(printed(*state), "members");
    assert_int_equal(json_size(m), 2);
    assert_string_equal(json_string(json_get(json_at(m, 0), "username"), ""), "alice2");
    assert_true(json_is_null(json_get(json_at(m, 0), "nick")));
    assert_false(json_bool(json_get(json_at(m, 0), "pending"), true));
    assert_false(json_bool(json_get(json_at(m, 0), "bot"), true));
    assert_true(json_bool(json_get(json_at(m, 0), "onRoster"), false));
    assert_int_equal(json_int(json_get(json_at(m, 0), "at"), 0), NOON + 2);
    assert_int_equal(json_int(json_get(json_at(m, 0), "lastEditAt"), 0), NOON + 2);
    assert_int_equal(json_id(json_at(json_get(json_at(m, 0), "roles"), 0)), 99);
    assert_false(json_bool(json_get(json_at(m, 1), "onRoster"), true));
    assert_int_equal(json_int(json_get(json_at(m, 1), "at"), 0), NOON + 4);
}

static void test_partial_member_says_only_what_it_knows(void **state)
{
    const struct json *m;

    member(ALICE, "alice", NOON, MEMBER_PARTIAL);
    fill(*state);
    m = json_at(json_get(printed(*state), "members"), 0);
    assert_string_equal(json_string(json_get(m, "username"), ""), "alice");
    assert_null(json_get(m, "nick"));
    assert_null(json_get(m, "onRoster"));
    assert_null(json_get(m, "premiumSince"));
}

static void test_look_up_is_a_member_row(void **state)
{
    subject(RECORD_BOT_FLAG, ALICE, NOON)->h.flags |= RECORD_IS_BOT;
    fill(*state);
    assert_true(
        json_bool(json_get(json_at(json_get(printed(*state), "members"), 0), "bot"), false));
}

static void test_presence_keeps_the_latest(void **state)
{
    const struct json *p;

    subject(RECORD_VOICE_PRESENT, ALICE, NOON + 5);
    subject(RECORD_VOICE_PRESENT, ALICE, NOON + 9);
    subject(RECORD_VOICE_PRESENT, ALICE, NOON + 7);
    fill(*state);
    p = json_get(printed(*state), "present");
    assert_int_equal(json_size(p), 1);
    assert_int_equal(json_int(json_get(json_at(p, 0), "until"), 0), NOON + 9);
}

static void test_complete_lists_are_told_by_part(void **state)
{
    const struct json *p;

    subject(RECORD_COMPLETE, 0, NOON + 5)->other.id = PART_CHANNELS | PART_THREADS | PART_ROLES;
    subject(RECORD_COMPLETE, 0, NOON + 9)->other.id = PART_THREADS; /* of a later list */
    fill(*state);
    p = json_get(printed(*state), "partsComplete");
    assert_int_equal(json_size(p), 3);
    for (size_t i = 0; i < 3; i++) {
        static const char *const names[] = {"CHANNELS", "THREADS", "ROLES"};

        assert_string_equal(json_string(json_get(json_at(p, i), "part"), ""), names[i]);
        assert_int_equal(json_id(json_get(json_at(p, i), "guildId")), GUILD);
        assert_int_equal(json_int(json_get(json_at(p, i), "at"), 0), NOON + (i == 1 ? 9 : 5));
    }
}

static void test_edges_keep_their_order(void **state)
{
    const struct json *coverage, *voice;

    for (int i = 0; i < 3; i++) {
        struct record_coverage *c = record_list_add(&list, RECORD_COVERAGE, 77, 0, 0);
        struct record_voice *v;

        c->guild.id = GUILD;
        c->at.ms = NOON + i;
        c->gateway_session = 77;
        c->edge = i % 2 ? COVERAGE_CLOSE : COVERAGE_OPEN;
        c->reason = COVERAGE_OUTAGE;
        v = record_list_add(&list, RECORD_VOICE, 77, 0, 0);
        v->guild.id = GUILD;
        v->user.id = ALICE;
        v->channel.id = (uint64_t)(i % 2 ? 0 : 555 + i);
        v->at.ms = NOON + i;
    }
    fill(*state);
    coverage = json_get(printed(*state), "coverage");
    assert_int_equal(json_size(coverage), 3);
    assert_true(json_bool(json_get(json_at(coverage, 0), "open"), false));
    assert_false(json_bool(json_get(json_at(coverage, 1), "open"), true));
    assert_true(json_bool(json_get(json_at(coverage, 2), "open"), false));
    assert_string_equal(json_string(json_get(json_at(coverage, 1), "reason"), ""), "OUTAGE");
    voice = json_get(json_at(json_get(json_get(root, "variables"), "batches"), 0), "voice");
    assert_int_equal(json_id(json_get(json_at(voice, 0), "channelId")), 555);
    assert_true(json_is_null(json_get(json_at(voice, 1), "channelId")));
    assert_int_equal(json_id(json_get(json_at(voice, 2), "channelId")), 557);
}

static void test_channel_gone_and_back(void **state)
{
    struct record_channel *c;
    const struct json *channels;

    subject(RECORD_CHANNEL_GONE, 0, NOON)->other.id = 555;
    c = record_list_add(&list, RECORD_CHANNEL, 77, 1, 4);
    c->guild.id = GUILD;
    c->channel.id = 555;
    c->at.ms = NOON + 1;
    c->name_len = 4;
    memcpy(record_list_tail(&list, c), "talk", 4);
    fill(*state);
    channels = json_get(printed(*state), "channels");
    assert_int_equal(json_size(channels), 1);
    assert_false(json_bool(json_get(json_at(channels, 0), "gone"), true));
    assert_string_equal(json_string(json_get(json_at(channels, 0), "name"), ""), "talk");
}

static void test_is_full_before_the_service_refuses(void **state)
{
    struct batch *b = *state;
    struct record_sighting r = {.h = {.type = RECORD_SIGHTING, .slots = 1, .session = 1, .seq = 1}};
    unsigned n = 0;

    r.guild.id = GUILD;
    r.kind = ACTIVITY_MESSAGE;
    r.at.ms = NOON;
    while (batch_room(b, &r.h)) {
        r.user.id = ++n;
        batch_add(b, &r.h);
    }
    assert_int_equal(n, BATCH_ROWS_MAX);
    assert_true(batch_full(b));
    assert_int_equal(json_size(json_get(json_get(printed(b), "sightings"), "count")), 5000);
    batch_reset(b);
    assert_false(batch_full(b));
    assert_null(json_get(printed(b), "sightings"));
    assert_int_equal(batch_records(b), 0);
}

static void test_batches_of_a_request_share_its_bounds(void **state)
{
    struct batch *b = *state;
    struct record_sighting r = {.h = {.type = RECORD_SIGHTING, .slots = 1, .session = 1, .seq = 1}};
    unsigned n = 0;

    r.guild.id = GUILD;
    r.kind = ACTIVITY_MESSAGE;
    r.at.ms = NOON;
    while (n < BATCH_ROWS_SOFT - 10) {
        r.user.id = ++n;
        batch_add(b, &r.h);
    }
    assert_false(batch_full(b));
    batch_next(b);
    assert_null(json_get(printed(b), "sightings"));
    assert_int_equal(batch_offsets(b)->count, 0);
    while (!batch_full(b)) {
        r.user.id = ++n;
        batch_add(b, &r.h);
    }
    assert_int_equal(json_size(json_get(json_get(printed(b), "sightings"), "count")), 10);
    assert_true(batch_room(b, &r.h)); /* what is full has room for the rest of an event */
    batch_reset(b);
    assert_false(batch_full(b));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
#define T(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)
        T(test_coalesces_sightings_per_minute),
        T(test_counted_and_not_are_apart),
        T(test_found_ones_count_nothing),
        T(test_header_and_offsets),
        T(test_from_the_beginning),
        T(test_member_ends_in_its_final_state),
        T(test_partial_member_says_only_what_it_knows),
        T(test_look_up_is_a_member_row),
        T(test_presence_keeps_the_latest),
        T(test_complete_lists_are_told_by_part),
        T(test_edges_keep_their_order),
        T(test_channel_gone_and_back),
        T(test_is_full_before_the_service_refuses),
        T(test_batches_of_a_request_share_its_bounds),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
