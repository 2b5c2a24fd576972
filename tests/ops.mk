check_PROGRAMS += tests/t_delay
tests_t_delay_SOURCES = tests/t_delay.c
tests_t_delay_CFLAGS = $(AM_CFLAGS) $(CMOCKA_CFLAGS)
tests_t_delay_LDADD = libworker.la libbase.la $(CMOCKA_LIBS)
