/* A lane's spool file: where records wait when PostgreSQL cannot be reached. Called by the worker
 * that owns the lane. A frame that cannot be written whole is undone.
 *
 * Diagnostics: errno to the caller; a frame that does not follow the one before is fatal. */
#include "presence/spool.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <sys/uio.h>
#include <unistd.h>

#include "core/spool_internal.h"
#include "presence/crc32c.h"
#include "presence/log.h"

/* Dropped bytes are given back to the file system in pieces of this size. */
#define PUNCH_AT (1 << 20)

bool spool_empty(const struct spool *spool)
{
    return spool->begin == spool->end;
}

size_t spool_bytes(const struct spool *spool)
{
    return (size_t)(spool->end - spool->begin);
}

/* Writes both parts at the end of the file. */
static int write_frame(struct spool *spool, struct spool_frame_head *h, const unsigned char *slots)
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
    struct spool_frame_head h = {
        .magic = SPOOL_FRAME_MAGIC, .epoch = epoch, .from = from, .to = to, .lane = spool->lane};
    int error;

    if (spool_empty(spool) && epoch < spool->epoch) { /* what was dropped of later ones is past */
        spool->epoch = spool->dropped_to = 0;
        spool->head_stale = true;
    }
    if (!spool_empty(spool) && epoch < spool->last_epoch) {
        errno = ESTALE; /* the clock was set back while the segment was lost */
        return -1;
    }
    if (to <= from || to - from > SPOOL_FRAME_SLOTS_MAX || !spool_follows(spool, spool->end, &h))
        fatal("spool_append",
              "lane %u: frame of epoch %" PRIu64 " from %" PRIu64 " to %" PRIu64
              " behind epoch %" PRIu64 " position %" PRIu64,
              spool->lane, epoch, from, to, spool->last_epoch, spool->last_to);
    if ((spool->unclean && ftruncate(spool->fd, spool->end)) ||
        (spool->head_stale && spool_write_head(spool)))
        return -1;
    spool->unclean = false;
    h.slots_crc = crc32c(0, slots, (size_t)(to - from) * RECORD_SLOT_SIZE);
    h.crc = crc32c(0, &h, offsetof(struct spool_frame_head, crc));
    if (write_frame(spool, &h, slots)) {
        error = errno;
        spool->unclean = ftruncate(spool->fd, spool->end) != 0;
        errno = error;
        return -1;
    }
    spool->end += spool_frame_size(&h);
    spool->last_epoch = epoch;
    spool->last_to = to;
    return 0;
}

/* Steps over what the head says was dropped: all slots of a frame or its first ones. */
static bool wanted_part(const struct spool *spool, const struct spool_frame_head *h,
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
    struct spool_frame_head h;
    int r;

    if (spool_empty(spool))
        return 0;
    if ((r = spool_read_frame(spool, spool->begin, spool->end, &h)) <= 0) {
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
    struct spool_frame_head h;
    int r;

    if (epoch < spool->epoch || (epoch == spool->epoch && to <= spool->dropped_to))
        return 0;
    spool->epoch = epoch;
    spool->dropped_to = to;
    while (!spool_empty(spool)) {
        if ((r = spool_read_at(spool->fd, &h, sizeof(h), spool->begin)) <= 0 ||
            !spool_frame_right(&h, spool->lane)) {
            errno = r < 0 ? errno : EIO;
            return -1;
        }
        if (h.epoch > epoch || (h.epoch == epoch && h.to > to))
            break;
        spool->begin += spool_frame_size(&h);
    }
    if (!spool_empty(spool)) {
        if (spool_write_head(spool))
            return -1;
        give_back_blocks(spool);
        return 0;
    }
    /* First the cut, then the head: a head that points behind the end means an empty file, one
     * that points before new frames would bring back what is gone. */
    if (ftruncate(spool->fd, SPOOL_HEAD_SIZE))
        return -1;
    spool->begin = spool->end = spool->punched = SPOOL_HEAD_SIZE;
    buf_clear(&spool->frame);
    return spool_write_head(spool);
}

int spool_each(struct spool *spool, void (*each)(void *arg, const struct spool_frame *frame),
               void *arg)
{
    struct spool_frame_head h;
    struct spool_frame frame;

    for (off_t at = spool->begin; at < spool->end; at += spool_frame_size(&h)) {
        int r = spool_read_frame(spool, at, spool->end, &h);

        if (r <= 0) {
            errno = r < 0 ? errno : EIO;
            return -1;
        }
        if (wanted_part(spool, &h, &frame))
            each(arg, &frame);
    }
    return 0;
}
