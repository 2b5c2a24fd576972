/* The list of errors of a request and its JSON form. Called by every step of a request.
 * Diagnostics: none of its own. */
#include "graphql/error.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

void gql_errors_init(struct gql_errors *e, struct arena *arena)
{
    *e = (struct gql_errors){.arena = arena};
}

struct gql_error *gql_error_add(struct gql_errors *e, const char *code, struct gql_loc loc,
                                const char *fmt, ...)
{
    struct gql_error *err;
    char text[1024];
    va_list ap;

    if (++e->count > GQL_ERRORS_MAX)
        return &e->dropped;
    err = arena_alloc(e->arena, sizeof(*err));
    va_start(ap, fmt);
    vsnprintf(text, sizeof(text), fmt, ap);
    va_end(ap);
    err->message = arena_strndup(e->arena, text, strlen(text));
    err->code = code;
    err->loc = loc;
    if (e->last)
        e->last->next = err;
    else
        e->first = err;
    e->last = err;
    return err;
}

static void print_locations(const struct gql_error *err, struct buf *out)
{
    if (!err->loc.line)
        return;
    buf_printf(out, ",\"locations\":[{\"line\":%u,\"column\":%u}", err->loc.line, err->loc.column);
    if (err->also.line)
        buf_printf(out, ",{\"line\":%u,\"column\":%u}", err->also.line, err->also.column);
    buf_putc(out, ']');
}

void gql_errors_print(const struct gql_errors *e, struct buf *out)
{
    buf_putc(out, '[');
    for (const struct gql_error *err = e->first; err; err = err->next) {
        if (err != e->first)
            buf_putc(out, ',');
        buf_puts(out, "{\"message\":");
        buf_put_json(out, err->message, strlen(err->message));
        print_locations(err, out);
        if (err->path)
            buf_printf(out, ",\"path\":%s", err->path);
        buf_printf(out, ",\"extensions\":{\"code\":\"%s\"}}", err->code);
    }
    buf_putc(out, ']');
}
