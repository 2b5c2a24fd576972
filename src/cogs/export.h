/* Lists as files: a connection of GraphQL is read page by page into an attachment of the answer. */
#ifndef COGS_EXPORT_H
#define COGS_EXPORT_H

#include "cogs/say.h"
#include "cogs/table.h"

struct export
{
    const char *name;       /* of the file, without the extension */
    const char *operation;  /* takes $guildId, $first, $after and what base holds */
    const char *connection; /* its key in data: nodes, pageInfo { hasNextPage endCursor } */
    const char *nothing;    /* said where there is no row */
    const struct table_column *columns;
};

/* Answers the call with the whole list, or with as much of it as a file may hold, saying so. base:
 * the variables as an object without its closing brace; copied. */
void export_begin(struct call *call, const struct export *e, const char *format, const char *base);

/* The option of commands that know it: choices "csv", "json", "txt". */
extern const struct command_choice export_formats[];

#endif
