/* Read-through: rows the table had not are filled with what Redis or GraphQL knows of the member,
 * off the event's path, up to 1,000 at a time. */
#ifndef WORKER_LOAD_H
#define WORKER_LOAD_H

#include "worker/worker.h"

void load_init(struct worker *w);
void load_free(struct worker *w);
/* The row was just inserted (SEEN_LOADING is set). May end its loading at once: where nothing was
 * ever recorded there is nothing to read. */
void load_row(struct lane *lane, struct seen_row *row);
void load_kick(struct worker *w); /* GraphQL is there again, or a lane's state is known */
/* A key that is still asked for: its answer may come from the cache. */
struct load_key {
    snowflake_t guild, user;
    uint64_t after; /* the lane's head when the row was made */
};
/* Ends the loading of one member: merged by maximum. seed NULL: nobody knows the member. */
void load_done(struct worker *w, struct load_key key, const struct seen_seed *seed);
/* Keys that the cache did not know. Taken over in place. */
void load_from_graphql(struct worker *w, const struct load_key *keys, size_t n);

#endif
