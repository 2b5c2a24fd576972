/* The control API. Called by the HTTP listener for paths under /_sim/.
 * Diagnostics: what is wrong with a call is told to the caller. */
#include "sim/control.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "presence/log.h"
#include "sim/act.h"
#include "sim/config.h"
#include "sim/gateway.h"
#include "sim/load.h"
#include "sim/received.h"
#include "sim/render.h"

struct call {
    struct sim *sim;
    struct httpd_request *req;
    const struct json *args; /* NULL for GET */
    unsigned status;
    struct buf out;
    char *error; /* owned */
};

struct endpoint {
    const char *method, *path;
    void (*fn)(struct call *c);
};

static void put_ok(struct call *c)
{
    buf_puts(&c->out, "{\"ok\":true}");
}

/* --- choosing connections --------------------------------------------------------------------- */

static bool chosen(const struct call *c, const struct session *s, uint64_t conn)
{
    const struct json *shard = json_get(c->args, "shard");
    const char *id = json_string(json_get(c->args, "session"), NULL);
    const struct json *number = json_get(c->args, "conn");

    if (shard && (!s || json_int(shard, -1) != s->shard))
        return false;
    if (id && (!s || strcmp(id, s->id) != 0))
        return false;
    return !number || json_int(number, -1) == (int64_t)conn;
}

typedef void conn_fn(struct call *c, struct conn *conn);

static void for_conns(struct call *c, conn_fn *fn)
{
    unsigned n = 0;
    struct conn *next;

    for (struct conn *conn = c->sim->conns; conn; conn = next) {
        next = conn->next;
        if (conn->closing || !chosen(c, conn->session, conn->number))
            continue;
        fn(c, conn);
        n++;
    }
    if (!c->error)
        buf_printf(&c->out, "{\"ok\":true,\"conns\":%u}", n);
}

/* --- faults of connections -------------------------------------------------------------------- */

static void drop_one(struct call *c, struct conn *conn)
{
    conn->closing = true;
    if (json_bool(json_get(c->args, "fin"), false))
        ws_conn_hangup(conn->ws);
    else
        ws_conn_reset(conn->ws);
}

static void do_drop(struct call *c)
{
    for_conns(c, drop_one);
}

static void close_one(struct call *c, struct conn *conn)
{
    int64_t code = json_int(json_get(c->args, "code"), 4000);

    if (code < 1000 || code > 4999)
        c->error = xstrdup("code: expected 1000 to 4999");
    else
        gateway_close(conn, (unsigned)code,
                      json_string(json_get(c->args, "reason"), "Closed on request."));
}

static void do_close(struct call *c)
{
    for_conns(c, close_one);
}

static void op_one(struct call *c, struct conn *conn)
{
    int64_t op = json_int(json_get(c->args, "op"), 0);
    bool resumable = json_bool(json_get(c->args, "resumable"), false);

    if (op == 9) {
        gateway_send(conn, "{\"t\":null,\"s\":null,\"op\":9,\"d\":%s}",
                     resumable ? "true" : "false");
        gateway_detach(conn, !resumable);
    } else if (op == 7 || op == 1) {
        conn->beat_asked |= op == 1;
        gateway_send(conn, "{\"t\":null,\"s\":null,\"op\":%d,\"d\":null}", (int)op);
    } else if (!c->error) {
        c->error = xstrdup("op: expected 1, 7 or 9");
    }
}

static void do_op(struct call *c)
{
    for_conns(c, op_one);
}

static void stall_one(struct call *c, struct conn *conn)
{
    const struct json *acks = json_get(c->args, "acks"), *sending = json_get(c->args, "sending"),
                      *reading = json_get(c->args, "reading");

    conn->stall_acks = json_bool(acks, conn->stall_acks);
    conn->stall_sending = json_bool(sending, conn->stall_sending);
    if (json_is_bool(reading))
        ws_conn_read(conn->ws, !json_bool(reading, false));
    gateway_wake(conn);
}

static void do_stall(struct call *c)
{
    for_conns(c, stall_one);
}

static void duplicate_one(struct call *c, struct conn *conn)
{
    struct session *s = conn->session;
    struct buf b;

    if (!s || s->sent_seq < s->first_seq || s->sent_seq == 0)
        return;
    buf_init(&b, 0);
    session_render(c->sim, s, s->sent_seq, &b);
    gateway_send_text(conn, (const char *)buf_bytes(&b), buf_len(&b), 0);
    buf_clear(&b);
}

static void do_duplicate(struct call *c)
{
    for_conns(c, duplicate_one);
}

static void fragment_one(struct call *c, struct conn *conn)
{
    conn->fragment = c->sim->faults.fragment;
    conn->trickle = c->sim->faults.trickle;
}

static void do_fragment(struct call *c)
{
    c->sim->faults.fragment = (uint32_t)json_int(json_get(c->args, "size"), 0);
    c->sim->faults.trickle = json_bool(json_get(c->args, "trickle"), false);
    for_conns(c, fragment_one);
}

static int from_hex(const char *text, struct buf *out)
{
    unsigned byte;

    for (; *text; text += 2) {
        if (!text[1] || sscanf(text, "%2x", &byte) != 1)
            return -1;
        buf_putc(out, (char)byte);
    }
    return 0;
}

