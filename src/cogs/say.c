/* Words that several cogs use. Diagnostics: none. */
#include "cogs/say.h"

#include <string.h>

#include "presence/activity.h"
#include "presence/duration.h"

#define MINUTE_MS INT64_C(60000)

void say_when(const struct call *call, unixms_t at, struct buf *out)
{
    if (unixms_known(at))
        buf_printf(out, "<t:%lld:R>", (long long)(at.ms / 1000));
    else
        buf_puts(out, _("never"));
}

unixms_t say_time_of(const struct json *j)
{
    const char *text = json_string(j, "");
    unixms_t at = UNIXMS_NONE;

    clock_parse_rfc3339(text, strlen(text), &at);
    return at;
}

void say_silent_since(const struct call *call, unixms_t since, struct buf *out)
{
    buf_printf(out, _("Silent since <t:%lld:D> or longer"), (long long)(since.ms / 1000));
}

static void put_unit(const struct call *call, int64_t n, const char *one, const char *many,
                     struct buf *out)
{
    buf_printf(out, "%lld %s", (long long)n,
               n == 1 ? call_words(call, one) : call_words(call, many));
}

void say_length(const struct call *call, int64_t ms, struct buf *out)
{
    static const struct {
        int64_t ms;
        const char *one, *many;
    } units[] = {{365 * SAY_DAY_MS, N_("year"), N_("years")},
                 {SAY_DAY_MS, N_("day"), N_("days")},
                 {SAY_HOUR_MS, N_("hour"), N_("hours")},
                 {MINUTE_MS, N_("minute"), N_("minutes")}};
    const size_t n = sizeof(units) / sizeof(units[0]);
    size_t i = 0;

    while (i < n && ms < units[i].ms)
        i++;
    if (i == n) {
        buf_puts(out, _("less than a minute"));
        return;
    }
    put_unit(call, ms / units[i].ms, units[i].one, units[i].many, out);
    ms %= units[i].ms;
    if (i + 1 < n && ms >= units[i + 1].ms) {
        buf_putc(out, ' ');
        put_unit(call, ms / units[i + 1].ms, units[i + 1].one, units[i + 1].many, out);
    }
}

static const char *const kinds[ACTIVITY_KINDS] = {
    [ACTIVITY_MESSAGE] = N_("a message"),
    [ACTIVITY_MESSAGE_SYSTEM] = N_("a system message"),
    [ACTIVITY_COMMAND] = N_("a command of another app"),
    [ACTIVITY_EDIT] = N_("an edited message"),
    [ACTIVITY_REACTION_ADD] = N_("a reaction"),
    [ACTIVITY_REACTION_REMOVE] = N_("a reaction taken back"),
    [ACTIVITY_POLL_VOTE_ADD] = N_("a vote in a poll"),
    [ACTIVITY_POLL_VOTE_REMOVE] = N_("a vote taken back"),
    [ACTIVITY_TYPING] = N_("typing"),
    [ACTIVITY_VOICE_JOIN] = N_("joining voice"),
    [ACTIVITY_VOICE_MOVE] = N_("moving in voice"),
    [ACTIVITY_VOICE_LEAVE] = N_("leaving voice"),
    [ACTIVITY_VOICE_SELF] = N_("a microphone or camera"),
    [ACTIVITY_INTERACTION] = N_("a command"),
    [ACTIVITY_THREAD_CREATE] = N_("a new thread"),
    [ACTIVITY_THREAD_JOIN] = N_("joining a thread"),
    [ACTIVITY_THREAD_LEAVE] = N_("leaving a thread"),
    [ACTIVITY_MEMBER_JOIN] = N_("joining the server"),
    [ACTIVITY_MEMBER_UPDATE] = N_("a change of the own profile"),
    [ACTIVITY_AUDIT] = N_("staff work"),
    [ACTIVITY_EVENT_CREATE] = N_("a scheduled event"),
    [ACTIVITY_EVENT_RSVP_ADD] = N_("interest in an event"),
    [ACTIVITY_EVENT_RSVP_REMOVE] = N_("interest taken back"),
    [ACTIVITY_INVITE_CREATE] = N_("an invite"),
    [ACTIVITY_AUTOMOD] = N_("a message that AutoMod stopped"),
    [ACTIVITY_VOICE_EFFECT] = N_("an effect in voice"),
};

const char *say_kind(const struct call *call, unsigned kind)
{
    return kind < ACTIVITY_KINDS && kinds[kind] ? call_words(call, kinds[kind]) : "";
}

const char *say_kind_of(const struct call *call, const struct json *j)
{
    const char *name = json_string(j, "");

    for (unsigned kind = ACTIVITY_NONE + 1; kind < ACTIVITY_KINDS; kind++)
        if (!strcmp(activity_infos[kind].graphql_name, name))
            return say_kind(call, kind);
    return "";
}

void say_plain(struct call *call, enum message_colour colour, const char *text)
{
    struct message m;

    message_init(&m);
    m.colour = colour;
    buf_puts(&m.body, text);
    call_answer(call, &m);
}

void say_away(struct call *call)
{
    say_plain(call, MESSAGE_BAD,
              _("The database cannot be asked right now. Nothing is lost: whatever happens "
                "meanwhile is recorded as soon as it is back. Please try again in a minute."));
}

void say_guild_variable(const struct call *call, struct buf *out)
{
    buf_printf(out, "{\"guildId\":\"%llu\"", (unsigned long long)call->interaction->guild.id);
}

static void refuse_length(struct call *call, const char *option, int64_t min, int64_t max)
{
    struct buf text;

    buf_init(&text, 0);
    buf_printf(&text,
               _("`%s`: expected a length of time such as `36h`, `10d`, `2w`, `3mo` or `1y`, "
                 "from "),
               option);
    say_length(call, min, &text);
    buf_puts(&text, _(" to "));
    say_length(call, max, &text);
    buf_putc(&text, '.');
    say_plain(call, MESSAGE_BAD, buf_cstr(&text));
    buf_clear(&text);
}

bool say_read_length(struct call *call, const char *option, int64_t otherwise, int64_t min,
                     int64_t max, int64_t *ms_r)
{
    const struct command_value *v = call_arg(call, option);
    struct duration_fault fault;
    duration_t d = {otherwise};

    if (v->given &&
        (duration_parse(v->text, strlen(v->text), &d, &fault) || d.ms < min || d.ms > max)) {
        refuse_length(call, option, min, max);
        return false;
    }
    *ms_r = d.ms;
    return true;
}

void say_time_variable(unixms_t at, struct buf *out)
{
    char text[CLOCK_RFC3339_SIZE];

    clock_rfc3339(at, text);
    buf_printf(out, "\"%s\"", text);
}
