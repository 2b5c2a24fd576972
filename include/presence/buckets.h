/* Rate limits of Discord's REST API as one process has learnt them: which bucket a route has, and
 * how much of it is left. Pure: time is handed in. Source: Discord rest.md, "Rate limits".
 *
 * A limiter is keyed by the bucket's name and the path's major parameter. Until an answer has named
 * the bucket, a route's own template stands for it and one request at a time is let through.
 * Numbers are never assumed. What holds for all processes of the bot together is in budget.h. */
#ifndef PRESENCE_BUCKETS_H
#define PRESENCE_BUCKETS_H

#include <stdbool.h>
#include <stdint.h>

#define BUCKETS_NAME_SIZE     64u
#define BUCKETS_TEMPLATE_SIZE 96u
#define BUCKETS_UNTIL_ANSWER  (-1) /* wait for an answer of this route */

struct buckets;
struct buckets_ticket;

/* Where a request goes, as far as limits are concerned. */
struct buckets_route {
    char template[BUCKETS_TEMPLATE_SIZE]; /* "PUT /guilds/:major/members/:id/roles/:id" */
    uint64_t major; /* of a guild, channel, webhook (with its token) or interaction; else 0 */
    bool
        interaction; /* answers an interaction: outside the global limit, without the bot's token */
};

/* path: "/guilds/1/members/2?x=y", without the API's prefix. A path longer than the template's
 * room is cut: such routes share a limiter, which is safe. */
void buckets_route(const char *method, const char *path, struct buckets_route *route_r);

enum buckets_scope {
    BUCKETS_USER = 0, /* this bot in this bucket */
    BUCKETS_SHARED,   /* others used it up: not held against us */
    BUCKETS_GLOBAL,   /* everything waits */
    BUCKETS_BANNED    /* not Discord's API but what stands before it: no JSON. Everything waits */
};

/* What an answer said. */
struct buckets_answer {
    int status;             /* 0 = no answer came */
    int limit, remaining;   /* -1 = not given */
    double reset_sec;       /* seconds since 1970; < 0 = not given. Tells windows apart, no more */
    double reset_after_sec; /* < 0 = not given */
    double retry_after_sec; /* < 0 = not given; of a 429 */
    enum buckets_scope scope; /* of a 429 */
    bool scope_told;
    char bucket[BUCKETS_NAME_SIZE]; /* "" = not given */
};

void buckets_answer_init(struct buckets_answer *answer, int status);
/* One header of the answer; headers that do not concern limits, and values that are no numbers
 * where a number belongs, are ignored. */
void buckets_answer_header(struct buckets_answer *answer, const char *name, const char *value);
/* The names of the headers that buckets_answer_header knows; ends with NULL. */
extern const char *const buckets_headers[];
/* The body of a 429: whether it was JSON, its retry_after (< 0 = absent), its global. Call it last.
 * Without any time to wait told, one is made up: BUCKETS_WAIT_SEC, or BUCKETS_BAN_SEC for a ban. */
void buckets_answer_body(struct buckets_answer *answer, bool is_json, double retry_after_sec,
                         bool global);
#define BUCKETS_WAIT_SEC     5
#define BUCKETS_BAN_SEC      600
#define BUCKETS_WAIT_MAX_SEC 86400 /* more is cut */

struct buckets *buckets_new(void);
void buckets_free(struct buckets **buckets); /* tickets die with it */

/* Asks to send one request. 0: it counts as sent and *ticket_r stands for it until buckets_learn or
 * buckets_put_back; otherwise how long to wait in ms, or BUCKETS_UNTIL_ANSWER. */
int64_t buckets_take(struct buckets *buckets, const struct buckets_route *route, int64_t now_ms,
                     struct buckets_ticket **ticket_r);
/* It was not sent after all. */
void buckets_put_back(struct buckets *buckets, struct buckets_ticket **ticket);
/* Its answer is in, or will never come. A 429 of scope global or banned changes nothing here. */
void buckets_learn(struct buckets *buckets, struct buckets_ticket **ticket,
                   const struct buckets_answer *answer, int64_t now_ms);

#endif
