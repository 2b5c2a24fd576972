# --- src/base and src/core ---------------------------------------------------------------------
core_tests = tests/t_activity tests/t_backoff tests/t_buf tests/t_clock tests/t_fd tests/t_framepool tests/t_ipc tests/t_kill \
  tests/t_loop tests/t_msg \
  tests/t_record tests/t_ring tests/t_sd tests/t_seen tests/t_shm tests/t_snowflake tests/t_spool \
  tests/t_step tests/t_threads
check_PROGRAMS += $(core_tests)
CORE_TEST_CFLAGS = $(AM_CFLAGS) $(CMOCKA_CFLAGS) -I$(top_srcdir) -DTEST_SRCDIR='"$(abs_top_srcdir)"'
CORE_TEST_LDADD = libcore.la libbase.la $(CMOCKA_LIBS)
tests_t_activity_SOURCES = tests/t_activity.c tests/cmocka_all.h
tests_t_activity_CFLAGS = $(CORE_TEST_CFLAGS)
tests_t_activity_LDADD = $(CORE_TEST_LDADD)
tests_t_backoff_SOURCES = tests/t_backoff.c
tests_t_backoff_CFLAGS = $(CORE_TEST_CFLAGS)
tests_t_backoff_LDADD = libbase.la $(CMOCKA_LIBS)
tests_t_buf_SOURCES = tests/t_buf.c
tests_t_buf_CFLAGS = $(CORE_TEST_CFLAGS)
tests_t_buf_LDADD = libbase.la $(CMOCKA_LIBS)
tests_t_clock_SOURCES = tests/t_clock.c
tests_t_clock_CFLAGS = $(CORE_TEST_CFLAGS)
tests_t_clock_LDADD = libbase.la $(CMOCKA_LIBS)
check_PROGRAMS += tests/t_duration
tests_t_duration_SOURCES = tests/t_duration.c tests/cmocka_all.h
tests_t_duration_CFLAGS = $(CORE_TEST_CFLAGS)
tests_t_duration_LDADD = $(CORE_TEST_LDADD)
check_PROGRAMS += tests/t_policy
tests_t_policy_SOURCES = tests/t_policy.c tests/cmocka_all.h
tests_t_policy_CFLAGS = $(CORE_TEST_CFLAGS)
tests_t_policy_LDADD = $(CORE_TEST_LDADD)
check_PROGRAMS += tests/t_settings
tests_t_settings_SOURCES = tests/t_settings.c tests/cmocka_all.h
tests_t_settings_CFLAGS = $(CORE_TEST_CFLAGS)
tests_t_settings_LDADD = $(CORE_TEST_LDADD)
noinst_PROGRAMS += tests/settings_check
tests_settings_check_SOURCES = tests/settings_check.c
tests_settings_check_LDADD = libcore.la libbase.la
tests_t_framepool_SOURCES = tests/t_framepool.c tests/cmocka_all.h
tests_t_framepool_CFLAGS = $(CORE_TEST_CFLAGS)
tests_t_framepool_LDADD = $(CORE_TEST_LDADD)
tests_t_msg_SOURCES = tests/t_msg.c
tests_t_msg_CFLAGS = $(CORE_TEST_CFLAGS)
tests_t_msg_LDADD = $(CORE_TEST_LDADD)
tests_t_record_SOURCES = tests/t_record.c
tests_t_record_CFLAGS = $(CORE_TEST_CFLAGS)
tests_t_record_LDADD = $(CORE_TEST_LDADD)
tests_t_snowflake_SOURCES = tests/t_snowflake.c
tests_t_snowflake_CFLAGS = $(CORE_TEST_CFLAGS)
tests_t_snowflake_LDADD = $(CORE_TEST_LDADD)
tests_t_fd_SOURCES = tests/t_fd.c
tests_t_fd_CFLAGS = $(CORE_TEST_CFLAGS)
tests_t_fd_LDADD = libbase.la $(CMOCKA_LIBS)
tests_t_sd_SOURCES = tests/t_sd.c
tests_t_sd_CFLAGS = $(CORE_TEST_CFLAGS)
tests_t_sd_LDADD = libbase.la $(CMOCKA_LIBS)
tests_t_ipc_SOURCES = tests/t_ipc.c
tests_t_ipc_CFLAGS = $(CORE_TEST_CFLAGS)
tests_t_ipc_LDADD = $(CORE_TEST_LDADD)
tests_t_loop_SOURCES = tests/t_loop.c
tests_t_loop_CFLAGS = $(CORE_TEST_CFLAGS)
tests_t_loop_LDADD = libbase.la $(CMOCKA_LIBS)
tests_t_ring_SOURCES = tests/t_ring.c tests/shm_fixture.h
tests_t_ring_CFLAGS = $(CORE_TEST_CFLAGS)
tests_t_ring_LDADD = $(CORE_TEST_LDADD)
tests_t_shm_SOURCES = tests/t_shm.c tests/shm_fixture.h
tests_t_shm_CFLAGS = $(CORE_TEST_CFLAGS)
tests_t_shm_LDADD = $(CORE_TEST_LDADD)
tests_t_seen_SOURCES = tests/t_seen.c tests/shm_fixture.h
tests_t_seen_CFLAGS = $(CORE_TEST_CFLAGS)
tests_t_seen_LDADD = $(CORE_TEST_LDADD)
tests_t_spool_SOURCES = tests/t_spool.c
tests_t_spool_CFLAGS = $(CORE_TEST_CFLAGS)
tests_t_spool_LDADD = $(CORE_TEST_LDADD)
tests_t_kill_SOURCES = tests/t_kill.c tests/shm_fixture.h
tests_t_kill_CFLAGS = $(CORE_TEST_CFLAGS)
tests_t_kill_LDADD = $(CORE_TEST_LDADD)
tests_t_threads_SOURCES = tests/t_threads.c tests/shm_fixture.h
tests_t_threads_CFLAGS = $(CORE_TEST_CFLAGS) -pthread
tests_t_threads_LDADD = $(CORE_TEST_LDADD)

