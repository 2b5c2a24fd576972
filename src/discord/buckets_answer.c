/* What an answer says about limits: headers and the body of a 429. Called by the REST client.
 * Diagnostics: none; what cannot be read counts as not given. */
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "presence/buckets.h"

#define MOMENT_MAX_SEC 1e11

const char *const buckets_headers[] = {
    "X-RateLimit-Limit",       "X-RateLimit-Remaining", "X-RateLimit-Reset",
    "X-RateLimit-Reset-After", "X-RateLimit-Bucket",    "X-RateLimit-Scope",
    "X-RateLimit-Global",      "Retry-After",           NULL,
};

void buckets_answer_init(struct buckets_answer *answer, int status)
{
    *answer = (struct buckets_answer){.status = status,
                                      .limit = -1,
                                      .remaining = -1,
                                      .reset_sec = -1,
                                      .reset_after_sec = -1,
                                      .retry_after_sec = -1};
}

/* -1 for anything but a number that is not negative. */
static double number(const char *text)
{
    char *end;
    double v = strtod(text, &end);

    return end == text || *end || !isfinite(v) || v < 0 ? -1 : v;
}

/* Nobody is told to wait for more than a day. */
static double seconds(double v)
{
    return v > BUCKETS_WAIT_MAX_SEC ? BUCKETS_WAIT_MAX_SEC : v;
}

/* A time of day; -1 for one that nobody will live to see. */
static double moment(const char *text)
{
    double v = number(text);

    return v > MOMENT_MAX_SEC ? -1 : v;
}

static int count(const char *text)
{
    double v = number(text);

    return v > 1e9 ? -1 : (int)v;
}

static void take_scope(struct buckets_answer *a, const char *value)
{
    static const struct {
        const char *name;
        enum buckets_scope scope;
    } scopes[] = {{"user", BUCKETS_USER}, {"shared", BUCKETS_SHARED}, {"global", BUCKETS_GLOBAL}};

    for (size_t i = 0; i < sizeof(scopes) / sizeof(scopes[0]); i++)
        if (!strcasecmp(value, scopes[i].name)) {
            a->scope = scopes[i].scope;
            a->scope_told = true;
        }
}

void buckets_answer_header(struct buckets_answer *a, const char *name, const char *value)
{
    if (!strcasecmp(name, "X-RateLimit-Limit"))
        a->limit = count(value);
    else if (!strcasecmp(name, "X-RateLimit-Remaining"))
        a->remaining = count(value);
    else if (!strcasecmp(name, "X-RateLimit-Reset"))
        a->reset_sec = moment(value);
    else if (!strcasecmp(name, "X-RateLimit-Reset-After"))
        a->reset_after_sec = number(value);
    else if (!strcasecmp(name, "Retry-After"))
        a->retry_after_sec = seconds(number(value));
    else if (!strcasecmp(name, "X-RateLimit-Bucket") && strlen(value) < sizeof(a->bucket))
        memcpy(a->bucket, value, strlen(value) + 1);
    else if (!strcasecmp(name, "X-RateLimit-Scope"))
        take_scope(a, value);
    else if (!strcasecmp(name, "X-RateLimit-Global") && !strcasecmp(value, "true"))
        take_scope(a, "global");
}

void buckets_answer_body(struct buckets_answer *a, bool is_json, double retry_after_sec,
                         bool global)
{
    if (a->status != 429)
        return;
    if (global)
        take_scope(a, "global");
    else if (!is_json && !a->scope_told)
        a->scope = BUCKETS_BANNED;
    if (isfinite(retry_after_sec) && retry_after_sec >= 0)
        a->retry_after_sec = seconds(retry_after_sec); /* the header has whole seconds only */
    if (a->retry_after_sec < 0)
        a->retry_after_sec = a->scope == BUCKETS_BANNED ? BUCKETS_BAN_SEC : BUCKETS_WAIT_SEC;
}
