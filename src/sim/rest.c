/* REST: routing, the checks every call goes through (agent, token, limits, faults), error bodies.
 * The routes themselves are in rest_routes.c. Called by the HTTP listener. Diagnostics: none; every
 * request is recorded (GET /_sim/received). */
#include "sim/rest.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "presence/clock.h"
#include "sim/render.h"
#include "sim/rest_call.h"

#define BUCKETS     4096u
#define HEADERS_MAX 12

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

/* --- answering -------------------------------------------------------------------------------- */

void rest_error(struct rest_call *c, unsigned status, int code, const char *message)
{
    c->status = status;
    buf_reset(&c->out);
    buf_puts(&c->out, "{\"message\":");
    render_string(&c->out, message);
    buf_printf(&c->out, ",\"code\":%d}", code);
}

static void add_header(struct rest_call *c, const char *name, const char *fmt, ...)
    __attribute__((format(printf, 3, 4)));
static void add_header(struct rest_call *c, const char *name, const char *fmt, ...)
{
    struct rest_header *h = &c->headers[c->n_headers++];
    va_list ap;

    h->name = name;
    va_start(ap, fmt);
    vsnprintf(h->value, sizeof(h->value), fmt, ap);
    va_end(ap);
}

static void record(struct rest_call *c)
{
    struct buf b;
    size_t len;
    const char *body = httpd_body(c->req, &len);
    const char *reason = httpd_header(c->req, "X-Audit-Log-Reason");

    buf_init(&b, 0);
    buf_puts(&b, ",\"method\":");
    render_string(&b, httpd_method(c->req));
    buf_puts(&b, ",\"path\":");
    render_string(&b, c->path);
    buf_puts(&b, ",\"reason\":");
    render_string(&b, reason);
    buf_puts(&b, ",\"user_agent\":");
    render_string(&b, httpd_header(c->req, "User-Agent"));
    buf_puts(&b, ",\"body\":");
    if (len > 0)
        buf_put_json(&b, body, len);
    else
        buf_puts(&b, "null");
    buf_printf(&b, ",\"status\":%u", c->status);
    sim_record(c->sim, "rest", "%s", buf_cstr(&b));
    buf_clear(&b);
}

static void answer(struct rest_call *c)
{
    struct httpd_header headers[HEADERS_MAX + 1];
    size_t n = 0;

    record(c);
    if (buf_len(&c->out) > 0)
        headers[n++] = (struct httpd_header){
            "Content-Type", buf_bytes(&c->out)[0] == '<' ? "text/html" : "application/json"};
    for (size_t i = 0; i < c->n_headers; i++)
        headers[n++] = (struct httpd_header){c->headers[i].name, c->headers[i].value};
    httpd_respond_buf(c->req, c->status, headers, n, &c->out);
    json_free(&c->body);
    buf_clear(&c->out);
}

/* --- rate limits ------------------------------------------------------------------------------ */

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
    add_header(c, "Retry-After", "%.0f", ceil(after_s));
    add_header(c, "X-RateLimit-Scope", "%s", scope);
    if (global)
        add_header(c, "X-RateLimit-Global", "true");
    buf_printf(&c->out,
               "{\"message\":\"You are being rate limited.\",\"retry_after\":%.3f,\"global\":%s,"
               "\"code\":0}",
               after_s, global ? "true" : "false");
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
    add_header(c, "X-RateLimit-Limit", "%u", limit);
    add_header(c, "X-RateLimit-Remaining", "%u", b->used < limit ? limit - b->used : 0);
    add_header(c, "X-RateLimit-Reset", "%.3f", (double)(clock_unix().ms + left_ms) / 1000.0);
    add_header(c, "X-RateLimit-Reset-After", "%.3f", (double)left_ms / 1000.0);
    add_header(c, "X-RateLimit-Bucket", "%016llx", (unsigned long long)hash);
    if (b->used <= limit)
        return true;
    too_many(c, (double)left_ms / 1000.0, false, "user");
    return false;
}

/* --- the checks ------------------------------------------------------------------------------- */

static bool good_agent(const struct rest_call *c)
{
    const char *agent = httpd_header(c->req, "User-Agent");

    return !c->sim->config.check_user_agent ||
           (agent && strncmp(agent, "DiscordBot (", 12) == 0 && strchr(agent, ')'));
}

