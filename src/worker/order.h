/* Developers' commands by message, from the event to the last answer. */
#ifndef WORKER_ORDER_H
#define WORKER_ORDER_H

#include "worker/worker.h"

void order_init(struct worker *w);
void order_free(struct worker *w);
/* Acts on a message whose records are in the ring, if it is a command: at most once and only while
 * it is fresh. */
void order_begin(struct lane *lane, const struct msg_event *event, const char *frame);
/* One that came to another worker (MSG_ORDER). */
void order_passed(struct worker *w, const struct msg_order *m, const char *text, size_t len);
bool order_pending(const struct worker *w); /* somebody still waits for an answer */
/* The master answered to a reset that this process asked for: refused, if the segment tells of
 * another one or none. */
void order_reset_step(struct worker *w, snowflake_t request);
/* The master's answer to a reload of modules that this process asked for. */
void order_reloaded(struct worker *w, snowflake_t request, const char *report, size_t len);
void order_reset_over(struct worker *w, snowflake_t request, bool failed);
/* The guild's catalogue has ended; failure: NULL, or why it is not complete. */
void order_catalogued(struct worker *w, snowflake_t guild, const char *failure);

#endif
