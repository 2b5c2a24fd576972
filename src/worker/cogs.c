/* The cogs of this process. Called by main.c at the start, by call.c and register.c.
 * Diagnostics: cog_loaded; cog_refused for each module that is left out. */
#include "worker/cogs.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "presence/buf.h"
#include "presence/log.h"

#define COMMANDS_MAX        100u
#define PREFIX_COMMANDS_MAX 32u

static const struct cog *cogs[COGS_MAX];
static size_t n_cogs;

static const struct command *commands[COMMANDS_MAX];
static size_t n_commands;

static const struct prefix_command *prefix_commands[PREFIX_COMMANDS_MAX + 1]; /* ends with NULL */
static size_t n_prefix_commands;

/* --- adding ------------------------------------------------------------------------------------
 */

static char *buttons_wrong(const struct cog *cog)
{
    for (const struct cog_button *b = cog->buttons; b && b->name; b++)
        if (cogs_button(b->name))
            return xasprintf("another cog has a button \"%s\"", b->name);
    return NULL;
}

static char *prefix_commands_wrong(const struct cog *cog)
{
    size_t n = n_prefix_commands;

    for (const struct prefix_command *const *c = cog->prefix_commands; c && *c; c++) {
        if (prefix_find(prefix_commands, (*c)->name))
            return xasprintf("another cog has a developers' command \"%s\"", (*c)->name);
        if (++n > PREFIX_COMMANDS_MAX)
            return xasprintf("there are at most %u developers' commands", PREFIX_COMMANDS_MAX);
    }
    return NULL;
}

char *cogs_add(const struct cog *cog)
{
    size_t n = n_commands;
    char *wrong;

    if (n_cogs == COGS_MAX || cog->n_commands > COMMANDS_MAX - n_commands)
        return xasprintf("there are at most %u cogs and %u commands", COGS_MAX, COMMANDS_MAX);
    if ((wrong = buttons_wrong(cog)) || (wrong = prefix_commands_wrong(cog)))
        return wrong;
    for (size_t i = 0; i < cog->n_commands; i++)
        commands[n++] = cog->commands[i];
    cogs[n_cogs++] = cog;
    if ((wrong = command_check(commands, n, cogs_words, cogs_locales))) {
        n_cogs--;
        return wrong;
    }
    n_commands = n;
    for (const struct prefix_command *const *c = cog->prefix_commands; c && *c; c++)
        prefix_commands[n_prefix_commands++] = *c;
    return NULL;
}

void cogs_load_all(const char *directory)
{
    char **names = cog_list(directory);

    if (!names)
        log_error("cog_refused", "%s: %s; no commands are known", directory, strerror(errno));
    for (char **name = names; name && *name; name++) {
        char *path = xasprintf("%s/%s" COG_SUFFIX, directory, *name), *wrong = NULL;
        const struct cog *cog = cog_load(path, &wrong);

        if (cog)
            wrong = cogs_add(cog);
        if (wrong)
            log_error("cog_refused", "%s: %s", path, wrong);
        else
            log_debug("cog_loaded", "%s: %zu commands", path, cog->n_commands);
        free(wrong);
        free(path);
    }
    cog_list_free(&names);
}

/* --- what there is -----------------------------------------------------------------------------
 */

const struct command *const *cogs_commands(size_t *count_r)
{
    *count_r = n_commands;
    return commands;
}

const struct prefix_command *const *cogs_prefix_commands(void)
{
    return prefix_commands;
}

const struct cog_button *cogs_button(const char *name)
{
    for (size_t i = 0; i < n_cogs; i++)
        for (const struct cog_button *b = cogs[i]->buttons; b && b->name; b++)
            if (!strcmp(b->name, name))
                return b;
    return NULL;
}

const char *cogs_words(const char *locale, const char *text)
{
    const char *found = words_find(locale, text);

    for (size_t i = 0; !found && i < n_cogs; i++)
        if (cogs[i]->words && (found = cogs[i]->words(locale, text)) == text)
            found = NULL;
    return found ? found : text;
}
