/* Creating, checking and mapping the shared-memory segment (layout: seen_shm.h). */
#ifndef PRESENCE_SHM_H
#define PRESENCE_SHM_H

#include <stdbool.h>
#include <stddef.h>

#include "presence/record.h"
#include "presence/seen_shm.h"

/* Two records of the largest size fit, whatever padding the end of the ring needs. */
#define SHM_RING_SLOTS_MIN (4 * RECORD_MAX_SLOTS)

struct shm_params {
    uint64_t rows;       /* wanted members; made 11 % more, since buckets fill unevenly */
    uint32_t ring_slots; /* per lane; at least SHM_RING_SLOTS_MIN */
    uint64_t guilds;     /* capacity of the guild table; rounded up to a power of two */
    uint64_t epoch_min;  /* a new segment's epoch is greater than this and than the clock's ms */
};

struct shm {
    struct shm_header *header;
    size_t size;
    int fd;
};

enum shm_opened { SHM_FAILED = -1, SHM_CREATED = 0, SHM_KEPT = 1 };

/* The master: keeps the existing segment if owner, mode, magic, version, sizes and offsets are as
 * expected, otherwise removes it and makes a new one (posix_fallocate: a full /dev/shm is an error
 * here, not a SIGBUS later). One that another process uses is left alone: SHM_FAILED. *why_r (owned
 * by the caller, may be NULL) says why an old segment was refused, or what failed. */
enum shm_opened shm_open_master(const char *instance, const struct shm_params *params,
                                struct shm *shm_r, char **why_r);

/* A worker: maps the segment behind fd after the same checks. Returns 0, or -1 with *why_r. */
int shm_attach(int fd, struct shm *shm_r, char **why_r);

/* Judges a mapped header against the size of what is mapped: NULL, or what is wrong and what was
 * expected (valid until the next call). */
const char *shm_check(const struct shm_header *header, size_t size);
/* The same of the lanes' heads and tails. May be asked while others use the segment. */
const char *shm_check_lanes(const struct shm *shm);

/* From now on the process ends with a line in its log (exit status 1) instead of by SIGBUS if the
 * segment is cut short. One segment per process. */
void shm_guard(const struct shm *shm);

void shm_close(struct shm *shm);
int shm_remove(const char *instance);

static inline void *shm_at(const struct shm *shm, uint64_t offset)
{
    return (char *)shm->header + offset;
}
struct shm_lane *shm_lane(const struct shm *shm, unsigned lane);
/* The guild's row, made if `make` and there is room; NULL otherwise. Only the lane's owner may
 * make. */
struct shm_guild *shm_guild(const struct shm *shm, snowflake_t guild, bool make);
void shm_count(const struct shm *shm, enum shm_counter which, uint64_t by);

#endif
