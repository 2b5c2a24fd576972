/* The control calls that break connections, sessions and what comes next. Called by control.c.
 * Diagnostics: what is wrong with a call is told to the caller. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "presence/clock.h"
#include "sim/control_call.h"
#include "sim/gateway.h"

/* --- choosing connections --------------------------------------------------------------------- */

static bool chosen(const struct control_call *c, const struct session *s, uint64_t conn)
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

typedef void conn_fn(struct control_call *c, struct conn *conn);

static void for_conns(struct control_call *c, conn_fn *fn)
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

static void drop_one(struct control_call *c, struct conn *conn)
{
    static const char victim[] = "{\"t\":\"TYPING_START\",\"s\":1,\"op\":0,\"d\":{}}";
    int64_t mid = json_int(json_get(c->args, "mid"), 0);

    if (mid > 0) {
        conn->reset_after = (uint32_t)mid;
        gateway_send_text(conn, victim, sizeof(victim) - 1, 0);
        return;
    }
    conn->closing = true;
    if (json_bool(json_get(c->args, "fin"), false))
        ws_conn_hangup(conn->ws);
    else
        ws_conn_reset(conn->ws);
}

void control_drop(struct control_call *c)
{
    for_conns(c, drop_one);
}

static void close_one(struct control_call *c, struct conn *conn)
{
    int64_t code = json_int(json_get(c->args, "code"), 4000);

    if (code < 1000 || code > 4999)
        c->error = xstrdup("code: expected 1000 to 4999");
    else
        gateway_close(conn, (unsigned)code,
                      json_string(json_get(c->args, "reason"), "Closed on request."));
}

void control_close(struct control_call *c)
{
    for_conns(c, close_one);
}

static void op_one(struct control_call *c, struct conn *conn)
{
    int64_t op = json_int(json_get(c->args, "op"), 0);
    bool resumable = json_bool(json_get(c->args, "resumable"), false);

    if (op == 9) {
        gateway_send(conn, "{\"t\":null,\"s\":null,\"op\":9,\"d\":%s}",
                     resumable ? "true" : "false");
        gateway_detach(conn, !resumable);
    } else if (op == 7 || op == 1) {
        conn->beat_asked |= op == 1;
        if (op == 7)
            conn->close_at_ms = clock_mono().ms + RECONNECT_MS;
        gateway_send(conn, "{\"t\":null,\"s\":null,\"op\":%d,\"d\":null}", (int)op);
    } else if (!c->error) {
        c->error = xstrdup("op: expected 1, 7 or 9");
    }
}

void control_op(struct control_call *c)
{
    for_conns(c, op_one);
}

static void stall_one(struct control_call *c, struct conn *conn)
{
    const struct json *acks = json_get(c->args, "acks"), *sending = json_get(c->args, "sending"),
                      *reading = json_get(c->args, "reading");

    conn->stall_acks = json_bool(acks, conn->stall_acks);
    conn->stall_sending = json_bool(sending, conn->stall_sending);
    if (json_is_bool(reading))
        ws_conn_read(conn->ws, !json_bool(reading, false));
    gateway_wake(conn);
}

void control_stall(struct control_call *c)
{
    for_conns(c, stall_one);
}

static void duplicate_one(struct control_call *c, struct conn *conn)
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

void control_duplicate(struct control_call *c)
{
    for_conns(c, duplicate_one);
}

static void fragment_one(struct control_call *c, struct conn *conn)
{
    conn->fragment = c->sim->faults.fragment;
    conn->trickle = c->sim->faults.trickle;
}

void control_fragment(struct control_call *c)
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

static void raw_dispatch(struct control_call *c, struct conn *conn)
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

static void raw_one(struct control_call *c, struct conn *conn)
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

void control_raw(struct control_call *c)
{
    for_conns(c, raw_one);
}

void control_expire(struct control_call *c)
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

void control_refuse(struct control_call *c)
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
        free(f->refuse_rest_scope);
        f->refuse_rest_scope = xstrdup(json_string(json_get(c->args, "scope"), "user"));
        f->refuse_rest_code = (int)json_int(json_get(c->args, "code"), 0);
        f->refuse_rest_after = json_bool(json_get(c->args, "after"), false);
    }
    control_ok(c);
}
