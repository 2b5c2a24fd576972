/* wss: connections whose WebSocket protocol libwebsockets speaks, certificate checks included.
 * Called by ws.c.
 * Diagnostics: as ws.c. */
#include <openssl/x509_vfy.h>
#include <stdlib.h>
#include <string.h>

#include "ws_priv.h"

void ws_tls_prepare(struct ws *ws, struct lws_client_connect_info *info)
{
    /* The library takes SNI and the certificate's name from it, less the port. */
    ws->host_header = ws->port == 443 ? xstrdup(ws->host) : xasprintf("%s:%u", ws->host, ws->port);
    info->method = NULL;
    info->host = ws->host_header;
    info->origin = NULL;
    info->local_protocol_name = WS_TLS_PROTOCOL;
    info->ssl_connection = LCCSCF_USE_SSL;
}

/* In `out` each message lies behind its length. */
void ws_tls_send(struct ws *ws, const void *bytes, size_t len)
{
    uint32_t n = (uint32_t)len;

    buf_append(&ws->out, &n, sizeof(n));
    buf_append(&ws->out, bytes, len);
}

static int write_one(struct ws *ws)
{
    uint32_t len;
    unsigned char *room;
    int n;

    if (buf_len(&ws->out) == 0) {
        if (ws->state != WS_CLOSING)
            return 0;
        lws_close_reason(ws->wsi, (enum lws_close_status)ws->code, NULL, 0);
        return -1;
    }
    memcpy(&len, buf_bytes(&ws->out), sizeof(len));
    room = xmalloc(LWS_PRE + len);
    memcpy(room + LWS_PRE, buf_bytes(&ws->out) + sizeof(len), len);
    buf_consume(&ws->out, sizeof(len) + len);
    n = lws_write(ws->wsi, room + LWS_PRE, len, LWS_WRITE_TEXT);
    free(room);
    if (n < 0)
        return -1;
    if (buf_len(&ws->out) > 0 || ws->state == WS_CLOSING)
        lws_callback_on_writable(ws->wsi);
    return 0;
}

static void receive(struct ws *ws, const void *bytes, size_t len)
{
    bool binary = lws_frame_is_binary(ws->wsi) != 0;
    bool last = lws_is_final_fragment(ws->wsi) && lws_remaining_packet_payload(ws->wsi) == 0;
    struct buf whole;

    if (ws->state != WS_OPEN || !ws->cb)
        return;
    if (last && buf_len(&ws->message) == 0) {
        ws->cb->message(ws->arg, bytes, len, binary);
        return;
    }
    if (buf_len(&ws->message) + len > ws->in.max_bytes) {
        ws_end_soon(ws, "message is larger than the bound");
        return;
    }
    buf_append(&ws->message, bytes, len);
    if (!last)
        return;
    whole = ws->message;
    buf_init(&ws->message, 0);
    ws->cb->message(ws->arg, buf_bytes(&whole), buf_len(&whole), binary);
    buf_clear(&whole);
}

static int add_user_agent(const struct ws *ws, unsigned char **p, size_t room)
{
    int n = lws_snprintf((char *)*p, room, "User-Agent: %s\r\n", ws->user_agent);

    *p += n;
    return 0;
}

static void lost(struct lws *wsi, struct ws *ws, const char *error)
{
    ws->wsi = NULL;
    lws_set_opaque_user_data(wsi, NULL);
    if (ws->state != WS_DEAD)
        ws_end_soon(ws, error);
}

int ws_tls_callback(struct lws *wsi, enum lws_callback_reasons reason, void *user, void *in,
                    size_t len)
{
    struct ws *ws = wsi ? lws_get_opaque_user_data(wsi) : NULL;

    if (!ws)
        return reason == LWS_CALLBACK_CLIENT_RECEIVE ? -1 : 0;
    switch (reason) {
    case LWS_CALLBACK_CLIENT_APPEND_HANDSHAKE_HEADER:
        return add_user_agent(ws, in, len);
    case LWS_CALLBACK_OPENSSL_PERFORM_SERVER_CERT_VERIFICATION:
        /* len: whether the certificate is good so far. The verdict stays OpenSSL's. */
        if (!len)
            ws->cert_error = X509_verify_cert_error_string(X509_STORE_CTX_get_error(user));
        return 0;
    case LWS_CALLBACK_CLIENT_CONNECTION_ERROR:
        ws->http_status = (int)lws_http_client_http_response(wsi);
        if (ws->cert_error)
            ws->error = xasprintf("certificate of %s: %s", ws->host, ws->cert_error);
        else if (in)
            ws->error = xasprintf("%.*s", (int)len, (const char *)in);
        lost(wsi, ws, "connection failed");
        return 0;
    case LWS_CALLBACK_CLIENT_ESTABLISHED:
        if (ws->state != WS_CONNECTING)
            return -1;
        ws->wsi = wsi;
        ws->state = WS_OPEN;
        loop_timer_stop(ws->timer);
        ws->cb->opened(ws->arg);
        return 0;
    case LWS_CALLBACK_CLIENT_RECEIVE:
        ws_note_read(ws, len);
        receive(ws, in, len);
        return 0;
    case LWS_CALLBACK_CLIENT_WRITEABLE:
        return write_one(ws);
    case LWS_CALLBACK_WS_PEER_INITIATED_CLOSE:
        if (ws->state == WS_OPEN && len >= 2) {
            ws->code = ((const unsigned char *)in)[0] << 8 | ((const unsigned char *)in)[1];
            ws->error = xasprintf("closed by the server with code %d", ws->code);
        }
        return 0;
    case LWS_CALLBACK_CLIENT_CLOSED:
        lost(wsi, ws, "connection lost");
        return 0;
    default:
        return 0;
    }
}
