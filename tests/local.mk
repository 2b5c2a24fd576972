
check_PROGRAMS += tests/t_httpd
tests_t_httpd_SOURCES = tests/t_httpd.c
tests_t_httpd_CFLAGS = $(AM_CFLAGS) $(CMOCKA_CFLAGS)
tests_t_httpd_LDADD = liblink_httpd.la libbase.la $(CMOCKA_LIBS)

check_PROGRAMS += tests/t_httpd_parse
tests_t_httpd_parse_SOURCES = tests/t_httpd_parse.c
tests_t_httpd_parse_CFLAGS = $(AM_CFLAGS) $(CMOCKA_CFLAGS)
tests_t_httpd_parse_LDADD = liblink_httpd.la libbase.la $(CMOCKA_LIBS)
EXTRA_DIST += tests/fuzz_httpd.c
if ENABLE_FUZZ
noinst_PROGRAMS += tests/fuzz_httpd
tests_fuzz_httpd_SOURCES = tests/fuzz_httpd.c
tests_fuzz_httpd_LDFLAGS = -fsanitize=fuzzer
tests_fuzz_httpd_LDADD = liblink_httpd.la libbase.la
endif

check_PROGRAMS += tests/t_conf
tests_t_conf_SOURCES = tests/t_conf.c
tests_t_conf_CFLAGS = $(AM_CFLAGS) $(CMOCKA_CFLAGS)
tests_t_conf_LDADD = liblink_ini.la libcore.la libbase.la $(CMOCKA_LIBS)
EXTRA_DIST += tests/conf tests/fuzz_conf.c

if ENABLE_FUZZ
noinst_PROGRAMS += tests/fuzz_conf
tests_fuzz_conf_SOURCES = tests/fuzz_conf.c
tests_fuzz_conf_LDFLAGS = -fsanitize=fuzzer
tests_fuzz_conf_LDADD = liblink_ini.la libcore.la libbase.la
endif

