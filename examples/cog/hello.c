/* A cog of one's own: /hello greets whoever calls it, in English and German. */
#include <presence/cog.h>
#include <string.h>

static const char *const german[][2] = {
    {"Greets you", "Grüßt dich"},
    {"How you want to be called", "Wie du genannt werden willst"},
    {"Hello", "Hallo"},
};

static const char *words(const char *locale, const char *text)
{
    for (size_t i = 0; !strcmp(locale, "de") && i < sizeof(german) / sizeof(german[0]); i++)
        if (!strcmp(text, german[i][0]))
            return german[i][1];
    return text;
}

static void hello(struct call *call)
{
    const struct command_value *name = call_arg(call, "name");
    struct message m;

    message_init(&m);
    m.colour = MESSAGE_GOOD;
    buf_puts(&m.body, call_words(call, "Hello"));
    buf_puts(&m.body, ", ");
    if (name->given)
        text_put_foreign(name->text, 32, &m.body); /* what others wrote is shown, never obeyed */
    else
        buf_printf(&m.body, "<@%llu>", (unsigned long long)call->interaction->user.id);
    buf_putc(&m.body, '!');
    call_answer(call, &m);
}

static const struct command_option options[] = {
    {.name = "name",
     .description = "How you want to be called",
     .type = COMMAND_TEXT,
     .min = 1,
     .max = 32},
    {.name = NULL},
};
static const struct command_action action[] = {{.options = options, .run = hello}, {.run = NULL}};
static const struct command command = {
    .kind = COMMAND_SLASH, .name = "hello", .description = "Greets you", .actions = action};
static const struct command *const commands[] = {&command};

static const char *self_check(void)
{
    return strcmp(words("de", "Hello"), "Hallo") == 0 ? NULL : "the German words are missing";
}

COG_EXPORT const struct cog presence_cog = {.version = COG_VERSION,
                                            .name = "hello",
                                            .commands = commands,
                                            .n_commands = 1,
                                            .self_check = self_check,
                                            .words = words};
