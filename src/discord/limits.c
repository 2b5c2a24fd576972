/* Rate limits of Discord's REST API, learnt, never assumed. Called by the workers' REST queue.
 * Diagnostics: none; waiting is the answer. */
#include "presence/limits.h"

#include <stdlib.h>
#include <string.h>

#include "presence/buf.h"

#define LIMITERS_MAX 2048u /* beyond it the one unused for longest is forgotten */
#define ROUTE_SIZE   96u

struct limiter {
    char route[ROUTE_SIZE];
    uint64_t major;
    char bucket[LIMITS_BUCKET_SIZE]; /* "" = not learnt yet */
    int limit, remaining;
    int in_flight;
    int64_t reset_at_ms;
    int64_t window_ms; /* the longest reset-after seen: after a reset nobody has told the next */
    int64_t blocked_until_ms; /* by a 429 */
    int64_t used_ms;
};

struct limits {
    struct limiter *list;
    size_t count, cap;
    int64_t global_until_ms;
};

struct limits *limits_new(void)
{
    return xcalloc(1, sizeof(struct limits));
}

void limits_free(struct limits **limits)
{
    if (!*limits)
        return;
    free((*limits)->list);
    free(*limits);
    *limits = NULL;
}

static struct limiter *room_for_one(struct limits *l)
{
    struct limiter *oldest = NULL;

    if (l->count < LIMITERS_MAX) {
        if (l->count == l->cap) {
            l->cap = l->cap ? l->cap * 2 : 16;
            l->list = xrealloc(l->list, l->cap * sizeof(*l->list));
        }
        return &l->list[l->count++];
    }
    for (size_t i = 0; i < l->count; i++)
        if (l->list[i].in_flight == 0 && (!oldest || l->list[i].used_ms < oldest->used_ms))
            oldest = &l->list[i];
    return oldest ? oldest : &l->list[0];
}

/* The bucket that some request of the route has named. */
static const char *bucket_of(const struct limits *l, const char *route)
{
    for (size_t i = 0; i < l->count; i++)
        if (l->list[i].bucket[0] && !strcmp(l->list[i].route, route))
            return l->list[i].bucket;
    return "";
}

static struct limiter *limiter_for(struct limits *l, const char *route, uint64_t major)
{
    const char *bucket = bucket_of(l, route);
    struct limiter *found = NULL;
    char known[LIMITS_BUCKET_SIZE];

    for (size_t i = 0; i < l->count && !found; i++)
        if (l->list[i].major == major &&
            (bucket[0] ? !strcmp(l->list[i].bucket, bucket) : !strcmp(l->list[i].route, route)))
            found = &l->list[i];
    if (found)
        return found;
    memcpy(known, bucket, strlen(bucket) + 1);
    found = room_for_one(l);
    *found = (struct limiter){.major = major, .limit = -1, .remaining = -1};
    strncpy(found->route, route, ROUTE_SIZE - 1);
    /* The bucket is known from another major id, its numbers for this one are not. */
    memcpy(found->bucket, known, sizeof(known));
    return found;
}

int64_t limits_take(struct limits *l, const char *route, uint64_t major, int64_t now_ms)
{
    struct limiter *x = limiter_for(l, route, major);

    x->used_ms = now_ms;
    if (l->global_until_ms > now_ms)
        return l->global_until_ms - now_ms;
    if (x->blocked_until_ms > now_ms)
        return x->blocked_until_ms - now_ms;
    if (x->remaining >= 0 && x->reset_at_ms <= now_ms) {
        x->remaining = x->limit > 0 ? x->limit : 1;
        x->reset_at_ms = now_ms + x->window_ms;
    }
    if (x->remaining < 0) {
        if (x->in_flight > 0)
            return LIMITS_UNTIL_ANSWER;
    } else if (x->remaining == 0) {
        return x->reset_at_ms - now_ms;
    } else {
        x->remaining--;
    }
    x->in_flight++;
    return 0;
}

static int64_t ms_of(double sec)
{
    return sec > 86400 ? 86400000 : (int64_t)(sec * 1000) + 1;
}

void limits_learn(struct limits *l, const char *route, uint64_t major,
                  const struct limits_answer *a, int64_t now_ms)
{
    struct limiter *x = limiter_for(l, route, major);

    if (x->in_flight > 0)
        x->in_flight--;
    if (a->bucket[0]) {
        memcpy(x->bucket, a->bucket, sizeof(x->bucket));
        x = limiter_for(l, route, major); /* another route's, if it has the same bucket */
    }
    if (a->limit > 0)
        x->limit = a->limit;
    if (a->remaining >= 0 && a->reset_after_sec >= 0) {
        int left = a->remaining - x->in_flight; /* those under way are not counted yet */

        x->remaining = left > 0 ? left : 0;
        x->reset_at_ms = now_ms + ms_of(a->reset_after_sec);
        if (ms_of(a->reset_after_sec) > x->window_ms)
            x->window_ms = ms_of(a->reset_after_sec);
    }
    if (a->status == 429) {
        int64_t until_ms = now_ms + ms_of(a->retry_after_sec >= 0 ? a->retry_after_sec : 1.0);

        if (a->global)
            l->global_until_ms = until_ms;
        else
            x->blocked_until_ms = until_ms;
    }
}
