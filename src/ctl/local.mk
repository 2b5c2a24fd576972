bin_PROGRAMS += presencectl
presencectl_SOURCES = src/ctl/main.c src/ctl/client.c src/ctl/client.h src/ctl/ctl.h src/ctl/query.c src/ctl/query.h \
  src/ctl/query_show.c src/ctl/reach.c src/ctl/run_command.c src/ctl/run_invite.c src/ctl/run_query.c \
  src/ctl/show.c src/ctl/show.h
presencectl_LDADD = liblink_ini.la liblink_json.la liblink_jsonin.la liblink_http.la libcore.la libbase.la
