/* Kinds of activity in families, as people choose among them. Every kind belongs to one. */
#ifndef COGS_KINDS_H
#define COGS_KINDS_H

#include "cogs/say.h"

extern const struct command_choice kinds_choices[];

/* What people call it, in English: to be put into words. */
const char *kinds_name(const char *family);

/* Appends the names that GraphQL has for the kinds of a family: ["MESSAGE","EDIT"]. */
void kinds_put(const char *family, struct buf *out);

#endif
