/* Load mode: many events from a small plan, glued from pieces rendered ahead. */
#ifndef SIM_LOAD_H
#define SIM_LOAD_H

#include "presence/buf.h"
#include "presence/json.h"
#include "sim/session.h"
#include "sim/sim.h"

struct load_plan {
    uint64_t events; /* 0 = no limit */
    double rate;     /* per second; 0 = flat out, as fast as the clients read */
    double seconds;  /* 0 = no limit */
    double zipf;     /* exponent over the members of a guild; 0 = uniform */
    uint64_t seed;
    uint32_t wait_sessions; /* begins when so many sessions are there */
    const struct json *mix; /* {"message":50,...}; NULL = the usual mix */
};

/* From a control call's arguments; points into them. */
struct load_plan load_plan_from(const struct json *args);

struct load *load_new(struct sim *sim);
void load_free(struct load **l);

/* 0, or -1 and *error_r (owned by the caller). */
int load_start(struct sim *sim, const struct load_plan *plan, char **error_r);
void load_stop(struct sim *sim);
void load_print(const struct sim *sim, struct buf *out); /* progress as an object */

/* Flat out: makes up to n events for a session that has nothing left to send. */
unsigned load_fill(struct sim *sim, struct session *s, unsigned n);
/* A payload with its envelope, the same each time. */
void load_render(struct sim *sim, const struct entry *e, uint64_t seq, bool with_content,
                 struct buf *out);
/* The channel id under which the truth counts an entry. */
uint64_t load_channel(const struct sim *sim, const struct entry *e);
/* A session came or went: a waiting load may begin. */
void load_poke(struct sim *sim);

#endif
