/* A segment of its own for a test, gone afterwards. */
#ifndef TESTS_SHM_FIXTURE_H
#define TESTS_SHM_FIXTURE_H

#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "presence/shm.h"

static char fixture_instance[64];

static inline void fixture_name(const char *test)
{
    snprintf(fixture_instance, sizeof(fixture_instance), "test-%s-%d", test, (int)getpid());
}

static inline struct shm fixture_shm(uint64_t rows)
{
    struct shm_params params = {.rows = rows, .ring_slots = SHM_RING_SLOTS_MIN, .guilds = 64};
    struct shm shm;
    char *why;

    if (shm_open_master(fixture_instance, &params, &shm, &why) != SHM_CREATED) {
        fprintf(stderr, "no segment: %s\n", why ? why : "one of this name was there");
        abort();
    }
    return shm;
}

static inline void fixture_done(struct shm *shm)
{
    shm_close(shm);
    shm_remove(fixture_instance);
}

#endif
