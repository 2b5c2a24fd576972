/* WebSocket client connections on libwebsockets' loop. Called by the master for its shards.
 * Over plain ws:// the library carries the bytes and wsframe.c speaks the protocol (see there why).
 * Over wss:// the library speaks it too (ws_tls.c): its raw client connections cannot do TLS
 * in 4.1, and what comes over TLS is compressed, so its walk over the bytes costs a quarter as
 * much. Diagnostics: failures go to the owner's `closed` as text; the library's own lines are
 * logged at debug level as lws. */
#include "presence/ws.h"

#include <bsd/stdlib.h>
#include <errno.h>
#include <libwebsockets.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "presence/buf.h"
#include "presence/log.h"
#include "ws_priv.h"

/* One read serves many frames; more than this would not be saved again by fewer system calls. */
#define READ_BYTES          (128u << 10)
#define MESSAGE_MAX_BYTES   ((size_t)128 << 20)
#define OPEN_DEADLINE_MS    20000
#define CLOSE_LINGER_MS     1000
#define WS_GUID             "258EAFA5-E914-47DA-95CA-C5AB0DC85B11"
#define CLOSE_CODE_PROTOCOL 1002

static int ws_callback(struct lws *wsi, enum lws_callback_reasons reason, void *user, void *in,
                       size_t len);

/* The first one's callback hears of certificates. */
static const struct lws_protocols protocols[] = {
    {.name = WS_TLS_PROTOCOL, .callback = ws_tls_callback, .rx_buffer_size = READ_BYTES},
    {.name = WS_PROTOCOL, .callback = ws_callback, .rx_buffer_size = READ_BYTES},
    {.name = LOOP_LWS_PROTOCOL, .callback = loop_lws_callback},
    {0},
};

static void library_log(int level, const char *line)
{
    size_t len = strlen(line);

    (void)level;
    while (len > 0 && (line[len - 1] == '\n' || line[len - 1] == '\r'))
        len--;
    log_debug("lws", "%.*s", (int)len, line);
}

struct ws_env *ws_env_new(const char *ca_file)
{
    struct ws_env *env = xcalloc(1, sizeof(*env));
    struct lws_context_creation_info info = {
        .port = CONTEXT_PORT_NO_LISTEN,
        .protocols = protocols,
        .options = LWS_SERVER_OPTION_DO_SSL_GLOBAL_INIT | LWS_SERVER_OPTION_EXPLICIT_VHOSTS,
        .pt_serv_buf_size = READ_BYTES,
        .gid = -1,
        .uid = -1,
        .client_ssl_ca_filepath = ca_file,
    };

    lws_set_log_level(LLL_ERR | LLL_WARN, library_log);
    env->context = lws_create_context(&info);
    if (env->context)
        env->vhost = lws_create_vhost(env->context, &info);
    if (!env->vhost) {
        if (env->context)
            lws_context_destroy(env->context);
        free(env);
        return NULL;
    }
    env->loop = loop_lws_new(env->context, env->vhost);
    ws_calm_init(env);
    return env;
}

struct loop *ws_env_loop(struct ws_env *env)
{
    return env->loop;
}

unsigned ws_env_closing(const struct ws_env *env)
{
    return env->closing;
}

static void ws_free(struct ws *ws)
{
    if (ws->wsi) {
        lws_set_opaque_user_data(ws->wsi, NULL);
        lws_set_timeout(ws->wsi, PENDING_TIMEOUT_USER_OK, LWS_TO_KILL_ASYNC);
    }
    if (ws->state == WS_CLOSING)
        ws->env->closing--;
    *ws->prev = ws->next;
    if (ws->next)
        ws->next->prev = ws->prev;
    wsframe_clear(&ws->in);
    buf_clear(&ws->head);
    buf_clear(&ws->out);
    buf_clear(&ws->message);
    free(ws->host_header);
    loop_timer_free(&ws->timer);
    free(ws->host);
    free(ws->path);
    free(ws->user_agent);
    free(ws->address);
    free(ws->error);
    free(ws);
}

void ws_env_free(struct ws_env **envp)
{
    struct ws_env *env = *envp;

    if (!env)
        return;
    while (env->all)
        ws_free(env->all);
    ws_calm_clear(env);
    loop_free(&env->loop);
    lws_context_destroy(env->context);
    free(env);
    *envp = NULL;
}

