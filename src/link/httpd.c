/* HTTP server: libmicrohttpd with its epoll descriptor in our loop, and the requests it brings.
 * Called by presence-graphqld and presence-sim.
 * A request that is not answered inside the handler is suspended; its connection is then out of the
 * library's sight, so a hang-up is noticed by our own watch, and only if somebody asked for it.
 * Diagnostics: errors of the library are warnings; fatal only when the library breaks its word. */
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <unistd.h>

#include "link/httpd_priv.h"
#include "presence/fd.h"
#include "presence/log.h"

#define BODY_MAX_DEFAULT    (2u << 20)
#define HEADER_MAX_DEFAULT  (16u << 10)
#define CONN_MAX_DEFAULT    1000u
#define IDLE_SEC_DEFAULT    60u
#define REQUEST_SEC_DEFAULT 60u
#define RUNS_PER_WAKEUP     16          /* then the loop's other work gets its turn, */
#define TURN_MAX_MS         5           /* or after so long: a request may take its time */
#define DISCARD_MAX         (64u << 10) /* of a chunked body, behind the limit, before a plain close */

/* --- driving the library --------------------------------------------------------------------- */

void httpd_arm_timer(struct httpd *h, int64_t in_ms)
{
    int64_t due_ms = clock_mono().ms + in_ms;

    /* An earlier timer stays: idle limits only move away, and firing early costs one run. */
    if (loop_timer_active(h->timer) && h->timer_due_ms <= due_ms)
        return;
    h->timer_due_ms = due_ms;
    loop_timer_set(h->timer, in_ms);
}

static void run(struct httpd *h)
{
    MHD_UNSIGNED_LONG_LONG in_ms = 0;
    int64_t begun_ms = clock_mono().ms;

    for (int i = 0; i < RUNS_PER_WAKEUP; i++) {
        if (MHD_run(h->daemon) != MHD_YES)
            log_warn("httpd_run", "the HTTP library could not serve its connections");
        if (MHD_get_timeout(h->daemon, &in_ms) != MHD_YES) {
            loop_timer_stop(h->timer);
            return;
        }
        if (in_ms > 0 || clock_mono().ms - begun_ms >= TURN_MAX_MS)
            break;
    }
    httpd_arm_timer(h, (int64_t)in_ms);
}

static void epoll_ready(void *arg, unsigned events)
{
    (void)events;
    run(arg);
}

static void timer_due(void *arg)
{
    run(arg);
}

static void library_log(void *arg, const char *fmt, va_list ap)
    __attribute__((format(printf, 2, 0)));
static void library_log(void *arg, const char *fmt, va_list ap)
{
    (void)arg;
    if (log_level() <= LOG_LEVEL_DEBUG)
        log_vwrite(LOG_LEVEL_DEBUG, "httpd_library", fmt, ap);
}

/* --- requests -------------------------------------------------------------------------------- */

static void owed_add(struct httpd_request *req)
{
    struct httpd *h = req->server;

    req->next = h->owed;
    if (h->owed)
        h->owed->prev = req;
    h->owed = req;
    h->pending++;
}

void httpd_owed_remove(struct httpd_request *req)
{
    struct httpd *h = req->server;

    if (req->prev)
        req->prev->next = req->next;
    else
        h->owed = req->next;
    if (req->next)
        req->next->prev = req->prev;
    req->prev = req->next = NULL;
    h->pending--;
}

void httpd_request_free(struct httpd_request *req)
{
    if (req->response)
        MHD_destroy_response(req->response);
    buf_clear(&req->body);
    buf_clear(&req->out);
    free(req);
}

static enum MHD_Result queue_response(struct httpd_request *req)
{
    enum MHD_Result rc = MHD_queue_response(req->conn, req->status, req->response);

    MHD_destroy_response(req->response);
    req->response = NULL;
    return rc;
}

/* Refused by ourselves; the connection ends with it. text is static. */
static enum MHD_Result refuse(struct httpd_request *req, unsigned status, const char *type,
                              const char *text)
{
    req->status = status;
    req->response = MHD_create_response_from_buffer(strlen(text), (void *)(uintptr_t)text,
                                                    MHD_RESPMEM_PERSISTENT);
    MHD_add_response_header(req->response, "Content-Type", type);
    MHD_add_response_header(req->response, "Connection", "close");
    return queue_response(req);
}

static enum MHD_Result refuse_too_large(struct httpd_request *req)
{
    return refuse(req, MHD_HTTP_CONTENT_TOO_LARGE, "application/json", req->server->too_large);
}

static enum MHD_Result refuse_broken(struct httpd_request *req, const char *why)
{
    return refuse(req, MHD_HTTP_BAD_REQUEST, "text/plain", why);
}

/* The path of a target in absolute form (RFC 9112, section 3.2.2) begins behind the host. */
static const char *path_of(const char *target)
{
    const char *path;

    if (strncasecmp(target, "http://", 7) != 0)
        return target;
    path = strchr(target + 7, '/');
    return path ? path : "/";
}

