/* The control socket (protocol: control.h). One request of a client is worked on at a time; its
 * later ones wait, so answers come in order. Called by main.c.
 * Diagnostics: start_failed when the socket cannot be made; control (warn) for refused clients. */
#include "presence/control.h"

#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "config.h"
#include "master.h"
#include "presence/fd.h"
#include "presence/json.h"
#include "presence/log.h"
#include "presence/snowflake.h"

#define CLIENTS_MAX 64u
#define OUT_MAX     ((size_t)16 << 20)
#define QUERY_MS    5000
#define STATS_MS    1000
#define READ_SIZE   16384

#define CLOCK_OFFSET_MAX (INT64_C(10) * 365 * 86400 * 1000)

enum pending { PENDING_NONE, PENDING_STATS, PENDING_QUERY, PENDING_RELOAD };

struct client {
    struct client *next;
    struct control *c;
    int fd;
    struct loop_fd *watch;
    struct buf in, out;
    bool closing; /* once what is in out has gone */
    enum pending pending;
    int64_t id; /* of the request under way */
    uint64_t query_id;
    uint64_t waiting; /* PENDING_STATS: slots */
    unsigned slot;    /* PENDING_QUERY */
    unsigned lane;
    bool top, only_workers;
    monoms_t deadline;
};

struct control {
    struct master *m;
    int fd;
    struct loop_fd *watch;
    struct client *clients;
    unsigned count;
    char *stats[LANES]; /* last answer of each slot */
};

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

static void answer(struct client *cl, const struct buf *result)
{
    cl->pending = PENDING_NONE;
    buf_printf(&cl->out, "{\"v\":%d,\"id\":%" PRId64 ",\"ok\":true,\"result\":", CONTROL_VERSION,
               cl->id);
    if (buf_append(&cl->out, buf_bytes(result), buf_len(result)))
        cl->closing = true;
    buf_puts(&cl->out, "}\n");
}

static void answer_text(struct client *cl, const char *json)
{
    struct buf result;

    buf_init(&result, 0);
    buf_puts(&result, json);
    answer(cl, &result);
    buf_clear(&result);
}

/* extra: further fields of the error, beginning with a comma. */
static void refuse(struct client *cl, enum control_error code, const char *message,
                   const char *extra)
{
    cl->pending = PENDING_NONE;
    buf_printf(&cl->out,
               "{\"v\":%d,\"id\":%" PRId64 ",\"ok\":false,\"error\":{\"code\":\"%s\",\"message\":",
               CONTROL_VERSION, cl->id, control_error_name(code));
    buf_put_json(&cl->out, message, strlen(message));
    buf_printf(&cl->out, "%s}}\n", extra ? extra : "");
}

/* An answer came from outside of the client's own events: goes on with his next request. */
static void go_on(struct client *cl)
{
    if (flush(cl))
        next_request(cl);
}

/* --- status ---------------------------------------------------------------------------------- */

const char *control_stats_of(const struct master *m, unsigned slot)
{
    return m->control ? m->control->stats[slot] : NULL;
}

static void finish_stats(struct client *cl)
{
    struct buf out;

    buf_init(&out, 0);
    if (cl->only_workers) {
        buf_puts(&out, "{\"workers\":");
        status_render_workers(cl->c->m, &out);
        buf_putc(&out, '}');
    } else if (cl->top) {
        status_render_top(cl->c->m, &out);
    } else {
        status_render(cl->c->m, &out);
    }
    answer(cl, &out);
    buf_clear(&out);
}

static void start_stats(struct client *cl)
{
    static const char query[] = "{\"query\":\"stats\"}";
    struct master *m = cl->c->m;
    struct msg_id id = {master_next_id(m)};

    cl->query_id = id.id;
    cl->waiting = 0;
    for (unsigned i = 0; i < LANES; i++) {
        if (m->workers[i].state != WORKER_READY)
            continue;
        cl->waiting |= UINT64_C(1) << i;
        worker_send(&m->workers[i], MSG_QUERY, &id, sizeof(id), query, sizeof(query) - 1);
    }
    if (!cl->waiting) {
        finish_stats(cl);
        return;
    }
    cl->pending = PENDING_STATS;
    cl->deadline.ms = clock_mono().ms + STATS_MS;
}

