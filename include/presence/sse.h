/* Server-Sent Events (HTML living standard, section 9.2): an event stream, fed in pieces as they
 * arrive, becomes events. */
#ifndef PRESENCE_SSE_H
#define PRESENCE_SSE_H

#include <stdbool.h>
#include <stddef.h>

#include "presence/buf.h"

#define SSE_NAME_MAX 64u /* bytes of an event's name that are kept, with its NUL */

/* One event: its name ("message" where the stream gives none) and its data, both terminated by NUL
 * and living during the call. */
typedef void sse_cb(void *arg, const char *name, const char *data, size_t len);

struct sse {
    sse_cb *cb;
    void *arg;
    struct buf line, data;
    char name[SSE_NAME_MAX];
    bool has_data;
    bool after_cr; /* a LF now belongs to the line end before */
    bool begun;    /* the first line is behind: no byte order mark any more */
};

/* event_max: bytes of one line or one event's data. */
void sse_init(struct sse *sse, size_t event_max, sse_cb *cb, void *arg);
void sse_clear(struct sse *sse);

/* Returns 0, or -1 when a line or an event is longer than allowed: the stream is of no use then.
 * The callback must not clear sse. */
int sse_feed(struct sse *sse, const char *bytes, size_t len);

#endif
