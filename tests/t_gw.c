/* gw: every close code and every way through a session, with a clock of its own. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <string.h>

#include "presence/gw.h"
#include "presence/intents.h"

#define BASE   "wss://base.example"
#define RESUME "wss://resume.example"

struct world {
    struct gw *gw;
    monoms_t now;
    struct gw_action last[GW_SEND_MAX]; /* actions of the last step */
    size_t count;
};

static void drain(struct world *w)
{
    w->count = 0;
    while (gw_next(w->gw, &w->last[w->count]))
        w->count++;
}

static const struct gw_action *action(const struct world *w, enum gw_action_type type)
{
    for (size_t i = 0; i < w->count; i++)
        if (w->last[i].type == type)
            return &w->last[i];
    return NULL;
}

static size_t position(const struct world *w, enum gw_action_type type)
{
    const struct gw_action *a = action(w, type);

    assert_non_null(a);
    return (size_t)(a - w->last);
}

static void setup_with(struct world *w, const struct gw_params *params)
{
    *w = (struct world){.now = {1000000}};
    w->gw = gw_new(params);
}

static void setup(struct world *w)
{
    struct gw_params params = {.shards = 1, .intents = INTENTS_DEFAULT, .url = BASE};

    setup_with(w, &params);
}

static void teardown(struct world *w)
{
    gw_free(&w->gw);
    assert_null(w->gw);
}

static enum gw_verdict feed(struct world *w, const char *frame)
{
    struct envelope env;
    enum gw_verdict verdict;

    assert_null(envelope_scan(frame, strlen(frame), &env));
    verdict = gw_payload(w->gw, w->now, frame, strlen(frame), &env);
    drain(w);
    return verdict;
}

/* Goes to the next deadline and ticks. */
static void tick(struct world *w)
{
    monoms_t due = gw_deadline(w->gw);

    assert_true(due.ms != INT64_MAX);
    if (due.ms > w->now.ms)
        w->now = due;
    gw_tick(w->gw, w->now);
    drain(w);
}

static void hello(struct world *w)
{
    gw_connected(w->gw, w->now);
    assert_int_equal(
        feed(w, "{\"op\":10,\"d\":{\"heartbeat_interval\":41250},\"s\":null,\"t\":null}"),
        GW_IGNORE);
}

static const char ready[] =
    "{\"op\":0,\"s\":1,\"t\":\"READY\",\"d\":{\"v\":10,\"user\":{\"id\":\"1502943274598535171\","
    "\"bot\":true},\"guilds\":[],\"session_id\":\"abc\",\"resume_gateway_url\":\"" RESUME "\","
    "\"application\":{\"id\":\"1502943274598535172\",\"flags\":565248}}}";

static void until_identify(struct world *w)
{
    if (!action(w, GW_WANT_IDENTIFY))
        tick(w);
    assert_non_null(action(w, GW_WANT_IDENTIFY));
    gw_permit(w->gw, w->now);
    drain(w);
    assert_non_null(action(w, GW_CONNECT));
    assert_false(action(w, GW_CONNECT)->resume);
    assert_string_equal(action(w, GW_CONNECT)->url, BASE);
    hello(w);
    assert_non_null(action(w, GW_SEND_IDENTIFY));
}

static void go_live(struct world *w)
{
    gw_start(w->gw, w->now);
    drain(w);
    until_identify(w);
    assert_int_equal(feed(w, ready), GW_DELIVER);
    assert_non_null(action(w, GW_SESSION_STARTED));
    assert_int_equal(gw_shard_state(w->gw), SHARD_LIVE);
}

/* From waiting to RESUME sent. */
static void until_resume(struct world *w, const char *url)
{
    tick(w);
    assert_non_null(action(w, GW_CONNECT));
    assert_true(action(w, GW_CONNECT)->resume);
    assert_string_equal(action(w, GW_CONNECT)->url, url);
    hello(w);
    assert_non_null(action(w, GW_SEND_RESUME));
    assert_null(action(w, GW_SEND_IDENTIFY));
    assert_int_equal(gw_shard_state(w->gw), SHARD_REPLAYING);
}

