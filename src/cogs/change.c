/* Changes by command. Called by cogs. Diagnostics: none. */
#include "cogs/change.h"

#include <string.h>

#include "presence/text.h"

#define ERROR_MAX 300u

void change_put_caller(const struct call *call, struct buf *variables)
{
    buf_printf(variables, ",\"actorId\":\"%llu\",\"requestId\":\"%llu\"",
               (unsigned long long)call->interaction->user.id,
               (unsigned long long)call->interaction->id.id);
}

void change_put_text(const struct call *call, const char *option, const char *key,
                     struct buf *variables)
{
    const struct command_value *v = call_arg(call, option);

    if (!v->given)
        return;
    buf_printf(variables, ",\"%s\":", key);
    buf_put_json(variables, v->text, strlen(v->text));
}

static void refuse(struct call *call, const struct json *result)
{
    struct buf text;

    buf_init(&text, 0);
    buf_puts(&text, _("Nothing was changed."));
    for (const struct json *j = json_first(json_get(result, "errors")); j; j = json_next(j)) {
        buf_putc(&text, '\n');
        text_put_foreign(json_string(j, ""), ERROR_MAX, &text);
    }
    say_plain(call, MESSAGE_BAD, buf_cstr(&text));
    buf_clear(&text);
}

const struct json *change_done(struct call *call, const struct json *data)
{
    const struct json *result = json_get(data, "done");

    if (!data || !json_is_object(result)) {
        say_plain(
            call, MESSAGE_BAD,
            _("The database does not answer: it is not known whether this was done. Look when "
              "it is back; to do it again changes nothing twice."));
        return NULL;
    }
    if (!strcmp(json_string(json_get(result, "code"), ""), "OK"))
        return result;
    refuse(call, result);
    return NULL;
}
