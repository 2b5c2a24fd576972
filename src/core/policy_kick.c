/* From the flag to the kick: warnings, dates, and all that has to be true before. Called by
 * policy.c alone. Diagnostics: none. */
#include "core/policy_priv.h"

#define START_REST_MS (30 * DURATION_MINUTE_MS) /* section 5, rule 2 */
/* A date that moves by less, as it does while Presence catches up, is worth no second warning. */
#define WARN_SLACK_MS     (10 * DURATION_MINUTE_MS)
#define AUTO_KICK_WAIT_MS DURATION_DAY_MS /* section 3, auto_kick */

/* Thousandths of a percent: the unit of min_observed_share. */
#define WHOLE INT64_C(100000)

unixms_t policy_next_warning(const struct judge *j, enum setting delays, unixms_t at,
                             unixms_t warned_at)
{
    const struct setting_value *list = settings_get(j->settings, delays);
    unixms_t next = UNIXMS_NONE;

    if (policy_ms(j, SETTING_WARN_VIA) == WARN_VIA_OFF)
        return UNIXMS_NONE;
    for (size_t i = 0; i < list->delays.count; i++) {
        unixms_t when = {at.ms - list->delays.ms[i]};
        bool passed = when.ms <= j->f.now.ms;

        if (when.ms <= warned_at.ms + WARN_SLACK_MS)
            continue; /* that one was sent, or a later one in its place */
        /* Of those whose time has come only the last; else the first to come. */
        if (!unixms_known(next) || (passed ? when.ms > next.ms || next.ms > j->f.now.ms
                                           : next.ms > j->f.now.ms && when.ms < next.ms))
            next = when;
    }
    return next;
}

/* The shortest time between a warning and the kick; 0 where nobody is warned. */
static int64_t shortest_warning(const struct judge *j)
{
    const struct setting_value *list = settings_get(j->settings, SETTING_WARN_BEFORE_KICK);
    int64_t least = 0;

    if (policy_ms(j, SETTING_WARN_VIA) == WARN_VIA_OFF)
        return 0;
    for (size_t i = 0; i < list->delays.count; i++)
        if (least == 0 || list->delays.ms[i] < least)
            least = list->delays.ms[i];
    return least;
}

/* When enough of the silence will have been watched: (observed + t) / (idle + t) reaches the share.
 * NONE: never. */
static unixms_t share_reached(const struct judge *j)
{
    int64_t share = policy_ms(j, SETTING_MIN_OBSERVED_SHARE), wait;
    int64_t lacking = j->v->idle_ms * share - j->v->observed_ms * WHOLE;

    if (lacking <= 0)
        return j->f.now;
    if (share >= WHOLE)
        return UNIXMS_NONE;
    wait = (lacking + WHOLE - share - 1) / (WHOLE - share);
    return wait > DURATION_MAX_MS ? UNIXMS_NONE : (unixms_t){j->f.now.ms + wait};
}

/* What has to pass whatever happens: start, switching on, a change, a date to come to. */
static unixms_t kick_floor(struct judge *j)
{
    const struct policy_facts *f = &j->f;
    unixms_t started = {f->started_at.ms + START_REST_MS},
             switched = {f->auto_kick_at.ms + AUTO_KICK_WAIT_MS};

    policy_add(j, POLICY(JUST_STARTED), !unixms_known(f->started_at) || started.ms > f->now.ms);
    policy_add(j, POLICY(AUTO_KICK_PENDING),
               !unixms_known(f->auto_kick_at) || !f->auto_kick_confirmed ||
                   switched.ms > f->now.ms);
    return unixms_max(policy_floor(j), unixms_max(started, switched));
}

/* The time from flag to kick runs from the last sign of life. */
static unixms_t clock_start(const struct judge *j)
{
    return unixms_max(j->f.flagged_at, unixms_max(j->f.last_seen, j->f.present_until));
}

/* When the kick is due but for warnings; NONE: nobody can say. */
static unixms_t kick_unwarned(struct judge *j, unixms_t start)
{
    int64_t timer_ms = policy_ms(j, SETTING_AUTO_PRUNE_TIMER);
    unixms_t timer = policy_when(j, start, timer_ms);
    unixms_t quiet = policy_when(j, start, policy_ms(j, SETTING_RECHECK_WINDOW));
    /* Whenever the flag was given: nobody is kicked for less than both times together. */
    unixms_t rule = policy_when(j, j->v->since, j->v->threshold_ms + timer_ms);
    unixms_t share = share_reached(j), floor = kick_floor(j);

    policy_add(j, POLICY(SHARE), share.ms != j->f.now.ms);
    policy_add(j, POLICY(SIGN_OF_LIFE), quiet.ms > j->f.now.ms);
    if (!unixms_known(timer) || !unixms_known(quiet) || !unixms_known(rule) || !unixms_known(share))
        return UNIXMS_NONE;
    return unixms_max(unixms_max(timer, quiet), unixms_max(rule, unixms_max(share, floor)));
}

/* Nobody is kicked sooner after a warning than the shortest one asks for, in watched time. */
static unixms_t kick_warned(struct judge *j, unixms_t at, bool warned)
{
    int64_t shortest = shortest_warning(j);
    unixms_t free_at;

    if (shortest == 0)
        return at;
    if (warned)
        free_at = policy_when(j, j->f.kick_warned_at, shortest);
    else
        free_at = policy_after(j, shortest);
    policy_add(j, POLICY(NOT_WARNED), !warned || free_at.ms > j->f.now.ms);
    return unixms_max(at, free_at);
}

void policy_judge_flagged(struct judge *j)
{
    struct policy_verdict *v = j->v;
    unixms_t start = clock_start(j), at, warn_at;
    bool warned = j->f.kick_warned_at.ms >= start.ms;

    if (v->state != POLICY_AWAY)
        v->state = warned ? POLICY_WARNED : POLICY_INACTIVE;
    policy_add(j, POLICY(BY_HAND), j->f.flagged_by_hand);
    policy_add(j, POLICY(AUTO_KICK_OFF), !policy_on(j, SETTING_AUTO_KICK));
    if (v->reasons & (POLICY(BY_HAND) | POLICY(AUTO_KICK_OFF) | POLICY(OPTED_OUT)))
        return;
    at = kick_unwarned(j, start);
    if (!unixms_known(at))
        return;
    at = policy_out_of_absence(j, kick_warned(j, at, warned));
    v->kick_at = v->at = at;
    v->step = POLICY_STEP_KICK;
    if (at.ms <= j->f.now.ms)
        return;
    warn_at = policy_next_warning(j, SETTING_WARN_BEFORE_KICK, at,
                                  warned ? j->f.kick_warned_at : UNIXMS_NONE);
    if (unixms_known(warn_at)) {
        v->step = POLICY_STEP_WARN_KICK;
        v->at = warn_at;
    }
}
