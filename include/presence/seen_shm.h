/* The shared-memory segment /presence-<instance>: layout and protocols. Any change of a size, an
 * order or a meaning needs a new SHM_VERSION; a segment of another version is dropped and made
 * anew.
 *
 * Who writes what
 *   header, shards[]      the master
 *   lanes[l], ring l, table rows and guild rows of l's guilds: the owner of lane l, one process at
 * a time (the master grants and takes lanes; it clears what a dead owner claimed) counters
 * everybody, atomically
 *
 * Ring lane: head and tail are positions (in slots) that only grow; position p lies in slot
 * p % ring_slots. The owner writes records behind head, publishes them by one release-store of
 * head, then raises appended[]. A crash between the two is harmless: whoever takes the lane over
 * reads tail..head and raises appended[] from the records' (session, seq). tail is moved once what
 * lies before it is durable (committed in PostgreSQL, or fdatasync'ed in the lane's spool).
 *
 * Table row: EMPTY -> CLAIMED(owner) -> LIVE -> EMPTY (evicted or erased). A claim holds the
 * owner's slot number, so that the master can release what a dead owner held. `seen` and `counted`
 * are atomic maxima of SEEN_PACK(ms, kind); every other field is written by the lane's owner only.
 * A row lives in one of the two buckets of SHM_BUCKET_ROWS that route_mix gives its (guild, user);
 * so an eviction needs no tombstone. Rows LOADING or not yet durable or in voice are never evicted,
 * nor are rows of lanes that another process owns: only a row's own writer takes it away.
 *
 * Each bucket has a word of tags, one byte per row: 0 = not in use, otherwise some bits of the
 * key's hash, so that a search reads two words and, nearly always, one row. A tag is set before its
 * row turns LIVE and cleared after it has left LIVE.
 *
 * Not yet durable: whenever a record is folded into a row, the row is stamped with the monotonic
 * clock's quarter-seconds (256 ms; 16 bits, in the upper half of state). It is durable when the
 * lane's durable_ms, the monotonic time up to which everything appended is durable, is later.
 *
 * All offsets are from the start of the segment; there are no pointers. */
#ifndef PRESENCE_SEEN_SHM_H
#define PRESENCE_SEEN_SHM_H

#include <stdatomic.h>
#include <stdint.h>

#include "presence/budget.h"
#include "presence/route.h"

#define SHM_MAGIC       UINT64_C(0x31454e4553455250) /* "PRESENE1" */
#define SHM_VERSION     8u
#define SHM_LINE        64u
#define SHM_BUCKET_ROWS 8u
#define SHM_SHARDS_MAX  256u
#define SHM_SESSIONS_MAX                                                                           \
    256u /* gateway sessions remembered per lane: one per shard, and old ones */
#define SHM_MENTIONS_MAX 128u /* remembered per lane; one message mentions 100 at most */
#define SHM_COUNTERS     64u
#define SHM_LET_GO_BITS  4096u

#define SEEN_PACK(ms, kind) (((uint64_t)(ms) << 16) | (uint16_t)(kind))
#define SEEN_MS(packed)     ((int64_t)((packed) >> 16))
#define SEEN_KIND(packed)   ((uint16_t)(packed))

/* seen_row.state: low byte the state, next byte the worker slot that claimed it; upper 16 bits, of
 * a LIVE row: when it was last written (see above) */
enum seen_state { SEEN_EMPTY = 0, SEEN_CLAIMED = 1, SEEN_LIVE = 2 };

/* seen_row.flags */
#define SEEN_HUMAN      0x0001u /* known to be a person */
#define SEEN_BOT        0x0002u /* known to be a bot: its events are dropped */
#define SEEN_ON_ROSTER  0x0004u
#define SEEN_LOADING    0x0008u /* Redis or GraphQL is being asked for what was before */
#define SEEN_PENDING    0x0010u /* has not passed membership screening */
#define SEEN_REFERENCED 0x0020u /* used since its buckets were last swept for a row to evict */
#define SEEN_LOOKED_UP  0x0040u /* a look-up of the bot flag is under way */
#define SEEN_RECORDED   0x0080u /* the durable store knows this member's roster row */
/* Told by a record since the row was made, so that an older answer from the store cannot undo it:
 */
