/* A lane's spool file: where records wait when PostgreSQL cannot be reached. Called by the worker
 * that owns the lane.
 *
 * The file: a head of HEAD_SIZE bytes with the place of the oldest frame still wanted, then frames.
 * A frame counts once fdatasync has returned; spool_append undoes what it wrote when anything
 * fails. The head is written without waiting for the disk: an old one brings back frames that the
 * position check of the lane drops again.
 *
 * Diagnostics: damage is told in note_r; errno and error_r otherwise. */
#include "presence/spool.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/uio.h>
#include <unistd.h>

#include "presence/buf.h"
#include "presence/crc32c.h"
#include "presence/fd.h"
#include "presence/log.h"
#include "presence/route.h"

#define HEAD_MAGIC  UINT64_C(0x31444145484c5053) /* "SPLHEAD1" */
#define FRAME_MAGIC UINT64_C(0x314d4152464c5053) /* "SPLFRAM1" */
#define HEAD_SIZE   4096
/* Slots of a frame, at most: far more than a ring holds. */
#define FRAME_SLOTS_MAX (UINT64_C(1) << 24)
/* Dropped bytes are given back to the file system in pieces of this size. */
#define PUNCH_AT (1 << 20)

struct head {
    uint64_t magic;
    uint64_t offset;            /* of the oldest frame wanted */
    uint64_t epoch, dropped_to; /* what lies before this position is not wanted */
    uint32_t lane, crc;         /* of all before crc */
};

struct frame_head {
    uint64_t magic;
    uint64_t epoch, from, to;
    uint32_t lane, slots_crc;
    uint32_t reserved[5];
    uint32_t crc; /* of all before it */
};

_Static_assert(sizeof(struct frame_head) == 64, "frames keep slots aligned");

struct spool {
    char *path;
    int fd;
    unsigned lane;
    off_t begin, end;             /* frames wanted; equal if there are none */
    off_t punched;                /* up to here the file's blocks were given back */
    uint64_t epoch, dropped_to;   /* see struct head */
    uint64_t last_epoch, last_to; /* of the newest frame; valid if begin < end */
    bool unclean;                 /* a failed append could not be cut off yet */
    bool head_stale;              /* the file's head could not be written: no append before it is */
    struct buf frame;             /* what spool_peek handed out */
};

/* --- reading --------------------------------------------------------------------------------- */

/* Reads exactly n bytes: 1, 0 if the file ends before, -1 with errno. */
static int read_at(int fd, void *bytes, size_t n, off_t offset)
{
    char *p = bytes;

    while (n > 0) {
        ssize_t got = pread(fd, p, n, offset);

        if (got < 0 && errno == EINTR)
            continue;
        if (got <= 0)
            return (int)got;
        p += got;
        n -= (size_t)got;
        offset += got;
    }
    return 1;
}

static off_t frame_size(const struct frame_head *h)
{
    return (off_t)(sizeof(*h) + (h->to - h->from) * RECORD_SLOT_SIZE);
}

static bool frame_head_right(const struct frame_head *h, unsigned lane)
{
    return h->magic == FRAME_MAGIC && h->lane == lane && h->to > h->from &&
           h->to - h->from <= FRAME_SLOTS_MAX &&
           h->crc == crc32c(0, h, offsetof(struct frame_head, crc));
}

/* Reads the frame at offset into spool->frame: 1; 0 if there is none or no whole and right one; -1
 * with errno. */
static int read_frame(struct spool *spool, off_t offset, off_t file_end, struct frame_head *h_r)
{
    size_t n;
    int r;

    if (offset + (off_t)sizeof(*h_r) > file_end)
        return 0;
    if ((r = read_at(spool->fd, h_r, sizeof(*h_r), offset)) <= 0)
        return r;
    if (!frame_head_right(h_r, spool->lane) || offset + frame_size(h_r) > file_end)
        return 0;
    n = (size_t)(frame_size(h_r) - (off_t)sizeof(*h_r));
    buf_reset(&spool->frame);
    if ((r = read_at(spool->fd, buf_reserve(&spool->frame, n), n, offset + (off_t)sizeof(*h_r))) <=
        0)
        return r;
    buf_commit(&spool->frame, n);
    return crc32c(0, buf_bytes(&spool->frame), n) == h_r->slots_crc;
}

/* --- the head -------------------------------------------------------------------------------- */

