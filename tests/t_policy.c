/* The policy: each rule with what tries to break it, one row each; then what must hold of any
 * facts, with facts made at random, against a slow reading of the rules hour by hour. */
#include "cmocka_all.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "presence/duration.h"
#include "presence/policy.h"

#define HOUR DURATION_HOUR_MS
#define DAY  DURATION_DAY_MS
#define NOW  INT64_C(1795000000000) /* 2026-11-18 */

static struct settings settings;
static struct policy_facts facts;
static struct policy_verdict verdict;
static struct policy_span watched[8], away[8];

static void set(enum setting which, const char *text)
{
    struct setting_value v;
    char *wrong = setting_read_text(which, text, strlen(text), &v);

    if (wrong)
        fail_msg("%s: %s", setting_infos[which].key, wrong);
    settings_put(&settings, which, &v);
}

static unixms_t ago(int64_t ms)
{
    return (unixms_t){NOW - ms};
}

static unixms_t in(int64_t ms)
{
    return (unixms_t){NOW + ms};
}

static void judge(void)
{
    policy_judge(&settings, &facts, &verdict);
}

/* A member who has been silent for 20 days of 30, in a guild in which everything is open; watched
 * without a gap. */
static void begin(void)
{
    settings_free(&settings);
    set(SETTING_MODE, "on");
    set(SETTING_AUTO_KICK, "on");
    memset(&facts, 0, sizeof(facts));
    facts.now = (unixms_t){NOW};
    facts.known = POLICY_KNOWS_ALL;
    facts.gates = POLICY_GATE_ALL;
    facts.human = facts.on_roster = facts.auto_kick_confirmed = true;
    facts.joined_at = facts.bot_joined_at = ago(400 * DAY);
    facts.last_seen = facts.last_counted = ago(20 * DAY);
    facts.started_at = ago(DAY);
    facts.auto_kick_at = ago(100 * DAY);
    watched[0] = (struct policy_span){ago(400 * DAY), in(0)};
    facts.watched = watched;
    facts.watched_count = 1;
    facts.away = away;
}

/* One who is to be flagged now. */
static void begin_silent(void)
{
    begin();
    facts.last_seen = facts.last_counted = ago(30 * DAY);
}

/* One who is to be kicked now: flagged 14 days ago, warned 7 days and 1 day ago. */
static void begin_flagged(void)
{
    begin();
    facts.last_seen = facts.last_counted = ago(44 * DAY);
    facts.flagged_at = ago(14 * DAY);
    facts.kick_warned_at = ago(DAY);
}

