/* seen: finding, inserting, evicting, folding records, seeds. */
#include <string.h>

#include "presence/activity.h"
#include "presence/ring.h"
#include "presence/seen.h"
#include "tests/cmocka_all.h"
#include "tests/shm_fixture.h"

#define GUILD ((snowflake_t){UINT64_C(613425648685547541)})
#define USER  ((snowflake_t){UINT64_C(175928847299117063)})
#define SLOT  3

static struct shm shm;
static struct record_list list;
static monoms_t mono;
static unixms_t wall;

static int set_up_rows(uint64_t rows)
{
    fixture_name("seen");
    shm = fixture_shm(rows);
    record_list_init(&list);
    mono = (monoms_t){50000000};
    wall = (unixms_t){1700000000000};
    clock_set_for_test(&wall, &mono);
    return 0;
}

static int set_up(void **state)
{
    (void)state;
    return set_up_rows(1000);
}

static int set_up_small(void **state)
{
    (void)state;
    return set_up_rows(64);
}

static int tear_down(void **state)
{
    (void)state;
    clock_set_for_test(NULL, NULL);
    record_list_clear(&list);
    fixture_done(&shm);
    return 0;
}

static snowflake_t user(uint64_t n)
{
    return (snowflake_t){UINT64_C(200000000000000000) + n * 4194305};
}

static uint64_t counter(enum shm_counter which)
{
    return atomic_load(&shm.header->counters[which].value);
}

/* --- rows ------------------------------------------------------------------------------------ */

static void a_row_is_made_once(void **state)
{
    struct seen_row *row;
    bool inserted;

    (void)state;
    assert_null(seen_find(&shm, GUILD, USER));
    row = seen_touch(&shm, GUILD, USER, SLOT, &inserted);
    assert_true(inserted);
    assert_non_null(row);
    assert_int_equal(row->guild, GUILD.id);
    assert_int_equal(row->user, USER.id);
    assert_true(row->flags & SEEN_LOADING);
    assert_int_equal(atomic_load(&row->state) & 0xff, SEEN_LIVE);
    assert_ptr_equal(seen_touch(&shm, GUILD, USER, SLOT, &inserted), row);
    assert_false(inserted);
    assert_ptr_equal(seen_find(&shm, GUILD, USER), row);
    assert_null(seen_find(&shm, USER, GUILD));
    assert_int_equal(counter(SHM_COUNT_ROWS_LIVE), 1);
    seen_erase(&shm, row);
    assert_null(seen_find(&shm, GUILD, USER));
    assert_int_equal(counter(SHM_COUNT_ROWS_LIVE), 0);
    seen_erase(&shm, row); /* twice does no harm */
    assert_int_equal(counter(SHM_COUNT_ROWS_LIVE), 0);
}

/* What may not be stored yet stays, and so does the place of who is in voice. */
static void rows_are_forgotten(void **state)
{
    bool inserted;
    struct seen_row *row = seen_touch(&shm, GUILD, USER, SLOT, &inserted);

    (void)state;
    atomic_store(&shm_lane(&shm, route_lane(GUILD))->owner, SLOT + 1);
    atomic_store(&row->seen, SEEN_PACK(1000, 1));
    row->flags |= SEEN_RECORDED;
    assert_false(seen_forget(&shm, row, true)); /* it is being read back */
    row->flags &= (uint16_t)~SEEN_LOADING;
    assert_false(seen_forget(&shm, row, false)); /* nothing was committed so far */
    assert_int_equal(SEEN_MS(atomic_load(&row->seen)), 1000);
    assert_false(row->flags & SEEN_RECORDED);
    row->voice_channel = 7;
    assert_true(seen_forget(&shm, row, true));
    assert_ptr_equal(seen_find(&shm, GUILD, USER), row);
    assert_int_equal(atomic_load(&row->seen), 0);
    assert_int_equal(row->voice_channel, 7);
    row->voice_channel = 0;
    assert_true(seen_forget(&shm, row, true));
    assert_null(seen_find(&shm, GUILD, USER));
    assert_true(seen_forget(&shm, row, true)); /* twice does no harm */
}

static void as_many_as_were_wanted_fit(void **state)
{
    unsigned full = 0;
    bool inserted;

    (void)state;
    fixture_done(&shm);
    shm = fixture_shm(100000);
    for (uint64_t n = 0; n < 100000; n++)
        full +=
            seen_touch(&shm, (snowflake_t){GUILD.id + n % 100}, user(n), SLOT, &inserted) == NULL;
    assert_in_range(full, 0, 1000);
    assert_int_equal(counter(SHM_COUNT_ROWS_LIVE), 100000 - full);
    for (uint64_t n = 0; n < 100000; n++)
        full -= seen_find(&shm, (snowflake_t){GUILD.id + n % 100}, user(n)) == NULL;
    assert_int_equal(full, 0);
}

