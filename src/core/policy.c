/* The policy: what a member is, what comes next, when, and what stands against it. Called for
 * answers (/status, /why), for lists, and again in the moment of acting.
 * Diagnostics: none; whatever cannot be right is a reason to leave the member alone. */
#include <string.h>

#include "core/policy_priv.h"

#define CLOCK_SLACK_MS   (5 * DURATION_SECOND_MS) /* section 5, rule 6 */
#define OBSERVE_FIRST_MS (14 * DURATION_DAY_MS)   /* section 3, mode */
#define CHANGE_REST_MS   (7 * DURATION_DAY_MS)    /* section 5, rule 4 */
#define DODGE_QUIET_MS   DURATION_DAY_MS

/* No step against anybody of whom this is true. */
#define NOBODY                                                                                     \
    (POLICY(NOT_HUMAN) | POLICY(NOT_ON_ROSTER) | POLICY(NOT_LOOKED_UP) | POLICY(NEVER_SEEN) |      \
     POLICY(CLOCK))
#define PROTECTED                                                                                  \
    (POLICY(OWNER) | POLICY(STAFF) | POLICY(BOOSTER) | POLICY(SUBSCRIBER) | POLICY(EXEMPT_USER) |  \
     POLICY(EXEMPT_ROLE) | POLICY(OPTED_OUT))
#define FOR_A_WHILE                                                                                \
    (POLICY(AWAY) | POLICY(TIMED_OUT) | POLICY(PENDING) | POLICY(GRACE) | POLICY(IN_VOICE) |       \
     POLICY(RSVP) | POLICY(SETTINGS_CHANGED))
/* A warning leaves time before a date that is known. */
#define DATED  (POLICY(RSVP) | POLICY(SETTINGS_CHANGED))
#define ACTING (POLICY(MODE) | POLICY(DATABASE) | POLICY(SIGHT) | POLICY(NOT_LIVE))
#define KICKING                                                                                    \
    (POLICY(AUTO_KICK_OFF) | POLICY(AUTO_KICK_PENDING) | POLICY(JUST_STARTED) | POLICY(SHARE) |    \
     POLICY(NOT_WARNED) | POLICY(SIGN_OF_LIFE) | POLICY(BY_HAND) | POLICY(CAPS) |                  \
     POLICY(APPROVAL))

/* What stands against a step, whatever the date. */
static const uint64_t against[POLICY_STEPS] = {
    [POLICY_STEP_NONE] = UINT64_MAX,
    [POLICY_STEP_WARN_FLAG] = NOBODY | PROTECTED | (FOR_A_WHILE & ~DATED) | ACTING,
    [POLICY_STEP_FLAG] = NOBODY | PROTECTED | FOR_A_WHILE | ACTING | POLICY(CANNOT_ACT),
    [POLICY_STEP_UNFLAG] = POLICY(CANNOT_ACT),
    [POLICY_STEP_WARN_KICK] = NOBODY | PROTECTED | (FOR_A_WHILE & ~DATED) | ACTING |
                              POLICY(AUTO_KICK_OFF) | POLICY(AUTO_KICK_PENDING) | POLICY(BY_HAND),
    [POLICY_STEP_KICK] = NOBODY | PROTECTED | FOR_A_WHILE | ACTING | KICKING | POLICY(CANNOT_ACT),
};

/* --- what the facts are worth ------------------------------------------------------------- */

/* Times that lie far away become far enough: sums of any of them stay numbers. */
static void tame(unixms_t *t, unixms_t now)
{
    if (!unixms_known(*t))
        return;
    if (t->ms > now.ms + DURATION_MAX_MS)
        t->ms = now.ms + DURATION_MAX_MS;
    if (t->ms < now.ms - DURATION_MAX_MS)
        t->ms = now.ms - DURATION_MAX_MS;
    if (t->ms == 0)
        t->ms = 1;
}

static bool is_later(unixms_t t, unixms_t now)
{
    return t.ms > now.ms + CLOCK_SLACK_MS;
}

/* What was recorded lies in the past, or a clock is wrong. */
static bool is_sane(const struct policy_facts *f)
{
    return f->now.ms > SNOWFLAKE_EPOCH_MS &&
           unixms_known(duration_after((duration_t){0}, f->now)) &&
           !is_later(f->joined_at, f->now) && !is_later(f->last_seen, f->now) &&
           !is_later(f->last_counted, f->now) && !is_later(f->flagged_at, f->now) &&
           !is_later(f->flag_warned_at, f->now) && !is_later(f->kick_warned_at, f->now) &&
           !is_later(f->bot_joined_at, f->now) && !is_later(f->nth_act, f->now) &&
           !is_later(f->nth_day, f->now) && !is_later(f->started_at, f->now) &&
           !is_later(f->sooner_at, f->now) && !is_later(f->auto_kick_at, f->now);
}

