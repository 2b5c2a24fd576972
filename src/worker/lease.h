/* Durable jobs: those of the database that this worker holds and carries out, one runner per kind.
 *
 * A job is claimed for LEASE_SEC and the lease is prolonged while its runner lives, together with
 * what the runner notes of how far it is. Whoever dies, another worker claims the job when the
 * lease has run out, and its runner begins with the last note: so a note says only what is done for
 * good, and doing again what came after it must change nothing. Somebody who cancels a job ends the
 * lease; the runner is stopped as soon as that is heard (within a second, by changes). */
#ifndef WORKER_LEASE_H
#define WORKER_LEASE_H

#include "presence/json.h"
#include "worker/worker.h"

#define LEASE_SEC 20

struct lease;

struct lease_kind {
    const char *name; /* of JobKind: "BASELINE" */
    /* Begins, or goes on: data is what was noted last, or given when the job was made (never NULL;
     * any JSON). Returns the runner. */
    void *(*begin)(struct lease *lease, const struct json *data);
    /* Frees the runner: after lease_finish, or because the job is somebody else's or over. */
    void (*stop)(void *runner);
};

struct worker *lease_worker(const struct lease *lease);
snowflake_t lease_guild(const struct lease *lease);
/* The guild's lane. */
struct lane *lease_lane(const struct lease *lease);

/* What a successor shall begin with: JSON, at most 4,000 characters. Sent within a few seconds. */
void lease_note(struct lease *lease, const char *data);
/* Ends the job; the runner is stopped before this returns. failure: NULL = it is done. */
void lease_finish(struct lease *lease, const char *failure);

/* Called by the worker's other parts. */
void lease_init(struct worker *w);
void lease_free(struct worker *w);
void lease_take_lane(struct lane *lane);
void lease_forget_lane(struct lane *lane);
/* A job of the guild was made or changed. */
void lease_changed(struct worker *w, snowflake_t guild);
/* Nothing may have been heard for a while. */
void lease_look(struct worker *w);

#endif
