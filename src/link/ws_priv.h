/* Between ws.c, ws_calm.c and ws_tls.c. */
#ifndef PRESENCE_LINK_WS_PRIV_H
#define PRESENCE_LINK_WS_PRIV_H

#include <libwebsockets.h>

#include "loop_lws.h"
#include "presence/buf.h"
#include "presence/ws.h"
#include "wsframe.h"

#define WS_PROTOCOL     "presence-gateway"
#define WS_TLS_PROTOCOL "presence-gateway-tls"

struct ws_calm {
    bool resting;     /* nothing is read for a moment */
    bool round_noted; /* the end of the loop's round is waited for */
    size_t round_bytes;
    monoms_t round_at; /* when something was last read */
    struct loop_timer *timer;
};

struct ws_env {
    struct lws_context *context;
    struct lws_vhost *vhost;
    struct loop *loop;
    unsigned closing;
    struct ws *all;
    struct ws_calm calm;
};

enum ws_state { WS_CONNECTING, WS_UPGRADING, WS_OPEN, WS_CLOSING, WS_DEAD };

struct ws {
    struct ws *next, **prev; /* in env->all */
    struct ws_env *env;
    const struct ws_callbacks *cb; /* NULL once the owner has given it up */
    void *arg;
    struct lws *wsi; /* NULL before and after the library's connection */
    enum ws_state state;
    bool paused;      /* by the owner */
    unixms_t arrival; /* of the bytes at hand: asked once for all messages in them */
    monoms_t arrival_mono;
    char *host, *path, *user_agent, *address;
    uint16_t port;
    bool tls;
    struct wsframe in;
    struct buf head;        /* of the server's answer to the upgrade */
    struct buf out;         /* room for LWS_PRE is made when it is written */
    struct buf message;     /* wss: fragments of a message */
    const char *cert_error; /* static text: why the server's certificate was refused */
    char *host_header;      /* wss: with port if need be */
    char accept[32];
    int code, http_status; /* of the server's end; while closing over TLS, ours */
    char *error;           /* why it ended */
    struct loop_timer *timer;
};

/* To be called for all that is read, before it is handed out: notes the time, and at a calm rate
 * reading rests for a moment afterwards. */
void ws_note_read(struct ws *ws, size_t len);

void ws_calm_init(struct ws_env *env);
void ws_calm_clear(struct ws_env *env);
/* Reads, or does not, as paused and resting say. */
void ws_apply_flow(struct ws *ws);

/* Ends it in the next round of the loop, outside of everybody's callbacks. */
void ws_end_soon(struct ws *ws, const char *error);

int ws_tls_callback(struct lws *wsi, enum lws_callback_reasons reason, void *user, void *in,
                    size_t len);
void ws_tls_prepare(struct ws *ws, struct lws_client_connect_info *info);
void ws_tls_send(struct ws *ws, const void *bytes, size_t len);

#endif