static void tame_all(struct policy_facts *f)
{
    unixms_t *const times[] = {
        &f->joined_at,  &f->last_seen,      &f->last_counted,   &f->present_until,
        &f->nth_act,    &f->nth_day,        &f->timeout_until,  &f->rsvp_until,
        &f->flagged_at, &f->flag_warned_at, &f->kick_warned_at, &f->bot_joined_at,
        &f->started_at, &f->sooner_at,      &f->auto_kick_at,
    };

    for (size_t i = 0; i < sizeof(times) / sizeof(times[0]); i++)
        tame(times[i], f->now);
    /* Who is flagged from an earlier stay is not flagged. */
    if (unixms_known(f->flagged_at) && f->flagged_at.ms < f->joined_at.ms)
        f->flagged_at = UNIXMS_NONE;
}

/* --- since when --------------------------------------------------------------------------- */

static bool presence_counts(const struct judge *j)
{
    int64_t counts = policy_ms(j, SETTING_VOICE_COUNTS);

    return counts == VOICE_COUNTS_CONNECTED || counts == VOICE_COUNTS_UNMUTED;
}

/* The earlier one, where both are known. */
static unixms_t no_later(unixms_t t, unixms_t nth, bool asked_for)
{
    return asked_for && unixms_known(nth) && nth.ms < t.ms ? nth : t;
}

static void find_since(struct judge *j)
{
    const struct policy_facts *f = &j->f;
    struct policy_verdict *v = j->v;

    j->counted =
        presence_counts(j) ? unixms_max(f->last_counted, f->present_until) : f->last_counted;
    if (unixms_known(j->counted)) {
        v->knowledge = POLICY_KNOWN;
        v->since = no_later(j->counted, f->nth_act, policy_ms(j, SETTING_MIN_EVENTS) > 1);
        v->since = no_later(v->since, f->nth_day, policy_ms(j, SETTING_MIN_DAYS) > 1);
        v->since = unixms_max(v->since, f->joined_at);
    } else if (unixms_known(f->joined_at) && unixms_known(f->bot_joined_at)) {
        v->knowledge = POLICY_NOT_BEFORE;
        v->since = unixms_max(f->joined_at, f->bot_joined_at);
    }
    if (v->since.ms > f->now.ms)
        v->since = f->now;
    if (unixms_known(v->since))
        v->idle_ms = f->now.ms - v->since.ms;
    v->observed_ms = policy_observed(j, v->since);
    v->silent_ms = policy_silent(j, v->since);
    policy_add(j, POLICY(NEVER_SEEN),
               v->knowledge == POLICY_UNKNOWN ||
                   (v->knowledge == POLICY_NOT_BEFORE &&
                    policy_ms(j, SETTING_NEVER_SEEN_POLICY) != NEVER_SEEN_TREAT_AS_JOINED));
}

/* time_until_inactive, or longer by the member's own rhythm. */
static int64_t threshold(const struct judge *j)
{
    const struct setting_value *times = settings_get(j->settings, SETTING_PERSONAL_RHYTHM);
    int64_t ms = policy_ms(j, SETTING_TIME_UNTIL_INACTIVE), own = j->f.rhythm_ms;

    if (times->none || own <= 0)
        return ms;
    if (own > DURATION_MAX_MS)
        own = DURATION_MAX_MS;
    own = own * times->number / 1000;
    if (own > DURATION_MAX_MS)
        own = DURATION_MAX_MS;
    return own > ms ? own : ms;
}

/* --- what protects ------------------------------------------------------------------------ */

static void find_pauses(struct judge *j)
{
    const struct policy_facts *f = &j->f;

    if (policy_on(j, SETTING_PAUSE_ON_TIMEOUT)) {
        j->paused_until = f->timeout_until;
        policy_add(j, POLICY(TIMED_OUT), f->timeout_until.ms > f->now.ms);
    }
    j->paused_for_good = policy_on(j, SETTING_PAUSE_WHILE_PENDING) && f->pending;
    policy_add(j, POLICY(PENDING), j->paused_for_good);
    policy_add(j, POLICY(AWAY), policy_is_away(j));
}

