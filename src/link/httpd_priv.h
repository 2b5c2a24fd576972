/* What the files of the HTTP server share. */
#ifndef LINK_HTTPD_PRIV_H
#define LINK_HTTPD_PRIV_H

#include <arpa/inet.h>
#include <microhttpd.h>

#include "presence/httpd.h"

struct httpd_request {
    struct httpd *server;
    struct MHD_Connection *conn; /* NULL: a stream whose connection ended before it was ended */
    const char *method, *path;
    struct buf body;
    size_t discarded;              /* bytes behind the limit, dropped */
    struct MHD_Response *response; /* given, not yet queued */
    unsigned status;
    bool handed_over; /* the handler has seen it */
    bool in_handler;
    bool suspended;
    bool aborted;
    bool streaming;    /* httpd_stream was called, httpd_stream_end not yet */
    bool ended;        /* a stream that has nothing more to come than what is in out */
    struct buf out;    /* of a stream: not yet given to the library */
    size_t unsent_max; /* of out */
    httpd_gone_cb *gone;
    void *gone_arg;
    struct loop_fd *gone_watch;
    char peer[INET6_ADDRSTRLEN];
    struct httpd_request *prev, *next; /* among those owed an answer */
};

struct httpd_conn; /* httpd_conn.c */

struct httpd {
    struct loop *loop;
    struct MHD_Daemon *daemon;
    struct loop_fd *watch;
    struct loop_timer *timer;
    int64_t timer_due_ms; /* valid while the timer is active */
    httpd_handler *handler;
    void *arg;
    size_t body_max;
    const char *too_large;
    size_t pending;
    struct httpd_request *owed;
    bool ending;                        /* httpd_free was called: no request begins any more */
    int quiesced_fd;                    /* the listener after httpd_stop_accepting, else -1 */
    struct httpd_conn *oldest, *newest; /* connections that owe us a request, by age */
    struct loop_timer *sweep;
    int64_t request_max_ms;
};

/* httpd.c */
void httpd_arm_timer(struct httpd *h, int64_t in_ms);
void httpd_owed_remove(struct httpd_request *req);
void httpd_request_free(struct httpd_request *req);

/* httpd_check.c: what is wrong with a request's head, or NULL. */
const char *httpd_check(struct MHD_Connection *conn, const char *version);
/* Percent-decoding in place; what is none, and %00, stays as it is. Returns the new length. */
size_t httpd_unescape(void *cls, struct MHD_Connection *conn, char *text);

/* httpd_answer.c: once per request. */
void httpd_tell_gone(struct httpd_request *req);

/* httpd_conn.c: the deadline by which a connection must bring a whole request. */
void httpd_conn_notify(void *cls, struct MHD_Connection *conn, void **socket_context,
                       enum MHD_ConnectionNotificationCode code);
/* A whole request is in: the deadline is lifted until the answer is out. */
void httpd_conn_busy(struct MHD_Connection *conn);
void httpd_conn_idle(struct MHD_Connection *conn);
void httpd_conn_sweep(void *arg);

#endif
