/* The list of cogs. Called by the worker. Diagnostics: fatal when a table of commands is not what
 * Discord takes. */
#include "cogs/cogs.h"

#include <string.h>

#include "presence/log.h"

#define COMMANDS_MAX        100u
#define PREFIX_COMMANDS_MAX 32u

static const struct cog *const cogs[] = {&cog_admin, &cog_dev, &cog_user};

static const struct command *commands[COMMANDS_MAX];
static size_t n_commands;

static void collect(void)
{
    char *wrong;

    for (size_t i = 0; i < sizeof(cogs) / sizeof(cogs[0]); i++)
        if (cogs[i]->prepare)
            cogs[i]->prepare();
    for (size_t i = 0; i < sizeof(cogs) / sizeof(cogs[0]); i++)
        for (size_t k = 0; k < cogs[i]->n_commands && n_commands < COMMANDS_MAX; k++)
            commands[n_commands++] = cogs[i]->commands[k];
    wrong = command_check(commands, n_commands, cogs_words, cogs_locales);
    if (wrong)
        fatal("cogs", "%s", wrong);
}

const struct command *const *cogs_commands(size_t *count_r)
{
    if (n_commands == 0)
        collect();
    *count_r = n_commands;
    return commands;
}

const struct prefix_command *const *cogs_prefix_commands(void)
{
    static const struct prefix_command *list[PREFIX_COMMANDS_MAX + 1];
    size_t n = 0;

    for (size_t i = 0; !list[0] && i < sizeof(cogs) / sizeof(cogs[0]); i++)
        for (const struct prefix_command *const *c = cogs[i]->prefix_commands;
             c && *c && n < PREFIX_COMMANDS_MAX; c++)
            list[n++] = *c;
    return list;
}

const struct cog_button *cogs_button(const char *name)
{
    for (size_t i = 0; i < sizeof(cogs) / sizeof(cogs[0]); i++)
        for (const struct cog_button *b = cogs[i]->buttons; b && b->name; b++)
            if (!strcmp(b->name, name))
                return b;
    return NULL;
}
