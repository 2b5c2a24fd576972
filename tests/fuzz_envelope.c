/* libFuzzer: envelope_scan over any bytes, and the skipping variants against each other. */
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "discord/scan_skip.h"
#include "presence/event.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    const char *frame = (const char *)data;
    struct envelope env;

    if (!envelope_scan(frame, size, &env)) {
        if (env.t_off > size || env.t_len > size - env.t_off || env.d_off > size ||
            env.d_len > size - env.d_off)
            abort();
    }
    if (size > 0) {
        struct skip_watch a = {"guild_id", 8, NULL}, b = a, c = a;
        const char *end = frame + size, *after;
        char *copy = malloc(size);

        if (!copy)
            return 0;
        memcpy(copy, frame, size);
        copy[0] = '{';
        end = copy + size;
        after = skip_container_portable(copy, end, &a);
        if (skip_container_sse2(copy, end, &b) != after ||
            skip_container_avx2(copy, end, &c) != after)
            abort();
        if (after && (a.found != b.found || a.found != c.found))
            abort();
        free(copy);
    }
    return 0;
}
