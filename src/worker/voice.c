#include "worker/react_parts.h"
void voice_init(struct worker *w)
{
    (void)w;
}
void voice_free(struct worker *w)
{
    (void)w;
}
void voice_take_lane(struct lane *lane)
{
    (void)lane;
}
void voice_forget_lane(struct lane *lane)
{
    (void)lane;
}
