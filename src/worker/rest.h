/* GET requests to Discord's REST API, under its limits: per bucket as learnt, 50 per second for the
 * whole bot (a counter in shared memory), few at once. */
#ifndef WORKER_REST_H
#define WORKER_REST_H

#include "presence/http.h"
#include "presence/json.h"
#include "presence/shm.h"

struct rest;

struct rest_answer {
    int status;       /* 0 = none: error says why */
    const char *text; /* the body */
    size_t len;
    const struct json *body; /* NULL if it is no JSON */
    const char *error;
};

typedef void rest_cb(void *arg, const struct rest_answer *answer);

struct rest *rest_new(struct loop *loop, struct http *http, const struct shm *shm);
void rest_free(struct rest **rest); /* what is queued is dropped without a call */
void rest_set(struct rest *rest, const char *api_base, const char *token);

/* path: "/guilds/1/members/2"; route: its template, the limits' key; major: the guild's id or 0.
 * tries: how often to try when there is no answer or a 5xx; a 429 is waited for and does not count.
 */
void rest_get(struct rest *rest, const char *route, uint64_t major, const char *path,
              unsigned tries, rest_cb *cb, void *arg);

#endif
