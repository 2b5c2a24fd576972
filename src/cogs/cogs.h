/* The cogs there are. */
#ifndef COGS_COGS_H
#define COGS_COGS_H

#include "presence/cog.h"
#include "presence/prefix.h"

extern const struct cog cog_admin, cog_dev, cog_user;

/* All commands of all cogs. */
const struct command *const *cogs_commands(size_t *count_r);

/* All developers' commands of all cogs; ends with NULL. */
const struct prefix_command *const *cogs_prefix_commands(void);

/* NULL if no cog has a button of this name. */
const struct cog_button *cogs_button(const char *name);

/* A command_words: the text in the language of a locale of Discord ("de", "en-US"), itself where
 * there is no translation. */
const char *cogs_words(const char *locale, const char *text);
/* The languages there are beside English, as Discord names them; ends with NULL. */
extern const char *const cogs_locales[];

#endif
