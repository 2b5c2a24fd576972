/* How the policy counts time. Inside of policy*.c only. */
#ifndef CORE_POLICY_PRIV_H
#define CORE_POLICY_PRIV_H

#include "presence/duration.h"
#include "presence/policy.h"

/* Facts whose times can be added without a thought, and what they were judged by. */
struct judge {
    const struct settings *settings;
    struct policy_facts f;
    struct policy_verdict *v;
    unixms_t counted;      /* last act or presence that counts; NONE: none */
    unixms_t paused_until; /* a pause without a begin: all before it; NONE: none */
    bool paused_for_good;  /* until something happens that nobody can date */
};

static inline void policy_add(struct judge *j, uint64_t reason, bool is_so)
{
    if (is_so)
        j->v->reasons |= reason;
}

static inline int64_t policy_ms(const struct judge *j, enum setting which)
{
    return settings_get(j->settings, which)->number;
}

static inline bool policy_on(const struct judge *j, enum setting which)
{
    return settings_get(j->settings, which)->on;
}

/* How much of [from, now) was watched; and of that, was not paused. 0 if from is not known. */
int64_t policy_observed(const struct judge *j, unixms_t from);
int64_t policy_silent(const struct judge *j, unixms_t from);
/* Whether an absence is in force now. */
bool policy_is_away(const struct judge *j);
/* When `need` more ms will have been silent if all of them are watched; now if none is needed and
 * nothing is paused now. NONE: nobody can say. */
unixms_t policy_after(const struct judge *j, int64_t need);
/* The moment itself, or the end of the absence in which it lies. */
unixms_t policy_out_of_absence(const struct judge *j, unixms_t at);
/* When [from, ...) will have been silent for `ms`. */
unixms_t policy_when(const struct judge *j, unixms_t from, int64_t ms);

/* Neither flag nor kick before then, whatever is silent: grace, a change of the settings, an event
 * that the member wants to come to. */
unixms_t policy_floor(const struct judge *j);
/* The next of the warnings before `at`, after the one at warned_at; of those that were missed only
 * the last. NONE: none is to come. */
unixms_t policy_next_warning(const struct judge *j, enum setting delays, unixms_t at,
                             unixms_t warned_at);
/* Who is flagged by a rule that still holds. */
void policy_judge_flagged(struct judge *j);

#endif
