/* What the cache's files share: cache.c (coming and going), cache_write.c, cache_read.c,
 * cache_purge.c. */
#ifndef WORKER_CACHE_PRIV_H
#define WORKER_CACHE_PRIV_H

#include "presence/redis.h"
#include "worker/cache.h"

#define CACHE_KEY_SIZE     80u
#define CACHE_NUMBER_SIZE  24u
#define CACHE_ACT_VALUES   2u
#define CACHE_STATE_VALUES 5u

struct cache_lane {
    struct worker *w;
    unsigned number;
    unsigned owed;   /* answers of its pipelines */
    bool must_purge; /* keys may be stale: not read, and removed first */
};

struct cache {
    struct worker *w;
    char *url;
    struct redis *redis;
    struct cache_lane lanes[LANES];
    uint64_t purging;               /* lanes whose keys the SCAN under way removes; 0 = none is */
    struct loop_timer *purge_timer; /* when it is tried again */
    struct backoff purge_backoff;
    bool told;                     /* that it refuses us; until it does not */
    struct cached_member *members; /* of the batch at hand */
    size_t n_members, cap_members;
};

struct cached_member {
    snowflake_t guild, user;
    struct seen_row *row; /* NULL: has none */
};

/* cache.c */
void cache_set_dirty(struct cache_lane *cl, bool dirty);
void cache_settle(struct cache_lane *cl); /* clean, if every answer is in and nothing is stale */
/* guild:{<guild>}:member:<user>; returns its length. */
size_t cache_member_key(snowflake_t guild, snowflake_t user, char out[CACHE_KEY_SIZE]);

/* cache_purge.c */
void cache_purge_init(struct cache *c);
void cache_purge_start(struct cache *c); /* of all lanes that must be, if Redis is there */
void cache_purge_stop(struct cache *c);  /* Redis is gone */
/* What the lane wrote did not arrive whole: not read until its keys were removed. */
void cache_purge_want(struct cache_lane *cl);

#endif
