/* recordSightings: a LaneBatch to the calls of one transaction. */
#ifndef GRAPHQL_INGEST_H
#define GRAPHQL_INGEST_H

#include "graphql/value.h"
#include "presence/pg.h"

#define INGEST_ROWS_MAX  5000u /* of each list of a batch */
#define INGEST_CALLS_MAX 16u

struct ingest_plan {
    struct pg_call calls[INGEST_CALLS_MAX];
    size_t n_calls;
    int64_t lane, epoch, claim, from, to;
};

/* What the lane answered. */
struct ingest_result {
    const char *code; /* a value of RecordCode */
    int64_t epoch, position;
};

/* Everything lives in arena. type: LaneBatch. Returns 0, or -1 with an entry in errors. */
int ingest_plan(struct arena *arena, const struct gql_type *type, const struct gql_value *batch,
                struct ingest_plan *plan_r, struct gql_errors *errors);

/* Reads the answer to a plan. Returns 0, or -1 if it is an error. */
int ingest_result(const struct ingest_plan *plan, const struct pg_answer *a,
                  struct ingest_result *result_r);

#endif
