/* The REST queue. Called by fetch and lookup.
 * Diagnostics: warns at each 429 (there should be none), debug for retries. */
#include "worker/rest.h"

#include <stdlib.h>
#include <string.h>

#include "presence/backoff.h"
#include "presence/limits.h"
#include "presence/log.h"

#define AT_ONCE_MAX       4u
#define BUDGET_PER_SECOND 45u /* Discord's limit is 50 */
#define REST_TIMEOUT_MS   15000
#define POLL_MS           50

struct rest_call {
    struct rest *rest;
    struct rest_call *next;
    char *route, *path;
    uint64_t major;
    unsigned tries;
    struct backoff backoff;
    int64_t not_before_ms;
    rest_cb *cb;
    void *arg;
};

struct rest {
    struct loop *loop;
    struct http *http;
    const struct shm *shm;
    struct limits *limits;
    char *base, *authorization;
    struct rest_call *queue, **queue_end;
    size_t in_flight;
    struct loop_timer *timer;
};

static void pump(void *arg);

static void free_call(struct rest_call *call)
{
    free(call->route);
    free(call->path);
    free(call);
}

/* A place in the current second for one request. */
static bool take_budget(struct rest *r)
{
    _Atomic uint64_t *word = &r->shm->header->counters[SHM_COUNT_REST_BUDGET].value;
    uint32_t second = (uint32_t)(clock_unix().ms / 1000);
    uint64_t seen = atomic_load(word), next;

    do {
        uint32_t used = (uint32_t)seen == second ? (uint32_t)(seen >> 32) : 0;

        if (used >= BUDGET_PER_SECOND)
            return false;
        next = (uint64_t)(used + 1) << 32 | second;
    } while (!atomic_compare_exchange_weak(word, &seen, next));
    return true;
}

static double number_header(const struct http_answer *http, const char *name)
{
    char text[32];

    return http_answer_header(http, name, text, sizeof(text)) > 0 ? strtod(text, NULL) : -1;
}

static void learn(struct rest_call *call, const struct http_answer *http, const struct json *body)
{
    struct limits_answer a = {.status = http->status, .retry_after_sec = -1};
    char scope[16] = "";

    a.limit = (int)number_header(http, "X-RateLimit-Limit");
    a.remaining = (int)number_header(http, "X-RateLimit-Remaining");
    a.reset_after_sec = number_header(http, "X-RateLimit-Reset-After");
    if (http_answer_header(http, "X-RateLimit-Bucket", a.bucket, sizeof(a.bucket)) < 0)
        a.bucket[0] = '\0';
    if (http->status == 429) {
        a.retry_after_sec =
            json_double(json_get(body, "retry_after"), number_header(http, "Retry-After"));
        a.global = json_bool(json_get(body, "global"), false) ||
                   http_answer_header(http, "X-RateLimit-Global", scope, sizeof(scope)) > 0;
        log_warn("rest_429", "%s: wait %.1f s%s", call->route, a.retry_after_sec,
                 a.global ? " (global)" : "");
    }
    limits_learn(call->rest->limits, call->route, call->major, &a, clock_mono().ms);
}

static void enqueue(struct rest_call *call)
{
    struct rest *r = call->rest;

    call->next = NULL;
    *r->queue_end = call;
    r->queue_end = &call->next;
}

static void answered(void *arg, const struct http_answer *http)
{
    struct rest_call *call = arg;
    struct rest *r = call->rest;
    struct json *body = http->status ? json_parse(http->body, http->len, NULL) : NULL;

    r->in_flight--;
    learn(call, http, body);
    if (http->status == 429) {
        enqueue(call);
    } else if ((http->status == 0 || http->status >= 500) && call->tries > 1) {
        call->tries--;
        call->not_before_ms = clock_mono().ms + backoff_next_ms(&call->backoff);
        log_debug("rest_retry", "%s: %s %d", call->route, http->error ? http->error : "status",
                  http->status);
        enqueue(call);
    } else {
        struct rest_answer answer = {http->status, http->body, http->len, body, http->error};

        call->cb(call->arg, &answer);
        free_call(call);
    }
    json_free(&body);
    pump(r);
}