/* --- member, guild --------------------------------------------------------------------------- */

static void start_query(struct client *cl, const char *query, const struct json *args)
{
    struct master *m = cl->c->m;
    uint64_t guild = json_id(json_get(args, "guild")), user = json_id(json_get(args, "user"));
    struct msg_id id = {master_next_id(m)};
    struct worker *w;
    struct buf text;

    cl->lane = route_lane((snowflake_t){guild});
    if (!(w = worker_of_lane(m, cl->lane)) || w->state != WORKER_READY) {
        refuse(cl, CONTROL_UNAVAILABLE, "the worker of this guild is not there at the moment",
               NULL);
        return;
    }
    buf_init(&text, 0);
    buf_printf(&text, "{\"query\":\"%s\",\"guild\":\"%" PRIu64 "\",\"user\":\"%" PRIu64 "\"}",
               query, guild, user);
    worker_send(w, MSG_QUERY, &id, sizeof(id), buf_bytes(&text), buf_len(&text));
    buf_clear(&text);
    cl->query_id = id.id;
    cl->slot = w->slot;
    cl->pending = PENDING_QUERY;
    cl->deadline.ms = clock_mono().ms + QUERY_MS;
}

/* The worker's object, with what only the master knows. */
static void finish_query(struct client *cl, const char *json, size_t len)
{
    struct master *m = cl->c->m;
    struct json *root = json_parse(json, len, NULL);
    struct buf out;

    if (!json_is_object(root)) {
        refuse(cl, CONTROL_UNAVAILABLE, "the worker's answer is not an object", NULL);
    } else if (json_is_string(json_get(root, "error"))) {
        refuse(cl, CONTROL_NOT_FOUND, json_string(json_get(root, "error"), ""), NULL);
    } else {
        buf_init(&out, 0);
        json_print(root, &out);
        if (buf_len(&out) > 2)
            out.data[out.end - 1] = ',';
        else
            out.end = out.start + 1;
        buf_printf(&out, "\"lane\":%u,\"worker\":%u,\"shard\":%u}", cl->lane, cl->slot,
                   m->shard_count ? route_shard((snowflake_t){json_id(json_get(root, "guild"))},
                                                m->shard_count)
                                  : 0);
        answer(cl, &out);
        buf_clear(&out);
    }
    json_free(&root);
}

void control_query_reply(struct worker *w, uint64_t id, const char *json, size_t len)
{
    struct control *c = w->m->control;
    uint64_t bit = UINT64_C(1) << w->slot;
    struct client *next;

    for (struct client *cl = c ? c->clients : NULL; cl; cl = next) {
        next = cl->next;
        if (cl->query_id != id)
            continue;
        if (cl->pending == PENDING_QUERY && cl->slot == w->slot) {
            finish_query(cl, json, len);
            go_on(cl);
            return;
        }
        if (cl->pending != PENDING_STATS || !(cl->waiting & bit))
            continue;
        free(c->stats[w->slot]);
        c->stats[w->slot] = xstrndup(json, len);
        cl->waiting &= ~bit;
        if (cl->waiting)
            return;
        finish_stats(cl);
        go_on(cl);
        return;
    }
}

void control_worker_gone(struct worker *w)
{
    struct control *c = w->m->control;
    struct client *next;

    if (!c)
        return;
    free(c->stats[w->slot]);
    c->stats[w->slot] = NULL;
    for (struct client *cl = c->clients; cl; cl = next) {
        next = cl->next;
        if (cl->pending == PENDING_QUERY && cl->slot == w->slot) {
            refuse(cl, CONTROL_UNAVAILABLE, "the worker died over it", NULL);
            go_on(cl);
        } else if (cl->pending == PENDING_STATS &&
                   (cl->waiting &= ~(UINT64_C(1) << w->slot)) == 0) {
            finish_stats(cl);
            go_on(cl);
        }
    }
}

