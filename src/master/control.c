/* The control socket (protocol: control.h). One request of a client is worked on at a time; its
 * later ones wait, so answers come in order. Called by main.c.
 * Diagnostics: start_failed when the socket cannot be made; control (warn) for refused clients. */
#include "control_priv.h"

#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "config.h"
#include "presence/fd.h"
#include "presence/log.h"

#define CLIENTS_MAX 64u
#define OUT_MAX     ((size_t)16 << 20)
#define READ_SIZE   16384

static void next_request(struct client *cl);

/* --- output ---------------------------------------------------------------------------------- */

static void client_free(struct client *cl)
{
    struct control *c = cl->c;

    for (struct client **p = &c->clients; *p; p = &(*p)->next) {
        if (*p != cl)
            continue;
        *p = cl->next;
        break;
    }
    c->count--;
    reload_cancel(c->m, cl);
    cogs_cancel(c->m, cl);
    loop_fd_del(&cl->watch);
    fd_close(&cl->fd);
    buf_clear(&cl->in);
    buf_clear(&cl->out);
    free(cl);
}

/* False: the client is gone. */
static bool flush(struct client *cl)
{
    while (buf_len(&cl->out) > 0) {
        ssize_t n = send(cl->fd, buf_bytes(&cl->out), buf_len(&cl->out), MSG_NOSIGNAL);

        if (n < 0 && errno == EINTR)
            continue;
        if (n < 0 && errno == EAGAIN)
            break;
        if (n < 0) {
            client_free(cl);
            return false;
        }
        buf_consume(&cl->out, (size_t)n);
    }
    if (cl->closing && buf_len(&cl->out) == 0) {
        client_free(cl);
        return false;
    }
    loop_fd_want(cl->watch, LOOP_READ | (buf_len(&cl->out) ? LOOP_WRITE : 0));
    return true;
}

void client_answer(struct client *cl, const struct buf *result)
{
    cl->pending = PENDING_NONE;
    buf_printf(&cl->out, "{\"v\":%d,\"id\":%" PRId64 ",\"ok\":true,\"result\":", CONTROL_VERSION,
               cl->id);
    if (buf_append(&cl->out, buf_bytes(result), buf_len(result)))
        cl->closing = true;
    buf_puts(&cl->out, "}\n");
}

void client_answer_text(struct client *cl, const char *json)
{
    struct buf result;

    buf_init(&result, 0);
    buf_puts(&result, json);
    client_answer(cl, &result);
    buf_clear(&result);
}

void client_refuse(struct client *cl, enum control_error code, const char *message,
                   const char *extra)
{
    cl->pending = PENDING_NONE;
    buf_printf(&cl->out,
               "{\"v\":%d,\"id\":%" PRId64 ",\"ok\":false,\"error\":{\"code\":\"%s\",\"message\":",
               CONTROL_VERSION, cl->id, control_error_name(code));
    buf_put_json(&cl->out, message, strlen(message));
    buf_printf(&cl->out, "%s}}\n", extra ? extra : "");
}

void client_go_on(struct client *cl)
{
    if (flush(cl))
        next_request(cl);
}

/* --- requests -------------------------------------------------------------------------------- */

/* NULL, or what is wrong with the arguments. */
static char *check_args(const struct control_command *command, const struct json *args)
{
    for (const struct control_arg *a = command->args; a->name; a++) {
        const struct json *value = json_get(args, a->name);
        const char *expected = NULL;

        if (!value && a->optional)
            continue;
        if (a->type == CONTROL_ARG_ID && (!json_is_string(value) || json_id(value) == 0))
            expected = "an id as a string";
        else if (a->type == CONTROL_ARG_WORD && !json_is_string(value))
            expected = "a string";
        else if (a->type == CONTROL_ARG_NUMBER && !json_is_number(value))
            expected = "a number";
        if (expected)
            return xasprintf("%s: expected %s", a->name, expected);
    }
    return NULL;
}

static void run_command(struct client *cl, const char *name, const struct json *args)
{
    struct master *m = cl->c->m;

    cl->top = strcmp(name, "top") == 0;
    cl->only_workers = strcmp(name, "workers") == 0;
    if (cl->top || cl->only_workers || strcmp(name, "status") == 0) {
        control_ask_stats(cl);
    } else if (strcmp(name, "member") == 0 || strcmp(name, "guild") == 0) {
        control_ask(cl, name, args);
    } else if (strcmp(name, "reload") == 0) {
        control_reload(cl);
    } else if (strcmp(name, "reload-cogs") == 0) {
        control_reload_cogs(cl, args);
    } else if (strcmp(name, "log") == 0) {
        control_set_log_level(cl, args);
    } else if (strcmp(name, "drain") == 0) {
        client_answer_text(cl, "{}");
        master_stop(m, 0);
#ifdef ENABLE_DEBUG_FAULTS
    } else if (strcmp(name, "debug") == 0) {
        control_debug(cl, args);
#endif
    } else {
        client_refuse(cl, CONTROL_UNKNOWN_COMMAND, "this build does not know the command", NULL);
    }
}

