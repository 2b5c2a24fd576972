/* What one request may ask for: every limit of the service that is not configured, in one place.
 * A refusal has the limit's name as its code. Listed in presence-graphqld(8); a test compares. */
#ifndef GRAPHQL_LIMITS_H
#define GRAPHQL_LIMITS_H

#define LIMIT_BODY_BYTES        (2u << 20)
#define LIMIT_BODY_INGEST_BYTES (4u << 20)   /* of a mutation, for a token with the scope ingest */
#define LIMIT_DOCUMENT_BYTES    (256u << 10) /* of its text; bulk belongs into variables */
#define LIMIT_TOKENS_MAX        10000u       /* of a document */
#define LIMIT_NESTING_MAX       100u         /* of brackets in a document */
#define LIMIT_DIRECTIVES_MAX    500u         /* of a document */
#define LIMIT_ALIASES_MAX       500u /* of an operation, fragments as often as they are spread */
#define LIMIT_ROOTS_MAX         500u /* root fields of an operation */
#define LIMIT_ARGUMENTS_MAX     500u /* that a statement takes */
#define LIMIT_OVERLAPS_MAX                                                                         \
    100000u /* pairs of selections that may have to be merged; honest documents                    \
             have some hundreds */
#define LIMIT_VARIABLES_DEPTH   64u   /* of objects and lists in variables */
#define LIMIT_BATCH_ROWS        5000u /* of a list of a batch; of the sightings of all together */
#define LIMIT_SUBSCRIPTIONS_MAX 1000u /* at a time, of all clients */

#define REQUEST_TIME_MS 30000 /* later than that no further root field of a mutation is begun */

struct limit {
    const char *code;
    unsigned long value; /* 0: max_* of [graphqld] tells */
};

extern const struct limit limit_list[];
extern const unsigned limit_list_count;

#endif