static void times_are_maxima(void **state)
{
    bool inserted;
    struct seen_row *row = seen_touch(&shm, GUILD, USER, SLOT, &inserted);

    (void)state;
    seen_raise(row, (unixms_t){1000}, ACTIVITY_MESSAGE, true);
    seen_raise(row, (unixms_t){3000}, ACTIVITY_TYPING, false);
    seen_raise(row, (unixms_t){2000}, ACTIVITY_EDIT, true);
    seen_raise(row, (unixms_t){1500}, ACTIVITY_AUDIT, true);
    seen_raise(row, UNIXMS_NONE, ACTIVITY_AUDIT, true);
    seen_raise(row, (unixms_t){-5}, ACTIVITY_AUDIT, true);
    assert_int_equal(SEEN_MS(row->seen), 3000);
    assert_int_equal(SEEN_KIND(row->seen), ACTIVITY_TYPING);
    assert_int_equal(SEEN_MS(row->counted), 2000);
    assert_int_equal(SEEN_KIND(row->counted), ACTIVITY_EDIT);
}

/* --- eviction -------------------------------------------------------------------------------- */

/* Fills the table until nothing fits; returns how many rows there are. */
static uint64_t fill(uint64_t from)
{
    uint64_t n = from;
    bool inserted;
    unsigned refused = 0;

    for (; refused < 200; n++) {
        struct seen_row *row = seen_touch(&shm, GUILD, user(n), SLOT, &inserted);

        if (!row)
            refused++;
        else
            row->flags &= (uint16_t)~SEEN_LOADING;
    }
    return counter(SHM_COUNT_ROWS_LIVE);
}

static void own_lane(unsigned slot)
{
    atomic_store(&shm_lane(&shm, route_lane(GUILD))->owner, slot + 1);
}

static void nothing_is_evicted_before_it_is_durable(void **state)
{
    bool inserted;
    uint64_t rows;

    (void)state;
    own_lane(SLOT);
    rows = fill(0);
    assert_int_equal(rows, shm.header->rows);
    assert_int_equal(counter(SHM_COUNT_EVICTIONS), 0);
    uint64_t refused = counter(SHM_COUNT_NO_ROOM);
    assert_null(seen_touch(&shm, GUILD, user(1000000), SLOT, &inserted));
    assert_false(inserted);
    assert_int_equal(counter(SHM_COUNT_NO_ROOM), refused + 1);
    /* Durable up to the second before the rows were written: still nothing. */
    mono.ms += 10000;
    wall.ms += 10000;
    seen_set_durable(&shm, route_lane(GUILD), (unixms_t){wall.ms - 11000});
    assert_null(seen_touch(&shm, GUILD, user(1000000), SLOT, &inserted));
    /* Durable up to now: room. */
    seen_set_durable(&shm, route_lane(GUILD), wall);
    assert_non_null(seen_touch(&shm, GUILD, user(1000000), SLOT, &inserted));
    assert_true(inserted);
    assert_int_equal(counter(SHM_COUNT_EVICTIONS), 1);
    assert_int_equal(counter(SHM_COUNT_ROWS_LIVE), rows);
}

static void a_late_event_with_an_old_time_is_not_durable_either(void **state)
{
    bool inserted;

    (void)state;
    own_lane(SLOT);
    fill(0);
    mono.ms += 60000;
    wall.ms += 60000;
    seen_set_durable(&shm, route_lane(GUILD), wall);
    /* All rows are written again by sightings that are long past, but appended only now. */
    for (uint64_t n = 0; n < 2000; n++) {
        struct record_sighting *s;

        if (!seen_find(&shm, GUILD, user(n)))
            continue;
        record_list_reset(&list);
        s = record_list_add(&list, RECORD_SIGHTING, 1, n + 1, 0);
        s->guild = GUILD;
        s->user = user(n);
        s->at.ms = wall.ms - 3600000;
        s->kind = ACTIVITY_MESSAGE;
        assert_non_null(seen_apply(&shm, &s->h, SLOT, &inserted));
        assert_false(inserted);
    }
    assert_null(seen_touch(&shm, GUILD, user(1000000), SLOT, &inserted));
    mono.ms += 5000;
    wall.ms += 5000;
    seen_set_durable(&shm, route_lane(GUILD), wall);
    assert_non_null(seen_touch(&shm, GUILD, user(1000000), SLOT, &inserted));
}

