noinst_LTLIBRARIES += libcore.la
libcore_la_SOURCES = \
  src/core/activity.c src/core/framepool.c src/core/ipc.c src/core/msg.c src/core/record.c src/core/ring.c src/core/route.c \
  src/core/seen.c src/core/seen_apply.c src/core/seen_internal.h src/core/shm.c src/core/shm_check.c \
  src/core/shm_guard.c src/core/shm_layout.h \
  src/core/snowflake.c src/core/spool.c src/core/spool_file.c \
  src/core/spool_internal.h src/core/spool_open.c src/core/sse.c \
  include/presence/activity.h include/presence/framepool.h include/presence/ipc.h \
  include/presence/msg.h \
  include/presence/record.h include/presence/ring.h include/presence/route.h \
  include/presence/seen.h include/presence/seen_shm.h include/presence/shm.h \
  include/presence/snowflake.h include/presence/spool.h include/presence/sse.h

libcore_la_SOURCES += src/core/conf.c src/core/conf_keys.c src/core/conf_print.c src/core/conf_priv.h \
  src/core/conf_value.c src/core/control.c include/presence/conf.h include/presence/control.h
libcore_la_SOURCES += src/core/budget.c include/presence/budget.h

# What the settings mean for a member.
libcore_la_SOURCES += src/core/duration.c include/presence/duration.h \
  src/core/settings.c src/core/settings_file.c src/core/settings_json.c src/core/settings_presets.c src/core/settings_priv.h \
  src/core/settings_read.c src/core/settings_rows.c src/core/settings_text.c \
  src/core/settings_value.c include/presence/settings.h \
  src/core/policy.c src/core/policy_kick.c src/core/policy_names.c src/core/policy_priv.h \
  src/core/policy_time.c include/presence/policy.h
