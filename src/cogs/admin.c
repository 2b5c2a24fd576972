/* The cog for staff. Diagnostics: none. */
#include "cogs/adjust.h"
#include "cogs/parts.h"
#include "presence/permissions.h"

static const struct command *const commands[] = {
    &cog_ping,   &cog_nudge_menu,  &cog_inactive, &cog_channels, &cog_performance,
    &cog_exempt, &cog_exempt_menu, &cog_settings, &cog_set,      &cog_diagnose,
    &cog_log,    &cog_health,      &cog_baseline};

static const struct cog_button buttons[] = {
    {"inactive", PERMISSION(KICK_MEMBERS), inactive_press},
    {"history", PERMISSION(ADMINISTRATOR), settings_press},
    {"adjust", PERMISSION(MANAGE_GUILD), adjust_press},
    {"exempt", PERMISSION(MANAGE_GUILD), exempt_press},
    {"log", PERMISSION(MANAGE_GUILD), log_press},
    {"log_settings", PERMISSION(MANAGE_GUILD), log_settings_press},
    {"channels", PERMISSION(MANAGE_CHANNELS), channels_press},
    {"baseline", PERMISSION(ADMINISTRATOR), baseline_press},
    {NULL, 0, NULL},
};

COG_EXPORT const struct cog presence_cog = {.version = COG_VERSION,
                                            .name = "admin",
                                            .commands = commands,
                                            .n_commands = sizeof(commands) / sizeof(commands[0]),
                                            .buttons = buttons,
                                            .prepare = set_prepare};
