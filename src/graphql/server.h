/* The service: requests over HTTP, executed against PostgreSQL. */
#ifndef GRAPHQL_SERVER_H
#define GRAPHQL_SERVER_H

#include "graphql/schema.h"
#include "graphql/tokens.h"
#include "presence/conf.h"
#include "presence/loop.h"

struct server;

/* listener: a socket that was passed and is the server's from now on, or -1: it listens where the
 * configuration says. NULL and *error_r (owned by the caller) if it cannot listen or the token file
 * is wrong. */
struct server *server_new(struct loop *loop, const struct conf *conf, int listener, char **error_r);
void server_free(struct server **server);

/* Reads the token file again; keeps the old tokens if it is wrong. */
void server_reload(struct server *server);

/* Takes nothing new; calls done once every request is answered (or 10 s later). */
void server_drain(struct server *server, loop_cb *done, void *arg);

/* The port it listens on; 0 for a Unix socket. */
unsigned server_port(const struct server *server);

#endif