static int write_head(struct spool *spool)
{
    struct head head = {.magic = HEAD_MAGIC,
                        .offset = (uint64_t)spool->begin,
                        .epoch = spool->epoch,
                        .dropped_to = spool->dropped_to,
                        .lane = spool->lane};
    ssize_t n;

    head.crc = crc32c(0, &head, offsetof(struct head, crc));
    spool->head_stale = true;
    do
        n = pwrite(spool->fd, &head, sizeof(head), 0);
    while (n < 0 && errno == EINTR);
    if (n >= 0 && n != (ssize_t)sizeof(head)) {
        errno = ENOSPC;
        return -1;
    }
    spool->head_stale = n < 0;
    return n < 0 ? -1 : 0;
}

/* Takes the head over; one that is missing or wrong means: from the first frame on. */
static int load_head(struct spool *spool, off_t file_end)
{
    struct head head;
    int r = read_at(spool->fd, &head, sizeof(head), 0);

    if (r < 0)
        return -1;
    spool->begin = HEAD_SIZE;
    if (r == 0 || head.magic != HEAD_MAGIC || head.lane != spool->lane ||
        head.crc != crc32c(0, &head, offsetof(struct head, crc)))
        return 0;
    spool->epoch = head.epoch;
    spool->dropped_to = head.dropped_to;
    if (head.offset >= HEAD_SIZE && head.offset <= (uint64_t)file_end)
        spool->begin = (off_t)head.offset;
    return 0;
}

/* --- opening --------------------------------------------------------------------------------- */

/* Looks for a right frame head behind a place where none was: then what is between is damage, and
 * not just the last write torn. */
static int frame_beyond(struct spool *spool, off_t offset, off_t file_end, bool *found_r)
{
    struct frame_head h;
    int r = 1;

    *found_r = false;
    for (offset += RECORD_SLOT_SIZE; r > 0 && offset + (off_t)sizeof(h) <= file_end;
         offset += RECORD_SLOT_SIZE) {
        if ((r = read_at(spool->fd, &h, sizeof(h), offset)) < 0)
            return -1;
        if (r > 0 && frame_head_right(&h, spool->lane)) {
            *found_r = true;
            return 0;
        }
    }
    return 0;
}

static bool follows(const struct spool *spool, off_t at, const struct frame_head *h)
{
    if (at == spool->begin || h->epoch > spool->last_epoch)
        return true;
    return h->epoch == spool->last_epoch && h->from == spool->last_to;
}

/* Walks the frames. Leaves spool->end behind the last right one; *damaged_r: something that is not
 * a torn last write follows it. */
static int scan(struct spool *spool, off_t file_end, bool *damaged_r)
{
    struct frame_head h;
    int r;

    *damaged_r = false;
    spool->end = spool->begin;
    while ((r = read_frame(spool, spool->end, file_end, &h)) > 0) {
        if (!follows(spool, spool->end, &h)) {
            *damaged_r = true;
            return 0;
        }
        spool->last_epoch = h.epoch;
        spool->last_to = h.to;
        spool->end += frame_size(&h);
    }
    if (r < 0)
        return -1;
    return spool->end < file_end ? frame_beyond(spool, spool->end, file_end, damaged_r) : 0;
}

/* Copies the head and the frames that are right into a new file, keeps the old one's bytes under
 * another name, and puts the new one in its place. Whoever dies in between finds the old one. */
static int set_aside(struct spool *spool, char **note_r, off_t file_end)
{
    char *aside = xasprintf("%s.damaged", spool->path), *fresh = xasprintf("%s.new", spool->path);
    size_t n = (size_t)(spool->end - spool->begin);
    unsigned char *frames = xmalloc(n + 1);
    int fd = open(fresh, O_RDWR | O_CREAT | O_TRUNC | O_CLOEXEC, 0600), old = spool->fd;
    off_t cut = file_end - spool->end;

    if (fd < 0 || read_at(old, frames, n, spool->begin) <= 0)
        goto failed;
    spool->fd = fd;
    spool->begin = HEAD_SIZE;
    spool->end = HEAD_SIZE + (off_t)n;
    if (ftruncate(fd, HEAD_SIZE) || write_head(spool) || lseek(fd, HEAD_SIZE, SEEK_SET) < 0 ||
        fd_write_all(fd, frames, n) || fsync(fd) || (unlink(aside) && errno != ENOENT) ||
        link(spool->path, aside) || rename(fresh, spool->path))
        goto failed;
    close(old);
    if (note_r)
        *note_r = xasprintf("%s: damaged behind %zu bytes of right frames; kept as %s, %jd bytes "
                            "of it are not used",
                            spool->path, n, aside, (intmax_t)cut);
    free(frames);
    free(fresh);
    free(aside);
    return 0;

failed:
    spool->fd = old;
    if (fd >= 0)
        close(fd);
    free(frames);
    free(fresh);
    free(aside);
    return -1;
}