tests_t_step_SOURCES = tests/t_step.c tests/shm_fixture.h
tests_t_step_CFLAGS = $(CORE_TEST_CFLAGS)
tests_t_step_LDADD = $(CORE_TEST_LDADD)

# The same threads under ThreadSanitizer, which wants everything compiled for it. setarch, where it is
# allowed: some kernels scatter addresses over more bits than its shadow memory has room for.
tsan_sources = tests/t_threads.c src/core/activity.c src/core/record.c src/core/ring.c \
  src/core/seen.c src/core/seen_apply.c src/core/shm.c src/core/shm_check.c \
  src/core/shm_guard.c src/base/buf.c src/base/clock.c src/base/log.c
check-tsan:
	$(AM_V_at)$(MKDIR_P) tests
	$(AM_V_CC)$(CC) -std=gnu11 -g -O1 -fsanitize=thread -pthread $(AM_CPPFLAGS) -I$(top_srcdir) \
	  $(BSD_CFLAGS) $(CMOCKA_CFLAGS) -o tests/t_threads_tsan \
	  $(tsan_sources:%=$(top_srcdir)/%) $(CMOCKA_LIBS) $(BSD_LIBS)
	$(AM_V_at)run=; if setarch -R true 2>/dev/null; then run='setarch -R'; fi; \
	  TSAN_OPTIONS=halt_on_error=1 $$run ./tests/t_threads_tsan
.PHONY: check-tsan
CLEANFILES += tests/t_threads_tsan

# What the parts cost, in nanoseconds.
EXTRA_PROGRAMS = tests/bench_core
tests_bench_core_SOURCES = tests/bench_core.c tests/shm_fixture.h
tests_bench_core_CFLAGS = $(AM_CFLAGS) -I$(top_srcdir)
tests_bench_core_LDADD = libcore.la libbase.la
bench-core: tests/bench_core$(EXEEXT)
	$(AM_V_at)./tests/bench_core$(EXEEXT)
.PHONY: bench-core
CLEANFILES += tests/bench_core$(EXEEXT)

EXTRA_DIST += tests/fuzz_ipc.c tests/fuzz_ring.c tests/fuzz_shm.c
if ENABLE_FUZZ
noinst_PROGRAMS += tests/fuzz_ipc tests/fuzz_ring tests/fuzz_shm
tests_fuzz_ipc_SOURCES = tests/fuzz_ipc.c
tests_fuzz_ipc_LDFLAGS = -fsanitize=fuzzer
tests_fuzz_ipc_LDADD = libcore.la libbase.la
tests_fuzz_ring_SOURCES = tests/fuzz_ring.c
tests_fuzz_ring_CFLAGS = $(AM_CFLAGS) -I$(top_srcdir)
tests_fuzz_ring_LDFLAGS = -fsanitize=fuzzer
tests_fuzz_ring_LDADD = libcore.la libbase.la
tests_fuzz_shm_SOURCES = tests/fuzz_shm.c
tests_fuzz_shm_LDFLAGS = -fsanitize=fuzzer
tests_fuzz_shm_LDADD = libcore.la libbase.la
endif

check_PROGRAMS += tests/t_sse
tests_t_sse_SOURCES = tests/t_sse.c
tests_t_sse_CFLAGS = $(AM_CFLAGS) $(CMOCKA_CFLAGS)
tests_t_sse_LDADD = libcore.la libbase.la $(CMOCKA_LIBS)
