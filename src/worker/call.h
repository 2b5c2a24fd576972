/* Interactions: what somebody asked of the bot, from the event to its answer. */
#ifndef WORKER_CALL_H
#define WORKER_CALL_H

#include "worker/worker.h"

void call_init(struct worker *w);
/* Whoever waits for an answer gets none. */
void call_free(struct worker *w);
/* Acts on an interaction whose records are in the ring: at most once and only while it is fresh. */
void call_begin(struct lane *lane, const struct msg_event *event, const char *frame,
                const struct event_result *result);
/* The guild's settings are known now: what waits for them begins. */
void call_settings_known(struct worker *w, snowflake_t guild);
/* Whether somebody still waits for an answer. */
bool call_pending(const struct worker *w);

#endif
