/* What the files of the command tables share: ends of tables, and texts in other languages. */
#ifndef DISCORD_COMMAND_PRIV_H
#define DISCORD_COMMAND_PRIV_H

#include "presence/command.h"

#define COMMAND_NAME_MAX        32u
#define COMMAND_DESCRIPTION_MAX 100u

struct command_printer {
    command_words *words;
    const char *const *locales;
    struct buf *out;
};

/* Behind a command's last action. */
static inline bool command_is_end(const struct command_action *action)
{
    return !action->run;
}

/* It is called by its own name. */
static inline bool command_is_bare(const struct command *c)
{
    return !c->actions[0].name;
}

/* NULL where there is none of its own. */
typedef const char *command_localiser(const struct command_printer *p, const char *locale,
                                      const char *text);
/* Of a name: the words of "/name", which leaves "name" free for texts. */
command_localiser command_local_name, command_local_text;

#endif
