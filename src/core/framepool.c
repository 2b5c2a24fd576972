/* Memory for events that wait for a worker (framepool.h). Called by the master's queues, which keep
 * events in its blocks, and by the workers, which read them.
 * Diagnostics: errno to the caller; a block that is given back too often is fatal. */
#include "presence/framepool.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "presence/buf.h"
#include "presence/log.h"

/* Spare blocks that keep their memory, however long nobody needs them. */
#define KEPT_SPARES 64u

static size_t block_count(const struct framepool *pool)
{
    return pool->size / FRAMEPOOL_BLOCK;
}

static int map(struct framepool *pool, int protection)
{
    void *base = mmap(NULL, pool->size, protection, MAP_SHARED, pool->fd, 0);

    if (base == MAP_FAILED)
        return -1;
    pool->base = base;
    return 0;
}

int framepool_open(struct framepool *pool, size_t size)
{
    int saved;

    *pool = (struct framepool){.size = size / FRAMEPOOL_BLOCK * FRAMEPOOL_BLOCK};
    pool->fd = memfd_create("presence-events", MFD_CLOEXEC | MFD_ALLOW_SEALING);
    if (pool->fd >= 0 && ftruncate(pool->fd, (off_t)pool->size) == 0 &&
        fcntl(pool->fd, F_ADD_SEALS, F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_SEAL) == 0 &&
        map(pool, PROT_READ | PROT_WRITE) == 0) {
        pool->spare = xcalloc(block_count(pool), sizeof(*pool->spare));
        return 0;
    }
    saved = errno;
    if (pool->fd >= 0)
        close(pool->fd);
    *pool = (struct framepool){0};
    errno = saved;
    return -1;
}

int framepool_attach(struct framepool *pool, int fd)
{
    struct stat st;

    *pool = (struct framepool){.fd = fd};
    if (fstat(fd, &st))
        return -1;
    if (!S_ISREG(st.st_mode) || st.st_size < (off_t)sizeof(struct framepool_event)) {
        errno = EINVAL;
        return -1;
    }
    pool->size = (size_t)st.st_size;
    return map(pool, PROT_READ);
}

void framepool_close(struct framepool *pool)
{
    if (pool->base) {
        munmap(pool->base, pool->size);
        close(pool->fd);
    }
    free(pool->spare);
    *pool = (struct framepool){0};
}

static void *block_at(const struct framepool *pool, uint32_t block)
{
    return pool->base + (size_t)block * FRAMEPOOL_BLOCK;
}

/* All its pages at once: a fault for each costs several times as much. No harm if the system cannot
 * do it: then they come one by one. */
static void *with_memory(void *block)
{
    (void)madvise(block, FRAMEPOOL_BLOCK, MADV_POPULATE_WRITE);
    return block;
}

void *framepool_take(struct framepool *pool)
{
    void *block;

    if (pool->spares == 0)
        return pool->fresh < block_count(pool) ? with_memory(block_at(pool, pool->fresh++)) : NULL;
    block = block_at(pool, pool->spare[--pool->spares]);
    if (pool->rested > pool->spares)
        pool->rested = pool->spares;
    if (pool->empty <= pool->spares)
        return block;
    pool->empty = pool->spares;
    return with_memory(block);
}

void framepool_give(struct framepool *pool, void *block)
{
    if (pool->spares == pool->fresh)
        fatal("framepool", "more blocks were given back than taken");
    pool->spare[pool->spares++] = (uint32_t)(framepool_offset(pool, block) / FRAMEPOOL_BLOCK);
}

/* The stack's lower end is what rests longest. */
void framepool_rest(struct framepool *pool)
{
    for (; pool->empty + KEPT_SPARES < pool->rested; pool->empty++)
        (void)madvise(block_at(pool, pool->spare[pool->empty]), FRAMEPOOL_BLOCK, MADV_REMOVE);
    pool->rested = pool->spares;
}

const struct framepool_event *framepool_event(const struct framepool *pool, uint64_t offset)
{
    const struct framepool_event *e;
    uint64_t left;

    if (offset % 8 || offset > pool->size || pool->size - offset < sizeof(*e))
        return NULL;
    e = (const void *)(pool->base + offset);
    left = pool->size - offset - sizeof(*e);
    return e->len <= left ? e : NULL;
}
