# Tests of the simulator and of what only it uses.
check_PROGRAMS += tests/t_sim_truth tests/t_deflate
tests_t_sim_truth_SOURCES = tests/t_sim_truth.c src/sim/truth.c src/sim/world.c
tests_t_sim_truth_CFLAGS = $(AM_CFLAGS) $(CMOCKA_CFLAGS)
tests_t_sim_truth_LDADD = libbase.la $(CMOCKA_LIBS)
tests_t_deflate_SOURCES = tests/t_deflate.c
tests_t_deflate_CFLAGS = $(AM_CFLAGS) $(CMOCKA_CFLAGS) $(ZLIB_CFLAGS) $(ZSTD_CFLAGS)
tests_t_deflate_LDADD = liblink_deflate.la libbase.la $(CMOCKA_LIBS) $(ZLIB_LIBS) $(ZSTD_LIBS)
