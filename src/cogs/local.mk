# What cogs ask presence-graphqld: the ids of the operations, by name.
COG_OPERATIONS = \
  ActivityTop \
  AwayEnd \
  AwayList \
  AwaySet \
  ChannelsExport \
  ChannelsInactive \
  DevGuild \
  Diagnose \
  DecisionLog \
  ExemptAdd \
  ExemptList \
  ExemptRemove \
  GuildHealth \
  GuildRules \
  InactiveExport \
  InactiveList \
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
  $(srcdir)/src/worker/operations.sh
	$(AM_V_GEN)$(MKDIR_P) src/cogs && \
	  sh $(srcdir)/src/worker/operations.sh $(srcdir)/graphql/operations $(COG_OPERATIONS) > $@.tmp && \
	  mv $@.tmp $@
BUILT_SOURCES += src/cogs/operations.h
CLEANFILES += src/cogs/operations.h
EXTRA_DIST += $(COG_OPERATIONS:%=graphql/operations/%.graphql)

# Translations.
src/cogs/words_de.inc: $(srcdir)/po/de.po $(srcdir)/src/cogs/words.awk
	$(AM_V_GEN)$(MKDIR_P) src/cogs && \
	  $(AWK) -f $(srcdir)/src/cogs/words.awk $(srcdir)/po/de.po > $@.tmp && mv $@.tmp $@
BUILT_SOURCES += src/cogs/words_de.inc
CLEANFILES += src/cogs/words_de.inc
EXTRA_DIST += po/de.po src/cogs/words.awk

noinst_LTLIBRARIES += libcogs.la
libcogs_la_SOURCES = \
  include/presence/cog.h \
  src/cogs/activity.c \
  src/cogs/adjust.c \
  src/cogs/adjust.h \
  src/cogs/admin.c \
  src/cogs/away.c \
  src/cogs/change.c \
  src/cogs/change.h \
  src/cogs/channels.c \
  src/cogs/cogs.c \
  src/cogs/cogs.h \
  src/cogs/config.c \
  src/cogs/config.h \
  src/cogs/dev.c \
  src/cogs/dev.h \
  src/cogs/dev_setup.c \
  src/cogs/diagnose.c \
  src/cogs/diagnose.h \
  src/cogs/diagnose_find.c \
  src/cogs/exempt.c \
  src/cogs/export.c \
  src/cogs/export.h \
  src/cogs/figures.c \
  src/cogs/figures.h \
  src/cogs/health.c \
  src/cogs/help.c \
  src/cogs/inactive.c \
  src/cogs/judge.c \
  src/cogs/judge.h \
  src/cogs/kinds.c \
  src/cogs/kinds.h \
  src/cogs/log.c \
  src/cogs/pager.c \
  src/cogs/pager.h \
  src/cogs/ping.c \
  src/cogs/parts.h \
  src/cogs/say.c \
  src/cogs/say.h \
  src/cogs/set.c \
  src/cogs/settings.c \
  src/cogs/status.c \
  src/cogs/suggest.c \
  src/cogs/suggest.h \
  src/cogs/table.c \
  src/cogs/table.h \
  src/cogs/user.c \
  src/cogs/words.c
nodist_libcogs_la_SOURCES = src/cogs/operations.h src/cogs/words_de.inc
$(libcogs_la_OBJECTS): src/cogs/operations.h src/cogs/words_de.inc
