/* Interactions that users made and what became of them: made by an act, acknowledged and answered
 * by REST. The oldest are forgotten. */
#ifndef SIM_INTERACTIONS_H
#define SIM_INTERACTIONS_H

#include "sim/sim.h"

#define INTERACTIONS_MAX 4096u /* remembered */
#define ANSWERS_MAX      16u   /* messages of one: the original and follow-ups */

struct interaction_answer {
    uint64_t id; /* 0 = none, or deleted */
    char *content;
    int flags;
};

struct interaction {
    uint64_t id; /* 0 = unused place */
    int type;    /* 2 command, 3 component, 4 autocomplete, 5 modal */
    uint32_t guild, channel, user;
    int callback;                                   /* type of the acknowledgement; 0 = none yet */
    struct interaction_answer answers[ANSWERS_MAX]; /* the first: @original */
    unsigned n_answers;
};

struct interactions *interactions_new(void);
void interactions_free(struct interactions **all);
void interactions_add(struct interactions *all, uint64_t id, int type, uint32_t guild,
                      uint32_t channel, uint32_t user);
/* By what a path holds; id 0: by the token alone. NULL if there is none. */
struct interaction *interactions_find(struct interactions *all, uint64_t id, const char *token);
#define INTERACTION_TOKEN_SIZE 24u
void interaction_token(uint64_t id, char out[INTERACTION_TOKEN_SIZE]);

#endif
