/* Sends one GraphQL operation and prints what comes back: one answer, or the events of a
 * subscription as they arrive. Called by presencectl's main.c.
 * Diagnostics: errors of an answer go to stderr, a line each. */
#include "config.h"

#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "ctl/query.h"
#include "presence/http.h"
#include "presence/json.h"
#include "presence/jsonin.h"
#include "presence/sse.h"

#define EVENT_MAX      (16u << 20)
#define VALUE_DEPTH    64
#define SILENCE_MAX_MS 60000 /* of a stream; the service sends a comment every 15 s */

struct exchange {
    const struct query *query;
    struct loop *loop;
    struct sse sse;
    struct loop_timer *timer; /* until the first sign of life */
    bool streaming;           /* an event stream is arriving */
    bool complete;            /* its last event was seen */
    bool broken;              /* its bytes are no event stream */
    enum query_outcome outcome;
    char *error;
};

/* --- what came back ------------------------------------------------------------------------------
 */

static void print_errors(const struct json *errors)
{
    for (const struct json *e = json_first(errors); e; e = json_next(e)) {
        const struct json *at = json_at(json_get(e, "locations"), 0);
        const char *code = json_string(json_get(json_get(e, "extensions"), "code"), NULL);

        fputs("presencectl: query: ", stderr);
        if (at)
            fprintf(stderr, "%lld:%lld: ", (long long)json_int(json_get(at, "line"), 0),
                    (long long)json_int(json_get(at, "column"), 0));
        fputs(json_string(json_get(e, "message"), "an error without a message"), stderr);
        if (code)
            fprintf(stderr, " (%s)", code);
        fputc('\n', stderr);
    }
}

/* One answer of GraphQL. Returns -1 if it is none. */
static int take_answer(struct exchange *x, const char *text, size_t len)
{
    struct json *root = json_parse(text, len, NULL);
    const struct json *errors = json_get(root, "errors");
    bool ours = errors || json_get(root, "data");
    struct buf out;

    if (json_size(errors) > 0)
        x->outcome = QUERY_REFUSED;
    buf_init(&out, 0);
    if (x->query->json && ours) {
        buf_append(&out, text, len);
        buf_putc(&out, '\n');
    } else if (ours) {
        query_show(text, len, &out);
        print_errors(errors);
    }
    json_free(&root);
    if (fwrite(buf_bytes(&out), 1, buf_len(&out), stdout) != buf_len(&out) || fflush(stdout)) {
        x->error = xstrdup("cannot write the answer");
        x->outcome = QUERY_REFUSED;
        loop_stop(x->loop);
    }
    buf_clear(&out);
    return ours ? 0 : -1;
}

static void take_event(void *arg, const char *name, const char *data, size_t len)
{
    struct exchange *x = arg;

    if (strcmp(name, "complete") == 0)
        x->complete = true;
    else if (strcmp(name, "next") == 0 && take_answer(x, data, len))
        x->broken = true;
}

static bool take_piece(void *arg, const struct http_answer *piece)
{
    struct exchange *x = arg;
    char type[64];

    loop_timer_stop(x->timer);
    if (!x->streaming) {
        if (http_answer_header(piece, "Content-Type", type, sizeof(type)) < 0 ||
            strncmp(type, "text/event-stream", 17) != 0)
            return false;
        x->streaming = true;
    }
    if (!x->broken && sse_feed(&x->sse, piece->body, piece->len))
        x->broken = true;
    if (x->broken)
        loop_stop(x->loop);
    return true;
}

static void answered(void *arg, const struct http_answer *answer)
{
    struct exchange *x = arg;

    loop_stop(x->loop);
    if (x->complete || x->error)
        return;
    if (answer->status && !x->streaming && take_answer(x, answer->body, answer->len) == 0)
        return;
    x->outcome = QUERY_UNREACHABLE;
    if (x->streaming)
        x->error = xasprintf("the stream broke off%s%s", answer->error ? ": " : "",
                             answer->error ? answer->error : "");
    else if (answer->status)
        x->error = xasprintf("%s answered with status %d, not with GraphQL", x->query->url,
                             answer->status);
    else
        x->error = xasprintf("%s: %s", x->query->url, answer->error);
}

static void timed_out(void *arg)
{
    struct exchange *x = arg;

    x->outcome = QUERY_UNREACHABLE;
    x->error = xasprintf("%s: no answer for %lld s", x->query->url,
                         (long long)x->query->timeout_ms / 1000);
    loop_stop(x->loop);
}

