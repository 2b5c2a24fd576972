#include "worker/react_parts.h"
void roster_init(struct worker *w)
{
    (void)w;
}
void roster_free(struct worker *w)
{
    (void)w;
}
void roster_want(struct lane *lane, snowflake_t guild)
{
    (void)lane;
    (void)guild;
}
void roster_chunk(struct lane *lane, const struct event_result *result)
{
    (void)lane;
    (void)result;
}
void roster_limited(struct lane *lane, const struct event_result *result)
{
    (void)lane;
    (void)result;
}
void roster_forget(struct worker *w, snowflake_t guild)
{
    (void)w;
    (void)guild;
}
void roster_take_lane(struct lane *lane)
{
    (void)lane;
}
void roster_forget_lane(struct lane *lane)
{
    (void)lane;
}
void roster_gateway(struct worker *w, const struct msg_gateway_state *state)
{
    (void)w;
    (void)state;
}
bool roster_pending(struct worker *w, snowflake_t guild)
{
    (void)w;
    (void)guild;
    return false;
}
