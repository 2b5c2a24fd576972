/* The cogs of this process: modules that were loaded once, at its start. */
#ifndef WORKER_COGS_H
#define WORKER_COGS_H

#include <stddef.h>

#include "presence/cog.h"
#include "presence/prefix.h"

/* --- one module: cog_module.c ------------------------------------------------------------------
 */

#define COG_SUFFIX ".so"
#define COGS_MAX   64u

/* NULL, or why the file is not safe to load (text to be freed). */
char *cog_file_wrong(const char *path);

/* Loads a module and has it prepare and check itself. Refuses a file that others than its owner,
 * who is we or root, may write. NULL with *error_r (owned by the caller). */
const struct cog *cog_load(const char *path, char **error_r);

/* The names of the modules of a directory without COG_SUFFIX, sorted; ends with NULL. NULL with
 * errno if it cannot be read. */
char **cog_list(const char *directory);
void cog_list_free(char ***names);

/* --- those that are loaded ---------------------------------------------------------------------
 */

/* Adds a cog. Returns NULL, or what keeps it out as text to be freed: commands or buttons that
 * others have, tables that Discord would not take. */
char *cogs_add(const struct cog *cog);
/* Loads all modules of a directory. What cannot be loaded is reported and left out. */
void cogs_load_all(const char *directory);

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

/* --- new ones: cog_trial.c ---------------------------------------------------------------------
 */

/* Tries the installed modules, or the one called `only`, and puts into service what is fit. The
 * exit status of the process. */
int cog_trial(const char *installed, const char *service, const char *only);

/* --- Presence's own texts: words.c -------------------------------------------------------------
 */

/* NULL: there is no translation. */
const char *words_find(const char *locale, const char *text);

#endif
