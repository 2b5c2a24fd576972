/* What each message looks like, and whether a header may be believed. Called by ipc.c for every
 * message received.
 * Diagnostics: static texts to the caller. */
#include "presence/msg.h"

#include "presence/route.h"

enum tail { NO_TAIL, TAIL };

struct msg_shape {
    const char *name; /* NULL: no such type */
    size_t fixed;
    enum tail tail;
};

static const struct msg_shape shapes[] = {
    [MSG_CONF_PREPARE] = {"CONF_PREPARE", sizeof(struct msg_id), TAIL},
    [MSG_CONF_COMMIT] = {"CONF_COMMIT", sizeof(struct msg_id), NO_TAIL},
    [MSG_CONF_ABORT] = {"CONF_ABORT", sizeof(struct msg_id), NO_TAIL},
    [MSG_SECRET] = {"SECRET", sizeof(struct msg_id), TAIL},
    [MSG_LANE_GRANT] = {"LANE_GRANT", 0, NO_TAIL},
    [MSG_LANE_REVOKE] = {"LANE_REVOKE", 0, NO_TAIL},
    [MSG_EVENT] = {"EVENT", sizeof(struct msg_event), TAIL},
    [MSG_SESSION] = {"SESSION", sizeof(struct msg_session), NO_TAIL},
    [MSG_PING] = {"PING", sizeof(struct msg_id), NO_TAIL},
    [MSG_DRAIN] = {"DRAIN", 0, NO_TAIL},
    [MSG_FETCH] = {"FETCH", sizeof(struct msg_fetch), TAIL},
    [MSG_LOG_LEVEL] = {"LOG_LEVEL", sizeof(struct msg_id), NO_TAIL},
    [MSG_LOG_REOPEN] = {"LOG_REOPEN", 0, NO_TAIL},
    [MSG_QUERY] = {"QUERY", sizeof(struct msg_id), TAIL},
    [MSG_DEBUG] = {"DEBUG", sizeof(struct msg_id), NO_TAIL},
    [MSG_GATEWAY_STATE] = {"GATEWAY_STATE", sizeof(struct msg_gateway_state), NO_TAIL},
    [MSG_CLOCK] = {"CLOCK", sizeof(struct msg_id), NO_TAIL},
    [MSG_EVENT_AT] = {"EVENT_AT", sizeof(struct msg_event_at), NO_TAIL},
    [MSG_WORKER_READY] = {"WORKER_READY", sizeof(struct msg_id), NO_TAIL},
    [MSG_CONF_READY] = {"CONF_READY", sizeof(struct msg_id), NO_TAIL},
    [MSG_CONF_FAIL] = {"CONF_FAIL", sizeof(struct msg_id), TAIL},
    [MSG_LANE_OWNED] = {"LANE_OWNED", 0, NO_TAIL},
    [MSG_LANE_RELEASED] = {"LANE_RELEASED", 0, NO_TAIL},
    [MSG_EVENT_ACK] = {"EVENT_ACK", sizeof(struct msg_id), NO_TAIL},
    [MSG_DURABLE] = {"DURABLE", sizeof(struct msg_durable), NO_TAIL},
    [MSG_PONG] = {"PONG", sizeof(struct msg_id), NO_TAIL},
    [MSG_DRAINED] = {"DRAINED", 0, NO_TAIL},
    [MSG_FETCH_REPLY] = {"FETCH_REPLY", sizeof(struct msg_fetch_reply), TAIL},
    [MSG_GATEWAY_SEND] = {"GATEWAY_SEND", sizeof(struct msg_gateway_send), TAIL},
    [MSG_QUERY_REPLY] = {"QUERY_REPLY", sizeof(struct msg_id), TAIL},
    [MSG_ALERT] = {"ALERT", 0, TAIL},
    [MSG_FORGET] = {"FORGET", sizeof(struct msg_forget), NO_TAIL},
    [MSG_FORGET_PASS] = {"FORGET_PASS", sizeof(struct msg_forget), NO_TAIL},
    [MSG_RESET_STEP] = {"RESET_STEP", sizeof(struct msg_id), NO_TAIL},
    [MSG_RESET_ASK] = {"RESET_ASK", sizeof(struct msg_reset), NO_TAIL},
    [MSG_RESET_DONE] = {"RESET_DONE", sizeof(struct msg_reset_done), NO_TAIL},
    [MSG_COGS_REPORT] = {"COGS_REPORT", sizeof(struct msg_id), TAIL},
    [MSG_COGS_ASK] = {"COGS_ASK", sizeof(struct msg_id), TAIL},
    [MSG_ORDER] = {"ORDER", sizeof(struct msg_order), TAIL},
    [MSG_ORDER_PASS] = {"ORDER_PASS", sizeof(struct msg_order), TAIL},
};

static const struct msg_shape *shape_of(uint16_t type)
{
    if (type >= sizeof(shapes) / sizeof(shapes[0]) || !shapes[type].name)
        return NULL;
    return &shapes[type];
}

size_t msg_fixed_size(uint16_t type)
{
    const struct msg_shape *shape = shape_of(type);

    return shape ? shape->fixed : SIZE_MAX;
}

bool msg_has_tail(uint16_t type)
{
    const struct msg_shape *shape = shape_of(type);

    return shape && shape->tail == TAIL;
}

const char *msg_name(uint16_t type)
{
    const struct msg_shape *shape = shape_of(type);

    return shape ? shape->name : "unknown";
}

const char *msg_check(const struct msg_header *h)
{
    const struct msg_shape *shape = shape_of(h->type);
    size_t least;

    if (!shape)
        return "unknown message type";
    if (h->lane >= LANES)
        return "lane out of range, expected 0 to 63";
    least = sizeof(*h) + shape->fixed;
    if (h->size < least)
        return "message shorter than the fixed body of its type";
    if (shape->tail == NO_TAIL && h->size != least)
        return "bytes behind a message of fixed size";
    if (h->size > MSG_SIZE_MAX)
        return "message larger than MSG_SIZE_MAX";
    return NULL;
}
