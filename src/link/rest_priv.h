/* What the files of the REST client share. */
#ifndef LINK_REST_PRIV_H
#define LINK_REST_PRIV_H

#include <sys/queue.h>

#include "presence/backoff.h"
#include "presence/buckets.h"
#include "presence/rest.h"

enum rest_state { REST_WAITING, REST_UNDER_WAY, REST_OVER };

struct rest_call {
    TAILQ_ENTRY(rest_call) entry; /* in the line's list, or in the client's by state */
    struct rest *rest;
    struct rest_line *line; /* while it waits */
    enum rest_state state;
    char method[8];
    char *path;
    struct buckets_route route;
    enum budget_lane lane;
    enum outcome_repeat repeat;
    struct buf body; /* kept until the end: it may be needed again */
    bool has_body;
    char *content_type, *reason; /* whole header lines, or NULL */
    unsigned tries_left, limited_left;
    enum outcome so_far; /* OUTCOME_NOT_SENT, or of the last try that may have been done */
    struct backoff backoff;
    int64_t not_before_ms;
    int64_t give_up_ms; /* monotonic; 0 = never */
    struct http_call *http;
    struct buckets_ticket *ticket;
    rest_cb *cb;
    void *arg;
    struct rest_answer local; /* REST_OVER: what was decided without an answer */
};

TAILQ_HEAD(rest_calls, rest_call);

/* Calls of one lane, route and major parameter, in order; exists while some wait. */
struct rest_line {
    TAILQ_ENTRY(rest_line) entry;
    struct buckets_route route;
    struct rest_calls calls;
};

TAILQ_HEAD(rest_lines, rest_line);

struct rest {
    struct loop *loop;
    struct http *http;
    struct budget *budget;
    struct buckets *buckets;
    struct loop_timer *timer;
    char *base, *authorization;
    uint64_t token_digest;
    struct rest_lines lines[2]; /* per lane */
    size_t waiting[2];
    size_t with_deadline;
    size_t bulk_under_way;
    int64_t
        held_ms[2]; /* per lane, in this round: the global limit has no place before; 0 = it may */
    struct rest_calls under_way, over;
};

/* --- rest_queue.c */

void rest_queue_add(struct rest_call *call, bool first);
void rest_queue_remove(struct rest_call *call);
/* The call waits no more; its callback comes at the end of the round. */
void rest_queue_end(struct rest_call *call, enum outcome outcome, int status, const char *error);
void rest_pump(void *arg); /* sends what may go, and sets the timer for what may not */

/* --- rest_try.c */

void rest_try(struct rest_call *call);
void rest_call_free(struct rest_call *call);

#endif
