/* What the store was told to forget leaves the caches too: the table's rows and the keys in Redis
 * of the lanes that this process owns. */
#ifndef WORKER_FORGET_H
#define WORKER_FORGET_H

#include "worker/worker.h"

void forget_init(struct worker *w);
/* guild NONE: the user in every guild; user NONE: every member of the guild. */
void forget(struct worker *w, snowflake_t guild, snowflake_t user);
/* The same in all workers. */
void forget_everywhere(struct worker *w, snowflake_t guild, snowflake_t user);

#endif
