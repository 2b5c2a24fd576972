/* What states, steps and reasons are called in logs, evidence and the API.
 * Diagnostics: none. */
#include "presence/policy.h"

static const char *const states[POLICY_STATES] = {
    [POLICY_UNDECIDED] = "UNDECIDED", [POLICY_NEW] = "NEW",       [POLICY_ACTIVE] = "ACTIVE",
    [POLICY_INACTIVE] = "INACTIVE",   [POLICY_WARNED] = "WARNED", [POLICY_AWAY] = "AWAY",
    [POLICY_EXEMPT] = "EXEMPT",       [POLICY_LEFT] = "LEFT",
};

static const char *const steps[POLICY_STEPS] = {
    [POLICY_STEP_NONE] = "none",           [POLICY_STEP_WARN_FLAG] = "warn_flag",
    [POLICY_STEP_FLAG] = "flag",           [POLICY_STEP_UNFLAG] = "unflag",
    [POLICY_STEP_WARN_KICK] = "warn_kick", [POLICY_STEP_KICK] = "kick",
};

static const char *const reasons[POLICY_REASON_COUNT] = {
#define X(name) #name,
    POLICY_REASONS(X)
#undef X
};
_Static_assert(POLICY_REASON_COUNT <= 64, "reasons are bits of one word");

const char *policy_state_name(enum policy_state state)
{
    return states[state];
}

const char *policy_knowledge_name(enum policy_knowledge knowledge)
{
    return knowledge == POLICY_KNOWN        ? "KNOWN"
           : knowledge == POLICY_NOT_BEFORE ? "NOT_BEFORE"
                                            : "UNKNOWN";
}

const char *policy_step_name(enum policy_step step)
{
    return steps[step];
}

const char *policy_reason_name(enum policy_reason reason)
{
    return reasons[reason];
}
