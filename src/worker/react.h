/* What follows from an event beside its records: look-ups, catalogues, dwell in voice, answers. */
#ifndef WORKER_REACT_H
#define WORKER_REACT_H

#include "worker/worker.h"

void react_init(struct worker *w);
void react_free(struct worker *w);
void react(struct lane *lane, const struct msg_event *event, const char *frame,
           const struct event_result *result);
/* A record was logged and folded into the table. */
void react_record(struct lane *lane, const struct record_header *h);
void react_loaded(struct lane *lane, struct seen_row *row); /* the row is no longer LOADING */
void react_take_lane(struct lane *lane);                    /* the lane is ours from now on */
void react_forget_lane(struct lane *lane);
void react_session(struct worker *w, const struct msg_session *session);
void react_gateway(struct worker *w, const struct msg_gateway_state *state);

#endif
