/* Commands in words: what is wrong with what was given, usage, limits, and who may run what. Called
 * by the worker and /help. Diagnostics: none. */
#include <stdio.h>
#include <string.h>

#include "discord/command_priv.h"
#include "presence/permissions.h"
#include "presence/text.h"

#define _(text) words(locale, (text))

static void put_choices(const struct command_choice *c, command_words *words, const char *locale,
                        struct buf *out)
{
    for (; c->value; c++) {
        buf_puts(out, _(c->name));
        if (c[1].value)
            buf_puts(out, c[2].value ? ", " : _(" or "));
    }
}

static const char *kind_of(enum command_type type, command_words *words, const char *locale)
{
    switch (type) {
    case COMMAND_TEXT:
        return _("a text");
    case COMMAND_INTEGER:
        return _("a whole number");
    case COMMAND_BOOL:
        return _("yes or no");
    case COMMAND_USER:
        return _("a member");
    case COMMAND_CHANNEL:
        return _("a channel");
    case COMMAND_ROLE:
        return _("a role");
    case COMMAND_MENTIONABLE:
        return _("a member or a role");
    case COMMAND_NUMBER:
        return _("a number");
    case COMMAND_ATTACHMENT:
        return _("a file");
    }
    return "";
}

void command_option_limits(const struct command_option *o, command_words *words, const char *locale,
                           struct buf *out)
{
    if (o->choices)
        put_choices(o->choices, words, locale, out);
    else if (o->type == COMMAND_TEXT && o->min > 1)
        buf_printf(out, _("a text of %lld to %lld characters"), (long long)o->min,
                   (long long)o->max);
    else if (o->type == COMMAND_TEXT && o->max)
        buf_printf(out, _("a text of at most %lld characters"), (long long)o->max);
    else if (o->min || o->max)
        buf_printf(out, _("a number from %lld to %lld"), (long long)o->min, (long long)o->max);
    else
        buf_puts(out, kind_of(o->type, words, locale));
}

/* "`days`: expected a number from 1 to 25." */
static void put_expected(const struct command_option *o, command_words *words, const char *locale,
                         struct buf *out)
{
    struct buf limits;

    buf_init(&limits, 0);
    command_option_limits(o, words, locale, &limits);
    buf_printf(out, _("`%s`: expected %s."), o->name, buf_cstr(&limits));
    buf_clear(&limits);
}

void command_error_print(const struct command_error *error, command_words *words,
                         const char *locale, struct buf *out)
{
    const struct command_option *o = error->about;

    if (error->fault == COMMAND_UNKNOWN || error->fault == COMMAND_UNKNOWN_OPTION)
        buf_puts(out, _("This command has changed. Reload Discord (Ctrl+R) and try it again."));
    else if (!o)
        buf_puts(out, _("Discord sent this command in a form that Presence does not know."));
    else if (error->fault == COMMAND_MISSING)
        buf_printf(out, _("`%s` is missing: %s"), o->name, _(o->description));
    else if (error->fault == COMMAND_UNSEEN)
        buf_printf(out,
                   _("`%s`: this text holds characters that nobody can see. Write it without "
                     "them."),
                   o->name);
    else if (error->fault == COMMAND_WRONG_CHANNEL)
        buf_printf(out, _("`%s`: this kind of channel does not fit here."), o->name);
    else
        put_expected(o, words, locale, out);
}

uint64_t command_lacking(const struct command_args *args, uint64_t granted)
{
    uint64_t needed = args->command->permissions | args->action->permissions;

    return granted & PERMISSION(ADMINISTRATOR) ? 0 : needed & ~granted;
}

/* --- help --------------------------------------------------------------------------------------
 */

const struct command *command_find(const struct command *const *commands, size_t count,
                                   const char *name, const struct command_action **action_r)
{
    name += *name == '/';
    for (size_t i = 0; i < count; i++) {
        const struct command *c = commands[i];
        size_t len = strlen(c->name);

        if (strncmp(name, c->name, len) != 0 || (name[len] && name[len] != ' '))
            continue;
        *action_r = command_is_bare(c) ? c->actions : NULL;
        if (!name[len])
            return c;
        for (const struct command_action *a = c->actions; a->name && !command_is_end(a); a++)
            if (!strcmp(a->name, name + len + 1)) {
                *action_r = a;
                return c;
            }
    }
    return NULL;
}

void command_usage(const struct command *c, const struct command_action *action, struct buf *out)
{
    buf_printf(out, "%s%s", c->kind == COMMAND_SLASH ? "/" : "", c->name);
    if (!action)
        return;
    if (action->name)
        buf_printf(out, " %s", action->name);
    for (const struct command_option *o = action->options; o && o->name; o++)
        buf_printf(out, o->required ? " %s" : " [%s]", o->name);
}
