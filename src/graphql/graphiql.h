/* The page for trying queries (npm package graphiql), out of files that the installation holds. */
#ifndef GRAPHQL_GRAPHIQL_H
#define GRAPHQL_GRAPHIQL_H

#include <stdbool.h>

#include "presence/httpd.h"

struct graphiql;

/* Reads the files of a directory, all of them; NULL and *error_r (owned by the caller) naming the
 * one that is missing. */
struct graphiql *graphiql_new(const char *directory, char **error_r);
void graphiql_free(struct graphiql **graphiql);

/* Whether the path is the page's, or of a file of it. */
bool graphiql_owns(const char *path);
/* Answers a request for such a path. graphiql may be NULL: it is switched off. */
void graphiql_respond(const struct graphiql *graphiql, struct httpd_request *req);

#endif
