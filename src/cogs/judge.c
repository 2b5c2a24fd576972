/* From the answer of StatusMember to the policy's facts, and its verdict in words. Called by
 * /status member. Diagnostics: none. */
#include "cogs/judge.h"

#include <stdlib.h>
#include <string.h>

#include "cogs/parts.h"

/* --- facts -------------------------------------------------------------------------------------
 */

/* An absence that was ended early has endedAt before its `to`. */
static struct policy_span *read_spans(const struct json *list, const char *to, unixms_t open_end,
                                      size_t *count_r)
{
    struct policy_span *spans = xcalloc(json_size(list) + 1, sizeof(*spans));
    size_t n = 0;

    for (const struct json *j = json_first(list); j; j = json_next(j)) {
        spans[n] =
            (struct policy_span){say_time_of(json_get(j, "from")), say_time_of(json_get(j, to))};
        unixms_t ended = say_time_of(json_get(j, "endedAt"));

        if (unixms_known(ended))
            spans[n].to = ended;
        else if (!unixms_known(spans[n].to))
            spans[n].to = open_end;
        n++;
    }
    *count_r = n;
    return spans;
}

static bool holds(const struct json *ids, uint64_t id)
{
    for (const struct json *j = json_first(ids); j; j = json_next(j))
        if (json_id(j) == id)
            return true;
    return false;
}

static void read_exemptions(const struct json *nodes, const struct json *roles, snowflake_t user,
                            struct policy_facts *f)
{
    for (const struct json *j = json_first(nodes); j; j = json_next(j)) {
        uint64_t id = json_id(json_get(j, "targetId"));
        unixms_t until = say_time_of(json_get(j, "until"));

        if (unixms_known(until) && until.ms <= f->now.ms)
            continue;
        if (!strcmp(json_string(json_get(j, "target"), ""), "ROLE"))
            f->exempt_role |= holds(roles, id);
        else
            f->exempt_user |= id == user.id;
    }
}

static void read_member(const struct json *member, struct policy_facts *f)
{
    const char *state = json_string(json_get(member, "state"), "");

    f->human = json_is_object(member);
    f->on_roster = f->human && json_is_null(json_get(member, "leftAt"));
    f->pending = json_bool(json_get(member, "pending"), false);
    f->booster = json_is_string(json_get(member, "premiumSince"));
    f->joined_at = say_time_of(json_get(member, "joinedAt"));
    f->timeout_until = say_time_of(json_get(member, "timeoutUntil"));
    if (!strcmp(state, "INACTIVE") || !strcmp(state, "WARNED"))
        f->flagged_at = say_time_of(json_get(member, "stateSince"));
}

/* The last change after which everybody is left alone for a while. Whether it made anybody due
 * sooner or later is not looked at: to wait is never wrong. */
static unixms_t latest_change(const struct json *changes)
{
    for (const struct json *j = json_first(changes); j; j = json_next(j)) {
        const char *key = json_string(json_get(j, "key"), "");
        enum setting which = setting_by_key(key, strlen(key));

        if (which == SETTING_NONE || setting_infos[which].sooner != SOONER_NEVER)
            return say_time_of(json_get(j, "changedAt"));
    }
    return UNIXMS_NONE;
}

bool judge_member(struct call *call, const struct json *data, snowflake_t user,
                  const struct call_member *acts, uint64_t permissions,
                  struct policy_verdict *verdict)
{
    const struct json *guild = json_get(data, "guild"), *member = json_get(data, "member");
    const struct json *absences = json_get(json_get(data, "absences"), "nodes");
    struct policy_facts f = {.now = call->now,
                             .known = POLICY_KNOWS_ALL,
                             .gates = POLICY_GATE_ALL,
                             .owner = json_id(json_get(guild, "ownerId")) == user.id,
                             .staff = permissions & COG_STAFF,
                             .in_voice = snowflake_known(acts->voice_channel),
                             .last_seen = acts->last_seen,
                             .last_counted = acts->last_counted,
                             .present_until = acts->present_until,
                             .bot_joined_at = say_time_of(json_get(guild, "botJoinedAt"))};
    struct policy_span *away = read_spans(absences, "until", f.now, &f.away_count);
    struct policy_span *watched =
        read_spans(json_get(guild, "coverage"), "to", f.now, &f.watched_count);
    const struct settings *settings = call->host->settings(call);