/* A flood in which no commit ever covers all that was appended. */
static void commits_that_lag_behind_make_room_too(void **state)
{
    unsigned lane = route_lane(GUILD);
    struct shm_lane *l = shm_lane(&shm, lane);
    bool inserted;

    (void)state;
    own_lane(SLOT);
    fill(0);
    atomic_store(&l->head, 100);
    seen_committed(&shm, lane, 50); /* the first call only takes note */
    assert_null(seen_touch(&shm, GUILD, user(1000000), SLOT, &inserted));
    for (uint64_t position = 60; position < 100; position += 13) {
        mono.ms += 5000;
        atomic_store(&l->head, position + 100);
        seen_committed(&shm, lane, position);
        assert_null(seen_touch(&shm, GUILD, user(1000000), SLOT, &inserted));
    }
    seen_committed(&shm, lane, 100); /* all that there was at the first call */
    assert_null(seen_touch(&shm, GUILD, user(1000000), SLOT, &inserted));
    mono.ms += 5000;
    seen_committed(&shm, lane, 300);
    assert_non_null(seen_touch(&shm, GUILD, user(1000000), SLOT, &inserted));
}

static void the_stamp_may_go_round(void **state)
{
    bool inserted;

    (void)state;
    own_lane(SLOT);
    fill(0);
    for (int hours = 1; hours < 60; hours++) {
        struct seen_row *row;

        mono.ms += 3600000;
        wall.ms += 3600000;
        seen_set_durable(&shm, route_lane(GUILD), (unixms_t){wall.ms - 1000});
        row = seen_touch(&shm, GUILD, user(1000000 + (uint64_t)hours), SLOT, &inserted);
        assert_non_null(row);
        assert_true(inserted);
        row->flags &= (uint16_t)~SEEN_LOADING;
    }
}

static void make_all_durable(void)
{
    mono.ms += 60000;
    wall.ms += 60000;
    for (unsigned lane = 0; lane < LANES; lane++)
        seen_set_durable(&shm, lane, wall);
}

static bool pin(void *arg, struct seen_row *row)
{
    unsigned *n = arg;

    switch ((*n)++ % 3) {
    case 0:
        row->flags |= SEEN_LOADING;
        break;
    case 1:
        row->flags |= SEEN_LOOKED_UP;
        break;
    default:
        row->voice_channel = 99;
        break;
    }
    return true;
}

static bool unpin(void *arg, struct seen_row *row)
{
    (void)arg;
    row->flags &= (uint16_t) ~(SEEN_LOADING | SEEN_LOOKED_UP);
    row->voice_channel = 0;
    return false; /* the first only */
}

static void rows_in_use_stay(void **state)
{
    unsigned n = 0, made = 0;
    bool inserted;
    const uint64_t *first = shm_at(&shm, shm.header->rows_offset);
    uint64_t gone;

    (void)state;
    own_lane(SLOT);
    fill(0);
    make_all_durable();
    seen_each(&shm, pin, &n);
    assert_int_equal(n, shm.header->rows);
    for (uint64_t i = 0; i < 500; i++)
        assert_null(seen_touch(&shm, GUILD, user(1000000 + i), SLOT, &inserted));
    gone = first[1];
    seen_each(&shm, unpin, NULL);
    for (uint64_t i = 0; i < 500; i++)
        made += seen_touch(&shm, GUILD, user(2000000 + i), SLOT, &inserted) != NULL;
    assert_int_equal(made, 1); /* it is LOADING itself now */
    assert_null(seen_find(&shm, GUILD, (snowflake_t){gone}));
}

static void rows_of_other_owners_stay(void **state)
{
    snowflake_t other = {GUILD.id + 1};
    bool inserted;

    (void)state;
    while (route_lane(other) == route_lane(GUILD))
        other.id++;
    own_lane(SLOT);
    fill(0);
    make_all_durable();
    atomic_store(&shm_lane(&shm, route_lane(other))->owner, SLOT + 2);
    for (uint64_t i = 0; i < 100; i++)
        assert_null(seen_touch(&shm, other, user(i), SLOT + 1, &inserted));
    /* The same owner has both lanes: now it may. */
    atomic_store(&shm_lane(&shm, route_lane(other))->owner, SLOT + 1);
    assert_non_null(seen_touch(&shm, other, user(1), SLOT, &inserted));
}

static bool unreference(void *arg, struct seen_row *row)
{
    (void)arg;
    row->flags &= (uint16_t)~SEEN_REFERENCED;
    return true;
}