static void first_connection(void **state)
{
    struct world w;
    struct buf out;

    (void)state;
    setup(&w);
    buf_init(&out, 0);
    gw_start(w.gw, w.now);
    drain(&w);
    assert_int_equal(w.count, 1);
    assert_int_equal(w.last[0].type, GW_WANT_IDENTIFY);
    assert_int_equal(gw_deadline(w.gw).ms, INT64_MAX);
    gw_permit(w.gw, w.now);
    drain(&w);
    assert_int_equal(w.last[0].type, GW_CONNECT);
    hello(&w);
    assert_int_equal(w.last[0].type, GW_SEND_IDENTIFY);
    assert_int_equal(w.last[0].intents, INTENTS_DEFAULT);
    gw_render_heartbeat(w.gw, &out);
    assert_string_equal(buf_cstr(&out), "{\"op\":1,\"d\":null}");
    assert_int_equal(feed(&w, ready), GW_DELIVER);
    assert_int_equal(w.last[0].type, GW_SESSION_STARTED);
    assert_string_equal(w.last[0].session_id, "abc");
    assert_string_equal(w.last[0].url, RESUME);
    assert_int_equal(w.last[0].user.id, UINT64_C(1502943274598535171));
    assert_int_equal(w.last[0].application.id, UINT64_C(1502943274598535172));
    assert_int_equal(w.last[0].application_flags, 565248);
    assert_int_equal(gw_last_seq(w.gw), 1);
    assert_int_equal(feed(&w, "{\"op\":0,\"s\":42,\"t\":\"TYPING_START\",\"d\":{}}"), GW_DELIVER);
    buf_reset(&out);
    gw_render_heartbeat(w.gw, &out);
    assert_string_equal(buf_cstr(&out), "{\"op\":1,\"d\":42}");
    buf_clear(&out);
    teardown(&w);
}

static void heartbeats(void **state)
{
    struct world w;

    (void)state;
    setup(&w);
    go_live(&w);
    assert_in_range(gw_deadline(w.gw).ms - w.now.ms, 0, 41249);
    for (int i = 0; i < 5; i++) {
        monoms_t before = w.now;

        tick(&w);
        assert_int_equal(w.count, 1);
        assert_int_equal(w.last[0].type, GW_SEND_HEARTBEAT);
        if (i > 0)
            assert_int_equal(w.now.ms - before.ms, 41250 - 30);
        w.now.ms += 30;
        feed(&w, "{\"op\":11}");
        assert_int_equal(w.count, 0);
        assert_int_equal(gw_latency_ms(w.gw), 30);
    }
    /* asked for one: at once, the schedule unchanged */
    monoms_t due = gw_deadline(w.gw);
    w.now.ms += 1000;
    feed(&w, "{\"op\":1,\"d\":null}");
    assert_int_equal(w.count, 1);
    assert_int_equal(w.last[0].type, GW_SEND_HEARTBEAT);
    assert_int_equal(gw_deadline(w.gw).ms, due.ms);
    teardown(&w);
}

static void zombie(void **state)
{
    struct world w;

    (void)state;
    setup(&w);
    go_live(&w);
    tick(&w);
    assert_non_null(action(&w, GW_SEND_HEARTBEAT));
    tick(&w);
    assert_int_equal(w.last[0].type, GW_CLOSE);
    assert_int_equal(w.last[0].code, 4000);
    assert_int_equal(w.last[1].type, GW_DISCONNECTED);
    assert_int_equal(w.last[2].type, GW_WAITING);
    assert_in_range(w.last[2].wait_ms, 0, 250);
    assert_true(w.last[2].resume);
    until_resume(&w, RESUME);
    teardown(&w);
}

static void late_tick_is_no_zombie(void **state)
{
    struct world w;

    (void)state;
    setup(&w);
    go_live(&w);
    tick(&w);
    w.now.ms += 100000; /* this process slept; the ACK is in the socket */
    gw_tick(w.gw, w.now);
    drain(&w);
    assert_int_equal(w.count, 0);
    feed(&w, "{\"op\":11}");
    tick(&w);
    assert_int_equal(w.count, 1);
    assert_int_equal(w.last[0].type, GW_SEND_HEARTBEAT);
    /* excused only once */
    w.now.ms += 100000;
    gw_tick(w.gw, w.now);
    drain(&w);
    assert_int_equal(w.count, 0);
    tick(&w);
    assert_non_null(action(&w, GW_CLOSE));
    teardown(&w);
}

static void paused_reading(void **state)
{
    struct world w;

    (void)state;
    setup(&w);
    go_live(&w);
    tick(&w); /* a beat, never answered */
    w.now = (monoms_t){gw_deadline(w.gw).ms - 10000};
    gw_pause(w.gw, w.now);
    assert_int_equal(gw_shard_state(w.gw), SHARD_PAUSED);
    tick(&w);
    assert_int_equal(w.count, 1);
    assert_int_equal(w.last[0].type, GW_SEND_HEARTBEAT); /* suspended rule, not suspended beats */
    tick(&w);                                            /* 30 s */
    assert_int_equal(w.last[0].type, GW_CLOSE);
    assert_int_equal(w.last[0].code, 4000);
    assert_int_equal(gw_deadline(w.gw).ms, INT64_MAX);
    w.now.ms += 100000;
    gw_unpause(w.gw, w.now);
    drain(&w);
    assert_non_null(action(&w, GW_CONNECT));
    assert_true(action(&w, GW_CONNECT)->resume);
    teardown(&w);
}

