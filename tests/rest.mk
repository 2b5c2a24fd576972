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

check_PROGRAMS += tests/t_form
tests_t_form_SOURCES = tests/t_form.c
tests_t_form_CFLAGS = $(AM_CFLAGS) $(CMOCKA_CFLAGS)
tests_t_form_LDADD = libdiscord.la libbase.la $(CMOCKA_LIBS)

# Driven by tests/daemon/test_rest_client.py.
noinst_PROGRAMS += tests/rest_client
tests_rest_client_SOURCES = tests/rest_client.c
tests_rest_client_LDADD = liblink_rest.la liblink_http.la liblink_json.la libdiscord.la libcore.la \
  libbase.la
