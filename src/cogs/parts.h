/* What the files of one cog share: its commands and buttons, one file per command. */
#ifndef COGS_PARTS_H
#define COGS_PARTS_H

#include "presence/cog.h"
#include "presence/permissions.h"
#include "presence/settings.h"

/* Who has any of these belongs to the staff. */
#define COG_STAFF                                                                                  \
    (PERMISSION(KICK_MEMBERS) | PERMISSION(BAN_MEMBERS) | PERMISSION(MANAGE_GUILD) |               \
     PERMISSION(MANAGE_ROLES) | PERMISSION(MANAGE_CHANNELS) | PERMISSION(MANAGE_MESSAGES) |        \
     PERMISSION(ADMINISTRATOR))

/* Discord's types of channels in which somebody can be active. */
#define COG_CHANNEL_TYPES "[0,2,5,10,11,12,13,15,16]"

/* admin */
extern const struct command cog_baseline, cog_ping, cog_nudge_menu, cog_inactive, cog_channels, cog_performance,
    cog_exempt, cog_exempt_menu, cog_health, cog_log, cog_settings, cog_set;
void inactive_press(struct call *call, const char *data);
void baseline_press(struct call *call, const char *data);
void channels_press(struct call *call, const char *data);
void exempt_press(struct call *call, const char *data);
void log_press(struct call *call, const char *data);
void log_settings_press(struct call *call, const char *data);
/* A row of a pager: one change of a setting. */
void settings_revision_row(struct call *call, const struct json *node, struct buf *out);
void settings_press(struct call *call, const char *data);
void set_prepare(void);
/* The option "section"; FAMILIES if it is not given. False: the call was answered. */
bool settings_read_section(struct call *call, enum setting_family *family_r);
/* Appends a field with all settings of a family; only those not at their default unless all. */
void settings_put_family(struct message *m, const struct settings *s, enum setting_family family,
                         bool all);

/* From the guild that GraphQL answers, with settingsVersion and settings. False: something in it is
 * not understood; it is at its default here. To be freed with settings_free in any case. */
bool cog_read_settings(const struct json *guild, struct settings *s_r);

extern const struct command cog_diagnose;

/* user */
extern const struct command cog_status, cog_status_menu, cog_help, cog_privacy, cog_away,
    cog_activity;
void away_press(struct call *call, const char *data);
void privacy_press(struct call *call, const char *data);
command_run status_guild, status_channel, status_role;

#endif
