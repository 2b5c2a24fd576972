/* The gateway's way out: HELLO, the session's log, frames, compression, and the faults that break
 * them on request. Called by the WebSocket server, sessions, acts and the control API.
 * Diagnostics: none; what clients do is recorded (GET /_sim/received). */
#include "sim/gateway.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "presence/clock.h"
#include "sim/load.h"

#define WRITE_MAX   (256u << 10) /* bytes handed to the socket at once */
#define HEAD_USUAL  4u           /* frame header of 126 to 65,535 bytes */
#define LOAD_BATCH  64u
#define QUERY_VALUE 32

/* --- framing ---------------------------------------------------------------------------------- */

/* Appends a message as frames of at most c->fragment bytes. */
static void put_frames(struct conn *c, unsigned opcode, const unsigned char *bytes, size_t len)
{
    unsigned char head[WS_HEADER_MAX];
    size_t at = 0;

    do {
        size_t n = len - at;
        unsigned first = at == 0 ? opcode : WS_OP_CONTINUATION;

        if (c->fragment && n > c->fragment)
            n = c->fragment;
        if (at + n == len)
            first |= WS_FIN;
        buf_append(&c->out, head, ws_frame_header(head, first, n));
        buf_append(&c->out, bytes + at, n);
        at += n;
    } while (at < len);
}

/* Frames (and compresses) what lies in c->scratch. */
static void put_scratch(struct conn *c, size_t cut)
{
    if (!c->deflater) {
        put_frames(c, WS_OP_TEXT, buf_bytes(&c->scratch),
                   buf_len(&c->scratch) > cut ? buf_len(&c->scratch) - cut : 0);
        return;
    }
    buf_reset(&c->packed);
    deflater_put(c->deflater, buf_bytes(&c->scratch), buf_len(&c->scratch), &c->packed);
    put_frames(c, WS_OP_BINARY, buf_bytes(&c->packed),
               buf_len(&c->packed) > cut ? buf_len(&c->packed) - cut : 0);
}

/* The common case without a copy: the payload is rendered behind room for its header. */
static void put_entry_plain(struct conn *c, uint64_t seq)
{
    static const unsigned char room[HEAD_USUAL];
    unsigned char head[WS_HEADER_MAX];
    size_t at = c->out.end, len, n;

    buf_append(&c->out, room, sizeof(room));
    session_render(c->sim, c->session, seq, &c->out);
    len = c->out.end - at - sizeof(room);
    n = ws_frame_header(head, WS_OP_TEXT | WS_FIN, len);
    if (n > HEAD_USUAL)
        buf_append(&c->out, head, n - HEAD_USUAL); /* makes room */
    if (n != HEAD_USUAL)
        memmove(c->out.data + at + n, c->out.data + at + HEAD_USUAL, len);
    memcpy(c->out.data + at, head, n);
    c->out.end = at + n + len;
}

static void put_entry(struct conn *c, uint64_t seq)
{
    if (!c->deflater && !c->fragment) {
        put_entry_plain(c, seq);
        return;
    }
    buf_reset(&c->scratch);
    session_render(c->sim, c->session, seq, &c->scratch);
    put_scratch(c, 0);
}

void gateway_wake(struct conn *c)
{
    if (c->wants_write || c->stall_sending || c->closing)
        return;
    c->wants_write = true;
    ws_conn_want_write(c->ws);
}

void gateway_send_text(struct conn *c, const char *text, size_t len, size_t cut)
{
    buf_reset(&c->scratch);
    buf_append(&c->scratch, text, len);
    put_scratch(c, cut);
    gateway_wake(c);
}

void gateway_send_wire(struct conn *c, const void *bytes, size_t len, bool framed)
{
    if (framed)
        put_frames(c, c->deflater ? WS_OP_BINARY : WS_OP_TEXT, bytes, len);
    else
        buf_append(&c->out, bytes, len);
    gateway_wake(c);
}

