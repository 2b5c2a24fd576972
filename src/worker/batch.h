/* A batch in the making: records of a lane go in, in order; its part of a RecordSightings request
 * comes out, which may hold batches of several lanes. Sightings are coalesced per (guild, user,
 * channel, kind, minute, counted), members, guilds, channels and roles to one final state each. The
 * records must stay where they are until batch_print is done (they lie in the ring or in a spool
 * frame). */
#ifndef WORKER_BATCH_H
#define WORKER_BATCH_H

#include "presence/buf.h"
#include "presence/record.h"
#include "worker/offsets.h"

/* What presence-graphqld takes at once, with room to spare. */
#define BATCH_ROWS_MAX   5000u
#define BATCH_ROWS_SOFT  4500u
#define BATCH_BYTES_MAX  (3600u << 10)
#define BATCH_BYTES_SOFT (3000u << 10)

struct batch;

struct batch *batch_new(void);
void batch_free(struct batch **batch);
void batch_reset(struct batch *batch);
/* Begins the batch of another lane, which goes into the same request: the bounds are for all that
 * was added since batch_reset. */
void batch_next(struct batch *batch);

/* Whether one more record certainly fits. */
bool batch_room(const struct batch *batch, const struct record_header *h);
/* Beyond this the batch should end with the event at hand. */
bool batch_full(const struct batch *batch);
void batch_add(struct batch *batch, const struct record_header *h);

size_t batch_records(const struct batch *batch);
/* Sessions' highest seq whose event ended in this batch. */
const struct offsets *batch_offsets(const struct batch *batch);

/* Calls each for every member that a sighting, a roster or a voice record in the batch concerns. */
void batch_each_member(const struct batch *batch,
                       void (*each)(void *arg, snowflake_t guild, snowflake_t user), void *arg);

/* Appends the beginning of a request, {"query":…,"variables":{"batches":[ */
void batch_print_begin(struct buf *out);
/* Appends the batch as an object; the comma between two is the caller's. epoch: of the records'
 * positions; claim: of the segment in which we live. */
void batch_print(const struct batch *batch, unsigned lane, uint64_t epoch, uint64_t claim,
                 uint64_t from, uint64_t to, struct buf *out);
void batch_print_end(struct buf *out);

#endif
