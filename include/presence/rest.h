/* The client of Discord's REST API, on an HTTP client and struct loop.
 *
 * Two lanes: what somebody waits for (answers to interactions and commands) is never queued behind
 * bulk work (roles, kicks, scans, look-ups). Within a lane calls of one route and major parameter
 * go out in order, others do not wait for them. Every call ends with exactly one callback that says
 * by name what came of it, or by rest_cancel.
 *
 * Waiting and trying again are the client's work: buckets as learnt (buckets.h), what all processes
 * share (budget.h), 429s (never held against `tries`), failures where trying again is safe
 * (outcome.h). A token that Discord refused is not used again before rest_set. */
#ifndef PRESENCE_REST_H
#define PRESENCE_REST_H

#include "presence/budget.h"
#include "presence/form.h"
#include "presence/http.h"
#include "presence/json.h"
#include "presence/outcome.h"

#define REST_TRIES      5u  /* without an answer, or with a 5xx */
#define REST_LIMITED    20u /* 429s that one call waits for */
#define REST_BULK_MAX   8u  /* bulk calls under way at once */
#define REST_TIMEOUT_MS 15000

struct rest;
struct rest_call;

struct rest_request {
    const char *method;
    const char *path; /* "/guilds/1/members/2?limit=5": encoded, without the API's prefix */
    enum budget_lane lane;
    const char *json; /* the body, or NULL; copied */
    size_t json_len;
    const struct form_file *files; /* copied; with them the body is multipart */
    size_t n_files;
    const char *reason; /* for the audit log, UTF-8; or NULL */
    unsigned tries;     /* 0 = REST_TRIES */
    bool has_nonce;     /* a POST that Discord recognises when it is repeated */
    int64_t give_up_ms; /* after so long the answer is of no use; 0 = never */
};

struct rest_answer {
    enum outcome outcome;
    int status;       /* 0 = none: error says why */
    int code;         /* of an error body; 0 = none */
    const char *text; /* the body; never NULL */
    size_t len;
    const struct json *body; /* NULL if it is no JSON */
    const char *error;       /* without secrets; NULL if there was an answer */
};

/* What the answer points to lives during the call. May send and cancel; must not free the client.
 */
typedef void rest_cb(void *arg, const struct rest_answer *answer);

/* budget: the bot's, shared by its processes; it outlives the client. */
struct rest *rest_new(struct loop *loop, struct http *http, struct budget *budget);
void rest_free(struct rest **rest); /* what is waiting or under way ends without a callback */

/* Where the API is ("https://discord.com/api/v10") and the bot's token. Calls made before wait. */
void rest_set(struct rest *rest, const char *api_base, const char *token);

/* Never calls back before it returns. */
struct rest_call *rest_send(struct rest *rest, const struct rest_request *request, rest_cb *cb,
                            void *arg);
/* A GET of the bulk lane. */
struct rest_call *rest_get(struct rest *rest, const char *path, unsigned tries, rest_cb *cb,
                           void *arg);
/* No callback. What was sent may still be done. */
void rest_cancel(struct rest_call **call);

/* Calls that wait for their turn. */
size_t rest_waiting(const struct rest *rest, enum budget_lane lane);

#endif
