/* The last-seen table in shared memory (layout and protocol: seen_shm.h). */
#ifndef PRESENCE_SEEN_H
#define PRESENCE_SEEN_H

#include <stdbool.h>

#include "presence/record.h"
#include "presence/shm.h"

/* The member's row, or NULL. */
struct seen_row *seen_find(const struct shm *shm, snowflake_t guild, snowflake_t user);
struct seen_key {
    snowflake_t guild, user;
};
/* Before as many members are looked for one by one: brings their rows, or where they will be, into
 * the processor's cache, all at once instead of waiting for each. n is at most SEEN_FETCH_MAX. */
#define SEEN_FETCH_MAX 16u
void seen_fetch(const struct shm *shm, const struct seen_key *keys, size_t n);

/* The member's row, inserted (with SEEN_LOADING set) if there was none; may evict. slot: the
 * caller's worker slot. *inserted_r tells. NULL if both buckets are full of rows that may not be
 * evicted (counted in SHM_COUNT_NO_ROOM): what was to be noted is then nowhere but in the lane, and
 * a row made for this member later must not be read back from the store before that is committed.
 */
struct seen_row *seen_touch(const struct shm *shm, snowflake_t guild, snowflake_t user,
                            unsigned slot, bool *inserted_r);

/* Atomic maxima. */
void seen_raise(struct seen_row *row, unixms_t at, uint16_t kind, bool counted);

/* Folds one record into the table and the guild rows: the only way either changes in the course of
 * events, so that a replay of tail..head gives the same state. Returns the row concerned, or NULL.
 */
struct seen_row *seen_apply(const struct shm *shm, const struct record_header *h, unsigned slot,
                            bool *inserted_r);

/* What Redis or GraphQL knew of a member; merged by maximum, ends LOADING. */
struct seen_seed {
    snowflake_t guild, user;
    unixms_t seen, counted, present_until, last_edit;
    uint16_t seen_kind, counted_kind;
    int8_t bot; /* 1, 0, -1 = not known */
    bool on_roster;
    bool cached; /* it comes from Redis */
    snowflake_t voice_channel;
    uint16_t voice_state;
    bool pending;
    uint32_t member_flags;
    uint32_t avatar_hash;
};
void seen_merge(const struct shm *shm, struct seen_row *row, const struct seen_seed *seed);

/* A row may be evicted only if everything that was folded into it is where it would be read back
 * from: committed, not merely spooled. The lane's owner calls this after every commit; what lies
 * before `position` is committed. Before the second call nothing of the lane is evicted. */
void seen_committed(const struct shm *shm, unsigned lane, uint64_t position);
/* The same by time: every record appended until then (wall clock) is committed. */
void seen_set_durable(const struct shm *shm, unsigned lane, unixms_t durable);

/* Releases the claims of a dead worker slot; SEEN_ANY_SLOT: all, when no worker lives (a segment
 * was kept). Called by the master. */
#define SEEN_ANY_SLOT UINT32_MAX
void seen_release_claims(const struct shm *shm, unsigned slot);

/* Whether the table may once have had a row of the member and have it no more, or lacked room for
 * one; false is certain. */
bool seen_let_go(const struct shm *shm, snowflake_t guild, snowflake_t user);

/* Calls each for every live row (in table order) until it returns false. Rows of lanes that others
 * own may change or go away meanwhile. */
void seen_each(const struct shm *shm, bool (*each)(void *arg, struct seen_row *row), void *arg);

/* Forgets a member's row (reset, erasure, bot). */
void seen_erase(const struct shm *shm, struct seen_row *row);
/* Forgets what the member of a row did: the store was told to forget it. Who is in voice keeps his
 * place. committed: nothing of the lane waits to be stored. False: something of the row may not be
 * stored yet, or is being read back; ask again. */
bool seen_forget(const struct shm *shm, struct seen_row *row, bool committed);

#endif
