/* The application's commands, global ones and those of single guilds. */
#ifndef SIM_COMMANDS_H
#define SIM_COMMANDS_H

#include "presence/json.h"
#include "sim/sim.h"

struct commands *commands_new(void);
void commands_free(struct commands **all);

/* The object of a command that can be used in the guild, to be freed by the caller; NULL if none of
 * that name and type (1 slash, 2 user menu, 3 message menu) is registered. */
struct json *commands_find(struct commands *all, uint64_t guild, const char *name, int type);

#endif
