/* What the files of the HTTP server share. */
#ifndef LINK_HTTPD_PRIV_H
#define LINK_HTTPD_PRIV_H

#include <netinet/in.h>
#include <sys/queue.h>

#include "presence/httpd.h"

#define HTTPD_HEADERS_MAX 100u        /* fields of one head */
#define HTTPD_KEEP_SIZE   (16u << 10) /* of a connection's buffer, between requests */

struct httpd_conn;

struct httpd_request {
    struct httpd *server;
    struct httpd_conn *conn; /* NULL: a stream whose connection ended before it was ended */
    const char *method;
    char *path, *query; /* query: not yet split, NULL if there is none or once it is split */
    unsigned minor;     /* of HTTP/1.x */
    bool keep_alive, streaming, chunked, expects_continue;
    bool has_length;
    uint64_t length;              /* valid if has_length */
    char *head;                   /* what the strings point into */
    struct httpd_header *queries; /* decoded; owned */
    size_t n_queries;
    struct buf body;
    size_t unsent_max; /* of a stream */
    httpd_gone_cb *gone;
    void *gone_arg;
    char peer[INET6_ADDRSTRLEN];
    TAILQ_ENTRY(httpd_request) orphan;
    size_t n_headers, headers_max;
    struct httpd_header headers[]; /* behind them the head */
};

/* httpd_chunked.c: the framing of a chunked body (RFC 9112, section 7.1), to the letter. */
struct httpd_chunked {
    unsigned state;
    unsigned line; /* bytes of this line, or of all trailers */
    uint64_t left; /* of this chunk */
};

enum httpd_progress { HTTPD_MORE, HTTPD_DONE, HTTPD_BROKEN, HTTPD_TOO_LARGE };

/* Appends to body, which may become body_max bytes long; *used_r of the len bytes belong to it. */
enum httpd_progress httpd_chunked_feed(struct httpd_chunked *d, const unsigned char *bytes,
                                       size_t len, size_t body_max, struct buf *body,
                                       size_t *used_r);

enum httpd_state {
    HTTPD_HEAD,   /* waits for a request, or for the rest of its head */
    HTTPD_BODY,   /* for the rest of its body */
    HTTPD_OWED,   /* the handler has it; a stream is so until its end */
    HTTPD_ANSWER, /* the rest of the answer is being sent */
    HTTPD_LINGER, /* the last answer is out; what the client still sends is thrown away */
};

struct httpd_conn {
    struct httpd *server;
    int fd;
    enum httpd_state state;
    struct loop_fd *watch;  /* NULL once the client hung up */
    unsigned wanted, ready; /* events: watched for, seen and not yet served */
    bool queued, serving, closed;
    bool paused;      /* the next request has come while one is owed: not read yet */
    bool eof;         /* the client sends no more */
    bool close_after; /* the answer is the last one */
    bool linger;      /* and something may come that nobody reads */
    bool no_body;     /* of the answer: HEAD */
    bool out_chunked, out_ended;
    struct buf in;  /* received, not yet part of a request */
    size_t scanned; /* of in: up to here it holds no end of a head */
    size_t line;    /* of in: where the last line seen begins */
    struct httpd_request *req;
    struct httpd_chunked chunked;
    struct buf out;    /* to be sent as it is */
    struct buf stream; /* a stream's, not yet in chunks */
    int64_t since_ms;  /* begin, last answer, or begin of lingering */
    int64_t active_ms; /* something was received or sent */
    TAILQ_ENTRY(httpd_conn) all, queue;
};

TAILQ_HEAD(httpd_conns, httpd_conn);
TAILQ_HEAD(httpd_orphans, httpd_request);

struct httpd {
    struct loop *loop;
    int listen_fd;
    bool tcp;
    bool short_of_fds; /* the last connection could not be taken */
    bool resting;      /* so accepting pauses */
    struct loop_fd *listener;
    struct loop_timer *rest;
    struct loop_timer *sweep;
    int64_t sweep_due_ms; /* valid while sweep is active */
    httpd_handler *handler;
    void *arg;
    size_t body_max, header_max;
    unsigned connections_max, connections;
    const char *too_large;
    int64_t request_max_ms, idle_max_ms;
    size_t pending;
    bool scheduled;                  /* queue is served after this round */
    struct httpd_conns conns, queue; /* all; those to be served */
    struct httpd_orphans orphans;    /* streams not yet ended whose connection is closed */
    struct buf head;                 /* of the answer being written */
    int64_t date_sec;
    char date[96];
};

/* httpd.c */
void httpd_enqueue(struct httpd_conn *c, unsigned events);
void httpd_dequeue(struct httpd_conn *c);
void httpd_deadline(struct httpd *h, int64_t due_ms);
void httpd_listen_again(struct httpd *h);

/* httpd_conn.c */
void httpd_conn_new(struct httpd *h, int fd);
void httpd_conn_close(struct httpd_conn *c); /* frees it, unless it is being served */
void httpd_conn_step(struct httpd_conn *c);
int64_t httpd_conn_due(const struct httpd_conn *c); /* INT64_MAX: no deadline */
/* Sends what waits; the connection may be closed by it. */
void httpd_conn_flush(struct httpd_conn *c);

/* httpd_read.c: takes what has come, and hands over at most one request. */
void httpd_read(struct httpd_conn *c, unsigned events);

/* httpd_head.c: makes a request of a whole head, or NULL, *status_r and *why_r (static). */
struct httpd_request *httpd_head_parse(const unsigned char *head, size_t len, unsigned *status_r,
                                       const char **why_r);
const char *httpd_status_text(unsigned status);
/* Percent-decoding in place; what is none, and %00, stays as it is. */
void httpd_unescape(char *text);

/* httpd_request.c */
void httpd_request_free(struct httpd_request *req);
/* Its answer is about to be sent: the connection gets its buffer back. The bytes stay until more is
 * received. */
void httpd_request_end(struct httpd_request *req);

/* httpd_answer.c */
void httpd_tell_gone(struct httpd_request *req);
/* Refuses what stands in the connection's buffer; it ends with that. text is static. */
void httpd_refuse(struct httpd_conn *c, unsigned status, const char *type, const char *text);

#endif
