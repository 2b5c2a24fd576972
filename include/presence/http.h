/* An HTTP client on struct loop: many requests at once over kept connections, TCP or Unix socket,
 * HTTP/2 where a TLS server offers it. Used by presence-worker for GraphQL and Discord's REST, and
 * by presencectl. */
#ifndef PRESENCE_HTTP_H
#define PRESENCE_HTTP_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "presence/buf.h"
#include "presence/loop.h"

struct http;
struct http_call;
struct http_answer;

/* A piece of an answer's body as it arrives: piece->body holds its bytes, status and headers are
 * known. Returns whether it was taken; otherwise it is kept for the whole answer. Must not send or
 * cancel. */
typedef bool http_piece_cb(void *arg, const struct http_answer *piece);

struct http_request {
    const char *method; /* "GET", "POST", … */
    const char *url;
    const char *unix_path;      /* NULL: by the URL's host */
    const char *const *headers; /* "Name: value" each, copied; must hold no line breaks */
    size_t n_headers;
    struct buf *body;           /* its bytes are taken over and it is left empty; NULL: no body */
    int64_t timeout_ms;         /* of the whole exchange; 0 = 30 s, -1 = none */
    int64_t silence_max_ms;     /* so long nothing may arrive; 0 = no limit */
    int64_t connect_timeout_ms; /* 0 = 5 s */
    size_t answer_max;          /* bytes of the answer's body; 0 = 16 MB */
    http_piece_cb *piece;       /* for streams; may be NULL */
    /* Doing it twice is not the same as doing it once: a connection of its own, since a request
     * that ends with a kept one is sent again by the library, whether it was taken or not. */
    bool once;
};

struct http_answer {
    int status;        /* 0 = no answer: error says why */
    const char *error; /* text without secrets, or NULL */
    bool unsent;       /* status 0: there was no connection, so nothing of it was taken */
    const char *body;  /* NUL-terminated behind its len bytes; never NULL */
    size_t len;
    const struct http_call *call;
};

/* The answer and what it points to live during the call. The call itself ends with it. */
typedef void http_cb(void *arg, const struct http_answer *answer);

struct http *http_new(struct loop *loop, const char *user_agent);
void http_free(struct http **http); /* calls under way end without an answer */

/* Where the service named by url is: "unix:/path" or "http://host:port". *url_r gets path if the
 * URL has none; *unix_path_r is NULL for TCP. Both are the caller's. */
void http_service_url(const char *url, const char *path, char **url_r, char **unix_path_r);

/* Never calls back before it returns. */
struct http_call *http_send(struct http *http, const struct http_request *request, http_cb *cb,
                            void *arg);
void http_cancel(struct http_call **call); /* no callback */
size_t http_calls(const struct http *http);

/* A response header's value (case-insensitive name; white space cut off), copied into out. Returns
 * its length, or -1 if there is none or it does not fit. */
int http_answer_header(const struct http_answer *answer, const char *name, char *out,
                       size_t out_size);

#endif
