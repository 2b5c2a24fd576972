/* What the files of one cog share: its commands and buttons, one file per command. */
#ifndef COGS_PARTS_H
#define COGS_PARTS_H

#include "presence/cog.h"
#include "presence/settings.h"

/* admin */
extern const struct command cog_ping, cog_nudge_menu, cog_inactive, cog_channels, cog_performance,
    cog_exempt, cog_exempt_menu, cog_settings;
void inactive_press(struct call *call, const char *data);
void channels_press(struct call *call, const char *data);
void exempt_press(struct call *call, const char *data);
void settings_press(struct call *call, const char *data);

/* From the list of settings that GraphQL answers; one that cannot be read is at its default. To be
 * freed with settings_free. */
void cog_read_settings(const struct json *list, struct settings *s);

/* user */
extern const struct command cog_status, cog_status_menu, cog_help, cog_privacy, cog_away;
void away_press(struct call *call, const char *data);
command_run status_guild, status_channel;

#endif