static enum MHD_Result begin(struct httpd *h, struct MHD_Connection *conn, const char *method,
                             const char *target, const char *version, void **con_cls)
{
    struct httpd_request *req = xcalloc(1, sizeof(*req));
    const char *length = MHD_lookup_connection_value(conn, MHD_HEADER_KIND, "Content-Length");
    const char *wrong = httpd_check(conn, version);

    *req = (struct httpd_request){
        .server = h, .conn = conn, .method = method, .path = path_of(target)};
    buf_init(&req->body, 0);
    buf_init(&req->out, 0);
    *con_cls = req;
    if (wrong)
        return refuse_broken(req, wrong);
    if (length && strtoull(length, NULL, 10) > h->body_max)
        return refuse_too_large(req);
    return MHD_YES;
}

static enum MHD_Result take_body(struct httpd_request *req, const char *bytes, size_t *n)
{
    size_t limit = req->server->body_max;

    if (req->discarded == 0 && buf_len(&req->body) + *n <= limit) {
        buf_append(&req->body, bytes, *n);
    } else {
        /* Chunked and too long: the library answers only behind the body, so let it end soon. */
        req->discarded += *n;
        if (req->discarded > DISCARD_MAX)
            return MHD_NO;
    }
    *n = 0;
    return MHD_YES;
}

/* The library may have read the length otherwise than it stands there (a folded line). */
static bool has_its_length(struct httpd_request *req)
{
    const char *length = httpd_header(req, "Content-Length");

    return !length || strtoull(length, NULL, 10) == buf_len(&req->body);
}

static enum MHD_Result complete(struct httpd_request *req)
{
    if (req->discarded > 0)
        return refuse_too_large(req);
    if (!has_its_length(req))
        return refuse_broken(req, "the body is not as long as Content-Length says");
    req->handed_over = req->in_handler = true;
    httpd_conn_busy(req->conn);
    owed_add(req);
    req->server->handler(req->server->arg, req);
    req->in_handler = false;
    if (req->aborted)
        return MHD_NO;
    if (req->response)
        return queue_response(req);
    req->suspended = true;
    MHD_suspend_connection(req->conn);
    return MHD_YES;
}

static enum MHD_Result on_access(void *cls, struct MHD_Connection *conn, const char *url,
                                 const char *method, const char *version, const char *upload,
                                 size_t *upload_size, void **con_cls)
{
    struct httpd_request *req = *con_cls;
    const struct httpd *h = cls;

    if (h->ending && !(req && req->handed_over))
        return MHD_NO;
    if (!req)
        return begin(cls, conn, method, url, version, con_cls);
    if (*upload_size > 0)
        return take_body(req, upload, upload_size);
    if (!req->handed_over)
        return complete(req);
    if (req->aborted || !req->response)
        return MHD_NO;
    return queue_response(req);
}

static void on_completed(void *cls, struct MHD_Connection *conn, void **con_cls,
                         enum MHD_RequestTerminationCode toe)
{
    struct httpd_request *req = *con_cls;

    (void)cls;
    (void)toe;
    httpd_conn_idle(conn);
    if (!req)
        return;
    *con_cls = NULL;
    loop_fd_del(&req->gone_watch);
    if (!req->streaming) {
        httpd_request_free(req);
        return;
    }
    /* Whoever writes into the stream has not ended it yet. */
    req->conn = NULL;
    req->suspended = false;
    buf_clear(&req->out);
    httpd_tell_gone(req);
}

/* --- start and end --------------------------------------------------------------------------- */

static int watch_daemon(struct httpd *h)
{
    const union MHD_DaemonInfo *info = MHD_get_daemon_info(h->daemon, MHD_DAEMON_INFO_EPOLL_FD);

    if (!info || info->epoll_fd < 0)
        return -1;
    h->watch = loop_fd_add(h->loop, info->epoll_fd, LOOP_READ, epoll_ready, h);
    h->timer = loop_timer_new(h->loop, timer_due, h);
    h->sweep = loop_timer_new(h->loop, httpd_conn_sweep, h);
    return 0;
}

