/* The state file: what a next start needs to resume the gateway sessions. Pure but for load/save.
 */
#ifndef PRESENCE_MASTER_STATE_H
#define PRESENCE_MASTER_STATE_H

#include <stddef.h>
#include <stdint.h>

#include "presence/buf.h"
#include "presence/seen_shm.h"

struct state_shard {
    uint64_t session; /* number; 0 = nothing to resume */
    uint64_t seq;     /* resume point */
    char *session_id; /* Discord's; owned, as is the url */
    char *resume_url;
    int64_t watched_ms; /* Presence was watching until then */
};

struct state {
    uint64_t epoch;        /* of the last shared-memory segment */
    uint64_t session_last; /* greatest session number ever given */
    unsigned shards;       /* layout that the sessions belong to */
    struct state_shard shard[SHM_SHARDS_MAX];
};

void state_clear(struct state *s);
void state_forget_shard(struct state *s, unsigned shard);
void state_set_shard(struct state *s, unsigned shard, uint64_t session, uint64_t seq,
                     const char *session_id, const char *resume_url, int64_t watched_ms);

void state_print(const struct state *s, struct buf *out);
/* Returns 0, or -1 with *error_r (owned by the caller) and *s empty. */
int state_parse(const char *text, size_t len, struct state *s, char **error_r);

/* A number for a session that begins now: greater than every earlier one. */
uint64_t state_session_number(struct state *s, int64_t now_ms, unsigned shard);

#endif