/* Rows used since the hand came by outlive those that were not. */
static void second_chance(void **state)
{
    bool inserted;
    unsigned hot = 0, cold = 0;
    uint64_t all;

    (void)state;
    fixture_done(&shm);
    shm = fixture_shm(4000);
    own_lane(SLOT);
    all = fill(0);
    make_all_durable();
    seen_each(&shm, unreference, NULL);
    for (uint64_t n = 0; n < 20000; n += 4)
        if (seen_find(&shm, GUILD, user(n)))
            seen_touch(&shm, GUILD, user(n), SLOT, &inserted);
    make_all_durable();
    for (uint64_t i = 0; i < all / 3; i++) {
        struct seen_row *row = seen_touch(&shm, GUILD, user(1000000 + i), SLOT, &inserted);

        if (row)
            row->flags &= (uint16_t)~SEEN_LOADING;
    }
    for (uint64_t n = 0; n < 4000; n++) {
        if (seen_find(&shm, GUILD, user(n)))
            continue;
        if (n % 4 == 0)
            hot++;
        else
            cold++;
    }
    assert_true(cold > 500);
    assert_true(hot * 3 * 5 < cold); /* per row, a fifth as often at the most */
}

static void who_was_let_go_is_remembered(void **state)
{
    uint64_t n = 5000, gone = 0, told = 0;
    bool inserted;

    (void)state;
    own_lane(SLOT);
    fill(0);
    make_all_durable();
    for (uint64_t i = 5000; i < 5020; i++)
        seen_touch(&shm, GUILD, user(i), SLOT, &inserted);
    assert_true(counter(SHM_COUNT_EVICTIONS) > 0);
    for (uint64_t i = 0; i < 5020; i++) {
        bool here = seen_find(&shm, GUILD, user(i)) != NULL;

        if (i < n && i >= shm.header->rows + 200)
            continue; /* never was */
        told += seen_let_go(&shm, GUILD, user(i));
        gone += !here;
        if (!here)
            assert_true(seen_let_go(&shm, GUILD, user(i)));
    }
    assert_in_range(told, gone, gone + 100); /* few others share a bit with one of them */
}

static void an_evicted_row_is_blank(void **state)
{
    bool inserted;
    struct seen_row *row;

    (void)state;
    own_lane(SLOT);
    for (uint64_t n = 0; n < 1000; n++) {
        if (!(row = seen_touch(&shm, GUILD, user(n), SLOT, &inserted)))
            break;
        seen_raise(row, wall, 1, true);
        row->present_until = row->last_edit = UINT64_MAX;
        row->flags = SEEN_HUMAN;
        row->member_flags = 0xffff;
    }
    fill(1000);
    make_all_durable();
    row = seen_touch(&shm, GUILD, user(1000000), SLOT, &inserted);
    assert_non_null(row);
    assert_true(inserted);
    assert_int_equal(row->seen, 0);
    assert_int_equal(row->counted, 0);
    assert_int_equal(row->present_until | row->voice_channel | row->last_edit, 0);
    assert_int_equal(row->flags, SEEN_LOADING | SEEN_REFERENCED);
    assert_int_equal(row->member_flags, 0);
}

static void claims_of_the_dead_are_released(void **state)
{
    bool inserted;
    struct seen_row *mine, *theirs;

    (void)state;
    mine = seen_touch(&shm, GUILD, user(1), SLOT, &inserted);
    theirs = seen_touch(&shm, GUILD, user(2), SLOT, &inserted);
    /* As if two workers had died between claiming and filling. */
    atomic_store(&mine->state, SEEN_CLAIMED | SLOT << 8);
    atomic_store(&theirs->state, SEEN_CLAIMED | 9 << 8);
    assert_null(seen_find(&shm, GUILD, user(1)));
    seen_release_claims(&shm, SLOT);
    assert_int_equal(atomic_load(&mine->state), SEEN_EMPTY);
    assert_int_equal(mine->guild, 0);
    assert_int_equal(atomic_load(&theirs->state) & 0xff, SEEN_CLAIMED);
    assert_non_null(seen_touch(&shm, GUILD, user(1), SLOT, &inserted));
    assert_true(inserted);
    seen_release_claims(&shm, SEEN_ANY_SLOT);
    assert_int_equal(atomic_load(&theirs->state), SEEN_EMPTY);
    assert_non_null(seen_find(&shm, GUILD, user(1)));
}

/* --- folding records ------------------------------------------------------------------------- */

static struct seen_row *apply(void *record)
{
    bool inserted;

    return seen_apply(&shm, record, SLOT, &inserted);
}

