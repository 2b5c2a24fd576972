/* Files that users gave to commands; the oldest are forgotten. Anybody who knows the address may
 * have them, as on Discord's own hosts. */
#ifndef SIM_FILES_H
#define SIM_FILES_H

#include "sim/sim.h"

#define FILES_MAX 64u

struct files;

struct files *files_new(void);
void files_free(struct files **files);
void files_add(struct files *files, uint64_t id, const char *text);
/* NULL if there is none. */
const char *files_find(const struct files *files, uint64_t id);

#endif
