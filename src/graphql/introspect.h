/* __schema, __type and __typename: answered from the schema itself. */
#ifndef GRAPHQL_INTROSPECT_H
#define GRAPHQL_INTROSPECT_H

#include "graphql/collect.h"
#include "presence/buf.h"

/* Appends the JSON value of a root field whose name begins with "__". */
void introspect(const struct collect *c, const struct collected *field, struct buf *out);

#endif
