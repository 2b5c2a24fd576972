/* Redis, the second cache level. */
#ifndef WORKER_CACHE_H
#define WORKER_CACHE_H

#include "worker/load.h"
#include "worker/worker.h"

/* Once the lane's batch is built (w->batch): what Redis has of its members is renewed. */
void cache_flush(struct lane *lane);
/* The row was read back: it goes to Redis if a flush had to leave it out meanwhile. */
void cache_loaded(struct lane *lane, struct seen_row *row);
/* Whether Redis was asked for the key (load_done or load_from_graphql follows). */
bool cache_ask(struct worker *w, struct load_key key);
void cache_set_url(struct worker *w, const char *url);
void cache_take_lane(struct lane *lane);
/* What Redis has of a member goes; of a whole lane: nothing is read until it is gone. */
void cache_forget_member(struct lane *lane, snowflake_t guild, snowflake_t user);
void cache_forget_lane(struct lane *lane);
const char *cache_state(const struct worker *w); /* "up", "down", "unknown" */

#endif
