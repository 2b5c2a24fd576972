/* The spool's file format and what its three files share: spool_file.c reads and writes frames and
 * the head, spool_open.c recovers a file, spool.c is for daily use.
 *
 * The file: a head of SPOOL_HEAD_SIZE bytes with the place of the oldest frame still wanted, then
 * frames. A frame counts once fdatasync has returned. The head is written without waiting for the
 * disk: an old one brings back frames that the position check of the lane drops again. */
#ifndef CORE_SPOOL_INTERNAL_H
#define CORE_SPOOL_INTERNAL_H

#include <sys/types.h>

#include "presence/buf.h"
#include "presence/spool.h"

#define SPOOL_HEAD_MAGIC  UINT64_C(0x31444145484c5053) /* "SPLHEAD1" */
#define SPOOL_FRAME_MAGIC UINT64_C(0x314d4152464c5053) /* "SPLFRAM1" */
#define SPOOL_HEAD_SIZE   4096
/* Slots of a frame, at most: far more than a ring holds. */
#define SPOOL_FRAME_SLOTS_MAX (UINT64_C(1) << 24)

struct spool_head {
    uint64_t magic;
    uint64_t offset;            /* of the oldest frame wanted */
    uint64_t epoch, dropped_to; /* what lies before this position is not wanted */
    uint32_t lane, crc;         /* of all before crc */
};

struct spool_frame_head {
    uint64_t magic;
    uint64_t epoch, from, to;
    uint32_t lane, slots_crc;
    uint32_t reserved[5];
    uint32_t crc; /* of all before it */
};

_Static_assert(sizeof(struct spool_frame_head) == 64, "frames keep slots aligned");

struct spool {
    char *path;
    int fd;
    unsigned lane;
    off_t begin, end;             /* frames wanted; equal if there are none */
    off_t punched;                /* up to here the file's blocks were given back */
    uint64_t epoch, dropped_to;   /* see struct spool_head */
    uint64_t last_epoch, last_to; /* of the newest frame; valid if begin < end */
    bool unclean;                 /* a failed append could not be cut off yet */
    bool head_stale;              /* the file's head could not be written: no append before it is */
    struct buf frame;             /* what spool_peek handed out */
};

/* Reads exactly n bytes: 1, 0 if the file ends before, -1 with errno. */
int spool_read_at(int fd, void *bytes, size_t n, off_t offset);

off_t spool_frame_size(const struct spool_frame_head *h);
bool spool_frame_right(const struct spool_frame_head *h, unsigned lane);
/* Whether a frame may stand at `at`, behind the newest one. */
bool spool_follows(const struct spool *spool, off_t at, const struct spool_frame_head *h);
/* Reads the frame at offset into spool->frame: 1; 0 if there is none or no whole and right one; -1
 * with errno. */
int spool_read_frame(struct spool *spool, off_t offset, off_t file_end,
                     struct spool_frame_head *h_r);

int spool_write_head(struct spool *spool);
/* Takes the head over; one that is missing or wrong means: from the first frame on. */
int spool_load_head(struct spool *spool, off_t file_end);

#endif
