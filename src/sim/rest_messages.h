/* What the REST routes of messages share with those of interactions. */
#ifndef SIM_REST_MESSAGES_H
#define SIM_REST_MESSAGES_H

#include "sim/rest_call.h"

/* Whether a message's body is within the limits; must_hold: it must not be empty. False: the answer
 * is given. */
bool rest_message_fits(struct rest_call *c, const struct json *body, bool must_hold);

#endif
