/* /away: leaves of absence, in which nobody's silence counts. Diagnostics: none. */
#include <string.h>

#include "cogs/change.h"
#include "cogs/operations.h"
#include "cogs/pager.h"
#include "cogs/parts.h"
#include "presence/permissions.h"
#include "presence/text.h"

#define REASON_SHOWN 80u

/* Whose absence it is. For others a permission is needed: false, and the call is answered. */
static bool whose(struct call *call, snowflake_t *user_r)
{
    const struct command_value *member = call_arg(call, "member");
    const struct interaction *i = call->interaction;

    *user_r = member->given ? member->id : i->user;
    if (user_r->id == i->user.id ||
        i->permissions & (PERMISSION(MODERATE_MEMBERS) | PERMISSION(ADMINISTRATOR)))
        return true;
    say_plain(call, MESSAGE_BAD, _("For others this needs the permission MODERATE_MEMBERS."));
    return false;
}

/* --- set ---------------------------------------------------------------------------------------
 */

static void was_set(struct call *call, const struct json *data)
{
    const struct json *result = change_done(call, data), *absence = json_get(result, "absence");
    unixms_t until = say_time_of(json_get(absence, "until"));
    struct buf text;

    if (!result)
        return;
    buf_init(&text, 0);
    buf_printf(&text, _("Away until <t:%lld:f>. Silence until then is not counted."),
               (long long)(until.ms / 1000));
    if (!unixms_known(say_time_of(json_get(absence, "approvedAt"))))
        buf_puts(&text, _("\nIt holds as soon as the staff approves it."));
    say_plain(call, MESSAGE_GOOD, buf_cstr(&text));
    buf_clear(&text);
}

static void away_set(struct call *call)
{
    snowflake_t user;
    int64_t until;
    struct buf variables;

    if (!whose(call, &user) ||
        !say_read_length(call, "until", 0, SAY_HOUR_MS, 365 * SAY_DAY_MS, &until))
        return;
    buf_init(&variables, 0);
    say_guild_variable(call, &variables);
    buf_printf(&variables, ",\"userId\":\"%llu\",\"until\":", (unsigned long long)user.id);
    say_time_variable((unixms_t){call->now.ms + until}, &variables);
    change_put_text(call, "reason", "reason", &variables);
    change_put_caller(call, &variables);
    buf_putc(&variables, '}');
    call_ask(call, OPERATION_AWAY_SET, buf_cstr(&variables), was_set);
    buf_clear(&variables);
}

/* --- end ---------------------------------------------------------------------------------------
 */

static void ended(struct call *call, const struct json *data)
{
    if (change_done(call, data))
        say_plain(call, MESSAGE_GOOD, _("Welcome back: the absence has ended."));
}

static void found(struct call *call, const struct json *data)
{
    const struct json *first = json_first(json_get(json_get(data, "absences"), "nodes"));
    struct buf variables;

    if (!data) {
        say_away(call);
        return;
    }
    if (!first) {
        say_plain(call, MESSAGE_GREY, _("There is no absence to end."));
        return;
    }
    buf_init(&variables, 0);
    say_guild_variable(call, &variables);
    buf_printf(&variables, ",\"absenceId\":\"%llu\"",
               (unsigned long long)json_id(json_get(first, "absenceId")));
    change_put_caller(call, &variables);
    buf_putc(&variables, '}');
    call_ask(call, OPERATION_AWAY_END, buf_cstr(&variables), ended);
    buf_clear(&variables);
}

static void away_end(struct call *call)
{
    snowflake_t user;
    struct buf variables;

    if (!whose(call, &user))
        return;
    buf_init(&variables, 0);
    say_guild_variable(call, &variables);
    buf_printf(&variables, ",\"filter\":{\"open\":true,\"userId\":\"%llu\"},\"first\":1}",
               (unsigned long long)user.id);
    call_ask(call, OPERATION_AWAY_LIST, buf_cstr(&variables), found);
    buf_clear(&variables);
}

/* --- list --------------------------------------------------------------------------------------
 */

static void absence_row(struct call *call, const struct json *node, struct buf *out)
{
    unixms_t from = say_time_of(json_get(node, "from")),
             until = say_time_of(json_get(node, "until"));
    const char *reason = json_string(json_get(node, "reason"), "");

    buf_printf(out, "<@%llu> · <t:%lld:D> – <t:%lld:D>",
               (unsigned long long)json_id(json_get(node, "userId")), (long long)(from.ms / 1000),
               (long long)(until.ms / 1000));
    if (!unixms_known(say_time_of(json_get(node, "approvedAt"))))
        buf_puts(out, _(" · not approved yet"));
    if (*reason) {
        buf_puts(out, " · ");
        text_put_foreign(reason, REASON_SHOWN, out);
    }
}

static const struct pager absence_pager = {
    .button = "away",
    .operation = OPERATION_AWAY_LIST,
    .connection = "absences",
    .title = N_("Away"),
    .nothing = N_("Nobody is away."),
    .row = absence_row,
};

static void away_list(struct call *call)
{
    const struct interaction *i = call->interaction;
    bool all = call_arg(call, "all")->yes;
    struct buf base;

    if (all && !(i->permissions & (PERMISSION(MODERATE_MEMBERS) | PERMISSION(ADMINISTRATOR)))) {
        say_plain(call, MESSAGE_BAD, _("For others this needs the permission MODERATE_MEMBERS."));
        return;
    }
    buf_init(&base, 0);
    say_guild_variable(call, &base);
    buf_puts(&base, ",\"filter\":{\"open\":true");
    if (!all)
        buf_printf(&base, ",\"userId\":\"%llu\"", (unsigned long long)i->user.id);
    buf_putc(&base, '}');
    pager_begin(call, &absence_pager, buf_cstr(&base), "");
    buf_clear(&base);
}

void away_press(struct call *call, const char *data)
{
    pager_press(call, &absence_pager, data);
}

/* --- the table ---------------------------------------------------------------------------------
 */

#define MEMBER                                                                                     \
    {                                                                                              \
        .name = "member", .description = N_("Somebody else, for the staff"), .type = COMMAND_USER  \
    }

static const struct command_option set_options[] = {
    {.name = "until",
     .description = N_("For how long, such as 36h, 10d, 2w"),
     .type = COMMAND_TEXT,
     .required = true,
     .min = 1,
     .max = 40},
    {.name = "reason",
     .description = N_("Why; the staff can read it"),
     .type = COMMAND_TEXT,
     .min = 1,
     .max = CHANGE_REASON_MAX},
    MEMBER,
    {.name = NULL},
};
static const struct command_option end_options[] = {MEMBER, {.name = NULL}};
static const struct command_option list_options[] = {
    {.name = "all", .description = N_("Everybody's, for the staff"), .type = COMMAND_BOOL},
    {.name = NULL},
};
static const struct command_action away_actions[] = {
    {.name = "set",
     .description = N_("Take a leave of absence"),
     .options = set_options,
     .run = away_set},
    {.name = "end", .description = N_("End it early"), .options = end_options, .run = away_end},
    {.name = "list",
     .description = N_("Absences that are or will be"),
     .options = list_options,
     .run = away_list},
    {.run = NULL},
};
const struct command cog_away = {.kind = COMMAND_SLASH,
                                 .name = "away",
                                 .description = N_("Leaves of absence"),
                                 .actions = away_actions};