static void send_call(struct rest_call *call)
{
    struct rest *r = call->rest;
    char *url = xasprintf("%s%s", r->base, call->path);
    const char *headers[] = {r->authorization};
    struct http_request request = {.method = "GET",
                                   .url = url,
                                   .headers = headers,
                                   .n_headers = 1,
                                   .timeout_ms = REST_TIMEOUT_MS};

    r->in_flight++;
    http_send(r->http, &request, answered, call);
    free(url);
}

/* How long the call has to wait; 0: it may go now (and is counted). */
static int64_t wait_of(struct rest *r, struct rest_call *call, int64_t now_ms)
{
    int64_t wait_ms;

    if (call->not_before_ms > now_ms)
        return call->not_before_ms - now_ms;
    if (!r->base)
        return POLL_MS * 10;
    wait_ms = limits_take(r->limits, call->route, call->major, now_ms);
    if (wait_ms == 0 && !take_budget(r)) {
        struct limits_answer none = {
            .limit = -1, .remaining = -1, .reset_after_sec = -1, .retry_after_sec = -1};

        limits_learn(r->limits, call->route, call->major, &none, now_ms);
        return POLL_MS;
    }
    return wait_ms;
}

static void pump(void *arg)
{
    struct rest *r = arg;
    struct rest_call **at = &r->queue;
    int64_t now_ms = clock_mono().ms, soonest_ms = -1;
    unsigned looked = 0;

    while (*at && r->in_flight < AT_ONCE_MAX && looked++ < 256) {
        struct rest_call *call = *at;
        int64_t wait_ms = wait_of(r, call, now_ms);

        if (wait_ms == 0) {
            *at = call->next;
            if (!*at)
                r->queue_end = at;
            send_call(call);
            continue;
        }
        if (wait_ms > 0 && (soonest_ms < 0 || wait_ms < soonest_ms))
            soonest_ms = wait_ms;
        at = &call->next;
    }
    if (soonest_ms >= 0)
        loop_timer_set(r->timer, soonest_ms);
}

void rest_get(struct rest *r, const char *route, uint64_t major, const char *path, unsigned tries,
              rest_cb *cb, void *arg)
{
    struct rest_call *call = xcalloc(1, sizeof(*call));

    *call = (struct rest_call){.rest = r, .major = major, .tries = tries, .cb = cb, .arg = arg};
    call->route = xstrdup(route);
    call->path = xstrdup(path);
    backoff_init(&call->backoff, 500, 30000);
    enqueue(call);
    if (r->in_flight < AT_ONCE_MAX)
        loop_timer_set(r->timer, 0);
}

void rest_set(struct rest *r, const char *api_base, const char *token)
{
    free(r->base);
    r->base = xstrdup(api_base);
    if (r->authorization)
        explicit_bzero(r->authorization, strlen(r->authorization));
    free(r->authorization);
    r->authorization = xasprintf("Authorization: Bot %s", token ? token : "");
}

struct rest *rest_new(struct loop *loop, struct http *http, const struct shm *shm)
{
    struct rest *r = xcalloc(1, sizeof(*r));

    *r = (struct rest){.loop = loop, .http = http, .shm = shm, .limits = limits_new()};
    r->queue_end = &r->queue;
    r->timer = loop_timer_new(loop, pump, r);
    return r;
}

void rest_free(struct rest **rest)
{
    struct rest *r = *rest;

    if (!r)
        return;
    while (r->queue) {
        struct rest_call *call = r->queue;

        r->queue = call->next;
        free_call(call);
    }
    limits_free(&r->limits);
    loop_timer_free(&r->timer);
    free(r->base);
    if (r->authorization)
        explicit_bzero(r->authorization, strlen(r->authorization));
    free(r->authorization);
    free(r);
    *rest = NULL;
}