void control_tick(struct master *m)
{
    monoms_t now = clock_mono();
    struct client *next;

    for (struct client *cl = m->control ? m->control->clients : NULL; cl; cl = next) {
        next = cl->next;
        if ((cl->pending != PENDING_STATS && cl->pending != PENDING_QUERY) ||
            now.ms < cl->deadline.ms)
            continue;
        if (cl->pending == PENDING_STATS)
            finish_stats(cl);
        else
            refuse(cl, CONTROL_UNAVAILABLE, "the worker did not answer in 5 s", NULL);
        go_on(cl);
    }
}

/* --- reload, log, debug ---------------------------------------------------------------------- */

static void print_outcome(struct buf *out, const struct reload_outcome *outcome)
{
    const struct conf_changes *changes = &outcome->changes;

    buf_puts(out, "{\"changed\":[");
    for (size_t i = 0; i < changes->count; i++) {
        const struct conf_change *ch = &changes->list[i];

        buf_printf(out, "%s{\"key\":\"%s.%s\",\"old\":", i ? "," : "", ch->key->section,
                   ch->key->key);
        buf_put_json(out, ch->old_text, strlen(ch->old_text));
        buf_puts(out, ",\"new\":");
        buf_put_json(out, ch->new_text, strlen(ch->new_text));
        buf_printf(out, ",\"restart\":%s}", conf_key_needs_restart(ch->key) ? "true" : "false");
    }
    buf_puts(out, "],\"rotated\":[");
    if (outcome->rotated.discord)
        buf_puts(out, "\"discord.token_file\"");
    if (outcome->rotated.graphql)
        buf_printf(out, "%s\"graphql.token_file\"", outcome->rotated.discord ? "," : "");
    buf_puts(out, "]}");
}

static void reloaded(void *arg, const char *code, const struct reload_outcome *outcome)
{
    struct client *cl = arg;
    bool later = cl->pending == PENDING_RELOAD;
    struct buf text;

    buf_init(&text, 0);
    if (strcmp(code, "ok") == 0) {
        print_outcome(&text, outcome);
        answer(cl, &text);
    } else if (strcmp(code, "bad_config") == 0) {
        buf_puts(&text, ",\"errors\":[");
        for (size_t i = 0; i < outcome->errors.count; i++) {
            buf_puts(&text, i ? "," : "");
            buf_put_json(&text, outcome->errors.lines[i], strlen(outcome->errors.lines[i]));
        }
        buf_putc(&text, ']');
        refuse(cl, CONTROL_BAD_CONFIG, "the configuration was refused; the old one stays",
               buf_cstr(&text));
    } else {
        refuse(cl, strcmp(code, "busy") == 0 ? CONTROL_BUSY : CONTROL_UNAVAILABLE,
               strcmp(code, "busy") == 0 ? "another reload is under way" : "presenced is stopping",
               NULL);
    }
    buf_clear(&text);
    if (later)
        go_on(cl);
}

static void start_reload(struct client *cl)
{
    struct master *m = cl->c->m;

    reload_start(m, reloaded, cl);
    if (reload_running(m) && buf_len(&cl->out) == 0)
        cl->pending = PENDING_RELOAD;
}

static void set_log_level(struct client *cl, const struct json *args)
{
    struct master *m = cl->c->m;
    enum log_level level, old = log_level();
    struct buf out;

    if (log_level_parse(json_string(json_get(args, "level"), ""), &level)) {
        refuse(cl, CONTROL_BAD_REQUEST, "level: expected debug, info, warn or error", NULL);
        return;
    }
    struct msg_id id = {level};
    for (unsigned i = 0; i < LANES; i++)
        worker_send(&m->workers[i], MSG_LOG_LEVEL, &id, sizeof(id), NULL, 0);
    log_set_level(level);
    buf_init(&out, 0);
    buf_printf(&out, "{\"level\":\"%s\",\"old\":\"%s\"}", log_level_name(level),
               log_level_name(old));
    answer(cl, &out);
    buf_clear(&out);
}

