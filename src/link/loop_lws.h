/* The loop of a process whose leading loop is libwebsockets' (for ws.c). */
#ifndef PRESENCE_LINK_LOOP_LWS_H
#define PRESENCE_LINK_LOOP_LWS_H

#include <libwebsockets.h>

#include "presence/loop.h"

#define LOOP_LWS_PROTOCOL "presence-descriptors"

/* The context's first vhost must offer loop_lws_callback under that name. */
struct loop *loop_lws_new(struct lws_context *context, struct lws_vhost *vhost);
int loop_lws_callback(struct lws *wsi, enum lws_callback_reasons reason, void *user, void *in,
                      size_t len);

#endif
