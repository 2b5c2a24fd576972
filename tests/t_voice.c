/* Dwell in voice: who counts, when, and that a successor goes on. The process is played: a lane
 * over a real segment, clocks set by hand. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "worker/load.h"
#include "worker/react.h"
#include "worker/react_parts.h"

#define GUILD   1213063181107335175u
#define ALICE   806374682394759223u
#define TALK    555u
#define AFK     556u
#define SESSION 77u

static struct worker w;
static struct lane *lane;
static char instance[40];
static unixms_t now_unix;
static monoms_t now_mono;

static const snowflake_t guild = {GUILD};

/* main.c's, which is not linked. */
void worker_alert(struct worker *worker, const char *fmt, ...)
{
    (void)worker; /* the lane has no spool here, which it says */
    (void)fmt;
}

void worker_check_drained(struct worker *worker)
{
    (void)worker;
}

static void pass(int64_t ms)
{
    now_unix.ms += ms;
    now_mono.ms += ms;
    clock_set_for_test(&now_unix, &now_mono);
    loop_once(w.loop, 0);
}

static int set_up(void **state)
{
    struct shm_params params = {.rows = 1000, .ring_slots = 1024, .guilds = 64};
    struct msg_gateway_state gateway = {
        .session = SESSION, .intents = 2, .shards = 1, .state = SHARD_LIVE};
    struct shm_guild *g;
    char *why = NULL;

    (void)state;
    memset(&w, 0, sizeof(w));
    now_unix.ms = 1785585600000;
    now_mono.ms = 1000000;
    clock_set_for_test(&now_unix, &now_mono);
    snprintf(instance, sizeof(instance), "t-voice-%d", (int)getpid());
    assert_int_equal(shm_open_master(instance, &params, &w.shm, &why), SHM_CREATED);
    free(why);
    w.loop = loop_new();
    conf_defaults(&w.conf);
    record_list_init(&w.list);
    w.away = true; /* nothing is sent anywhere */
    flush_init(&w);
    load_init(&w);
    react_init(&w);
    lane = xcalloc(1, sizeof(*lane));
    *lane = (struct lane){.w = &w, .number = route_lane(guild), .state = LANE_OWNED};
    lane->held_end = &lane->held;
    record_list_init(&lane->partial);
    ring_init(&lane->ring, &w.shm, lane->number);
    w.lanes[lane->number] = lane;
    roster_gateway(&w, &gateway);
    g = shm_guild(&w.shm, guild, true);
    g->session = SESSION;
    g->flags = SHM_GUILD_AVAILABLE;
    g->afk_channel = AFK;
    return 0;
}

static int tear_down(void **state)
{
    (void)state;
    lane_free(&w.lanes[route_lane(guild)]);
    react_free(&w);
    load_free(&w);
    batch_free(&w.batch);
    record_list_clear(&w.list);
    conf_clear(&w.conf);
    loop_timer_free(&w.flush_timer);
    loop_timer_free(&w.away_timer);
    loop_free(&w.loop);
    shm_close(&w.shm);
    shm_remove(instance);
    clock_set_for_test(NULL, NULL);
    return 0;
}

/* The member's voice state becomes this. */
static void voice(uint64_t user, uint64_t from, uint64_t to, uint16_t bits)
{
    struct record_list list;
    struct record_voice *v;

    record_list_init(&list);
    v = record_list_add(&list, RECORD_VOICE, SESSION, 0, 0);
    v->guild = guild;
    v->user.id = user;
    v->previous.id = from;
    v->channel.id = to;
    v->at = now_unix;
    v->state = bits;
    assert_int_equal(lane_append(lane, &list), 0);
    record_list_clear(&list);
}

/* Records of the type in the ring since the last call. */
static unsigned logged(uint16_t type)
{
    uint64_t pos = ring_tail(&lane->ring);
    const struct record_header *h;
    const char *bad;
    unsigned n = 0;

    while ((h = ring_next(&lane->ring, &pos, ring_head(&lane->ring), &bad)))
        n += h->type == type;
    ring_set_tail(&lane->ring, ring_head(&lane->ring));
    return n;
}

static int64_t present_until(uint64_t user)
{
    return SEEN_MS(seen_find(&w.shm, guild, (snowflake_t){user})->present_until);
}

static void test_dwell_is_logged_each_minute(void **state)
{
    (void)state;
    voice(ALICE, 0, TALK, 0);
    logged(0);
    pass(59000);
    assert_int_equal(logged(RECORD_VOICE_PRESENT), 0);
    pass(1000);
    assert_int_equal(logged(RECORD_VOICE_PRESENT), 1);
    assert_int_equal(present_until(ALICE), now_unix.ms);
    pass(60000);
    assert_int_equal(logged(RECORD_VOICE_PRESENT), 1);
}

static void test_who_has_left_is_forgotten(void **state)
{
    (void)state;
    voice(ALICE, 0, TALK, 0);
    pass(10000);
    voice(ALICE, TALK, 0, 0);
    logged(0);
    for (int i = 0; i < 3; i++)
        pass(60000);
    assert_int_equal(logged(RECORD_VOICE_PRESENT), 0);
    assert_int_equal(present_until(ALICE), 1785585600000 + 10000);
}

static void test_afk_and_deafened_do_not_count(void **state)
{
    (void)state;
    voice(ALICE, 0, AFK, 0);
    voice(ALICE + 1, 0, TALK, VOICE_SELF_DEAF);
    voice(ALICE + 2, 0, TALK, VOICE_DEAF | VOICE_SELF_MUTE); /* deafened by others: counts */
    logged(0);
    pass(60000);
    assert_int_equal(logged(RECORD_VOICE_PRESENT), 1);
    assert_int_equal(present_until(ALICE + 2), now_unix.ms);
    voice(ALICE, AFK, TALK, 0);
    logged(0);
    pass(60000);
    assert_int_equal(logged(RECORD_VOICE_PRESENT), 2);
}

static void test_nothing_is_claimed_while_blind(void **state)
{
    struct msg_gateway_state down = {.session = SESSION, .shards = 1, .state = SHARD_DOWN};

    (void)state;
    voice(ALICE, 0, TALK, 0);
    roster_gateway(&w, &down);
    logged(0);
    pass(60000);
    assert_int_equal(logged(RECORD_VOICE_PRESENT), 0);
    down.state = SHARD_LIVE;
    roster_gateway(&w, &down);
    pass(60000);
    assert_int_equal(logged(RECORD_VOICE_PRESENT), 1);
}

static void test_successor_finds_who_is_in_voice(void **state)
{
    struct msg_gateway_state live = {.session = SESSION, .shards = 1, .state = SHARD_LIVE};

    (void)state;
    voice(ALICE, 0, TALK, 0);
    logged(0);
    react_free(&w);
    react_init(&w);
    roster_gateway(&w, &live);
    react_take_lane(lane);
    pass(1000); /* the survey */
    pass(60000);
    assert_int_equal(logged(RECORD_VOICE_PRESENT), 1);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
#define T(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)
        T(test_dwell_is_logged_each_minute),     T(test_who_has_left_is_forgotten),
        T(test_afk_and_deafened_do_not_count),   T(test_nothing_is_claimed_while_blind),
        T(test_successor_finds_who_is_in_voice),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
