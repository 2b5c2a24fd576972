/* Settings of the running simulator: one table of names for the command line and /_sim/config. */
#ifndef SIM_CONFIG_H
#define SIM_CONFIG_H

#include "presence/json.h"
#include "sim/sim.h"

void config_defaults(struct sim *sim);
void config_clear(struct sim *sim);
/* All or nothing: 0, or -1 and *error_r (owned by the caller). */
int config_apply(struct sim *sim, const struct json *args, char **error_r);
void config_print(const struct sim *sim, struct buf *out);

#endif
