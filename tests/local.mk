
check_PROGRAMS += tests/t_httpd
tests_t_httpd_SOURCES = tests/t_httpd.c
tests_t_httpd_CFLAGS = $(AM_CFLAGS) $(CMOCKA_CFLAGS)
tests_t_httpd_LDADD = liblink_httpd.la libbase.la $(CMOCKA_LIBS)

check_PROGRAMS += tests/t_conf
tests_t_conf_SOURCES = tests/t_conf.c
tests_t_conf_CFLAGS = $(AM_CFLAGS) $(CMOCKA_CFLAGS)
tests_t_conf_LDADD = liblink_ini.la libcore.la libbase.la $(CMOCKA_LIBS)
EXTRA_DIST += tests/conf

EXTRA_DIST += $(wildcard $(srcdir)/tests/daemon/*.py)

check_PROGRAMS += tests/t_gw
tests_t_gw_SOURCES = tests/t_gw.c
tests_t_gw_CFLAGS = $(AM_CFLAGS) $(CMOCKA_CFLAGS)
tests_t_gw_LDADD = libdiscord.la libcore.la libbase.la $(CMOCKA_LIBS)
EXTRA_DIST += tests/suite.py tests/daemon/pytest.ini scripts/deps scripts/build scripts/test .ci/run