struct httpd *httpd_new(struct loop *loop, int listen_fd, const struct httpd_options *options,
                        httpd_handler *handler, void *arg, char **error_r)
{
    static const char too_large[] = "{\"message\":\"Request entity too large\",\"code\":40005}";
    static const struct httpd_options none;
    const struct httpd_options *o = options ? options : &none;
    struct httpd *h = xcalloc(1, sizeof(*h));

    *h = (struct httpd){.loop = loop, .handler = handler, .arg = arg, .quiesced_fd = -1};
    h->body_max = o->body_max ? o->body_max : BODY_MAX_DEFAULT;
    h->too_large = o->too_large ? o->too_large : too_large;
    h->request_max_ms = 1000 * (int64_t)(o->request_sec ? o->request_sec : REQUEST_SEC_DEFAULT);
    h->daemon = MHD_start_daemon(
        MHD_USE_EPOLL | MHD_ALLOW_SUSPEND_RESUME | MHD_USE_ERROR_LOG, 0, NULL, NULL, on_access, h,
        MHD_OPTION_EXTERNAL_LOGGER, library_log, NULL, MHD_OPTION_LISTEN_SOCKET, listen_fd,
        MHD_OPTION_UNESCAPE_CALLBACK, httpd_unescape, NULL, MHD_OPTION_NOTIFY_COMPLETED,
        on_completed, NULL, MHD_OPTION_NOTIFY_CONNECTION, httpd_conn_notify, h,
        MHD_OPTION_CONNECTION_MEMORY_LIMIT,
        (o->header_max ? o->header_max : (size_t)HEADER_MAX_DEFAULT) + 4096,
        MHD_OPTION_CONNECTION_LIMIT, o->connections_max ? o->connections_max : CONN_MAX_DEFAULT,
        MHD_OPTION_CONNECTION_TIMEOUT, o->idle_sec ? o->idle_sec : IDLE_SEC_DEFAULT,
        MHD_OPTION_END);
    if (!h->daemon || watch_daemon(h)) {
        *error_r = xstrdup("the HTTP library does not start (epoll, descriptors or memory)");
        if (h->daemon)
            MHD_stop_daemon(h->daemon);
        else
            close(listen_fd);
        free(h);
        return NULL;
    }
    return h;
}

void httpd_stop_accepting(struct httpd *h)
{
    if (h->quiesced_fd < 0)
        h->quiesced_fd = MHD_quiesce_daemon(h->daemon);
    fd_close(&h->quiesced_fd);
}

size_t httpd_pending(const struct httpd *h)
{
    return h->pending;
}

unsigned httpd_connections(const struct httpd *h)
{
    const union MHD_DaemonInfo *info =
        MHD_get_daemon_info(h->daemon, MHD_DAEMON_INFO_CURRENT_CONNECTIONS);

    return info ? info->num_connections : 0;
}

void httpd_free(struct httpd **h)
{
    struct httpd *server = *h;

    if (!server)
        return;
    /* The library aborts if it is stopped with suspended connections, so nobody may come to wait
     * who is read only now. */
    server->ending = true;
    while (server->owed)
        httpd_abort(server->owed);
    MHD_run(server->daemon);
    loop_fd_del(&server->watch);
    loop_timer_free(&server->timer);
    MHD_stop_daemon(server->daemon);
    loop_timer_free(&server->sweep);
    free(server);
    *h = NULL;
}

/* --- reading the request --------------------------------------------------------------------- */

const char *httpd_method(const struct httpd_request *req)
{
    return req->method;
}

const char *httpd_path(const struct httpd_request *req)
{
    return req->path;
}

const char *httpd_header(const struct httpd_request *req, const char *name)
{
    return MHD_lookup_connection_value(req->conn, MHD_HEADER_KIND, name);
}

const char *httpd_query(const struct httpd_request *req, const char *key)
{
    return MHD_lookup_connection_value(req->conn, MHD_GET_ARGUMENT_KIND, key);
}

struct count {
    const char *key;
    unsigned n;
    unsigned wanted;
    const char *found; /* the value of that place */
};

static enum MHD_Result count(void *arg, enum MHD_ValueKind kind, const char *key, const char *value)
{
    struct count *c = arg;

    (void)kind;
    if (strcmp(key, c->key) == 0 && c->n++ == c->wanted)
        c->found = value;
    return MHD_YES;
}

unsigned httpd_query_count(const struct httpd_request *req, const char *key)
{
    struct count c = {.key = key};

    MHD_get_connection_values(req->conn, MHD_GET_ARGUMENT_KIND, count, &c);
    return c.n;
}

const char *httpd_query_at(const struct httpd_request *req, const char *key, unsigned n)
{
    struct count c = {.key = key, .wanted = n};

    MHD_get_connection_values(req->conn, MHD_GET_ARGUMENT_KIND, count, &c);
    return c.found;
}

char *httpd_body(struct httpd_request *req, size_t *len_r)
{
    if (len_r)
        *len_r = buf_len(&req->body);
    buf_cstr(&req->body);
    return (char *)buf_bytes(&req->body);
}

const char *httpd_peer(struct httpd_request *req)
{
    const union MHD_ConnectionInfo *info =
        MHD_get_connection_info(req->conn, MHD_CONNECTION_INFO_CLIENT_ADDRESS);
    const struct sockaddr *sa = info ? info->client_addr : NULL;

    if (sa && sa->sa_family == AF_INET)
        inet_ntop(AF_INET, &((const struct sockaddr_in *)sa)->sin_addr, req->peer,
                  sizeof(req->peer));
    else if (sa && sa->sa_family == AF_INET6)
        inet_ntop(AF_INET6, &((const struct sockaddr_in6 *)sa)->sin6_addr, req->peer,
                  sizeof(req->peer));
    else
        memcpy(req->peer, "unix", 5);
    return req->peer;
}
