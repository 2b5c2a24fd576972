/* Records: what one gateway event means, in the form in which it is logged in a lane's ring and in
 * its spool, and from which batches are built.
 *
 * A record starts at a slot boundary and fills whole slots of RECORD_SLOT_SIZE bytes; the first
 * bytes are struct record_header. All multi-byte fields are in host order: rings and spools never
 * leave the host. A record is at most RECORD_MAX_SLOTS long.
 *
 * The last record of an event carries RECORD_EVENT_END: once it is in the lane, the event (session,
 * seq) was seen. Records of one event are published together; only events made of idempotent
 * records alone (roster, channels, roles, guild, voice state) may be published in several parts. */
#ifndef PRESENCE_RECORD_H
#define PRESENCE_RECORD_H

#include <stdint.h>

#include "presence/clock.h"
#include "presence/snowflake.h"

#define RECORD_SLOT_SIZE 64u
#define RECORD_MAX_SLOTS 128u

enum record_type {
    RECORD_PAD = 1,      /* fills the end of the ring; no body */
    RECORD_EVENT = 2,    /* nothing but (session, seq): an event whose only effect is being seen */
    RECORD_SIGHTING = 3, /* struct record_sighting */
    RECORD_MEMBER = 4,   /* struct record_member: roster entry seen */
    RECORD_MEMBER_LEFT = 5, /* struct record_subject */
    RECORD_BOT_FLAG = 6,    /* struct record_subject: a look-up answered; flags say human or bot */
    RECORD_ROSTER_END = 7,  /* struct record_subject: catalogue of guild complete; at = its begin */
    RECORD_GUILD = 8,       /* struct record_guild */
    RECORD_GUILD_LEFT = 9,  /* struct record_subject (user = 0) */
    RECORD_CHANNEL = 10,    /* struct record_channel: channel or thread */
    RECORD_CHANNEL_GONE = 11, /* struct record_subject: other = channel */
    RECORD_ROLE = 12,         /* struct record_role */
    RECORD_ROLE_GONE = 13,    /* struct record_subject: other = role */
    RECORD_VOICE =
        14, /* struct record_voice: an edge of a voice session, or a changed voice state */
    RECORD_VOICE_PRESENT = 15, /* struct record_subject: in voice (other = channel) until at */
    RECORD_VOICE_SYNC = 16, /* struct record_subject: voice states of guild are complete as of at */
    RECORD_COVERAGE = 17,   /* struct record_coverage */
    RECORD_SESSION = 18,    /* struct record_session, in lane 0 only */
    RECORD_COMPLETE = 19,   /* struct record_subject: the records of guild before this one list all
                               of its PART_* named by other, as of at */
    RECORD_TYPES = 20
};

/* record_subject.other of RECORD_COMPLETE */
#define PART_CHANNELS 0x1u /* without threads */
#define PART_THREADS  0x2u /* active ones: others are archived or gone */
#define PART_ROLES    0x4u

/* record_header.flags */
#define RECORD_EVENT_END 0x0001u
/* of a sighting */
#define RECORD_COUNTED 0x0010u /* resets idle: raises `counted` as well as `seen` */
#define RECORD_REPLAYED                                                                            \
    0x0020u /* came by RESUME replay: an arrival time is late by up to the gap */
#define RECORD_FOUND       0x0400u /* of the past, found later: raises times, is never counted */
#define RECORD_BOT_UNKNOWN 0x0040u /* the actor's bot flag was not known when it was recorded */
/* of RECORD_BOT_FLAG and RECORD_MEMBER */
#define RECORD_IS_BOT   0x0080u
#define RECORD_IS_HUMAN 0x0100u
/* of RECORD_VOICE */
#define RECORD_ESTIMATED 0x0200u /* the edge happened while Presence was blind */

struct record_header {
    uint16_t type;  /* enum record_type */
    uint16_t slots; /* whole record, 1 .. RECORD_MAX_SLOTS */
    uint16_t flags;
    uint16_t tail_len; /* bytes behind the fixed body, for the types that have a tail */
    uint64_t session;  /* 0 for records that no gateway event caused (voice ticks, look-ups) */
    uint64_t seq;
};

struct record_sighting {
    struct record_header h;
    snowflake_t guild, user;
    snowflake_t channel; /* 0 where the event names none */
    unixms_t at;
    uint16_t kind; /* enum activity_kind */
    uint16_t reserved[3];
};

struct record_subject {
    struct record_header h;
    snowflake_t guild, user, other;
    unixms_t at;
    uint64_t reserved;
};

/* record_member.state */
#define MEMBER_PENDING 0x01u
#define MEMBER_PARTIAL                                                                             \
    0x02u /* from a message's author or the like: only names and roles are sure */
#define MEMBER_FROM_CATALOGUE 0x04u
#define MEMBER_JOINED         0x08u /* from GUILD_MEMBER_ADD */
#define MEMBER_HAS_ROLES      0x10u /* roles were present in the payload */

/* Tail: role_count snowflakes of 8 bytes, then username, global name, nick (UTF-8, each of the
 * length given; 0 = null or absent). */