static void pause_shorter_than_30s_keeps_connection(void **state)
{
    struct world w;

    (void)state;
    setup(&w);
    go_live(&w);
    tick(&w);
    gw_pause(w.gw, w.now);
    w.now.ms += 29000;
    gw_tick(w.gw, w.now);
    gw_unpause(w.gw, w.now);
    drain(&w);
    assert_null(action(&w, GW_CLOSE));
    tick(&w); /* the unanswered beat is forgiven */
    assert_int_equal(w.count, 1);
    assert_int_equal(w.last[0].type, GW_SEND_HEARTBEAT);
    tick(&w);
    assert_non_null(action(&w, GW_CLOSE));
    teardown(&w);
}

static void resume(void **state)
{
    struct world w;
    struct buf out;

    (void)state;
    setup(&w);
    buf_init(&out, 0);
    go_live(&w);
    feed(&w, "{\"op\":0,\"s\":1336,\"t\":\"X\",\"d\":{}}");
    w.now.ms += 500;
    gw_closed(w.gw, w.now, 1006);
    drain(&w);
    assert_null(action(&w, GW_SESSION_LOST));
    until_resume(&w, RESUME);
    assert_int_equal(gw_render_resume(w.gw, "tok\"en", 1330, &out), 0);
    assert_string_equal(
        buf_cstr(&out),
        "{\"op\":6,\"d\":{\"token\":\"tok\\\"en\",\"session_id\":\"abc\",\"seq\":1330}}");
    buf_clear(&out);
    assert_true(gw_replaying(w.gw));
    assert_true(gw_gap_ms(w.gw, w.now) >= 500);
    assert_int_equal(feed(&w, "{\"op\":0,\"s\":1331,\"t\":\"X\",\"d\":{}}"), GW_DELIVER);
    assert_int_equal(gw_last_seq(w.gw), 1336); /* the newest, not the replayed one */
    assert_true(gw_replaying(w.gw));
    assert_int_equal(feed(&w, "{\"op\":0,\"s\":1338,\"t\":\"RESUMED\",\"d\":{}}"), GW_DELIVER);
    assert_int_equal(w.last[0].type, GW_SESSION_RESUMED);
    assert_false(gw_replaying(w.gw));
    assert_int_equal(gw_gap_ms(w.gw, w.now), 0);
    teardown(&w);
}

static void restored_session_is_resumed_first(void **state)
{
    struct world w;

    (void)state;
    setup(&w);
    gw_restore(w.gw, "saved", RESUME, 77, 9000);
    gw_start(w.gw, w.now);
    drain(&w);
    assert_int_equal(w.count, 1);
    assert_int_equal(w.last[0].type, GW_CONNECT);
    assert_true(w.last[0].resume);
    assert_string_equal(w.last[0].url, RESUME);
    hello(&w);
    assert_non_null(action(&w, GW_SEND_RESUME));
    assert_int_equal(gw_gap_ms(w.gw, w.now), 9000);
    feed(&w, "{\"op\":9,\"d\":false,\"s\":null,\"t\":null}");
    assert_non_null(action(&w, GW_SESSION_LOST));
    assert_string_equal(action(&w, GW_SESSION_LOST)->session_id, "saved");
    assert_in_range(action(&w, GW_WAITING)->wait_ms, 1000, 5000);
    until_identify(&w);
    assert_int_equal(gw_last_seq(w.gw), 0);
    teardown(&w);
}

static void op7(void **state)
{
    struct world w;

    (void)state;
    setup(&w);
    go_live(&w);
    feed(&w, "{\"op\":7,\"d\":null,\"s\":null,\"t\":null}");
    assert_int_equal(w.last[0].type, GW_CLOSE);
    assert_int_equal(w.last[0].code, 4000);
    assert_null(action(&w, GW_SESSION_LOST));
    assert_in_range(action(&w, GW_WAITING)->wait_ms, 0, 250);
    until_resume(&w, RESUME);
    teardown(&w);

    setup(&w); /* in place of HELLO */
    gw_start(w.gw, w.now);
    gw_permit(w.gw, w.now);
    drain(&w);
    feed(&w, "{\"op\":7,\"d\":null}");
    assert_non_null(action(&w, GW_GATE_RELEASE));
    assert_false(action(&w, GW_WAITING)->resume);
    until_identify(&w);
    teardown(&w);
}

