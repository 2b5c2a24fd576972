/* libFuzzer target: any bytes as the server's frames, its answer to the upgrade, a compressed
 * stream and a state file. Frames must come out the same however the bytes are cut. */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "link/wsframe.h"
#include "master/state.h"
#include "presence/inflate.h"

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t len);

static bool note(void *arg, enum wsframe_op op, const unsigned char *bytes, size_t len)
{
    struct buf *log = arg;

    buf_printf(log, "%d:%zu:", op, len);
    buf_append(log, bytes, len);
    return true;
}

static int read_frames(const uint8_t *bytes, size_t len, size_t step, struct buf *log)
{
    struct wsframe in;
    const char *error = NULL;
    int r = 0;

    wsframe_init(&in, 4096);
    for (size_t at = 0; at < len && r == 0; at += step)
        r = wsframe_feed(&in, bytes + at, len - at < step ? len - at : step, note, log, &error);
    if (r && !error)
        abort();
    wsframe_clear(&in);
    return r;
}

static void inflate_all(enum inflate_kind kind, const uint8_t *bytes, size_t len)
{
    struct inflate *z = inflate_new(kind, 1 << 20);
    const void *payload;
    const char *error;
    size_t payload_len;

    while (len > 0) {
        size_t n = (size_t)bytes[0] + 1 < len ? (size_t)bytes[0] + 1 : len;

        if (inflate_message(z, bytes, n, &payload, &payload_len, &error) < 0)
            break;
        bytes += n;
        len -= n;
    }
    inflate_free(&z);
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t len)
{
    static struct state state;
    struct buf whole, cut;
    const char *error = NULL;
    char *why = NULL;
    int status;

    buf_init(&whole, 0);
    buf_init(&cut, 0);
    if (len > 0 && (read_frames(bytes, len, len, &whole) != read_frames(bytes, len, 1, &cut) ||
                    buf_len(&whole) != buf_len(&cut) ||
                    (buf_len(&whole) && memcmp(buf_bytes(&whole), buf_bytes(&cut), buf_len(&cut)))))
        abort();
    buf_clear(&whole);
    buf_clear(&cut);
    if (len > 0 && wsframe_handshake((const char *)bytes, len, "x", &status, &error) > (long)len)
        abort();
    inflate_all(INFLATE_ZLIB, bytes, len);
    inflate_all(INFLATE_ZSTD, bytes, len);
    state_parse((const char *)bytes, len, &state, &why);
    free(why);
    state_clear(&state);
    return 0;
}
