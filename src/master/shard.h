/* Between the files of a shard. */
#ifndef PRESENCE_MASTER_SHARD_H
#define PRESENCE_MASTER_SHARD_H

#include "config.h"
#include "master.h"

#define BUDGET_EXHAUSTED "the identify budget is exhausted"
#define BUDGET_FETCH_MS  10000

/* shard.c: carries out what the state machine wants; after every call that fed it. */
void shard_act(struct shard *s);
void shard_tick(void *arg); /* the shard's timer */

/* shard_conn.c: url without query string; whatever connection there was is forgotten. */
void shard_connect(struct shard *s, const char *url);
void shard_disconnect(struct shard *s); /* at once; the state machine is not told */

/* shard_state.c: tells everybody, if something changed. */
void shard_publish(struct shard *s);

#endif
