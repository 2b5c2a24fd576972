/* The HTTP client on libcurl's multi interface, driven by struct loop. The only file that names
 * libcurl. Called by presence-worker and presencectl.
 * Diagnostics: fatal when libcurl cannot be set up; everything a peer does ends in an answer with
 * status 0 and a text. */
#include "presence/http.h"

#include <curl/curl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "presence/log.h"

#define IDLE_HANDLES_MAX   16u
#define ANSWER_MAX_DEFAULT (16u << 20)
#define HEADERS_MAX        (64u << 10)

struct http {
    struct loop *loop;
    CURLM *multi;
    struct loop_timer *timer;
    char *user_agent;
    struct http_call *calls; /* under way */
    size_t n_calls;
    CURL *idle[IDLE_HANDLES_MAX];
    size_t n_idle;
    bool reaping;
};

struct http_call {
    struct http *http;
    struct http_call *next, *prev;
    CURL *easy;
    struct curl_slist *headers;
    struct buf body; /* sent */
    struct buf answer;
    struct buf answer_headers;
    http_cb *cb;
    http_piece_cb *piece;
    void *arg;
    char *unix_path;            /* NULL: over TCP */
    struct loop_timer *silence; /* NULL: no limit */
    int64_t silence_max_ms;
    char error[CURL_ERROR_SIZE];
};

/* One watched socket of libcurl's. */
struct http_socket {
    struct http *http;
    struct loop_fd *watch;
    int fd;
};

static void reap(struct http *http);

/* --- libcurl's side of the loop -------------------------------------------------------------- */

static void socket_ready(void *arg, unsigned events)
{
    struct http_socket *s = arg;
    struct http *http = s->http;
    int mask = (events & LOOP_READ ? CURL_CSELECT_IN : 0) |
               (events & LOOP_WRITE ? CURL_CSELECT_OUT : 0) |
               (events & LOOP_HUP ? CURL_CSELECT_ERR : 0);
    int running;

    curl_multi_socket_action(http->multi, s->fd, mask, &running);
    reap(http);
}

static int watch_socket(CURL *easy, curl_socket_t fd, int what, void *arg, void *socket_arg)
{
    struct http *http = arg;
    struct http_socket *s = socket_arg;
    unsigned want = (what & CURL_POLL_IN ? LOOP_READ : 0) | (what & CURL_POLL_OUT ? LOOP_WRITE : 0);

    (void)easy;
    if (what == CURL_POLL_REMOVE) {
        if (s) {
            loop_fd_del(&s->watch);
            free(s);
            curl_multi_assign(http->multi, fd, NULL);
        }
        return 0;
    }
    if (!s) {
        s = xcalloc(1, sizeof(*s));
        *s = (struct http_socket){.http = http, .fd = fd};
        s->watch = loop_fd_add(http->loop, fd, want, socket_ready, s);
        curl_multi_assign(http->multi, fd, s);
    } else {
        loop_fd_want(s->watch, want);
    }
    return 0;
}

static int watch_timer(CURLM *multi, long timeout_ms, void *arg)
{
    struct http *http = arg;

    (void)multi;
    if (timeout_ms < 0)
        loop_timer_stop(http->timer);
    else
        loop_timer_set(http->timer, timeout_ms);
    return 0;
}

static void timer_due(void *arg)
{
    struct http *http = arg;
    int running;

    curl_multi_socket_action(http->multi, CURL_SOCKET_TIMEOUT, 0, &running);
    reap(http);
}

/* --- one call -------------------------------------------------------------------------------- */

static size_t take_body(char *bytes, size_t size, size_t n, void *arg)
{
    struct http_call *call = arg;
    struct http_answer piece = {.call = call, .body = bytes, .len = size * n};
    long status = 0;

    if (call->silence)
        loop_timer_set(call->silence, call->silence_max_ms);
    if (call->piece) {
        curl_easy_getinfo(call->easy, CURLINFO_RESPONSE_CODE, &status);
        piece.status = (int)status;
        if (call->piece(call->arg, &piece))
            return size * n;
    }
    return buf_append(&call->answer, bytes, size * n) ? 0 : size * n;
}