static void op9(void **state)
{
    struct world w;

    (void)state;
    setup(&w);
    go_live(&w);
    feed(&w, "{\"op\":9,\"d\":true,\"s\":null,\"t\":null}");
    assert_null(action(&w, GW_SESSION_LOST));
    until_resume(&w, RESUME);
    feed(&w, "{\"op\":9,\"d\":false,\"s\":null,\"t\":null}");
    assert_non_null(action(&w, GW_SESSION_LOST));
    assert_in_range(action(&w, GW_WAITING)->wait_ms, 1000, 5000);
    assert_null(gw_session_id(w.gw));
    until_identify(&w);
    /* also the answer to an Identify that came too early */
    feed(&w, "{\"op\":9,\"d\":false,\"s\":null,\"t\":null}");
    assert_null(action(&w, GW_SESSION_LOST));
    assert_in_range(action(&w, GW_WAITING)->wait_ms, 1000, 5000);
    teardown(&w);
}

/* What each code of gateway.md §8 must lead to, written down once more. */
static const struct {
    int code;
    char action; /* Resume, Identify, Fatal, Drop intents */
    int64_t least_ms, most_ms;
    bool own_bug, all_shards, layout;
} expected[] = {
    {0, 'R', 0, 250, false, false, false},         {1000, 'R', 0, 250, false, false, false},
    {1001, 'R', 0, 250, false, false, false},      {1005, 'R', 0, 250, false, false, false},
    {1006, 'R', 0, 250, false, false, false},      {4000, 'R', 0, 250, false, false, false},
    {4001, 'I', 1000, 5000, true, false, false},   {4002, 'R', 0, 250, true, false, false},
    {4003, 'I', 1000, 5000, false, false, false},  {4004, 'F', 0, 0, false, true, false},
    {4005, 'I', 1000, 5000, true, false, false},   {4007, 'I', 1000, 5000, false, false, false},
    {4008, 'R', 60000, 61000, true, false, false}, {4009, 'I', 1000, 5000, false, false, false},
    {4010, 'F', 0, 0, false, false, true},         {4011, 'F', 0, 0, false, false, true},
    {4012, 'F', 0, 0, true, true, false},          {4013, 'F', 0, 0, false, true, false},
    {4014, 'D', 1000, 5000, false, false, false},  {4006, 'R', 0, 250, false, false, false},
    {1011, 'R', 0, 250, false, false, false},      {4999, 'R', 0, 250, false, false, false},
};

static void close_codes(void **state)
{
    size_t rows;

    (void)state;
    gw_close_codes(&rows);
    assert_int_equal(rows, 20); /* 19 codes and "any other" */
    for (size_t i = 0; i < sizeof(expected) / sizeof(expected[0]); i++) {
        const struct gw_action *waiting, *lost, *fatal;
        struct world w;

        setup(&w);
        go_live(&w);
        gw_closed(w.gw, w.now, expected[i].code);
        drain(&w);
        waiting = action(&w, GW_WAITING);
        lost = action(&w, GW_SESSION_LOST);
        fatal = action(&w, GW_FATAL);
        assert_int_equal(w.last[0].type, GW_DISCONNECTED);
        assert_int_equal(w.last[0].code, expected[i].code);
        assert_int_equal(w.last[0].own_bug, expected[i].own_bug);
        assert_non_null(w.last[0].text);
        assert_null(action(&w, GW_CLOSE)); /* the server did that */
        if (expected[i].action == 'F') {
            assert_non_null(fatal);
            assert_int_equal(fatal->code, expected[i].code);
            assert_int_equal(fatal->all_shards, expected[i].all_shards);
            assert_int_equal(fatal->layout, expected[i].layout);
            assert_non_null(fatal->text);
            assert_null(waiting);
            assert_int_equal(gw_deadline(w.gw).ms, INT64_MAX);
            teardown(&w);
            continue;
        }
        assert_null(fatal);
        assert_non_null(waiting);
        assert_in_range(waiting->wait_ms, expected[i].least_ms, expected[i].most_ms);
        if (expected[i].action == 'R') {
            assert_null(lost);
            until_resume(&w, RESUME);
        } else {
            assert_non_null(lost);
            assert_int_equal(lost->code, expected[i].code);
            until_identify(&w);
        }
        teardown(&w);
    }
}

/* The cause was mended: gw_start begins anew, with an Identify. */
static void start_after_a_fatal_close(void **state)
{
    struct world w;

    (void)state;
    setup(&w);
    go_live(&w);
    gw_closed(w.gw, w.now, 4004);
    drain(&w);
    assert_non_null(action(&w, GW_FATAL));
    gw_start(w.gw, w.now);
    drain(&w);
    assert_non_null(action(&w, GW_WANT_IDENTIFY));
    gw_permit(w.gw, w.now);
    drain(&w);
    assert_false(action(&w, GW_CONNECT)->resume);
    teardown(&w);
}

