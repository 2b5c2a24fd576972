/* Commands that presenced answers: arguments by their table (presence/control.h), the answer shown.
 * Called by main.c.
 * Diagnostics: wrong arguments. */
#include <errno.h>
#include <inttypes.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "ctl/ctl.h"
#include "ctl/show.h"

#define TIMEOUT_RELOAD_MS 60000

/* --- arguments -> JSON ----------------------------------------------------------------------- */

/* Returns NULL, or what is wrong. */
static const char *put_arg(struct buf *out, const struct control_arg *a, const char *value)
{
    snowflake_t id;
    char *end;

    buf_printf(out, "%s\"%s\":", buf_len(out) > 1 ? "," : "", a->name);
    switch (a->type) {
    case CONTROL_ARG_ID:
        if (snowflake_parse(value, strlen(value), &id) || !snowflake_known(id))
            return "expected a Discord id (a decimal number)";
        buf_printf(out, "\"%" PRIu64 "\"", id.id);
        return NULL;
    case CONTROL_ARG_NUMBER:
        errno = 0;
        buf_put_i64(out, strtoll(value, &end, 10));
        return end == value || *end || errno ? "expected a number" : NULL;
    default:
        buf_put_json(out, value, strlen(value));
        return NULL;
    }
}

/* The second argument of `debug` belongs to the field that its fault needs. */
static const struct control_arg *debug_arg(const struct control_command *c, const char *fault)
{
    const char *name = strcmp(fault, "drop") == 0    ? "shard"
                       : strcmp(fault, "clock") == 0 ? "offset_ms"
                                                     : "worker";
    const struct control_arg *a = c->args;

    while (strcmp(a->name, name) != 0)
        a++;
    return a;
}

static int make_args(const struct control_command *c, int argc, char **argv, struct buf *out)
{
    const struct control_arg *a = c->args;

    buf_putc(out, '{');
    for (int i = 0; i < argc; i++) {
        const char *wrong;

        if (a->name == NULL || (c->debug_only && i > 1)) {
            ctl_complain("%s: unexpected argument %s", c->name, argv[i]);
            return -1;
        }
        wrong = put_arg(out, a, argv[i]);
        if (wrong) {
            ctl_complain("%s: %s = %s: %s", c->name, a->name, argv[i], wrong);
            return -1;
        }
        a = c->debug_only && i == 0 ? debug_arg(c, argv[0]) : a + 1;
    }
    if (a->name && !a->optional) {
        ctl_complain("%s: expected an argument: %s", c->name, a->name);
        return -1;
    }
    buf_putc(out, '}');
    return 0;
}

/* --- asking and showing ------------------------------------------------------------------------
 */

static int print_out(struct buf *out)
{
    bool failed = fwrite(buf_bytes(out), 1, buf_len(out), stdout) != buf_len(out);

    buf_reset(out);
    return failed || fflush(stdout) ? -1 : 0;
}

static void show(const char *command, const struct json *result, struct buf *out)
{
    static const struct {
        const char *command;
        void (*show)(const struct json *result, struct buf *out);
    } shows[] = {{"status", show_status},   {"workers", show_workers}, {"member", show_member},
                 {"guild", show_guild},     {"reload", show_reload},   {"log", show_log},
                 {"reload-cogs", show_cogs}};

    for (size_t i = 0; i < sizeof shows / sizeof shows[0]; i++) {
        if (strcmp(shows[i].command, command) == 0) {
            shows[i].show(result, out);
            return;
        }
    }
    if (strcmp(command, "drain") == 0)
        buf_puts(out, "presenced drains and stops\n");
}

static void json_line(const struct json *reply, struct buf *out)
{
    json_print(json_get(reply, "result"), out);
    buf_putc(out, '\n');
}

static int run_top(const struct ctl_options *o, struct client *c)
{
    struct json *before = NULL, *reply;
    struct buf out;
    int result = CTL_DONE;

    buf_init(&out, 0);
    for (int round = 0; o->rounds == 0 || round < o->rounds; round++) {
        if (round > 0)
            poll(NULL, 0, (int)o->pause_ms);
        result = ctl_ask(c, "top", "{}", &reply);
        if (result)
            break;
        if (o->json) {
            json_line(reply, &out);
        } else {
            buf_puts(&out, isatty(STDOUT_FILENO) ? "\033[H\033[J" : round > 0 ? "\n" : "");
            show_top(json_get(reply, "result"), json_get(before, "result"), &out);
        }
        json_free(&before);
        before = reply;
        if (print_out(&out))
            break;
    }
    json_free(&before);
    buf_clear(&out);
    return result;
}

int run_command(const struct ctl_options *o, const struct control_command *command, int argc,
                char **argv)
{
    struct client c = {.fd = -1};
    struct json *reply;
    struct buf text;
    int result = CTL_USAGE;

    buf_init(&text, 0);
    if (make_args(command, argc, argv, &text) == 0)
        result = ctl_open(
            o, &c, strncmp(command->name, "reload", 6) == 0 ? TIMEOUT_RELOAD_MS : CTL_TIMEOUT_MS);
    if (result == CTL_DONE && strcmp(command->name, "top") == 0) {
        result = run_top(o, &c);
    } else if (result == CTL_DONE) {
        result = ctl_ask(&c, command->name, buf_cstr(&text), &reply);
        buf_reset(&text);
        if (result == CTL_DONE) {
            if (o->json)
                json_line(reply, &text);
            else
                show(command->name, json_get(reply, "result"), &text);
            json_free(&reply);
            print_out(&text);
        }
    }
    client_close(&c);
    buf_clear(&text);
    return result;
}
