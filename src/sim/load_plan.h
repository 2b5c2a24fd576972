/* A running load: between load.c (plan and pace) and load_make.c (single events). */
#ifndef SIM_LOAD_PLAN_H
#define SIM_LOAD_PLAN_H

#include "sim/load.h"

#define MIX_MAX 48u

struct mix_row {
    const char *name; /* of an act; NULL for the fast ones */
    enum entry_what what;
    uint32_t until; /* cumulated weight */
};

struct load {
    struct loop_timer *timer;
    bool running, waiting, flat_out;
    struct load_plan plan;
    struct mix_row mix[MIX_MAX];
    uint32_t n_mix, weight;
    uint64_t random;
    uint32_t *zipf; /* cumulated, of 2^32 */
    uint32_t n_zipf;
    int64_t started_ms, ended_ms; /* monotonic */
    uint64_t made, dispatched, held_back;
    char *names[MIX_MAX]; /* owned copies for mix rows */
};

/* A guild that s covers (NULL: any session's), NONE if none was found. */
uint32_t load_pick_guild(struct sim *sim, struct load *l, const struct session *s);
/* Makes one event in guild. Returns whether a session got it. */
bool load_make_event(struct sim *sim, struct load *l, uint32_t guild);

#endif