    f.sooner_at = latest_change(json_get(json_get(data, "settingHistory"), "nodes"));
    f.started_at = f.bot_joined_at;
    f.away = away;
    f.watched = watched;
    read_member(member, &f);
    read_exemptions(json_get(json_get(data, "exemptions"), "nodes"), json_get(member, "roles"),
                    user, &f);
    if (settings)
        policy_judge(settings, &f, verdict);
    free(away);
    free(watched);
    return settings != NULL;
}

/* --- words -------------------------------------------------------------------------------------
 */

static const struct {
    const char *name;
    enum message_colour colour;
} states[POLICY_STATES] = {
    [POLICY_UNDECIDED] = {N_("not known yet"), MESSAGE_GREY},
    [POLICY_NEW] = {N_("new here"), MESSAGE_NEUTRAL},
    [POLICY_ACTIVE] = {N_("active"), MESSAGE_GOOD},
    [POLICY_INACTIVE] = {N_("inactive"), MESSAGE_IDLE},
    [POLICY_WARNED] = {N_("inactive, and warned"), MESSAGE_BAD},
    [POLICY_AWAY] = {N_("away"), MESSAGE_NEUTRAL},
    [POLICY_EXEMPT] = {N_("exempt"), MESSAGE_NEUTRAL},
    [POLICY_LEFT] = {N_("has left"), MESSAGE_GREY},
};

static const char *const steps[POLICY_STEPS] = {
    [POLICY_STEP_WARN_FLAG] = N_("a reminder"),
    [POLICY_STEP_FLAG] = N_("to be marked inactive"),
    [POLICY_STEP_UNFLAG] = N_("to be active again"),
    [POLICY_STEP_WARN_KICK] = N_("a warning"),
    [POLICY_STEP_KICK] = N_("to be removed"),
};

/* What keeps rules away, the weightiest first. */
static const struct {
    uint64_t reason;
    const char *text;
} protections[] = {
    {POLICY(NEVER_SEEN), N_("never seen: nothing is held against anybody for that")},
    {POLICY(OWNER), N_("owns this server")},
    {POLICY(STAFF), N_("belongs to the staff")},
    {POLICY(BOOSTER), N_("boosts this server")},
    {POLICY(EXEMPT_USER), N_("is exempt")},
    {POLICY(EXEMPT_ROLE), N_("has a role that is exempt")},
    {POLICY(AWAY), N_("is on leave")},
    {POLICY(TIMED_OUT), N_("is timed out, which stops the clock")},
    {POLICY(PENDING), N_("has not passed the screening of members")},
    {POLICY(GRACE), N_("joined not long ago")},
    {POLICY(IN_VOICE), N_("is in voice")},
    {POLICY(SETTINGS_CHANGED), N_("the settings were changed in the last 7 days")},
    {POLICY(MODE), N_("Presence only observes here and does nothing")},
};

enum message_colour judge_colour(const struct policy_verdict *v)
{
    return states[v->state].colour;
}

static void put_next(struct call *call, const struct policy_verdict *v, struct message *m)
{
    struct buf b;

    buf_init(&b, 0);
    if (v->step != POLICY_STEP_NONE && unixms_known(v->at)) {
        buf_printf(&b, "%s ", call_words(call, steps[v->step]));
        say_when(call, v->at, &b);
        buf_puts(&b, _(", if nothing happens until then"));
    } else {
        buf_puts(&b, _("nothing"));
    }
    for (size_t i = 0; i < sizeof(protections) / sizeof(protections[0]); i++)
        if (v->reasons & protections[i].reason)
            buf_printf(&b, "\n• %s", call_words(call, protections[i].text));
    message_field(m, _("What comes next"), buf_cstr(&b), false);
    buf_clear(&b);
}

void judge_put(struct call *call, const struct policy_verdict *v, struct message *m)
{
    message_field(m, _("State"), call_words(call, states[v->state].name), true);
    put_next(call, v, m);
}
