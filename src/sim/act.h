/* Acts: one deed of one user, told to the gateway and counted in the truth. The list of kinds and
 * their arguments is in control.h. */
#ifndef SIM_ACT_H
#define SIM_ACT_H

#include "presence/json.h"
#include "sim/session.h"
#include "sim/sim.h"

/* A deed in progress: who and where (read from the arguments), then what came of it. */
struct act {
    struct sim *sim;
    struct world *w;
    const struct json *args;
    uint32_t guild; /* index */
    struct guild *g;
    uint32_t user;    /* index */
    uint32_t slot;    /* of the user in the guild; NONE if no member */
    uint32_t channel; /* index */
    int64_t now_ms;
    /* the outcome */
    char *error; /* owned; NULL = it happened */
    uint64_t id;
    enum truth_kind kind; /* how it counted; TRUTH_NONE = not */
    struct dispatch_result got;
};

typedef void act_fn(struct act *a);

struct act_kind {
    const char *name;
    act_fn *fn;
};

extern const struct act_kind act_message_kinds[], act_reaction_kinds[], act_voice_kinds[],
    act_member_kinds[], act_thread_kinds[], act_guild_kinds[], act_interaction_kinds[];

/* Does what args say; appends the answer as an object. Returns the HTTP status. */
unsigned act_run(struct sim *sim, const struct json *args, struct buf *out);
/* Load mode: the same with ready indexes and no arguments. Returns how many sessions got it. */
unsigned act_run_plain(struct sim *sim, const char *kind, uint32_t guild, uint32_t slot,
                       uint32_t channel);
bool act_known(const char *kind);

/* --- for the acts ----------------------------------------------------------------------------- */

void act_fail(struct act *a, const char *fmt, ...) __attribute__((format(printf, 2, 3)));
/* {"guild_id":"…" — the beginning most events share. */
void act_begin(struct act *a, struct buf *d);

/* Dispatches d (taken over) within the act's guild. */
void act_emit(struct act *a, const char *type, uint32_t intents, struct buf *d, struct buf *bare);
/* The same, counted as kind of user in the channel with this id; own_ms 0: by delivery. Bots and
 * events nobody can see are not counted. */
void act_emit_counted(struct act *a, const char *type, uint32_t intents, struct buf *d,
                      struct buf *bare, enum truth_kind kind, uint32_t user, uint64_t channel_id,
                      int64_t own_ms);
/* Whether the bot may see the act's channel; if not, the event stays unseen. */
bool act_channel_visible(struct act *a);

/* Arguments: an index (number), an id (string), or for channels and roles a name. */
const char *act_string(const struct act *a, const char *key, const char *otherwise);
int64_t act_int(const struct act *a, const char *key, int64_t otherwise);
bool act_bool(const struct act *a, const char *key, bool otherwise);
uint32_t act_find_user(const struct act *a, const char *key); /* NONE if absent or unknown */
uint32_t act_find_channel(const struct act *a, const char *key);
uint32_t act_find_role(const struct act *a, const struct json *j);

/* Fail the act unless the user is a member, or a channel is meant. */
bool act_need_member(struct act *a);
bool act_need_channel(struct act *a);

static inline struct member *act_member(const struct act *a)
{
    return &a->g->members[a->slot];
}

static inline uint64_t act_channel_id(const struct act *a)
{
    return a->g->channels[a->channel].id;
}

/* Gives *name the argument "name", if there is one. */
void act_rename(char **name, const struct act *a);
void act_voice_leave(struct act *a);

/* Forgets pieces rendered for load mode: the member changed. */
void act_member_changed(struct guild *g, uint32_t slot);

/* GUILD_MEMBER_UPDATE with the member as it is now. */
void act_member_update_event(struct act *a, enum truth_kind kind);

#endif
