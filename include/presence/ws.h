/* WebSocket client connections (ws and wss) on a loop that libwebsockets leads.
 *
 * Callbacks come from the loop, never from inside ws_connect. After `closed`, or a call of
 * ws_close or ws_abort, the connection is gone: no further callback. */
#ifndef PRESENCE_WS_H
#define PRESENCE_WS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "presence/clock.h"
#include "presence/loop.h"

struct ws_env; /* the library's context and its loop; one per process */
struct ws;

/* ca_file: PEM file of certificates to trust instead of the system's, or NULL. NULL on failure. */
struct ws_env *ws_env_new(const char *ca_file);
void ws_env_free(struct ws_env **env);
struct loop *ws_env_loop(struct ws_env *env);
/* Connections whose close frame is still being sent. */
unsigned ws_env_closing(const struct ws_env *env);

struct ws_target {
    const char *address; /* numeric; never resolved here */
    uint16_t port;
    bool tls;
    const char *host; /* for Host, SNI and the certificate; without port */
    const char *path; /* with query */
    const char *user_agent;
    size_t message_max; /* bytes of one message; 0 = 128 MB */
};

struct ws_callbacks {
    void (*opened)(void *arg);
    void (*message)(void *arg, const void *bytes, size_t len, bool binary);
    /* The connection ended, or was not made. code: of the server's close frame, 0 = none.
     * http_status: of a refused upgrade, else 0. error: text unless a close frame came. */
    void (*closed)(void *arg, int code, int http_status, const char *error);
};

/* Strings of the target are copied. Never NULL: what fails is told by `closed`. */
struct ws *ws_connect(struct ws_env *env, const struct ws_target *target,
                      const struct ws_callbacks *cb, void *arg);

/* When the bytes that `message` is being told of were read. */
unixms_t ws_arrival(const struct ws *ws);
monoms_t ws_arrival_mono(const struct ws *ws);

void ws_send_text(struct ws *ws, const void *bytes, size_t len);
/* Stops and resumes reading. What had been read before is still delivered. */
void ws_pause(struct ws *ws, bool paused);

/* Sends a close frame and, behind the caller's back, waits a moment for the server's. */
void ws_close(struct ws **ws, int code);
/* Drops the connection without a word. */
void ws_abort(struct ws **ws);

/* "wss://host[:port]/path" into parts; host_r and path_r are the caller's to free. Path always
 * begins with a slash. Returns 0, or -1 with *error_r (static text). */
int ws_url_parse(const char *url, bool *tls_r, char **host_r, uint16_t *port_r, char **path_r,
                 const char **error_r);

#endif