/* The connection is over: tells the owner, unless he gave it up before. */
static void finish(struct ws *ws)
{
    const struct ws_callbacks *cb = ws->cb;

    if (ws->state == WS_CLOSING)
        ws->env->closing--;
    ws->state = WS_DEAD;
    ws->cb = NULL;
    if (cb)
        cb->closed(ws->arg, ws->code, ws->http_status == 101 ? 0 : ws->http_status,
                   ws->error ? ws->error : "connection lost");
    ws_free(ws);
}

void ws_end_soon(struct ws *ws, const char *error)
{
    if (!ws->error && error)
        ws->error = xstrdup(error);
    if (ws->state == WS_CLOSING)
        ws->env->closing--;
    ws->state = WS_DEAD;
    loop_timer_set(ws->timer, 0);
}

static void timer_fired(void *arg)
{
    struct ws *ws = arg;

    if (!ws->error && ws->state != WS_DEAD)
        ws->error = xstrdup(ws->state == WS_UPGRADING ? "server does not answer the upgrade"
                                                      : "server does not answer");
    finish(ws);
}

/* --- opening --------------------------------------------------------------------------------- */

static void base64_accept(const char *key, char out[32])
{
    unsigned char hash[20];
    char text[64];
    int n = snprintf(text, sizeof(text), "%s%s", key, WS_GUID);

    lws_SHA1((unsigned char *)text, (size_t)n, hash);
    lws_b64_encode_string((const char *)hash, sizeof(hash), out, 32);
}

static void send_upgrade(struct ws *ws)
{
    unsigned char nonce[16];
    char key[32];
    bool bare_host = ws->port == (ws->tls ? 443 : 80);

    arc4random_buf(nonce, sizeof(nonce));
    lws_b64_encode_string((const char *)nonce, sizeof(nonce), key, sizeof(key));
    base64_accept(key, ws->accept);
    buf_printf(&ws->out, "GET %s HTTP/1.1\r\nHost: %s%s%s", ws->path,
               strchr(ws->host, ':') ? "[" : "", ws->host, strchr(ws->host, ':') ? "]" : "");
    if (!bare_host)
        buf_printf(&ws->out, ":%u", ws->port);
    buf_printf(&ws->out,
               "\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Key: %s\r\n"
               "Sec-WebSocket-Version: 13\r\nUser-Agent: %s\r\n\r\n",
               key, ws->user_agent);
    ws->state = WS_UPGRADING;
    lws_callback_on_writable(ws->wsi);
}

/* Returns how many of the bytes belonged to the answer's head; -1: refused. */
static long take_answer(struct ws *ws, const unsigned char *bytes, size_t len)
{
    size_t before = buf_len(&ws->head);
    const char *error = NULL;
    long n;

    buf_append(&ws->head, bytes, len);
    n = wsframe_handshake((const char *)buf_bytes(&ws->head), buf_len(&ws->head), ws->accept,
                          &ws->http_status, &error);
    if (n < 0) {
        ws_end_soon(ws, error);
        return -1;
    }
    if (n == 0)
        return (long)len;
    buf_clear(&ws->head);
    ws->state = WS_OPEN;
    loop_timer_stop(ws->timer);
    ws->cb->opened(ws->arg);
    return n - (long)before;
}

/* --- reading and writing --------------------------------------------------------------------- */

static void flush_later(struct ws *ws)
{
    if (ws->wsi && ws->state != WS_CONNECTING)
        lws_callback_on_writable(ws->wsi);
}

static int writable(struct ws *ws)
{
    size_t len = buf_len(&ws->out);
    unsigned char *room;
    int n;

    if (len == 0)
        return 0;
    room = xmalloc(LWS_PRE + len);
    memcpy(room + LWS_PRE, buf_bytes(&ws->out), len);
    n = lws_write(ws->wsi, room + LWS_PRE, len, LWS_WRITE_RAW);
    free(room);
    if (n < 0)
        return -1;
    buf_reset(&ws->out); /* the library keeps what the socket did not take */
    return 0;
}

