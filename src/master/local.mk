noinst_LTLIBRARIES += libmaster.la
libmaster_la_SOURCES = \
  src/master/idgate.c src/master/idgate.h src/master/laneq.c src/master/laneq.h \
  src/master/plan.c src/master/plan.h src/master/resume.c src/master/resume.h \
  src/master/state.c src/master/state.h

sbin_PROGRAMS += presenced
presenced_SOURCES = \
  src/master/cogs.c src/master/control.c src/master/control_act.c src/master/control_ask.c \
  src/master/control_priv.h src/master/discover.c src/master/fetch.c src/master/lane.c \
  src/master/kept.c src/master/main.c src/master/master.h src/master/process.c src/master/process.h \
  src/master/quarantine.c src/master/reload.c src/master/roll.c src/master/secrets.c src/master/secrets.h \
  src/master/reset.c src/master/session.c src/master/shard.c src/master/shard.h src/master/shard_conn.c \
  src/master/shard_gate.c src/master/shard_send.c src/master/shard_state.c \
  src/master/shards.c src/master/status.c src/master/worker.c src/master/worker.h \
  src/master/worker_end.c src/master/worker_spawn.c src/master/worker_stderr.c \
  src/master/workers.c
presenced_LDADD = libmaster.la liblink_ws.la liblink_inflate.la liblink_ini.la liblink_json.la \
  libdiscord.la libcore.la libbase.la
