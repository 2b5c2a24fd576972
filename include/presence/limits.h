/* Discord's REST rate limits, learnt from the answers' headers (Discord rest.md, rate limits).
 * Pure: time is handed in. A limiter is keyed by bucket and major id; a route whose bucket is not
 * known yet lets one request through at a time. */
#ifndef PRESENCE_LIMITS_H
#define PRESENCE_LIMITS_H

#include <stdbool.h>
#include <stdint.h>

#define LIMITS_BUCKET_SIZE  64u
#define LIMITS_UNTIL_ANSWER (-1) /* wait for an answer of this route */

struct limits;

/* What an answer said. */
struct limits_answer {
    int status;                      /* 0 = no answer came */
    int limit, remaining;            /* -1 = not given */
    double reset_after_sec;          /* < 0 = not given */
    double retry_after_sec;          /* of a 429; < 0 = not given */
    bool global;                     /* of a 429 */
    char bucket[LIMITS_BUCKET_SIZE]; /* "" = not given */
};

struct limits *limits_new(void);
void limits_free(struct limits **limits);

/* Asks to send one request of the route ("GET /guilds/:id/members/:id") for the major id. 0: it is
 * counted as sent; otherwise how long to wait in ms, or LIMITS_UNTIL_ANSWER. */
int64_t limits_take(struct limits *limits, const char *route, uint64_t major, int64_t now_ms);
/* Its answer is in (or did not come). */
void limits_learn(struct limits *limits, const char *route, uint64_t major,
                  const struct limits_answer *answer, int64_t now_ms);

#endif
