/* REST: routing, the checks every call goes through (agent, token, limits, faults), error bodies.
 * The routes themselves are in rest_routes.c. Called by the HTTP listener. Diagnostics: none; every
 * request is recorded (GET /_sim/received). */
#include "sim/rest.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "presence/clock.h"
#include "sim/render.h"
#include "sim/rest_call.h"

#define HEADERS_MAX 12

/* --- answering -------------------------------------------------------------------------------- */

void rest_error(struct rest_call *c, unsigned status, int code, const char *message)
{
    c->status = status;
    buf_reset(&c->out);
    buf_puts(&c->out, "{\"message\":");
    render_string(&c->out, message);
    buf_printf(&c->out, ",\"code\":%d}", code);
}

void rest_header(struct rest_call *c, const char *name, const char *fmt, ...)
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
    if (c->status == 0) {
        httpd_abort(c->req);
        json_free(&c->body);
        buf_clear(&c->out);
        return;
    }
    if (buf_len(&c->out) > 0)
        headers[n++] = (struct httpd_header){
            "Content-Type", buf_bytes(&c->out)[0] == '<' ? "text/html" : "application/json"};
    for (size_t i = 0; i < c->n_headers; i++)
        headers[n++] = (struct httpd_header){c->headers[i].name, c->headers[i].value};
    httpd_respond_buf(c->req, c->status, headers, n, &c->out);
    json_free(&c->body);
    buf_clear(&c->out);
}

/* --- the checks ------------------------------------------------------------------------------- */

/* Calls that need no bot come from anything that speaks HTTP. */
static bool by_webhook(const struct rest_call *c)
{
    return c->n_segments > 0 &&
           (!strcmp(c->segments[0], "webhooks") || !strcmp(c->segments[0], "interactions"));
}

static bool good_agent(const struct rest_call *c)
{
    const char *agent = httpd_header(c->req, "User-Agent");

    return !c->sim->config.check_user_agent || by_webhook(c) ||
           (agent && strncmp(agent, "DiscordBot (", 12) == 0 && strchr(agent, ')'));
}

static bool good_token(const struct rest_call *c)
{
    const char *auth = httpd_header(c->req, "Authorization");

    return auth && strncmp(auth, "Bot ", 4) == 0 && strcmp(auth + 4, c->sim->config.token) == 0;
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

static const struct rest_route *const tables[] = {
    rest_read_routes,        rest_member_routes, rest_message_routes, rest_command_routes,
    rest_interaction_routes, rest_file_routes,   rest_history_routes};

static const struct rest_route *find_route(struct rest_call *c)
{
    bool path_known = false;

    for (size_t t = 0; t < sizeof(tables) / sizeof(tables[0]); t++)
        for (const struct rest_route *r = tables[t]; r->method; r++) {
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
    else if (rest_within_limits(c, route) && rest_read_body(c))
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
    if (!rest_fault(&c, false)) {
        if (!good_agent(&c))
            rest_error(&c, 403, 40333, "internal network error");
        else
            run(&c);
        rest_fault(&c, true);
    }
    answer(&c);
}