static void expect(enum policy_state state, enum policy_step step, int64_t at, bool due,
                   uint64_t reason, const char *file, int line)
{
    judge();
    if (verdict.state != state || verdict.step != step || verdict.at.ms != at ||
        verdict.due != due || (verdict.reasons & reason) != reason) {
        print_error("%s, %s in %lld s, %s; reasons:", policy_state_name(verdict.state),
                    policy_step_name(verdict.step), (long long)(verdict.at.ms - NOW) / 1000,
                    verdict.due ? "due" : "not due");
        for (int r = 0; r < (int)POLICY_REASON_COUNT; r++)
            if (verdict.reasons >> r & 1)
                print_error(" %s", policy_reason_name((enum policy_reason)r));
        print_error("\n");
        _fail(file, line);
    }
}
#define EXPECT(state, step, at, due, reason)                                                       \
    expect(POLICY_##state, POLICY_STEP_##step, (at), (due), (reason), __FILE__, __LINE__)
/* Nothing is done, and nothing will be. */
#define EXPECT_NOTHING(state, reason) EXPECT(state, NONE, 0, false, reason)

static bool harms(enum policy_step step)
{
    return step != POLICY_STEP_NONE && step != POLICY_STEP_UNFLAG;
}

static bool harm_is_due(void)
{
    return verdict.due && harms(verdict.step);
}

/* --- silence ------------------------------------------------------------------------------------
 */

static void test_silence(void **state)
{
    (void)state;
    begin();
    EXPECT(ACTIVE, WARN_FLAG, NOW + 3 * DAY, false, 0);
    assert_int_equal(verdict.knowledge, POLICY_KNOWN);
    assert_true(verdict.idle_ms == 20 * DAY && verdict.silent_ms == 20 * DAY);
    assert_true(verdict.observed_ms == 20 * DAY && verdict.threshold_ms == 30 * DAY);
    facts.flag_warned_at = ago(0);
    facts.last_seen = facts.last_counted = ago(23 * DAY);
    EXPECT(ACTIVE, WARN_FLAG, NOW + 6 * DAY, false, 0);
    facts.last_counted = ago(30 * DAY - 1);
    facts.flag_warned_at = ago(DAY);
    EXPECT(ACTIVE, FLAG, NOW + 1, false, 0);
    facts.last_counted = ago(30 * DAY);
    EXPECT(INACTIVE, FLAG, NOW, true, 0);
    assert_int_equal(verdict.kick_at.ms, 0);
}

/* What was not watched is not held against anybody. */
static void test_only_watched_silence_counts(void **state)
{
    (void)state;
    begin_silent();
    facts.flag_warned_at = ago(0);
    facts.watched_count = 0;
    EXPECT(ACTIVE, WARN_FLAG, NOW + 23 * DAY, false, 0);
    assert_true(verdict.idle_ms == 30 * DAY && verdict.observed_ms == 0);
    begin_silent();
    watched[0].to = ago(10 * DAY); /* not since */
    facts.flag_warned_at = ago(0);
    EXPECT(ACTIVE, WARN_FLAG, NOW + 3 * DAY, false, 0);
    begin_silent();
    watched[0].to = ago(10 * DAY);
    watched[1] = (struct policy_span){ago(10 * DAY - 60000), in(0)}; /* one minute was not */
    facts.watched_count = 2;
    facts.flag_warned_at = ago(DAY);
    EXPECT(ACTIVE, FLAG, NOW + 60000, false, 0);
    begin_silent();
    watched[0].from = ago(10 * DAY); /* nor before, the act notwithstanding */
    facts.flag_warned_at = ago(0);
    EXPECT(ACTIVE, WARN_FLAG, NOW + 13 * DAY, false, 0);
}

/* Ledgers that overlap, are out of order, open or lie in the future never count anything twice. */
static void test_strange_ledgers(void **state)
{
    (void)state;
    begin_silent();
    watched[0] = (struct policy_span){ago(30 * DAY), ago(15 * DAY)};
    watched[1] = (struct policy_span){ago(30 * DAY), ago(15 * DAY)};
    watched[2] = (struct policy_span){ago(20 * DAY), ago(14 * DAY)};
    facts.watched_count = 3;
    judge();
    assert_true(verdict.observed_ms == 16 * DAY && verdict.silent_ms == 16 * DAY);
    watched[0] = (struct policy_span){ago(5 * DAY), in(50 * DAY)};
    watched[1] = (struct policy_span){ago(30 * DAY), ago(15 * DAY)};
    watched[2] = (struct policy_span){UNIXMS_NONE, ago(DAY)};
    judge();
    assert_true(verdict.observed_ms == 5 * DAY);
    watched[0] = (struct policy_span){ago(5 * DAY), UNIXMS_NONE};
    watched[1] = (struct policy_span){ago(5 * DAY), ago(7 * DAY)};
    judge();
    assert_true(verdict.observed_ms == 0);
}

static void test_voice(void **state)
{
    (void)state;
    begin_silent();
    facts.present_until = ago(10 * DAY);
    EXPECT(ACTIVE, WARN_FLAG, NOW + 13 * DAY, false, 0);
    assert_true(verdict.since.ms == NOW - 10 * DAY);
    set(SETTING_VOICE_COUNTS, "joins");
    EXPECT(INACTIVE, FLAG, NOW, true, 0);
    facts.in_voice = true;
    EXPECT(INACTIVE, FLAG, NOW, false, POLICY(IN_VOICE));
    set(SETTING_PROTECT_IN_VOICE, "off");
    EXPECT(INACTIVE, FLAG, NOW, true, 0);
    /* A presence that was not counted keeps from being kicked all the same. */
    begin_flagged();
    set(SETTING_VOICE_COUNTS, "off");
    facts.present_until = ago(DAY);
    judge();
    assert_true(!verdict.due && verdict.kick_at.ms == NOW + 13 * DAY);
}

static void test_silence_before_joining_is_none(void **state)
{
    (void)state;
    begin_silent();
    facts.joined_at = ago(20 * DAY);
    facts.last_seen = facts.last_counted = ago(300 * DAY);
    EXPECT(ACTIVE, WARN_FLAG, NOW + 3 * DAY, false, 0);
    /* A flag of an earlier stay is none. */
    facts.flagged_at = ago(100 * DAY);
    facts.kick_warned_at = ago(50 * DAY);
    EXPECT(ACTIVE, WARN_FLAG, NOW + 3 * DAY, false, 0);
}

static void test_never_seen(void **state)
{
    (void)state;
    begin();
    facts.last_seen = facts.last_counted = UNIXMS_NONE;
    EXPECT_NOTHING(UNDECIDED, POLICY(NEVER_SEEN));
    assert_int_equal(verdict.knowledge, POLICY_NOT_BEFORE);
    set(SETTING_NEVER_SEEN_POLICY, "report");
    EXPECT_NOTHING(UNDECIDED, POLICY(NEVER_SEEN));
    set(SETTING_NEVER_SEEN_POLICY, "treat_as_joined");
    EXPECT(INACTIVE, FLAG, NOW, true, 0);
    facts.bot_joined_at = ago(30 * DAY); /* the bot came later */
    EXPECT(INACTIVE, FLAG, NOW, true, 0);
    assert_true(verdict.since.ms == NOW - 30 * DAY);
    facts.bot_joined_at = ago(10 * DAY);
    facts.flag_warned_at = ago(0);
    EXPECT(ACTIVE, WARN_FLAG, NOW + 13 * DAY, false, 0);
    facts.bot_joined_at = UNIXMS_NONE;
    EXPECT_NOTHING(UNDECIDED, POLICY(NEVER_SEEN));
    assert_int_equal(verdict.knowledge, POLICY_UNKNOWN);
    assert_true(verdict.idle_ms == 0 && verdict.since.ms == 0);
    /* The policy was changed after the flag: no rule speaks for it any more. */
    begin_flagged();
    facts.last_seen = facts.last_counted = UNIXMS_NONE;
    EXPECT(ACTIVE, UNFLAG, NOW, true, POLICY(RULE_NOT_MET));
}

static void test_own_rhythm_only_lengthens(void **state)
{
    (void)state;
    begin_silent();
    facts.rhythm_ms = 20 * DAY;
    EXPECT(INACTIVE, FLAG, NOW, true, 0); /* off */
    set(SETTING_PERSONAL_RHYTHM, "2");
    facts.flag_warned_at = ago(0);
    EXPECT(ACTIVE, WARN_FLAG, NOW + 3 * DAY, false, 0);
    assert_true(verdict.threshold_ms == 40 * DAY);
    facts.rhythm_ms = DAY;
    EXPECT(INACTIVE, FLAG, NOW, true, 0);
    facts.rhythm_ms = -DAY;
    EXPECT(INACTIVE, FLAG, NOW, true, 0);
    facts.rhythm_ms = INT64_MAX;
    judge();
    assert_true(verdict.threshold_ms == DURATION_MAX_MS && !verdict.due);
}

static void test_too_few_acts(void **state)
{
    (void)state;
    begin();
    facts.last_seen = facts.last_counted = ago(2 * DAY);
    facts.nth_act = ago(30 * DAY);
    judge();
    assert_true(!verdict.due && verdict.since.ms == NOW - 2 * DAY); /* one act is enough */
    set(SETTING_MIN_EVENTS, "5");
    EXPECT(INACTIVE, FLAG, NOW, true, 0);
    facts.last_counted = ago(DAY - 1); /* the flag that it took off does not come back at once */
    EXPECT(ACTIVE, WARN_FLAG, NOW + 1 - DAY, true, 0);
    facts.flag_warned_at = ago(0);
    EXPECT(ACTIVE, FLAG, NOW + 1, false, 0);
    facts.nth_act = UNIXMS_NONE; /* nobody looked */
    judge();
    assert_true(verdict.since.ms == NOW - DAY + 1 && !verdict.due);
    facts.nth_day = ago(30 * DAY);
    judge();
    assert_true(verdict.since.ms == NOW - DAY + 1); /* min_days is 1 */
    set(SETTING_MIN_DAYS, "2");
    judge();
    assert_true(verdict.since.ms == NOW - 30 * DAY);
    /* Acts before joining count for nothing, against nobody. */
    facts.joined_at = ago(25 * DAY);
    judge();
    assert_true(verdict.since.ms == NOW - 25 * DAY);
}

/* --- who is left alone
 * ---------------------------------------------------------------------------- */

static void test_nobody_to_judge(void **state)
{
    (void)state;
    begin_flagged();
    facts.human = false;
    EXPECT_NOTHING(UNDECIDED, POLICY(NOT_HUMAN));
    begin_flagged();
    facts.on_roster = false;
    EXPECT_NOTHING(LEFT, POLICY(NOT_ON_ROSTER));
    facts.known &= ~POLICY_KNOWS_ROSTER;
    EXPECT_NOTHING(UNDECIDED, POLICY(NOT_ON_ROSTER) | POLICY(NOT_LOOKED_UP));
    begin_flagged();
    facts.joined_at = UNIXMS_NONE;
    EXPECT_NOTHING(UNDECIDED, POLICY(NOT_ON_ROSTER));
    memset(&facts, 0, sizeof(facts));
    EXPECT_NOTHING(UNDECIDED, POLICY(NOT_HUMAN) | POLICY(NOT_LOOKED_UP));
}

static void test_what_was_not_looked_up_protects(void **state)
{
    (void)state;
    for (unsigned bit = 1; bit <= POLICY_KNOWS_ALL; bit <<= 1) {
        begin_flagged();
        facts.known &= ~bit;
        EXPECT_NOTHING(UNDECIDED, POLICY(NOT_LOOKED_UP));
        begin_silent();
        facts.known &= ~bit;
        EXPECT_NOTHING(UNDECIDED, POLICY(NOT_LOOKED_UP));
    }
    /* Who acted since gets rid of the flag all the same. */
    begin_flagged();
    facts.last_counted = ago(0);
    facts.known = POLICY_KNOWS_ACTS;
    EXPECT(ACTIVE, UNFLAG, NOW, true, POLICY(RETURNED) | POLICY(NOT_LOOKED_UP));
}

static const struct {
    size_t offset;
    uint64_t reason;
    enum setting setting; /* that switches the protection off; SETTING_NONE: none does */
} protections[] = {
    {offsetof(struct policy_facts, owner), POLICY(OWNER), SETTING_NONE},
    {offsetof(struct policy_facts, staff), POLICY(STAFF), SETTING_PROTECT_STAFF},
    {offsetof(struct policy_facts, booster), POLICY(BOOSTER), SETTING_PROTECT_BOOSTERS},
    {offsetof(struct policy_facts, subscriber), POLICY(SUBSCRIBER), SETTING_PROTECT_SUBSCRIBERS},
    {offsetof(struct policy_facts, exempt_user), POLICY(EXEMPT_USER), SETTING_NONE},
    {offsetof(struct policy_facts, exempt_role), POLICY(EXEMPT_ROLE), SETTING_NONE},
    {offsetof(struct policy_facts, opted_out), POLICY(OPTED_OUT), SETTING_NONE},
};

static void test_protections(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof(protections) / sizeof(protections[0]); i++) {
        begin_silent();
        *((bool *)&facts + protections[i].offset) = true;
        EXPECT_NOTHING(EXEMPT, protections[i].reason);
        begin_flagged();
        *((bool *)&facts + protections[i].offset) = true;
        EXPECT(EXEMPT, UNFLAG, NOW, true, protections[i].reason);
        if (protections[i].setting == SETTING_NONE)
            continue;
        set(protections[i].setting, "off");
        EXPECT(WARNED, KICK, NOW, true, 0);
    }
}