static size_t take_header(char *bytes, size_t size, size_t n, void *arg)
{
    struct http_call *call = arg;

    /* A new status line: what an interim answer said does not count. */
    if (size * n > 5 && !memcmp(bytes, "HTTP/", 5))
        buf_reset(&call->answer_headers);
    return buf_append(&call->answer_headers, bytes, size * n) ? 0 : size * n;
}

static void unlink_call(struct http_call *call)
{
    struct http *http = call->http;

    if (call->prev)
        call->prev->next = call->next;
    else
        http->calls = call->next;
    if (call->next)
        call->next->prev = call->prev;
    http->n_calls--;
}

static void free_call(struct http_call *call)
{
    struct http *http = call->http;

    if (http->n_idle < IDLE_HANDLES_MAX) {
        curl_easy_reset(call->easy);
        http->idle[http->n_idle++] = call->easy;
    } else {
        curl_easy_cleanup(call->easy);
    }
    curl_slist_free_all(call->headers);
    loop_timer_free(&call->silence);
    buf_clear(&call->body);
    buf_clear(&call->answer);
    buf_clear(&call->answer_headers);
    free(call->unix_path);
    free(call);
}

/* Whether libcurl never came to the point of sending. */
static bool never_sent(const struct http_call *call, CURLcode result)
{
    curl_off_t ready_us = 0;

    curl_easy_getinfo(call->easy, CURLINFO_PRETRANSFER_TIME_T, &ready_us);
    return result != CURLE_OK && ready_us == 0;
}

/* libcurl names a host and a port that have nothing to do with a Unix socket. */
static void name_socket(struct http_call *call)
{
    long os_error = 0;

    curl_easy_getinfo(call->easy, CURLINFO_OS_ERRNO, &os_error);
    snprintf(call->error, sizeof(call->error), "%s: %s", call->unix_path,
             os_error ? strerror((int)os_error) : "cannot connect");
}

static void finish(struct http_call *call, CURLcode result)
{
    struct http_answer answer = {.call = call, .unsent = never_sent(call, result)};
    long status = 0;

    curl_easy_getinfo(call->easy, CURLINFO_RESPONSE_CODE, &status);
    if (result == CURLE_COULDNT_CONNECT && call->unix_path)
        name_socket(call);
    curl_multi_remove_handle(call->http->multi, call->easy);
    unlink_call(call);
    if (result == CURLE_OK)
        answer.status = (int)status;
    else if (result == CURLE_WRITE_ERROR)
        answer.error = "the answer is larger than allowed";
    else
        answer.error = call->error[0] ? call->error : curl_easy_strerror(result);
    answer.body = buf_cstr(&call->answer);
    answer.len = buf_len(&call->answer);
    call->cb(call->arg, &answer);
    free_call(call);
}

static void silent(void *arg)
{
    struct http_call *call = arg;

    snprintf(call->error, sizeof(call->error), "nothing arrived for %lld ms",
             (long long)call->silence_max_ms);
    finish(call, CURLE_OPERATION_TIMEDOUT);
}

static void reap(struct http *http)
{
    CURLMsg *msg;
    int left;

    /* A callback may send or cancel, never free the client; libcurl is not re-entered from here. */
    if (http->reaping)
        return;
    http->reaping = true;
    while ((msg = curl_multi_info_read(http->multi, &left))) {
        struct http_call *call;

        if (msg->msg != CURLMSG_DONE)
            continue;
        curl_easy_getinfo(msg->easy_handle, CURLINFO_PRIVATE, (char **)&call);
        finish(call, msg->data.result);
    }
    http->reaping = false;
}

