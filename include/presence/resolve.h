/* Addresses of a host name, looked up beside the loop: getaddrinfo has no time limit of its own,
 * and a name server that does not answer may hold it for half a minute. */
#ifndef PRESENCE_RESOLVE_H
#define PRESENCE_RESOLVE_H

#include "presence/loop.h"

struct resolve;

/* addresses: numeric, each with a line's end, at least one. NULL: error says why there are none.
 * Both last until the call returns, and the look-up is over then. */
typedef void resolve_cb(void *arg, const char *addresses, const char *error);

/* Never calls back before it returns. */
struct resolve *resolve_start(struct loop *loop, const char *host, resolve_cb *cb, void *arg);
void resolve_cancel(struct resolve **resolve); /* no call comes any more */

#endif
