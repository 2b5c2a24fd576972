# presence-graphqld: the language (libgraphql.la, tested alone) and the service around it.
noinst_LTLIBRARIES += libgraphql.la
libgraphql_la_SOURCES = \
  src/graphql/arena.c src/graphql/arena.h src/graphql/ast.h \
  src/graphql/bind.c src/graphql/bind.h src/graphql/bind_priv.h src/graphql/bind_activity.c \
  src/graphql/bind_channel.c src/graphql/bind_event.c src/graphql/bind_guild.c \
  src/graphql/bind_ingest.c src/graphql/bind_member.c src/graphql/bind_record.c src/graphql/bind_rows.c \
  src/graphql/bind_service.c src/graphql/bind_writes.c src/graphql/body.c src/graphql/body.h \
  src/graphql/coerce_ast.c src/graphql/coerce_json.c src/graphql/coerce_json_error.c src/graphql/coerce_json_priv.h src/graphql/collect.c src/graphql/collect.h \
  src/graphql/compile.c src/graphql/compile.h src/graphql/compile_mutation.c src/graphql/complete.c src/graphql/complete.h src/graphql/cost.c src/graphql/cost.h \
  src/graphql/compile_priv.h src/graphql/connection.c src/graphql/document.c src/graphql/document.h \
  src/graphql/embedded.h src/graphql/error.c src/graphql/error.h \
  src/graphql/ingest.c src/graphql/ingest.h src/graphql/ingest_priv.h \
  src/graphql/ingest_rows.c src/graphql/ingest_sightings.c \
  src/graphql/introspect.c src/graphql/introspect.h src/graphql/kept.c src/graphql/kept.h src/graphql/limits.c src/graphql/limits.h src/graphql/names.c src/graphql/names.h src/graphql/params.c src/graphql/params.h \
  src/graphql/parse.c src/graphql/parse_priv.h src/graphql/media.c src/graphql/media.h \
  src/graphql/persisted.c src/graphql/persisted.h src/graphql/schema.c src/graphql/schema.h src/graphql/schema_build.c \
  src/graphql/schema_directives.c src/graphql/schema_priv.h \
  src/graphql/string.c src/graphql/string.h src/graphql/tokens.c src/graphql/tokens.h \
  src/graphql/validate.c src/graphql/validate.h src/graphql/validate_priv.h \
  src/graphql/validate_arguments.c src/graphql/validate_fields.c src/graphql/validate_fragments.c \
  src/graphql/validate_limits.c src/graphql/validate_merging.c src/graphql/validate_operations.c \
  src/graphql/validate_values.c src/graphql/validate_variables.c \
  src/graphql/value.c src/graphql/value.h src/graphql/value_json.c
nodist_libgraphql_la_SOURCES = \
  src/graphql/embedded.c src/graphql/grammar.c src/graphql/grammar.h src/graphql/scanner.c

sbin_PROGRAMS += presence-graphqld
presence_graphqld_SOURCES = src/graphql/execute.c src/graphql/graphiql.c src/graphql/graphiql.h src/graphql/main.c src/graphql/migrate.c \
  src/graphql/migrate.h src/graphql/refusal.c src/graphql/record.c src/graphql/record.h src/graphql/request.c \
  src/graphql/request.h src/graphql/request_prepare.c src/graphql/server.c src/graphql/server.h src/graphql/subscribe.c \
  src/graphql/subscribe.h src/graphql/subscribe_events.c src/graphql/subscribe_priv.h
presence_graphqld_LDADD = libgraphql.la liblink_ini.la liblink_httpd.la liblink_pg.la \
  liblink_jsonin.la liblink_crypto.la libcore.la libbase.la

src/graphql/grammar.c: src/graphql/parse.y
	@$(MKDIR_P) src/graphql
	$(AM_V_GEN)$(BISON) -Wall -Wno-conflicts-sr --defines=src/graphql/grammar.h -o $@ $(srcdir)/src/graphql/parse.y
src/graphql/grammar.h: src/graphql/grammar.c
$(libgraphql_la_OBJECTS): src/graphql/grammar.h
src/graphql/scanner.c: src/graphql/lex.l
	@$(MKDIR_P) src/graphql
	$(AM_V_GEN)$(FLEX) -o $@ $(srcdir)/src/graphql/lex.l
GRAPHQL_EMBEDDED = $(srcdir)/src/graphql/builtin.graphql $(srcdir)/graphql/schema.graphql \
  $(sort $(wildcard $(srcdir)/sql/[0-9]*.sql $(srcdir)/graphql/operations/*.graphql))
src/graphql/embedded.c: $(GRAPHQL_EMBEDDED) src/graphql/embed.sh
	@$(MKDIR_P) src/graphql
	$(AM_V_GEN)$(SHELL) $(srcdir)/src/graphql/embed.sh $(GRAPHQL_EMBEDDED) > $@.tmp && mv $@.tmp $@

BUILT_SOURCES += src/graphql/grammar.h
CLEANFILES += src/graphql/grammar.c src/graphql/grammar.h src/graphql/scanner.c \
  src/graphql/embedded.c
EXTRA_DIST += src/graphql/parse.y src/graphql/lex.l src/graphql/embed.sh \
  src/graphql/builtin.graphql
src/graphql/scanner.lo src/graphql/parse.lo src/graphql/grammar.lo: src/graphql/grammar.h

# GraphiQL's files, which scripts/graphiql fetches into the build tree; installed when they are there.
install-data-hook:
	if test -d graphiql; then \
	  $(MKDIR_P) $(DESTDIR)$(pkgdatadir)/graphiql && \
	  $(INSTALL_DATA) graphiql/* $(DESTDIR)$(pkgdatadir)/graphiql; fi
uninstall-hook:
	rm -rf $(DESTDIR)$(pkgdatadir)/graphiql
EXTRA_DIST += scripts/graphiql graphql/graphiql/index.html graphql/graphiql/page.css \
  graphql/graphiql/page.js
