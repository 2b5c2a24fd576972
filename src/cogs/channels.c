/* /channels: which channels are alive, and of which nobody wants to hear. Nothing is done to any of
 * them here. Diagnostics: none. */
#include <string.h>

#include "cogs/adjust.h"
#include "cogs/export.h"
#include "cogs/operations.h"
#include "cogs/pager.h"
#include "cogs/parts.h"
#include "presence/permissions.h"

/* --- inactive ----------------------------------------------------------------------------------
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

static const struct table_column columns[] = {
    {"channel_id", "id"},
    {"name", "name"},
    {"type", "type"},
    {"category_id", "parentId"},
    {"last_message_at", "lastMessageAt"},
    {"last_act_at", "activity.lastActAt"},
    {"people", "activity.people"},
    {"acts", "activity.acts"},
    {"messages", "activity.messages"},
    {NULL, NULL},
};
static const struct export channel_export = {
    .name = "inactive-channels",
    .operation = OPERATION_CHANNELS_EXPORT,
    .connection = "channels",
    .nothing = N_("Every channel is alive."),
    .columns = columns,
};

/* Discord's types behind each choice; without one, all that somebody can be active in. */
static const struct command_choice types[] = {
    {"text", N_("text")},      {"news", N_("announcements")},
    {"forum", N_("forums")},   {"media", N_("media")},
    {"voice", N_("voice")},    {"stage", N_("stages")},
    {"thread", N_("threads")}, {NULL, NULL},
};
static const struct {
    const char *name, *numbers;
} type_numbers[] = {
    {"text", "[0]"},  {"news", "[5]"},   {"forum", "[15]"},        {"media", "[16]"},
    {"voice", "[2]"}, {"stage", "[13]"}, {"thread", "[10,11,12]"},
};
#define IDLE_MS     (30 * SAY_DAY_MS)
#define IDLE_MAX_MS (400 * SAY_DAY_MS)

static const char *numbers_of(const char *type)
{
    for (size_t i = 0; i < sizeof(type_numbers) / sizeof(type_numbers[0]); i++)
        if (!strcmp(type_numbers[i].name, type))
            return type_numbers[i].numbers;
    return COG_CHANNEL_TYPES;
}

/* What the server has set; the command's own default where it has set nothing. */
static int64_t set_or(struct call *call, enum setting which, int64_t otherwise)
{
    const struct settings *s = call->host->settings(call);

    return s && settings_is_set(s, which) ? settings_get(s, which)->number : otherwise;
}

static void put_filter(struct call *call, int64_t idle, struct buf *out)
{
    const struct command_value *category = call_arg(call, "category");
    const struct command_value *people = call_arg(call, "min_people");

    buf_printf(
        out,
        ",\"days\":%lld,\"filter\":{\"quietDays\":%lld,\"minPeople\":%lld,\"types\":%s,"
        "\"ignored\":false",
        (long long)(idle / SAY_DAY_MS), (long long)(idle / SAY_DAY_MS),
        (long long)(people->given ? people->integer : set_or(call, SETTING_CHANNEL_MIN_PEOPLE, 1)),
        numbers_of(call_arg(call, "type")->text));
    if (category->given)
        buf_printf(out, ",\"parentId\":\"%llu\"", (unsigned long long)category->id.id);
    buf_putc(out, '}');
}

static void channels_inactive(struct call *call)
{
    const struct command_value *format = call_arg(call, "export");
    int64_t idle;
    struct buf base, heading;

    idle = set_or(call, SETTING_CHANNEL_IDLE, IDLE_MS);
    if (!say_read_length(call, "min_idle", idle < IDLE_MAX_MS ? idle : IDLE_MAX_MS, SAY_DAY_MS,
                         IDLE_MAX_MS, &idle))
        return;
    buf_init(&base, 0);
    buf_init(&heading, 0);
    say_guild_variable(call, &base);
    put_filter(call, idle, &base);
    say_silent_since(call, (unixms_t){call->now.ms - idle}, &heading);
    if (format->given)
        export_begin(call, &channel_export, format->text, buf_cstr(&base));
    else
        pager_begin(call, &channel_pager, buf_cstr(&base), buf_cstr(&heading));
    buf_clear(&base);
    buf_clear(&heading);
}

