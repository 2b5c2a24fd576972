/* The control API. Called by the HTTP listener for paths under /_sim/.
 * Diagnostics: what is wrong with a call is told to the caller. */
#include "sim/control.h"

#include <stdlib.h>
#include <string.h>

#include "presence/log.h"
#include "sim/act.h"
#include "sim/options.h"
#include "sim/control_call.h"
#include "sim/gateway.h"
#include "sim/load.h"
#include "sim/received.h"
#include "sim/render.h"

struct endpoint {
    const char *method, *path;
    void (*fn)(struct control_call *c);
};

void control_ok(struct control_call *c)
{
    buf_puts(&c->out, "{\"ok\":true}");
}

/* --- acts, settings, load --------------------------------------------------------------------- */

static void do_act(struct control_call *c)
{
    c->status = act_run(c->sim, c->args, &c->out);
}

static void do_config(struct control_call *c)
{
    if (options_apply(c->sim, c->args, &c->error) == 0)
        control_ok(c);
}

static void get_state(struct control_call *c)
{
    unsigned live = 0;

    for (size_t i = 0; i < c->sim->n_sessions; i++)
        live += c->sim->sessions[i]->conn != NULL;
    buf_printf(&c->out, "{\"gateway\":\"%s\",\"http\":\"%s\",\"connected\":%u,\"load\":",
               c->sim->gateway_url, c->sim->http_url, live);
    load_print(c->sim, &c->out);
    buf_putc(&c->out, '}');
}

static void get_config(struct control_call *c)
{
    options_print(c->sim, &c->out);
}

static void do_load(struct control_call *c)
{
    struct load_plan plan = load_plan_from(c->args);

    if (load_start(c->sim, &plan, &c->error) == 0)
        control_ok(c);
}

static void get_load(struct control_call *c)
{
    load_print(c->sim, &c->out);
}

static void do_load_stop(struct control_call *c)
{
    load_stop(c->sim);
    load_print(c->sim, &c->out);
}

static void do_stop(struct control_call *c)
{
    loop_stop(c->sim->loop);
    control_ok(c);
}

/* --- reports ---------------------------------------------------------------------------------- */

static void get_received(struct control_call *c)
{
    const char *since = httpd_query(c->req, "since");

    received_print(c->sim, since ? strtoull(since, NULL, 10) : 0, httpd_query(c->req, "what"),
                   &c->out);
}

static void get_sessions(struct control_call *c)
{
    buf_putc(&c->out, '[');
    for (size_t i = 0; i < c->sim->n_sessions; i++) {
        const struct session *s = c->sim->sessions[i];

        buf_printf(
            &c->out,
            "%s{\"id\":\"%s\",\"shard\":[%u,%u],\"intents\":%u,\"connected\":%s,\"conn\":%lld,"
            "\"compress\":\"%s\",\"dead\":%s,\"first_seq\":%llu,\"last_seq\":%llu,"
            "\"sent_seq\":%llu,\"sent_max\":%llu,\"resumes\":%llu}",
            i ? "," : "", s->id, s->shard, s->shards, s->intents, s->conn ? "true" : "false",
            s->conn ? (long long)s->conn->number : -1, s->conn ? s->conn->compress : "",
            s->dead ? "true" : "false", (unsigned long long)s->first_seq,
            (unsigned long long)s->last_seq, (unsigned long long)s->sent_seq,
            (unsigned long long)s->sent_max, (unsigned long long)s->resumes);
    }
    buf_putc(&c->out, ']');
}

static void put_world_members(const struct world *w, const struct guild *g, struct buf *out)
{
    buf_puts(out, ",\"members\":[");
    for (uint32_t i = 0; i < g->n_members; i++) {
        buf_printf(out, "%s{\"index\":%u,\"left\":%s,\"id\":", i ? "," : "", i,
                   g->members[i].state & MEMBER_LEFT ? "true" : "false");
        render_id(out, w->users[g->members[i].user].id);
        buf_puts(out, ",\"name\":");
        render_user_name(w, g->members[i].user, out);
        buf_putc(out, '}');
    }
    buf_putc(out, ']');
}

static void put_world_guild(const struct world *w, const struct guild *g, bool members,
                            struct buf *out)
{
    buf_printf(out, "{\"id\":\"%llu\",\"name\":", (unsigned long long)g->id);
    render_string(out, g->name);
    buf_printf(out, ",\"present\":%s,\"member_count\":%u,\"channels\":[",
               g->present ? "true" : "false", g->alive);
    for (uint32_t i = 0; i < g->n_channels; i++) {
        buf_printf(out, "%s{\"index\":%u,\"id\":\"%llu\",\"type\":%d,\"name\":", i ? "," : "", i,
                   (unsigned long long)g->channels[i].id, g->channels[i].type);
        render_string(out, g->channels[i].name);
        buf_putc(out, '}');
    }
    buf_puts(out, "],\"roles\":[");
    for (uint32_t i = 0; i < g->n_roles; i++) {
        buf_printf(out, "%s{\"index\":%u,\"id\":\"%llu\",\"name\":", i ? "," : "", i,
                   (unsigned long long)g->roles[i].id);
        render_string(out, g->roles[i].name);
        buf_putc(out, '}');
    }
    buf_putc(out, ']');
    if (members)
        put_world_members(w, g, out);
    buf_putc(out, '}');
}