static bool good_token(const struct rest_call *c)
{
    const char *auth = httpd_header(c->req, "Authorization");

    return auth && strncmp(auth, "Bot ", 4) == 0 && strcmp(auth + 4, c->sim->config.token) == 0;
}

/* True if a fault was asked for and this request took it. */
static bool refused(struct rest_call *c)
{
    struct sim_faults *f = &c->sim->faults;

    if (f->refuse_rest == 0 || (f->refuse_rest_path && !strstr(c->path, f->refuse_rest_path)))
        return false;
    f->refuse_rest--;
    c->status = f->refuse_rest_status;
    if (c->status == 0) {
        record(c);
        httpd_abort(c->req);
        buf_clear(&c->out);
        return true;
    }
    if (c->status == 429)
        too_many(c, f->refuse_rest_retry_after, false, "user");
    else if (c->status >= 500)
        buf_puts(&c->out, "<html><body>bad gateway</body></html>");
    else
        rest_error(c, c->status, 0, "refused on request");
    answer(c);
    return true;
}

static bool read_body(struct rest_call *c)
{
    size_t len;
    const char *text = httpd_body(c->req, &len);
    const char *type = httpd_header(c->req, "Content-Type");

    if (len == 0)
        return true;
    if (!type || strncmp(type, "application/json", 16) != 0) {
        rest_error(c, 400, 50035, "Invalid Form Body");
        return false;
    }
    c->body = json_parse_exact(text, len, NULL);
    if (!c->body)
        rest_error(c, 400, 50109, "The request body contains invalid JSON.");
    return c->body != NULL;
}

/* --- routing ---------------------------------------------------------------------------------- */

static void split(struct rest_call *c)
{
    char *p = c->split;

    snprintf(c->split, sizeof(c->split), "%s", c->path);
    while (p && c->n_segments < REST_SEGMENTS_MAX) {
        char *slash = strchr(p, '/');

        if (slash)
            *slash++ = '\0';
        if (*p)
            c->segments[c->n_segments++] = p;
        p = slash;
    }
}

/* Whether the path fits; '*' stands for any segment. */
static bool fits(const struct rest_call *c, const char *pattern)
{
    size_t i = 0;

    for (const char *p = pattern; *p; i++) {
        size_t n = strcspn(p, "/");

        if (i >= c->n_segments || !((n == 1 && *p == '*') || (strlen(c->segments[i]) == n &&
                                                              strncmp(c->segments[i], p, n) == 0)))
            return false;
        p += n;
        if (*p)
            p++;
    }
    return i == c->n_segments;
}

static const struct rest_route *find_route(struct rest_call *c)
{
    bool path_known = false;

    for (const struct rest_route *r = rest_routes; r->method; r++) {
        if (!fits(c, r->path))
            continue;
        path_known = true;
        if (strcmp(r->method, httpd_method(c->req)) == 0)
            return r;
    }
    if (path_known)
        rest_error(c, 405, 0, "405: Method Not Allowed");
    else
        rest_error(c, 404, 0, "404: Not Found");
    return NULL;
}

static void run(struct rest_call *c)
{
    const struct rest_route *route = find_route(c);

    if (!route)
        return;
    if (route->needs_token && !good_token(c))
        rest_error(c, 401, 0, "401: Unauthorized");
    else if (within_global(c) && within_bucket(c, route) && read_body(c))
        route->fn(c);
}

void rest_handle(struct sim *sim, struct httpd_request *req)
{
    const char *path = httpd_path(req);
    struct rest_call c = {.sim = sim, .w = &sim->world, .req = req, .status = 200};

    buf_init(&c.out, 0);
    /* "/api/v10/x" and "/api/x" */
    c.path = path + strlen("/api");
    if (strncmp(c.path, "/v", 2) == 0 && strchr(c.path + 1, '/'))
        c.path = strchr(c.path + 1, '/');
    split(&c);
    if (refused(&c))
        return;
    if (!good_agent(&c))
        rest_error(&c, 403, 40333, "internal network error");
    else
        run(&c);
    answer(&c);
}
