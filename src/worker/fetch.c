/* What the master asks lane 0's owner to fetch: REST bodies, and addresses of a host name. Also
 * learns who the bot is, which event handling needs. Called by main. Diagnostics: warns while the
 * bot's own id cannot be learnt. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "presence/log.h"
#include "presence/resolve.h"
#include "presence/rest.h"
#include "worker/worker.h"

struct fetch {
    struct worker *w;
    struct msg_fetch request;
};

static void reply(struct worker *w, const struct msg_fetch *request, int32_t status,
                  const char *text, size_t len)
{
    struct msg_fetch_reply body = {.id = request->id, .what = request->what, .status = status};

    ipc_send(w->ipc, MSG_FETCH_REPLY, 0, &body, sizeof(body), text, len);
}

/* --- who the bot is -------------------------------------------------------------------------- */

static void take_self(struct worker *w, const struct rest_answer *answer)
{
    uint64_t id = json_id(json_get(answer->body, "id"));

    if (answer->status != 200 || !id)
        return;
    w->self.id = id;
    event_ctx_set_self(w->events, w->self);
}

static void self_answered(void *arg, const struct rest_answer *answer)
{
    struct worker *w = arg;

    take_self(w, answer);
    if (!snowflake_known(w->self))
        log_warn("self_unknown", "GET /users/@me: status %d %s", answer->status,
                 answer->error ? answer->error : "");
}

void fetch_self(struct worker *w)
{
    if (!snowflake_known(w->self) && w->discord_token)
        rest_get(w->rest, "/users/@me", 20, self_answered, w);
}

/* --- REST bodies ----------------------------------------------------------------------------- */

static void rest_answered(void *arg, const struct rest_answer *answer)
{
    struct fetch *f = arg;

    if (f->request.what == FETCH_USER_ME)
        take_self(f->w, answer);
    if (answer->status)
        reply(f->w, &f->request, answer->status, answer->text, answer->len);
    else
        reply(f->w, &f->request, -1, answer->error, strlen(answer->error));
    free(f);
}

/* --- names ----------------------------------------------------------------------------------- */

static void resolved(void *arg, const char *addresses, const char *error)
{
    struct fetch *f = arg;
    const char *text = addresses ? addresses : error;

    reply(f->w, &f->request, addresses ? 200 : -1, text, strlen(text));
    free(f);
}

static void resolve(struct worker *w, const struct msg_fetch *request, const char *host, size_t len)
{
    struct fetch *f = xmalloc(sizeof(*f));
    char *name = xstrndup(host, len);

    *f = (struct fetch){w, *request};
    resolve_start(w->loop, name, resolved, f);
    free(name);
}

void fetch_request(struct worker *w, const struct msg_fetch *request, const char *host, size_t len)
{
    struct fetch *f;
    const char *path = request->what == FETCH_USER_ME       ? "/users/@me"
                       : request->what == FETCH_APPLICATION ? "/applications/@me"
                       : request->what == FETCH_GATEWAY_BOT ? "/gateway/bot"
                                                            : NULL;

    if (request->what == FETCH_RESOLVE) {
        resolve(w, request, host, len);
        return;
    }
    if (!path) {
        reply(w, request, -1, "unknown request", strlen("unknown request"));
        return;
    }
    f = xmalloc(sizeof(*f));
    *f = (struct fetch){w, *request};
    rest_get(w->rest, path, 1, rest_answered, f);
}
