/* Subscriptions: what is told by presence.tell (sql/002_batch.sql) after a commit, passed on to
 * whoever subscribed at this process, as GraphQL over Server-Sent Events (distinct connections
 * mode).
 *
 * A stream tells everything that is committed after its head was sent, in order per kind and guild;
 * several equal events that wait are told once, for each answer is read when it is sent. Where that
 * cannot be kept (the subscriber is too slow, the database was away) the stream ends with the error
 * RESYNC. */
#ifndef GRAPHQL_SUBSCRIBE_H
#define GRAPHQL_SUBSCRIBE_H

#include "graphql/tokens.h"
#include "presence/loop.h"
#include "presence/pg.h"

#define SUBSCRIPTION_WAIT_MAX  256u         /* events that wait for one subscriber */
#define SUBSCRIPTION_BYTES_MAX (256u << 10) /* bytes that wait for its socket */
#define SUBSCRIPTION_ALIVE_MS  15000        /* a comment goes out that often */

struct request;
struct subscriptions;

/* Strings are copied; pg is the caller's and must outlive this. */
struct subscriptions *subscriptions_new(struct loop *loop, struct pg *pg, const char *conninfo,
                                        const char *init_sql);
void subscriptions_free(struct subscriptions **subscriptions);

/* Takes over a request whose operation is a subscription, prepared and authorised. */
void subscribe(struct subscriptions *subscriptions, struct request *r);

/* Completes all streams; new ones are refused. */
void subscriptions_close(struct subscriptions *subscriptions);
/* Ends the streams of tokens that are gone or have other scopes now. */
void subscriptions_recheck(struct subscriptions *subscriptions, const struct tokens *tokens);

#endif
