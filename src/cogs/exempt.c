/* /exempt: who is never flagged nor kicked. Diagnostics: none. */
#include <string.h>

#include "cogs/change.h"
#include "cogs/operations.h"
#include "cogs/pager.h"
#include "cogs/parts.h"
#include "presence/permissions.h"
#include "presence/text.h"

#define EXEMPTIONS_MAX 300 /* as many as a guild may have: 250 users, 50 roles */
#define REASON_SHOWN   80u
#define LEAST_MS       SAY_HOUR_MS
#define MOST_MS        (3650 * SAY_DAY_MS)

static void put_target(bool is_role, uint64_t id, struct buf *out)
{
    buf_printf(out, is_role ? "<@&%llu>" : "<@%llu>", (unsigned long long)id);
}

/* Of the menu, or of the option. */
static const struct command_value *target_of(const struct call *call)
{
    const struct command_value *target = &call->args->target_user;

    return target->given ? target : call_arg(call, "target");
}

/* --- add, remove -------------------------------------------------------------------------------
 */

static void put_target_variables(const struct call *call, const struct command_value *target,
                                 struct buf *variables)
{
    say_guild_variable(call, variables);
    buf_printf(variables, ",\"target\":\"%s\",\"targetId\":\"%llu\"",
               target->is_role ? "ROLE" : "USER", (unsigned long long)target->id.id);
    change_put_caller(call, variables);
}

static void added(struct call *call, const struct json *data)
{
    const struct command_value *target = target_of(call);
    const struct json *result = change_done(call, data);
    unixms_t until;
    struct buf text;

    if (!result)
        return;
    until = say_time_of(json_get(json_get(result, "exemption"), "until"));
    buf_init(&text, 0);
    put_target(target->is_role, target->id.id, &text);
    if (unixms_known(until))
        buf_printf(&text, _(" is exempt until <t:%lld:D>."), (long long)(until.ms / 1000));
    else
        buf_puts(&text, _(" is exempt until you take it back."));
    say_plain(call, MESSAGE_GOOD, buf_cstr(&text));
    buf_clear(&text);
}

static void exempt_add(struct call *call)
{
    int64_t until;
    struct buf variables;

    if (!say_read_length(call, "until", 0, LEAST_MS, MOST_MS, &until))
        return;
    buf_init(&variables, 0);
    put_target_variables(call, target_of(call), &variables);
    change_put_text(call, "reason", "reason", &variables);
    if (until) {
        buf_puts(&variables, ",\"until\":");
        say_time_variable((unixms_t){call->now.ms + until}, &variables);
    }
    buf_putc(&variables, '}');
    call_ask(call, OPERATION_EXEMPT_ADD, buf_cstr(&variables), added);
    buf_clear(&variables);
}

static void removed(struct call *call, const struct json *data)
{
    const struct command_value *target = target_of(call);
    struct buf text;

    if (!change_done(call, data))
        return;
    buf_init(&text, 0);
    put_target(target->is_role, target->id.id, &text);
    buf_puts(&text, _(" is not exempt any more."));
    say_plain(call, MESSAGE_GOOD, buf_cstr(&text));
    buf_clear(&text);
}

static void exempt_remove(struct call *call)
{
    struct buf variables;

    buf_init(&variables, 0);
    put_target_variables(call, target_of(call), &variables);
    buf_putc(&variables, '}');
    call_ask(call, OPERATION_EXEMPT_REMOVE, buf_cstr(&variables), removed);
    buf_clear(&variables);
}

/* --- list --------------------------------------------------------------------------------------
 */

static bool of_role(const struct json *node)
{
    return !strcmp(json_string(json_get(node, "target"), ""), "ROLE");
}

static void exemption_row(struct call *call, const struct json *node, struct buf *out)
{
    unixms_t until = say_time_of(json_get(node, "until"));
    const char *reason = json_string(json_get(node, "reason"), "");

    put_target(of_role(node), json_id(json_get(node, "targetId")), out);
    if (unixms_known(until)) {
        buf_puts(out, _(" · ends "));
        say_when(call, until, out);
    }
    if (*reason) {
        buf_puts(out, " · ");
        text_put_foreign(reason, REASON_SHOWN, out);
    }
}

static const struct pager exemption_pager = {
    .button = "exempt",
    .operation = OPERATION_EXEMPT_LIST,
    .connection = "exemptions",
    .title = N_("Exempt"),
    .nothing = N_("Nobody is exempt."),
    .row = exemption_row,
};

