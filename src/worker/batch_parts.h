/* What a batch holds; shared by batch.c and batch_print.c only. */
#ifndef WORKER_BATCH_PARTS_H
#define WORKER_BATCH_PARTS_H

#include "worker/batch.h"

enum batch_tag {
    TAG_SIGHTING = 0,
    TAG_MEMBER,
    TAG_GUILD,
    TAG_CHANNEL,
    TAG_ROLE,
    TAG_PRESENT,
    TAG_ROSTER,
    TAG_VOICE_SYNC,
    TAG_COMPLETE, /* its id: one PART_* */
    TAGS
};

struct batch_sighting {
    uint64_t guild, user, channel;
    int64_t minute, first, last;
    uint32_t count;
    uint16_t kind;
    bool counted;
    bool found; /* RECORD_FOUND: count is 0 */
};

/* One member, guild, channel, role… in its final state. */
struct batch_thing {
    enum batch_tag tag;
    snowflake_t guild, id;
    unixms_t at;                         /* the latest */
    unixms_t extra;                      /* member: last edit */
    const struct record_header *full;    /* the latest whole description, or NULL */
    const struct record_header *partial; /* member: partial description after it */
    int8_t bot;                          /* -1 not known, 0, 1 */
    int8_t there;                        /* -1 not known, 0 left or gone, 1 */
    uint8_t available;                   /* guild: 0 not said, 1 yes, 2 outage */
};

struct batch_index {
    uint32_t generation; /* another one: free */
    uint16_t tag;
    uint32_t at;
};

struct batch {
    struct batch_sighting *sightings;
    struct batch_thing *things;
    const struct record_header **ordered; /* voice edges, coverage, gateway sessions */
    size_t n_sightings, cap_sightings, n_things, cap_things, n_ordered, cap_ordered;
    size_t n_by_tag[TAGS];
    size_t earlier_sightings, earlier_things, earlier_ordered; /* of the same request */
    size_t records;
    size_t bytes; /* of the request, at most */
    struct batch_index *index;
    uint32_t generation;
    struct offsets offsets;
};

#endif
