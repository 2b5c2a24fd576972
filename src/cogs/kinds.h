/* Kinds of activity in families, as people choose among them. Every kind belongs to one. */
#ifndef COGS_KINDS_H
#define COGS_KINDS_H

#include "cogs/say.h"

extern const struct command_choice kinds_choices[];

/* Appends the names that GraphQL has for the kinds of a family: ["MESSAGE","EDIT"]. */
void kinds_put(const char *family, struct buf *out);

#endif