static struct record_sighting *sighting(uint16_t kind, int64_t at, uint16_t flags)
{
    struct record_sighting *s = record_list_add(&list, RECORD_SIGHTING, 1, 1, 0);

    s->h.flags = flags;
    s->guild = GUILD;
    s->user = USER;
    s->kind = kind;
    s->at.ms = at;
    return s;
}

static struct record_member *member(uint16_t state, uint16_t flags)
{
    struct record_member *m = record_list_add(&list, RECORD_MEMBER, 1, 1, 0);

    m->h.flags = flags;
    m->guild = GUILD;
    m->user = USER;
    m->state = state;
    return m;
}

static struct record_voice *voice(uint64_t channel, int64_t at, uint16_t bits)
{
    struct record_voice *v = record_list_add(&list, RECORD_VOICE, 1, 1, 0);

    v->guild = GUILD;
    v->user = USER;
    v->channel.id = channel;
    v->at.ms = at;
    v->state = bits;
    return v;
}

static struct record_subject *subject(uint16_t type, int64_t at, uint16_t flags)
{
    struct record_subject *s = record_list_add(&list, type, 1, 1, 0);

    s->h.flags = flags;
    s->guild = GUILD;
    s->user = USER;
    s->at.ms = at;
    return s;
}

static void sightings(void **state)
{
    struct seen_row *row = apply(sighting(ACTIVITY_MESSAGE, 5000, RECORD_COUNTED));

    (void)state;
    assert_int_equal(SEEN_MS(row->seen), 5000);
    assert_int_equal(SEEN_MS(row->counted), 5000);
    assert_true(row->flags & SEEN_HUMAN);
    apply(sighting(ACTIVITY_TYPING, 6000, 0));
    assert_int_equal(SEEN_MS(row->seen), 6000);
    assert_int_equal(SEEN_MS(row->counted), 5000);
    assert_int_equal(row->last_edit, 0);
    apply(sighting(ACTIVITY_EDIT, 5500, RECORD_COUNTED));
    assert_int_equal(SEEN_MS(row->last_edit), 5500);
    assert_int_equal(SEEN_MS(row->counted), 5500);
    apply(sighting(ACTIVITY_EDIT, 5400, RECORD_COUNTED));
    assert_int_equal(SEEN_MS(row->last_edit), 5500);
}

static void an_unknown_actor_stays_unknown(void **state)
{
    struct seen_row *row =
        apply(sighting(ACTIVITY_REACTION_REMOVE, 5000, RECORD_COUNTED | RECORD_BOT_UNKNOWN));

    (void)state;
    assert_false(row->flags & (SEEN_HUMAN | SEEN_BOT));
    row->flags |= SEEN_LOOKED_UP;
    apply(subject(RECORD_BOT_FLAG, 0, RECORD_IS_HUMAN));
    assert_true(row->flags & SEEN_HUMAN);
    assert_false(row->flags & SEEN_LOOKED_UP);
    assert_int_equal(SEEN_MS(row->counted), 5000);
}

static void a_bot_keeps_its_row_and_no_times(void **state)
{
    struct seen_row *row = apply(sighting(ACTIVITY_REACTION_ADD, 5000, RECORD_BOT_UNKNOWN));

    (void)state;
    apply(subject(RECORD_BOT_FLAG, 0, RECORD_IS_BOT));
    assert_ptr_equal(seen_find(&shm, GUILD, USER), row);
    assert_int_equal(row->flags & (SEEN_BOT | SEEN_HUMAN | SEEN_LOADING), SEEN_BOT);
    assert_int_equal(row->seen, 0);
    apply(sighting(ACTIVITY_REACTION_ADD, 6000, RECORD_COUNTED));
    assert_int_equal(row->seen, 0);
    assert_true(row->flags & SEEN_BOT);
}

static void members(void **state)
{
    struct record_member *m = member(MEMBER_PENDING, RECORD_IS_HUMAN);
    struct seen_row *row;

    (void)state;
    m->member_flags = 0x12345;
    m->avatar_hash = 0xabcdef01;
    row = apply(m);
    assert_int_equal(row->flags & (SEEN_ON_ROSTER | SEEN_HUMAN | SEEN_PENDING),
                     SEEN_ON_ROSTER | SEEN_HUMAN | SEEN_PENDING);
    assert_int_equal(row->member_flags, 0x2345);
    assert_int_equal(row->last_edit, 0xef01);
    apply(sighting(ACTIVITY_EDIT, 7000, 0));
    assert_int_equal(row->last_edit, SEEN_PACK(7000, 0xef01));
    /* What a partial member does not know stays. */
    apply(member(MEMBER_PARTIAL, 0));
    assert_true(row->flags & SEEN_PENDING);
    assert_true(row->flags & SEEN_HUMAN);
    assert_int_equal(row->member_flags, 0x2345);
    assert_int_equal(row->last_edit, SEEN_PACK(7000, 0xef01));
    apply(member(0, 0));
    assert_false(row->flags & SEEN_PENDING);
    assert_int_equal(row->last_edit, SEEN_PACK(7000, 0));
}

