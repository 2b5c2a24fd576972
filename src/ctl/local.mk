bin_PROGRAMS += presencectl
presencectl_SOURCES = src/ctl/main.c src/ctl/client.c src/ctl/client.h src/ctl/show.c src/ctl/show.h
presencectl_LDADD = liblink_ini.la liblink_json.la libcore.la libbase.la
