/* WebSocket server: the serving side of libwebsockets (handshake, unmasking, control frames), and
 * the loop it leads. Called by presence-sim.
 * Diagnostics: the library's errors are warnings; fatal when it does not start at all. */
#include "presence/ws_server.h"

#include <errno.h>
#include <libwebsockets.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

#include "loop_lws.h"
#include "presence/buf.h"
#include "presence/log.h"

#define PATH_MAX_LEN 1024

struct ws_server {
    struct lws_context *context;
    struct lws_vhost *vhost, *loop_vhost;
    struct loop *loop;
    const struct ws_server_handlers *handlers;
    void *arg;
    size_t message_max;
    unsigned port;
};

struct ws_conn {
    struct lws *wsi;
    struct ws_server *server;
    void *user;
    struct buf in;
    bool open, oversize;
    bool closing;        /* asked for by us */
    unsigned close_code; /* ours; 0 = hang up */
    char reason[124];
    unsigned peer_code;
    char query[PATH_MAX_LEN];
};

/* --- connections ----------------------------------------------------------------------------- */

static struct ws_server *server_of(struct lws *wsi)
{
    return lws_context_user(lws_get_context(wsi));
}

/* The arguments behind '?', joined by '&' again; what does not fit is left out. */
static void copy_query(struct lws *wsi, char *query, size_t size)
{
    size_t at = 0;

    for (int i = 0; size - at > 2; i++) {
        int n = lws_hdr_copy_fragment(wsi, query + at + (i > 0), (int)(size - at - 1),
                                      WSI_TOKEN_HTTP_URI_ARGS, i);

        if (n < 0)
            break;
        if (i > 0)
            query[at++] = '&';
        at += (size_t)n;
    }
    query[at] = '\0';
}

static int filter(struct lws *wsi, struct ws_conn *c)
{
    struct ws_server *s = server_of(wsi);
    char path[PATH_MAX_LEN] = "/";
    int rc;

    copy_query(wsi, c->query, sizeof(c->query));
    if (lws_hdr_total_length(wsi, WSI_TOKEN_GET_URI) > 0)
        lws_hdr_copy(wsi, path, (int)sizeof(path), WSI_TOKEN_GET_URI);
    rc = s->handlers->filter(s->arg, path, c->query);
    if (rc > 0)
        lws_return_http_status(wsi, (unsigned)rc, NULL);
    return rc ? -1 : 0;
}

static void opened(struct lws *wsi, struct ws_conn *c)
{
    struct ws_server *s = server_of(wsi);

    c->wsi = wsi;
    c->server = s;
    c->open = true;
    buf_init(&c->in, 0);
    s->handlers->open(s->arg, c, c->query);
}

static void received(struct ws_conn *c, const char *bytes, size_t len)
{
    struct ws_server *s = c->server;
    bool last = lws_is_final_fragment(c->wsi) && lws_remaining_packet_payload(c->wsi) == 0;

    if (!c->oversize && buf_len(&c->in) + len > s->message_max) {
        c->oversize = true;
        buf_reset(&c->in);
        s->handlers->oversize(s->arg, c);
    }
    if (!c->oversize)
        buf_append(&c->in, bytes, len);
    if (!last)
        return;
    if (!c->oversize && !c->closing)
        s->handlers->message(s->arg, c, buf_cstr(&c->in), buf_len(&c->in),
                             lws_frame_is_binary(c->wsi) != 0);
    c->oversize = false;
    buf_reset(&c->in);
}

static int write_or_close(struct ws_conn *c)
{
    if (!c->closing) {
        c->server->handlers->writable(c->server->arg, c);
        return 0;
    }
    if (lws_partial_buffered(c->wsi))
        return 0; /* the rest of a frame goes first; lws calls again */
    if (c->close_code)
        lws_close_reason(c->wsi, (enum lws_close_status)c->close_code, (unsigned char *)c->reason,
                         strlen(c->reason));
    return -1;
}

static void closed(struct ws_conn *c)
{
    if (!c->open)
        return;
    c->open = false;
    c->server->handlers->closed(c->server->arg, c, c->peer_code);
    buf_clear(&c->in);
}

static int callback(struct lws *wsi, enum lws_callback_reasons reason, void *user, void *in,
                    size_t len)
{
    struct ws_conn *c = user;

    switch (reason) {
    case LWS_CALLBACK_FILTER_PROTOCOL_CONNECTION:
        return filter(wsi, c);
    case LWS_CALLBACK_ESTABLISHED:
        opened(wsi, c);
        return 0;
    case LWS_CALLBACK_RECEIVE:
        received(c, in, len);
        return 0;
    case LWS_CALLBACK_SERVER_WRITEABLE:
        return write_or_close(c);
    case LWS_CALLBACK_WS_PEER_INITIATED_CLOSE:
        if (len >= 2)
            c->peer_code = (unsigned)((unsigned char *)in)[0] << 8 | ((unsigned char *)in)[1];
        return 0;
    case LWS_CALLBACK_CLOSED:
        closed(c);
        return 0;
    default:
        return lws_callback_http_dummy(wsi, reason, user, in, len);
    }
}

static const struct lws_protocols gateway_protocols[] = {
    {.name = "gateway",
     .callback = callback,
     .per_session_data_size = sizeof(struct ws_conn),
     .rx_buffer_size = 4096},
    {.name = NULL},
};