static void handle_line(struct client *cl, const char *line, size_t len)
{
    char *error = NULL;
    struct json *root = json_parse(line, len, &error);
    const struct control_command *command;
    const char *name = json_string(json_get(root, "command"), "");

    cl->id = json_int(json_get(root, "id"), 0);
    if (!json_is_object(root)) {
        client_refuse(cl, CONTROL_BAD_REQUEST, error ? error : "expected an object", NULL);
        cl->closing = true;
    } else if (json_int(json_get(root, "v"), 0) != CONTROL_VERSION) {
        client_refuse(cl, CONTROL_BAD_VERSION, "this presenced speaks version 1",
                      ",\"supported\":1");
    } else if (!(command = control_find(name))) {
        client_refuse(cl, CONTROL_UNKNOWN_COMMAND, "there is no such command", NULL);
    } else {
        char *wrong = check_args(command, json_get(root, "args"));

        if (wrong)
            client_refuse(cl, CONTROL_BAD_REQUEST, wrong, NULL);
        else
            run_command(cl, name, json_get(root, "args"));
        free(wrong);
    }
    free(error);
    json_free(&root);
}

static void next_request(struct client *cl)
{
    while (cl->pending == PENDING_NONE && !cl->closing) {
        char *bytes = (char *)buf_bytes(&cl->in);
        size_t len = buf_len(&cl->in);
        char *end = len ? memchr(bytes, '\n', len) : NULL;

        if (!end && len < CONTROL_LINE_MAX)
            break;
        if (!end || (size_t)(end - bytes) >= CONTROL_LINE_MAX) {
            cl->id = 0;
            client_refuse(cl, CONTROL_BAD_REQUEST, "the line is too long", NULL);
            cl->closing = true;
            break;
        }
        handle_line(cl, bytes, (size_t)(end - bytes));
        buf_consume(&cl->in, (size_t)(end - bytes) + 1);
    }
    flush(cl);
}

static void client_ready(void *arg, unsigned events)
{
    struct client *cl = arg;
    ssize_t n = -1;

    if ((events & LOOP_WRITE) && !flush(cl))
        return;
    if (!(events & LOOP_READ))
        return;
    unsigned char *room = buf_reserve(&cl->in, READ_SIZE);
    if (!room) { /* it sends without waiting for answers */
        client_free(cl);
        return;
    }
    n = read(cl->fd, room, READ_SIZE);
    if (n < 0 && (errno == EAGAIN || errno == EINTR))
        return;
    if (n <= 0) {
        client_free(cl);
        return;
    }
    buf_commit(&cl->in, (size_t)n);
    if (cl->pending == PENDING_NONE)
        next_request(cl);
}

static void accept_client(void *arg, unsigned events)
{
    struct control *c = arg;
    int fd = accept4(c->fd, NULL, NULL, SOCK_CLOEXEC | SOCK_NONBLOCK);
    struct client *cl;

    (void)events;
    if (fd < 0)
        return;
    if (c->count >= CLIENTS_MAX) {
        log_warn("control", "more than %u clients: one was turned away", CLIENTS_MAX);
        close(fd);
        return;
    }
    cl = xcalloc(1, sizeof(*cl));
    cl->c = c;
    cl->fd = fd;
    cl->next = c->clients;
    c->clients = cl;
    c->count++;
    buf_init(&cl->in, 2 * CONTROL_LINE_MAX);
    buf_init(&cl->out, OUT_MAX);
    cl->watch = loop_fd_add(c->m->loop, fd, LOOP_READ, client_ready, cl);
}

int control_init(struct master *m)
{
    struct control *c = xcalloc(1, sizeof(*c));

    c->m = m;
    c->fd = fd_unix_listen(m->conf.control.socket, (mode_t)m->conf.control.mode);
    if (c->fd < 0) {
        log_error("start_failed", "control socket %s: %s", m->conf.control.socket, strerror(errno));
        free(c);
        return -1;
    }
    c->watch = loop_fd_add(m->loop, c->fd, LOOP_READ, accept_client, c);
    m->control = c;
    return 0;
}

void control_clear(struct master *m)
{
    struct control *c = m->control;

    if (!c)
        return;
    while (c->clients)
        client_free(c->clients);
    loop_fd_del(&c->watch);
    unlink(m->conf.control.socket);
    fd_close(&c->fd);
    for (unsigned i = 0; i < LANES; i++)
        free(c->stats[i]);
    free(c);
    m->control = NULL;
}
