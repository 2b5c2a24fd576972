/* One try of a call: the request, and what its answer means. Called by the rest of the REST client.
 * Diagnostics: error when the token is refused or the address is banned; warns at a 429 (there
 * should be none); debug for tries that failed. Paths are never logged: some hold tokens. */
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "presence/clock.h"
#include "presence/log.h"
#include "rest_priv.h"

#define HEADERS_MAX 3u

/* What one answer said, in all its parts. */
struct verdict {
    struct buckets_answer limits;
    struct rest_answer answer;
};

static void answered(void *arg, const struct http_answer *http);

void rest_try(struct rest_call *call)
{
    struct rest *r = call->rest;
    int64_t left_ms = call->give_up_ms ? call->give_up_ms - clock_mono().ms : REST_TIMEOUT_MS;
    char *url = xasprintf("%s%s", r->base, call->path);
    const char *headers[HEADERS_MAX];
    struct http_request request = {.method = call->method, .url = url, .headers = headers};
    struct buf body;

    if (!call->route.interaction)
        headers[request.n_headers++] = r->authorization;
    if (call->content_type)
        headers[request.n_headers++] = call->content_type;
    if (call->reason)
        headers[request.n_headers++] = call->reason;
    if (call->has_body) {
        buf_init(&body, 0);
        buf_append(&body, buf_bytes(&call->body), buf_len(&call->body));
        request.body = &body;
    }
    request.timeout_ms = left_ms < 1 ? 1 : left_ms < REST_TIMEOUT_MS ? left_ms : REST_TIMEOUT_MS;
    request.once = call->repeat == OUTCOME_ONCE;
    call->http = http_send(r->http, &request, answered, call);
    /* The path of an interaction is a credential, as is the header. */
    explicit_bzero(url, strlen(url));
    free(url);
}

/* --- reading ---------------------------------------------------------------------------------- */

static bool says_json(const struct http_answer *http)
{
    char type[64];

    return http_answer_header(http, "Content-Type", type, sizeof(type)) > 0 &&
           !strncasecmp(type, "application/json", 16);
}

static void read_limits(struct verdict *v, const struct http_answer *http, const struct json *body)
{
    char value[128];

    buckets_answer_init(&v->limits, http->status);
    for (const char *const *name = buckets_headers; *name; name++)
        if (http_answer_header(http, *name, value, sizeof(value)) >= 0)
            buckets_answer_header(&v->limits, *name, value);
    buckets_answer_body(&v->limits, body != NULL, json_double(json_get(body, "retry_after"), -1),
                        json_bool(json_get(body, "global"), false));
}

static void read_answer(struct verdict *v, const struct rest_call *call,
                        const struct http_answer *http, const struct json *body)
{
    int64_t code = json_is_object(body) ? json_int(json_get(body, "code"), 0) : 0;

    v->answer = (struct rest_answer){.status = http->status,
                                     .code = code > 0 && code <= INT32_MAX ? (int)code : 0,
                                     .text = http->body,
                                     .len = http->len,
                                     .body = body,
                                     .error = http->error};
    v->answer.outcome =
        outcome_of(http->status, v->answer.code, !call->route.interaction, !http->unsent);
    if (v->answer.outcome == OUTCOME_NOT_SENT)
        v->answer.outcome = call->so_far; /* this time; an earlier try may have been */
}

/* --- consequences ----------------------------------------------------------------------------- */

static const char *scope_name(enum buckets_scope scope)
{
    static const char *const names[] = {"user", "shared", "global", "banned"};

    return names[scope];
}

/* What the answer means for everybody. */
static void share(struct rest_call *call, const struct verdict *v, int64_t now_ms)
{
    struct rest *r = call->rest;
    const struct buckets_answer *l = &v->limits;
    int64_t wait_ms = (int64_t)(l->retry_after_sec * 1000) + 1;

    if (outcome_counts_as_invalid(l->status, l->scope == BUCKETS_SHARED))
        budget_invalid(r->budget, now_ms);
    if (v->answer.outcome == OUTCOME_UNAUTHORIZED) {
        if (!budget_token_refused(r->budget, r->token_digest))
            log_warn("rest_401",
                     "%s: Discord refuses the bot's token; nothing more is sent with "
                     "it before it is replaced, or the configuration reloaded",
                     call->route.template);
        budget_refuse_token(r->budget, r->token_digest);
    }
    if (l->status != 429)
        return;
    log_warn("rest_429", "%s: wait %.1f s (%s)", call->route.template, l->retry_after_sec,
             scope_name(l->scope));
    if (l->scope == BUCKETS_GLOBAL)
        budget_block(r->budget, BUDGET_GLOBAL, wait_ms, now_ms);
    if (l->scope == BUCKETS_BANNED) {
        log_error("rest_banned",
                  "Discord has banned this address for %.0f s: too many requests "
                  "that were refused",
                  l->retry_after_sec);
        budget_block(r->budget, BUDGET_BAN, wait_ms, now_ms);
    }
}

/* Whether the call may go out once more: 429s are waited for, failures as often as asked. */
static bool may_repeat(struct rest_call *call, const struct verdict *v)
{
    if (v->limits.status == 429) {
        if (call->limited_left == 0)
            return false;
        call->limited_left--;
        return true;
    }
    if (!outcome_try_again(v->answer.outcome, call->repeat) || call->tries_left <= 1)
        return false;
    call->tries_left--;
    return true;
}

/* Whether the call goes back to its line. */
static bool again(struct rest_call *call, const struct verdict *v, int64_t now_ms)
{
    int64_t told_ms = (int64_t)(v->limits.retry_after_sec * 1000) + 1, pause_ms = 0;

    if (!may_repeat(call, v))
        return false;
    if (v->limits.status != 429) {
        call->so_far = v->answer.outcome;
        pause_ms = backoff_next_ms(&call->backoff);
    }
    call->not_before_ms = now_ms + (pause_ms > told_ms ? pause_ms : told_ms);
    if (call->give_up_ms && call->not_before_ms >= call->give_up_ms)
        return false;
    log_debug("rest_retry", "%s: %s, status %d%s%s", call->route.template,
              outcome_name(v->answer.outcome), v->answer.status, v->answer.error ? ": " : "",
              v->answer.error ? v->answer.error : "");
    return true;
}

static void answered(void *arg, const struct http_answer *http)
{
    struct rest_call *call = arg;
    struct rest *r = call->rest;
    struct json *body = says_json(http) ? json_parse(http->body, http->len, NULL) : NULL;
    int64_t now_ms = clock_mono().ms;
    struct verdict v;

    call->http = NULL;
    TAILQ_REMOVE(&r->under_way, call, entry);
    if (call->lane == BUDGET_BULK)
        r->bulk_under_way--;
    read_limits(&v, http, body);
    read_answer(&v, call, http, body);
    buckets_learn(r->buckets, &call->ticket, &v.limits, now_ms);
    share(call, &v, now_ms);
    if (again(call, &v, now_ms)) {
        rest_queue_add(call, true);
    } else {
        call->cb(call->arg, &v.answer);
        rest_call_free(call);
    }
    json_free(&body);
    loop_timer_set(r->timer, 0);
}
