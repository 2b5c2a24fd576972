/* Which lane, shard and table bucket an id belongs to. The lane of a guild never changes for the
 * life of a database (design: 64 lanes, recorded in it). */
#ifndef PRESENCE_ROUTE_H
#define PRESENCE_ROUTE_H

#include <stdint.h>

#include "presence/snowflake.h"

#define LANES 64u

/* Finaliser with full avalanche (murmur3's fmix64); part of the on-disk contract through
 * route_lane. */
static inline uint64_t route_mix(uint64_t x)
{
    x ^= x >> 33;
    x *= UINT64_C(0xff51afd7ed558ccd);
    x ^= x >> 33;
    x *= UINT64_C(0xc4ceb9fe1a85ec53);
    x ^= x >> 33;
    return x;
}

/* Events without a guild belong to lane 0. */
static inline unsigned route_lane(snowflake_t guild)
{
    return guild.id ? (unsigned)(route_mix(guild.id) % LANES) : 0;
}

/* Discord gateway.md §10. */
static inline unsigned route_shard(snowflake_t guild, unsigned shards)
{
    return (unsigned)((guild.id >> 22) % shards);
}

#endif
