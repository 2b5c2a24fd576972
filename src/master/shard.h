/* Between the files of a shard. */
#ifndef PRESENCE_MASTER_SHARD_H
#define PRESENCE_MASTER_SHARD_H

#include "config.h"
#include "master.h"

/* Carries out what the state machine wants; after every call that fed it. */
void shard_act(struct shard *s);

#endif