static void test_opted_out_under_review(void **state)
{
    (void)state;
    begin_flagged();
    facts.opted_out = true;
    set(SETTING_OPT_OUT_POLICY, "review");
    EXPECT_NOTHING(WARNED, POLICY(OPTED_OUT));
    facts.flagged_at = UNIXMS_NONE;
    EXPECT(INACTIVE, FLAG, NOW, false, POLICY(OPTED_OUT)); /* shown, never due */
}

static void test_grace(void **state)
{
    (void)state;
    begin();
    set(SETTING_TIME_UNTIL_INACTIVE, "7d");
    facts.joined_at = facts.last_counted = facts.last_seen = ago(10 * DAY);
    facts.flag_warned_at = ago(0);
    EXPECT(NEW, WARN_FLAG, NOW + 3 * DAY, false, POLICY(GRACE));
    facts.rejoined = true;
    EXPECT(NEW, WARN_FLAG, NOW + 13 * DAY, false, POLICY(GRACE));
    set(SETTING_REJOIN_GRACE, "0s"); /* only ever lengthens */
    EXPECT(NEW, WARN_FLAG, NOW + 3 * DAY, false, POLICY(GRACE));
    set(SETTING_NEW_MEMBER_GRACE, "10d");
    EXPECT(INACTIVE, FLAG, NOW, true, 0);
    set(SETTING_NEW_MEMBER_GRACE, "11d");
    EXPECT(NEW, FLAG, NOW + DAY, false, POLICY(GRACE));
}

static void test_absences(void **state)
{
    (void)state;
    begin_silent();
    away[0] = (struct policy_span){ago(DAY), in(5 * DAY)};
    facts.away_count = 1;
    facts.flag_warned_at = ago(0);
    EXPECT(AWAY, WARN_FLAG, NOW + 5 * DAY, false, POLICY(AWAY)); /* a day of silence is missing */
    assert_true(verdict.silent_ms == 29 * DAY && verdict.observed_ms == 30 * DAY);
    away[0] = (struct policy_span){ago(10 * DAY), ago(5 * DAY)}; /* a past one */
    EXPECT(ACTIVE, WARN_FLAG, NOW + 4 * DAY, false, 0);
    away[0] = (struct policy_span){in(2 * DAY), in(12 * DAY)}; /* a coming one */
    facts.last_seen = facts.last_counted = ago(27 * DAY);
    facts.flag_warned_at = ago(0);
    EXPECT(ACTIVE, WARN_FLAG, NOW + 6 * DAY, false, 0);
    away[1] = (struct policy_span){in(12 * DAY), in(14 * DAY)}; /* one behind the other */
    facts.away_count = 2;
    EXPECT(ACTIVE, WARN_FLAG, NOW + 8 * DAY, false, 0);
    away[0] = (struct policy_span){in(3 * DAY), in(4 * DAY)};
    facts.away_count = 1; /* begins when the flag would be due: the flag waits */
    EXPECT(ACTIVE, WARN_FLAG, NOW + 3 * DAY, false, 0);
    /* Who is to be kicked. */
    begin_flagged();
    away[0] = (struct policy_span){ago(HOUR), in(DAY)};
    facts.away_count = 1;
    judge();
    assert_true(verdict.state == POLICY_AWAY && !verdict.due);
    assert_true(verdict.kick_at.ms == NOW + DAY + HOUR);
}

static void test_an_act_ends_an_absence_only_if_asked_to(void **state)
{
    (void)state;
    begin();
    facts.last_seen = facts.last_counted = ago(40 * DAY);
    away[0] = (struct policy_span){ago(50 * DAY), in(5 * DAY)};
    facts.away_count = 1;
    EXPECT(AWAY, WARN_FLAG, NOW + 28 * DAY, false, POLICY(AWAY));
    set(SETTING_AWAY_ENDS_ON_ACTIVITY, "on");
    EXPECT(INACTIVE, FLAG, NOW, true, 0);
    away[0].from = ago(39 * DAY); /* the act was before it */
    EXPECT(AWAY, WARN_FLAG, NOW + 27 * DAY, false, POLICY(AWAY));
}

static void test_timeouts(void **state)
{
    (void)state;
    begin_silent();
    facts.timeout_until = in(DAY);
    EXPECT(ACTIVE, WARN_FLAG, NOW + 24 * DAY, false, POLICY(TIMED_OUT));
    facts.timeout_until = ago(DAY); /* it is over; when it began nobody knows */
    EXPECT(ACTIVE, WARN_FLAG, NOW + 22 * DAY, false, 0);
    facts.timeout_until = ago(31 * DAY);
    EXPECT(INACTIVE, FLAG, NOW, true, 0);
    facts.timeout_until = in(DAY);
    set(SETTING_PAUSE_ON_TIMEOUT, "off");
    EXPECT(INACTIVE, FLAG, NOW, true, 0);
    begin_flagged();
    facts.timeout_until = in(DAY);
    judge();
    assert_true(verdict.state == POLICY_WARNED && !verdict.due); /* the flag stays */
    assert_true(verdict.kick_at.ms >= NOW + 15 * DAY);
}

