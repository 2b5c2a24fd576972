/* The record of what clients sent: lines of JSON with a running number. Called by the gateway and
 * REST (writing), the control API (reading).
 * Diagnostics: none; the oldest lines go when there are too many. */
#include "sim/received.h"

#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include "presence/clock.h"

#define LINES_MAX 262144u

void sim_record(struct sim *sim, const char *what, const char *fmt, ...)
{
    struct buf b;
    va_list ap;

    if (sim->n_received == LINES_MAX) {
        size_t half = LINES_MAX / 2;

        for (size_t i = 0; i < half; i++)
            free(sim->received[i].json);
        memmove(sim->received, sim->received + half, half * sizeof(*sim->received));
        sim->n_received = half;
    }
    if (sim->n_received == sim->cap_received) {
        sim->cap_received = sim->cap_received ? sim->cap_received * 2 : 256;
        sim->received = xrealloc(sim->received, sim->cap_received * sizeof(*sim->received));
    }
    buf_init(&b, 0);
    buf_printf(&b, "{\"n\":%llu,\"at_ms\":%lld,\"what\":\"%s\"",
               (unsigned long long)sim->received_total, (long long)clock_unix().ms, what);
    va_start(ap, fmt);
    buf_vprintf(&b, fmt, ap);
    va_end(ap);
    buf_putc(&b, '}');
    buf_cstr(&b);
    sim->received[sim->n_received++] = (struct received_line){
        .index = sim->received_total++, .what = what, .json = (char *)b.data};
}

void received_print(const struct sim *sim, uint64_t since, const char *what, struct buf *out)
{
    bool first = true;

    buf_printf(out, "{\"next\":%llu,\"items\":[", (unsigned long long)sim->received_total);
    for (size_t i = 0; i < sim->n_received; i++) {
        const struct received_line *line = &sim->received[i];

        if (line->index < since || (what && strcmp(what, line->what) != 0))
            continue;
        if (!first)
            buf_putc(out, ',');
        first = false;
        buf_puts(out, line->json);
    }
    buf_puts(out, "]}");
}

void received_clear(struct sim *sim)
{
    for (size_t i = 0; i < sim->n_received; i++)
        free(sim->received[i].json);
    free(sim->received);
    sim->received = NULL;
    sim->n_received = sim->cap_received = 0;
}
