/* One connection to presenced's control socket. Called by the commands of presencectl.
 * Diagnostics: error texts for the user, never more than one line. */
#include "ctl/client.h"

#include <errno.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "presence/clock.h"
#include "presence/control.h"
#include "presence/fd.h"

static char *explain_connect(const char *path, int error)
{
    if (error == ENOENT || error == ECONNREFUSED)
        return xasprintf("presenced is not running: nobody listens at %s", path);
    if (error == EACCES || error == EPERM)
        return xasprintf("permission denied at %s: run presencectl as the user presenced runs as, "
                         "or as root, or widen [control] mode",
                         path);
    return xasprintf("cannot connect to %s: %s", path, strerror(error));
}

int client_open(struct client *c, const char *socket_path, int64_t timeout_ms, char **error_r)
{
    memset(c, 0, sizeof *c);
    c->timeout_ms = timeout_ms;
    buf_init(&c->in, CONTROL_LINE_MAX);
    buf_init(&c->last, 0);
    c->fd = fd_unix_connect(socket_path);
    if (c->fd >= 0)
        return 0;
    *error_r = explain_connect(socket_path, errno);
    return -1;
}

void client_close(struct client *c)
{
    fd_close(&c->fd);
    buf_clear(&c->in);
    buf_clear(&c->last);
}

/* Waits for bytes and takes what is there: 0, or -1 with *error_r. */
static int client_receive(struct client *c, monoms_t deadline, char **error_r)
{
    struct pollfd p = {.fd = c->fd, .events = POLLIN};
    int64_t left = deadline.ms - clock_mono().ms;
    unsigned char *room = buf_reserve(&c->in, 4096);
    ssize_t n;
    int ready;

    if (room == NULL) {
        *error_r = xasprintf("presenced sent a line of more than %zu bytes", CONTROL_LINE_MAX);
        return -1;
    }
    ready = left > 0 ? poll(&p, 1, (int)left) : 0;
    if (ready < 0 && errno == EINTR)
        return 0;
    if (ready <= 0) {
        *error_r = xasprintf("presenced did not answer in %lld ms", (long long)c->timeout_ms);
        return -1;
    }
    n = read(c->fd, room, 4096);
    if (n > 0) {
        buf_commit(&c->in, (size_t)n);
        return 0;
    }
    *error_r = xstrdup(n == 0 ? "presenced closed the connection without an answer"
                              : "the connection to presenced broke");
    return -1;
}

/* Moves one line into c->last. */
static int client_line(struct client *c, char **error_r)
{
    monoms_t deadline = {clock_mono().ms + c->timeout_ms};

    for (;;) {
        unsigned char *bytes = buf_bytes(&c->in);
        unsigned char *end = bytes ? memchr(bytes, '\n', buf_len(&c->in)) : NULL;

        if (end) {
            buf_reset(&c->last);
            buf_append(&c->last, bytes, (size_t)(end - bytes));
            buf_consume(&c->in, (size_t)(end - bytes) + 1);
            return 0;
        }
        if (client_receive(c, deadline, error_r))
            return -1;
    }
}

static char *explain_refusal(const struct json *reply)
{
    const struct json *error = json_get(reply, "error");
    const char *code = json_string(json_get(error, "code"), "");
    const struct json *lines = json_get(error, "errors");
    struct buf b;

    buf_init(&b, 0);
    buf_puts(&b, json_string(json_get(error, "message"), "presenced refused without a reason"));
    if (strcmp(code, control_error_name(CONTROL_BAD_VERSION)) == 0)
        buf_printf(&b, " (presenced speaks version %lld of the control protocol, presencectl %d)",
                   (long long)json_int(json_get(reply, "supported"), 0), CONTROL_VERSION);
    for (const struct json *line = json_first(lines); line; line = json_next(line))
        buf_printf(&b, "\n  %s", json_string(line, "?"));
    buf_cstr(&b);
    return (char *)b.data;
}

enum client_outcome client_ask(struct client *c, const char *command, const char *args,
                               struct json **reply_r, char **error_r)
{
    char *line = xasprintf("{\"v\":%d,\"id\":%ld,\"command\":\"%s\",\"args\":%s}\n",
                           CONTROL_VERSION, ++c->id, command, args);
    int sent = fd_write_all(c->fd, line, strlen(line));

    free(line);
    *reply_r = NULL;
    *error_r = NULL;
    if (sent) {
        *error_r = xstrdup("the connection to presenced broke");
        return CLIENT_LOST;
    }
    if (client_line(c, error_r))
        return CLIENT_LOST;
    *reply_r = json_parse((char *)buf_bytes(&c->last), buf_len(&c->last), NULL);
    if (!json_is_object(*reply_r)) {
        *error_r = xstrdup("presenced answered with something else than a JSON object");
        return CLIENT_LOST;
    }
    if (json_bool(json_get(*reply_r, "ok"), false))
        return CLIENT_OK;
    *error_r = explain_refusal(*reply_r);
    return CLIENT_REFUSED;
}