static unixms_t grace_end(const struct judge *j)
{
    int64_t grace = policy_ms(j, SETTING_NEW_MEMBER_GRACE),
            rejoin = policy_ms(j, SETTING_REJOIN_GRACE);

    if (j->f.rejoined && rejoin > grace)
        grace = rejoin;
    return (unixms_t){j->f.joined_at.ms + grace};
}

static unixms_t change_end(const struct judge *j)
{
    return unixms_known(j->f.sooner_at) ? (unixms_t){j->f.sooner_at.ms + CHANGE_REST_MS}
                                        : UNIXMS_NONE;
}

static unixms_t rsvp_end(const struct judge *j)
{
    return policy_on(j, SETTING_PROTECT_RSVP) ? j->f.rsvp_until : UNIXMS_NONE;
}

/* Neither flag nor kick before then. */
unixms_t policy_floor(const struct judge *j)
{
    return unixms_max(unixms_max(grace_end(j), change_end(j)), rsvp_end(j));
}

static void find_protections(struct judge *j)
{
    const struct policy_facts *f = &j->f;
    int64_t now = f->now.ms;

    policy_add(j, POLICY(OWNER), f->owner);
    policy_add(j, POLICY(STAFF), f->staff && policy_on(j, SETTING_PROTECT_STAFF));
    policy_add(j, POLICY(BOOSTER), f->booster && policy_on(j, SETTING_PROTECT_BOOSTERS));
    policy_add(j, POLICY(SUBSCRIBER), f->subscriber && policy_on(j, SETTING_PROTECT_SUBSCRIBERS));
    policy_add(j, POLICY(EXEMPT_USER), f->exempt_user);
    policy_add(j, POLICY(EXEMPT_ROLE), f->exempt_role);
    policy_add(j, POLICY(OPTED_OUT), f->opted_out);
    policy_add(j, POLICY(IN_VOICE), f->in_voice && policy_on(j, SETTING_PROTECT_IN_VOICE));
    policy_add(j, POLICY(GRACE), grace_end(j).ms > now);
    policy_add(j, POLICY(SETTINGS_CHANGED), change_end(j).ms > now);
    policy_add(j, POLICY(RSVP), rsvp_end(j).ms > now);
}

static void find_gates(struct judge *j)
{
    static const struct {
        uint32_t gate;
        uint64_t reason;
    } rows[] = {
        {POLICY_GATE_DATABASE, POLICY(DATABASE)}, {POLICY_GATE_SIGHT, POLICY(SIGHT)},
        {POLICY_GATE_CLOCK, POLICY(CLOCK)},       {POLICY_GATE_LIVE, POLICY(NOT_LIVE)},
        {POLICY_GATE_ABLE, POLICY(CANNOT_ACT)},   {POLICY_GATE_CAPS, POLICY(CAPS)},
        {POLICY_GATE_APPROVED, POLICY(APPROVAL)},
    };

    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
        policy_add(j, rows[i].reason, !(j->f.gates & rows[i].gate));
    policy_add(j, POLICY(MODE), policy_mode(j->settings, j->f.bot_joined_at, j->f.now) != MODE_ON);
}

/* --- who is not flagged ------------------------------------------------------------------- */

/* Too few acts, but acts: the flag that one of them took off does not come back at once. */
static unixms_t dodge_end(const struct judge *j)
{
    return j->v->since.ms < j->counted.ms ? policy_when(j, j->counted, DODGE_QUIET_MS)
                                          : UNIXMS_NONE;
}

static void judge_unflagged(struct judge *j)
{
    struct policy_verdict *v = j->v;
    unixms_t at = policy_when(j, v->since, v->threshold_ms), warn_at;

    if (!unixms_known(at))
        return;
    at = policy_out_of_absence(j, unixms_max(unixms_max(at, policy_floor(j)), dodge_end(j)));
    v->step = POLICY_STEP_FLAG;
    v->at = at;
    if (at.ms <= j->f.now.ms) {
        v->state = POLICY_INACTIVE;
        return;
    }
    warn_at = policy_next_warning(j, SETTING_WARN_BEFORE_FLAG, at, j->f.flag_warned_at);
    if (unixms_known(warn_at)) {
        v->step = POLICY_STEP_WARN_FLAG;
        v->at = warn_at;
    }
}

