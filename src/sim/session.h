/* Gateway sessions: what was dispatched to each, kept for RESUME.
 *
 * A session's log is a ring of small entries, from first_seq to last_seq. What is rare is stored as
 * text; load-mode events and member chunks are entries from which the text is rendered again each
 * time it is sent. A session whose client is gone goes on collecting until it expires. */
#ifndef SIM_SESSION_H
#define SIM_SESSION_H

#include "presence/buf.h"
#include "sim/sim.h"

/* A dispatch kept as text, shared by the sessions that got it. */
struct stored {
    unsigned refs;
    uint64_t event; /* unique id, for the truth */
    const char *type;
    char *own_type; /* type, where it is no literal */
    char *full;     /* d with message content */
    char *bare;     /* d without; NULL = the same */
    size_t full_len, bare_len;
    uint32_t row; /* of the truth; NONE = nothing to tell it */
};

#define CHUNK_SIZE 1000u /* members */

/* A whole-list answer to op 8; chunks are entries that point here. */
struct chunk_list {
    unsigned refs;
    uint32_t guild;
    uint32_t slots; /* the members there were when it was asked for */
    bool presences;
    char *nonce; /* or NULL */
};

enum entry_what {
    ENTRY_STORED,
    ENTRY_CHUNK,
    /* load mode; see load.h */
    ENTRY_MESSAGE,
    ENTRY_TYPING,
    ENTRY_REACTION_ADD,
    ENTRY_REACTION_REMOVE,
    ENTRY_PRESENCE,
    ENTRY_VOICE
};

struct entry {
    union {
        struct stored *stored;
        struct chunk_list *chunks;
        uint64_t id; /* of a load event: its snowflake, which holds its time */
    } u;
    uint32_t member; /* slot; of a chunk: its index */
    uint16_t guild;
    uint16_t channel; /* index; of voice: index + 1, 0 = left */
    uint8_t what;     /* enum entry_what */
    uint8_t kind;     /* enum truth_kind: told the truth at delivery; 0 = nothing to tell */
    uint16_t extra;   /* which text, which flags */
};

struct session {
    char id[33];
    uint32_t shard, shards;
    uint32_t intents;
    uint32_t large_threshold;
    bool dead;      /* cannot be resumed; its log is empty */
    bool forgotten; /* ends when its client leaves */
    struct entry *ring;
    uint64_t cap;                 /* power of two */
    uint64_t first_seq, last_seq; /* in the ring; first > last: empty */
    uint64_t sent_seq;            /* by this connection */
    uint64_t sent_max;            /* by any */
    struct conn *conn;            /* NULL while the client is away */
    int64_t away_since_ms;        /* monotonic */
    uint64_t resumes;
    int64_t guilds_due_ms; /* monotonic: when its GUILD_CREATEs come; 0 = they came */
};

struct session *session_new(struct sim *sim, uint32_t shard, uint32_t shards, uint32_t intents,
                            uint32_t large_threshold);
struct session *session_find(struct sim *sim, const char *id); /* or NULL */
void session_kill(struct session *s);                          /* no resume; the log is dropped */
/* Kills those whose client stayed away too long, frees dead ones nobody is connected to. */
void sessions_expire(struct sim *sim);
void sessions_clear(struct sim *sim);

bool session_covers(const struct sim *sim, const struct session *s, uint32_t guild);
static inline struct entry *session_entry(const struct session *s, uint64_t seq)
{
    return &s->ring[seq & (s->cap - 1)];
}
static inline uint64_t session_backlog(const struct session *s)
{
    return s->last_seq - s->sent_seq;
}

/* Appends and wakes the connection. Returns the seq. */
uint64_t session_append(struct sim *sim, struct session *s, struct entry e);

/* A dispatch under construction; type must be a literal. d and bare are taken over (bare may be
 * NULL). */
struct stored *stored_new(struct sim *sim, const char *type, struct buf *d, struct buf *bare);
void stored_unref(struct stored *s);
uint64_t session_append_stored(struct sim *sim, struct session *s, struct stored *stored);

struct dispatch_result {
    unsigned sessions; /* that got it */
    uint64_t seq;      /* of the first of them */
};

/* Delivers to every session that covers guild (NONE: shard 0 only) and has one of intents (0 =
 * always). Takes the reference. */
struct dispatch_result sim_dispatch(struct sim *sim, uint32_t guild, uint32_t intents,
                                    struct stored *stored);
/* Whether a dispatch would reach anybody. */
bool sim_anybody(const struct sim *sim, uint32_t guild, uint32_t intents);

/* Appends the payload with its envelope. */
void session_render(struct sim *sim, const struct session *s, uint64_t seq, struct buf *out);

#endif
