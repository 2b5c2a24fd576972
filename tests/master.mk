check_PROGRAMS += tests/t_master
tests_t_master_SOURCES = tests/t_master.c
tests_t_master_CFLAGS = $(AM_CFLAGS) $(CMOCKA_CFLAGS)
tests_t_master_LDADD = libmaster.la libdiscord.la libcore.la libbase.la $(CMOCKA_LIBS)

check_PROGRAMS += tests/t_wsframe
tests_t_wsframe_SOURCES = tests/t_wsframe.c
tests_t_wsframe_CFLAGS = $(AM_CFLAGS) $(CMOCKA_CFLAGS) $(ZLIB_CFLAGS) $(ZSTD_CFLAGS)
tests_t_wsframe_LDADD = liblink_ws.la liblink_inflate.la libbase.la $(CMOCKA_LIBS)

# Stands in for presence-worker where presenced is tested alone (tests/daemon/test_master.py).
noinst_PROGRAMS += tests/stub-worker
tests_stub_worker_SOURCES = tests/stub_worker.c
tests_stub_worker_LDADD = libcore.la libbase.la

EXTRA_DIST += tests/fuzz_ws.c
if ENABLE_FUZZ
noinst_PROGRAMS += tests/fuzz_ws
tests_fuzz_ws_SOURCES = tests/fuzz_ws.c
tests_fuzz_ws_LDFLAGS = -fsanitize=fuzzer
tests_fuzz_ws_LDADD = libmaster.la liblink_ws.la liblink_inflate.la libcore.la libbase.la
endif
