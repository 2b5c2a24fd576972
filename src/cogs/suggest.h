/* Suggestions while somebody types: those that hold what was typed so far. */
#ifndef COGS_SUGGEST_H
#define COGS_SUGGEST_H

#include "cogs/say.h"

struct suggest {
    struct call *call;
    const char *typed;
    struct buf json;
    unsigned n;
};

void suggest_begin(struct suggest *s, struct call *call);
/* value: at most 100 characters; about: what it is, in the caller's language, "" = nothing. What
 * was typed may stand in either, in whatever case of ASCII letters. */
void suggest_add(struct suggest *s, const char *value, const char *about);
void suggest_end(struct suggest *s); /* ends the call */

#endif