static void test_pending(void **state)
{
    (void)state;
    begin_silent();
    facts.pending = true;
    EXPECT_NOTHING(ACTIVE, POLICY(PENDING));
    assert_int_equal(verdict.silent_ms, 0);
    set(SETTING_PAUSE_WHILE_PENDING, "off");
    EXPECT(INACTIVE, FLAG, NOW, true, 0);
    begin_flagged();
    facts.pending = true;
    EXPECT_NOTHING(WARNED, POLICY(PENDING));
}

static void test_events_to_come_to(void **state)
{
    (void)state;
    begin_silent();
    facts.rsvp_until = in(2 * DAY);
    facts.flag_warned_at = ago(DAY);
    EXPECT(ACTIVE, WARN_FLAG, NOW + DAY, false, POLICY(RSVP));
    set(SETTING_PROTECT_RSVP, "off");
    EXPECT(INACTIVE, FLAG, NOW, true, 0);
    begin_flagged();
    facts.rsvp_until = in(1);
    judge();
    assert_true(!verdict.due && verdict.kick_at.ms == NOW + 1);
}

/* --- section 5
 * ------------------------------------------------------------------------------------ */

static void test_a_kick_that_is_due(void **state)
{
    (void)state;
    begin_flagged();
    EXPECT(WARNED, KICK, NOW, true, 0);
    assert_true(verdict.kick_at.ms == NOW && verdict.reasons == 0);
}

/* Rule 1: each condition alone keeps from a kick. */
static void test_every_condition_of_a_kick(void **state)
{
    static const uint64_t gates[] = {POLICY(DATABASE), POLICY(SIGHT),      POLICY(CLOCK),
                                     POLICY(NOT_LIVE), POLICY(CANNOT_ACT), POLICY(CAPS),
                                     POLICY(APPROVAL)};

    (void)state;
    for (size_t i = 0; i < sizeof(gates) / sizeof(gates[0]); i++) {
        begin_flagged();
        facts.gates &= ~(1u << i);
        EXPECT(WARNED, KICK, NOW, false, gates[i]);
        begin_silent();
        facts.gates &= ~(1u << i);
        EXPECT(INACTIVE, FLAG, NOW, i >= 5, gates[i]); /* caps and approvals are for kicks */
        /* Warnings stop with the rest; what the bot may do to the member does not matter. */
        begin();
        facts.last_seen = facts.last_counted = ago(23 * DAY);
        facts.gates &= ~(1u << i);
        EXPECT(ACTIVE, WARN_FLAG, NOW, i >= 4, gates[i]);
        /* The flag goes whatever is shut, if only the bot may. */
        begin_flagged();
        facts.last_counted = ago(0);
        facts.gates = i == 4 ? POLICY_GATE_ALL & ~POLICY_GATE_ABLE : POLICY_GATE_ABLE;
        EXPECT(ACTIVE, UNFLAG, NOW, i != 4, POLICY(RETURNED));
    }
    begin_flagged();
    set(SETTING_AUTO_KICK, "off");
    EXPECT_NOTHING(WARNED, POLICY(AUTO_KICK_OFF));
    begin_flagged();
    facts.flagged_at = ago(14 * DAY - 1);
    EXPECT(WARNED, KICK, NOW + 1, false, 0);
    begin_flagged();
    facts.flagged_by_hand = true;
    EXPECT_NOTHING(WARNED, POLICY(BY_HAND));
    begin_flagged();
    facts.in_voice = true;
    EXPECT(WARNED, KICK, NOW, false, POLICY(IN_VOICE));
}

static void test_modes(void **state)
{
    (void)state;
    for (int off = 0; off < 2; off++) {
        begin_flagged();
        set(SETTING_MODE, off ? "off" : "observe");
        EXPECT(WARNED, KICK, NOW, false, POLICY(MODE));
        facts.flagged_at = UNIXMS_NONE;
        EXPECT(INACTIVE, FLAG, NOW, false, POLICY(MODE));
        facts.flagged_at = ago(DAY);
        facts.last_counted = ago(0);
        EXPECT(ACTIVE, UNFLAG, NOW, true, POLICY(MODE));
    }
    settings_reset(&settings, SETTING_MODE);
    assert_int_equal(policy_mode(&settings, ago(14 * DAY), in(0)), MODE_ON);
    assert_int_equal(policy_mode(&settings, ago(14 * DAY - 1), in(0)), MODE_OBSERVE);
    assert_int_equal(policy_mode(&settings, UNIXMS_NONE, in(0)), MODE_OBSERVE);
    assert_int_equal(policy_mode(&settings, in(DAY), in(0)), MODE_OBSERVE);
    set(SETTING_MODE, "observe");
    assert_int_equal(policy_mode(&settings, ago(400 * DAY), in(0)), MODE_OBSERVE);
}

/* No event since: an act takes the flag off, a lesser sign of life begins the time anew. */
static void test_signs_of_life_since_the_flag(void **state)
{
    (void)state;
    begin_flagged();
    facts.last_counted = facts.last_seen = ago(14 * DAY); /* in the same millisecond */
    EXPECT(ACTIVE, UNFLAG, NOW, true, POLICY(RETURNED));
    begin_flagged();
    facts.present_until = ago(14 * DAY - 1);
    EXPECT(ACTIVE, UNFLAG, NOW, true, POLICY(RETURNED));
    begin_flagged();
    facts.last_seen = ago(2 * DAY); /* typing */
    facts.kick_warned_at = ago(2 * DAY);
    EXPECT(WARNED, WARN_KICK, NOW + 5 * DAY, false, 0);
    assert_true(verdict.kick_at.ms == NOW + 12 * DAY);
    facts.last_seen = ago(HOUR); /* after the warning: it is worth nothing any more */
    EXPECT(INACTIVE, WARN_KICK, NOW + 7 * DAY - HOUR, false, POLICY(NOT_WARNED));
    assert_true(verdict.kick_at.ms == NOW + 14 * DAY - HOUR);
}

static void test_recheck_window(void **state)
{
    (void)state;
    begin_flagged();
    set(SETTING_RECHECK_WINDOW, "24h");
    EXPECT(WARNED, KICK, NOW, true, 0);
    facts.last_seen = ago(HOUR);
    judge();
    assert_true(!verdict.due && (verdict.reasons & POLICY(SIGN_OF_LIFE)));
}

static void test_warnings_before_a_kick(void **state)
{
    (void)state;
    begin_flagged();
    facts.kick_warned_at = UNIXMS_NONE; /* nobody told them: now, and a day at least */
    EXPECT(INACTIVE, WARN_KICK, NOW, true, POLICY(NOT_WARNED));
    assert_true(verdict.kick_at.ms == NOW + DAY);
    facts.kick_warned_at = ago(DAY - 1);
    EXPECT(WARNED, KICK, NOW + 1, false, POLICY(NOT_WARNED));
    facts.kick_warned_at = ago(20 * DAY); /* of an earlier flag */
    EXPECT(INACTIVE, WARN_KICK, NOW, true, POLICY(NOT_WARNED));
    set(SETTING_WARN_VIA, "off");
    EXPECT(INACTIVE, KICK, NOW, true, 0);
    set(SETTING_WARN_VIA, "dm");
    set(SETTING_WARN_BEFORE_KICK, "none");
    EXPECT(INACTIVE, KICK, NOW, true, 0);
    /* The two of the default, each once. */
    begin_flagged();
    facts.kick_warned_at = UNIXMS_NONE;
    facts.flagged_at = ago(6 * DAY);
    EXPECT(INACTIVE, WARN_KICK, NOW + DAY, false, 0);
    facts.flagged_at = ago(7 * DAY);
    EXPECT(INACTIVE, WARN_KICK, NOW, true, 0);
    facts.kick_warned_at = in(0);
    EXPECT(WARNED, WARN_KICK, NOW + 6 * DAY, false, 0);
    facts.flagged_at = ago(13 * DAY);
    facts.kick_warned_at = ago(6 * DAY);
    EXPECT(WARNED, WARN_KICK, NOW, true, 0);
    facts.kick_warned_at = in(0);
    EXPECT(WARNED, KICK, NOW + DAY, false, POLICY(NOT_WARNED));
}