struct record_member {
    struct record_header h;
    snowflake_t guild, user;
    unixms_t at;            /* when this was known (arrival) */
    unixms_t joined_at;     /* UNIXMS_NONE = not given */
    unixms_t premium_since; /* boosting since */
    unixms_t timeout_until; /* communication_disabled_until */
    uint32_t member_flags;  /* Discord guild member flags */
    uint16_t state;         /* MEMBER_* */
    uint16_t role_count;
    uint32_t avatar_hash; /* of member avatar and banner, to notice a change; 0 = none */
    uint8_t username_len, global_name_len, nick_len;
    uint8_t reserved[5];
};

/* Tail: name, locale. */
struct record_guild {
    struct record_header h;
    snowflake_t guild, owner, afk_channel, system_channel;
    unixms_t at;
    unixms_t joined_at; /* the bot's */
    uint32_t member_count;
    uint16_t name_len;
    uint8_t locale_len;
    uint8_t available; /* 0 during an outage; then only guild and at are sure */
};

/* Tail: name, then permission overwrites as JSON text. */
struct record_channel {
    struct record_header h;
    snowflake_t guild, channel, parent, owner;
    snowflake_t last_message; /* 0 = none or not given */
    unixms_t at;
    uint16_t channel_type;
    uint16_t name_len;
    uint16_t overwrites_len;
    uint8_t archived, locked; /* threads */
    int32_t position;
    uint32_t channel_flags;
};

/* Tail: name. */
struct record_role {
    struct record_header h;
    snowflake_t guild, role;
    uint64_t permissions;
    unixms_t at;
    int32_t position;
    uint16_t name_len;
    uint8_t managed;
    uint8_t reserved;
};

/* record_voice.state: what the member did with his own hand, and what others set. */
#define VOICE_SELF_MUTE   0x0001u
#define VOICE_SELF_DEAF   0x0002u
#define VOICE_SELF_VIDEO  0x0004u
#define VOICE_SELF_STREAM 0x0008u
#define VOICE_MUTE        0x0010u
#define VOICE_DEAF        0x0020u
#define VOICE_SUPPRESS    0x0040u
#define VOICE_HAND        0x0080u
#define VOICE_HAND_HASH   0xff00u /* 8 bits of request_to_speak_timestamp */
#define VOICE_OWN_MASK    (VOICE_SELF_MUTE | VOICE_SELF_DEAF | VOICE_SELF_VIDEO | VOICE_SELF_STREAM)

struct record_voice {
    struct record_header h;
    snowflake_t guild, user;
    snowflake_t channel;  /* where the member is now; 0 = left */
    snowflake_t previous; /* where the member was; equal to channel when only the state changed */
    unixms_t at;
    uint16_t state;
    uint16_t reserved[3];
};

enum coverage_edge { COVERAGE_OPEN = 1, COVERAGE_CLOSE = 2 };
enum coverage_reason {
    COVERAGE_SESSION = 1, /* GUILD_CREATE in a new gateway session */
    COVERAGE_OUTAGE = 2,  /* GUILD_DELETE with unavailable, and its end */
    COVERAGE_GUILD_JOINED = 3,
    COVERAGE_GUILD_LEFT = 4,
    COVERAGE_EVENTS_LOST = 5 /* a full disk or a lost session */
};

struct record_coverage {
    struct record_header h; /* h.session names the interval */
    snowflake_t guild;
    unixms_t at;
    uint64_t gateway_session;
    uint16_t edge;   /* enum coverage_edge */
    uint16_t reason; /* enum coverage_reason */
    uint32_t reserved;
    uint64_t reserved2;
};

enum session_edge {
    SESSION_STARTED = 1,
    SESSION_WATCHED = 2,
    SESSION_RESUMED = 3,
    SESSION_ENDED = 4
};

struct record_session {
    struct record_header h;
    uint64_t gateway_session;
    unixms_t at;            /* of the edge */
    unixms_t watched_until; /* Presence was watching at least until then */
    uint16_t shard, shards;
    uint16_t edge;       /* enum session_edge */
    uint16_t close_code; /* SESSION_ENDED: what ended it; 0 = none */
    uint64_t reserved;
};

_Static_assert(sizeof(struct record_header) == 24, "record header layout");
_Static_assert(sizeof(struct record_sighting) == 64, "a sighting fills one slot");
_Static_assert(sizeof(struct record_subject) == 64, "one slot");
_Static_assert(sizeof(struct record_voice) == 72, "two slots");
_Static_assert(sizeof(struct record_coverage) == 64, "one slot");
_Static_assert(sizeof(struct record_session) == 64, "one slot");

/* Size of the fixed body of a type (header included), 0 for an unknown type. */
uint32_t record_fixed_size(uint16_t type);

/* Whether h is a record that may stand here: known type, slots within bounds and enough for its
 * fixed body and tail, `available` slots left. Names what is wrong otherwise (static text), else
 * NULL. */
const char *record_check(const struct record_header *h, uint32_t available);

static inline uint32_t record_slots_for(uint32_t bytes)
{
    return (bytes + RECORD_SLOT_SIZE - 1) / RECORD_SLOT_SIZE;
}

static inline const char *record_tail(const struct record_header *h)
{
    return (const char *)h + record_fixed_size(h->type);
}

#endif