static int recover(struct spool *spool, char **note_r)
{
    struct stat st;
    bool damaged;

    if (fstat(spool->fd, &st) || load_head(spool, st.st_size) || scan(spool, st.st_size, &damaged))
        return -1;
    if (damaged)
        return set_aside(spool, note_r, st.st_size);
    if (st.st_size < HEAD_SIZE) {
        spool->begin = spool->end = HEAD_SIZE;
        return ftruncate(spool->fd, HEAD_SIZE) || write_head(spool) || fsync(spool->fd) ? -1 : 0;
    }
    if (spool->end < st.st_size && note_r)
        *note_r = xasprintf("%s: the last write was torn: %jd bytes cut off", spool->path,
                            (intmax_t)(st.st_size - spool->end));
    if (spool->end < st.st_size && ftruncate(spool->fd, spool->end))
        return -1;
    /* The head may be an old one that points behind the end; it must not outlive new frames. */
    return write_head(spool);
}

static int sync_directory(const char *dir)
{
    int fd = open(dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC), r;

    if (fd < 0)
        return -1;
    r = fsync(fd);
    close(fd);
    return r;
}

struct spool *spool_open(const char *dir, unsigned lane, char **note_r, char **error_r)
{
    struct spool *spool = xcalloc(1, sizeof(*spool));

    if (note_r)
        *note_r = NULL;
    spool->path = xasprintf("%s/lane-%02u.spool", dir, lane);
    spool->lane = lane;
    buf_init(&spool->frame, 0);
    spool->fd = open(spool->path, O_RDWR | O_CREAT | O_CLOEXEC, 0600);
    if (spool->fd >= 0 && recover(spool, note_r) == 0 && sync_directory(dir) == 0) {
        spool->punched = HEAD_SIZE;
        return spool;
    }
    *error_r = xasprintf("%s: %s", spool->path, strerror(errno));
    spool_close(&spool);
    return NULL;
}

void spool_close(struct spool **spool)
{
    struct spool *s = *spool;

    if (!s)
        return;
    fd_close(&s->fd);
    buf_clear(&s->frame);
    free(s->path);
    free(s);
    *spool = NULL;
}

/* --- use ------------------------------------------------------------------------------------- */

bool spool_empty(const struct spool *spool)
{
    return spool->begin == spool->end;
}

size_t spool_bytes(const struct spool *spool)
{
    return (size_t)(spool->end - spool->begin);
}

/* Writes both parts at the end of the file. */
static int write_frame(struct spool *spool, struct frame_head *h, const unsigned char *slots)
{
    size_t n = (size_t)(h->to - h->from) * RECORD_SLOT_SIZE, done = 0, all = sizeof(*h) + n;

    while (done < all) {
        size_t of_head = done < sizeof(*h) ? sizeof(*h) - done : 0;
        size_t of_slots = done < sizeof(*h) ? 0 : done - sizeof(*h);
        struct iovec parts[2] = {{(char *)h + sizeof(*h) - of_head, of_head},
                                 {(char *)(uintptr_t)slots + of_slots, n - of_slots}};
        ssize_t w = pwritev(spool->fd, parts, 2, spool->end + (off_t)done);

        if (w < 0 && errno == EINTR)
            continue;
        if (w <= 0) {
            errno = w == 0 ? ENOSPC : errno;
            return -1;
        }
        done += (size_t)w;
    }
    return fdatasync(spool->fd);
}

