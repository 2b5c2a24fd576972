/* The parser of event streams. Called by whoever subscribes: presencectl.
 * Diagnostics: none; lines that are not understood are passed over, as the standard wants. */
#include "presence/sse.h"

#include <stdio.h>
#include <string.h>

void sse_init(struct sse *sse, size_t event_max, sse_cb *cb, void *arg)
{
    *sse = (struct sse){.cb = cb, .arg = arg};
    buf_init(&sse->line, event_max);
    buf_init(&sse->data, event_max);
}

void sse_clear(struct sse *sse)
{
    buf_clear(&sse->line);
    buf_clear(&sse->data);
}

static void dispatch(struct sse *sse)
{
    size_t len = buf_len(&sse->data);

    if (sse->has_data)
        sse->cb(sse->arg, sse->name[0] ? sse->name : "message", buf_cstr(&sse->data), len);
    buf_reset(&sse->data);
    sse->name[0] = '\0';
    sse->has_data = false;
}

/* Several data lines are one text with line feeds between them. */
static int add_data(struct sse *sse, const char *value, size_t len)
{
    if (sse->has_data && buf_putc(&sse->data, '\n'))
        return -1;
    sse->has_data = true;
    return buf_append(&sse->data, value, len);
}

static bool is(const char *name, size_t len, const char *field)
{
    return strlen(field) == len && memcmp(name, field, len) == 0;
}

static int end_line(struct sse *sse)
{
    const char *line = buf_cstr(&sse->line), *value;
    size_t len = buf_len(&sse->line), name_len;
    int rc = 0;

    if (!sse->begun && strncmp(line, "\xEF\xBB\xBF", 3) == 0) {
        line += 3;
        len -= 3;
    }
    sse->begun = true;
    if (len == 0) {
        dispatch(sse);
    } else if (line[0] != ':') {
        value = memchr(line, ':', len);
        name_len = value ? (size_t)(value - line) : len;
        value = value ? value + 1 : line + len;
        value += *value == ' ';
        if (is(line, name_len, "data"))
            rc = add_data(sse, value, (size_t)(line + len - value));
        else if (is(line, name_len, "event"))
            snprintf(sse->name, sizeof(sse->name), "%s", value);
    }
    buf_reset(&sse->line);
    return rc;
}

int sse_feed(struct sse *sse, const char *bytes, size_t len)
{
    const char *end = bytes + len;

    while (bytes < end) {
        const char *stop = bytes;

        if (sse->after_cr && *bytes == '\n') {
            sse->after_cr = false;
            bytes++;
            continue;
        }
        sse->after_cr = false;
        while (stop < end && *stop != '\r' && *stop != '\n')
            stop++;
        if (buf_append(&sse->line, bytes, (size_t)(stop - bytes)))
            return -1;
        bytes = stop;
        if (stop == end)
            break;
        sse->after_cr = *stop == '\r';
        bytes++;
        if (end_line(sse))
            return -1;
    }
    return 0;
}