void gateway_send(struct conn *c, const char *fmt, ...)
{
    va_list ap;

    buf_reset(&c->scratch);
    va_start(ap, fmt);
    buf_vprintf(&c->scratch, fmt, ap);
    va_end(ap);
    put_scratch(c, 0);
    gateway_wake(c);
}

/* --- pumping the log -------------------------------------------------------------------------- */

static void tell_truth(struct sim *sim, const struct entry *e, bool again, int64_t now_ms)
{
    uint32_t row;

    if (e->what == ENTRY_STORED) {
        if (e->u.stored->row != NONE)
            truth_delivered(&sim->truth, e->u.stored->row, e->u.stored->event, again, now_ms);
        return;
    }
    if (e->what < ENTRY_MESSAGE || !e->kind)
        return;
    row = truth_find(&sim->truth, e->guild, sim->world.guilds[e->guild].members[e->member].user,
                     load_channel(sim, e), e->kind);
    truth_delivered(&sim->truth, row, e->u.id, again, now_ms);
}

static void pump(struct conn *c)
{
    struct session *s = c->session;
    int64_t now_ms = clock_unix().ms;

    while (buf_len(&c->out) < WRITE_MAX) {
        if (s->sent_seq == s->last_seq && load_fill(c->sim, s, LOAD_BATCH) == 0)
            return;
        if (s->sent_seq + 1 < s->first_seq) {
            /* The client reads more slowly than the replay buffer is long. */
            session_kill(s);
            gateway_close(c, 4000, "too far behind");
            return;
        }
        s->sent_seq++;
        put_entry(c, s->sent_seq);
        tell_truth(c->sim, session_entry(s, s->sent_seq), s->sent_seq <= s->sent_max, now_ms);
        if (s->sent_seq > s->sent_max)
            s->sent_max = s->sent_seq;
    }
}

static void on_writable(void *arg, struct ws_conn *ws)
{
    struct conn *c = ws_conn_user(ws);
    unsigned char *bytes;
    size_t len;

    (void)arg;
    if (!c)
        return;
    c->wants_write = false;
    if (c->stall_sending || c->closing)
        return;
    if (c->session)
        pump(c);
    bytes = buf_bytes(&c->out);
    len = buf_len(&c->out);
    if (len == 0)
        return;
    if (c->reset_after) {
        ws_conn_write(ws, bytes, len < c->reset_after ? len : c->reset_after);
        c->closing = true;
        ws_conn_reset(ws);
        return;
    }
    if ((c->trickle ? ws_conn_trickle : ws_conn_write)(ws, bytes, len))
        return;
    buf_reset(&c->out);
    gateway_wake(c); /* asks for more only once the socket took this */
}

/* --- opening and closing ---------------------------------------------------------------------- */

static bool query_value(const char *query, const char *key, char value[QUERY_VALUE])
{
    size_t n = strlen(key);

    for (const char *p = query; p && *p; p = strchr(p, '&') ? strchr(p, '&') + 1 : NULL) {
        if (strncmp(p, key, n) != 0 || p[n] != '=')
            continue;
        p += n + 1;
        n = strcspn(p, "&");
        if (n >= QUERY_VALUE)
            n = QUERY_VALUE - 1;
        memcpy(value, p, n);
        value[n] = '\0';
        return true;
    }
    return false;
}

static int on_filter(void *arg, const char *path, const char *query)
{
    struct sim *sim = arg;
    struct buf b;

    if (sim->faults.refuse_connects == 0)
        return 0;
    sim->faults.refuse_connects--;
    buf_init(&b, 0);
    buf_put_json(&b, path, strlen(path));
    buf_puts(&b, ",\"query\":");
    buf_put_json(&b, query, strlen(query));
    sim_record(sim, "refused_connect", ",\"path\":%s", buf_cstr(&b));
    buf_clear(&b);
    return sim->faults.refuse_connect_status ? sim->faults.refuse_connect_status : -1;
}

