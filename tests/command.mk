# --- commands and interactions ------------------------------------------------------------------
check_PROGRAMS += tests/t_command
tests_t_command_SOURCES = tests/t_command.c tests/cmocka_all.h
tests_t_command_CFLAGS = $(AM_CFLAGS) $(CMOCKA_CFLAGS)
tests_t_command_LDADD = liblink_json.la libdiscord.la libcore.la libbase.la $(CMOCKA_LIBS)

check_PROGRAMS += tests/t_custom_id
tests_t_custom_id_SOURCES = tests/t_custom_id.c tests/cmocka_all.h
tests_t_custom_id_CFLAGS = $(AM_CFLAGS) $(CMOCKA_CFLAGS)
tests_t_custom_id_LDADD = liblink_custom_id.la liblink_crypto.la libcore.la libbase.la $(CMOCKA_LIBS)
