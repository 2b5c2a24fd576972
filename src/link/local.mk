noinst_LTLIBRARIES += liblink_httpd.la
liblink_httpd_la_SOURCES = src/link/httpd.c include/presence/httpd.h
liblink_httpd_la_CFLAGS = $(AM_CFLAGS) $(MHD_CFLAGS)
liblink_httpd_la_LIBADD = $(MHD_LIBS)