static void voice_edges(void **state)
{
    struct seen_row *row = apply(voice(77, 1000, VOICE_SELF_MUTE));

    (void)state;
    assert_int_equal(row->voice_channel, 77);
    assert_int_equal(row->present_until, SEEN_PACK(1000, VOICE_SELF_MUTE));
    apply(subject(RECORD_VOICE_PRESENT, 3000, 0));
    assert_int_equal(row->present_until, SEEN_PACK(3000, VOICE_SELF_MUTE));
    apply(voice(78, 2000, VOICE_SELF_DEAF));
    assert_int_equal(row->voice_channel, 78);
    assert_int_equal(row->present_until, SEEN_PACK(3000, VOICE_SELF_DEAF));
    apply(voice(0, 4000, VOICE_SELF_DEAF));
    assert_int_equal(row->voice_channel, 0);
    assert_int_equal(row->present_until, SEEN_PACK(4000, 0));
}

static void leaving(void **state)
{
    struct seen_row *row;

    (void)state;
    assert_null(apply(subject(RECORD_MEMBER_LEFT, 10, 0)));
    assert_null(seen_find(&shm, GUILD, USER));
    row = apply(member(0, RECORD_IS_HUMAN));
    apply(voice(77, 1000, VOICE_SELF_MUTE));
    assert_ptr_equal(apply(subject(RECORD_MEMBER_LEFT, 2000, 0)), row);
    assert_false(row->flags & SEEN_ON_ROSTER);
    assert_int_equal(row->voice_channel, 0);
}

static void guild_records(void **state)
{
    struct record_guild *g;
    struct record_coverage *c;
    struct record_subject *s;
    struct shm_guild *row;

    (void)state;
    assert_null(apply(subject(RECORD_GUILD_LEFT, 5, 0)));
    assert_null(shm_guild(&shm, GUILD, false));
    g = record_list_add(&list, RECORD_GUILD, 50, 1, 0);
    g->guild = GUILD;
    g->afk_channel.id = 8;
    g->member_count = 300;
    g->joined_at.ms = 123;
    g->available = 1;
    apply(g);
    row = shm_guild(&shm, GUILD, false);
    assert_non_null(row);
    assert_int_equal(row->afk_channel, 8);
    assert_int_equal(row->member_count, 300);
    assert_int_equal(row->bot_joined_ms, 123);
    assert_int_equal(row->flags, SHM_GUILD_AVAILABLE);

    c = record_list_add(&list, RECORD_COVERAGE, 50, 1, 0);
    c->guild = GUILD;
    c->gateway_session = 50;
    c->edge = COVERAGE_OPEN;
    c->reason = COVERAGE_SESSION;
    apply(c);
    assert_int_equal(row->session, 50);

    row->roster_begin_ms = 400;
    s = subject(RECORD_ROSTER_END, 400, 0);
    s->h.session = 50;
    apply(s);
    assert_int_equal(row->roster_at_ms, 400);
    assert_int_equal(row->roster_begin_ms, 0);
    assert_int_equal(row->roster_session, 50);

    c->edge = COVERAGE_CLOSE;
    c->reason = COVERAGE_OUTAGE;
    apply(c);
    assert_int_equal(row->session, 0);
    assert_int_equal(row->flags, 0);
    c->edge = COVERAGE_OPEN;
    apply(c);
    assert_int_equal(row->flags, SHM_GUILD_AVAILABLE);
    assert_int_equal(row->session, 50);

    g = record_list_add(&list, RECORD_GUILD, 50, 2, 0);
    g->guild = GUILD; /* unavailable: nothing else is sure */
    apply(g);
    assert_int_equal(row->flags, 0);
    assert_int_equal(row->member_count, 300);

    apply(subject(RECORD_GUILD_LEFT, 5, 0));
    assert_int_equal(row->flags, SHM_GUILD_LEFT);
    assert_int_equal(row->session, 0);
}

