/* /bot_performance_check: how fast and how healthy Presence is. Diagnostics: none. */
#include <stdio.h>

#include "cogs/parts.h"
#include "cogs/say.h"
#include "presence/permissions.h"

static void put_ms(struct call *call, struct message *m, const char *name, int64_t ms)
{
    char text[32];

    snprintf(text, sizeof(text), "%lld ms", (long long)ms);
    message_field(m, name, ms >= 0 ? text : _("not known"), true);
}

static void performance(struct call *call)
{
    struct call_health h;
    struct message m;
    char text[64];

    call->host->health(call, &h);
    message_init(&m);
    m.colour = h.database && h.cache ? MESSAGE_GOOD : MESSAGE_BAD;
    buf_puts(&m.title, _("How Presence is doing"));
    put_ms(call, &m, _("From Discord to here"), h.arrival_ms);
    put_ms(call, &m, _("Until it is recorded, usually"), h.lag_p50_ms);
    put_ms(call, &m, _("In 99 of 100 cases"), h.lag_p99_ms);
    snprintf(text, sizeof(text), "%llu", (unsigned long long)h.events);
    message_field(&m, _("Events since the start"), text, true);
    snprintf(text, sizeof(text), "%llu", (unsigned long long)h.sightings);
    message_field(&m, _("Of them, acts of people"), text, true);
    message_field(&m, _("Database"), h.database ? _("there") : _("away"), true);
    message_field(&m, _("Redis"), h.cache ? _("there") : _("away; nothing depends on it"), true);
    call_answer(call, &m);
}

static const struct command_action performance_action[] = {{.run = performance}, {.run = NULL}};
const struct command cog_performance = {.kind = COMMAND_SLASH,
                                        .name = "bot_performance_check",
                                        .description = N_("How fast and how healthy Presence is"),
                                        .permissions = PERMISSION(MANAGE_GUILD),
                                        .actions = performance_action};
