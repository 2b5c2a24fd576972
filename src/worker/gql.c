/* GraphQL over HTTP: one request, one judged answer. Called by flush, takeover, load.
 * Diagnostics: none here; whoever asked logs answer->error. */
#include "worker/gql.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct gql_call {
    gql_cb *cb;
    void *arg;
};

void gql_clear(struct gql *gql)
{
    free(gql->url);
    free(gql->unix_path);
    if (gql->authorization)
        explicit_bzero(gql->authorization, strlen(gql->authorization));
    free(gql->authorization);
    gql->url = gql->unix_path = gql->authorization = NULL;
}

void gql_set(struct gql *gql, const char *url, const char *token)
{
    gql_clear(gql);
    http_service_url(url, "/graphql", &gql->url, &gql->unix_path);
    gql->authorization = xasprintf("Authorization: Bearer %s", token ? token : "");
}

/* Codes that say something about the request itself. All others, unknown ones too, mean that the
 * service could not do it now: waiting loses nothing. */
static bool refusing_code(const char *code)
{
    static const char *const codes[] = {"BAD_USER_INPUT", "GRAPHQL_VALIDATION_FAILED",
                                        "GRAPHQL_PARSE_FAILED", "BAD_REQUEST"};

    for (size_t i = 0; i < sizeof(codes) / sizeof(codes[0]); i++)
        if (!strcmp(code, codes[i]))
            return true;
    return !strncmp(code, "LIMIT_", 6);
}

static void judge_errors(const struct json *root, int status, struct gql_answer *answer)
{
    const struct json *error = json_at(json_get(root, "errors"), 0);
    const char *code = json_string(json_get(json_get(error, "extensions"), "code"), "");

    answer->error = json_string(json_get(error, "message"), "an answer without data");
    if (refusing_code(code) || (status >= 400 && status < 500 && !code[0] && status != 401 &&
                                status != 403 && status != 408 && status != 429))
        answer->outcome = GQL_REFUSED;
    else
        answer->outcome = GQL_AWAY;
    /* The database did not take it: this time only (a deadlock), or never (what it holds). */
    answer->internal = !strcmp(code, "INTERNAL");
}

static void answered(void *arg, const struct http_answer *http)
{
    struct gql_call *call = arg;
    struct gql_answer answer = {.outcome = GQL_AWAY, .error = http->error};
    struct json *root = http->status ? json_parse(http->body, http->len, NULL) : NULL;
    const struct json *data = json_get(root, "data");
    char text[64];

    if (http->status == 200 && json_is_object(data) && json_size(json_get(root, "errors")) == 0) {
        answer.outcome = GQL_DONE;
        answer.data = data;
        answer.error = NULL;
    } else if (root && json_size(json_get(root, "errors")) > 0) {
        judge_errors(root, http->status, &answer);
    } else if (http->status) {
        snprintf(text, sizeof(text), "HTTP status %d without a GraphQL answer", http->status);
        answer.error = text;
        if (http->status == 400 || http->status == 413 || http->status == 422)
            answer.outcome = GQL_REFUSED;
    }
    call->cb(call->arg, &answer);
    json_free(&root);
    free(call);
}

void gql_send(struct gql *gql, struct buf *body, int64_t timeout_ms, gql_cb *cb, void *arg)
{
    const char *headers[] = {"Content-Type: application/json",
                             "Accept: application/graphql-response+json, application/json",
                             gql->authorization};
    struct http_request request = {.method = "POST",
                                   .url = gql->url,
                                   .unix_path = gql->unix_path,
                                   .headers = headers,
                                   .n_headers = 3,
                                   .body = body,
                                   .timeout_ms = timeout_ms};
    struct gql_call *call = xmalloc(sizeof(*call));

    *call = (struct gql_call){cb, arg};
    http_send(gql->http, &request, answered, call);
}
