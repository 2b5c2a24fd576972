#include "worker/react_parts.h"
void lookup_init(struct worker *w)
{
    (void)w;
}
void lookup_free(struct worker *w)
{
    (void)w;
}
void lookup_want(struct lane *lane, snowflake_t guild, snowflake_t user)
{
    (void)lane;
    (void)guild;
    (void)user;
}
void lookup_loaded(struct lane *lane, struct seen_row *row)
{
    (void)lane;
    (void)row;
}
void lookup_take_lane(struct lane *lane)
{
    (void)lane;
}
void lookup_forget_lane(struct lane *lane)
{
    (void)lane;
}
void lookup_roster_done(struct worker *w, snowflake_t guild)
{
    (void)w;
    (void)guild;
}