static void refused_intents(void **state)
{
    static const struct {
        uint32_t intents;
        bool known;
        uint64_t flags;
        uint32_t refused, left;
        const char *toggles;
    } cases[] = {
        {INTENTS_DEFAULT, false, 0, INTENT_GUILD_MEMBERS, INTENTS_FALLBACK,
         "Server Members Intent"},
        {INTENTS_DEFAULT | INTENT_MESSAGE_CONTENT, true, 1 << 15, INTENT_MESSAGE_CONTENT,
         INTENTS_DEFAULT, "Message Content Intent"},
        {INTENTS_DEFAULT | INTENT_MESSAGE_CONTENT, true, (1 << 15) | (1 << 18),
         INTENT_GUILD_MEMBERS | INTENT_MESSAGE_CONTENT, INTENTS_FALLBACK,
         "Server Members Intent, Message Content Intent"},
    };

    (void)state;
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        struct gw_params params = {.shards = 1,
                                   .intents = cases[i].intents,
                                   .application_known = cases[i].known,
                                   .application_flags = cases[i].flags,
                                   .url = BASE};
        struct world w;

        setup_with(&w, &params);
        gw_start(w.gw, w.now);
        drain(&w);
        until_identify(&w);
        gw_closed(w.gw, w.now, 4014);
        drain(&w);
        assert_non_null(action(&w, GW_INTENTS_REFUSED));
        assert_int_equal(action(&w, GW_INTENTS_REFUSED)->intents, cases[i].refused);
        assert_string_equal(action(&w, GW_INTENTS_REFUSED)->text, cases[i].toggles);
        until_identify(&w);
        assert_int_equal(action(&w, GW_SEND_IDENTIFY)->intents, cases[i].left);
        gw_closed(w.gw, w.now, 4014);
        drain(&w);
        assert_null(action(&w, GW_INTENTS_REFUSED));
        assert_non_null(action(&w, GW_FATAL));
        teardown(&w);
    }
}

static void another_shard_was_refused_first(void **state)
{
    struct world w;

    (void)state;
    setup(&w);
    gw_start(w.gw, w.now);
    drain(&w);
    until_identify(&w);
    gw_drop_intents(w.gw, INTENT_GUILD_MEMBERS);
    gw_closed(w.gw, w.now, 4014);
    drain(&w);
    assert_null(action(&w, GW_FATAL));
    assert_null(action(&w, GW_INTENTS_REFUSED)); /* reported once, by the other */
    until_identify(&w);
    assert_int_equal(action(&w, GW_SEND_IDENTIFY)->intents, INTENTS_FALLBACK);
    teardown(&w);
}

static void back_off(void **state)
{
    static const int64_t most[] = {250, 1000, 2000, 4000, 8000, 16000, 32000, 60000, 60000};
    struct world w;

    (void)state;
    setup(&w);
    go_live(&w);
    gw_closed(w.gw, w.now, 1006);
    drain(&w);
    for (size_t i = 0; i < sizeof(most) / sizeof(most[0]); i++) {
        assert_non_null(action(&w, GW_WAITING));
        assert_in_range(action(&w, GW_WAITING)->wait_ms, i ? most[i] / 2 : 0, most[i]);
        tick(&w);
        assert_non_null(action(&w, GW_CONNECT));
        gw_failed(w.gw, w.now, 0, "connection refused");
        drain(&w);
    }
    assert_non_null(action(&w, GW_ASK_GATEWAY)); /* the base URL does not answer either */
    /* RESUMED, but gone again before a minute: the pauses go on growing */
    tick(&w);
    hello(&w);
    feed(&w, "{\"op\":0,\"s\":9,\"t\":\"RESUMED\",\"d\":{}}");
    w.now.ms += 59000;
    gw_closed(w.gw, w.now, 1006);
    drain(&w);
    assert_in_range(action(&w, GW_WAITING)->wait_ms, 30000, 60000);
    /* a minute resets them */
    until_resume(&w, RESUME);
    feed(&w, "{\"op\":0,\"s\":10,\"t\":\"RESUMED\",\"d\":{}}");
    w.now.ms += 60000;
    gw_closed(w.gw, w.now, 1006);
    drain(&w);
    assert_in_range(action(&w, GW_WAITING)->wait_ms, 0, 250);
    teardown(&w);
}

