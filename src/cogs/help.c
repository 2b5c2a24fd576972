/* /help: what Presence can do. Diagnostics: none. */
#include <string.h>

#include "cogs/parts.h"
#include "cogs/say.h"
#include "cogs/suggest.h"
#include "presence/permissions.h"
#include "presence/text.h"

/* --- /help -------------------------------------------------------------------------------------
 */

static void put_one(struct call *call, const struct command *c, const struct command_action *a,
                    struct buf *out)
{
    buf_puts(out, "`");
    command_usage(c, a, out);
    buf_printf(out, "`\n%s\n",
               a && a->description ? call_words(call, a->description)
               : c->description    ? call_words(call, c->description)
                                   : _("In the menu of a member: Apps"));
}

static void help_list(struct call *call)
{
    size_t count;
    const struct command *const *commands = call->host->commands(call, &count);
    struct message m;

    message_init(&m);
    buf_puts(&m.title, _("What Presence can do"));
    for (size_t i = 0; i < count; i++)
        for (const struct command_action *a = commands[i]->actions; a->run; a++)
            put_one(call, commands[i], a, &m.body);
    buf_puts(&m.footer, _("[ ] may be left out. /help command: more about one."));
    call_answer(call, &m);
}

static void put_option(struct call *call, const struct command_option *o, struct message *m)
{
    struct buf b;

    buf_init(&b, 0);
    buf_printf(&b, "%s\n", call_words(call, o->description));
    command_option_limits(o, call->host->words, call->locale, &b);
    message_field(m, o->name, buf_cstr(&b), false);
    buf_clear(&b);
}

static void help_one(struct call *call, const struct command *c, const struct command_action *a)
{
    uint64_t needed = c->permissions | (a ? a->permissions : 0);
    struct message m;

    message_init(&m);
    if (a)
        put_one(call, c, a, &m.body);
    for (const struct command_action *each = c->actions; !a && each->run; each++)
        put_one(call, c, each, &m.body);
    for (const struct command_option *o = a ? a->options : NULL; o && o->name; o++)
        put_option(call, o, &m);
    if (needed) {
        buf_puts(&m.footer, _("For: "));
        permissions_print(needed, &m.footer);
    }
    call_answer(call, &m);
}

static void help(struct call *call)
{
    const char *name = call_arg(call, "command")->text;
    const struct command_action *action;
    const struct command *found;
    size_t count;
    const struct command *const *commands = call->host->commands(call, &count);
    struct buf text;

    if (!*name) {
        help_list(call);
        return;
    }
    found = command_find(commands, count, name, &action);
    if (found) {
        help_one(call, found, action);
        return;
    }
    buf_init(&text, 0);
    buf_puts(&text, _("There is no command of this name: "));
    text_put_foreign(name, 40, &text);
    say_plain(call, MESSAGE_BAD, buf_cstr(&text));
    buf_clear(&text);
}

static void help_complete(struct call *call)
{
    size_t count;
    const struct command *const *commands = call->host->commands(call, &count);
    struct suggest s;
    struct buf name;

    buf_init(&name, 0);
    suggest_begin(&s, call);
    for (size_t i = 0; i < count; i++)
        for (const struct command_action *a = commands[i]->actions; a->run; a++) {
            const char *about = a->description ? a->description : commands[i]->description;

            buf_reset(&name);
            buf_printf(&name, "%s%s%s", commands[i]->name, a->name ? " " : "",
                       a->name ? a->name : "");
            suggest_add(&s, buf_cstr(&name), about ? call_words(call, about) : "");
        }
    suggest_end(&s);
    buf_clear(&name);
}

static const struct command_option help_options[] = {
    {.name = "command",
     .complete = true,
     .description = N_("Which command, such as status member"),
     .type = COMMAND_TEXT,
     .min = 1,
     .max = 100},
    {.name = NULL},
};
static const struct command_action help_action[] = {
    {.options = help_options, .run = help, .complete = help_complete}, {.run = NULL}};
const struct command cog_help = {.kind = COMMAND_SLASH,
                                 .name = "help",
                                 .description = N_("What Presence can do, and how"),
                                 .actions = help_action};
