/* lookup.c, roster.c, voice.c, survey.c, register.c: called by react.c and each other. */
#ifndef WORKER_REACT_PARTS_H
#define WORKER_REACT_PARTS_H

#include "worker/worker.h"

/* Bot flags: GET the member, or the user who has left. */
void lookup_init(struct worker *w);
void lookup_free(struct worker *w);
void lookup_want(struct worker *w, snowflake_t guild, snowflake_t user);
/* The guild's catalogue, which should have told what the member is, has ended. */
void lookup_untold(struct worker *w, snowflake_t guild, snowflake_t user);

/* Catalogues of members by op 8. */
void roster_init(struct worker *w);
void roster_free(struct worker *w);
void roster_want(struct lane *lane, snowflake_t guild);
void roster_chunk(struct lane *lane, const struct event_result *result);
void roster_limited(struct worker *w, const struct event_result *result);
void roster_forget(struct worker *w, snowflake_t guild);
void roster_take_lane(struct lane *lane);
void roster_forget_lane(struct lane *lane);
void roster_gateway(struct worker *w, const struct msg_gateway_state *state);
/* A catalogue of the guild is under way or waiting: what the user is will come with it, and if it
 * does not, lookup_untold is called at its end. */
bool roster_will_tell(struct worker *w, snowflake_t guild, snowflake_t user);
bool roster_shard_live(const struct worker *w, snowflake_t guild);
/* As granted to the guild's session; 0 = not known. */
uint32_t roster_intents(const struct worker *w, snowflake_t guild);

/* Dwell in voice. */
void voice_init(struct worker *w);
void voice_free(struct worker *w);
void voice_note(struct worker *w, snowflake_t guild, snowflake_t user); /* is in a voice channel */

/* Slash commands and menus, as the cogs have them. */
void register_init(struct worker *w);
void register_free(struct worker *w);
void register_commands(struct worker *w); /* lane 0 is ours */
/* Once more, whoever owns lane 0; cb hears NULL, or what went wrong. False: somebody else waits. */
typedef void register_told(void *arg, const char *failure);
bool register_again(struct worker *w, register_told *cb, void *arg);
void register_forget(struct worker *w, const void *arg); /* it does not want to know any more */

/* One walk through the table for all lanes just taken: rows still loading, of unknown kind, in
 * voice. */
void survey_init(struct worker *w);
void survey_free(struct worker *w);
void survey_lane(struct worker *w, unsigned lane);
bool survey_is_due(const struct worker *w, unsigned lane); /* it is still to come */

#endif
