/* The gateway's way in: what clients send, checked as Discord checks it. Called by gateway.c.
 * Diagnostics: a client's mistakes end in close codes and in the record, never in a log line. */
#include <string.h>

#include "presence/clock.h"
#include "sim/gateway.h"

#define BEATS_GRACE 1.5 /* intervals without a beat before the connection is dropped */

static const char *reason_of(unsigned code)
{
    switch (code) {
    case 4001:
        return "Unknown opcode.";
    case 4002:
        return "Error while decoding payload.";
    case 4003:
        return "Not authenticated.";
    case 4004:
        return "Authentication failed.";
    case 4005:
        return "Already authenticated.";
    case 4007:
        return "Invalid sequence.";
    case 4008:
        return "Rate limited.";
    case 4009:
        return "Session timed out.";
    case 4010:
        return "Invalid shard.";
    case 4011:
        return "Sharding required.";
    case 4013:
        return "Invalid intent(s).";
    case 4014:
        return "Disallowed intent(s).";
    default:
        return "Unknown error.";
    }
}

void gateway_refuse(struct conn *c, unsigned code)
{
    gateway_close(c, code, reason_of(code));
}

/* --- heartbeats ------------------------------------------------------------------------------- */

static void on_heartbeat(struct conn *c, const struct json *d)
{
    int64_t now_ms = clock_mono().ms;
    int64_t due_ms =
        (c->last_beat_ms ? c->last_beat_ms : c->opened_ms) + c->sim->config.heartbeat_ms;
    bool asked = c->beat_asked;

    sim_record(c->sim, "heartbeat", ",\"conn\":%llu,\"seq\":%lld,\"late_ms\":%lld,\"asked\":%s",
               conn_number(c), (long long)json_int(d, -1), (long long)(now_ms - due_ms),
               asked ? "true" : "false");
    c->beat_asked = false;
    if (!asked || !c->last_beat_ms) /* an answer to op 1 does not move the schedule */
        c->last_beat_ms = now_ms;
    if (!c->stall_acks)
        gateway_send(c, "{\"t\":null,\"s\":null,\"op\":11,\"d\":null}");
}

void gateway_check_beats(struct sim *sim)
{
    int64_t now_ms = clock_mono().ms;

    for (struct conn *c = sim->conns; c; c = c->next) {
        int64_t last_ms = c->last_beat_ms ? c->last_beat_ms : c->opened_ms;
        double silent_ms = (double)(now_ms - last_ms);

        if (c->closing)
            continue;
        if (c->close_at_ms && now_ms >= c->close_at_ms)
            gateway_close(c, 4000, "Asked to reconnect.");
        else if (sim->config.enforce_heartbeat &&
                 silent_ms > BEATS_GRACE * (double)sim->config.heartbeat_ms)
            gateway_close(c, 4000, "No heartbeat.");
    }
}

/* --- the rest --------------------------------------------------------------------------------- */

static void on_other(struct conn *c, int64_t op, const struct json *d)
{
    struct buf text;

    buf_init(&text, 0);
    json_print(d, &text);
    sim_record(c->sim, op == 3 ? "presence_update" : "payload",
               ",\"conn\":%llu,\"op\":%lld,\"d\":%s", conn_number(c), (long long)op,
               buf_cstr(&text));
    buf_clear(&text);
}

/* Counts the payload; false if it is one too many. */
static bool within_send_limit(struct conn *c)
{
    int64_t now_ms = clock_mono().ms;
    uint32_t limit = c->sim->config.send_limit, recent = 0;

    c->send_times[c->n_sent++ % SEND_TIMES_MAX] = now_ms;
    for (uint32_t i = 0; i < SEND_TIMES_MAX && i < c->n_sent; i++)
        recent += now_ms - c->send_times[i] < SEND_WINDOW_MS;
    return recent <= limit;
}

static void on_op(struct conn *c, int64_t op, const struct json *d)
{
    if (op == 1) {
        on_heartbeat(c, d);
    } else if (op == 2) {
        gateway_identify(c, d);
    } else if (op == 6) {
        gateway_resume(c, d);
    } else if (op == 3 || op == 4 || op == 8 || op == 31 || op == 43) {
        if (!c->session)
            gateway_refuse(c, 4003);
        else if (op == 8)
            gateway_request_members(c, d);
        else
            on_other(c, op, d);
    } else {
        sim_record(c->sim, "bad_op", ",\"conn\":%llu,\"op\":%lld", conn_number(c), (long long)op);
        gateway_refuse(c, 4001);
    }
}

void gateway_payload(struct conn *c, const char *bytes, size_t len)
{
    struct json *root;

    if (c->closing)
        return;
    if (!within_send_limit(c)) {
        sim_record(c->sim, "send_limit", ",\"conn\":%llu", conn_number(c));
        gateway_refuse(c, 4008);
        return;
    }
    root = len <= PAYLOAD_MAX ? json_parse_exact(bytes, len, NULL) : NULL;
    if (!root || !json_is_number(json_get(root, "op"))) {
        sim_record(c->sim, "undecodable", ",\"conn\":%llu,\"bytes\":%zu", conn_number(c), len);
        gateway_refuse(c, 4002);
    } else {
        on_op(c, json_int(json_get(root, "op"), -1), json_get(root, "d"));
    }
    json_free(&root);
}
