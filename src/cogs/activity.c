/* /activity top: who and what is most alive. Diagnostics: none. */
#include <string.h>

#include "cogs/kinds.h"
#include "cogs/operations.h"
#include "cogs/parts.h"
#include "presence/permissions.h"

#define LIMIT_DEFAULT 10
#define LIMIT_MAX     25
#define DAYS_DEFAULT  30
#define DAYS_MAX      400

/* What is ranked: as it is chosen, asked for, mentioned and titled. */
static const struct ranked {
    const char *name, *of, *sign, *most, *least;
} ranked[] = {
    {"member", "MEMBER", "@", N_("Most active members"), N_("Least active members")},
    {"channel", "CHANNEL", "#", N_("Most active channels"), N_("Least active channels")},
    {"role", "ROLE", "@&", N_("Most active roles"), N_("Least active roles")},
};

static const struct ranked *ranked_of(const struct call *call)
{
    const char *by = call_arg(call, "by")->text;

    for (size_t i = 0; i < sizeof(ranked) / sizeof(ranked[0]); i++)
        if (!strcmp(ranked[i].name, by))
            return &ranked[i];
    return &ranked[0];
}

static bool has_any(const struct call *call, uint64_t permissions)
{
    return call->interaction->permissions & (permissions | PERMISSION(ADMINISTRATOR));
}

/* -1: the call is answered, it is no length of time. Begun days count. */
static int64_t read_days(struct call *call)
{
    int64_t ms;

    if (!say_read_length(call, "period", DAYS_DEFAULT * SAY_DAY_MS, SAY_DAY_MS,
                         DAYS_MAX * SAY_DAY_MS, &ms))
        return -1;
    return (ms + SAY_DAY_MS - 1) / SAY_DAY_MS;
}

/* --- the answer --------------------------------------------------------------------------------
 */

/* By the guild's settings; false: the call is answered. */
static bool may_look(struct call *call, const struct json *guild)
{
    struct settings s;
    int64_t who;

    cog_read_settings(guild, &s);
    who = settings_get(&s, SETTING_LEADERBOARD_VISIBILITY)->number;
    settings_free(&s);
    if (who == LEADERBOARD_EVERYONE || (who == LEADERBOARD_STAFF && has_any(call, COG_STAFF)))
        return true;
    say_plain(call, MESSAGE_GREY,
              who == LEADERBOARD_STAFF ? _("Rankings are for the staff of this server.")
                                       : _("This server has switched rankings off."));
    return false;
}

static void put_entry(struct call *call, const struct ranked *r, const struct json *entry,
                      struct buf *out)
{
    unixms_t last = say_time_of(json_get(entry, "lastActAt"));

    buf_printf(out, "%lld. <%s%llu>", (long long)json_int(json_get(entry, "place"), 0), r->sign,
               (unsigned long long)json_id(json_get(entry, "id")));
    buf_printf(out, _(" · **%llu** acts"), (unsigned long long)json_id(json_get(entry, "acts")));
    if (strcmp(r->name, "member") != 0)
        buf_printf(out, _(" · %lld people"), (long long)json_int(json_get(entry, "people"), 0));
    if (unixms_known(last)) {
        buf_puts(out, " · ");
        say_when(call, last, out);
    }
    buf_putc(out, '\n');
}

static void put_heading(struct call *call, struct buf *out)
{
    const struct command_value *kind = call_arg(call, "kind");

    buf_printf(out, _("Since <t:%lld:D>"),
               (long long)((call->now.ms - read_days(call) * SAY_DAY_MS) / 1000));
    if (kind->given)
        buf_printf(out, " · %s", call_words(call, kinds_name(kind->text)));
    buf_puts(out, "\n\n");
}

static void answered(struct call *call, const struct json *data)
{
    const struct ranked *r = ranked_of(call);
    const struct json *entries = json_get(data, "ranking");
    struct message m;

    if (!data) {
        say_away(call);
        return;
    }
    if (!may_look(call, json_get(data, "guild")))
        return;
    message_init(&m);
    buf_puts(&m.title, call_words(call, call_arg(call, "reverse")->yes ? r->least : r->most));
    put_heading(call, &m.body);
    if (json_size(entries) == 0)
        buf_puts(&m.body, _("Nothing was recorded in that time."));
    for (const struct json *j = json_first(entries); j; j = json_next(j))
        put_entry(call, r, j, &m.body);
    call_answer(call, &m);
}

/* --- the question ------------------------------------------------------------------------------
 */

static void activity_top(struct call *call)
{
    const struct command_value *kind = call_arg(call, "kind"), *limit = call_arg(call, "limit");
    const struct ranked *r = ranked_of(call);
    int64_t days = read_days(call);
    struct buf variables;

    if (days < 0)
        return;
    if (!strcmp(r->name, "channel") && !has_any(call, PERMISSION(MANAGE_CHANNELS))) {
        say_plain(call, MESSAGE_BAD,
                  _("The ranking of channels names some that not everybody sees. It needs the "
                    "permission MANAGE_CHANNELS."));
        return;
    }
    buf_init(&variables, 0);
    say_guild_variable(call, &variables);
    buf_printf(&variables, ",\"of\":\"%s\",\"days\":%lld,\"first\":%lld,\"reverse\":%s", r->of,
               (long long)days, (long long)(limit->given ? limit->integer : LIMIT_DEFAULT),
               call_arg(call, "reverse")->yes ? "true" : "false");
    if (kind->given) {
        buf_puts(&variables, ",\"kinds\":");
        kinds_put(kind->text, &variables);
    }
    buf_putc(&variables, '}');
    call_ask(call, OPERATION_ACTIVITY_TOP, buf_cstr(&variables), answered);
    buf_clear(&variables);
}

/* --- the table ---------------------------------------------------------------------------------
 */

static const struct command_choice bys[] = {
    {"member", N_("members")}, {"channel", N_("channels")}, {"role", N_("roles")}, {NULL, NULL}};

static const struct command_option top_options[] = {
    {.name = "period",
     .description = N_("How far back, such as 7d or 3mo; 30d without it"),
     .type = COMMAND_TEXT,
     .min = 1,
     .max = 40},
    {.name = "kind",
     .description = N_("Only acts of this kind"),
     .type = COMMAND_TEXT,
     .choices = kinds_choices},
    {.name = "by",
     .description = N_("What is ranked; members without it"),
     .type = COMMAND_TEXT,
     .choices = bys},
    {.name = "limit",
     .description = N_("How many places; 10 without it"),
     .type = COMMAND_INTEGER,
     .min = 1,
     .max = LIMIT_MAX},
    {.name = "reverse", .description = N_("The least active first"), .type = COMMAND_BOOL},
    {.name = NULL},
};
static const struct command_action activity_actions[] = {
    {.name = "top",
     .description = N_("A ranking of members, channels or roles"),
     .options = top_options,
     .run = activity_top},
    {.run = NULL},
};
const struct command cog_activity = {.kind = COMMAND_SLASH,
                                     .name = "activity",
                                     .description = N_("Who and what is most alive"),
                                     .actions = activity_actions};
