# What cogs ask presence-graphqld: the ids of the operations, by name.
COG_OPERATIONS = \
  ActivityTop \
  AwayEnd \
  AwayList \
  AwaySet \
  BaselineCancel \
  BaselineStart \
  BaselineStatus \
  ChannelsExport \
  ChannelsInactive \
  DevDelete \
  DevGuild \
  Diagnose \
  DecisionLog \
  ExemptAdd \
  ExemptList \
  ExemptRemove \
  ForgetMember \
  GuildHealth \
  GuildRules \
  InactiveExport \
  InactiveList \
  PersonalData \
  SettingsChange \
  SettingsEffect \
  SettingsHistory \
  SettingsRevert \
  SettingsView \
  StatusChannel \
  StatusGuild \
  StatusMember \
  StatusRole
src/cogs/operations.h: $(COG_OPERATIONS:%=$(srcdir)/graphql/operations/%.graphql) \
  $(srcdir)/src/worker/operations.sh $(srcdir)/src/cogs/local.mk
	$(AM_V_GEN)$(MKDIR_P) src/cogs && \
	  sh $(srcdir)/src/worker/operations.sh $(srcdir)/graphql/operations $(COG_OPERATIONS) > $@.tmp && \
	  mv $@.tmp $@
BUILT_SOURCES += src/cogs/operations.h
CLEANFILES += src/cogs/operations.h
EXTRA_DIST += $(COG_OPERATIONS:%=graphql/operations/%.graphql)

# What modules are linked with, and nothing else: Presence's pure helpers, for cogs of others too.
# A cog that needs another file of these rooms adds it here; its functions are exported by prefix.
lib_LTLIBRARIES += libpresence-cog.la
libpresence_cog_la_SOURCES = \
  src/base/buf.c \
  src/base/clock.c \
  src/base/log.c \
  src/base/text.c \
  src/core/activity.c \
  src/core/duration.c \
  src/core/policy.c \
  src/core/policy_kick.c \
  src/core/policy_names.c \
  src/core/policy_time.c \
  src/core/settings.c \
  src/core/settings_file.c \
  src/core/settings_json.c \
  src/core/settings_presets.c \
  src/core/settings_read.c \
  src/core/settings_rows.c \
  src/core/settings_text.c \
  src/core/settings_value.c \
  src/core/snowflake.c \
  src/discord/command_check.c \
  src/discord/command_help.c \
  src/discord/command_parse.c \
  src/discord/command_print.c \
  src/discord/form.c \
  src/discord/hierarchy.c \
  src/discord/intents.c \
  src/discord/message.c \
  src/discord/outcome.c \
  src/discord/permissions.c \
  src/discord/prefix.c \
  src/discord/scan.c \
  src/discord/scan_skip.c \
  src/discord/scan_value.c
libpresence_cog_la_LIBADD = liblink_json.la $(BSD_LIBS)
EXTRA_libpresence_cog_la_DEPENDENCIES = $(srcdir)/src/cogs/local.mk
libpresence_cog_la_LDFLAGS = -version-info 0:0:0 -no-undefined $(DEFS_LDFLAGS) -export-symbols-regex \
  '^(activity|buf|clock_parse|command|duration|form|guild_view|hierarchy|intent|json|message|outcome|permission|policy|prefix|scan|settings?|snowflake|text|unixms)s?_|^clock_rfc3339$$|^x(asprintf|calloc|malloc|realloc|strn?dup)$$'
pkgconfigdir = $(libdir)/pkgconfig
pkgconfig_DATA = src/cogs/presence-cog.pc

# Several modules use these.
noinst_LTLIBRARIES += libcogs.la
libcogs_la_SOURCES = \
  include/presence/cog.h \
  include/presence/order.h \
  src/cogs/adjust.c \
  src/cogs/adjust.h \
  src/cogs/adjust_ask.c \
  src/cogs/adjust_priv.h \
  src/cogs/change.c \
  src/cogs/change.h \
  src/cogs/export.c \
  src/cogs/export.h \
  src/cogs/figures.c \
  src/cogs/figures.h \
  src/cogs/judge.c \
  src/cogs/judge.h \
  src/cogs/kinds.c \
  src/cogs/kinds.h \
  src/cogs/pager.c \
  src/cogs/pager.h \
  src/cogs/parts.h \
  src/cogs/say.c \
  src/cogs/say.h \
  src/cogs/settings_read.c \
  src/cogs/suggest.c \
  src/cogs/suggest.h \
  src/cogs/table.c \
  src/cogs/table.h

# The modules.
cogsdir = $(pkglibdir)/cogs
cogs_LTLIBRARIES = src/cogs/admin.la src/cogs/dev.la src/cogs/setup.la src/cogs/user.la
COGS_LDFLAGS = -module -avoid-version -no-undefined $(DEFS_LDFLAGS) -export-symbols-regex '^presence_cog$$'
COGS_LIBADD = libcogs.la libpresence-cog.la
# They are linked again when they are installed, with the library as it was installed.
INSTALL_COGS = install-cogsLTLIBRARIES
$(INSTALL_COGS): install-libLTLIBRARIES

src_cogs_admin_la_LDFLAGS = $(COGS_LDFLAGS)
src_cogs_admin_la_LIBADD = $(COGS_LIBADD)
src_cogs_admin_la_SOURCES = \
  src/cogs/admin.c \
  src/cogs/baseline.c \
  src/cogs/channels.c \
  src/cogs/config.c \
  src/cogs/config.h \
  src/cogs/diagnose.c \
  src/cogs/diagnose.h \
  src/cogs/diagnose_find.c \
  src/cogs/exempt.c \
  src/cogs/health.c \
  src/cogs/inactive.c \
  src/cogs/log.c \
  src/cogs/performance.c \
  src/cogs/ping.c \
  src/cogs/set.c \
  src/cogs/settings.c

src_cogs_dev_la_LDFLAGS = $(COGS_LDFLAGS)
src_cogs_dev_la_LIBADD = $(COGS_LIBADD)
src_cogs_dev_la_SOURCES = \
  src/cogs/dev.c \
  src/cogs/dev.h \
  src/cogs/dev_delete.c \
  src/cogs/dev_reload.c \
  src/cogs/dev_reset.c \
  src/cogs/dev_setup.c

src_cogs_setup_la_LDFLAGS = $(COGS_LDFLAGS)
src_cogs_setup_la_LIBADD = $(COGS_LIBADD)
src_cogs_setup_la_SOURCES = src/cogs/setup.c

src_cogs_user_la_LDFLAGS = $(COGS_LDFLAGS)
src_cogs_user_la_LIBADD = $(COGS_LIBADD)
src_cogs_user_la_SOURCES = \
  src/cogs/activity.c \
  src/cogs/away.c \
  src/cogs/help.c \
  src/cogs/privacy.c \
  src/cogs/status.c \
  src/cogs/user.c

$(libcogs_la_OBJECTS) $(src_cogs_admin_la_OBJECTS) $(src_cogs_dev_la_OBJECTS) \
  $(src_cogs_setup_la_OBJECTS) $(src_cogs_user_la_OBJECTS): src/cogs/operations.h
