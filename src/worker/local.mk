# The names of the operations that workers send.
WORKER_OPERATIONS = BaselineTargets Changes ClaimJobs ClaimLanes FinishJob GuildSeeds GuildSettings MemberSeeds \
  NoteJob RecordSightings SoftReset
src/worker/operations.h: $(WORKER_OPERATIONS:%=$(srcdir)/graphql/operations/%.graphql) \
  $(srcdir)/src/worker/operations.sh $(srcdir)/src/worker/local.mk
	$(AM_V_GEN)$(MKDIR_P) src/worker && \
	  sh $(srcdir)/src/worker/operations.sh $(srcdir)/graphql/operations $(WORKER_OPERATIONS) > $@.tmp && \
	  mv $@.tmp $@
BUILT_SOURCES += src/worker/operations.h
CLEANFILES += src/worker/operations.h
EXTRA_DIST += src/worker/operations.sh $(WORKER_OPERATIONS:%=graphql/operations/%.graphql)

# Translations.
src/worker/words_de.inc: $(srcdir)/po/de.po $(srcdir)/src/worker/words.awk
	$(AM_V_GEN)$(MKDIR_P) src/worker && \
	  $(AWK) -f $(srcdir)/src/worker/words.awk $(srcdir)/po/de.po > $@.tmp && mv $@.tmp $@
BUILT_SOURCES += src/worker/words_de.inc
CLEANFILES += src/worker/words_de.inc
EXTRA_DIST += po/de.po src/worker/words.awk

noinst_LTLIBRARIES += libworker.la
libworker_la_SOURCES = \
  src/worker/away.c src/worker/batch.c src/worker/batch.h src/worker/batch_parts.h \
  src/worker/baseline.c src/worker/baseline.h src/worker/baseline_history.c \
  src/worker/baseline_priv.h src/worker/baseline_search.c src/worker/batch_print.c src/worker/build.c src/worker/cache.c src/worker/cache.h src/worker/cache_priv.h \
  src/worker/cache_purge.c src/worker/cache_read.c src/worker/cache_write.c \
  src/worker/call.c src/worker/call.h src/worker/call_answer.c src/worker/call_fetch.c src/worker/call_host.c src/worker/call_input.c \
  src/worker/call_priv.h src/worker/call_progress.c src/worker/call_rest.c src/worker/call_settings.c src/worker/changes.c src/worker/cog_module.c src/worker/cog_trial.c \
  src/worker/cogs.c src/worker/cogs.h src/worker/copies.c src/worker/copies.h src/worker/delay.c src/worker/disk.c src/worker/delay.h \
  src/worker/fetch.c src/worker/flight.c src/worker/forget.c src/worker/forget.h src/worker/flush.c src/worker/gql.c src/worker/gql.h src/worker/known.c src/worker/lane.c \
  src/worker/fetch.c src/worker/flight.c src/worker/flush.c src/worker/gql.c src/worker/gql.h src/worker/known.c src/worker/lane.c \
  src/worker/call_priv.h src/worker/call_progress.c src/worker/call_rest.c src/worker/call_settings.c src/worker/changes.c src/worker/copies.c src/worker/copies.h src/worker/delay.c src/worker/disk.c src/worker/delay.h \
  src/worker/fetch.c src/worker/flight.c src/worker/flush.c src/worker/gql.c src/worker/gql.h src/worker/known.c src/worker/lane.c src/worker/lease.c src/worker/lease.h \
  src/worker/inbox.c src/worker/load.c src/worker/load.h src/worker/lookup.c src/worker/offsets.c \
  src/worker/offsets.h src/worker/order.c src/worker/order.h src/worker/order_code.c \
  src/worker/order_host.c src/worker/order_priv.h src/worker/query.c src/worker/query.h src/worker/react.c \
  src/worker/react.h src/worker/react_parts.h src/worker/reject.c src/worker/register.c src/worker/reject.h src/worker/reset.c src/worker/reset.h \
  src/worker/roster.c src/worker/seeds.c src/worker/survey.c src/worker/takeover.c \
  src/worker/voice.c src/worker/words.c src/worker/worker.h
nodist_libworker_la_SOURCES = src/worker/operations.h src/worker/words_de.inc
$(libworker_la_OBJECTS): src/worker/operations.h src/worker/words_de.inc

pkglibexec_PROGRAMS += presence-worker
presence_worker_SOURCES = src/worker/main.c
presence_worker_LDADD = libworker.la liblink_custom_id.la liblink_crypto.la liblink_rest.la liblink_http.la liblink_redis.la liblink_ini.la \
  liblink_json.la libdiscord.la libcore.la libbase.la -lpthread