static void set_up(struct http_call *call, const struct http_request *request)
{
    CURL *easy = call->easy;
    int64_t timeout_ms = request->timeout_ms ? request->timeout_ms : 30000;
    int64_t connect_ms = request->connect_timeout_ms ? request->connect_timeout_ms : 5000;

    curl_easy_setopt(easy, CURLOPT_URL, request->url);
    curl_easy_setopt(easy, CURLOPT_PRIVATE, (char *)call);
    curl_easy_setopt(easy, CURLOPT_USERAGENT, call->http->user_agent);
    curl_easy_setopt(easy, CURLOPT_PROTOCOLS_STR, "http,https");
    curl_easy_setopt(easy, CURLOPT_PROXY, "");
    curl_easy_setopt(easy, CURLOPT_NOSIGNAL, 1L);
    curl_easy_setopt(easy, CURLOPT_HTTP_VERSION, (long)CURL_HTTP_VERSION_2TLS);
    curl_easy_setopt(easy, CURLOPT_ACCEPT_ENCODING, request->unix_path ? NULL : "");
    curl_easy_setopt(easy, CURLOPT_TIMEOUT_MS, timeout_ms < 0 ? 0L : (long)timeout_ms);
    curl_easy_setopt(easy, CURLOPT_CONNECTTIMEOUT_MS, (long)connect_ms);
    curl_easy_setopt(easy, CURLOPT_ERRORBUFFER, call->error);
    curl_easy_setopt(easy, CURLOPT_WRITEFUNCTION, take_body);
    curl_easy_setopt(easy, CURLOPT_WRITEDATA, call);
    curl_easy_setopt(easy, CURLOPT_HEADERFUNCTION, take_header);
    curl_easy_setopt(easy, CURLOPT_HEADERDATA, call);
    curl_easy_setopt(easy, CURLOPT_HTTPHEADER, call->headers);
    if (call->unix_path)
        curl_easy_setopt(easy, CURLOPT_UNIX_SOCKET_PATH, call->unix_path);
    curl_easy_setopt(easy, CURLOPT_FRESH_CONNECT, request->once ? 1L : 0L);
    if (request->body || request->method[0] == 'P') { /* POST, PUT, PATCH: a length even if 0 */
        curl_easy_setopt(easy, CURLOPT_POST, 1L);
        curl_easy_setopt(easy, CURLOPT_POSTFIELDSIZE_LARGE, (curl_off_t)buf_len(&call->body));
        curl_easy_setopt(easy, CURLOPT_POSTFIELDS,
                         buf_len(&call->body) ? (const char *)buf_bytes(&call->body) : "");
    }
    if (strcmp(request->method, "GET") && strcmp(request->method, "POST"))
        curl_easy_setopt(easy, CURLOPT_CUSTOMREQUEST, request->method);
}

struct http_call *http_send(struct http *http, const struct http_request *request, http_cb *cb,
                            void *arg)
{
    struct http_call *call = xcalloc(1, sizeof(*call));
    CURLMcode code;

    call->http = http;
    call->cb = cb;
    call->piece = request->piece;
    call->arg = arg;
    call->unix_path = request->unix_path ? xstrdup(request->unix_path) : NULL;
    buf_init(&call->answer, request->answer_max ? request->answer_max : ANSWER_MAX_DEFAULT);
    buf_init(&call->answer_headers, HEADERS_MAX);
    if (request->body) {
        call->body = *request->body;
        buf_init(request->body, request->body->max);
    }
    call->easy = http->n_idle ? http->idle[--http->n_idle] : curl_easy_init();
    if (!call->easy)
        fatal("http", "cannot create a libcurl handle");
    /* No "Expect: 100-continue": it would cost a round trip per batch. */
    call->headers = curl_slist_append(NULL, "Expect:");
    if (!buf_len(&call->body))
        call->headers = curl_slist_append(call->headers, "Content-Type:");
    for (size_t i = 0; i < request->n_headers; i++)
        call->headers = curl_slist_append(call->headers, request->headers[i]);
    if (request->silence_max_ms) {
        call->silence = loop_timer_new(http->loop, silent, call);
        call->silence_max_ms = request->silence_max_ms;
        loop_timer_set(call->silence, call->silence_max_ms);
    }
    set_up(call, request);
    call->next = http->calls;
    if (call->next)
        call->next->prev = call;
    http->calls = call;
    http->n_calls++;
    code = curl_multi_add_handle(http->multi, call->easy);
    if (code != CURLM_OK)
        fatal("http", "cannot start a request: %s", curl_multi_strerror(code));
    return call;
}

