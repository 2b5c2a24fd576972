/* Lists in pages, turned by buttons: a query of a connection, and how its rows are shown. */
#ifndef COGS_PAGER_H
#define COGS_PAGER_H

#include "cogs/say.h"

#define PAGER_ROWS 15

struct pager {
    const char *button;     /* the name in the cog's table of buttons */
    const char *operation;  /* takes $guildId, $first, $after, $last, $before and what base holds */
    const char *connection; /* the key of the connection in data: nodes, pageInfo, totalCount */
    const char *title, *nothing;
    /* Appends one line without a line feed. */
    void (*row)(struct call *call, const struct json *node, struct buf *out);
};

/* Shows the first page. base: the variables as an object without its closing brace, guildId among
 * them; heading: what is listed, in words; "" = none. Both are copied. */
void pager_begin(struct call *call, const struct pager *pager, const char *base,
                 const char *heading);
/* A press of one of its buttons. */
void pager_press(struct call *call, const struct pager *pager, const char *data);

#endif
