/* ?reset: everything of the guild as if the bot had just joined. Diagnostics: none. */
#include <stdlib.h>

#include "cogs/dev.h"

static void ask_code(struct order *order)
{
    order_confirm(order, _("Everything recorded of this server so far, its settings too, would be "
                           "as if unknown, and the bot disconnects for a moment."));
}

static void over(struct order *order, const char *failure)
{
    char *text;

    if (!failure) {
        order_end(order, "done",
                  _("Done: this server begins anew. Its members are being listed again."));
        return;
    }
    text = xasprintf(_("The reset is not done, as far as is known: %s."), failure);
    order_end(order, "failed", text);
    free(text);
}

static void reset(struct order *order)
{
    order_reset(order, over);
}

const struct prefix_command dev_reset = {
    .name = "reset",
    .help = N_("Resets this server: settings and all that was recorded."),
    .guild = true,
    .run = ask_code,
    .confirmed = reset};