void http_cancel(struct http_call **call)
{
    struct http_call *c = *call;

    if (!c)
        return;
    *call = NULL;
    curl_multi_remove_handle(c->http->multi, c->easy);
    unlink_call(c);
    free_call(c);
}

size_t http_calls(const struct http *http)
{
    return http->n_calls;
}

int http_answer_header(const struct http_answer *answer, const char *name, char *out,
                       size_t out_size)
{
    const struct buf *b = &answer->call->answer_headers;
    const char *p = (const char *)buf_bytes(b), *end = p ? p + buf_len(b) : NULL;
    size_t name_len = strlen(name);

    while (p && p < end) {
        const char *line_end = memchr(p, '\n', (size_t)(end - p));
        const char *stop = line_end ? line_end : end;

        if ((size_t)(stop - p) > name_len && p[name_len] == ':' &&
            !strncasecmp(p, name, name_len)) {
            p += name_len + 1;
            while (p < stop && (*p == ' ' || *p == '\t'))
                p++;
            while (stop > p && (stop[-1] == '\r' || stop[-1] == ' ' || stop[-1] == '\t'))
                stop--;
            if ((size_t)(stop - p) >= out_size)
                return -1;
            memcpy(out, p, (size_t)(stop - p));
            out[stop - p] = '\0';
            return (int)(stop - p);
        }
        p = line_end ? line_end + 1 : end;
    }
    return -1;
}

void http_service_url(const char *url, const char *path, char **url_r, char **unix_path_r)
{
    const char *host = strstr(url, "://");

    *unix_path_r = NULL;
    if (strncmp(url, "unix:", 5) == 0) {
        *unix_path_r = xstrdup(strncmp(url + 5, "///", 3) ? url + 5 : url + 7);
        *url_r = xasprintf("http://localhost%s", path);
        return;
    }
    *url_r = xasprintf("%s%s", url, host && strchr(host + 3, '/') ? "" : path);
}

/* --- the client ------------------------------------------------------------------------------ */

struct http *http_new(struct loop *loop, const char *user_agent)
{
    static bool ready;
    struct http *http = xcalloc(1, sizeof(*http));

    if (!ready && curl_global_init(CURL_GLOBAL_DEFAULT))
        fatal("http", "cannot set up libcurl");
    ready = true;
    http->loop = loop;
    http->user_agent = xstrdup(user_agent);
    http->timer = loop_timer_new(loop, timer_due, http);
    http->multi = curl_multi_init();
    if (!http->multi)
        fatal("http", "cannot set up libcurl");
    curl_multi_setopt(http->multi, CURLMOPT_SOCKETFUNCTION, watch_socket);
    curl_multi_setopt(http->multi, CURLMOPT_SOCKETDATA, http);
    curl_multi_setopt(http->multi, CURLMOPT_TIMERFUNCTION, watch_timer);
    curl_multi_setopt(http->multi, CURLMOPT_TIMERDATA, http);
    curl_multi_setopt(http->multi, CURLMOPT_MAXCONNECTS, 16L);
    curl_multi_setopt(http->multi, CURLMOPT_PIPELINING, (long)CURLPIPE_MULTIPLEX);
    return http;
}

void http_free(struct http **http)
{
    struct http *h = *http;

    if (!h)
        return;
    while (h->calls) {
        struct http_call *call = h->calls;

        http_cancel(&call);
    }
    for (size_t i = 0; i < h->n_idle; i++)
        curl_easy_cleanup(h->idle[i]);
    curl_multi_cleanup(h->multi);
    loop_timer_free(&h->timer);
    free(h->user_agent);
    free(h);
    *http = NULL;
}
