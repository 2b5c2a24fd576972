# Pages and samples that name installed paths: the paths come from configure.
PATHS_SED = $(SED) -e 's|@sysconfdir[@]|$(sysconfdir)|g' -e 's|@localstatedir[@]|$(localstatedir)|g' \
  -e 's|@runstatedir[@]|$(runstatedir)|g' -e 's|@libexecdir[@]|$(libexecdir)|g' \
  -e 's|@sbindir[@]|$(sbindir)|g' -e 's|@pkgdatadir[@]|$(pkgdatadir)|g' \
  -e 's|@cogsdir[@]|$(cogsdir)|g'
PATHS_FILES = man/presence.conf.5 man/presencectl.8 man/presenced.8 man/presence-graphqld.8 man/presence-cog.7 etc/presence.conf
man_MANS = man/presence.conf.5 man/presencectl.8 man/presenced.8 man/presence-graphqld.8 man/presence-cog.7
EXTRA_DIST += man/presence.conf.5.in man/presencectl.8.in man/presenced.8.in man/presence-graphqld.8.in man/presence-cog.7.in etc/presence.conf.in
CLEANFILES += $(PATHS_FILES)
all-local: $(PATHS_FILES)
$(PATHS_FILES): %: %.in Makefile
	$(AM_V_GEN)$(MKDIR_P) $(@D) && $(PATHS_SED) $< >$@.new && mv $@.new $@

# The list in it is printed by the tables themselves.
man_MANS += man/presence-commands.7
EXTRA_DIST += man/presence-commands.7.in
CLEANFILES += man/presence-commands.7
noinst_PROGRAMS += src/worker/commands_page
src_worker_commands_page_SOURCES = src/worker/commands_page.c
src_worker_commands_page_LDADD = libdiscord.la libcore.la libbase.la $(BSD_LIBS)
man/presence-commands.7: $(srcdir)/man/presence-commands.7.in src/worker/commands_page$(EXEEXT) $(cogs_LTLIBRARIES)
	$(AM_V_GEN)$(MKDIR_P) $(@D) && cp $(srcdir)/man/presence-commands.7.in $@.new && chmod u+w $@.new && \
	  src/worker/commands_page$(EXEEXT) src/cogs/.libs >> $@.new && \
	  printf '.Sh SEE ALSO\n.Xr presence.conf 5 ,\n.Xr presenced 8\n' >> $@.new && mv $@.new $@

# A configuration that is there already is kept.
install-data-local: etc/presence.conf
	$(MKDIR_P) $(DESTDIR)$(sysconfdir)/presence
	test -f $(DESTDIR)$(sysconfdir)/presence/presence.conf || \
	  $(INSTALL_DATA) etc/presence.conf $(DESTDIR)$(sysconfdir)/presence/presence.conf
uninstall-local:
	if cmp -s etc/presence.conf $(DESTDIR)$(sysconfdir)/presence/presence.conf; then \
	  rm -f $(DESTDIR)$(sysconfdir)/presence/presence.conf; fi
EXTRA_DIST += README.md etc/presenced.service etc/presence-graphqld.service \
  etc/presence-graphqld.socket
dist_man_MANS += man/presence-sim.1
