/* The application's commands, global ones and those of single guilds. */
#ifndef SIM_COMMANDS_H
#define SIM_COMMANDS_H

#include "sim/sim.h"

struct commands *commands_new(void);
void commands_free(struct commands **all);

#endif