#define SEEN_ROSTER_KNOWN 0x0100u /* SEEN_ON_ROSTER */
#define SEEN_STATE_KNOWN  0x0200u /* SEEN_PENDING, member_flags, the avatar bits */
#define SEEN_VOICE_KNOWN  0x0400u /* voice_channel and the voice bits */
#define SEEN_UNCACHED     0x0800u /* was being loaded when its lane was flushed: Redis lacks it */
#define SEEN_CACHED       0x1000u /* Redis may have a key of the member */

struct seen_row {
    uint64_t guild, user;
    _Atomic uint64_t seen;    /* any sighting, weak ones included: the veto against acting */
    _Atomic uint64_t counted; /* what resets idle */
    uint64_t present_until;   /* ms << 16 | voice state bits (record.h VOICE_*) */
    uint64_t voice_channel;   /* 0 = not in voice */
    uint64_t last_edit;       /* edited_timestamp in ms << 16 | low 16 bits of the avatar hash */
    _Atomic uint32_t state;
    uint16_t flags;
    uint16_t member_flags; /* low bits of Discord's guild member flags: onboarding, home actions */
};

struct shm_guild {
    uint64_t guild; /* 0 = free */
    uint64_t afk_channel;
    uint64_t session;        /* gateway session in which coverage is open; 0 = closed */
    int64_t roster_at_ms;    /* when the last complete catalogue was asked for; 0 = never */
    int64_t roster_begin_ms; /* catalogue under way since; 0 = none */
    int64_t bot_joined_ms;
    uint64_t roster_session; /* session in which the roster was completed */
    uint32_t member_count;
    uint32_t flags; /* SHM_GUILD_* */
};
#define SHM_GUILD_AVAILABLE 0x1u
#define SHM_GUILD_LEFT      0x2u
#define SHM_GUILD_ASKED     0x4u /* the catalogue under way was asked for, at roster_begin_ms */

struct shm_session_seq {
    uint64_t session;          /* 0 = free */
    _Atomic uint64_t appended; /* every event up to this seq that came to this lane is in the ring,
                                  or needed no record */
};

/* Somebody whom a message in (perhaps) a thread mentioned: Discord adds him to the thread. */
struct shm_mention {
    uint64_t thread, user;
    int64_t at_ms; /* the message's arrival, unix ms */
};

struct shm_lane {
    _Atomic uint64_t head;
    char pad1[SHM_LINE - 8];
    _Atomic uint64_t tail;
    char pad2[SHM_LINE - 8];
    _Atomic uint32_t owner;       /* worker slot + 1; 0 = nobody */
    _Atomic uint32_t redis_dirty; /* a Redis pipeline is under way, or was when its owner died */
    _Atomic uint32_t lost;        /* set once when something could not be kept (full disk) */
    _Atomic uint32_t seeded;      /* the table has what PostgreSQL knew when the segment was new */
    uint64_t spooled_to; /* position up to which the spool holds this lane; 0 = spool empty */
    _Atomic int64_t durable_ms; /* monotonic; what was appended until then is durable; 0 = never */
    uint64_t check_head;        /* a head that was seen at check_ms (seen_committed) */
    int64_t check_ms;
    /* The master's delivery number of the last event that is in the ring (or needs no record), so
     * that the master knows what a dead owner was at; 0 = none since the master began. */
    _Atomic uint64_t taken_n;
    uint64_t mention_next; /* place of the next mention, modulo SHM_MENTIONS_MAX */
    /* A bit per hash of a member whose row was taken away or who found no room: whose bit is not
     * set has been in the table ever since he was first seen here. */
    _Atomic uint64_t let_go[SHM_LET_GO_BITS / 64];
    struct shm_session_seq sessions[SHM_SESSIONS_MAX];
    struct shm_mention mentions[SHM_MENTIONS_MAX]; /* of the last seconds, for a successor too */
};

