/* A program around the REST client, for daemon tests: calls come in as lines of JSON, outcomes go
 * out as such, in the order in which they are known.
 *
 *   rest_client API_BASE TOKEN [BUDGET_FILE]
 *
 *   {"id":1,"method":"PUT","path":"/guilds/1/members/2/roles/3","lane":"answers","json":{…},
 *    "files":[{"name":"a.csv","type":"text/csv","text":"…"}],"reason":"…","tries":3,"nonce":true,
 *    "give_up_ms":3000}
 *   {"cancel":1}   {"token":"another"}   {"invalid":499} counts so many invalid requests
 *
 * BUDGET_FILE is shared by all programs that name it. Ends when its input has ended and every call
 * is over. */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "presence/log.h"
#include "presence/rest.h"

#define CALLS_MAX 65536u
#define FILES_MAX 10u

static struct {
    struct loop *loop;
    struct http *http;
    struct rest *rest;
    struct budget *budget;
    const char *base;
    struct loop_fd *input;
    struct buf line;
    struct rest_call *calls[CALLS_MAX]; /* by id, while they are not over */
    size_t open;
    bool ended;
} p;

static void maybe_stop(void)
{
    if (p.ended && p.open == 0)
        loop_stop(p.loop);
}

static void over(void *arg, const struct rest_answer *a)
{
    size_t id = (size_t)(uintptr_t)arg;
    struct buf out;

    buf_init(&out, 0);
    buf_printf(&out,
               "{\"id\":%zu,\"outcome\":\"%s\",\"status\":%d,\"code\":%d,\"invalid\":%u,\"body\":",
               id, outcome_name(a->outcome), a->status, a->code,
               budget_invalid_count(p.budget, clock_mono().ms));
    if (a->body)
        json_print(a->body, &out);
    else
        buf_puts(&out, "null");
    buf_puts(&out, ",\"error\":");
    if (a->error)
        buf_put_json(&out, a->error, strlen(a->error));
    else
        buf_puts(&out, "null");
    buf_puts(&out, "}\n");
    fwrite(buf_bytes(&out), 1, buf_len(&out), stdout);
    fflush(stdout);
    buf_clear(&out);
    p.calls[id] = NULL;
    p.open--;
    maybe_stop();
}

static size_t read_files(const struct json *list, struct form_file files[FILES_MAX])
{
    size_t n = 0;

    for (const struct json *j = json_first(list); j && n < FILES_MAX; j = json_next(j)) {
        const char *text = json_string(json_get(j, "text"), "");

        files[n++] =
            (struct form_file){json_string(json_get(j, "name"), "file"),
                               json_string(json_get(j, "type"), "text/plain"), text, strlen(text)};
    }
    return n;
}

static void call(const struct json *j)
{
    size_t id = (size_t)json_int(json_get(j, "id"), 0) % CALLS_MAX;
    struct form_file files[FILES_MAX];
    struct buf body;
    struct rest_request r = {.method = json_string(json_get(j, "method"), "GET"),
                             .path = json_string(json_get(j, "path"), "/"),
                             .lane = strcmp(json_string(json_get(j, "lane"), "bulk"), "bulk")
                                         ? BUDGET_ANSWERS
                                         : BUDGET_BULK,
                             .files = files,
                             .n_files = read_files(json_get(j, "files"), files),
                             .reason = json_string(json_get(j, "reason"), NULL),
                             .tries = (unsigned)json_int(json_get(j, "tries"), 0),
                             .has_nonce = json_bool(json_get(j, "nonce"), false),
                             .give_up_ms = json_int(json_get(j, "give_up_ms"), 0)};

    buf_init(&body, 0);
    if (json_get(j, "json")) {
        json_print(json_get(j, "json"), &body);
        r.json = buf_cstr(&body);
        r.json_len = buf_len(&body);
    }
    p.calls[id] = rest_send(p.rest, &r, over, (void *)(uintptr_t)id);
    p.open++;
    buf_clear(&body);
}

static void take(const char *text, size_t len)
{
    struct json *j = json_parse(text, len, NULL);
    size_t id = (size_t)json_int(json_get(j, "cancel"), 0) % CALLS_MAX;

    if (!j)
        fatal("input", "not JSON: %.*s", (int)len, text);
    if (json_get(j, "token")) {
        rest_set(p.rest, p.base, json_string(json_get(j, "token"), ""));
    } else if (json_get(j, "invalid")) {
        for (int64_t n = json_int(json_get(j, "invalid"), 0); n > 0; n--)
            budget_invalid(p.budget, clock_mono().ms);
    } else if (json_get(j, "cancel")) {
        p.open -= p.calls[id] != NULL;
        rest_cancel(&p.calls[id]);
    } else {
        call(j);
    }
    json_free(&j);
}

static void readable(void *arg, unsigned events)
{
    unsigned char *room = buf_reserve(&p.line, 65536), *end;
    ssize_t n = read(0, room, 65536);

    (void)arg, (void)events;
    if (n < 0 && (errno == EAGAIN || errno == EINTR))
        return;
    if (n <= 0) {
        loop_fd_del(&p.input);
        p.ended = true;
        maybe_stop();
        return;
    }
    buf_commit(&p.line, (size_t)n);
    while (buf_len(&p.line) > 0 && (end = memchr(buf_bytes(&p.line), '\n', buf_len(&p.line)))) {
        size_t len = (size_t)(end - buf_bytes(&p.line));

        take((const char *)buf_bytes(&p.line), len);
        buf_consume(&p.line, len + 1);
    }
}

static struct budget *map_budget(const char *path)
{
    int fd = path ? open(path, O_RDWR | O_CREAT, 0600) : -1;
    void *at;

    if (path && (fd < 0 || ftruncate(fd, sizeof(struct budget))))
        fatal("budget", "%s: %s", path, strerror(errno));
    at = mmap(NULL, sizeof(struct budget), PROT_READ | PROT_WRITE,
              MAP_SHARED | (path ? 0 : MAP_ANONYMOUS), fd, 0);
    if (at == MAP_FAILED)
        fatal("budget", "mmap: %s", strerror(errno));
    return at;
}

int main(int argc, char **argv)
{
    if (argc < 3) {
        fprintf(stderr, "usage: rest_client API_BASE TOKEN [BUDGET_FILE]\n");
        return 2;
    }
    fcntl(0, F_SETFL, fcntl(0, F_GETFL) | O_NONBLOCK);
    buf_init(&p.line, 0);
    p.base = argv[1];
    p.budget = map_budget(argc > 3 ? argv[3] : NULL);
    p.loop = loop_new();
    p.http = http_new(p.loop, "DiscordBot (https://example.org, 1)");
    p.rest = rest_new(p.loop, p.http, p.budget);
    rest_set(p.rest, p.base, argv[2]);
    p.input = loop_fd_add(p.loop, 0, LOOP_READ, readable, NULL);
    loop_run(p.loop);
    rest_free(&p.rest);
    http_free(&p.http);
    loop_free(&p.loop);
    buf_clear(&p.line);
    munmap(p.budget, sizeof(*p.budget));
    return 0;
}