static const struct lws_protocols loop_protocols[] = {
    {.name = LOOP_LWS_PROTOCOL, .callback = loop_lws_callback},
    {.name = NULL},
};

/* --- start and end --------------------------------------------------------------------------- */

static void library_log(int level, const char *line)
{
    (void)level;
    log_warn("ws_library", "%.*s", (int)strcspn(line, "\n"), line);
}

static int start_vhosts(struct ws_server *s, const char *address, unsigned port)
{
    struct lws_context_creation_info info = {.port = CONTEXT_PORT_NO_LISTEN,
                                             .protocols = loop_protocols,
                                             .vhost_name = "loop",
                                             .options = LWS_SERVER_OPTION_DISABLE_IPV6,
                                             .gid = -1,
                                             .uid = -1};

    s->loop_vhost = lws_create_vhost(s->context, &info);
    info.vhost_name = "gateway";
    info.protocols = gateway_protocols;
    info.port = (int)port;
    info.iface = address;
    s->vhost = lws_create_vhost(s->context, &info);
    if (!s->loop_vhost || !s->vhost)
        return -1;
    s->port = (unsigned)lws_get_vhost_listen_port(s->vhost);
    return 0;
}

struct ws_server *ws_server_new(const char *address, unsigned port, size_t message_max,
                                const struct ws_server_handlers *handlers, void *arg,
                                char **error_r)
{
    struct ws_server *s = xcalloc(1, sizeof(*s));
    struct lws_context_creation_info info = {.options = LWS_SERVER_OPTION_EXPLICIT_VHOSTS |
                                                        LWS_SERVER_OPTION_DISABLE_IPV6,
                                             .user = s,
                                             .gid = -1,
                                             .uid = -1};

    *s = (struct ws_server){.handlers = handlers, .arg = arg, .message_max = message_max};
    lws_set_log_level(LLL_ERR, library_log);
    s->context = lws_create_context(&info);
    if (!s->context)
        fatal("ws_context", "cannot start libwebsockets: %s", strerror(errno));
    if (start_vhosts(s, address, port)) {
        *error_r = xasprintf("cannot listen on %s:%u", address, port);
        lws_context_destroy(s->context);
        free(s);
        return NULL;
    }
    s->loop = loop_lws_new(s->context, s->loop_vhost);
    return s;
}

struct loop *ws_server_loop(struct ws_server *s)
{
    return s->loop;
}

unsigned ws_server_port(const struct ws_server *s)
{
    return s->port;
}

void ws_server_free(struct ws_server **s)
{
    struct ws_server *server = *s;

    if (!server)
        return;
    loop_free(&server->loop);
    lws_context_destroy(server->context);
    free(server);
    *s = NULL;
}

/* --- for the user ---------------------------------------------------------------------------- */

void ws_conn_set_user(struct ws_conn *c, void *user)
{
    c->user = user;
}

void *ws_conn_user(const struct ws_conn *c)
{
    return c->user;
}

void ws_conn_want_write(struct ws_conn *c)
{
    lws_callback_on_writable(c->wsi);
}

int ws_conn_write(struct ws_conn *c, unsigned char *bytes, size_t len)
{
    /* "HTTP" means: as it is, without framing. */
    return len > 0 && lws_write(c->wsi, bytes, len, LWS_WRITE_HTTP) < 0 ? -1 : 0;
}

int ws_conn_trickle(struct ws_conn *c, unsigned char *bytes, size_t len)
{
    int fd = lws_get_socket_fd(c->wsi);
    size_t i = 0;

    if (!lws_partial_buffered(c->wsi))
        while (i < len && send(fd, bytes + i, 1, MSG_DONTWAIT | MSG_NOSIGNAL) == 1)
            i++;
    return ws_conn_write(c, bytes + i, len - i);
}

void ws_conn_close(struct ws_conn *c, unsigned code, const char *reason)
{
    if (c->closing)
        return;
    c->closing = true;
    c->close_code = code;
    strncpy(c->reason, reason, sizeof(c->reason) - 1);
    lws_rx_flow_control(c->wsi, 1);
    lws_callback_on_writable(c->wsi);
}

void ws_conn_hangup(struct ws_conn *c)
{
    ws_conn_close(c, 0, "");
}

void ws_conn_reset(struct ws_conn *c)
{
    struct sockaddr none = {.sa_family = AF_UNSPEC};

    /* Dissolving the association makes the kernel send a reset at once. */
    if (connect(lws_get_socket_fd(c->wsi), &none, sizeof(none)))
        log_warn("ws_reset", "%s", strerror(errno));
    c->closing = true;
    lws_set_timeout(c->wsi, PENDING_TIMEOUT_USER_OK, LWS_TO_KILL_ASYNC);
}

void ws_conn_read(struct ws_conn *c, bool on)
{
    lws_rx_flow_control(c->wsi, on ? 1 : 0);
}

size_t ws_frame_header(unsigned char out[WS_HEADER_MAX], unsigned first, size_t payload_len)
{
    out[0] = (unsigned char)first;
    if (payload_len < 126) {
        out[1] = (unsigned char)payload_len;
        return 2;
    }
    if (payload_len < 65536) {
        out[1] = 126;
        out[2] = (unsigned char)(payload_len >> 8);
        out[3] = (unsigned char)payload_len;
        return 4;
    }
    out[1] = 127;
    for (int i = 0; i < 8; i++)
        out[2 + i] = (unsigned char)((uint64_t)payload_len >> (56 - 8 * i));
    return 10;
}
