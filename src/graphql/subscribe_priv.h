/* Between the files of subscriptions. */
#ifndef GRAPHQL_SUBSCRIBE_PRIV_H
#define GRAPHQL_SUBSCRIBE_PRIV_H

#include "graphql/request.h"

struct event {
    struct event *next;
    char text[];
};

struct subscription {
    struct subscriptions *owner;
    struct subscription *prev, *next;
    struct subscription *next_ready;
    struct request *r; /* NULL: the stream has ended, a statement is still under way */
    const char *kind;  /* of presence.tell; "CHANGE" stands for all that workers keep */
    int64_t guild;     /* 0: any */
    uint64_t lanes;    /* of "CHANGE" */
    bool begun, ready, busy;
    struct event *first, **last;
    unsigned waiting;
    struct event *current;
    const char *event_value[1];
    struct pg_call calls[2];
};

struct subscriptions {
    struct loop *loop;
    struct pg *pg;
    char *conninfo, *init_sql;
    struct pg_listener *listener;
    struct subscription *all;
    unsigned n, under_way;
    struct subscription *first_ready, **last_ready;
    struct loop_timer *alive;
    bool closed, freeing;
};

/* --- subscribe.c -------------------------------------------------------------------------------
 */

/* Ends the stream; with an error if code is not NULL. Both are constants. */
void subscription_end(struct subscription *s, const char *code, const char *message);
/* The memory of one that has ended, as soon as no statement is under way for it. */
void subscription_free_if_idle(struct subscription *s);

/* --- subscribe_events.c ------------------------------------------------------------------------
 */

/* Its statements, by s->r->compiled. */
void subscription_prepare(struct subscription *s);
/* Forgets what waits in its queue. */
void subscription_drop_events(struct subscription *s);
/* pg_listen.h: somebody told something. arg: struct subscriptions. */
void subscriptions_heard(void *arg, const char *payload);

#endif
