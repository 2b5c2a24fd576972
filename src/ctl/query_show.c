/* Lays the data of a GraphQL answer out for reading. Called by query.c.
 * The text is passed through token by token, so that no number loses a digit.
 * Diagnostics: none. */
#include <string.h>

#include "ctl/query.h"
#include "presence/jsonin.h"

#define DEPTH_MAX 200

struct layout {
    struct buf *out;
    unsigned depth;  /* of what is being read */
    bool wanted;     /* inside of the member "data" */
    bool empty;      /* nothing yet in the innermost object or list */
    bool behind_key; /* the value stands on its key's line */
};

/* What stands between two values, or between the bracket and the first. */
static void place(struct layout *l)
{
    if (l->behind_key || l->depth == 1) {
        l->behind_key = false;
        return;
    }
    buf_puts(l->out, l->empty ? "\n" : ",\n");
    for (unsigned i = 1; i < l->depth; i++)
        buf_puts(l->out, "  ");
    l->empty = false;
}

static int put(struct layout *l, const char *text, size_t len)
{
    if (l->wanted) {
        place(l);
        buf_append(l->out, text, len);
    }
    return 0;
}

static int on_null(void *arg)
{
    return put(arg, "null", 4);
}

static int on_boolean(void *arg, bool value)
{
    return put(arg, value ? "true" : "false", value ? 4 : 5);
}

static int on_number(void *arg, const char *text, size_t len)
{
    return put(arg, text, len);
}

static int on_string(void *arg, const char *text, size_t len)
{
    struct layout *l = arg;

    if (l->wanted) {
        place(l);
        buf_put_json(l->out, text, len);
    }
    return 0;
}

static int begin(struct layout *l, const char *bracket)
{
    put(l, bracket, 1);
    l->depth++;
    l->empty = true;
    return 0;
}

static int end(struct layout *l, char bracket)
{
    l->depth--;
    if (!l->wanted)
        return 0;
    if (!l->empty) {
        buf_putc(l->out, '\n');
        for (unsigned i = 1; i < l->depth; i++)
            buf_puts(l->out, "  ");
    }
    buf_putc(l->out, bracket);
    l->empty = false;
    return 0;
}

static int on_begin_object(void *arg)
{
    return begin(arg, "{");
}

static int on_begin_array(void *arg)
{
    return begin(arg, "[");
}

static int on_key(void *arg, const char *text, size_t len)
{
    struct layout *l = arg;

    if (l->depth == 1) {
        l->wanted = len == 4 && memcmp(text, "data", 4) == 0;
    } else if (l->wanted) {
        on_string(arg, text, len);
        buf_puts(l->out, ": ");
        l->behind_key = true;
    }
    return 0;
}

static int on_end_object(void *arg)
{
    struct layout *l = arg;

    if (l->depth == 1) {
        l->wanted = false;
        l->depth = 0;
        return 0;
    }
    return end(l, '}');
}

static int on_end_array(void *arg)
{
    return end(arg, ']');
}

int query_show(const char *answer, size_t len, struct buf *out)
{
    static const struct jsonin_events events = {.null = on_null,
                                                .boolean = on_boolean,
                                                .number = on_number,
                                                .string = on_string,
                                                .begin_object = on_begin_object,
                                                .key = on_key,
                                                .end_object = on_end_object,
                                                .begin_array = on_begin_array,
                                                .end_array = on_end_array};
    struct layout l = {.out = out};
    size_t before = buf_len(out);
    struct jsonin_error error;

    if (jsonin_read(answer, len, DEPTH_MAX, &events, &l, NULL, &error))
        return -1;
    if (buf_len(out) > before)
        buf_putc(out, '\n');
    return 0;
}
