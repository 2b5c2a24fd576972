check_PROGRAMS += tests/t_permissions tests/t_hierarchy
tests_t_permissions_SOURCES = tests/t_permissions.c
tests_t_permissions_CFLAGS = $(AM_CFLAGS) $(CMOCKA_CFLAGS)
tests_t_permissions_LDADD = libdiscord.la libbase.la $(CMOCKA_LIBS)
tests_t_hierarchy_SOURCES = tests/t_hierarchy.c
tests_t_hierarchy_CFLAGS = $(AM_CFLAGS) $(CMOCKA_CFLAGS)
tests_t_hierarchy_LDADD = libdiscord.la libbase.la $(CMOCKA_LIBS)

check_PROGRAMS += tests/t_buckets tests/t_budget tests/t_outcome
tests_t_buckets_SOURCES = tests/t_buckets.c
tests_t_buckets_CFLAGS = $(AM_CFLAGS) $(CMOCKA_CFLAGS)
tests_t_buckets_LDADD = libdiscord.la libbase.la $(CMOCKA_LIBS)
tests_t_budget_SOURCES = tests/t_budget.c
tests_t_budget_CFLAGS = $(AM_CFLAGS) $(CMOCKA_CFLAGS)
tests_t_budget_LDADD = libcore.la libbase.la $(CMOCKA_LIBS)
tests_t_outcome_SOURCES = tests/t_outcome.c
tests_t_outcome_CFLAGS = $(AM_CFLAGS) $(CMOCKA_CFLAGS)
tests_t_outcome_LDADD = libdiscord.la libbase.la $(CMOCKA_LIBS)
