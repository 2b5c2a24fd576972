/* What a worker says outside of its channel: lines of its standard error become lines of our log.
 * Called by worker_spawn.c and worker_end.c.
 * Diagnostics: whatever a worker says; "stderr" (warn) for what is not in our own format. */
#include <errno.h>
#include <string.h>
#include <unistd.h>

#include "presence/fd.h"
#include "presence/log.h"
#include "worker.h"

#define LINE_MAX_BYTES 8192

static void relay_lines(struct worker *w, bool all)
{
    struct buf *b = &w->stderr_line;

    for (;;) {
        char *line = (char *)buf_bytes(b);
        size_t len = buf_len(b);
        char *end = len ? memchr(line, '\n', len) : NULL;
        size_t line_len = end ? (size_t)(end - line) : len;
        char text[LINE_MAX_BYTES];

        if (len == 0 || (!end && !all && len < sizeof(text)))
            return;
        if (line_len >= sizeof(text))
            line_len = sizeof(text) - 1;
        memcpy(text, line, line_len);
        text[line_len] = '\0';
        if (line_len > 0)
            log_relay("presence-worker", (int)w->pid, text);
        buf_consume(b, line_len + (end && line + line_len == end ? 1 : 0));
    }
}

static void read_stderr(void *arg, unsigned events)
{
    struct worker *w = arg;
    ssize_t n;

    (void)events;
    do {
        unsigned char *room = buf_reserve(&w->stderr_line, 4096);

        n = read(w->stderr_fd, room, 4096);
        if (n > 0) {
            buf_commit(&w->stderr_line, (size_t)n);
            relay_lines(w, false);
        }
    } while (n > 0 || (n < 0 && errno == EINTR));
    if (n == 0) {
        relay_lines(w, true);
        loop_fd_del(&w->stderr_watch);
        fd_close(&w->stderr_fd);
    }
}

void worker_stderr_open(struct worker *w, int fd)
{
    w->stderr_fd = fd;
    w->stderr_watch = loop_fd_add(w->m->loop, fd, LOOP_READ, read_stderr, w);
}

void worker_stderr_close(struct worker *w)
{
    if (w->stderr_fd >= 0)
        read_stderr(w, LOOP_READ);
    relay_lines(w, true);
    loop_fd_del(&w->stderr_watch);
    fd_close(&w->stderr_fd);
}