static void records_without_effect_here(void **state)
{
    static const uint16_t types[] = {RECORD_PAD,          RECORD_EVENT,   RECORD_CHANNEL,
                                     RECORD_CHANNEL_GONE, RECORD_ROLE,    RECORD_ROLE_GONE,
                                     RECORD_VOICE_SYNC,   RECORD_SESSION, RECORD_COMPLETE};
    struct record_sighting *nobody;

    (void)state;
    for (size_t i = 0; i < sizeof(types) / sizeof(types[0]); i++)
        assert_null(apply(record_list_add(&list, types[i], 1, 1, 0)));
    nobody = sighting(1, 5000, 0);
    nobody->user = SNOWFLAKE_NONE;
    assert_null(apply(nobody));
    nobody->user = USER;
    nobody->guild = SNOWFLAKE_NONE;
    assert_null(apply(nobody));
    assert_int_equal(counter(SHM_COUNT_ROWS_LIVE), 0);
}

/* --- replay ---------------------------------------------------------------------------------- */

static uint64_t rnd_state;

static uint64_t rnd(uint64_t bound)
{
    rnd_state = rnd_state * UINT64_C(6364136223846793005) + 1442695040888963407;
    return (rnd_state >> 33) % bound;
}

static void random_record(void)
{
    struct record_subject *r;
    uint64_t who = rnd(12);

    switch (rnd(7)) {
    case 0:
        r = (void *)voice(rnd(3), 1000 + (int64_t)rnd(5000), (uint16_t)rnd(16));
        break;
    case 1:
        r = (void *)member(rnd(2) ? MEMBER_PARTIAL : (uint16_t)rnd(2),
                           rnd(2) || who < 3 ? 0 : RECORD_IS_HUMAN);
        ((struct record_member *)(void *)r)->member_flags = (uint32_t)rnd(9);
        ((struct record_member *)(void *)r)->avatar_hash = (uint32_t)rnd(9);
        break;
    case 2:
        r = subject(RECORD_MEMBER_LEFT, 0, 0);
        break;
    case 3:
        r = subject(RECORD_BOT_FLAG, 0, who < 3 ? RECORD_IS_BOT : RECORD_IS_HUMAN);
        break;
    case 4:
        r = subject(RECORD_VOICE_PRESENT, (int64_t)rnd(9000), 0);
        break;
    default:
        r = (void *)sighting((uint16_t)(1 + rnd(26)), 1000 + (int64_t)rnd(5000),
                             rnd(2) ? RECORD_COUNTED : RECORD_BOT_UNKNOWN);
        break;
    }
    r->user = user(who);
}

static void copy_rows(struct seen_row *rows_r)
{
    for (uint64_t who = 0; who < 12; who++) {
        const struct seen_row *row = seen_find(&shm, GUILD, user(who));

        memset(&rows_r[who], 0, sizeof(rows_r[who]));
        if (!row)
            continue;
        memcpy(&rows_r[who], row, sizeof(*row));
        rows_r[who].flags &= (uint16_t) ~(SEEN_ROSTER_KNOWN | SEEN_STATE_KNOWN | SEEN_VOICE_KNOWN);
    }
}

/* A successor replays from any point on: the end is the same. */
static void a_replay_changes_nothing(void **state)
{
    (void)state;
    for (rnd_state = 1; rnd_state < 400; rnd_state++) {
        uint64_t seed = rnd_state;
        struct seen_row before[12], after[12];
        uint32_t starts[40], at = 0;

        fixture_done(&shm);
        shm = fixture_shm(64);
        record_list_reset(&list);
        for (int i = 0; i < 40; i++) {
            starts[i] = list.count;
            random_record();
        }
        for (int i = 0; i < 40; i++)
            apply(list.slots + starts[i] * RECORD_SLOT_SIZE);
        copy_rows(before);
        at = (uint32_t)rnd(40);
        for (uint32_t i = at; i < 40; i++)
            apply(list.slots + starts[i] * RECORD_SLOT_SIZE);
        copy_rows(after);
        for (int who = 0; who < 12; who++)
            if (memcmp(&before[who], &after[who], sizeof(before[who])))
                fail_msg("seed %u, replay from %u: member %d differs", (unsigned)seed, at, who);
        rnd_state = seed;
    }
}

/* --- seeds ----------------------------------------------------------------------------------- */

