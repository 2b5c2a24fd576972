/* The cog for those who run Presence: commands by message. Diagnostics: none. */
#include "cogs/dev.h"

/* --- ?ping -------------------------------------------------------------------------------------
 */

static void put_ms(int64_t ms, struct buf *out)
{
    if (ms < 0)
        buf_puts(out, "?");
    else
        buf_printf(out, "%lld ms", (long long)ms);
}

static void ping(struct order *order)
{
    struct call_health h;
    struct buf text;

    order->host->health(order, &h);
    buf_init(&text, 0);
    buf_puts(&text, _("I am here."));
    buf_printf(&text, "\n%s: ", _("From your message to me"));
    put_ms(h.arrival_ms, &text);
    buf_printf(&text, "\n%s: p50 ", _("From an event to the database"));
    put_ms(h.lag_p50_ms, &text);
    buf_puts(&text, ", p99 ");
    put_ms(h.lag_p99_ms, &text);
    buf_printf(&text, "\nPostgreSQL: %s, Redis: %s", h.database ? _("up") : _("away"),
               h.cache ? _("up") : _("away"));
    order_end(order, "done", buf_cstr(&text));
    buf_clear(&text);
}

static const struct prefix_command dev_ping = {
    .name = "ping", .help = N_("Whether I am alive, and how far behind."), .run = ping};

/* --- ?sync -------------------------------------------------------------------------------------
 */

static void synced(struct order *order, const char *failure)
{
    struct buf text;

    buf_init(&text, 0);
    if (failure)
        buf_printf(&text, _("The commands could not be compared with Discord's: %s."), failure);
    else
        buf_puts(&text, _("Discord has the commands as they are here."));
    order_end(order, failure ? "failed" : "done", buf_cstr(&text));
    buf_clear(&text);
}

static void sync_commands(struct order *order)
{
    order_sync(order, synced);
}

static const struct prefix_command dev_sync = {
    .name = "sync",
    .help = N_("Pushes the slash commands to Discord where they differ."),
    .run = sync_commands};

/* --- the table ---------------------------------------------------------------------------------
 */

static const struct prefix_command *const commands[] = {
    &dev_delete, &dev_ping, &dev_reload, &dev_reset, &dev_setup, &dev_sync, NULL};

COG_EXPORT const struct cog presence_cog = {
    .version = COG_VERSION, .name = "dev", .prefix_commands = commands};
