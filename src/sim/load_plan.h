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

/* Who will do what next: drawn some events ahead, so that the memory it needs is there in time. */
struct load_pick {
    const struct mix_row *row;
    uint32_t guild, slot; /* slot: NONE = the guild has nobody */
    uint32_t place;       /* of its truth row, as far as known */
    uint16_t channel;
};

#define PICKS_MAX 16u /* power of two */

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
    struct load_pick picks[PICKS_MAX]; /* from done to picked */
    uint64_t picked, done;
    uint32_t pick_shard, pick_shards; /* for whom; 0 shards = any session */
    char *names[MIX_MAX];             /* owned copies for mix rows */
};

enum load_result {
    LOAD_NOBODY,   /* no guild that any session could see */
    LOAD_UNWANTED, /* made, but no session has the intent */
    LOAD_MADE
};

/* Makes one event in a guild that s covers (NULL: that any session covers). */
enum load_result load_next(struct sim *sim, struct load *l, const struct session *s);

#endif
