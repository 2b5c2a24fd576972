/* What the files of the developers' cog share: one file per command, where it is more than a few
 * lines. */
#ifndef COGS_DEV_H
#define COGS_DEV_H

#include "presence/order.h"

/* Beside the macros of say.h, which are those of interactions. */
#define _(text)  order_words(order, (text))
#define N_(text) text

extern const struct prefix_command dev_reload, dev_delete, dev_reset, dev_setup;

#endif