EXTRA_DIST += $(wildcard $(srcdir)/tests/daemon/*.py)

check_PROGRAMS += tests/t_gw
tests_t_gw_SOURCES = tests/t_gw.c
tests_t_gw_CFLAGS = $(AM_CFLAGS) $(CMOCKA_CFLAGS)
tests_t_gw_LDADD = libdiscord.la libcore.la libbase.la $(CMOCKA_LIBS)
EXTRA_DIST += tests/suite.py tests/daemon/pytest.ini scripts/deps scripts/build scripts/demo scripts/test .ci/run tests/demo.py tests/answers.py

include tests/core.mk
include tests/master.mk
include tests/sim.mk
include tests/rest.mk
include tests/command.mk

check_PROGRAMS += tests/t_batch
tests_t_batch_SOURCES = tests/t_batch.c
tests_t_batch_CFLAGS = $(AM_CFLAGS) $(CMOCKA_CFLAGS)
tests_t_batch_LDADD = libworker.la liblink_json.la libdiscord.la libcore.la libbase.la $(CMOCKA_LIBS)

check_PROGRAMS += tests/t_delay
tests_t_delay_SOURCES = tests/t_delay.c
tests_t_delay_CFLAGS = $(AM_CFLAGS) $(CMOCKA_CFLAGS)
tests_t_delay_LDADD = libworker.la libbase.la $(CMOCKA_LIBS)

check_PROGRAMS += tests/t_event
tests_t_event_SOURCES = tests/t_event.c
tests_t_event_CFLAGS = $(AM_CFLAGS) $(CMOCKA_CFLAGS) -DSRCDIR='"$(abs_top_srcdir)"'
tests_t_event_LDADD = libdiscord.la libcore.la libbase.la $(CMOCKA_LIBS)
EXTRA_DIST += tests/data/events.jsonl tests/data/gateway.jsonl

noinst_PROGRAMS += tests/bench_scan
tests_bench_scan_SOURCES = tests/bench_scan.c
tests_bench_scan_LDADD = libdiscord.la libcore.la libbase.la

check_PROGRAMS += tests/t_scan tests/t_envelope
tests_t_scan_SOURCES = tests/t_scan.c
tests_t_scan_CFLAGS = $(AM_CFLAGS) $(CMOCKA_CFLAGS) $(CJSON_CFLAGS) -DSRCDIR='"$(abs_top_srcdir)"'
tests_t_scan_LDADD = libdiscord.la libcore.la libbase.la $(CMOCKA_LIBS) $(CJSON_LIBS)
tests_t_envelope_SOURCES = tests/t_envelope.c
tests_t_envelope_CFLAGS = $(AM_CFLAGS) $(CMOCKA_CFLAGS) -DSRCDIR='"$(abs_top_srcdir)"'
tests_t_envelope_LDADD = libdiscord.la libcore.la libbase.la $(CMOCKA_LIBS)
check_PROGRAMS += tests/t_log
tests_t_log_SOURCES = tests/t_log.c
tests_t_log_CFLAGS = $(AM_CFLAGS) $(CMOCKA_CFLAGS)
tests_t_log_LDADD = libbase.la $(CMOCKA_LIBS)

if ENABLE_FUZZ
noinst_PROGRAMS += tests/fuzz_envelope tests/fuzz_event
tests_fuzz_envelope_SOURCES = tests/fuzz_envelope.c
tests_fuzz_envelope_LDFLAGS = -fsanitize=fuzzer
tests_fuzz_envelope_LDADD = libdiscord.la libcore.la libbase.la
tests_fuzz_event_SOURCES = tests/fuzz_event.c
tests_fuzz_event_LDFLAGS = -fsanitize=fuzzer
tests_fuzz_event_LDADD = libdiscord.la libcore.la libbase.la
endif
check_PROGRAMS += tests/t_worker
tests_t_worker_SOURCES = tests/t_worker.c
tests_t_worker_CFLAGS = $(AM_CFLAGS) $(CMOCKA_CFLAGS) \
  -DWORKER_PATH='"$(abs_top_builddir)/presence-worker"'
tests_t_worker_LDADD = liblink_httpd.la liblink_json.la libcore.la libbase.la $(CMOCKA_LIBS)
$(tests_t_worker_OBJECTS) $(tests_t_batch_OBJECTS): src/worker/operations.h
tests_t_worker_DEPENDENCIES = presence-worker liblink_httpd.la liblink_json.la libcore.la libbase.la

check_PROGRAMS += tests/t_guild_view
tests_t_guild_view_SOURCES = tests/t_guild_view.c
tests_t_guild_view_CFLAGS = $(AM_CFLAGS) $(CMOCKA_CFLAGS)
tests_t_guild_view_LDADD = liblink_json.la libdiscord.la libcore.la libbase.la $(CMOCKA_LIBS)

check_PROGRAMS += tests/t_json
tests_t_json_SOURCES = tests/t_json.c
tests_t_json_CFLAGS = $(AM_CFLAGS) $(CMOCKA_CFLAGS)
tests_t_json_LDADD = liblink_json.la libbase.la $(CMOCKA_LIBS)
EXTRA_DIST += tests/daemon/discord_js_client.js tests/daemon/graphiql_page.js \
  tests/daemon/graphql_sse_client.js

noinst_PROGRAMS += tests/interpret
tests_interpret_SOURCES = tests/interpret.c
tests_interpret_LDADD = libdiscord.la libcore.la libbase.la

check_PROGRAMS += tests/t_voice
tests_t_voice_SOURCES = tests/t_voice.c
tests_t_voice_CFLAGS = $(AM_CFLAGS) $(CMOCKA_CFLAGS)
tests_t_voice_LDADD = libworker.la liblink_custom_id.la liblink_crypto.la liblink_rest.la liblink_http.la liblink_redis.la liblink_json.la \
  libdiscord.la libcore.la libbase.la $(CMOCKA_LIBS)

check_PROGRAMS += tests/t_http tests/t_redis
tests_t_http_SOURCES = tests/t_http.c
tests_t_http_CFLAGS = $(AM_CFLAGS) $(CMOCKA_CFLAGS)
tests_t_http_LDADD = liblink_http.la liblink_httpd.la libbase.la $(CMOCKA_LIBS)
tests_t_redis_SOURCES = tests/t_redis.c
tests_t_redis_CFLAGS = $(AM_CFLAGS) $(CMOCKA_CFLAGS)
tests_t_redis_LDADD = liblink_redis.la libbase.la $(CMOCKA_LIBS)


GRAPHQL_TEST_LIBS = libgraphql.la liblink_pg.la liblink_jsonin.la liblink_crypto.la libcore.la libbase.la \
  $(CMOCKA_LIBS)
GRAPHQL_TEST_CFLAGS = $(AM_CFLAGS) $(CMOCKA_CFLAGS) -DSOURCE_DIR='"$(abs_top_srcdir)"'
EXTRA_DIST += tests/graphql_util.h

check_PROGRAMS += tests/t_graphql_parse
tests_t_graphql_parse_SOURCES = tests/t_graphql_parse.c
tests_t_graphql_parse_CFLAGS = $(GRAPHQL_TEST_CFLAGS)
tests_t_graphql_parse_LDADD = $(GRAPHQL_TEST_LIBS)

check_PROGRAMS += tests/t_graphql_validate
tests_t_graphql_validate_SOURCES = tests/t_graphql_validate.c
tests_t_graphql_validate_CFLAGS = $(GRAPHQL_TEST_CFLAGS)
tests_t_graphql_validate_LDADD = $(GRAPHQL_TEST_LIBS)

check_PROGRAMS += tests/t_graphql_cost
tests_t_graphql_cost_SOURCES = tests/t_graphql_cost.c
tests_t_graphql_cost_CFLAGS = $(GRAPHQL_TEST_CFLAGS)
tests_t_graphql_cost_LDADD = $(GRAPHQL_TEST_LIBS)

check_PROGRAMS += tests/t_graphql_bind
tests_t_graphql_bind_SOURCES = tests/t_graphql_bind.c
tests_t_graphql_bind_CFLAGS = $(GRAPHQL_TEST_CFLAGS)
tests_t_graphql_bind_LDADD = $(GRAPHQL_TEST_LIBS)

check_PROGRAMS += tests/t_graphql_complete
tests_t_graphql_complete_SOURCES = tests/t_graphql_complete.c
tests_t_graphql_complete_CFLAGS = $(GRAPHQL_TEST_CFLAGS)
tests_t_graphql_complete_LDADD = $(GRAPHQL_TEST_LIBS)

check_PROGRAMS += tests/t_graphql_values
tests_t_graphql_values_SOURCES = tests/t_graphql_values.c
tests_t_graphql_values_CFLAGS = $(GRAPHQL_TEST_CFLAGS)
tests_t_graphql_values_LDADD = $(GRAPHQL_TEST_LIBS)

check_PROGRAMS += tests/t_graphql_media
tests_t_graphql_media_SOURCES = tests/t_graphql_media.c
tests_t_graphql_media_CFLAGS = $(GRAPHQL_TEST_CFLAGS)
tests_t_graphql_media_LDADD = $(GRAPHQL_TEST_LIBS)

# What tests/daemon/test_graphql_law.py asks in bulk.
noinst_PROGRAMS += tests/gql_check
tests_gql_check_SOURCES = tests/gql_check.c
tests_gql_check_CFLAGS = $(GRAPHQL_TEST_CFLAGS)
tests_gql_check_LDADD = $(GRAPHQL_TEST_LIBS)
# What tests/bench/bench_graphql.py runs beside the service.
noinst_PROGRAMS += tests/gql_bench
tests_gql_bench_SOURCES = tests/gql_bench.c
tests_gql_bench_CFLAGS = $(GRAPHQL_TEST_CFLAGS)
tests_gql_bench_LDADD = $(GRAPHQL_TEST_LIBS)
EXTRA_DIST += tests/daemon/graphql_oracle.js tests/daemon/graphql_schema.js \
  tests/daemon/graphql_http_audit.js tests/daemon/graphql_executor.js \
  tests/daemon/graphql_post.js tests/daemon/graphql_random.js tests/daemon/graphql_coercion.js \
  tests/data/graphql/rich.graphql

EXTRA_DIST += tests/fuzz_graphql.c tests/fuzz_request.c
if ENABLE_FUZZ
noinst_PROGRAMS += tests/fuzz_graphql tests/fuzz_request
tests_fuzz_graphql_SOURCES = tests/fuzz_graphql.c
tests_fuzz_graphql_LDFLAGS = -fsanitize=fuzzer
tests_fuzz_graphql_LDADD = libgraphql.la liblink_pg.la liblink_jsonin.la liblink_crypto.la libcore.la libbase.la
tests_fuzz_request_SOURCES = tests/fuzz_request.c
tests_fuzz_request_LDFLAGS = $(tests_fuzz_graphql_LDFLAGS)
tests_fuzz_request_LDADD = $(tests_fuzz_graphql_LDADD)
endif

check_PROGRAMS += tests/t_pg_prepared
tests_t_pg_prepared_SOURCES = tests/t_pg_prepared.c
tests_t_pg_prepared_CFLAGS = $(AM_CFLAGS) $(CMOCKA_CFLAGS)
tests_t_pg_prepared_LDADD = liblink_pg.la libbase.la $(CMOCKA_LIBS)

# A cog for tests/bench/bench_talk.py and tests/daemon/test_answers_first.py. -rpath makes it a module.
noinst_LTLIBRARIES += tests/bench/roles.la
tests_bench_roles_la_SOURCES = tests/bench/roles.c
tests_bench_roles_la_LDFLAGS = -rpath $(abs_builddir) $(COGS_LDFLAGS)
tests_bench_roles_la_LIBADD = libpresence-cog.la
