/* A lane's spool: the append-only file <spool_dir>/lane-NN.spool that holds records when GraphQL is
 * away or the ring is half full. Each frame: magic, lane, epoch, from, to, length, CRC-32C, the
 * slots. Frames are contiguous: each begins where the one before ended. A torn last frame (crash in
 * the middle of a write) is cut off at open; damage anywhere else is reported, and the file moved
 * aside as lane-NN.spool.damaged. */
#ifndef PRESENCE_SPOOL_H
#define PRESENCE_SPOOL_H

#include <stdbool.h>
#include <stddef.h>

#include "presence/record.h"

struct spool;

struct spool_frame {
    uint64_t epoch, from, to; /* positions, in slots */
    const unsigned char
        *slots; /* (to - from) * RECORD_SLOT_SIZE bytes; valid until the next call */
};

/* Opens or creates. Returns NULL with *error_r (owned by the caller), also while another process
 * has it open. *note_r (may be NULL, owned by the caller): what was cut off or moved aside. */
struct spool *spool_open(const char *dir, unsigned lane, char **note_r, char **error_r);
void spool_close(struct spool **spool);

bool spool_empty(const struct spool *spool);
size_t spool_bytes(const struct spool *spool);

/* Appends a frame and makes it durable (fdatasync). Returns 0, or -1 with errno (ENOSPC...; ESTALE:
 * the spool holds frames of a later epoch): nothing of the frame counts then. A frame that does not
 * begin where the last one of its epoch ended is fatal. */
int spool_append(struct spool *spool, uint64_t epoch, uint64_t from, uint64_t to,
                 const unsigned char *slots);

/* The oldest frame not yet dropped: 1, 0 if empty, -1 with errno. */
int spool_peek(struct spool *spool, struct spool_frame *frame_r);
/* Drops what lies before position `to` of `epoch`; truncates the file when nothing is left. */
int spool_drop(struct spool *spool, uint64_t epoch, uint64_t to);

/* Reads all frames from the oldest on (to rebuild appended[] after the ring was lost). */
int spool_each(struct spool *spool, void (*each)(void *arg, const struct spool_frame *frame),
               void *arg);

#endif
