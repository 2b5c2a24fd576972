/* Settings of the running simulator: one table of names for the command line and /_sim/config. */
#ifndef SIM_OPTIONS_H
#define SIM_OPTIONS_H

#include "presence/json.h"
#include "sim/sim.h"

void options_defaults(struct sim *sim);
void options_clear(struct sim *sim);
/* All or nothing: 0, or -1 and *error_r (owned by the caller). */
int options_apply(struct sim *sim, const struct json *args, char **error_r);
void options_print(const struct sim *sim, struct buf *out);

#endif
