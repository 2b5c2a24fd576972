/* An HTTP/1.1 server on struct loop, for programs that answer requests when they are able to, not
 * at once: presence-graphqld (Unix or TCP socket) and presence-sim (REST and control API).
 *
 * Life of a request: the handler is called once, when the whole request is in (body included, up to
 * the limit). It owes exactly one answer, given at once or later from any callback of the same
 * loop. The answer ends the request: no pointer into it may be used afterwards. Keep-alive and
 * pipelining are the server's work; requests of one connection are handled one after the other. A
 * head may have 100 fields; one that two programs could read differently is refused (RFC 9112).
 *
 * A client that leaves early is reported by the gone callback, if one was set; the request stays
 * valid and is still owed an answer (which is then discarded). */
#ifndef PRESENCE_HTTPD_H
#define PRESENCE_HTTPD_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "presence/buf.h"
#include "presence/loop.h"

struct httpd;
struct httpd_request;

typedef void httpd_handler(void *arg, struct httpd_request *req);
typedef void httpd_gone_cb(void *arg, struct httpd_request *req);

struct httpd_options {
    size_t body_max;          /* bytes; a larger body is answered 413; 0 = 2 MB */
    size_t header_max;        /* bytes of request line and headers; 0 = 16 kB */
    unsigned connections_max; /* more wait in the listen queue; 0 = 1,000 */
    unsigned idle_sec;        /* a silent connection is closed after this; 0 = 60 */
    unsigned request_sec;  /* so long a connection has, from its begin or its last answer, to bring
                              one whole request, however it trickles; 0 = 60 */
    const char *too_large; /* body of the answer 413, JSON, static; NULL: in Discord's form */
};

struct httpd_header {
    const char *name;
    const char *value;
};

/* Opens a listener: "host:port" (an address, "localhost", or "[v6]:port"; port 0 = any free one) or
 * "unix:/path" (file mode as given). Returns a non-blocking descriptor, or -1 and *error_r (owned
 * by the caller). */
int httpd_listen(const char *address, unsigned unix_mode, char **error_r);

/* The port a TCP listener got; 0 for a Unix socket. */
unsigned httpd_port(int listen_fd);

/* Serves listen_fd, which belongs to the server from here on. options may be NULL. On failure NULL
 * and *error_r (owned by the caller). */
struct httpd *httpd_new(struct loop *loop, int listen_fd, const struct httpd_options *options,
                        httpd_handler *handler, void *arg, char **error_r);

/* Takes no new connection from here on; open ones are served. */
void httpd_stop_accepting(struct httpd *h);

/* Requests whose answer is owed. */
size_t httpd_pending(const struct httpd *h);
unsigned httpd_connections(const struct httpd *h);

/* Closes everything. Requests still owed an answer are forgotten: their handles die here, without
 * a call of the gone callback. */
void httpd_free(struct httpd **h);

/* --- the request; strings live until the answer ---------------------------------------------- */

const char *httpd_method(const struct httpd_request *req);
const char *httpd_path(const struct httpd_request *req); /* percent-decoded, without the query */
const char *httpd_header(const struct httpd_request *req, const char *name); /* first one or NULL */
/* The nth of that name, from 0; NULL: there are not so many. */
const char *httpd_header_at(const struct httpd_request *req, const char *name, unsigned n);
const char *httpd_query(const struct httpd_request *req, const char *key); /* first one or NULL */
unsigned httpd_query_count(const struct httpd_request *req,
                           const char *key); /* how many there are */
/* The nth of that name, from 0; NULL: there are not so many. */
const char *httpd_query_at(const struct httpd_request *req, const char *key, unsigned n);

/* The body; NUL-terminated behind its *len_r bytes. Never NULL. May be written to (parsers that
 * work in place). */
char *httpd_body(struct httpd_request *req, size_t *len_r);

/* The peer's address as text ("127.0.0.1", "unix"). */
const char *httpd_peer(struct httpd_request *req);

void httpd_set_gone(struct httpd_request *req, httpd_gone_cb *cb, void *arg);

/* --- the answer ------------------------------------------------------------------------------ */

/* Answers with a copy of body. headers: n_headers pairs; Content-Length and Date are added. */
void httpd_respond(struct httpd_request *req, unsigned status, const struct httpd_header *headers,
                   size_t n_headers, const void *body, size_t len);

/* The same without a copy: body's bytes are taken over and body is left empty. */
void httpd_respond_buf(struct httpd_request *req, unsigned status,
                       const struct httpd_header *headers, size_t n_headers, struct buf *body);

/* Answers with a body in pieces whose number is not known (chunked). The request stays owed until
 * httpd_stream_end; the gone callback, if set, tells once that nobody reads any more. unsent_max:
 * bytes that may wait for a slow reader. */
void httpd_stream(struct httpd_request *req, unsigned status, const struct httpd_header *headers,
                  size_t n_headers, size_t unsent_max);
/* Returns 0, or -1 without taking anything if more than unsent_max bytes would wait. */
int httpd_stream_write(struct httpd_request *req, const void *bytes, size_t len);
size_t httpd_stream_unsent(const struct httpd_request *req);
/* What waits is still sent; the handle dies here. */
void httpd_stream_end(struct httpd_request *req);

/* Closes the connection without an answer, or without the rest of a stream. */
void httpd_abort(struct httpd_request *req);

#endif
