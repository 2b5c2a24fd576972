/* Memory for events that wait for a worker: the master writes each once, the workers read it where
 * it lies, so that a channel carries only where that is. A memfd, mapped by all; the workers' share
 * is read-only. It lives as long as somebody has it mapped, so what a dead master left can still be
 * read.
 *
 * The memory consists of blocks. Which are in use is known to the master alone: a block goes back
 * when all events in it are acknowledged, and no worker looks at an event that it has acknowledged,
 * or that was delivered to another one (a lane changes hands when its owner released it or was
 * reaped). */
#ifndef PRESENCE_FRAMEPOOL_H
#define PRESENCE_FRAMEPOOL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "presence/msg.h"

#define FRAMEPOOL_BLOCK 32768u /* bytes */

/* An event as it lies in memory, at a multiple of 8; the frame follows. */
struct framepool_event {
    struct msg_event head;
    uint32_t len;  /* of the frame */
    uint32_t size; /* of the whole entry */
};

static inline const char *framepool_frame(const struct framepool_event *e)
{
    return (const char *)(e + 1);
}

/* All zero: a pool without memory, which gives no blocks and owns nothing. */
struct framepool {
    unsigned char *base;
    size_t size;
    int fd;          /* the master's; the workers inherit it */
    uint32_t fresh;  /* blocks from here on were never taken */
    uint32_t *spare; /* blocks given back, the last one on top */
    uint32_t spares;
    uint32_t rested; /* the lowest of them have not been taken since the last framepool_rest */
    uint32_t empty;  /* and these hold no memory */
};

/* The master: size is what it can grow to; memory is taken as it is needed. -1 and errno. */
int framepool_open(struct framepool *pool, size_t size);
/* A worker: maps what is behind fd to read it. -1 and errno. */
int framepool_attach(struct framepool *pool, int fd);
void framepool_close(struct framepool *pool);

/* A block of FRAMEPOOL_BLOCK bytes, its content undefined, or NULL: all are in use. */
void *framepool_take(struct framepool *pool);
void framepool_give(struct framepool *pool, void *block);
/* Called every few seconds: blocks that were spare all the time since the last call go back to
 * the system, except for some. */
void framepool_rest(struct framepool *pool);

static inline bool framepool_owns(const struct framepool *pool, const void *p)
{
    return (uintptr_t)p - (uintptr_t)pool->base < pool->size;
}
/* Where something of the pool lies, for another process. */
static inline uint64_t framepool_offset(const struct framepool *pool, const void *p)
{
    return (uint64_t)((const unsigned char *)p - pool->base);
}
/* The event there; NULL if none can lie there. */
const struct framepool_event *framepool_event(const struct framepool *pool, uint64_t offset);

#endif
