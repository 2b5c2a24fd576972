/* /status guild, /status channel and /status role. Diagnostics: none. */
#include <stdio.h>
#include <string.h>

#include "cogs/figures.h"
#include "cogs/operations.h"
#include "cogs/parts.h"
#include "cogs/say.h"
#include "presence/permissions.h"

/* --- /status guild -----------------------------------------------------------------------------
 */

static void put_last_act(struct call *call, struct message *m, const struct json *act)
{
    uint64_t channel = json_id(json_get(act, "ch"));
    struct buf b;

    buf_init(&b, 0);
    say_when(call, say_time_of(json_get(act, "ts")), &b);
    if (*say_kind_of(call, json_get(act, "type")))
        buf_printf(&b, "\n%s", say_kind_of(call, json_get(act, "type")));
    if (channel)
        buf_printf(&b, " <#%llu>", (unsigned long long)channel);
    message_field(m, _("Last activity"), buf_cstr(&b), true);
    buf_clear(&b);
}

static void put_coverage(struct call *call, struct message *m, const struct json *guild)
{
    int percent = figures_covered(call, guild);

    if (percent >= 0)
        buf_printf(&m->footer,
                   _("Presence was watching for %d %% of the last 30 days, or of the time "
                     "since it joined."),
                   percent);
}

static void guild_answered(struct call *call, const struct json *data)
{
    const struct json *guild = json_get(data, "guild");
    int64_t humans = json_int(json_get(guild, "humanCount"), 0), week = figures_total(data, "week");
    struct message m;

    if (!data) {
        say_away(call);
        return;
    }
    message_init(&m);
    buf_puts(&m.title, _("This server"));
    m.colour = humans && week * 10 >= humans      ? MESSAGE_GOOD
               : figures_total(data, "month") > 0 ? MESSAGE_IDLE
                                                  : MESSAGE_GREY;
    put_last_act(call, &m, json_get(guild, "lastAct"));
    figures_number(&m, _("People"), humans);
    figures_number(&m, _("Flagged"), figures_total(data, "flagged"));
    figures_number(&m, _("Active in 24 hours"), figures_total(data, "today"));
    figures_number(&m, _("Active in 7 days"), week);
    figures_number(&m, _("Active in 30 days"), figures_total(data, "month"));
    put_coverage(call, &m, guild);
    call_answer(call, &m);
}

void status_guild(struct call *call)
{
    struct buf variables;

    call->everybody = call_arg(call, "public")->yes;
    buf_init(&variables, 0);
    say_guild_variable(call, &variables);
    figures_times(call, &variables);
    buf_putc(&variables, '}');
    call_ask(call, OPERATION_STATUS_GUILD, buf_cstr(&variables), guild_answered);
    buf_clear(&variables);
}

/* --- /status channel ---------------------------------------------------------------------------
 */

static void channel_answered(struct call *call, const struct json *data)
{
    const struct json *channel = json_get(data, "channel"), *quarter = json_get(channel, "quarter");
    unixms_t last = say_time_of(json_get(quarter, "lastActAt"));
    struct message m;
    struct buf b;

    if (!data) {
        say_away(call);
        return;
    }
    if (!json_is_object(channel)) {
        say_plain(call, MESSAGE_GREY, _("Presence does not know this channel: it cannot see it."));
        return;
    }
    message_init(&m);
    buf_printf(&m.body, "<#%llu>", (unsigned long long)json_id(json_get(channel, "id")));
    m.colour = !unixms_known(last)                        ? MESSAGE_GREY
               : call->now.ms - last.ms < 7 * SAY_DAY_MS  ? MESSAGE_GOOD
               : call->now.ms - last.ms < 30 * SAY_DAY_MS ? MESSAGE_IDLE
                                                          : MESSAGE_BAD;
    buf_init(&b, 0);
    if (unixms_known(last))
        say_when(call, last, &b);
    else
        buf_puts(&b, _("none in 90 days"));
    message_field(&m, _("Last activity"), buf_cstr(&b), true);
    buf_clear(&b);
    figures_number(&m, _("People in 7 days"),
                   json_int(json_get(json_get(channel, "week"), "people"), 0));
    figures_number(&m, _("People in 30 days"),
                   json_int(json_get(json_get(channel, "month"), "people"), 0));
    figures_number(&m, _("People in 90 days"), json_int(json_get(quarter, "people"), 0));
    figures_number(&m, _("Messages in 90 days"), (int64_t)json_id(json_get(quarter, "messages")));
    figures_number(&m, _("Voice minutes in 90 days"),
                   (int64_t)json_id(json_get(json_get(channel, "voice"), "minutes")));
    call_answer(call, &m);
}