/* The ledger is up to half a minute behind the clock: that makes no second warning. But a long gap
 * moves the date, and then it is told again. */
static void test_no_warning_twice(void **state)
{
    (void)state;
    begin_flagged();
    facts.flagged_at = ago(13 * DAY);
    facts.kick_warned_at = in(0);
    watched[0].to = ago(30000);
    EXPECT(WARNED, KICK, NOW + DAY + 30000, false, 0);
    watched[0].to = ago(DAY);
    facts.kick_warned_at = ago(DAY);
    EXPECT(WARNED, WARN_KICK, NOW + DAY, false, 0);
    assert_true(verdict.kick_at.ms == NOW + 2 * DAY);
}

static void test_missed_warnings_are_one(void **state)
{
    (void)state;
    begin();
    set(SETTING_WARN_BEFORE_FLAG, "5d, 4d, 3d, 2d, 1d");
    facts.last_seen = facts.last_counted = ago(30 * DAY - 36 * HOUR);
    EXPECT(ACTIVE, WARN_FLAG, NOW - 12 * HOUR, true, 0);
    facts.flag_warned_at = in(0);
    EXPECT(ACTIVE, WARN_FLAG, NOW + 12 * HOUR, false, 0);
}

/* Rule 2: gaps move the date by their length; nothing in the first half hour. */
static void test_outages_and_starts(void **state)
{
    (void)state;
    begin_flagged();
    watched[0].to = ago(10 * DAY);
    watched[1] = (struct policy_span){ago(9 * DAY), in(0)};
    facts.watched_count = 2;
    EXPECT(WARNED, WARN_KICK, NOW, true, 0); /* the new date is told */
    assert_true(verdict.kick_at.ms == NOW + DAY);
    begin_flagged();
    facts.started_at = ago(30 * DURATION_MINUTE_MS - 1);
    EXPECT(WARNED, KICK, NOW + 1, false, POLICY(JUST_STARTED));
    facts.started_at = ago(30 * DURATION_MINUTE_MS);
    EXPECT(WARNED, KICK, NOW, true, 0);
    facts.started_at = UNIXMS_NONE;
    EXPECT(WARNED, KICK, NOW, false, POLICY(JUST_STARTED));
}

/* Rule 4. */
static void test_a_change_of_the_settings(void **state)
{
    (void)state;
    begin_flagged();
    facts.sooner_at = ago(7 * DAY - 1);
    EXPECT(WARNED, KICK, NOW + 1, false, POLICY(SETTINGS_CHANGED));
    facts.sooner_at = ago(7 * DAY);
    EXPECT(WARNED, KICK, NOW, true, 0);
    begin_silent();
    facts.sooner_at = in(0);
    facts.flag_warned_at = in(0);
    EXPECT(ACTIVE, WARN_FLAG, NOW + 6 * DAY, false, POLICY(SETTINGS_CHANGED));
    /* A longer time takes flags off. */
    begin_flagged();
    facts.flagged_at = ago(14 * DAY);
    set(SETTING_TIME_UNTIL_INACTIVE, "44d");
    judge();
    assert_int_equal(verdict.state, POLICY_WARNED);
    set(SETTING_TIME_UNTIL_INACTIVE, "60d");
    EXPECT(ACTIVE, UNFLAG, NOW, true, POLICY(RULE_NOT_MET));
    facts.flagged_by_hand = true;
    EXPECT_NOTHING(WARNED, POLICY(BY_HAND));
}

/* Rule 6. */
static void test_clocks_that_jump(void **state)
{
    static const size_t times[] = {
        offsetof(struct policy_facts, joined_at),
        offsetof(struct policy_facts, last_seen),
        offsetof(struct policy_facts, last_counted),
        offsetof(struct policy_facts, flagged_at),
        offsetof(struct policy_facts, kick_warned_at),
        offsetof(struct policy_facts, flag_warned_at),
        offsetof(struct policy_facts, bot_joined_at),
        offsetof(struct policy_facts, started_at),
        offsetof(struct policy_facts, sooner_at),
        offsetof(struct policy_facts, auto_kick_at),
        offsetof(struct policy_facts, nth_act),
        offsetof(struct policy_facts, nth_day),
    };

    (void)state;
    for (size_t i = 0; i < sizeof(times) / sizeof(times[0]); i++) {
        begin_flagged();
        memcpy((char *)&facts + times[i], &(unixms_t){NOW + 5001}, sizeof(unixms_t));
        EXPECT_NOTHING(UNDECIDED, POLICY(CLOCK));
    }
    begin_flagged();
    facts.now = UNIXMS_NONE;
    EXPECT_NOTHING(UNDECIDED, POLICY(CLOCK));
    facts.now = (unixms_t){1000000000}; /* 1970 */
    EXPECT_NOTHING(UNDECIDED, POLICY(CLOCK));
    facts.now = (unixms_t){INT64_MAX};
    EXPECT_NOTHING(UNDECIDED, POLICY(CLOCK));
}

static void test_switching_kicks_on(void **state)
{
    (void)state;
    begin_flagged();
    facts.auto_kick_at = ago(DAY - 1);
    EXPECT(WARNED, KICK, NOW + 1, false, POLICY(AUTO_KICK_PENDING));
    facts.auto_kick_at = ago(DAY);
    EXPECT(WARNED, KICK, NOW, true, 0);
    facts.auto_kick_confirmed = false;
    EXPECT(WARNED, KICK, NOW, false, POLICY(AUTO_KICK_PENDING));
    facts.auto_kick_confirmed = true;
    facts.auto_kick_at = UNIXMS_NONE;
    EXPECT(WARNED, KICK, NOW, false, POLICY(AUTO_KICK_PENDING));
    facts.kick_warned_at = UNIXMS_NONE; /* nobody is threatened with what may never come */
    EXPECT(INACTIVE, WARN_KICK, NOW, false, POLICY(AUTO_KICK_PENDING));
}

/* A long silence of which too little was watched, though enough for both times. */
static void test_share(void **state)
{
    (void)state;
    begin_flagged();
    facts.last_seen = facts.last_counted = ago(100 * DAY);
    watched[0].from = ago(89 * DAY);
    facts.flagged_at = ago(20 * DAY);
    judge();
    assert_true(!verdict.due && (verdict.reasons & POLICY(SHARE)));
    assert_true(verdict.kick_at.ms == NOW + 10 * DAY); /* 99 of 110 */
    watched[0].from = ago(90 * DAY);
    EXPECT(WARNED, KICK, NOW, true, 0);
    set(SETTING_MIN_OBSERVED_SHARE, "100");
    EXPECT_NOTHING(WARNED, POLICY(SHARE));
    watched[0].from = ago(100 * DAY);
    EXPECT(WARNED, KICK, NOW, true, 0);
    watched[0].from = ago(100 * DAY - 1);
    EXPECT_NOTHING(WARNED, POLICY(SHARE));
}

