# --- commands and interactions ------------------------------------------------------------------
check_PROGRAMS += tests/t_command
tests_t_command_SOURCES = tests/t_command.c tests/cmocka_all.h
tests_t_command_CFLAGS = $(AM_CFLAGS) $(CMOCKA_CFLAGS)
tests_t_command_LDADD = liblink_json.la libdiscord.la libcore.la libbase.la $(CMOCKA_LIBS)

check_PROGRAMS += tests/t_custom_id
tests_t_custom_id_SOURCES = tests/t_custom_id.c tests/cmocka_all.h
tests_t_custom_id_CFLAGS = $(AM_CFLAGS) $(CMOCKA_CFLAGS)
tests_t_custom_id_LDADD = liblink_custom_id.la liblink_crypto.la libcore.la libbase.la $(CMOCKA_LIBS)

EXTRA_DIST += tests/fuzz_command.c
if ENABLE_FUZZ
noinst_PROGRAMS += tests/fuzz_command
tests_fuzz_command_SOURCES = tests/fuzz_command.c
tests_fuzz_command_LDFLAGS = -fsanitize=fuzzer
tests_fuzz_command_LDADD = libdiscord.la libcore.la libbase.la
endif

check_PROGRAMS += tests/t_message
tests_t_message_SOURCES = tests/t_message.c tests/cmocka_all.h
tests_t_message_CFLAGS = $(AM_CFLAGS) $(CMOCKA_CFLAGS)
tests_t_message_LDADD = liblink_json.la libdiscord.la libcore.la libbase.la $(CMOCKA_LIBS)

check_PROGRAMS += tests/t_table
tests_t_table_SOURCES = tests/t_table.c tests/cmocka_all.h
tests_t_table_CFLAGS = $(AM_CFLAGS) $(CMOCKA_CFLAGS)
tests_t_table_LDADD = libcogs.la liblink_json.la libdiscord.la libcore.la libbase.la $(CMOCKA_LIBS)

check_PROGRAMS += tests/t_prefix
tests_t_prefix_SOURCES = tests/t_prefix.c tests/cmocka_all.h
tests_t_prefix_CFLAGS = $(AM_CFLAGS) $(CMOCKA_CFLAGS)
tests_t_prefix_LDADD = libdiscord.la libcore.la libbase.la $(CMOCKA_LIBS)