static bool take_message(void *arg, enum wsframe_op op, const unsigned char *bytes, size_t len)
{
    struct ws *ws = arg;

    switch (op) {
    case WS_PING:
        wsframe_put(&ws->out, WS_PONG, bytes, len, arc4random());
        flush_later(ws);
        return true;
    case WS_CLOSE:
        ws->code = len >= 2 ? bytes[0] << 8 | bytes[1] : 0;
        if (ws->state == WS_OPEN) { /* echo it, so that the server can let go */
            wsframe_put(&ws->out, WS_CLOSE, bytes, len >= 2 ? 2 : 0, arc4random());
            writable(ws);
        }
        free(ws->error);
        ws->error = xasprintf("closed by the server with code %d", ws->code);
        ws_end_soon(ws, NULL);
        return false;
    case WS_TEXT:
    case WS_BINARY:
        if (ws->cb)
            ws->cb->message(ws->arg, bytes, len, op == WS_BINARY);
        return ws->state == WS_OPEN;
    case WS_PONG:
    case WS_CONTINUATION:
        break;
    }
    return true;
}

static void received(struct ws *ws, const unsigned char *bytes, size_t len)
{
    const char *error = NULL;

    if (ws->state == WS_UPGRADING) {
        long used = take_answer(ws, bytes, len);

        if (used < 0 || ws->state != WS_OPEN)
            return;
        bytes += used;
        len -= (size_t)used;
    }
    if (ws->state == WS_OPEN && wsframe_feed(&ws->in, bytes, len, take_message, ws, &error)) {
        wsframe_put(&ws->out, WS_CLOSE,
                    (unsigned char[]){CLOSE_CODE_PROTOCOL >> 8, CLOSE_CODE_PROTOCOL & 0xff}, 2,
                    arc4random());
        flush_later(ws);
        ws_end_soon(ws, error);
    }
}

static int ws_callback(struct lws *wsi, enum lws_callback_reasons reason, void *user, void *in,
                       size_t len)
{
    struct ws *ws = wsi ? lws_get_opaque_user_data(wsi) : NULL;

    (void)user;
    if (!ws)
        return reason == LWS_CALLBACK_RAW_RX ? -1 : 0;
    switch (reason) {
    case LWS_CALLBACK_CLIENT_CONNECTION_ERROR:
        ws->wsi = NULL;
        lws_set_opaque_user_data(wsi, NULL);
        ws->error = in ? xasprintf("%.*s", (int)len, (const char *)in) : NULL;
        ws_end_soon(ws, "connection failed");
        return 0;
    case LWS_CALLBACK_RAW_CONNECTED:
        ws->wsi = wsi;
        send_upgrade(ws);
        return 0;
    case LWS_CALLBACK_RAW_RX:
        ws_note_read(ws, len);
        received(ws, in, len);
        return 0;
    case LWS_CALLBACK_RAW_WRITEABLE:
        return writable(ws);
    case LWS_CALLBACK_RAW_CLOSE:
        ws->wsi = NULL;
        lws_set_opaque_user_data(wsi, NULL);
        if (ws->state != WS_DEAD)
            ws_end_soon(ws, ws->state == WS_UPGRADING ? "connection lost before the upgrade"
                                                      : "connection lost");
        return 0;
    default:
        return 0;
    }
}

/* --- the owner's side ------------------------------------------------------------------------ */

struct ws *ws_connect(struct ws_env *env, const struct ws_target *target,
                      const struct ws_callbacks *cb, void *arg)
{
    struct ws *ws = xcalloc(1, sizeof(*ws));
    struct lws_client_connect_info info = {
        .context = env->context,
        .vhost = env->vhost,
        .port = target->port,
        .method = "RAW",
        .local_protocol_name = WS_PROTOCOL,
        .alpn = "http/1.1",
        .ssl_connection = target->tls ? LCCSCF_USE_SSL : 0,
        .opaque_user_data = ws,
    };

    *ws = (struct ws){.env = env, .cb = cb, .arg = arg, .port = target->port, .tls = target->tls};
    ws->next = env->all;
    ws->prev = &env->all;
    if (env->all)
        env->all->prev = &ws->next;
    env->all = ws;
    ws->host = xstrdup(target->host);
    ws->path = xstrdup(target->path);
    ws->user_agent = xstrdup(target->user_agent);
    ws->address = xstrdup(target->address);
    wsframe_init(&ws->in, target->message_max ? target->message_max : MESSAGE_MAX_BYTES);
    buf_init(&ws->head, 0);
    buf_init(&ws->out, 0);
    buf_init(&ws->message, 0);
    ws->timer = loop_timer_new(env->loop, timer_fired, ws);
    loop_timer_set(ws->timer, OPEN_DEADLINE_MS);
    info.address = ws->address;
    info.host = info.origin = ws->host;
    info.path = ws->path;
    info.pwsi = &ws->wsi;
    if (target->tls)
        ws_tls_prepare(ws, &info);
    if (!lws_client_connect_via_info(&info) && ws->state != WS_DEAD) {
        ws->wsi = NULL;
        ws_end_soon(ws, "connection failed");
    }
    return ws;
}