#ifdef ENABLE_DEBUG_FAULTS
/* A new worker is told at its start (worker.c). */
static void debug_clock(struct client *cl, int64_t offset_ms)
{
    struct master *m = cl->c->m;
    struct msg_id offset = {(uint64_t)offset_ms};

    if (offset_ms < -CLOCK_OFFSET_MAX || offset_ms > CLOCK_OFFSET_MAX) {
        refuse(cl, CONTROL_BAD_REQUEST, "offset_ms: expected at most ten years", NULL);
        return;
    }
    clock_set_offset(offset_ms);
    for (unsigned i = 0; i < LANES; i++)
        worker_send(&m->workers[i], MSG_CLOCK, &offset, sizeof(offset), NULL, 0);
    answer_text(cl, "{}");
}

static void debug_fault(struct client *cl, const struct json *args)
{
    static const char *const names[] = {"crash", "hang", "exit"};
    struct master *m = cl->c->m;
    const char *fault = json_string(json_get(args, "fault"), "");
    int64_t slot = json_int(json_get(args, "worker"), -1),
            shard = json_int(json_get(args, "shard"), -1);

    if (strcmp(fault, "drop") == 0 && shard >= 0 && shard < m->shard_count) {
        shard_cut(&m->shards[shard]);
        answer_text(cl, "{}");
        return;
    }
    if (strcmp(fault, "clock") == 0 && json_is_number(json_get(args, "offset_ms"))) {
        debug_clock(cl, json_int(json_get(args, "offset_ms"), 0));
        return;
    }
    for (unsigned i = 0; i < 3; i++) {
        struct msg_id id = {DEBUG_CRASH + i};

        if (strcmp(fault, names[i]) != 0 || slot < 0 || slot >= LANES)
            continue;
        if (m->workers[slot].state != WORKER_READY) {
            refuse(cl, CONTROL_NOT_FOUND, "there is no such worker", NULL);
            return;
        }
        worker_send(&m->workers[slot], MSG_DEBUG, &id, sizeof(id), NULL, 0);
        answer_text(cl, "{}");
        return;
    }
    refuse(
        cl, CONTROL_BAD_REQUEST,
        "expected fault crash, hang or exit with worker, drop with shard, or clock with offset_ms",
        NULL);
}
#endif

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
        start_stats(cl);
    } else if (strcmp(name, "member") == 0 || strcmp(name, "guild") == 0) {
        start_query(cl, name, args);
    } else if (strcmp(name, "reload") == 0) {
        start_reload(cl);
    } else if (strcmp(name, "log") == 0) {
        set_log_level(cl, args);
    } else if (strcmp(name, "drain") == 0) {
        answer_text(cl, "{}");
        master_stop(m, 0);
#ifdef ENABLE_DEBUG_FAULTS
    } else if (strcmp(name, "debug") == 0) {
        debug_fault(cl, args);
#endif
    } else {
        refuse(cl, CONTROL_UNKNOWN_COMMAND, "this build does not know the command", NULL);
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
        refuse(cl, CONTROL_BAD_REQUEST, error ? error : "expected an object", NULL);
        cl->closing = true;
    } else if (json_int(json_get(root, "v"), 0) != CONTROL_VERSION) {
        refuse(cl, CONTROL_BAD_VERSION, "this presenced speaks version 1", ",\"supported\":1");
    } else if (!(command = control_find(name))) {
        refuse(cl, CONTROL_UNKNOWN_COMMAND, "there is no such command", NULL);
    } else {
        char *wrong = check_args(command, json_get(root, "args"));

        if (wrong)
            refuse(cl, CONTROL_BAD_REQUEST, wrong, NULL);
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
            refuse(cl, CONTROL_BAD_REQUEST, "the line is too long", NULL);
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
