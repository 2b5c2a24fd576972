/* What Discord would refuse about a table of commands. Called by tests, and before anything is
 * registered. Diagnostics: none; a bad table is told as text. */
#include <stdlib.h>
#include <string.h>

#include "discord/command_priv.h"
#include "presence/text.h"

/* What a text costs of a command's 8,000 characters: its longest form. */
static size_t longest(const struct command_printer *p, const char *text, command_localiser *in)
{
    size_t most = text_chars(text);

    for (size_t i = 0; p->locales[i]; i++) {
        const char *found = in(p, p->locales[i], text);
        size_t n = found ? text_chars(found) : 0;

        most = n > most ? n : most;
    }
    return most;
}

static bool good_name(const char *name)
{
    return *name && strlen(name) <= COMMAND_NAME_MAX &&
           !name[strspn(name, "abcdefghijklmnopqrstuvwxyz0123456789_-")];
}

/* Names in other languages keep to a-z as well: which letters have a lower case is not ours to
 * know. */
static const char *names_wrong(const struct command_printer *p, const char *name)
{
    if (!good_name(name))
        return "a name is [a-z0-9_-]{1,32}";
    for (size_t i = 0; p->locales[i]; i++) {
        const char *found = command_local_name(p, p->locales[i], name);

        if (found && !good_name(found))
            return "a name in another language is [a-z0-9_-]{1,32}";
    }
    return NULL;
}

static const char *text_wrong(const struct command_printer *p, const char *text, size_t *size)
{
    size_t n = longest(p, text, command_local_text);

    *size += n;
    return n < 1 || n > COMMAND_DESCRIPTION_MAX ? "a description has 1 to 100 characters" : NULL;
}

static const char *choices_wrong(const struct command_printer *p, const struct command_option *o,
                                 size_t *size)
{
    size_t n = 0;
    const char *wrong = NULL;

    for (const struct command_choice *c = o->choices; c && c->value && !wrong; c++, n++) {
        wrong = text_wrong(p, c->name, size);
        *size += text_chars(c->value);
        if (text_chars(c->value) > COMMAND_DESCRIPTION_MAX)
            wrong = "a choice's value has at most 100 characters";
    }
    if (n > COMMAND_CHOICES_MAX)
        return "there are at most 25 choices";
    if (o->choices && (o->complete || o->type != COMMAND_TEXT))
        return "choices are for texts without completion";
    return wrong;
}

static const char *option_wrong(const struct command_printer *p, const struct command_option *o,
                                size_t *size)
{
    const char *wrong = names_wrong(p, o->name);
    bool number = o->type == COMMAND_INTEGER || o->type == COMMAND_NUMBER;

    *size += longest(p, o->name, command_local_name);
    if (!wrong)
        wrong = text_wrong(p, o->description, size);
    if (!wrong)
        wrong = choices_wrong(p, o, size);
    if (wrong)
        return wrong;
    if (o->min > o->max || ((o->min || o->max) && !number && o->type != COMMAND_TEXT))
        return "limits are min <= max, of numbers and texts";
    if (o->type == COMMAND_TEXT && (o->min < 0 || o->max > COMMAND_TEXT_MAX))
        return "a text has at most 6,000 characters";
    if (o->complete && !number && o->type != COMMAND_TEXT)
        return "completion is for texts and numbers";
    return o->channels && o->type != COMMAND_CHANNEL ? "channel types are for channels" : NULL;
}

static const char *options_wrong(const struct command_printer *p, const struct command_action *a,
                                 size_t *size, const char **name_r)
{
    size_t n = 0;

    for (const struct command_option *o = a->options; o && o->name; o++, n++) {
        const char *wrong = option_wrong(p, o, size);

        *name_r = o->name;
        if (wrong)
            return wrong;
        if (o->complete && !a->complete)
            return "the action suggests nothing for an option that is completed";
        if (o != a->options && o->required && !o[-1].required)
            return "required options come first";
        for (const struct command_option *other = a->options; other != o; other++)
            if (!strcmp(other->name, o->name))
                return "two options have one name";
    }
    return n > COMMAND_OPTIONS_MAX ? "there are at most 25 options" : NULL;
}

static const char *actions_wrong(const struct command_printer *p, const struct command *c,
                                 size_t *size, const char **name_r)
{
    const char *wrong = NULL;
    size_t n = 0;

    for (const struct command_action *a = c->actions; !command_is_end(a) && !wrong; a++, n++) {
        *name_r = a->name ? a->name : c->name;
        if (a->name) {
            *size += longest(p, a->name, command_local_name);
            wrong = names_wrong(p, a->name);
            if (!wrong)
                wrong = text_wrong(p, a->description, size);
        }
        if (!wrong)
            wrong = options_wrong(p, a, size, name_r);
        if (!wrong && n > 0 && (!a->name || command_is_bare(c)))
            wrong = "an action without a name stands alone";
    }
    return !wrong && (n == 0 || n > COMMAND_OPTIONS_MAX) ? "there are 1 to 25 actions" : wrong;
}

static char *command_wrong(const struct command_printer *p, const struct command *c)
{
    const char *wrong = NULL, *name = c->name;
    size_t size =
        longest(p, c->name, c->kind == COMMAND_SLASH ? command_local_name : command_local_text);

    if (c->kind == COMMAND_SLASH) {
        wrong = names_wrong(p, c->name);
        if (!wrong)
            wrong = text_wrong(p, c->description, &size);
    } else if (c->description || size < 1 || size > COMMAND_NAME_MAX || !command_is_bare(c) ||
               c->actions[0].options) {
        wrong = "a menu has a name of 1 to 32 characters and nothing else";
    }
    if (!wrong)
        wrong = actions_wrong(p, c, &size, &name);
    if (!wrong && size > COMMAND_SIZE_MAX)
        wrong = "a command has at most 8,000 characters";
    return wrong ? xasprintf("/%s, %s: %s", c->name, name, wrong) : NULL;
}

char *command_check(const struct command *const *commands, size_t count, command_words *words,
                    const char *const *locales)
{
    const struct command_printer p = {words, locales, NULL};
    size_t of_kind[COMMAND_USER_MENU + 1] = {0};
    char *wrong = NULL;

    for (size_t i = 0; i < count && !wrong; i++) {
        wrong = command_wrong(&p, commands[i]);
        of_kind[commands[i]->kind]++;
        for (size_t k = 0; k < i && !wrong; k++)
            if (commands[k]->kind == commands[i]->kind &&
                !strcmp(commands[k]->name, commands[i]->name))
                wrong = xasprintf("/%s: two commands have this name", commands[i]->name);
    }
    if (!wrong && (of_kind[COMMAND_SLASH] > 100 || of_kind[COMMAND_USER_MENU] > 15))
        wrong = xstrdup("there are at most 100 commands and 15 menus");
    return wrong;
}
