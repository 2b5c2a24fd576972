/* lookup.c, roster.c, voice.c: called by react.c only. */
#ifndef WORKER_REACT_PARTS_H
#define WORKER_REACT_PARTS_H

#include "worker/worker.h"

/* Bot flags: GET the member, or the user who has left. */
void lookup_init(struct worker *w);
void lookup_free(struct worker *w);
void lookup_want(struct lane *lane, snowflake_t guild, snowflake_t user);
void lookup_loaded(struct lane *lane, struct seen_row *row);
void lookup_take_lane(struct lane *lane);
void lookup_forget_lane(struct lane *lane);
/* The guild's catalogue is complete: whoever is still unknown is looked up. */
void lookup_roster_done(struct worker *w, snowflake_t guild);

/* Catalogues of members by op 8. */
void roster_init(struct worker *w);
void roster_free(struct worker *w);
void roster_want(struct lane *lane, snowflake_t guild);
void roster_chunk(struct lane *lane, const struct event_result *result);
void roster_limited(struct lane *lane, const struct event_result *result);
void roster_forget(struct worker *w, snowflake_t guild);
void roster_take_lane(struct lane *lane);
void roster_forget_lane(struct lane *lane);
void roster_gateway(struct worker *w, const struct msg_gateway_state *state);
/* A catalogue of the guild is under way or waiting: its members' flags will come. */
bool roster_pending(struct worker *w, snowflake_t guild);

/* Dwell in voice. */
void voice_init(struct worker *w);
void voice_free(struct worker *w);
void voice_take_lane(struct lane *lane);
void voice_forget_lane(struct lane *lane);

#endif
