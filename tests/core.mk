# --- src/base and src/core ---------------------------------------------------------------------
core_tests = tests/t_activity tests/t_backoff tests/t_buf tests/t_clock tests/t_fd tests/t_ipc \
  tests/t_loop tests/t_msg \
  tests/t_record tests/t_ring tests/t_seen tests/t_shm tests/t_snowflake
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
