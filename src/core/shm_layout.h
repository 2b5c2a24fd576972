/* Where the parts of a segment lie; shm.c and shm_check.c. */
#ifndef CORE_SHM_LAYOUT_H
#define CORE_SHM_LAYOUT_H

#include "presence/shm.h"

struct shm_layout {
    uint64_t rows, guilds;
    uint32_t ring_slots;
    uint64_t lanes_offset, rings_offset, tags_offset, rows_offset, guilds_offset, size;
};

/* Fills the offsets and the size from the counts. */
void shm_lay_out(struct shm_layout *l);
/* The counts that a configuration leads to, laid out. */
struct shm_layout shm_layout_of(const struct shm_params *params);

/* What is wrong, valid until the next call. */
const char *shm_wrong(const char *fmt, ...) __attribute__((format(printf, 1, 2)));
const char *shm_check_value(const char *what, uint64_t found, uint64_t expected); /* NULL: equal */

#endif