/* --- what is asked -------------------------------------------------------------------------------
 */

static bool is_name(const char *text, size_t len)
{
    if (len == 0 || isdigit((unsigned char)text[0]))
        return false;
    for (size_t i = 0; i < len; i++)
        if (text[i] != '_' && !isalnum((unsigned char)text[i]))
            return false;
    return true;
}

static int put_variables(const struct query *q, struct buf *out, char **error_r)
{
    for (size_t i = 0; i < q->n_vars; i++) {
        const char *var = q->vars[i], *value = strchr(var, '=');
        size_t len = value ? (size_t)(value - var) : 0;

        if (!value || !is_name(var, len)) {
            *error_r = xasprintf("--var %s: expected NAME=VALUE", var);
            return -1;
        }
        for (size_t k = 0; k < i; k++)
            if (strncmp(q->vars[k], var, len + 1) == 0) {
                *error_r = xasprintf("--var %.*s is given twice", (int)len, var);
                return -1;
            }
        value++;
        if (jsonin_utf8_valid(value, strlen(value)) < strlen(value)) {
            *error_r = xasprintf("--var %.*s: invalid UTF-8", (int)len, var);
            return -1;
        }
        buf_puts(out, i ? "," : "");
        buf_put_json(out, var, len);
        buf_putc(out, ':');
        if (jsonin_valid(value, strlen(value), VALUE_DEPTH))
            buf_puts(out, value);
        else
            buf_put_json(out, value, strlen(value));
    }
    return 0;
}

static int put_body(const struct query *q, struct buf *out, char **error_r)
{
    size_t len = strlen(q->document);

    if (jsonin_utf8_valid(q->document, len) < len) {
        *error_r = xstrdup("the document is not valid UTF-8");
        return -1;
    }
    buf_puts(out, "{\"query\":");
    buf_put_json(out, q->document, len);
    if (q->operation) {
        buf_puts(out, ",\"operationName\":");
        buf_put_json(out, q->operation, strlen(q->operation));
    }
    buf_puts(out, ",\"variables\":{");
    if (put_variables(q, out, error_r))
        return -1;
    buf_puts(out, "}}");
    return 0;
}

static void run(struct exchange *x, struct buf *body)
{
    static const char accept[] =
        "Accept: application/graphql-response+json, text/event-stream;q=0.5";
    struct http *http = http_new(x->loop, "presencectl/" PACKAGE_VERSION);
    char *authorization =
        xasprintf("Authorization: Bearer %s", x->query->token ? x->query->token : "");
    const char *headers[] = {"Content-Type: application/json", accept, authorization};
    char *url, *unix_path;
    struct http_request request;

    http_service_url(x->query->url, "/graphql", &url, &unix_path);
    request = (struct http_request){.method = "POST",
                                    .url = url,
                                    .unix_path = unix_path,
                                    .headers = headers,
                                    .n_headers = x->query->token ? 3 : 2,
                                    .body = body,
                                    .timeout_ms = -1,
                                    .silence_max_ms = SILENCE_MAX_MS,
                                    .answer_max = EVENT_MAX,
                                    .piece = take_piece};
    loop_timer_set(x->timer, x->query->timeout_ms);
    http_send(http, &request, answered, x);
    loop_run(x->loop);
    http_free(&http);
    explicit_bzero(authorization, strlen(authorization));
    free(authorization);
    free(url);
    free(unix_path);
}

enum query_outcome query_run(const struct query *q, char **error_r)
{
    struct exchange x = {.query = q};
    struct buf body;

    *error_r = NULL;
    buf_init(&body, 0);
    if (put_body(q, &body, error_r)) {
        buf_clear(&body);
        return QUERY_WRONG;
    }
    x.loop = loop_new();
    x.timer = loop_timer_new(x.loop, timed_out, &x);
    sse_init(&x.sse, EVENT_MAX, take_event, &x);
    run(&x, &body);
    if (x.broken && !x.error) {
        x.outcome = QUERY_UNREACHABLE;
        x.error = xasprintf("%s sent a stream that is not of GraphQL", q->url);
    }
    sse_clear(&x.sse);
    loop_timer_free(&x.timer);
    loop_free(&x.loop);
    buf_clear(&body);
    *error_r = x.error;
    return x.outcome;
}
