/* /inactive list and /channels inactive: who and what has been silent for how long. Nothing is done
 * to anybody here. Diagnostics: none. */
#include <string.h>

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

/* "Idle since before 24 October 2026": the date that the length means. */
static void put_since(struct call *call, unixms_t since, struct buf *heading)
{
    buf_printf(heading, _("Silent since <t:%lld:D> or longer"), (long long)(since.ms / 1000));
}

static void inactive_list(struct call *call)
{
    int64_t idle, joined;
    struct buf base, heading;

    if (!say_read_length(call, "min_idle", 30 * SAY_DAY_MS, SAY_HOUR_MS, 3650 * SAY_DAY_MS,
                         &idle) ||
        !say_read_length(call, "joined_before", 0, SAY_HOUR_MS, 3650 * SAY_DAY_MS, &joined))
        return;
    buf_init(&base, 0);
    buf_init(&heading, 0);
    say_guild_variable(call, &base);
    buf_printf(&base, ",\"orderBy\":\"%s\",\"filter\":{\"quietSince\":",
               order_of(call_arg(call, "sort")->text));
    say_time_variable((unixms_t){call->now.ms - idle}, &base);
    put_role(call, "role", "roles", &base);
    put_role(call, "without_role", "withoutRoles", &base);
    if (joined) {
        buf_puts(&base, ",\"joinedUntil\":");
        say_time_variable((unixms_t){call->now.ms - joined}, &base);
    }
    buf_putc(&base, '}');
    put_since(call, (unixms_t){call->now.ms - idle}, &heading);
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
    {.name = "joined_before",
     .description = N_("Only members who joined longer ago than this, such as 90d"),
     .type = COMMAND_TEXT,
     .min = 1,
     .max = 40},
    {.name = "sort", .description = N_("Who comes first"), .type = COMMAND_TEXT, .choices = sorts},
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

/* --- /channels inactive ------------------------------------------------------------------------
 */

static void channel_row(struct call *call, const struct json *node, struct buf *out)
{
    const struct json *activity = json_get(node, "activity");
    unixms_t last = unixms_max(say_time_of(json_get(activity, "lastActAt")),
                               say_time_of(json_get(node, "lastMessageAt")));

    buf_printf(out, "<#%llu> · ", (unsigned long long)json_id(json_get(node, "id")));
    buf_puts(out, _("last activity "));
    say_when(call, last, out);
    buf_printf(out, _(" · %lld people"), (long long)json_int(json_get(activity, "people"), 0));
}

static const struct pager channel_pager = {
    .button = "channels",
    .operation = OPERATION_CHANNELS_INACTIVE,
    .connection = "channels",
    .title = N_("Quiet channels"),
    .nothing = N_("Every channel is alive."),
    .row = channel_row,
};

static void channels_inactive(struct call *call)
{
    const struct command_value *category = call_arg(call, "category");
    const struct command_value *people = call_arg(call, "min_people");
    int64_t idle;
    struct buf base, heading;

    if (!say_read_length(call, "min_idle", 30 * SAY_DAY_MS, SAY_DAY_MS, 400 * SAY_DAY_MS, &idle))
        return;
    buf_init(&base, 0);
    buf_init(&heading, 0);
    say_guild_variable(call, &base);
    buf_printf(&base, ",\"days\":%lld,\"filter\":{\"quietDays\":%lld,\"minPeople\":%lld",
               (long long)(idle / SAY_DAY_MS), (long long)(idle / SAY_DAY_MS),
               (long long)(people->given ? people->integer : 1));
    if (category->given)
        buf_printf(&base, ",\"parentId\":\"%llu\"", (unsigned long long)category->id.id);
    buf_putc(&base, '}');
    put_since(call, (unixms_t){call->now.ms - idle}, &heading);
    pager_begin(call, &channel_pager, buf_cstr(&base), buf_cstr(&heading));
    buf_clear(&base);
    buf_clear(&heading);
}

void channels_press(struct call *call, const char *data)
{
    pager_press(call, &channel_pager, data);
}

static const struct command_option channels_options[] = {
    {.name = "min_idle",
     .description = N_("Quiet for at least this long, such as 30d or 3mo; 30d without it"),
     .type = COMMAND_TEXT,
     .min = 1,
     .max = 40},
    {.name = "category",
     .description = N_("Only channels of this category"),
     .type = COMMAND_CHANNEL,
     .channels = 1u << 4},
    {.name = "min_people",
     .description = N_("With fewer different people than this a channel is quiet; 1 without it"),
     .type = COMMAND_INTEGER,
     .min = 1,
     .max = 20},
    {.name = NULL},
};
static const struct command_action channels_actions[] = {
    {.name = "inactive",
     .description = N_("Channels in which hardly anybody did anything"),
     .options = channels_options,
     .run = channels_inactive},
    {.run = NULL},
};
const struct command cog_channels = {.kind = COMMAND_SLASH,
                                     .name = "channels",
                                     .description = N_("Which channels are alive"),
                                     .permissions = PERMISSION(MANAGE_CHANNELS),
                                     .actions = channels_actions};
