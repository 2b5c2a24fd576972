/* What a member is by the rules of the guild, and what comes next: a pure function of what is known
 * of the member, the guild's settings and the time. It decides nothing by itself: whoever acts asks
 * it again in the moment of acting. Source: product sheet, sections 3 and 5.
 *
 * How silence is counted. Only time in which Presence was watching counts; time in which the member
 * was away by leave, timed out or not yet through the membership screening does not. So every date
 * moves back by as much as was not watched, and what cannot be known is never held against anybody.
 *
 *   idle       now - since: what a clock on the wall says
 *   observed   how much of that was watched
 *   silent     how much of that was watched and not paused: what thresholds are compared with
 *
 * What is not known protects: of a fact that was not looked up (`known`), a gate that is not said
 * to be open (`gates`), a time that is UNIXMS_NONE, the reading is taken that leaves the member
 * alone. So facts that are all zero never lead to a step against a member.
 *
 * Where the sheet leaves room:
 *  - a timeout whose begin is not known pauses all the time before its end;
 *  - a sign of life that does not reset idle (typing, a kind that is switched off) begins the time
 *    from flag to kick anew, and the warnings with it;
 *  - with min_events or min_days, one act takes the flag off at once; a day of silence passes
 * before it can come back;
 *  - what was flagged by hand is never kicked by the rules;
 *  - taking a flag off undoes what Presence did, so it goes on in every mode;
 *  - personal_rhythm and rejoin_grace only lengthen. */
#ifndef PRESENCE_POLICY_H
#define PRESENCE_POLICY_H

#include "presence/settings.h"

/* As MemberState of the API. */
enum policy_state {
    POLICY_UNDECIDED, /* too little is known */
    POLICY_NEW,
    POLICY_ACTIVE,
    POLICY_INACTIVE,
    POLICY_WARNED, /* inactive, and told that a kick comes next */
    POLICY_AWAY,
    POLICY_EXEMPT,
    POLICY_LEFT,
    POLICY_STATES
};

/* As Knowledge of the API: what is known of the last act that counts. */
enum policy_knowledge { POLICY_UNKNOWN, POLICY_NOT_BEFORE, POLICY_KNOWN };

enum policy_step {
    POLICY_STEP_NONE,
    POLICY_STEP_WARN_FLAG, /* tell the member that the flag comes */
    POLICY_STEP_FLAG,
    POLICY_STEP_UNFLAG,    /* the only one that is in the member's favour */
    POLICY_STEP_WARN_KICK, /* tell the member that the kick comes */
    POLICY_STEP_KICK,
    POLICY_STEPS
};

/* Why the member is left alone, or what stands against the next step. */
#define POLICY_REASONS(X)                                                                          \
    /* nobody whom rules are for, or not enough is known */                                        \
    X(NOT_HUMAN)     /* a bot, or nobody knows */                                                  \
    X(NOT_ON_ROSTER) /* left, or nobody knows, or nobody knows since when */                       \
    X(NOT_LOOKED_UP) /* `known` lacks something */                                                 \
    X(NEVER_SEEN)    /* and never_seen_policy leaves such members alone */                         \
    X(CLOCK)         /* times that cannot be, or the gate says so (rule 6) */                      \
    /* protected: neither flagged nor kicked */                                                    \
    X(OWNER)                                                                                       \
    X(STAFF)                                                                                       \
    X(BOOSTER)                                                                                     \
    X(SUBSCRIBER)                                                                                  \
    X(EXEMPT_USER)                                                                                 \
    X(EXEMPT_ROLE)                                                                                 \
    X(OPTED_OUT)                                                                                   \
    /* for a while */                                                                              \
    X(AWAY)                                                                                        \
    X(TIMED_OUT)                                                                                   \
    X(PENDING)                                                                                     \
    X(GRACE)                                                                                       \
    X(IN_VOICE)                                                                                    \
    X(RSVP)                                                                                        \
    X(SETTINGS_CHANGED) /* 7 days (rule 4) */                                                      \
    /* acting */                                                                                   \
    X(MODE)       /* observe or off */                                                             \
    X(DATABASE)   /* rule 3 */                                                                     \
    X(SIGHT)      /* rule 5 */                                                                     \
    X(NOT_LIVE)   /* rule 11 */                                                                    \
    X(CANNOT_ACT) /* rule 9 */                                                                     \
    /* kicks */                                                                                    \
    X(AUTO_KICK_OFF)                                                                               \
    X(AUTO_KICK_PENDING) /* its 24 hours, or its confirmation */                                   \
    X(JUST_STARTED)      /* rule 2 */                                                              \
    X(SHARE)             /* too little of the silence was watched */                               \
    X(NOT_WARNED)        /* or the warning is too fresh */                                         \
    X(SIGN_OF_LIFE)      /* within recheck_window */                                               \
    X(BY_HAND)                                                                                     \
    X(CAPS)                                                                                        \
    X(APPROVAL)                                                                                    \
    /* in the member's favour */                                                                   \
    X(RETURNED)     /* acted since the flag */                                                     \
    X(RULE_NOT_MET) /* flagged, but no rule says so any more */

enum policy_reason {
#define X(name) POLICY_REASON_##name,
    POLICY_REASONS(X)
#undef X
        POLICY_REASON_COUNT
};
/* POLICY(OWNER): its bit in policy_verdict.reasons. */
#define POLICY(name) (UINT64_C(1) << POLICY_REASON_##name)

