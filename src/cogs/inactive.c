/* /inactive list: who has been silent for how long. Nothing is done to anybody here.
 * Diagnostics: none. */
#include <string.h>

#include "cogs/export.h"
#include "cogs/kinds.h"
#include "cogs/operations.h"
#include "cogs/pager.h"
#include "cogs/parts.h"
#include "presence/permissions.h"

#define SHARE_TOLD 0.9 /* less of the silence was watched: said */

/* --- /inactive list ----------------------------------------------------------------------------
 */

static void member_row(struct call *call, const struct json *node, struct buf *out)
{
    unixms_t since = say_time_of(json_get(node, "idleSince"));
    double share = json_double(json_get(node, "observedShare"), 1);

    buf_printf(out, "<@%llu> · ", (unsigned long long)json_id(json_get(node, "userId")));
    if (unixms_known(since))
        say_length(call, call->now.ms - since.ms, out);
    else
        buf_puts(out, _("not known"));
    if (*say_kind_of(call, json_get(node, "lastCountedKind")))
        buf_printf(out, " · %s", say_kind_of(call, json_get(node, "lastCountedKind")));
    if (share < SHARE_TOLD)
        buf_printf(out, _(" · %d %% watched"), (int)(share * 100));
}

static const struct pager member_pager = {
    .button = "inactive",
    .operation = OPERATION_INACTIVE_LIST,
    .connection = "members",
    .title = N_("Inactive members"),
    .nothing = N_("Nobody has been idle for that long."),
    .row = member_row,
};

static const struct command_choice sorts[] = {{"idle", N_("longest idle first")},
                                              {"joined", N_("longest member first")},
                                              {"name", N_("by name")},
                                              {NULL, NULL}};

static const char *order_of(const char *sort)
{
    return !strcmp(sort, "joined") ? "JOINED" : !strcmp(sort, "name") ? "NAME" : "IDLE";
}

static void put_role(const struct call *call, const char *option, const char *key, struct buf *out)
{
    const struct command_value *role = call_arg(call, option);

    if (role->given)
        buf_printf(out, ",\"%s\":[\"%llu\"]", key, (unsigned long long)role->id.id);
}

static const struct table_column columns[] = {
    {"user_id", "userId"},
    {"username", "username"},
    {"global_name", "globalName"},
    {"nick", "nick"},
    {"joined_at", "joinedAt"},
    {"state", "state"},
    {"idle_since", "idleSince"},
    {"observed_share", "observedShare"},
    {"last_counted", "lastCounted"},
    {"last_counted_kind", "lastCountedKind"},
    {NULL, NULL},
};
static const struct export member_export = {
    .name = "inactive-members",
    .operation = OPERATION_INACTIVE_EXPORT,
    .connection = "members",
    .nothing = N_("Nobody has been idle for that long."),
    .columns = columns,
};

static void put_filter(const struct call *call, int64_t idle, int64_t joined, struct buf *out)
{
    const struct command_value *kind = call_arg(call, "kind");

    buf_puts(out, ",\"filter\":{\"quietSince\":");
    say_time_variable((unixms_t){call->now.ms - idle}, out);
    put_role(call, "role", "roles", out);
    put_role(call, "without_role", "withoutRoles", out);
    if (kind->given) {
        buf_puts(out, ",\"lastKinds\":");
        kinds_put(kind->text, out);
    }
    if (joined) {
        buf_puts(out, ",\"joinedUntil\":");
        say_time_variable((unixms_t){call->now.ms - joined}, out);
    }
    buf_putc(out, '}');
}

static void inactive_list(struct call *call)
{
    const struct command_value *format = call_arg(call, "export");
    int64_t idle, joined;
    struct buf base, heading;

    if (!say_read_length(call, "min_idle", 30 * SAY_DAY_MS, SAY_HOUR_MS, 3650 * SAY_DAY_MS,
                         &idle) ||
        !say_read_length(call, "joined_before", 0, SAY_HOUR_MS, 3650 * SAY_DAY_MS, &joined))
        return;
    buf_init(&base, 0);
    buf_init(&heading, 0);
    say_guild_variable(call, &base);
    buf_printf(&base, ",\"orderBy\":\"%s\"", order_of(call_arg(call, "sort")->text));
    put_filter(call, idle, joined, &base);
    say_silent_since(call, (unixms_t){call->now.ms - idle}, &heading);
    if (format->given)
        export_begin(call, &member_export, format->text, buf_cstr(&base));
    else
        pager_begin(call, &member_pager, buf_cstr(&base), buf_cstr(&heading));
    buf_clear(&base);
    buf_clear(&heading);
}

void inactive_press(struct call *call, const char *data)
{
    pager_press(call, &member_pager, data);
}

static const struct command_option list_options[] = {
    {.name = "min_idle",
     .description = N_("Idle for at least this long, such as 36h, 30d, 6w; 30d without it"),
     .type = COMMAND_TEXT,
     .min = 1,
     .max = 40},
    {.name = "role", .description = N_("Only members who have this role"), .type = COMMAND_ROLE},
    {.name = "without_role",
     .description = N_("Only members who do not have this role"),
     .type = COMMAND_ROLE},
    {.name = "kind",
     .description = N_("Only members whose last act was of this kind"),
     .type = COMMAND_TEXT,
     .choices = kinds_choices},
    {.name = "joined_before",
     .description = N_("Only members who joined longer ago than this, such as 90d"),
     .type = COMMAND_TEXT,
     .min = 1,
     .max = 40},
    {.name = "sort", .description = N_("Who comes first"), .type = COMMAND_TEXT, .choices = sorts},
    {.name = "export",
     .description = N_("The whole list as a file"),
     .type = COMMAND_TEXT,
     .choices = export_formats},
    {.name = NULL},
};
static const struct command_action inactive_actions[] = {
    {.name = "list",
     .description = N_("Members who have been silent for a while"),
     .options = list_options,
     .run = inactive_list},
    {.run = NULL},
};
const struct command cog_inactive = {.kind = COMMAND_SLASH,
                                     .name = "inactive",
                                     .description = N_("Who is not there any more"),
                                     .permissions = PERMISSION(KICK_MEMBERS),
                                     .actions = inactive_actions};
