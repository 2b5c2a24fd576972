/* The bytes of a spool file: frames and the head, written and judged. Called by spool.c and
 * spool_open.c; the format is in spool_internal.h.
 * Diagnostics: errno to the caller. */
#include <errno.h>
#include <stddef.h>
#include <unistd.h>

#include "core/spool_internal.h"
#include "presence/crc32c.h"

int spool_read_at(int fd, void *bytes, size_t n, off_t offset)
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

off_t spool_frame_size(const struct spool_frame_head *h)
{
    return (off_t)(sizeof(*h) + (h->to - h->from) * RECORD_SLOT_SIZE);
}

bool spool_frame_right(const struct spool_frame_head *h, unsigned lane)
{
    return h->magic == SPOOL_FRAME_MAGIC && h->lane == lane && h->to > h->from &&
           h->to - h->from <= SPOOL_FRAME_SLOTS_MAX &&
           h->crc == crc32c(0, h, offsetof(struct spool_frame_head, crc));
}

int spool_read_frame(struct spool *spool, off_t offset, off_t file_end,
                     struct spool_frame_head *h_r)
{
    size_t n;
    int r;

    if (offset + (off_t)sizeof(*h_r) > file_end)
        return 0;
    if ((r = spool_read_at(spool->fd, h_r, sizeof(*h_r), offset)) <= 0)
        return r;
    if (!spool_frame_right(h_r, spool->lane) || offset + spool_frame_size(h_r) > file_end)
        return 0;
    n = (size_t)(spool_frame_size(h_r) - (off_t)sizeof(*h_r));
    buf_reset(&spool->frame);
    if ((r = spool_read_at(spool->fd, buf_reserve(&spool->frame, n), n,
                           offset + (off_t)sizeof(*h_r))) <= 0)
        return r;
    buf_commit(&spool->frame, n);
    return crc32c(0, buf_bytes(&spool->frame), n) == h_r->slots_crc;
}

bool spool_follows(const struct spool *spool, off_t at, const struct spool_frame_head *h)
{
    if (at == spool->begin || h->epoch > spool->last_epoch)
        return true;
    return h->epoch == spool->last_epoch && h->from == spool->last_to;
}

/* --- the head -------------------------------------------------------------------------------- */

int spool_write_head(struct spool *spool)
{
    struct spool_head head = {.magic = SPOOL_HEAD_MAGIC,
                              .offset = (uint64_t)spool->begin,
                              .epoch = spool->epoch,
                              .dropped_to = spool->dropped_to,
                              .lane = spool->lane};
    ssize_t n;

    head.crc = crc32c(0, &head, offsetof(struct spool_head, crc));
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

int spool_load_head(struct spool *spool, off_t file_end)
{
    struct spool_head head;
    int r = spool_read_at(spool->fd, &head, sizeof(head), 0);

    if (r < 0)
        return -1;
    spool->begin = SPOOL_HEAD_SIZE;
    if (r == 0 || head.magic != SPOOL_HEAD_MAGIC || head.lane != spool->lane ||
        head.crc != crc32c(0, &head, offsetof(struct spool_head, crc)))
        return 0;
    spool->epoch = head.epoch;
    spool->dropped_to = head.dropped_to;
    if (head.offset >= SPOOL_HEAD_SIZE && head.offset <= (uint64_t)file_end)
        spool->begin = (off_t)head.offset;
    return 0;
}
