/* One connection to PostgreSQL that hears notifications (LISTEN presence). It does not come back by
 * itself: what was told meanwhile would be lost, so its owner has to know. */
#ifndef PRESENCE_PG_LISTEN_H
#define PRESENCE_PG_LISTEN_H

#include <stdbool.h>

#include "presence/loop.h"

struct pg_listener;

typedef void pg_notify_cb(void *arg, const char *payload);
typedef void pg_listener_done(void *arg, bool ok);

/* lost is called once, from the loop, when the connection cannot be made or ends; the listener is
 * then of no more use than to be freed (which lost may do). Strings are copied. */
struct pg_listener *pg_listener_new(struct loop *loop, const char *conninfo, const char *init_sql,
                                    pg_notify_cb *notify, loop_cb *lost, void *arg);
void pg_listener_free(struct pg_listener **listener); /* no callback any more */

/* Runs a statement with two text parameters (NULL = null; copied) behind those given before. sql
 * must be static. done (may be NULL) is called once, unless the listener is lost or freed before.
 */
void pg_listener_run(struct pg_listener *listener, const char *sql, const char *first,
                     const char *second, pg_listener_done *done, void *arg);
/* Forgets the callbacks of arg. */
void pg_listener_forget(struct pg_listener *listener, const void *arg);

#endif
