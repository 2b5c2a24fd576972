/* libFuzzer: any bytes as the data of an interaction, from its envelope to the arguments of a
 * command or the words for what is wrong. */
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "presence/command.h"
#include "presence/interaction.h"
#include "presence/text.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void run(struct call *call)
{
    (void)call;
}

static const char *words(const char *locale, const char *text)
{
    (void)locale;
    return text;
}

static const struct command_choice choices[] = {{"csv", "CSV"}, {NULL, NULL}};
static const struct command_option options[] = {
    {.name = "a", .description = "A", .type = COMMAND_TEXT, .required = true, .max = 5},
    {.name = "b", .description = "B", .type = COMMAND_INTEGER, .min = 1, .max = 9},
    {.name = "c", .description = "C", .type = COMMAND_MENTIONABLE},
    {.name = "d", .description = "D", .type = COMMAND_CHANNEL, .channels = 1},
    {.name = "e", .description = "E", .type = COMMAND_TEXT, .choices = choices},
    {.name = "f", .description = "F", .type = COMMAND_NUMBER},
    {.name = NULL},
};
static const struct command_action actions[] = {
    {.name = "x", .description = "X", .options = options, .run = run}, {.run = NULL}};
static const struct command_action bare[] = {{.options = options, .run = run}, {.run = NULL}};
static const struct command one = {COMMAND_SLASH, "s", "S", 0, actions};
static const struct command two = {COMMAND_SLASH, "t", "T", 0, bare};
static const struct command three = {COMMAND_USER_MENU, "M", NULL, 0, bare};
static const struct command *const table[] = {&one, &two, &three};

/* Whoever gets arguments may rely on them; whoever does not, on words that say why. */
static void check(const struct command_args *args, const struct command_error *error, int bad,
                  bool complete)
{
    struct buf said;

    buf_init(&said, 0);
    if (bad)
        command_error_print(error, words, "en-US", &said);
    if (bad ? error->fault == COMMAND_FINE || buf_len(&said) == 0 : !args->action)
        abort();
    for (const struct command_option *o = bad || complete ? NULL : args->action->options;
         o && o->name; o++) {
        const struct command_value *v = command_arg(args, o->name);

        if ((o->required && !v->given) || text_unseen(v->text) ||
            (o->type == COMMAND_INTEGER && v->given && (v->integer < 1 || v->integer > 9)) ||
            (o->max == 5 && text_chars(v->text) > 5))
            abort();
    }
    buf_clear(&said);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct slice bytes = {(const char *)data, size};
    struct interaction interaction;

    if (!interaction_read(bytes, &interaction))
        bytes = interaction.data;
    for (int complete = 0; complete < 2; complete++) {
        struct command_args args;
        struct command_error error;
        int bad = command_parse(table, 3, bytes, complete, &args, &error);

        check(&args, &error, bad, complete);
        command_args_clear(&args);
    }
    return 0;
}