static void a_seed_fills_what_is_not_known(void **state)
{
    struct seen_row *row = apply(sighting(ACTIVITY_REACTION_ADD, 5000, RECORD_BOT_UNKNOWN));
    struct seen_seed seed = {.guild = GUILD,
                             .user = USER,
                             .seen = {9000},
                             .seen_kind = ACTIVITY_TYPING,
                             .counted = {8000},
                             .counted_kind = ACTIVITY_MESSAGE,
                             .present_until = {8500},
                             .last_edit = {300},
                             .bot = 0,
                             .on_roster = true,
                             .voice_channel = {44},
                             .voice_state = VOICE_SELF_DEAF,
                             .pending = true,
                             .member_flags = 6,
                             .avatar_hash = 0x10002};

    (void)state;
    assert_true(row->flags & SEEN_LOADING);
    seen_merge(&shm, row, &seed);
    assert_int_equal(row->seen, SEEN_PACK(9000, ACTIVITY_TYPING));
    assert_int_equal(row->counted, SEEN_PACK(8000, ACTIVITY_MESSAGE));
    assert_int_equal(row->present_until, SEEN_PACK(8500, VOICE_SELF_DEAF));
    assert_int_equal(row->voice_channel, 44);
    assert_int_equal(row->last_edit, SEEN_PACK(300, 2));
    assert_int_equal(row->member_flags, 6);
    assert_int_equal(row->flags & ~SEEN_REFERENCED,
                     SEEN_HUMAN | SEEN_ON_ROSTER | SEEN_PENDING | SEEN_RECORDED);
}

static void a_seed_does_not_undo_what_events_told(void **state)
{
    struct seen_row *row = apply(member(0, RECORD_IS_HUMAN));
    struct seen_seed seed = {.seen = {4000},
                             .seen_kind = 1,
                             .counted = {4000},
                             .counted_kind = 1,
                             .bot = -1,
                             .on_roster = true,
                             .pending = true,
                             .voice_channel = {44},
                             .member_flags = 6,
                             .avatar_hash = 9};

    (void)state;
    apply(sighting(ACTIVITY_MESSAGE, 5000, RECORD_COUNTED));
    apply(voice(0, 6000, 0));
    apply(subject(RECORD_MEMBER_LEFT, 7000, 0));
    seen_merge(&shm, row, &seed);
    assert_int_equal(SEEN_MS(row->counted), 5000);
    assert_int_equal(row->voice_channel, 0);
    assert_int_equal(row->member_flags, 0);
    assert_int_equal(row->last_edit, 0);
    assert_int_equal(row->flags & (SEEN_ON_ROSTER | SEEN_PENDING | SEEN_LOADING | SEEN_HUMAN),
                     SEEN_HUMAN);
}

static void a_seed_may_tell_a_bot(void **state)
{
    struct seen_row *row = apply(sighting(ACTIVITY_REACTION_ADD, 5000, RECORD_BOT_UNKNOWN));
    struct seen_seed seed = {.bot = 1, .seen = {9000}, .seen_kind = 1, .on_roster = true};

    (void)state;
    seen_merge(&shm, row, &seed);
    assert_true(row->flags & SEEN_BOT);
    assert_int_equal(row->seen, 0);
    assert_false(row->flags & SEEN_LOADING);
}

int main(void)
{
#define SEEN_TEST(f)  cmocka_unit_test_setup_teardown(f, set_up, tear_down)
#define SMALL_TEST(f) cmocka_unit_test_setup_teardown(f, set_up_small, tear_down)
    const struct CMUnitTest tests[] = {
        SEEN_TEST(a_row_is_made_once),
        SEEN_TEST(rows_are_forgotten),
        SEEN_TEST(as_many_as_were_wanted_fit),
        SEEN_TEST(times_are_maxima),
        SMALL_TEST(nothing_is_evicted_before_it_is_durable),
        SMALL_TEST(a_late_event_with_an_old_time_is_not_durable_either),
        SMALL_TEST(commits_that_lag_behind_make_room_too),
        SMALL_TEST(the_stamp_may_go_round),
        SMALL_TEST(rows_in_use_stay),
        SMALL_TEST(rows_of_other_owners_stay),
        SMALL_TEST(second_chance),
        SMALL_TEST(who_was_let_go_is_remembered),
        SMALL_TEST(an_evicted_row_is_blank),
        SEEN_TEST(claims_of_the_dead_are_released),
        SEEN_TEST(sightings),
        SEEN_TEST(an_unknown_actor_stays_unknown),
        SEEN_TEST(a_bot_keeps_its_row_and_no_times),
        SEEN_TEST(members),
        SEEN_TEST(voice_edges),
        SEEN_TEST(leaving),
        SEEN_TEST(guild_records),
        SEEN_TEST(records_without_effect_here),
        SMALL_TEST(a_replay_changes_nothing),
        SEEN_TEST(a_seed_fills_what_is_not_known),
        SEEN_TEST(a_seed_does_not_undo_what_events_told),
        SEEN_TEST(a_seed_may_tell_a_bot),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