static void test_names(void **state)
{
    (void)state;
    for (int i = 0; i < POLICY_STATES; i++)
        assert_non_null(policy_state_name((enum policy_state)i));
    for (int i = 0; i < POLICY_STEPS; i++)
        assert_non_null(policy_step_name((enum policy_step)i));
    assert_string_equal(policy_state_name(POLICY_EXEMPT), "EXEMPT");
    assert_string_equal(policy_step_name(POLICY_STEP_WARN_KICK), "warn_kick");
    assert_string_equal(policy_reason_name(POLICY_REASON_RULE_NOT_MET), "RULE_NOT_MET");
    assert_string_equal(policy_knowledge_name(POLICY_UNKNOWN), "UNKNOWN");
    assert_string_equal(policy_knowledge_name(POLICY_NOT_BEFORE), "NOT_BEFORE");
    assert_string_equal(policy_knowledge_name(POLICY_KNOWN), "KNOWN");
}

/* --- at random
 * ------------------------------------------------------------------------------------ */

static bool chance(int one_in)
{
    return random() % one_in == 0;
}

static int64_t hours(int64_t least, int64_t most)
{
    return (least + random() % (most - least + 1)) * HOUR;
}

static unixms_t some_time(int64_t days)
{
    return chance(8) ? UNIXMS_NONE : ago(hours(0, days * 24));
}

static void random_settings(void)
{
    static const char *const times[] = {"7d", "10d", "20d", "30d"},
                             *const prunes[] = {"7d", "10d", "14d"},
                             *const warnings[] = {"none", "1h", "1d", "7d, 1d",
                                                  "3d, 2d, 36h, 1d, 2h"},
                             *const shares[] = {"50", "75.5", "90", "100"},
                             *const modes[] = {"on", "on", "on", "observe"},
                             *const voices[] = {"off", "joins", "connected", "unmuted"},
                             *const vias[] = {"off", "channel", "dm"},
                             *const never[] = {"ignore", "report", "treat_as_joined"};

    settings_free(&settings);
    set(SETTING_MODE, modes[random() % 4]);
    set(SETTING_AUTO_KICK, chance(8) ? "off" : "on");
    set(SETTING_TIME_UNTIL_INACTIVE, times[random() % 4]);
    set(SETTING_AUTO_PRUNE_TIMER, prunes[random() % 3]);
    set(SETTING_WARN_BEFORE_KICK, warnings[random() % 5]);
    set(SETTING_WARN_BEFORE_FLAG, warnings[random() % 5]);
    set(SETTING_WARN_VIA, vias[random() % 3]);
    set(SETTING_MIN_OBSERVED_SHARE, shares[random() % 4]);
    set(SETTING_VOICE_COUNTS, voices[random() % 4]);
    set(SETTING_NEVER_SEEN_POLICY, never[random() % 3]);
    set(SETTING_NEW_MEMBER_GRACE, chance(2) ? "0s" : "14d");
    set(SETTING_RECHECK_WINDOW, chance(2) ? "0s" : "24h");
    set(SETTING_MIN_EVENTS, chance(4) ? "3" : "1");
    set(SETTING_AWAY_ENDS_ON_ACTIVITY, chance(4) ? "on" : "off");
    if (chance(4))
        set(SETTING_PERSONAL_RHYTHM, "1.5");
}

static void random_spans(struct policy_span *spans, size_t count, int64_t from_days, int64_t most_h)
{
    int64_t at = NOW - from_days * DAY;

    for (size_t i = 0; i < count; i++) {
        spans[i].from.ms = at + hours(0, 48);
        spans[i].to.ms = spans[i].from.ms + hours(1, most_h);
        at = spans[i].to.ms;
    }
}

static void random_facts(void)
{
    begin_flagged();
    random_settings();
    facts.now.ms = NOW;
    if (chance(10))
        facts.known = (uint32_t)random() & POLICY_KNOWS_ALL;
    if (chance(6))
        facts.gates = (uint32_t)random() & POLICY_GATE_ALL;
    facts.rejoined = chance(6);
    facts.pending = chance(12);
    facts.in_voice = chance(12);
    facts.owner = chance(40);
    facts.staff = chance(40);
    facts.booster = chance(40);
    facts.exempt_role = chance(40);
    facts.opted_out = chance(40);
    facts.joined_at = chance(3) ? some_time(60) : ago(300 * DAY);
    facts.last_counted = some_time(70);
    facts.last_seen = unixms_max(facts.last_counted, some_time(70));
    facts.present_until = chance(3) ? some_time(70) : UNIXMS_NONE;
    facts.nth_act = chance(2) ? some_time(90) : UNIXMS_NONE;
    facts.rhythm_ms = chance(2) ? hours(0, 40 * 24) : 0;
    facts.timeout_until = chance(6) ? (unixms_t){NOW + hours(-60 * 24, 48)} : UNIXMS_NONE;
    facts.rsvp_until = chance(8) ? (unixms_t){NOW + hours(-48, 48)} : UNIXMS_NONE;
    facts.flagged_at = chance(3) ? UNIXMS_NONE : some_time(40);
    facts.flagged_by_hand = chance(20);
    facts.kick_warned_at = some_time(20);
    facts.flag_warned_at = some_time(20);
    facts.started_at = chance(8) ? ago(random() % HOUR) : ago(50 * DAY);
    facts.sooner_at = chance(6) ? some_time(20) : UNIXMS_NONE;
    facts.auto_kick_at = chance(8) ? some_time(3) : ago(100 * DAY);
    facts.auto_kick_confirmed = !chance(12);
    if (chance(2)) {
        random_spans(watched, 4, 80, 24 * 30);
        facts.watched_count = 4;
        watched[3].to = chance(2) ? in(0) : watched[3].to;
        for (size_t i = 0; i < 4; i++) {
            watched[i].from.ms = watched[i].from.ms > NOW ? NOW : watched[i].from.ms;
            watched[i].to.ms = watched[i].to.ms > NOW ? NOW : watched[i].to.ms;
        }
    }
    if (chance(3)) {
        facts.away_count = (size_t)(random() % 4);
        random_spans(away, facts.away_count, 20, 24 * 10);
    }
}

/* Hour by hour, as slowly as can be: was this hour watched, was it paused? All times of the random
 * facts are whole hours before NOW. */
static bool covers(const struct policy_span *spans, size_t count, int64_t hour, bool absences)
{
    for (size_t i = 0; i < count; i++) {
        int64_t to = spans[i].to.ms;

        if (absences && settings_get(&settings, SETTING_AWAY_ENDS_ON_ACTIVITY)->on &&
            facts.last_counted.ms > spans[i].from.ms && facts.last_counted.ms < to)
            to = facts.last_counted.ms;
        if (spans[i].from.ms <= hour && hour < to)
            return true;
    }
    return false;
}

