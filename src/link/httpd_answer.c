/* Answers of the HTTP server: whole ones, and streams of pieces. Called by presence-graphqld and
 * presence-sim.
 * A stream that has nothing to send is suspended inside the library's reader, so that it costs
 * nothing until the next piece.
 * Diagnostics: a header that the library refuses is a warning; fatal without memory. */
#include <errno.h>
#include <string.h>
#include <sys/socket.h>

#include "link/httpd_priv.h"
#include "presence/log.h"

#define STREAM_BLOCK 4096u

/* --- who left -------------------------------------------------------------------------------- */

void httpd_tell_gone(struct httpd_request *req)
{
    httpd_gone_cb *cb = req->gone;

    req->gone = NULL;
    if (cb)
        cb(req->gone_arg, req);
}

static void peer_readable(void *arg, unsigned events)
{
    struct httpd_request *req = arg;
    char byte;
    ssize_t n = recv(loop_fd_fd(req->gone_watch), &byte, 1, MSG_PEEK | MSG_DONTWAIT);

    if (n < 0 && (errno == EAGAIN || errno == EINTR) && !(events & LOOP_HUP))
        return;
    loop_fd_del(&req->gone_watch);
    if (n > 0) /* the next request, pipelined: whether the client waits cannot be seen any more */
        return;
    httpd_tell_gone(req);
}

void httpd_set_gone(struct httpd_request *req, httpd_gone_cb *cb, void *arg)
{
    const union MHD_ConnectionInfo *info;

    req->gone = cb;
    req->gone_arg = arg;
    if (!cb) {
        loop_fd_del(&req->gone_watch);
        return;
    }
    if (req->gone_watch || !req->conn)
        return;
    info = MHD_get_connection_info(req->conn, MHD_CONNECTION_INFO_CONNECTION_FD);
    if (info)
        req->gone_watch =
            loop_fd_add(req->server->loop, info->connect_fd, LOOP_READ, peer_readable, req);
}

/* --- whole answers --------------------------------------------------------------------------- */

static void resume(struct httpd_request *req)
{
    if (!req->suspended)
        return;
    req->suspended = false;
    MHD_resume_connection(req->conn);
    httpd_arm_timer(req->server, 0); /* cheaper than the library's own wake-up descriptor */
}

static void answered(struct httpd_request *req)
{
    httpd_owed_remove(req);
    loop_fd_del(&req->gone_watch);
    resume(req);
}

static void set_response(struct httpd_request *req, unsigned status,
                         const struct httpd_header *headers, size_t n_headers,
                         struct MHD_Response *response)
{
    if (!response)
        fatal("httpd_response", "the HTTP library has no memory for an answer");
    for (size_t i = 0; i < n_headers; i++)
        if (MHD_add_response_header(response, headers[i].name, headers[i].value) != MHD_YES)
            log_warn("httpd_header", "header %s refused by the HTTP library", headers[i].name);
    req->status = status;
    req->response = response;
}

void httpd_respond(struct httpd_request *req, unsigned status, const struct httpd_header *headers,
                   size_t n_headers, const void *body, size_t len)
{
    /* MUST_COPY leaves the caller's bytes alone; the library merely lacks the const. */
    void *bytes = (void *)(uintptr_t)body;

    set_response(req, status, headers, n_headers,
                 MHD_create_response_from_buffer(len, bytes, MHD_RESPMEM_MUST_COPY));
    answered(req);
}

void httpd_respond_buf(struct httpd_request *req, unsigned status,
                       const struct httpd_header *headers, size_t n_headers, struct buf *body)
{
    size_t len = buf_len(body);

    if (len == 0) {
        buf_clear(body);
        httpd_respond(req, status, headers, n_headers, "", 0);
        return;
    }
    if (body->start > 0)
        memmove(body->data, body->data + body->start, len);
    set_response(req, status, headers, n_headers,
                 MHD_create_response_from_buffer(len, body->data, MHD_RESPMEM_MUST_FREE));
    buf_init(body, body->max);
    answered(req);
}

void httpd_abort(struct httpd_request *req)
{
    req->aborted = true;
    if (req->streaming) {
        httpd_stream_end(req);
        return;
    }
    answered(req);
}

/* --- streams --------------------------------------------------------------------------------- */

/* The library asks for up to max bytes of the body. */
static ssize_t read_stream(void *cls, uint64_t pos, char *to, size_t max)
{
    struct httpd_request *req = cls;
    size_t n = buf_len(&req->out);

    (void)pos;
    if (req->aborted)
        return MHD_CONTENT_READER_END_WITH_ERROR;
    if (n > 0) {
        n = n < max ? n : max;
        memcpy(to, buf_bytes(&req->out), n);
        buf_consume(&req->out, n);
        return (ssize_t)n;
    }
    if (req->ended)
        return MHD_CONTENT_READER_END_OF_STREAM;
    req->suspended = true;
    MHD_suspend_connection(req->conn);
    return 0;
}

void httpd_stream(struct httpd_request *req, unsigned status, const struct httpd_header *headers,
                  size_t n_headers, size_t unsent_max)
{
    req->streaming = true;
    req->unsent_max = unsent_max;
    set_response(
        req, status, headers, n_headers,
        MHD_create_response_from_callback(MHD_SIZE_UNKNOWN, STREAM_BLOCK, read_stream, req, NULL));
    resume(req);
}

int httpd_stream_write(struct httpd_request *req, const void *bytes, size_t len)
{
    if (buf_len(&req->out) + len > req->unsent_max)
        return -1;
    if (!req->conn)
        return 0;
    buf_append(&req->out, bytes, len);
    resume(req);
    return 0;
}

size_t httpd_stream_unsent(const struct httpd_request *req)
{
    return buf_len(&req->out);
}

void httpd_stream_end(struct httpd_request *req)
{
    req->streaming = false;
    req->ended = true;
    if (req->conn) {
        answered(req);
        return;
    }
    httpd_owed_remove(req);
    httpd_request_free(req);
}
