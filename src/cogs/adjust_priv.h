/* What adjust.c and adjust_ask.c share: the proposal that a call is about. */
#ifndef COGS_ADJUST_PRIV_H
#define COGS_ADJUST_PRIV_H

#include "cogs/adjust.h"

#define ADJUST_CANCEL "no" /* data of the button that changes nothing */

/* The changes as they are shown; a line each. */
const char *proposal_lines(const struct call *call);
/* Keeps it for the press of a button, by name. */
void proposal_keep(struct call *call, char name_r[CALL_KEPT_SIZE]);
/* Shows it, with what it would do, and waits for a press. */
void proposal_ask(struct call *call, const struct settings *before, const struct settings *after);

#endif
