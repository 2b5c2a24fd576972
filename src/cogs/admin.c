/* The cog for staff. Diagnostics: none. */
#include <string.h>

#include "cogs/adjust.h"
#include "cogs/cogs.h"
#include "cogs/parts.h"
#include "cogs/say.h"
#include "presence/permissions.h"
#include "presence/text.h"

#define NUDGE_MAX 1000u

/* --- /ping -------------------------------------------------------------------------------------
 */

/* A nudge: seen by everybody, notifying nobody but the member it is for. */
static void nudge(struct call *call, snowflake_t member, const char *text)
{
    struct message m;

    call->everybody = true;
    message_init(&m);
    m.mention = member;
    if (snowflake_known(member))
        buf_printf(&m.content, "<@%llu> ", (unsigned long long)member.id);
    if (*text)
        text_put(text, NUDGE_MAX, &m.content);
    else if (snowflake_known(member))
        buf_puts(&m.content, _("Are you still with us? A message, a reaction or a visit in voice "
                               "is enough."));
    else
        buf_puts(&m.content, _("Is anybody there? A message, a reaction or a visit in voice is "
                               "enough."));
    call_answer(call, &m);
}

static void ping(struct call *call)
{
    const struct command_value *member = call_arg(call, "member");

    if (member->given && (member->is_bot || !member->is_member))
        say_plain(call, MESSAGE_BAD,
                  member->is_bot ? _("Bots need no nudge.")
                                 : _("This user is not a member of this server."));
    else
        nudge(call, member->id, call_arg(call, "text")->text);
}

static void menu_nudge(struct call *call)
{
    const struct command_value *member = &call->args->target_user;

    if (member->is_bot || !member->is_member)
        say_plain(call, MESSAGE_BAD,
                  member->is_bot ? _("Bots need no nudge.")
                                 : _("This user is not a member of this server."));
    else
        nudge(call, member->id, "");
}

/* --- the table ---------------------------------------------------------------------------------
 */

static const struct command_option ping_options[] = {
    {.name = "member",
     .description = N_("Whom to nudge; without it, the whole channel, unnotified"),
     .type = COMMAND_USER},
    {.name = "text",
     .description = N_("What to say instead of the usual words"),
     .type = COMMAND_TEXT,
     .min = 1,
     .max = NUDGE_MAX},
    {.name = NULL},
};
static const struct command_action ping_action[] = {{.options = ping_options, .run = ping},
                                                    {.run = NULL}};
const struct command cog_ping = {.kind = COMMAND_SLASH,
                                 .name = "ping",
                                 .description = N_("Nudge a member, or this channel"),
                                 .permissions = PERMISSION(KICK_MEMBERS),
                                 .actions = ping_action};

static const struct command_action menu_nudge_action[] = {{.run = menu_nudge}, {.run = NULL}};
const struct command cog_nudge_menu = {.kind = COMMAND_USER_MENU,
                                       .name = N_("Nudge"),
                                       .permissions = PERMISSION(KICK_MEMBERS),
                                       .actions = menu_nudge_action};

static const struct command *const commands[] = {&cog_ping,        &cog_nudge_menu,  &cog_inactive,
                                                 &cog_channels,    &cog_performance, &cog_exempt,
                                                 &cog_exempt_menu, &cog_settings,    &cog_set};

static const struct cog_button buttons[] = {
    {"inactive", PERMISSION(KICK_MEMBERS), inactive_press},
    {"history", PERMISSION(ADMINISTRATOR), settings_press},
    {"adjust", PERMISSION(MANAGE_GUILD), adjust_press},
    {"exempt", PERMISSION(MANAGE_GUILD), exempt_press},
    {"channels", PERMISSION(MANAGE_CHANNELS), channels_press},
    {NULL, 0, NULL},
};

const struct cog cog_admin = {.version = COG_VERSION,
                              .name = "admin",
                              .commands = commands,
                              .n_commands = sizeof(commands) / sizeof(commands[0]),
                              .buttons = buttons,
                              .prepare = set_prepare};