static void set_compression(struct conn *c, const char *query)
{
    char value[QUERY_VALUE];

    c->compress = "none";
    if (!query_value(query, "compress", value))
        return;
    if (strcmp(value, "zlib-stream") == 0) {
        c->deflater = deflater_new(DEFLATE_ZLIB_STREAM);
        c->compress = "zlib-stream";
    } else if (strcmp(value, "zstd-stream") == 0) {
        c->deflater = deflater_new(DEFLATE_ZSTD_STREAM);
        c->compress = "zstd-stream";
    }
}

static void on_open(void *arg, struct ws_conn *ws, const char *query)
{
    static uint64_t counter;
    struct sim *sim = arg;
    struct conn *c = xcalloc(1, sizeof(*c));
    char version[QUERY_VALUE] = "", encoding[QUERY_VALUE] = "json";

    *c = (struct conn){.sim = sim, .ws = ws, .number = ++counter, .next = sim->conns};
    c->opened_ms = clock_mono().ms;
    c->fragment = sim->faults.fragment;
    c->trickle = sim->faults.trickle;
    if (c->next)
        c->next->prev = c;
    sim->conns = c;
    ws_conn_set_user(ws, c);
    set_compression(c, query);
    query_value(query, "v", version);
    query_value(query, "encoding", encoding);
    sim_record(sim, "connect",
               ",\"conn\":%llu,\"v\":\"%s\",\"encoding\":\"%s\",\"compress\":\"%s\"",
               (unsigned long long)c->number,
               version[0] == '1' ? "10"
               : version[0]      ? "other"
                                 : "",
               strcmp(encoding, "json") == 0 ? "json" : "other", c->compress);
    if (strcmp(version, "10") != 0) {
        gateway_close(c, 4012, "Invalid API version.");
        return;
    }
    if (strcmp(encoding, "json") != 0) {
        gateway_close(c, 4002, "Only encoding=json is served.");
        return;
    }
    gateway_send(c,
                 "{\"t\":null,\"s\":null,\"op\":10,\"d\":{\"heartbeat_interval\":%lld,"
                 "\"_trace\":[\"presence-sim\"]}}",
                 (long long)sim->config.heartbeat_ms);
}

static void on_message(void *arg, struct ws_conn *ws, const char *bytes, size_t len, bool binary)
{
    (void)arg;
    (void)binary; /* some libraries send their JSON so */
    gateway_payload(ws_conn_user(ws), bytes, len);
}

static void on_oversize(void *arg, struct ws_conn *ws)
{
    struct conn *c = ws_conn_user(ws);

    (void)arg;
    sim_record(c->sim, "oversize", ",\"conn\":%llu", (unsigned long long)c->number);
    gateway_close(c, 4002, "Error while decoding payload.");
}

void gateway_detach(struct conn *c, bool kill_session)
{
    struct session *s = c->session;

    if (!s)
        return;
    c->session = NULL;
    s->conn = NULL;
    s->away_since_ms = clock_mono().ms;
    if (kill_session || s->forgotten)
        session_kill(s);
}

static void on_closed(void *arg, struct ws_conn *ws, unsigned code)
{
    struct sim *sim = arg;
    struct conn *c = ws_conn_user(ws);

    if (!c)
        return;
    sim_record(sim, "disconnect", ",\"conn\":%llu,\"code\":%u,\"session\":\"%s\"",
               (unsigned long long)c->number, code, c->session ? c->session->id : "");
    gateway_detach(c, code == 1000 || code == 1001);
    if (c->prev)
        c->prev->next = c->next;
    else
        sim->conns = c->next;
    if (c->next)
        c->next->prev = c->prev;
    ws_conn_set_user(ws, NULL);
    deflater_free(&c->deflater);
    buf_clear(&c->out);
    buf_clear(&c->scratch);
    buf_clear(&c->packed);
    free(c);
    load_poke(sim);
}

void gateway_close(struct conn *c, unsigned code, const char *reason)
{
    c->closing = true;
    ws_conn_close(c->ws, code, reason);
}

const struct ws_server_handlers gateway_handlers = {.filter = on_filter,
                                                    .open = on_open,
                                                    .message = on_message,
                                                    .oversize = on_oversize,
                                                    .writable = on_writable,
                                                    .closed = on_closed};
