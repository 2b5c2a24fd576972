/* Between ingest.c, ingest_rows.c and ingest_sightings.c. */
#ifndef GRAPHQL_INGEST_PRIV_H
#define GRAPHQL_INGEST_PRIV_H

#include "graphql/ingest.h"
#include "graphql/params.h"

struct ingest {
    struct arena *arena;
    const struct gql_type *type;     /* LaneBatch */
    const struct gql_value *batches; /* VALUE_OBJECT each */
    size_t n;
    size_t at; /* the batch that ingest_field looks at */
    struct ingest_plan *plan;
    struct gql_errors *errors;
    struct ingest_place *places; /* per batch */
    int64_t *latest_ms;          /* per batch: of all its times; INT64_MIN: none */
};

/* A field of the batch at hand; VALUE_ABSENT if it was not given. */
const struct gql_value *ingest_field(const struct ingest *in, const char *name);
const struct gql_type *ingest_field_type(const struct ingest *in, const char *name);
int ingest_refuse(struct ingest *in, const char *code, const char *fmt, ...)
    __attribute__((format(printf, 3, 4)));
/* The next call of the plan. */
struct pg_call *ingest_call(struct ingest *in);

/* Of all batches, in one call. */
int ingest_sightings(struct ingest *in);
/* The sections of the batch at hand before and after the sightings. */
int ingest_rows_before(struct ingest *in);
int ingest_rows_after(struct ingest *in);

#endif
