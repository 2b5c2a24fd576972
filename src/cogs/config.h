/* The rules of a server as one thing: what they were, all at their defaults, a file. */
#ifndef COGS_CONFIG_H
#define COGS_CONFIG_H

#include "presence/cog.h"

#define CONFIG_FILE_MAX 65536 /* bytes of an imported file */

command_run config_revert, config_reset, config_export, config_import;

#endif
