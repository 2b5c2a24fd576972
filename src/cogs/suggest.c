/* Suggestions. Called by cogs. Diagnostics: none. */
#include "cogs/suggest.h"

#include <string.h>
#include <strings.h>

#include "presence/text.h"

#define NAME_MAX 100u

void suggest_begin(struct suggest *s, struct call *call)
{
    *s = (struct suggest){.call = call, .typed = call->args->values[call->args->focused].text};
    s->typed += *s->typed == '/';
    buf_init(&s->json, 0);
    buf_putc(&s->json, '[');
}

static bool holds(const char *text, const char *part)
{
    size_t len = strlen(part);

    for (; *text; text++)
        if (!strncasecmp(text, part, len))
            return true;
    return len == 0;
}

void suggest_add(struct suggest *s, const char *value, const char *about)
{
    struct buf name, cut;

    if (s->n == COMMAND_CHOICES_MAX || (!holds(value, s->typed) && !holds(about, s->typed)))
        return;
    buf_init(&name, 0);
    buf_init(&cut, 0);
    buf_printf(&name, "%s%s%s", value, *about ? " · " : "", about);
    text_put(buf_cstr(&name), NAME_MAX, &cut);
    buf_puts(&s->json, s->n++ ? ",{\"name\":" : "{\"name\":");
    buf_put_json(&s->json, buf_cstr(&cut), buf_len(&cut));
    buf_puts(&s->json, ",\"value\":");
    buf_put_json(&s->json, value, strlen(value));
    buf_putc(&s->json, '}');
    buf_clear(&name);
    buf_clear(&cut);
}

void suggest_end(struct suggest *s)
{
    buf_putc(&s->json, ']');
    call_choices(s->call, buf_cstr(&s->json));
    buf_clear(&s->json);
}