static int64_t slow(int64_t from, bool pauses)
{
    int64_t ms = 0;

    for (int64_t hour = from; hour < facts.now.ms; hour += HOUR)
        if (covers(watched, facts.watched_count, hour, false) &&
            !(pauses && (covers(away, facts.away_count, hour, true) || facts.pending ||
                         facts.timeout_until.ms > hour)))
            ms += HOUR;
    return ms;
}

static int64_t slow_since(void)
{
    int64_t voice = settings_get(&settings, SETTING_VOICE_COUNTS)->number;
    int64_t since = facts.last_counted.ms;

    if (voice >= VOICE_COUNTS_CONNECTED && facts.present_until.ms > since)
        since = facts.present_until.ms;
    if (since == 0) {
        if (settings_get(&settings, SETTING_NEVER_SEEN_POLICY)->number !=
            NEVER_SEEN_TREAT_AS_JOINED)
            return 0;
        since = facts.bot_joined_at.ms;
    } else if (settings_get(&settings, SETTING_MIN_EVENTS)->number > 1 && facts.nth_act.ms &&
               facts.nth_act.ms < since) {
        since = facts.nth_act.ms;
    }
    return since > facts.joined_at.ms ? since : facts.joined_at.ms;
}

static int64_t slow_threshold(void)
{
    const struct setting_value *times = settings_get(&settings, SETTING_PERSONAL_RHYTHM);
    int64_t ms = settings_get(&settings, SETTING_TIME_UNTIL_INACTIVE)->number;

    return !times->none && facts.rhythm_ms * 3 / 2 > ms ? facts.rhythm_ms * 3 / 2 : ms;
}

/* Neither flag nor kick: what is the same for both. */
static bool slow_left_alone(void)
{
    int64_t grace = settings_get(&settings, SETTING_NEW_MEMBER_GRACE)->number, since = slow_since();

    if (facts.rejoined && grace < 30 * DAY)
        grace = 30 * DAY;
    return facts.known != POLICY_KNOWS_ALL || !facts.joined_at.ms || since == 0 || facts.owner ||
           facts.staff || facts.booster || facts.exempt_role || facts.opted_out || facts.pending ||
           facts.in_voice || facts.timeout_until.ms > NOW || facts.rsvp_until.ms > NOW ||
           facts.joined_at.ms + grace > NOW || (facts.sooner_at.ms + 7 * DAY > NOW) ||
           covers(away, facts.away_count, NOW, true) ||
           settings_get(&settings, SETTING_MODE)->number != MODE_ON || (facts.gates & 31) != 31 ||
           slow(since, true) < slow_threshold();
}

static bool slow_flagged(void)
{
    return facts.flagged_at.ms && facts.flagged_at.ms >= facts.joined_at.ms;
}

static bool slow_may_flag(void)
{
    int64_t counted = facts.last_counted.ms,
            voice = settings_get(&settings, SETTING_VOICE_COUNTS)->number;

    if (voice >= VOICE_COUNTS_CONNECTED && facts.present_until.ms > counted)
        counted = facts.present_until.ms;
    return !slow_flagged() && !slow_left_alone() &&
           (slow_since() >= counted || slow(counted, true) >= DAY);
}

static bool slow_may_kick(void)
{
    const struct setting_value *before = settings_get(&settings, SETTING_WARN_BEFORE_KICK);
    int64_t start = facts.flagged_at.ms, idle = NOW - slow_since(), shortest = INT64_MAX;
    int64_t voice = settings_get(&settings, SETTING_VOICE_COUNTS)->number;

    if (!slow_flagged() || slow_left_alone() || facts.flagged_by_hand ||
        !settings_get(&settings, SETTING_AUTO_KICK)->on || facts.last_counted.ms >= start ||
        (voice >= VOICE_COUNTS_CONNECTED && facts.present_until.ms >= start))
        return false;
    if (facts.last_seen.ms > start)
        start = facts.last_seen.ms;
    if (facts.present_until.ms > start)
        start = facts.present_until.ms;
    if (slow(start, true) < settings_get(&settings, SETTING_AUTO_PRUNE_TIMER)->number ||
        slow(slow_since(), true) <
            slow_threshold() + settings_get(&settings, SETTING_AUTO_PRUNE_TIMER)->number ||
        slow(start, true) < settings_get(&settings, SETTING_RECHECK_WINDOW)->number ||
        slow(slow_since(), false) * 100000 <
            settings_get(&settings, SETTING_MIN_OBSERVED_SHARE)->number * idle)
        return false;
    for (size_t i = 0; i < before->delays.count; i++)
        shortest = before->delays.ms[i] < shortest ? before->delays.ms[i] : shortest;
    if (before->delays.count && settings_get(&settings, SETTING_WARN_VIA)->number &&
        (facts.kick_warned_at.ms < start || slow(facts.kick_warned_at.ms, true) < shortest))
        return false;
    return facts.gates == POLICY_GATE_ALL && NOW - facts.started_at.ms >= HOUR / 2 &&
           facts.auto_kick_at.ms && NOW - facts.auto_kick_at.ms >= DAY && facts.auto_kick_confirmed;
}

static void test_against_the_slow_reading(void **state)
{
    int flags = 0, kicks = 0, unflags = 0;

    (void)state;
    srandom(20261123);
    for (int round = 0; round < 60000; round++) {
        random_facts();
        judge();
        if ((verdict.due && verdict.step == POLICY_STEP_KICK) != slow_may_kick())
            fail_msg("round %d: %s, %llx", round, policy_step_name(verdict.step),
                     (unsigned long long)verdict.reasons);
        if ((verdict.due && verdict.step == POLICY_STEP_FLAG) != slow_may_flag())
            fail_msg("round %d: %s, %llx", round, policy_step_name(verdict.step),
                     (unsigned long long)verdict.reasons);
        flags += verdict.due && verdict.step == POLICY_STEP_FLAG;
        kicks += verdict.due && verdict.step == POLICY_STEP_KICK;
        unflags += verdict.due && verdict.step == POLICY_STEP_UNFLAG;
    }
    assert_true(flags > 200 && kicks > 200 && unflags > 200);
}

/* The date that is told is the date: not due the moment before, due then, if Presence watches. */
static void test_dates_are_kept(void **state)
{
    int seen = 0;

    (void)state;
    srandom(4);
    for (int round = 0; round < 60000; round++) {
        struct policy_verdict told;
        size_t last;

        random_facts();
        judge();
        if (verdict.at.ms <= NOW || facts.in_voice)
            continue;
        if (verdict.step != POLICY_STEP_FLAG && verdict.step != POLICY_STEP_KICK &&
            facts.away_count > 0)
            continue; /* a coming absence may lie between a warning and its date */
        told = verdict;
        last = facts.watched_count++;
        watched[last] = (struct policy_span){in(0), {told.at.ms - 1}};
        facts.now.ms = told.at.ms - 1;
        judge();
        assert_false(harm_is_due());
        if (verdict.step != told.step)
            fail_msg("round %d: %s, then %s", round, policy_step_name(told.step),
                     policy_step_name(verdict.step));
        if (verdict.at.ms != told.at.ms)
            fail_msg("round %d: %s moved by %lld ms", round, policy_step_name(told.step),
                     (long long)(verdict.at.ms - told.at.ms));
        watched[last].to.ms = facts.now.ms = told.at.ms;
        judge();
        assert_int_equal(verdict.step, told.step);
        assert_true(verdict.at.ms == told.at.ms);
        seen++;
    }
    assert_true(seen > 5000);
}