/* Whether the caller sees the channel: as Discord shows it with the option. The one he is in, he
 * sees. */
static bool may_see(const struct command_value *channel)
{
    struct slice permissions = SLICE_NONE;
    const struct scan_field fields[] = {SCAN_FIELD("permissions", &permissions)};
    uint64_t bits = 0;

    if (!channel->given)
        return true;
    if (!scan_is_object(channel->resolved) || scan_fields(channel->resolved, fields, 1) ||
        !scan_digits(permissions, &bits))
        return false;
    return bits & (PERMISSION(VIEW_CHANNEL) | PERMISSION(ADMINISTRATOR));
}

void status_channel(struct call *call)
{
    const struct command_value *channel = call_arg(call, "channel");
    snowflake_t id = channel->given ? channel->id : call->interaction->channel;
    struct buf variables;

    if (!may_see(channel)) {
        say_plain(call, MESSAGE_BAD, _("You do not see this channel, so nothing is told of it."));
        return;
    }
    buf_init(&variables, 0);
    say_guild_variable(call, &variables);
    buf_printf(&variables, ",\"channelId\":\"%llu\"}", (unsigned long long)id.id);
    call_ask(call, OPERATION_STATUS_CHANNEL, buf_cstr(&variables), channel_answered);
    buf_clear(&variables);
}

/* --- /status role ------------------------------------------------------------------------------
 */

static void role_answered(struct call *call, const struct json *data)
{
    int64_t all = figures_total(data, "all"), month = figures_total(data, "month"),
            unknown = figures_total(data, "unknown");
    struct message m;

    if (!data) {
        say_away(call);
        return;
    }
    message_init(&m);
    buf_printf(&m.body, "<@&%llu>", (unsigned long long)call_arg(call, "role")->id.id);
    m.colour = all == 0           ? MESSAGE_GREY
               : month * 2 >= all ? MESSAGE_GOOD
               : month > 0        ? MESSAGE_IDLE
                                  : MESSAGE_BAD;
    figures_number(&m, _("People"), all);
    figures_share(&m, _("Active in 24 hours"), figures_total(data, "today"), all);
    figures_share(&m, _("Active in 7 days"), figures_total(data, "week"), all);
    figures_share(&m, _("Active in 30 days"), month, all);
    figures_share(&m, _("Silent for longer"), all - month - unknown, all);
    figures_share(&m, _("Not known"), unknown, all);
    figures_number(&m, _("Flagged"), figures_total(data, "flagged"));
    if (unknown > 0)
        buf_puts(&m.footer, _("Not known: not seen since Presence is here. That is no silence."));
    call_answer(call, &m);
}

void status_role(struct call *call)
{
    const struct command_value *role = call_arg(call, "role");
    struct buf variables;

    if (role->id.id == call->interaction->guild.id) {
        say_plain(call, MESSAGE_GREY, _("Everybody has this role: see /status guild."));
        return;
    }
    buf_init(&variables, 0);
    say_guild_variable(call, &variables);
    buf_printf(&variables, ",\"roleId\":\"%llu\"", (unsigned long long)role->id.id);
    figures_times(call, &variables);
    buf_putc(&variables, '}');
    call_ask(call, OPERATION_STATUS_ROLE, buf_cstr(&variables), role_answered);
    buf_clear(&variables);
}
