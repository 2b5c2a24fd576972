/* The registration of commands as JSON. Called by whoever registers. Diagnostics: none. */
#include <string.h>

#include "discord/command_priv.h"

const char *command_local_name(const struct command_printer *p, const char *locale,
                               const char *name)
{
    char slashed[COMMAND_NAME_MAX * 4 + 2];
    size_t len = strlen(name);
    const char *found;

    if (len + 2 > sizeof(slashed))
        return NULL;
    slashed[0] = '/';
    memcpy(slashed + 1, name, len + 1);
    found = p->words(locale, slashed);
    return found != slashed && *found == '/' ? found + 1 : NULL;
}

const char *command_local_text(const struct command_printer *p, const char *locale,
                               const char *text)
{
    const char *found = p->words(locale, text);

    return found != text ? found : NULL;
}

static void put_locals(const struct command_printer *p, const char *key, const char *text,
                       command_localiser *in)
{
    bool any = false;

    for (size_t i = 0; p->locales[i]; i++) {
        const char *found = in(p, p->locales[i], text);

        if (!found)
            continue;
        buf_printf(p->out,
                   any ? ",\"%s\":" : ",\"%s_localizations\":{\"%s\":", any ? p->locales[i] : key,
                   p->locales[i]);
        buf_put_json(p->out, found, strlen(found));
        any = true;
    }
    if (any)
        buf_putc(p->out, '}');
}

static void put_text(const struct command_printer *p, const char *key, const char *text,
                     command_localiser *in)
{
    buf_printf(p->out, "\"%s\":", key);
    buf_put_json(p->out, text, strlen(text));
    put_locals(p, key, text, in);
}

static void put_choices(const struct command_printer *p, const struct command_choice *choices)
{
    buf_puts(p->out, ",\"choices\":[");
    for (const struct command_choice *c = choices; c->value; c++) {
        buf_puts(p->out, c == choices ? "{" : ",{");
        put_text(p, "name", c->name, command_local_text);
        buf_puts(p->out, ",\"value\":");
        buf_put_json(p->out, c->value, strlen(c->value));
        buf_putc(p->out, '}');
    }
    buf_putc(p->out, ']');
}

static void put_limits(const struct command_printer *p, const struct command_option *o)
{
    const char *what = o->type == COMMAND_TEXT ? "length" : "value";

    if (o->min || o->max)
        buf_printf(p->out, ",\"min_%s\":%lld,\"max_%s\":%lld", what, (long long)o->min, what,
                   (long long)o->max);
    if (o->channels) {
        const char *comma = "";

        buf_puts(p->out, ",\"channel_types\":[");
        for (unsigned type = 0; type < 32; type++)
            if (o->channels >> type & 1) {
                buf_printf(p->out, "%s%u", comma, type);
                comma = ",";
            }
        buf_putc(p->out, ']');
    }
}

static void put_option(const struct command_printer *p, const struct command_option *o)
{
    buf_printf(p->out, "{\"type\":%d,", (int)o->type);
    put_text(p, "name", o->name, command_local_name);
    buf_putc(p->out, ',');
    put_text(p, "description", o->description, command_local_text);
    if (o->required)
        buf_puts(p->out, ",\"required\":true");
    if (o->complete)
        buf_puts(p->out, ",\"autocomplete\":true");
    if (o->choices)
        put_choices(p, o->choices);
    put_limits(p, o);
    buf_putc(p->out, '}');
}

static void put_options(const struct command_printer *p, const struct command_action *action)
{
    if (!action->options)
        return;
    buf_puts(p->out, ",\"options\":[");
    for (const struct command_option *o = action->options; o->name; o++) {
        if (o != action->options)
            buf_putc(p->out, ',');
        put_option(p, o);
    }
    buf_putc(p->out, ']');
}

static void put_actions(const struct command_printer *p, const struct command *c)
{
    buf_puts(p->out, ",\"options\":[");
    for (const struct command_action *a = c->actions; !command_is_end(a); a++) {
        buf_puts(p->out, a == c->actions ? "{\"type\":1," : ",{\"type\":1,");
        put_text(p, "name", a->name, command_local_name);
        buf_putc(p->out, ',');
        put_text(p, "description", a->description, command_local_text);
        put_options(p, a);
        buf_putc(p->out, '}');
    }
    buf_putc(p->out, ']');
}

static void put_command(const struct command_printer *p, const struct command *c)
{
    bool menu = c->kind != COMMAND_SLASH;

    buf_printf(p->out, "{\"type\":%d,", (int)c->kind);
    put_text(p, "name", c->name, menu ? command_local_text : command_local_name);
    if (!menu) {
        buf_putc(p->out, ',');
        put_text(p, "description", c->description, command_local_text);
    }
    if (c->permissions)
        buf_printf(p->out, ",\"default_member_permissions\":%llu",
                   (unsigned long long)c->permissions);
    buf_puts(p->out, ",\"contexts\":[0],\"integration_types\":[0]");
    if (command_is_bare(c))
        put_options(p, c->actions);
    else
        put_actions(p, c);
    buf_putc(p->out, '}');
}

void command_print(const struct command *const *commands, size_t count, command_words *words,
                   const char *const *locales, struct buf *out)
{
    const struct command_printer p = {words, locales, out};

    buf_putc(out, '[');
    for (size_t i = 0; i < count; i++) {
        if (i)
            buf_putc(out, ',');
        put_command(&p, commands[i]);
    }
    buf_putc(out, ']');
}
