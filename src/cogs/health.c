/* /guild_health: how alive a server is, and what is worth a look. Diagnostics: none. */
#include <string.h>

#include "cogs/figures.h"
#include "cogs/operations.h"
#include "cogs/parts.h"
#include "presence/permissions.h"

#define QUIET_DAYS_MAX 400 /* more are not recorded in one piece */

/* --- what is worth a look ----------------------------------------------------------------------
 */

/* The figures that are judged; shares in percent. */
struct health {
    int covered; /* -1 = not known */
    int64_t people, month, flagged, unknown, channels, quiet;
    int64_t silent_ms; /* nobody did anything for so long */
};

static int64_t share(int64_t n, int64_t of)
{
    return of > 0 ? n * 100 / of : 0;
}

static void worry(struct call *call, struct message *m, enum message_colour colour,
                  const char *text)
{
    if (m->colour != MESSAGE_BAD)
        m->colour = colour;
    buf_printf(&m->body, "⚠️ %s\n", call_words(call, text));
}

/* The weightiest first. */
static void put_worries(struct call *call, struct message *m, const struct health *h)
{
    m->colour = MESSAGE_GOOD;
    if (h->covered >= 0 && h->covered < 90)
        worry(call, m, MESSAGE_BAD,
              N_("Presence was away for much of the last 30 days. What it did not see is held "
                 "against nobody."));
    if (h->people > 0 && h->silent_ms > 7 * SAY_DAY_MS)
        worry(call, m, MESSAGE_BAD, N_("For more than a week nobody did anything."));
    if (share(h->unknown, h->people) > 50)
        worry(call, m, MESSAGE_IDLE,
              N_("Of most people nothing is known yet: Presence has not been here for long."));
    else if (h->people > 0 && share(h->month, h->people) < 20)
        worry(call, m, MESSAGE_IDLE,
              N_("Fewer than one in five people were active in 30 days: see `/inactive list`."));
    if (share(h->flagged, h->people) > 20)
        worry(call, m, MESSAGE_IDLE, N_("More than one in five people are flagged as inactive."));
    if (share(h->quiet, h->channels) > 50)
        worry(call, m, MESSAGE_IDLE,
              N_("More than half of the channels are quiet: see `/channels inactive`."));
    if (buf_len(&m->body) == 0)
        buf_printf(&m->body, "✅ %s", _("Nothing to worry about."));
}

/* --- the answer --------------------------------------------------------------------------------
 */

static void read_health(struct call *call, const struct json *data, struct health *h)
{
    const struct json *guild = json_get(data, "guild");
    unixms_t last = say_time_of(json_get(json_get(guild, "lastAct"), "ts"));

    *h = (struct health){.covered = figures_covered(call, guild),
                         .people = json_int(json_get(guild, "humanCount"), 0),
                         .month = figures_total(data, "month"),
                         .flagged = figures_total(data, "flagged"),
                         .unknown = figures_total(data, "unknown"),
                         .channels = figures_total(data, "channels"),
                         .quiet = figures_total(data, "quiet"),
                         .silent_ms = unixms_known(last) ? call->now.ms - last.ms : 0};
}

static void answered(struct call *call, const struct json *data)
{
    struct health h;
    struct message m;

    if (!data) {
        say_away(call);
        return;
    }
    read_health(call, data, &h);
    message_init(&m);
    buf_puts(&m.title, _("Health of this server"));
    put_worries(call, &m, &h);
    figures_number(&m, _("People"), h.people);
    figures_share(&m, _("Active in 24 hours"), figures_total(data, "today"), h.people);
    figures_share(&m, _("Active in 7 days"), figures_total(data, "week"), h.people);
    figures_share(&m, _("Active in 30 days"), h.month, h.people);
    figures_share(&m, _("Flagged"), h.flagged, h.people);
    figures_share(&m, _("Not known"), h.unknown, h.people);
    figures_number(&m, _("Channels"), h.channels);
    figures_share(&m, _("Quiet channels"), h.quiet, h.channels);
    if (h.covered >= 0)
        buf_printf(&m.footer,
                   _("Presence was watching for %d %% of the last 30 days, or of the time "
                     "since it joined."),
                   h.covered);
    call_answer(call, &m);
}

/* --- the questions -----------------------------------------------------------------------------
 */

/* What a quiet channel is, the settings say. */
static void ruled(struct call *call, const struct json *data)
{
    struct settings s;
    struct buf variables;
    int64_t days;

    if (!data) {
        say_away(call);
        return;
    }
    cog_read_settings(json_get(data, "guild"), &s);
    days = settings_get(&s, SETTING_CHANNEL_IDLE)->number / SAY_DAY_MS;
    buf_init(&variables, 0);
    say_guild_variable(call, &variables);
    figures_times(call, &variables);
    buf_printf(&variables, ",\"types\":%s,\"quietDays\":%lld,\"minPeople\":%lld}",
               COG_CHANNEL_TYPES, (long long)(days < QUIET_DAYS_MAX ? days : QUIET_DAYS_MAX),
               (long long)settings_get(&s, SETTING_CHANNEL_MIN_PEOPLE)->number);
    call_ask(call, OPERATION_GUILD_HEALTH, buf_cstr(&variables), answered);
    buf_clear(&variables);
    settings_free(&s);
}

static void guild_health(struct call *call)
{
    struct buf variables;

    call->everybody = call_arg(call, "public")->yes;
    buf_init(&variables, 0);
    say_guild_variable(call, &variables);
    buf_putc(&variables, '}');
    call_ask(call, OPERATION_GUILD_RULES, buf_cstr(&variables), ruled);
    buf_clear(&variables);
}

/* --- the table ---------------------------------------------------------------------------------
 */

static const struct command_option options[] = {
    {.name = "public",
     .description = N_("Show the answer to everybody in this channel"),
     .type = COMMAND_BOOL},
    {.name = NULL},
};
static const struct command_action action[] = {{.options = options, .run = guild_health},
                                               {.run = NULL}};
const struct command cog_health = {.kind = COMMAND_SLASH,
                                   .name = "guild_health",
                                   .description =
                                       N_("How alive this server is, and what is worth a look"),
                                   .permissions = PERMISSION(MODERATE_MEMBERS),
                                   .actions = action};
