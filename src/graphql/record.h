/* The mutation recordSightings. */
#ifndef GRAPHQL_RECORD_H
#define GRAPHQL_RECORD_H

#include "graphql/request.h"

/* Goes on with request_next_mutation, or answers with what is wrong. */
void record_start(struct request *r, const struct collected *f);

#endif
