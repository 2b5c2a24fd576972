/* Opening a spool file, whatever state it was left in: a torn last write is cut off, damage is kept
 * aside. Called by spool.c's users once per lane that they take.
 * Diagnostics: note_r tells what was cut or kept aside, error_r why a file cannot be used. */
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include "core/spool_internal.h"
#include "presence/fd.h"

/* Looks for a right frame head behind a place where none was: then what is between is damage, and
 * not just the last write torn. */
static int frame_beyond(struct spool *spool, off_t offset, off_t file_end, bool *found_r)
{
    struct spool_frame_head h;
    int r = 1;

    *found_r = false;
    for (offset += RECORD_SLOT_SIZE; r > 0 && offset + (off_t)sizeof(h) <= file_end;
         offset += RECORD_SLOT_SIZE) {
        if ((r = spool_read_at(spool->fd, &h, sizeof(h), offset)) < 0)
            return -1;
        if (r > 0 && spool_frame_right(&h, spool->lane)) {
            *found_r = true;
            return 0;
        }
    }
    return 0;
}

/* Walks the frames. Leaves spool->end behind the last right one; *damaged_r: something that is not
 * a torn last write follows it. */
static int scan(struct spool *spool, off_t file_end, bool *damaged_r)
{
    struct spool_frame_head h;
    int r;

    *damaged_r = false;
    spool->end = spool->begin;
    while ((r = spool_read_frame(spool, spool->end, file_end, &h)) > 0) {
        if (!spool_follows(spool, spool->end, &h)) {
            *damaged_r = true;
            return 0;
        }
        spool->last_epoch = h.epoch;
        spool->last_to = h.to;
        spool->end += spool_frame_size(&h);
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

    if (fd < 0 || flock(fd, LOCK_EX | LOCK_NB) || spool_read_at(old, frames, n, spool->begin) <= 0)
        goto failed;
    spool->fd = fd;
    spool->begin = SPOOL_HEAD_SIZE;
    spool->end = SPOOL_HEAD_SIZE + (off_t)n;
    if (ftruncate(fd, SPOOL_HEAD_SIZE) || spool_write_head(spool) ||
        lseek(fd, SPOOL_HEAD_SIZE, SEEK_SET) < 0 || fd_write_all(fd, frames, n) || fsync(fd) ||
        (unlink(aside) && errno != ENOENT) || link(spool->path, aside) ||
        rename(fresh, spool->path))
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

    if (fstat(spool->fd, &st) || spool_load_head(spool, st.st_size) ||
        scan(spool, st.st_size, &damaged))
        return -1;
    if (damaged)
        return set_aside(spool, note_r, st.st_size);
    if (st.st_size < SPOOL_HEAD_SIZE) {
        spool->begin = spool->end = SPOOL_HEAD_SIZE;
        return ftruncate(spool->fd, SPOOL_HEAD_SIZE) || spool_write_head(spool) || fsync(spool->fd)
                   ? -1
                   : 0;
    }
    if (spool->end < st.st_size && note_r)
        *note_r = xasprintf("%s: the last write was torn: %jd bytes cut off", spool->path,
                            (intmax_t)(st.st_size - spool->end));
    if (spool->end < st.st_size && ftruncate(spool->fd, spool->end))
        return -1;
    /* The head may be an old one that points behind the end; it must not outlive new frames. */
    return spool_write_head(spool);
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
    if (spool->fd >= 0 && flock(spool->fd, LOCK_EX | LOCK_NB) == 0 && recover(spool, note_r) == 0 &&
        sync_directory(dir) == 0) {
        spool->punched = SPOOL_HEAD_SIZE;
        return spool;
    }
    *error_r = xasprintf("%s: %s", spool->path,
                         errno == EWOULDBLOCK ? "another process uses it" : strerror(errno));
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
