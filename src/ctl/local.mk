bin_PROGRAMS += presencectl
presencectl_SOURCES = src/ctl/main.c src/ctl/client.c src/ctl/client.h src/ctl/query.c src/ctl/query.h \
  src/ctl/query_show.c src/ctl/show.c src/ctl/show.h
presencectl_LDADD = liblink_ini.la liblink_json.la liblink_jsonin.la liblink_http.la libcore.la libbase.la