/* What was looked up: `known`. */
#define POLICY_KNOWS_ROSTER     1u   /* on_roster, joined_at, rejoined, pending, timeout_until */
#define POLICY_KNOWS_ROLES      2u   /* owner, staff, booster, subscriber */
#define POLICY_KNOWS_EXEMPTIONS 4u   /* exempt_user, exempt_role, opted_out */
#define POLICY_KNOWS_ABSENCES   8u   /* away */
#define POLICY_KNOWS_ACTS       16u  /* last_seen, last_counted, present_until, nth_act, nth_day */
#define POLICY_KNOWS_VOICE      32u  /* in_voice */
#define POLICY_KNOWS_EVENTS     64u  /* rsvp_until */
#define POLICY_KNOWS_WATCHED    128u /* watched, sooner_at */
#define POLICY_KNOWS_ALL        255u

/* What is open: `gates`. A step needs those that concern it. */
#define POLICY_GATE_DATABASE 1u /* GraphQL and PostgreSQL answer (rule 3) */
#define POLICY_GATE_SIGHT                                                                          \
    2u /* GUILD_MEMBERS, the channels and the inactive role are there (rule 5) */
#define POLICY_GATE_CLOCK    4u  /* no jump of the clock (rule 6) */
#define POLICY_GATE_LIVE     8u  /* beat, shard and fence (rule 11) */
#define POLICY_GATE_ABLE     16u /* the bot may do this to this member (rules 8 and 9) */
#define POLICY_GATE_CAPS     32u /* kicks: caps, spacing */
#define POLICY_GATE_APPROVED 64u /* kicks: by as many people as are asked for */
#define POLICY_GATE_ALL      127u

/* [from, to); empty if one of them is not known. */
struct policy_span {
    unixms_t from, to;
};

struct policy_facts {
    unixms_t now;
    uint32_t known; /* POLICY_KNOWS_* */
    uint32_t gates; /* POLICY_GATE_* */

    /* the member */
    bool human; /* false: a bot, or not known */
    bool on_roster;
    bool rejoined; /* Discord's DID_REJOIN */
    bool pending;  /* not through the membership screening */
    bool owner;    /* of the guild */
    bool staff;    /* product sheet, section 3, protect_staff */
    bool booster;
    bool subscriber;
    bool exempt_user, exempt_role; /* in force now */
    bool opted_out;
    bool in_voice;
    unixms_t joined_at;
    unixms_t last_seen;     /* any sign of life */
    unixms_t last_counted;  /* the last act that resets idle */
    unixms_t present_until; /* in voice until then, as voice settings count it */
    /* With min_events (min_days): the min_events-th last act that counts (the last act of the
     * min_days-th last day with one). NONE: not looked for, or fewer are known; then last_counted
     * alone decides. */
    unixms_t nth_act, nth_day;
    int64_t rhythm_ms;      /* p99 of the member's gaps; 0: not known */
    unixms_t timeout_until; /* of the present or last one; NONE: none */
    unixms_t rsvp_until;    /* end of the last scheduled event that the member wants to come to */
    const struct policy_span *away; /* approved absences, past ones and coming ones too */
    size_t away_count;

    /* what was done */
    unixms_t flagged_at; /* NONE: not flagged */
    bool flagged_by_hand;
    unixms_t flag_warned_at;
    unixms_t kick_warned_at; /* told, or found to be impossible and recorded */

    /* the guild */
    unixms_t bot_joined_at;
    unixms_t started_at;      /* of this presenced */
    unixms_t sooner_at;       /* the last change for which settings_sooner holds */
    unixms_t auto_kick_at;    /* when auto_kick was switched on */
    bool auto_kick_confirmed; /* and confirmed within 7 days */
    const struct policy_span
        *watched; /* the coverage ledger, in order; what overlaps counts once */
    size_t watched_count;
};

struct policy_verdict {
    enum policy_state state;
    enum policy_knowledge knowledge;
    unixms_t since;  /* begin of the silence, NOT_BEFORE: at the earliest; NONE if UNKNOWN */
    int64_t idle_ms; /* 0 if UNKNOWN, as the next two */
    int64_t observed_ms;
    int64_t silent_ms;
    int64_t threshold_ms; /* inactive from then on */
    enum policy_step step;
    unixms_t at;      /* when the step is due if the silence goes on and is watched; NONE: never, or
                         nobody can say. A warning's moves where an absence lies before it. */
    unixms_t kick_at; /* the same of the kick, for who is flagged; NONE: none is coming */
    uint64_t reasons; /* POLICY(...): all that was found, whether it concerns the step or not */
    bool due;         /* the step may be taken now */
};

void policy_judge(const struct settings *settings, const struct policy_facts *facts,
                  struct policy_verdict *verdict_r);

/* What is in force: unless mode is set, observe for 14 days after the bot joined, then on. */
enum setting_mode policy_mode(const struct settings *settings, unixms_t bot_joined_at,
                              unixms_t now);

/* "INACTIVE", "KNOWN" as in the API; "warn_kick", "EXEMPT_ROLE": for logs, evidence and as the keys
 * of texts. */
const char *policy_state_name(enum policy_state state);
const char *policy_knowledge_name(enum policy_knowledge knowledge);
const char *policy_step_name(enum policy_step step);
const char *policy_reason_name(enum policy_reason reason);

#endif