static int64_t date_of(enum policy_step step)
{
    if (!harms(verdict.step))
        return INT64_MAX;
    if (step == POLICY_STEP_KICK)
        return verdict.kick_at.ms ? verdict.kick_at.ms : INT64_MAX;
    return verdict.step == POLICY_STEP_FLAG && verdict.due ? NOW : INT64_MAX;
}

static void one_thing_in_favour(void)
{
    switch (random() % 8) {
    case 0: /* a gap */
        watched[random() % 4].to.ms -= hours(1, 24);
        break;
    case 1: /* a sign of life */
        facts.last_seen = unixms_max(facts.last_seen, ago(hours(0, 40 * 24)));
        break;
    case 2: /* an act of somebody who was seen before */
        if (unixms_known(facts.last_counted))
            facts.last_counted = unixms_max(facts.last_counted, ago(hours(0, 40 * 24)));
        break;
    case 3: /* an absence */
        away[facts.away_count++] =
            (struct policy_span){ago(hours(0, 20 * 24)), in(hours(0, 20 * 24))};
        break;
    case 4:
        facts.gates &= ~(1u << random() % 7);
        break;
    case 5:
        facts.known &= ~(1u << random() % 8);
        break;
    case 6:
        *((bool *)&facts + protections[random() % 7].offset) = true;
        break;
    default:
        if (unixms_known(facts.last_counted))
            facts.present_until = unixms_max(facts.present_until, ago(hours(0, 40 * 24)));
    }
}

/* Whatever speaks for a member never brings anything nearer, unless an absence is ended by an act.
 */
static void test_nothing_in_favour_harms(void **state)
{
    (void)state;
    srandom(5);
    for (int round = 0; round < 60000; round++) {
        int64_t kick, flag;
        bool due;

        random_facts();
        set(SETTING_AWAY_ENDS_ON_ACTIVITY, "off");
        judge();
        if (verdict.reasons & POLICY(SHARE))
            continue; /* an act that shortens the silence may make its share sufficient */
        kick = date_of(POLICY_STEP_KICK);
        flag = date_of(POLICY_STEP_FLAG);
        due = verdict.due && verdict.step == POLICY_STEP_KICK;
        one_thing_in_favour();
        judge();
        if (date_of(POLICY_STEP_KICK) < kick || date_of(POLICY_STEP_FLAG) < flag ||
            (!due && verdict.due && verdict.step == POLICY_STEP_KICK))
            fail_msg("round %d: %s", round, policy_step_name(verdict.step));
    }
}

/* Facts of any bits: nothing overflows (the sanitizers look), and the base of every step holds. */
static void test_any_bits(void **state)
{
    (void)state;
    srandom(6);
    for (int round = 0; round < 200000; round++) {
        static const int64_t ends[] = {INT64_MAX, INT64_MIN, 0, 1, -1, NOW, INT64_MAX - NOW};
        unixms_t *const times[] = {
            &facts.now,           &facts.joined_at,  &facts.last_seen,      &facts.last_counted,
            &facts.present_until, &facts.nth_act,    &facts.nth_day,        &facts.timeout_until,
            &facts.rsvp_until,    &facts.flagged_at, &facts.flag_warned_at, &facts.kick_warned_at,
            &facts.bot_joined_at, &facts.started_at, &facts.sooner_at,      &facts.auto_kick_at,
            &watched[0].from,     &watched[0].to,    &away[0].from,         &away[0].to,
            &away[1].from,        &away[1].to,
        };

        random_facts();
        facts.away_count = 2;
        for (int i = 0; i < 3; i++)
            times[random() % 22]->ms =
                chance(2) ? ends[random() % 7]
                          : (int64_t)((uint64_t)random() << 33 ^ (uint64_t)random());
        if (chance(4))
            facts.rhythm_ms = ends[random() % 7];
        judge();
        assert_true(verdict.idle_ms >= 0 && verdict.observed_ms >= 0 && verdict.silent_ms >= 0);
        assert_true(verdict.silent_ms <= verdict.observed_ms);
        assert_true(verdict.observed_ms <= verdict.idle_ms);
        if (!harm_is_due())
            continue;
        assert_true(facts.known == POLICY_KNOWS_ALL && facts.human && facts.on_roster);
        assert_true((facts.gates & 15) == 15 && verdict.at.ms <= facts.now.ms);
        if (verdict.step == POLICY_STEP_FLAG || verdict.step == POLICY_STEP_KICK)
            assert_true(verdict.silent_ms >= verdict.threshold_ms);
        if (verdict.step == POLICY_STEP_KICK)
            assert_true(verdict.silent_ms >= 14 * DAY && verdict.knowledge != POLICY_UNKNOWN);
    }
}

static int clear(void **state)
{
    (void)state;
    settings_free(&settings);
    return 0;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_silence),
        cmocka_unit_test(test_only_watched_silence_counts),
        cmocka_unit_test(test_strange_ledgers),
        cmocka_unit_test(test_voice),
        cmocka_unit_test(test_silence_before_joining_is_none),
        cmocka_unit_test(test_never_seen),
        cmocka_unit_test(test_own_rhythm_only_lengthens),
        cmocka_unit_test(test_too_few_acts),
        cmocka_unit_test(test_nobody_to_judge),
        cmocka_unit_test(test_what_was_not_looked_up_protects),
        cmocka_unit_test(test_protections),
        cmocka_unit_test(test_opted_out_under_review),
        cmocka_unit_test(test_grace),
        cmocka_unit_test(test_absences),
        cmocka_unit_test(test_an_act_ends_an_absence_only_if_asked_to),
        cmocka_unit_test(test_timeouts),
        cmocka_unit_test(test_pending),
        cmocka_unit_test(test_events_to_come_to),
        cmocka_unit_test(test_a_kick_that_is_due),
        cmocka_unit_test(test_every_condition_of_a_kick),
        cmocka_unit_test(test_modes),
        cmocka_unit_test(test_signs_of_life_since_the_flag),
        cmocka_unit_test(test_recheck_window),
        cmocka_unit_test(test_warnings_before_a_kick),
        cmocka_unit_test(test_no_warning_twice),
        cmocka_unit_test(test_missed_warnings_are_one),
        cmocka_unit_test(test_outages_and_starts),
        cmocka_unit_test(test_a_change_of_the_settings),
        cmocka_unit_test(test_clocks_that_jump),
        cmocka_unit_test(test_switching_kicks_on),
        cmocka_unit_test(test_share),
        cmocka_unit_test(test_names),
        cmocka_unit_test(test_against_the_slow_reading),
        cmocka_unit_test(test_dates_are_kept),
        cmocka_unit_test(test_nothing_in_favour_harms),
        cmocka_unit_test(test_any_bits),
    };

    return cmocka_run_group_tests(tests, NULL, clear);
}
