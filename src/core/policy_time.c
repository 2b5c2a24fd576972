/* How the policy counts time: what was watched, what was paused, and when a silence will be long
 * enough. Called by policy.c alone.
 * Diagnostics: none; spans that make no sense count for the member. */
#include "core/policy_priv.h"

/* The part of a span within [from, now). */
static struct policy_span within(struct policy_span s, unixms_t from, unixms_t now)
{
    if (!unixms_known(s.from) || !unixms_known(s.to))
        return (struct policy_span){now, now};
    s.from = unixms_max(s.from, from);
    if (s.to.ms > now.ms)
        s.to = now;
    if (s.to.ms < s.from.ms)
        s.to = s.from;
    return s;
}

/* With away_ends_on_activity an act within an absence ends it. */
static struct policy_span absence(const struct judge *j, size_t i)
{
    struct policy_span s = j->f.away[i];

    if (!unixms_known(s.from) || !unixms_known(s.to) || s.to.ms < s.from.ms)
        return (struct policy_span){j->f.now, j->f.now};
    if (s.to.ms > j->f.now.ms + DURATION_MAX_MS)
        s.to.ms = j->f.now.ms + DURATION_MAX_MS;
    if (policy_on(j, SETTING_AWAY_ENDS_ON_ACTIVITY) && j->f.last_counted.ms > s.from.ms &&
        j->f.last_counted.ms < s.to.ms)
        s.to = j->f.last_counted;
    return s;
}

/* How much of a watched span was an absence. Absences that overlap, which the database forbids, are
 * taken off twice: the member's gain. */
static int64_t absent(const struct judge *j, struct policy_span watched)
{
    int64_t ms = 0, len = watched.to.ms - watched.from.ms;

    for (size_t i = 0; i < j->f.away_count && ms < len; i++) {
        struct policy_span away = within(absence(j, i), watched.from, watched.to);

        ms += away.to.ms - away.from.ms;
    }
    return ms < len ? ms : len;
}

static int64_t count(const struct judge *j, unixms_t from, bool without_pauses)
{
    int64_t ms = 0;

    if (!unixms_known(from))
        return 0;
    if (without_pauses)
        from = unixms_max(from, j->paused_until);
    for (size_t i = 0; i < j->f.watched_count; i++) {
        struct policy_span s = within(j->f.watched[i], from, j->f.now);

        if (s.to.ms <= s.from.ms)
            continue;
        ms += s.to.ms - s.from.ms - (without_pauses ? absent(j, s) : 0);
        from = s.to; /* what overlaps counts once */
    }
    return ms;
}

int64_t policy_observed(const struct judge *j, unixms_t from)
{
    return count(j, from, false);
}

int64_t policy_silent(const struct judge *j, unixms_t from)
{
    return j->paused_for_good ? 0 : count(j, from, true);
}

bool policy_is_away(const struct judge *j)
{
    for (size_t i = 0; i < j->f.away_count; i++) {
        struct policy_span s = absence(j, i);

        if (s.from.ms <= j->f.now.ms && j->f.now.ms < s.to.ms)
            return true;
    }
    return false;
}

/* The first absence that reaches into [from, from + need], or away_count. */
static size_t next_absence(const struct judge *j, int64_t from, int64_t need)
{
    size_t first = j->f.away_count;

    for (size_t i = 0; i < j->f.away_count; i++) {
        struct policy_span s = absence(j, i);

        if (s.to.ms > from && s.from.ms <= from + need &&
            (first == j->f.away_count || s.from.ms < absence(j, first).from.ms))
            first = i;
    }
    return first;
}

unixms_t policy_after(const struct judge *j, int64_t need)
{
    int64_t at = unixms_max(j->f.now, j->paused_until).ms;
    size_t i;

    if (j->paused_for_good)
        return UNIXMS_NONE;
    if (need < 0)
        need = 0;
    while ((i = next_absence(j, at, need)) < j->f.away_count) {
        struct policy_span s = absence(j, i);

        if (s.from.ms > at)
            need -= s.from.ms - at;
        at = s.to.ms;
    }
    return (unixms_t){at + need};
}

unixms_t policy_out_of_absence(const struct judge *j, unixms_t at)
{
    size_t i;

    while ((i = next_absence(j, at.ms, 0)) < j->f.away_count)
        at = absence(j, i).to;
    return at;
}

unixms_t policy_when(const struct judge *j, unixms_t from, int64_t ms)
{
    return policy_after(j, ms - policy_silent(j, from));
}
