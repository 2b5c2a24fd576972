noinst_LTLIBRARIES += liblink_httpd.la
liblink_httpd_la_SOURCES = src/link/httpd.c src/link/httpd_answer.c src/link/httpd_chunked.c src/link/httpd_conn.c \
  src/link/httpd_head.c src/link/httpd_listen.c src/link/httpd_priv.h src/link/httpd_read.c \
  src/link/httpd_request.c include/presence/httpd.h
liblink_httpd_la_LIBADD = $(HTTP_PARSER_LIBS)

noinst_LTLIBRARIES += liblink_ini.la
liblink_ini_la_SOURCES = src/link/conf_load.c src/link/ini.c include/presence/ini.h
liblink_ini_la_CFLAGS = $(AM_CFLAGS) $(INIH_CFLAGS)
liblink_ini_la_LIBADD = $(INIH_LIBS)

noinst_LTLIBRARIES += liblink_json.la
liblink_json_la_SOURCES = src/link/json.c src/link/guild_view.c include/presence/json.h \
  include/presence/guild_view.h
liblink_json_la_CFLAGS = $(AM_CFLAGS) $(CJSON_CFLAGS)
liblink_json_la_LIBADD = $(CJSON_LIBS)

noinst_LTLIBRARIES += liblink_http.la
liblink_http_la_SOURCES = src/link/http.c include/presence/http.h
liblink_http_la_CFLAGS = $(AM_CFLAGS) $(CURL_CFLAGS)
liblink_http_la_LIBADD = $(CURL_LIBS)

noinst_LTLIBRARIES += liblink_redis.la
liblink_redis_la_SOURCES = src/link/redis.c src/link/redis_dial.c src/link/redis_print.c \
  src/link/redis_priv.h src/link/redis_url.c src/link/redis_value.c include/presence/redis.h
liblink_redis_la_CFLAGS = $(AM_CFLAGS) $(HIREDIS_CFLAGS)
liblink_redis_la_LIBADD = $(HIREDIS_LIBS)

noinst_LTLIBRARIES += liblink_ws.la
liblink_ws_la_SOURCES = src/link/ws.c src/link/ws_priv.h src/link/ws_calm.c src/link/ws_tls.c src/link/wsframe.c src/link/wsframe.h src/link/loop_lws.c \
  src/link/loop_lws.h include/presence/ws.h
liblink_ws_la_CFLAGS = $(AM_CFLAGS) $(LWS_CFLAGS) $(CRYPTO_CFLAGS)
liblink_ws_la_LIBADD = $(LWS_LIBS) $(CRYPTO_LIBS)

noinst_LTLIBRARIES += liblink_inflate.la
liblink_inflate_la_SOURCES = src/link/inflate.c include/presence/inflate.h
liblink_inflate_la_CFLAGS = $(AM_CFLAGS) $(ZLIB_CFLAGS) $(ZSTD_CFLAGS)
liblink_inflate_la_LIBADD = $(ZLIB_LIBS) $(ZSTD_LIBS)

noinst_LTLIBRARIES += liblink_ws_server.la
liblink_ws_server_la_SOURCES = src/link/ws_server.c include/presence/ws_server.h
liblink_ws_server_la_CFLAGS = $(AM_CFLAGS) $(LWS_CFLAGS)
liblink_ws_server_la_LIBADD = $(LWS_LIBS)

noinst_LTLIBRARIES += liblink_deflate.la
liblink_deflate_la_SOURCES = src/link/deflate.c include/presence/deflate.h
liblink_deflate_la_CFLAGS = $(AM_CFLAGS) $(ZLIB_CFLAGS) $(ZSTD_CFLAGS)
liblink_deflate_la_LIBADD = $(ZLIB_LIBS) $(ZSTD_LIBS)

noinst_LTLIBRARIES += liblink_jsonin.la
liblink_jsonin_la_SOURCES = src/link/jsonin.c include/presence/jsonin.h
liblink_jsonin_la_CFLAGS = $(AM_CFLAGS) $(YAJL_CFLAGS)
liblink_jsonin_la_LIBADD = $(YAJL_LIBS)

noinst_LTLIBRARIES += liblink_crypto.la
liblink_crypto_la_SOURCES = src/link/crypto.c include/presence/crypto.h
liblink_crypto_la_CFLAGS = $(AM_CFLAGS) $(CRYPTO_CFLAGS)
liblink_crypto_la_LIBADD = $(CRYPTO_LIBS)

noinst_LTLIBRARIES += liblink_pg.la
liblink_pg_la_SOURCES = src/link/pg.c src/link/pg_conn.c src/link/pg_job.c src/link/pg_listen.c \
  src/link/pg_prepared.c src/link/pg_prepared.h src/link/pg_priv.h src/link/pg_sync.c \
  include/presence/pg.h include/presence/pg_listen.h
liblink_pg_la_CFLAGS = $(AM_CFLAGS) $(PQ_CFLAGS)
liblink_pg_la_LIBADD = $(PQ_LIBS)

noinst_LTLIBRARIES += liblink_rest.la
liblink_rest_la_SOURCES = src/link/rest.c src/link/rest_queue.c src/link/rest_try.c \
  src/link/rest_priv.h include/presence/rest.h

noinst_LTLIBRARIES += liblink_custom_id.la
liblink_custom_id_la_SOURCES = src/link/custom_id.c include/presence/custom_id.h