static void resume_url_that_does_not_answer(void **state)
{
    struct world w;

    (void)state;
    setup(&w);
    go_live(&w);
    gw_closed(w.gw, w.now, 1006);
    drain(&w);
    for (int i = 0; i < 3; i++) {
        tick(&w);
        assert_string_equal(action(&w, GW_CONNECT)->url, RESUME);
        gw_failed(w.gw, w.now, 0, "no address");
        drain(&w);
        assert_null(action(&w, GW_ASK_GATEWAY));
    }
    until_resume(&w, BASE);
    teardown(&w);
}

static void session_is_given_up_after_many_resumes(void **state)
{
    struct world w;

    (void)state;
    setup(&w);
    go_live(&w);
    gw_closed(w.gw, w.now, 4000);
    drain(&w);
    for (int i = 0; i < 8; i++) {
        assert_null(action(&w, GW_SESSION_LOST));
        until_resume(&w, RESUME);
        gw_closed(w.gw, w.now, 4000);
        drain(&w);
    }
    assert_non_null(action(&w, GW_SESSION_LOST));
    until_identify(&w);
    teardown(&w);
}

static void gate(void **state)
{
    struct world w;

    (void)state;
    setup(&w);
    gw_start(w.gw, w.now);
    gw_permit(w.gw, w.now);
    drain(&w);
    gw_failed(w.gw, w.now, 0, "no address");
    drain(&w);
    assert_non_null(action(&w, GW_GATE_RELEASE));
    assert_non_null(action(&w, GW_ASK_GATEWAY));
    assert_in_range(action(&w, GW_WAITING)->wait_ms, 1000, 5000);
    gw_permit(w.gw, w.now); /* unasked */
    drain(&w);
    assert_int_equal(w.count, 1);
    assert_int_equal(w.last[0].type, GW_GATE_RELEASE);
    gw_set_url(w.gw, BASE);
    until_identify(&w); /* used: not released a second time */
    gw_closed(w.gw, w.now, 1006);
    drain(&w);
    assert_null(action(&w, GW_GATE_RELEASE));
    gw_tick(w.gw, (monoms_t){gw_deadline(w.gw).ms});
    drain(&w);
    assert_non_null(action(&w, GW_WANT_IDENTIFY));
    gw_stop(w.gw, w.now, true);
    drain(&w);
    assert_int_equal(w.count, 1);
    assert_int_equal(w.last[0].type, GW_GATE_RELEASE);
    teardown(&w);
}

static void no_hello(void **state)
{
    struct world w;
    monoms_t before;

    (void)state;
    setup(&w);
    gw_start(w.gw, w.now);
    gw_permit(w.gw, w.now);
    drain(&w);
    before = w.now;
    tick(&w);
    assert_int_equal(w.now.ms - before.ms, 30000);
    assert_int_equal(w.last[0].type, GW_CLOSE);
    assert_non_null(action(&w, GW_WAITING));
    teardown(&w);
}

static void no_ready_keeps_beating(void **state)
{
    struct world w;

    (void)state;
    setup(&w);
    gw_start(w.gw, w.now);
    drain(&w);
    until_identify(&w);
    for (int i = 0; i < 20; i++) {
        tick(&w);
        assert_int_equal(w.count, 1);
        assert_int_equal(w.last[0].type, GW_SEND_HEARTBEAT);
        feed(&w, "{\"op\":11}");
    }
    teardown(&w);
}

static void send_budget(void **state)
{
    struct world w;
    monoms_t retry = {0}, first;

    (void)state;
    setup(&w);
    assert_false(gw_may_send(w.gw, w.now, &retry));
    go_live(&w); /* the Identify took one */
    first = w.now;
    for (int i = 0; i < 114; i++)
        assert_true(gw_may_send(w.gw, w.now, NULL));
    assert_false(gw_may_send(w.gw, w.now, &retry));
    assert_int_equal(retry.ms, first.ms + 60000);
    for (int i = 0; i < 5; i++) { /* the reserve is for heartbeats */
        feed(&w, "{\"op\":1,\"d\":null}");
        assert_non_null(action(&w, GW_SEND_HEARTBEAT));
    }
    w.now.ms += 59999;
    assert_false(gw_may_send(w.gw, w.now, &retry));
    w.now.ms++;
    assert_true(gw_may_send(w.gw, w.now, &retry));
    teardown(&w);
}