static void raw_dispatch(struct call *c, struct conn *conn)
{
    struct stored *stored;
    struct buf d;

    if (!conn->session)
        return;
    buf_init(&d, 0);
    json_print(json_get(c->args, "d"), &d);
    stored = stored_new(c->sim, "", &d, NULL);
    stored->own_type = xstrdup(json_string(json_get(c->args, "t"), ""));
    stored->type = stored->own_type;
    session_append_stored(c->sim, conn->session, stored);
    stored_unref(stored);
}

static void raw_one(struct call *c, struct conn *conn)
{
    const char *text = json_string(json_get(c->args, "text"), NULL);
    const char *hex = json_string(json_get(c->args, "hex"), NULL);
    const char *wire = json_string(json_get(c->args, "wire_hex"), NULL);
    int64_t cut = json_int(json_get(c->args, "cut"), 0);
    struct buf b;

    if (json_is_string(json_get(c->args, "t"))) {
        raw_dispatch(c, conn);
        return;
    }
    buf_init(&b, 0);
    if (text)
        gateway_send_text(conn, text, strlen(text), cut > 0 ? (size_t)cut : 0);
    else if ((hex || wire) && from_hex(hex ? hex : wire, &b) == 0)
        gateway_send_wire(conn, buf_bytes(&b), buf_len(&b), hex != NULL);
    else if (!c->error)
        c->error = xstrdup("expected t and d, text, hex or wire_hex");
    buf_clear(&b);
}

static void do_raw(struct call *c)
{
    for_conns(c, raw_one);
}

static void do_expire(struct call *c)
{
    unsigned n = 0;

    for (size_t i = 0; i < c->sim->n_sessions; i++) {
        struct session *s = c->sim->sessions[i];

        if (s->dead || !chosen(c, s, s->conn ? s->conn->number : 0))
            continue;
        s->forgotten = true;
        if (!s->conn)
            session_kill(s);
        n++;
    }
    buf_printf(&c->out, "{\"ok\":true,\"conns\":%u}", n);
}

static void do_refuse(struct call *c)
{
    struct sim_faults *f = &c->sim->faults;
    int64_t status = json_int(json_get(c->args, "status"), 0);

    if (json_get(c->args, "connects")) {
        f->refuse_connects = (uint32_t)json_int(json_get(c->args, "connects"), 0);
        f->refuse_connect_status = (int)status;
    }
    if (json_get(c->args, "identifies")) {
        f->refuse_identifies = (uint32_t)json_int(json_get(c->args, "identifies"), 0);
        f->refuse_identify_code = (unsigned)json_int(json_get(c->args, "code"), 0);
    }
    if (json_get(c->args, "rest")) {
        const char *path = json_string(json_get(c->args, "path"), NULL);

        f->refuse_rest = (uint32_t)json_int(json_get(c->args, "rest"), 0);
        f->refuse_rest_status = (unsigned)status;
        f->refuse_rest_retry_after = json_double(json_get(c->args, "retry_after"), 1.0);
        free(f->refuse_rest_path);
        f->refuse_rest_path = path ? xstrdup(path) : NULL;
    }
    put_ok(c);
}

/* --- acts, settings, load --------------------------------------------------------------------- */

static void do_act(struct call *c)
{
    c->status = act_run(c->sim, c->args, &c->out);
}

static void do_config(struct call *c)
{
    if (config_apply(c->sim, c->args, &c->error) == 0)
        put_ok(c);
}

static void get_state(struct call *c)
{
    unsigned live = 0;

    for (size_t i = 0; i < c->sim->n_sessions; i++)
        live += c->sim->sessions[i]->conn != NULL;
    buf_printf(&c->out, "{\"gateway\":\"%s\",\"http\":\"%s\",\"connected\":%u,\"load\":",
               c->sim->gateway_url, c->sim->http_url, live);
    load_print(c->sim, &c->out);
    buf_putc(&c->out, '}');
}

static void get_config(struct call *c)
{
    config_print(c->sim, &c->out);
}

static void do_load(struct call *c)
{
    struct load_plan plan = load_plan_from(c->args);

    if (load_start(c->sim, &plan, &c->error) == 0)
        put_ok(c);
}

static void get_load(struct call *c)
{
    load_print(c->sim, &c->out);
}

static void do_load_stop(struct call *c)
{
    load_stop(c->sim);
    load_print(c->sim, &c->out);
}

static void do_stop(struct call *c)
{
    loop_stop(c->sim->loop);
    put_ok(c);
}

/* --- reports ---------------------------------------------------------------------------------- */

static void get_received(struct call *c)
{
    const char *since = httpd_query(c->req, "since");

    received_print(c->sim, since ? strtoull(since, NULL, 10) : 0, httpd_query(c->req, "what"),
                   &c->out);
}

static void get_sessions(struct call *c)
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

static void get_world(struct call *c)
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

static void get_truth(struct call *c)
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
    {"POST", "raw", do_raw},
    {"POST", "drop", do_drop},
    {"POST", "close", do_close},
    {"POST", "op", do_op},
    {"POST", "stall", do_stall},
    {"POST", "duplicate", do_duplicate},
    {"POST", "fragment", do_fragment},
    {"POST", "expire", do_expire},
    {"POST", "refuse", do_refuse},
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

static void answer(struct call *c)
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
    struct call c = {.sim = sim, .req = req, .status = 200};
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