void channels_press(struct call *call, const char *data)
{
    pager_press(call, &channel_pager, data);
}

/* --- ignore ------------------------------------------------------------------------------------
 */

/* The option channel becomes, or is no longer, one of the ids. */
static bool wish_ignored(struct call *call, const struct json *data, const char *text,
                         struct settings *s)
{
    const struct setting_info *info = &setting_infos[SETTING_IGNORED_CHANNELS];
    const struct setting_value *now = settings_get(s, SETTING_IGNORED_CHANNELS);
    uint64_t id = call_arg(call, "channel")->id.id;
    struct setting_value next = {0};
    bool add = call_arg(call, "add")->yes;

    (void)data;
    (void)text;
    next.ids.list = xcalloc(now->ids.count + 1, sizeof(*next.ids.list));
    for (size_t i = 0; i < now->ids.count; i++)
        if (now->ids.list[i].id != id)
            next.ids.list[next.ids.count++] = now->ids.list[i];
    if (add == (next.ids.count < now->ids.count)) { /* it is like that already */
        setting_free(SETTING_IGNORED_CHANNELS, &next);
        return true;
    }
    if (add)
        next.ids.list[next.ids.count++].id = id;
    if (next.ids.count > (size_t)info->most) {
        setting_free(SETTING_IGNORED_CHANNELS, &next);
        say_plain(call, MESSAGE_BAD, _("Nothing was changed: 500 channels are ignored already."));
        return false;
    }
    settings_put(s, SETTING_IGNORED_CHANNELS, &next);
    return true;
}

static void channels_ignore(struct call *call)
{
    adjust_begin(call, OPERATION_SETTINGS_VIEW, wish_ignored, "", false);
}

/* --- the table ---------------------------------------------------------------------------------
 */

static const struct command_option inactive_options[] = {
    {.name = "min_idle",
     .description = N_("Quiet for at least this long, such as 30d or 3mo; 30d without it"),
     .type = COMMAND_TEXT,
     .min = 1,
     .max = 40},
    {.name = "category",
     .description = N_("Only channels of this category"),
     .type = COMMAND_CHANNEL,
     .channels = 1u << 4},
    {.name = "type",
     .description = N_("Only channels of this type"),
     .type = COMMAND_TEXT,
     .choices = types},
    {.name = "min_people",
     .description = N_("With fewer different people than this a channel is quiet; 1 without it"),
     .type = COMMAND_INTEGER,
     .min = 1,
     .max = 20},
    {.name = "export",
     .description = N_("The whole list as a file"),
     .type = COMMAND_TEXT,
     .choices = export_formats},
    {.name = NULL},
};
static const struct command_option ignore_options[] = {
    {.name = "channel",
     .description = N_("Which channel, or a category with all of its channels"),
     .type = COMMAND_CHANNEL,
     .required = true},
    {.name = "add",
     .description = N_("True: ignore it; false: propose it again"),
     .type = COMMAND_BOOL,
     .required = true},
    {.name = NULL},
};
static const struct command_action channels_actions[] = {
    {.name = "ignore",
     .description = N_("Never propose a channel as quiet"),
     .options = ignore_options,
     .run = channels_ignore},
    {.name = "inactive",
     .description = N_("Channels in which hardly anybody did anything"),
     .options = inactive_options,
     .run = channels_inactive},
    {.run = NULL},
};
const struct command cog_channels = {.kind = COMMAND_SLASH,
                                     .name = "channels",
                                     .description = N_("Which channels are alive"),
                                     .permissions = PERMISSION(MANAGE_CHANNELS),
                                     .actions = channels_actions};