static void broken_frames(void **state)
{
    struct world w;

    (void)state;
    setup(&w);
    go_live(&w);
    feed(&w, "{\"op\":0,\"s\":5,\"t\":\"X\",\"d\":{}}");
    assert_true(gw_broken(w.gw, w.now, false));
    drain(&w);
    assert_int_equal(w.last[0].type, GW_CLOSE);
    assert_int_equal(w.last[0].code, 4000);
    until_resume(&w, RESUME);
    assert_false(gw_broken(w.gw, w.now, false)); /* the same again: skipped */
    drain(&w);
    assert_int_equal(w.count, 0);
    feed(&w, "{\"op\":0,\"s\":7,\"t\":\"RESUMED\",\"d\":{}}");
    assert_true(gw_broken(w.gw, w.now, false)); /* another one */
    drain(&w);
    until_resume(&w, RESUME);
    assert_true(gw_broken(w.gw, w.now, true)); /* an inflate context cannot go on */
    teardown(&w);

    setup(&w);
    gw_start(w.gw, w.now);
    gw_permit(w.gw, w.now);
    drain(&w);
    assert_int_equal(feed(&w, "{\"op\":10,\"d\":{\"heartbeat_interval\":\"soon\"}}"), GW_BROKEN);
    assert_non_null(action(&w, GW_CLOSE));
    assert_non_null(action(&w, GW_WAITING));
    teardown(&w);
}

static void stop_and_hold(void **state)
{
    struct world w;

    (void)state;
    setup(&w);
    go_live(&w);
    gw_hold(w.gw, w.now);
    drain(&w);
    assert_int_equal(w.last[0].type, GW_CLOSE);
    assert_int_equal(w.last[0].code, 4000);
    assert_int_equal(gw_deadline(w.gw).ms, INT64_MAX);
    gw_unhold(w.gw, w.now);
    drain(&w);
    assert_true(action(&w, GW_CONNECT)->resume);
    hello(&w);
    gw_stop(w.gw, w.now, true);
    drain(&w);
    assert_int_equal(action(&w, GW_CLOSE)->code, 4000);
    assert_null(action(&w, GW_SESSION_LOST));
    assert_string_equal(gw_session_id(w.gw), "abc");
    teardown(&w);

    setup(&w);
    go_live(&w);
    gw_stop(w.gw, w.now, false);
    drain(&w);
    assert_int_equal(action(&w, GW_CLOSE)->code, 1000);
    assert_non_null(action(&w, GW_SESSION_LOST));
    assert_true(position(&w, GW_CLOSE) < position(&w, GW_SESSION_LOST));
    assert_int_equal(gw_deadline(w.gw).ms, INT64_MAX);
    teardown(&w);
}

static void other_servers(void **state)
{
    struct world w;

    (void)state;
    setup(&w);
    gw_start(w.gw, w.now);
    drain(&w);
    until_identify(&w);
    gw_closed(w.gw, w.now, 4000); /* wrong token, by another server */
    drain(&w);
    assert_null(action(&w, GW_FATAL));
    assert_non_null(strstr(action(&w, GW_WAITING)->text, "token"));
    tick(&w);
    gw_permit(w.gw, w.now);
    drain(&w);
    gw_failed(w.gw, w.now, 400, "HTTP 400");
    drain(&w);
    assert_non_null(strstr(action(&w, GW_WAITING)->text, "token"));
    tick(&w);
    until_identify(&w);
    /* v 9, s from 0, no resume URL, no user, unknown keys, other order */
    assert_int_equal(feed(&w, "{ \"t\": \"READY\", \"s\": 0, \"d\": {\"x\":[1], \"v\": 9, "
                              "\"session_id\": \"s-1\"}, \"op\": 0 }"),
                     GW_DELIVER);
    assert_string_equal(action(&w, GW_SESSION_STARTED)->url, BASE);
    assert_int_equal(action(&w, GW_SESSION_STARTED)->user.id, 0);
    assert_int_equal(gw_last_seq(w.gw), 0);
    assert_int_equal(feed(&w, "{\"op\":99,\"d\":null}"), GW_IGNORE);
    assert_int_equal(w.count, 0);
    gw_closed(w.gw, w.now, 1006);
    drain(&w);
    until_resume(&w, BASE);
    teardown(&w);

    setup(&w); /* no session id: nothing to resume */
    gw_start(w.gw, w.now);
    drain(&w);
    until_identify(&w);
    feed(&w, "{\"op\":0,\"s\":1,\"t\":\"READY\",\"d\":{}}");
    gw_closed(w.gw, w.now, 1006);
    drain(&w);
    assert_non_null(action(&w, GW_SESSION_LOST));
    until_identify(&w);
    teardown(&w);
}

