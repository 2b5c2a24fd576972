/* recordSightings: LaneBatches to the calls of one transaction. */
#ifndef GRAPHQL_INGEST_H
#define GRAPHQL_INGEST_H

#include "graphql/value.h"
#include "presence/pg.h"

/* Where a batch stands in its lane. */
struct ingest_place {
    int64_t lane, epoch, claim, from, to;
};

struct ingest_plan {
    struct pg_call *calls;
    size_t n_calls;
    const struct ingest_place *places; /* one per batch */
    size_t n;
};

/* What the lane answered. */
struct ingest_result {
    const char *code; /* a value of RecordCode */
    int64_t epoch, position;
};

/* One transaction for n batches. Everything lives in arena. type: LaneBatch. Returns 0, or -1 with
 * an entry in errors. */
int ingest_plan(struct arena *arena, const struct gql_type *type, const struct gql_value *batches,
                size_t n, struct ingest_plan *plan_r, struct gql_errors *errors);

/* The answer to a plan of one batch, or to any that was applied, as n results. Returns 0; -1: it is
 * an error, or a refusal that does not say whose (nothing of the plan was applied then). */
int ingest_result(const struct ingest_plan *plan, const struct pg_answer *a,
                  struct ingest_result *results_r);

#endif
