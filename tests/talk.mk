check_PROGRAMS += tests/t_permissions tests/t_hierarchy
tests_t_permissions_SOURCES = tests/t_permissions.c
tests_t_permissions_CFLAGS = $(AM_CFLAGS) $(CMOCKA_CFLAGS)
tests_t_permissions_LDADD = libdiscord.la libbase.la $(CMOCKA_LIBS)
tests_t_hierarchy_SOURCES = tests/t_hierarchy.c
tests_t_hierarchy_CFLAGS = $(AM_CFLAGS) $(CMOCKA_CFLAGS)
tests_t_hierarchy_LDADD = libdiscord.la libbase.la $(CMOCKA_LIBS)