void ws_send_text(struct ws *ws, const void *bytes, size_t len)
{
    if (ws->tls)
        ws_tls_send(ws, bytes, len);
    else
        wsframe_put(&ws->out, WS_TEXT, bytes, len, arc4random());
    flush_later(ws);
}

void ws_pause(struct ws *ws, bool paused)
{
    if (ws->paused == paused || !ws->wsi || ws->state != WS_OPEN)
        return;
    ws->paused = paused;
    ws_apply_flow(ws);
}

void ws_close(struct ws **wsp, int code)
{
    struct ws *ws = *wsp;
    unsigned char payload[] = {(unsigned char)(code >> 8), (unsigned char)code};

    *wsp = NULL;
    if (!ws)
        return;
    ws->cb = NULL;
    if (ws->state != WS_OPEN) {
        ws_end_soon(ws, NULL);
        return;
    }
    ws->paused = false;
    lws_rx_flow_control(ws->wsi, 1);
    ws->code = code;
    if (!ws->tls) /* ws_tls_callback says it once everything before has gone */
        wsframe_put(&ws->out, WS_CLOSE, payload, sizeof(payload), arc4random());
    flush_later(ws);
    ws->state = WS_CLOSING;
    ws->env->closing++;
    loop_timer_set(ws->timer, CLOSE_LINGER_MS);
}

void ws_abort(struct ws **wsp)
{
    struct ws *ws = *wsp;

    *wsp = NULL;
    if (!ws)
        return;
    ws->cb = NULL;
    ws_end_soon(ws, NULL);
}

int ws_url_parse(const char *url, bool *tls_r, char **host_r, uint16_t *port_r, char **path_r,
                 const char **error_r)
{
    const char *host, *host_end, *rest;
    unsigned long port;

    if (strncmp(url, "wss://", 6) == 0)
        *tls_r = true;
    else if (strncmp(url, "ws://", 5) == 0)
        *tls_r = false;
    else
        return *error_r = "expected ws:// or wss://", -1;
    host = url + (*tls_r ? 6 : 5);
    rest = host + strcspn(host, "/?#");
    if (*host == '[') {
        host++;
        host_end = memchr(host, ']', (size_t)(rest - host));
        if (!host_end)
            return *error_r = "expected ] after the address", -1;
    } else {
        host_end = host + strcspn(host, ":/?#");
    }
    const char *colon = *host_end == ']' ? host_end + 1 : host_end;
    port = *tls_r ? 443 : 80;
    if (*colon == ':') {
        char *end;

        port = strtoul(colon + 1, &end, 10);
        if (colon[1] < '0' || colon[1] > '9' || end != rest || port == 0 || port > 65535)
            return *error_r = "expected a port number from 1 to 65535", -1;
    } else if (colon != rest) {
        return *error_r = "expected a host name", -1;
    }
    if (host_end == host)
        return *error_r = "expected a host name", -1;
    for (const char *p = url; *p; p++)
        if ((unsigned char)*p <= ' ' || (unsigned char)*p >= 0x7f)
            return *error_r = "expected printable ASCII characters without blanks", -1;
    *port_r = (uint16_t)port;
    *host_r = xstrndup(host, (size_t)(host_end - host));
    *path_r = *rest == '/' ? xstrdup(rest) : xasprintf("/%s", rest);
    return 0;
}