static void exempt_list(struct call *call)
{
    struct buf base;

    buf_init(&base, 0);
    say_guild_variable(call, &base);
    pager_begin(call, &exemption_pager, buf_cstr(&base), "");
    buf_clear(&base);
}

void exempt_press(struct call *call, const char *data)
{
    pager_press(call, &exemption_pager, data);
}

/* --- check -------------------------------------------------------------------------------------
 */

/* Whether the member object has the role. */
static bool has_role(struct slice member, uint64_t role)
{
    struct slice roles = SLICE_NONE, element;
    const struct scan_field fields[] = {SCAN_FIELD("roles", &roles)};
    struct scan scan;
    snowflake_t id;

    if (!scan_is_object(member) || scan_fields(member, fields, 1) || !scan_is_array(roles) ||
        !scan_array(&scan, roles))
        return false;
    while (scan_element(&scan, &element))
        if (scan_snowflake(element, &id) && id.id == role)
            return true;
    return false;
}

static bool applies(const struct command_value *member, const struct json *node)
{
    uint64_t id = json_id(json_get(node, "targetId"));

    return of_role(node) ? has_role(member->member, id) : id == member->id.id;
}

static void checked(struct call *call, const struct json *data)
{
    const struct command_value *member = call_arg(call, "member");
    const struct json *nodes = json_get(json_get(data, "exemptions"), "nodes");
    struct buf text;
    size_t found = 0;

    if (!data) {
        say_away(call);
        return;
    }
    buf_init(&text, 0);
    put_target(false, member->id.id, &text);
    buf_puts(&text, _(" is exempt by:"));
    for (const struct json *j = json_first(nodes); j; j = json_next(j))
        if (applies(member, j)) {
            found++;
            buf_putc(&text, '\n');
            exemption_row(call, j, &text);
        }
    if (!found) {
        buf_reset(&text);
        put_target(false, member->id.id, &text);
        buf_puts(&text, _(" is not exempt."));
    }
    say_plain(call, found ? MESSAGE_GOOD : MESSAGE_GREY, buf_cstr(&text));
    buf_clear(&text);
}

static void exempt_check(struct call *call)
{
    struct buf variables;

    buf_init(&variables, 0);
    say_guild_variable(call, &variables);
    buf_printf(&variables, ",\"first\":%d}", EXEMPTIONS_MAX);
    call_ask(call, OPERATION_EXEMPT_LIST, buf_cstr(&variables), checked);
    buf_clear(&variables);
}

/* --- the table ---------------------------------------------------------------------------------
 */

static const struct command_option add_options[] = {
    {.name = "target",
     .description = N_("Which member or role"),
     .type = COMMAND_MENTIONABLE,
     .required = true},
    {.name = "until",
     .description = N_("For how long, such as 30d or 1y; without it, until it is taken back"),
     .type = COMMAND_TEXT,
     .min = 1,
     .max = 40},
    {.name = "reason",
     .description = N_("Why, for the staff"),
     .type = COMMAND_TEXT,
     .min = 1,
     .max = CHANGE_REASON_MAX},
    {.name = NULL},
};
static const struct command_option remove_options[] = {
    {.name = "target",
     .description = N_("Which member or role"),
     .type = COMMAND_MENTIONABLE,
     .required = true},
    {.name = NULL},
};
static const struct command_option check_options[] = {
    {.name = "member", .description = N_("Which member"), .type = COMMAND_USER, .required = true},
    {.name = NULL},
};
static const struct command_action exempt_actions[] = {
    {.name = "add",
     .description = N_("Never flag nor kick a member, or whoever has a role"),
     .options = add_options,
     .run = exempt_add},
    {.name = "remove",
     .description = N_("Take an exemption back"),
     .options = remove_options,
     .run = exempt_remove},
    {.name = "list", .description = N_("Who is exempt, and why"), .run = exempt_list},
    {.name = "check",
     .description = N_("Whether a member is exempt, and by what"),
     .options = check_options,
     .run = exempt_check},
    {.run = NULL},
};
const struct command cog_exempt = {.kind = COMMAND_SLASH,
                                   .name = "exempt",
                                   .description = N_("Who is never flagged nor kicked"),
                                   .permissions = PERMISSION(MANAGE_GUILD),
                                   .actions = exempt_actions};

static const struct command_action menu_action[] = {{.run = exempt_add}, {.run = NULL}};
const struct command cog_exempt_menu = {.kind = COMMAND_USER_MENU,
                                        .name = N_("Exempt from purge"),
                                        .permissions = PERMISSION(MANAGE_GUILD),
                                        .actions = menu_action};
