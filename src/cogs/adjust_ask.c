/* The question before a change of settings, with what it would do. Called by adjust.c.
 * Diagnostics: none. */
#include "cogs/adjust_priv.h"
#include "cogs/operations.h"

#define SOONEST_DAYS 7 /* product sheet, section 5, rule 4 */

/* more: what else is to be said; "" = nothing. */
static void ask_first(struct call *call, const char *more)
{
    char name[CALL_KEPT_SIZE];
    struct message m;

    message_init(&m);
    m.colour = *more ? MESSAGE_IDLE : MESSAGE_NEUTRAL;
    buf_puts(&m.title, _("Change the settings?"));
    buf_printf(&m.body, "%s%s", proposal_lines(call), more);
    buf_puts(&m.footer, _("Nothing is changed yet."));
    proposal_keep(call, name);
    call_button(call, &m, *more ? MESSAGE_DANGER : MESSAGE_SUCCESS, _("Change"), "adjust", name);
    call_button(call, &m, MESSAGE_SECONDARY, _("Cancel"), "adjust", ADJUST_CANCEL);
    call_answer(call, &m);
}

static void put_soonest(struct call *call, struct buf *out)
{
    buf_printf(out, _("\nNobody becomes due before <t:%lld:D> because of this."),
               (long long)((call->now.ms + SOONEST_DAYS * SAY_DAY_MS) / 1000));
}

static void ask_without_count(struct call *call)
{
    struct buf more;

    buf_init(&more, 0);
    buf_puts(&more,
             _("\nThis can make members due sooner, or members who were left alone so far."));
    put_soonest(call, &more);
    ask_first(call, buf_cstr(&more));
    buf_clear(&more);
}

static int64_t total(const struct json *data, const char *key)
{
    return json_int(json_get(json_get(data, key), "totalCount"), 0);
}

static void counted(struct call *call, const struct json *data)
{
    int64_t members = total(data, "after") - total(data, "before");
    struct buf more;

    if (!data) {
        say_away(call);
        return;
    }
    buf_init(&more, 0);
    buf_printf(&more,
               _("\nThis would flag **%lld** members who are active now (those who are protected, "
                 "such as the staff, included)."),
               (long long)(members > 0 ? members : 0));
    put_soonest(call, &more);
    ask_first(call, buf_cstr(&more));
    buf_clear(&more);
}

/* Whoever is neither flagged nor left alone, and silent for so long while Presence was watching. */
static void put_filter(const char *key, int64_t silent_ms, struct buf *out)
{
    buf_printf(
        out, ",\"%s\":{\"states\":[\"UNDECIDED\",\"NEW\",\"ACTIVE\"],\"observedIdleMs\":\"%lld\"}",
        key, (long long)silent_ms);
}

/* After which silence members are flagged; an age that nobody reaches while nothing is flagged. */
static int64_t threshold(const struct settings *s)
{
    return settings_get(s, SETTING_MODE)->number == MODE_ON
               ? settings_get(s, SETTING_TIME_UNTIL_INACTIVE)->number
               : 100 * 365 * SAY_DAY_MS;
}

static void ask_with_count(struct call *call, const struct settings *before,
                           const struct settings *after)
{
    bool mode = !setting_equal(SETTING_MODE, settings_get(before, SETTING_MODE),
                               settings_get(after, SETTING_MODE));
    int64_t then = settings_get(after, SETTING_TIME_UNTIL_INACTIVE)->number;
    struct buf variables;

    buf_init(&variables, 0);
    say_guild_variable(call, &variables);
    put_filter("before",
               mode ? threshold(before) : settings_get(before, SETTING_TIME_UNTIL_INACTIVE)->number,
               &variables);
    put_filter("after", then, &variables);
    buf_putc(&variables, '}');
    call_ask(call, OPERATION_SETTINGS_EFFECT, buf_cstr(&variables), counted);
    buf_clear(&variables);
}

void proposal_ask(struct call *call, const struct settings *before, const struct settings *after)
{
    if (!settings_sooner(before, after))
        ask_first(call, "");
    else if (threshold(after) < threshold(before) ||
             settings_get(after, SETTING_TIME_UNTIL_INACTIVE)->number <
                 settings_get(before, SETTING_TIME_UNTIL_INACTIVE)->number)
        ask_with_count(call, before, after);
    else
        ask_without_count(call);
}
