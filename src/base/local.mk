noinst_LTLIBRARIES += libbase.la
libbase_la_SOURCES = \
  src/base/backoff.c src/base/buf.c src/base/clock.c src/base/crc32c.c src/base/fd.c src/base/log.c src/base/loop.c src/base/loop_epoll.c \
  src/base/privileges.c src/base/resolve.c src/base/sd.c src/base/text.c \
  include/presence/backoff.h include/presence/buf.h include/presence/clock.h include/presence/crc32c.h \
  include/presence/fd.h include/presence/log.h include/presence/loop.h \
  include/presence/privileges.h include/presence/resolve.h include/presence/sd.h \
  include/presence/text.h
libbase_la_LIBADD = $(BSD_LIBS)