/* --- all together ------------------------------------------------------------------------- */

static enum policy_state state_of_unflagged(const struct judge *j)
{
    if (j->v->reasons & POLICY(AWAY))
        return POLICY_AWAY;
    return j->v->reasons & POLICY(GRACE) ? POLICY_NEW : POLICY_ACTIVE;
}

static bool leaves_alone(const struct judge *j)
{
    uint64_t protections = PROTECTED;

    if (policy_ms(j, SETTING_OPT_OUT_POLICY) == OPT_OUT_REVIEW)
        protections &= ~POLICY(OPTED_OUT);
    return j->v->reasons & protections;
}

static void take_flag_off(struct judge *j, uint64_t reason)
{
    j->v->reasons |= reason;
    j->v->step = POLICY_STEP_UNFLAG;
    j->v->at = j->f.now;
}

static bool has_returned(const struct judge *j)
{
    return unixms_known(j->f.flagged_at) && j->counted.ms >= j->f.flagged_at.ms;
}

/* Whether the silence is still as long as it was when the flag was given. A timeout since then,
 * whose begin nobody knows, must not make it look shorter. */
static bool rule_holds(const struct judge *j)
{
    struct judge without = *j;

    without.paused_until = UNIXMS_NONE;
    without.paused_for_good = false;
    return !(j->v->reasons & POLICY(NEVER_SEEN)) &&
           policy_silent(&without, j->v->since) >= j->v->threshold_ms;
}

static void judge_by_rules(struct judge *j)
{
    struct policy_verdict *v = j->v;
    bool flagged = unixms_known(j->f.flagged_at);

    if (leaves_alone(j)) {
        v->state = POLICY_EXEMPT;
        if (flagged)
            take_flag_off(j, 0);
        return;
    }
    v->state = state_of_unflagged(j);
    if (flagged && !j->f.flagged_by_hand && !rule_holds(j)) {
        take_flag_off(j, POLICY(RULE_NOT_MET));
        return;
    }
    if (v->reasons & POLICY(NEVER_SEEN)) {
        v->state = flagged ? POLICY_INACTIVE : POLICY_UNDECIDED;
        return;
    }
    if (flagged)
        policy_judge_flagged(j);
    else
        judge_unflagged(j);
}

enum setting_mode policy_mode(const struct settings *settings, unixms_t bot_joined_at, unixms_t now)
{
    if (settings_is_set(settings, SETTING_MODE))
        return (enum setting_mode)settings_get(settings, SETTING_MODE)->number;
    return unixms_known(bot_joined_at) && now.ms >= bot_joined_at.ms &&
                   now.ms - bot_joined_at.ms >= OBSERVE_FIRST_MS
               ? MODE_ON
               : MODE_OBSERVE;
}

void policy_judge(const struct settings *settings, const struct policy_facts *facts,
                  struct policy_verdict *verdict_r)
{
    struct judge j = {.settings = settings, .f = *facts, .v = verdict_r};
    struct policy_verdict *v = verdict_r;

    memset(v, 0, sizeof(*v));
    policy_add(&j, POLICY(NOT_HUMAN), !j.f.human);
    policy_add(&j, POLICY(NOT_LOOKED_UP), (j.f.known & POLICY_KNOWS_ALL) != POLICY_KNOWS_ALL);
    policy_add(&j, POLICY(NOT_ON_ROSTER), !j.f.on_roster || !unixms_known(j.f.joined_at));
    if (j.f.human && !j.f.on_roster && (j.f.known & POLICY_KNOWS_ROSTER))
        v->state = POLICY_LEFT;
    policy_add(&j, POLICY(CLOCK), !is_sane(&j.f));
    if (v->reasons & (POLICY(NOT_HUMAN) | POLICY(NOT_ON_ROSTER) | POLICY(CLOCK)))
        return;
    tame_all(&j.f);
    find_pauses(&j);
    find_since(&j);
    v->threshold_ms = threshold(&j);
    find_protections(&j);
    find_gates(&j);
    if ((j.f.known & POLICY_KNOWS_ACTS) && has_returned(&j)) {
        v->state = state_of_unflagged(&j);
        take_flag_off(&j, POLICY(RETURNED));
    } else if (!(v->reasons & POLICY(NOT_LOOKED_UP))) {
        judge_by_rules(&j);
    }
    v->due = unixms_known(v->at) && v->at.ms <= j.f.now.ms && !(v->reasons & against[v->step]);
}