static void get_world(struct control_call *c)
{
    const struct world *w = &c->sim->world;
    bool members = httpd_query(c->req, "members") != NULL;

    buf_printf(&c->out, "{\"self\":\"%llu\",\"guilds\":[",
               (unsigned long long)w->users[SELF_USER].id);
    for (uint32_t i = 0; i < w->n_guilds; i++) {
        if (i)
            buf_putc(&c->out, ',');
        put_world_guild(w, &w->guilds[i], members, &c->out);
    }
    buf_puts(&c->out, "]}");
}

static bool asked_for(const char *list, const char *what)
{
    return !list || strstr(list, what) != NULL;
}

static void get_truth(struct control_call *c)
{
    const struct truth *t = &c->sim->truth;
    const struct world *w = &c->sim->world;
    const char *id = httpd_query(c->req, "guild"), *what = httpd_query(c->req, "what");
    uint32_t guild = id ? world_guild(w, strtoull(id, NULL, 10)) : NONE;

    if (id && guild == NONE) {
        c->error = xstrdup("guild: no such guild");
        return;
    }
    if (httpd_query(c->req, "summary")) {
        truth_print_summary(t, &c->out);
        return;
    }
    if (asked_for(what, "summary")) {
        struct buf summary;

        buf_init(&summary, 0);
        truth_print_summary(t, &summary);
        buf_printf(&c->out, "{\"row\":\"summary\",%s\n", buf_cstr(&summary) + 1);
        buf_clear(&summary);
    }
    if (asked_for(what, "count"))
        truth_print_rows(t, w, guild, &c->out);
    if (asked_for(what, "member"))
        truth_print_members(t, w, guild, &c->out);
    if (asked_for(what, "voice"))
        truth_print_voice(t, w, guild, &c->out);
    if (asked_for(what, "roster"))
        truth_print_roster(w, guild, &c->out);
}

static const struct endpoint endpoints[] = {
    {"POST", "act", do_act},
    {"POST", "raw", control_raw},
    {"POST", "drop", control_drop},
    {"POST", "close", control_close},
    {"POST", "op", control_op},
    {"POST", "stall", control_stall},
    {"POST", "duplicate", control_duplicate},
    {"POST", "fragment", control_fragment},
    {"POST", "expire", control_expire},
    {"POST", "refuse", control_refuse},
    {"POST", "config", do_config},
    {"GET", "config", get_config},
    {"POST", "load", do_load},
    {"GET", "load", get_load},
    {"POST", "load/stop", do_load_stop},
    {"POST", "stop", do_stop},
    {"GET", "received", get_received},
    {"GET", "sessions", get_sessions},
    {"GET", "state", get_state},
    {"GET", "world", get_world},
    {"GET", "truth", get_truth},
};

static void answer(struct control_call *c)
{
    struct httpd_header type = {"Content-Type", "application/json"};

    if (c->error) {
        buf_reset(&c->out);
        buf_puts(&c->out, "{\"ok\":false,\"error\":");
        render_string(&c->out, c->error);
        buf_putc(&c->out, '}');
        c->status = 400;
    }
    httpd_respond_buf(c->req, c->status, &type, 1, &c->out);
    buf_clear(&c->out);
    free(c->error);
}

void control_handle(struct sim *sim, struct httpd_request *req)
{
    const char *path = httpd_path(req) + strlen("/_sim/");
    struct control_call c = {.sim = sim, .req = req, .status = 200};
    struct json *args = NULL;
    const struct endpoint *found = NULL;
    size_t len;
    const char *body = httpd_body(req, &len);

    buf_init(&c.out, 0);
    for (size_t i = 0; i < sizeof(endpoints) / sizeof(endpoints[0]); i++)
        if (strcmp(endpoints[i].path, path) == 0 &&
            strcmp(endpoints[i].method, httpd_method(req)) == 0)
            found = &endpoints[i];
    if (strncmp(httpd_peer(req), "127.", 4) != 0)
        c.error = xstrdup("the control API is for the loopback only");
    else if (!found)
        c.error = xasprintf("no control call %s %s", httpd_method(req), path);
    else if (len > 0 && !(args = json_parse(body, len, &c.error)))
        log_debug("control_body", "%s", c.error);
    else if (args && !json_is_object(args))
        c.error = xstrdup("expected an object");
    c.args = args;
    if (!c.error)
        found->fn(&c);
    answer(&c);
    json_free(&args);
}