int spool_append(struct spool *spool, uint64_t epoch, uint64_t from, uint64_t to,
                 const unsigned char *slots)
{
    struct frame_head h = {
        .magic = FRAME_MAGIC, .epoch = epoch, .from = from, .to = to, .lane = spool->lane};
    int error;

    if (to <= from || to - from > FRAME_SLOTS_MAX || !follows(spool, spool->end, &h))
        fatal("spool_append",
              "lane %u: frame of epoch %" PRIu64 " from %" PRIu64 " to %" PRIu64
              " behind epoch %" PRIu64 " position %" PRIu64,
              spool->lane, epoch, from, to, spool->last_epoch, spool->last_to);
    if ((spool->unclean && ftruncate(spool->fd, spool->end)) ||
        (spool->head_stale && write_head(spool)))
        return -1;
    spool->unclean = false;
    h.slots_crc = crc32c(0, slots, (size_t)(to - from) * RECORD_SLOT_SIZE);
    h.crc = crc32c(0, &h, offsetof(struct frame_head, crc));
    if (write_frame(spool, &h, slots)) {
        error = errno;
        spool->unclean = ftruncate(spool->fd, spool->end) != 0;
        errno = error;
        return -1;
    }
    spool->end += frame_size(&h);
    spool->last_epoch = epoch;
    spool->last_to = to;
    return 0;
}

/* Steps over what the head says was dropped: all slots of a frame or its first ones. */
static bool wanted_part(const struct spool *spool, const struct frame_head *h,
                        struct spool_frame *frame_r)
{
    uint64_t skip = 0;

    if (h->epoch < spool->epoch || (h->epoch == spool->epoch && h->to <= spool->dropped_to))
        return false;
    if (h->epoch == spool->epoch && h->from < spool->dropped_to)
        skip = spool->dropped_to - h->from;
    *frame_r = (struct spool_frame){.epoch = h->epoch,
                                    .from = h->from + skip,
                                    .to = h->to,
                                    .slots = buf_bytes(&spool->frame) + skip * RECORD_SLOT_SIZE};
    return true;
}

int spool_peek(struct spool *spool, struct spool_frame *frame_r)
{
    struct frame_head h;
    int r;

    if (spool_empty(spool))
        return 0;
    if ((r = read_frame(spool, spool->begin, spool->end, &h)) <= 0) {
        if (r == 0)
            errno = EIO; /* it was right when it was opened or written */
        return -1;
    }
    if (wanted_part(spool, &h, frame_r))
        return 1;
    errno = EIO; /* spool_drop leaves begin at a frame that is wanted */
    return -1;
}

static void give_back_blocks(struct spool *spool)
{
    /* A head on disk must never point into the hole: that would look like damage. */
    if (spool->begin - spool->punched < PUNCH_AT || fdatasync(spool->fd))
        return;
    /* Where the file system cannot, the file is cut when it is empty. */
    if (fallocate(spool->fd, FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE, spool->punched,
                  spool->begin - spool->punched) == 0)
        spool->punched = spool->begin;
}

int spool_drop(struct spool *spool, uint64_t epoch, uint64_t to)
{
    struct frame_head h;
    int r;

    if (epoch < spool->epoch || (epoch == spool->epoch && to <= spool->dropped_to))
        return 0;
    spool->epoch = epoch;
    spool->dropped_to = to;
    while (!spool_empty(spool)) {
        if ((r = read_at(spool->fd, &h, sizeof(h), spool->begin)) <= 0 ||
            !frame_head_right(&h, spool->lane)) {
            errno = r < 0 ? errno : EIO;
            return -1;
        }
        if (h.epoch > epoch || (h.epoch == epoch && h.to > to))
            break;
        spool->begin += frame_size(&h);
    }
    if (!spool_empty(spool)) {
        if (write_head(spool))
            return -1;
        give_back_blocks(spool);
        return 0;
    }
    /* First the cut, then the head: a head that points behind the end means an empty file, one
     * that points before new frames would bring back what is gone. */
    if (ftruncate(spool->fd, HEAD_SIZE))
        return -1;
    spool->begin = spool->end = spool->punched = HEAD_SIZE;
    return write_head(spool);
}

int spool_each(struct spool *spool, void (*each)(void *arg, const struct spool_frame *frame),
               void *arg)
{
    struct frame_head h;
    struct spool_frame frame;

    for (off_t at = spool->begin; at < spool->end; at += frame_size(&h)) {
        int r = read_frame(spool, at, spool->end, &h);

        if (r <= 0) {
            errno = r < 0 ? errno : EIO;
            return -1;
        }
        if (wanted_part(spool, &h, &frame))
            each(arg, &frame);
    }
    return 0;
}