/* A shard as the master sees it. */
enum shm_shard_state {
    SHARD_DOWN = 0,
    SHARD_CONNECTING = 1,
    SHARD_REPLAYING = 2,
    SHARD_LIVE = 3,
    SHARD_PAUSED = 4
};

struct shm_shard {
    _Atomic uint32_t state; /* enum shm_shard_state */
    uint32_t reserved;
    _Atomic uint64_t session;      /* number of the gateway session */
    _Atomic uint64_t received_seq; /* last s received */
    _Atomic uint64_t resume_seq;   /* every event up to here is durable */
};

/* The reset of a guild that is under way: one at a time. Written by the master, `step` last; read
 * by the owner of the guild's lane. */
enum reset_step {
    RESET_NONE = 0,
    RESET_GATED = 1,  /* the shard is away; the lane's owner is to let go of it */
    RESET_CLEAR = 2,  /* the lane's next owner forgets the guild and has the store reset it */
    RESET_RESUME = 3, /* the shard comes back; what the guild did meanwhile is dropped */
    RESET_OPEN = 4    /* the owner watches the guild again */
};
struct shm_reset {
    _Atomic uint32_t step;
    uint32_t failed;  /* the store did not take it, as far as is known */
    uint32_t resumed; /* 0: the session could not be resumed; a new one shows the guild */
    uint32_t reserved;
    uint64_t guild, request, actor;
    uint64_t session;   /* the shard's */
    int64_t gated_ms;   /* when its events ended */
    int64_t resumed_ms; /* when they began again; from RESET_OPEN on */
};

struct shm_header {
    uint64_t magic;
    uint32_t version;
    uint32_t header_size; /* sizeof(struct shm_header) */
    uint64_t size;        /* of the segment */
    uint64_t epoch;       /* of the lanes' positions: ms of creation, always growing */
    uint32_t lanes, ring_slots;
    uint64_t rows;   /* a multiple of SHM_BUCKET_ROWS */
    uint64_t guilds; /* capacity of the guild table, a power of two */
    uint64_t lanes_offset, rings_offset, tags_offset, rows_offset, guilds_offset;
    uint32_t row_size, slot_size, lane_size, guild_size;
    uint64_t reserved[4];
    _Atomic uint64_t complete;      /* SHM_MAGIC once the creator has finished */
    _Atomic int64_t master_beat_ms; /* monotonic ms, once a second */
    _Atomic uint32_t master_generation;
    _Atomic uint32_t clean; /* set at an orderly end */
    /* Per worker slot: monotonic ms since when it is busy with its spools' disk and answers nobody;
     * 0 = it is not. Written by the worker, cleared by the master before the slot's next one. */
    _Alignas(SHM_LINE) _Atomic int64_t disk_since_ms[LANES];
    _Alignas(SHM_LINE) struct shm_shard shards[SHM_SHARDS_MAX];
    struct {
        _Alignas(SHM_LINE) _Atomic uint64_t value;
    } counters[SHM_COUNTERS];
    struct budget budget; /* towards Discord's REST API */
    _Alignas(SHM_LINE) struct shm_reset reset;
};

/* shm_header.counters */
enum shm_counter {
    SHM_COUNT_EVENTS = 0, /* dispatches handled */
    SHM_COUNT_SIGHTINGS = 1,
    SHM_COUNT_ROWS_LIVE = 2,
    SHM_COUNT_EVICTIONS = 3,
    SHM_COUNT_MISSES = 4,
    SHM_COUNT_BATCHES = 5,
    SHM_COUNT_DUPLICATES = 6, /* events dropped because they had been seen */
    SHM_COUNT_SPOOLED = 7,    /* slots spooled */
    SHM_COUNT_NO_ROOM = 8     /* members who got no row: both buckets full of rows that stay */
};

_Static_assert(sizeof(struct seen_row) == 64, "one cache line per member");
_Static_assert(sizeof(struct shm_guild) == 64, "one cache line per guild");
_Static_assert(sizeof(struct shm_lane) % SHM_LINE == 0, "lanes are cache-line aligned");
_Static_assert(sizeof(struct shm_header) % SHM_LINE == 0, "what follows is cache-line aligned");

#endif
