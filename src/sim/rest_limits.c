/* REST: rate limits, and faults on demand. Called by rest.c for every request. Diagnostics: none.
 */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "presence/clock.h"
#include "sim/rest.h"
#include "sim/rest_call.h"

#define BUCKETS 4096u

struct bucket {
    uint64_t key;      /* 0 = unused */
    int64_t window_ms; /* monotonic, begin of the window */
    uint32_t used;
};

struct rest {
    struct bucket buckets[BUCKETS];
    int64_t global_ms; /* begin of the running second */
    uint32_t global_used;
};

struct rest *rest_new(void)
{
    return xcalloc(1, sizeof(struct rest));
}

void rest_free(struct rest **r)
{
    free(*r);
    *r = NULL;
}

/* --- what is too much --------------------------------------------------------------------------
 */

static uint64_t hash_text(uint64_t h, const char *text)
{
    for (; *text; text++)
        h = (h ^ (unsigned char)*text) * UINT64_C(0x100000001b3);
    return h;
}

static struct bucket *find_bucket(struct rest *r, uint64_t key)
{
    uint32_t at = (uint32_t)(world_hash(key) % BUCKETS), tries = 0;

    while (r->buckets[at].key && r->buckets[at].key != key && tries++ < 16)
        at = (at + 1) % BUCKETS;
    if (r->buckets[at].key != key)
        r->buckets[at] = (struct bucket){.key = key};
    return &r->buckets[at];
}

static void too_many(struct rest_call *c, double after_s, bool global, const char *scope)
{
    c->status = 429;
    rest_header(c, "Retry-After", "%.0f", ceil(after_s));
    rest_header(c, "X-RateLimit-Scope", "%s", scope);
    if (global)
        rest_header(c, "X-RateLimit-Global", "true");
    buf_printf(&c->out,
               "{\"message\":\"%s being rate limited.\",\"retry_after\":%.3f,\"global\":%s,"
               "\"code\":0}",
               strcmp(scope, "shared") ? "You are" : "The resource is", after_s,
               global ? "true" : "false");
}

static bool within_global(struct rest_call *c)
{
    struct rest *r = c->sim->rest;
    int64_t now_ms = clock_mono().ms;

    if (now_ms - r->global_ms >= 1000) {
        r->global_ms = now_ms;
        r->global_used = 0;
    }
    if (++r->global_used <= c->sim->config.rest_global)
        return true;
    too_many(c, (double)(1000 - (now_ms - r->global_ms)) / 1000.0, true, "global");
    return false;
}

static bool within_bucket(struct rest_call *c, const struct rest_route *route)
{
    uint64_t hash = hash_text(hash_text(UINT64_C(0xcbf29ce484222325), route->method), route->path);
    /* The second segment is the major id (guild, channel, webhook). */
    uint64_t key = c->n_segments > 1 ? hash_text(hash, c->segments[1]) : hash;
    struct bucket *b = find_bucket(c->sim->rest, key);
    int64_t now_ms = clock_mono().ms, window_ms = c->sim->config.rest_window_ms, left_ms;
    uint32_t limit = c->sim->config.rest_bucket;

    if (now_ms - b->window_ms >= window_ms) {
        b->window_ms = now_ms;
        b->used = 0;
    }
    left_ms = window_ms - (now_ms - b->window_ms);
    b->used++;
    rest_header(c, "X-RateLimit-Limit", "%u", limit);
    rest_header(c, "X-RateLimit-Remaining", "%u", b->used < limit ? limit - b->used : 0);
    rest_header(c, "X-RateLimit-Reset", "%.3f", (double)(clock_unix().ms + left_ms) / 1000.0);
    rest_header(c, "X-RateLimit-Reset-After", "%.3f", (double)left_ms / 1000.0);
    rest_header(c, "X-RateLimit-Bucket", "%016llx", (unsigned long long)hash);
    if (b->used <= limit)
        return true;
    too_many(c, (double)left_ms / 1000.0, false, "user");
    return false;
}

bool rest_within_limits(struct rest_call *c, const struct rest_route *route)
{
    /* What needs no bot token is outside the global limit. */
    return (!route->needs_token || within_global(c)) && within_bucket(c, route);
}

/* --- faults ------------------------------------------------------------------------------------
 */

/* As from what stands before the API: nothing of its form. */
static void banned(struct rest_call *c, double after_s)
{
    c->status = 429;
    rest_header(c, "Retry-After", "%.0f", ceil(after_s));
    buf_puts(&c->out, "<html><body>You are being blocked</body></html>");
}

static void fail(struct rest_call *c, const struct sim_faults *f)
{
    buf_reset(&c->out);
    c->n_headers = 0;
    c->status = f->refuse_rest_status;
    if (c->status == 429 && !strcmp(f->refuse_rest_scope, "banned"))
        banned(c, f->refuse_rest_retry_after);
    else if (c->status == 429)
        too_many(c, f->refuse_rest_retry_after, !strcmp(f->refuse_rest_scope, "global"),
                 f->refuse_rest_scope);
    else if (c->status >= 500)
        buf_puts(&c->out, "<html><body>bad gateway</body></html>");
    else if (c->status != 0)
        rest_error(c, c->status, f->refuse_rest_code, "refused on request");
}

bool rest_fault(struct rest_call *c, bool after)
{
    struct sim_faults *f = &c->sim->faults;

    if (f->refuse_rest == 0 || f->refuse_rest_after != after ||
        (f->refuse_rest_path && !strstr(c->path, f->refuse_rest_path)))
        return false;
    f->refuse_rest--;
    fail(c, f);
    return true;
}