static void identify_payload(void **state)
{
    struct gw_params params = {.shard = 3, .shards = 16, .intents = 513, .url = BASE};
    char long_token[5000];
    struct world w;
    struct buf out;

    (void)state;
    setup_with(&w, &params);
    buf_init(&out, 0);
    assert_int_equal(gw_render_identify(w.gw, "T", "who is around", &out), 0);
    assert_string_equal(
        buf_cstr(&out),
        "{\"op\":2,\"d\":{\"token\":\"T\",\"intents\":513,\"properties\":{\"os\":\"linux\","
        "\"browser\":\"presence\",\"device\":\"presence\"},\"shard\":[3,16],\"large_threshold\":"
        "250,\"presence\":{\"since\":null,\"activities\":[{\"name\":\"who is around\",\"type\":3}],"
        "\"status\":\"online\",\"afk\":false}}}");
    memset(long_token, 'x', sizeof(long_token) - 1);
    long_token[sizeof(long_token) - 1] = '\0';
    buf_reset(&out);
    assert_int_equal(gw_render_identify(w.gw, long_token, NULL, &out), -1);
    assert_int_equal(buf_len(&out), 0);
    gw_render_url("wss://g.example/", "zstd-stream", &out);
    assert_string_equal(buf_cstr(&out), "wss://g.example/?v=10&encoding=json&compress=zstd-stream");
    buf_reset(&out);
    gw_render_url("ws://127.0.0.1:9000/gw?x=1", NULL, &out);
    assert_string_equal(buf_cstr(&out), "ws://127.0.0.1:9000/gw/?v=10&encoding=json");
    buf_clear(&out);
    teardown(&w);
}

static void intents(void **state)
{
    struct buf out;
    uint32_t sum = 0;

    (void)state;
    for (unsigned bit = 0; bit < 32; bit++) {
        const char *name = intent_name(UINT32_C(1) << bit);

        if (!name)
            continue;
        sum |= UINT32_C(1) << bit;
        assert_int_equal(intent_by_name(name, strlen(name)), UINT32_C(1) << bit);
    }
    assert_int_equal(sum, INTENTS_ALL);
    assert_int_equal(intent_by_name("guild_members", 13), INTENT_GUILD_MEMBERS);
    assert_int_equal(intent_by_name("NOTHING", 7), 0);
    assert_int_equal(INTENTS_DEFAULT & ~INTENT_GUILD_MEMBERS, INTENTS_FALLBACK);
    buf_init(&out, 0);
    intents_print(INTENTS_DEFAULT, &out);
    assert_string_equal(
        buf_cstr(&out),
        "GUILDS, GUILD_MEMBERS, GUILD_MODERATION, GUILD_INVITES, GUILD_VOICE_STATES, "
        "GUILD_MESSAGES, GUILD_MESSAGE_REACTIONS, GUILD_MESSAGE_TYPING, GUILD_SCHEDULED_EVENTS, "
        "AUTO_MODERATION_EXECUTION, GUILD_MESSAGE_POLLS");
    buf_clear(&out);
    assert_int_equal(intents_with_content(1, MESSAGE_CONTENT_AUTO, true, 1 << 18), 32769);
    assert_int_equal(intents_with_content(1, MESSAGE_CONTENT_AUTO, true, 1 << 19), 32769);
    assert_int_equal(intents_with_content(1, MESSAGE_CONTENT_AUTO, true, 1 << 15), 1);
    assert_int_equal(intents_with_content(32769, MESSAGE_CONTENT_AUTO, false, 1 << 18), 1);
    assert_int_equal(intents_with_content(1, MESSAGE_CONTENT_YES, false, 0), 32769);
    assert_int_equal(intents_with_content(32769, MESSAGE_CONTENT_NO, true, 1 << 18), 1);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(first_connection),
        cmocka_unit_test(heartbeats),
        cmocka_unit_test(zombie),
        cmocka_unit_test(late_tick_is_no_zombie),
        cmocka_unit_test(paused_reading),
        cmocka_unit_test(pause_shorter_than_30s_keeps_connection),
        cmocka_unit_test(resume),
        cmocka_unit_test(restored_session_is_resumed_first),
        cmocka_unit_test(op7),
        cmocka_unit_test(op9),
        cmocka_unit_test(close_codes),
        cmocka_unit_test(start_after_a_fatal_close),
        cmocka_unit_test(refused_intents),
        cmocka_unit_test(another_shard_was_refused_first),
        cmocka_unit_test(back_off),
        cmocka_unit_test(resume_url_that_does_not_answer),
        cmocka_unit_test(session_is_given_up_after_many_resumes),
        cmocka_unit_test(gate),
        cmocka_unit_test(no_hello),
        cmocka_unit_test(no_ready_keeps_beating),
        cmocka_unit_test(send_budget),
        cmocka_unit_test(broken_frames),
        cmocka_unit_test(stop_and_hold),
        cmocka_unit_test(other_servers),
        cmocka_unit_test(identify_payload),
        cmocka_unit_test(intents),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
