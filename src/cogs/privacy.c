/* /privacy: what is held about the caller, for himself. Diagnostics: none. */
#include <string.h>

#include "cogs/change.h"
#include "cogs/operations.h"
#include "cogs/parts.h"

#define CANCEL "no"

/* --- policy ------------------------------------------------------------------------------------
 */

static void privacy_policy(struct call *call)
{
    struct message m;

    message_init(&m);
    buf_puts(&m.title, _("What Presence knows of you"));
    message_field(&m, _("It records"),
                  _("that you did something, of what kind, in which channel and when: a message, a "
                    "reaction, a visit in voice. Also your names and roles here, as Discord shows "
                    "them."),
                  false);
    message_field(&m, _("It does not record"),
                  _("what you wrote or said, what others do with your messages, or what you do "
                    "in other servers' channels."),
                  false);
    message_field(&m, _("Who sees it"),
                  _("you, with /status member; the staff of this server; whoever runs this bot."),
                  false);
    message_field(&m, _("For how long"),
                  _("as long as the settings of this server say, or until you erase it: "
                    "`/privacy export` shows all of it, `/privacy delete` erases it."),
                  false);
    call_answer(call, &m);
}

/* --- export ------------------------------------------------------------------------------------
 */

static void put_caller(const struct call *call, struct buf *variables)
{
    say_guild_variable(call, variables);
    buf_printf(variables, ",\"userId\":\"%llu\"", (unsigned long long)call->interaction->user.id);
}

static void exported(struct call *call, const struct json *data)
{
    const char *json = json_string(json_get(json_get(data, "personalData"), "json"), "");
    size_t max = call->interaction->attachment_max;
    struct message m;
    struct buf bytes;

    if (!*json) {
        say_away(call);
        return;
    }
    if (strlen(json) > (max && max < MESSAGE_FILE_BYTES ? max : MESSAGE_FILE_BYTES)) {
        say_plain(call, MESSAGE_BAD,
                  _("There is more than Discord takes in a file. Ask whoever runs this bot for "
                    "it."));
        return;
    }
    message_init(&m);
    m.colour = MESSAGE_GOOD;
    buf_puts(&m.body, _("Everything that Presence holds about you in this server. Nobody else sees "
                        "this answer."));
    buf_init(&bytes, 0);
    buf_puts(&bytes, json);
    buf_putc(&bytes, '\n');
    message_file(&m, "about-me.json", "application/json", &bytes);
    call_answer(call, &m);
}

static void privacy_export(struct call *call)
{
    struct buf variables;

    buf_init(&variables, 0);
    put_caller(call, &variables);
    buf_putc(&variables, '}');
    call_ask(call, OPERATION_PERSONAL_DATA, buf_cstr(&variables), exported);
    buf_clear(&variables);
}

/* --- delete ------------------------------------------------------------------------------------
 */

static void privacy_delete(struct call *call)
{
    struct message m;

    message_init(&m);
    m.colour = MESSAGE_BAD;
    buf_puts(&m.title, _("Erase what is recorded of you?"));
    buf_puts(&m.body, _("All that you did in this server, absences, exemptions and decisions about "
                        "you: it cannot be brought back. Your names and roles stay known while you "
                        "are a member, as Discord shows them, and what you do from now on is "
                        "recorded again."));
    call_button(call, &m, MESSAGE_DANGER, _("Erase"), "forget", "yes");
    call_button(call, &m, MESSAGE_SECONDARY, _("Cancel"), "forget", CANCEL);
    call_answer(call, &m);
}

static void forgotten(struct call *call, const struct json *data)
{
    const struct json *result = change_done(call, data);
    uint64_t rows = 0;
    struct buf text;

    if (!result)
        return;
    for (const struct json *j = json_first(json_get(result, "cascade")); j; j = json_next(j))
        if (!json_bool(json_get(j, "again"), false))
            rows += json_id(json_get(j, "rows"));
    buf_init(&text, 0);
    buf_printf(&text, _("Erased: %llu records."), (unsigned long long)rows);
    say_plain(call, MESSAGE_GOOD, buf_cstr(&text));
    buf_clear(&text);
}

void privacy_press(struct call *call, const char *data)
{
    struct buf variables;

    call->update = true;
    if (!strcmp(data, CANCEL)) {
        say_plain(call, MESSAGE_GREY, _("Nothing was changed."));
        return;
    }
    buf_init(&variables, 0);
    put_caller(call, &variables);
    buf_printf(&variables, ",\"requestId\":\"%llu\"}",
               (unsigned long long)call->interaction->id.id);
    call_ask(call, OPERATION_FORGET_MEMBER, buf_cstr(&variables), forgotten);
    buf_clear(&variables);
}

/* --- the table ---------------------------------------------------------------------------------
 */

static const struct command_action privacy_actions[] = {
    {.name = "policy",
     .description = N_("What is recorded, who sees it, for how long"),
     .run = privacy_policy},
    {.name = "export",
     .description = N_("Everything that is held about you, as a file"),
     .run = privacy_export},
    {.name = "delete",
     .description = N_("Erase what is recorded of you in this server"),
     .run = privacy_delete},
    {.run = NULL},
};
const struct command cog_privacy = {.kind = COMMAND_SLASH,
                                    .name = "privacy",
                                    .description = N_("What Presence knows of you"),
                                    .actions = privacy_actions};
