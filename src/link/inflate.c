/* zlib-stream and zstd-stream of the gateway, the only place where zlib and libzstd are called.
 * Called by the master for every binary message of a shard, in order.
 * Diagnostics: a broken or too large stream is told to the caller, who ends the connection. */
#include "presence/inflate.h"

#include <stdlib.h>
#include <string.h>
#include <zlib.h>
#include <zstd.h>

#include "presence/buf.h"
#include "presence/log.h"

#define OUT_FIRST_BYTES ((size_t)64 << 10)
/* A payload this large is rare (GUILD_CREATE, member chunks): its memory is given back. */
#define OUT_KEEP_BYTES ((size_t)2 << 20)
#define FLUSH_SUFFIX   "\x00\x00\xff\xff"

struct inflate {
    enum inflate_kind kind;
    size_t max_bytes;
    z_stream zlib;
    ZSTD_DStream *zstd;
    struct buf pending; /* zlib: messages before the one that ends with the suffix */
    unsigned char *out;
    size_t out_len, out_cap;
};

const char *inflate_name(enum inflate_kind kind)
{
    switch (kind) {
    case INFLATE_ZLIB:
        return "zlib-stream";
    case INFLATE_ZSTD:
        return "zstd-stream";
    case INFLATE_NONE:
        break;
    }
    return NULL;
}

int inflate_parse(const char *name, enum inflate_kind *kind_r)
{
    if (strcmp(name, "none") == 0)
        *kind_r = INFLATE_NONE;
    else if (strcmp(name, "zlib-stream") == 0)
        *kind_r = INFLATE_ZLIB;
    else if (strcmp(name, "zstd-stream") == 0)
        *kind_r = INFLATE_ZSTD;
    else
        return -1;
    return 0;
}

struct inflate *inflate_new(enum inflate_kind kind, size_t max_bytes)
{
    struct inflate *z = xcalloc(1, sizeof(*z));

    z->kind = kind;
    z->max_bytes = max_bytes ? max_bytes : INFLATE_MAX_BYTES;
    buf_init(&z->pending, z->max_bytes);
    /* The stream's checksum stands at its end, which never comes: it need not be kept. */
    if (kind == INFLATE_ZLIB &&
        (inflateInit(&z->zlib) != Z_OK || inflateValidate(&z->zlib, 0) != Z_OK))
        fatal("inflate_new", "zlib cannot be initialised");
    if (kind == INFLATE_ZSTD && !(z->zstd = ZSTD_createDStream()))
        fatal("inflate_new", "libzstd cannot be initialised");
    return z;
}

void inflate_free(struct inflate **zp)
{
    struct inflate *z = *zp;

    if (!z)
        return;
    if (z->kind == INFLATE_ZLIB)
        inflateEnd(&z->zlib);
    ZSTD_freeDStream(z->zstd);
    buf_clear(&z->pending);
    free(z->out);
    free(z);
    *zp = NULL;
}

/* Makes room behind out_len. -1 when the payload has reached its bound. */
static int grow(struct inflate *z)
{
    size_t cap = z->out_cap ? z->out_cap * 2 : OUT_FIRST_BYTES;

    if (z->out_cap >= z->max_bytes)
        return -1;
    if (cap > z->max_bytes)
        cap = z->max_bytes;
    z->out = xrealloc(z->out, cap);
    z->out_cap = cap;
    return 0;
}

static void begin_payload(struct inflate *z)
{
    z->out_len = 0;
    if (z->out_cap > OUT_KEEP_BYTES) {
        free(z->out);
        z->out = NULL;
        z->out_cap = 0;
    }
}

static int run_zlib(struct inflate *z, const unsigned char *bytes, size_t len, const char **error_r)
{
    z_stream *s = &z->zlib;

    s->next_in = (z_const Bytef *)bytes;
    s->avail_in = (uInt)len;
    for (;;) {
        int r;

        if (z->out_len == z->out_cap && grow(z)) {
            *error_r = "payload is larger than the bound for inflated payloads";
            return -1;
        }
        s->next_out = z->out + z->out_len;
        s->avail_out = (uInt)(z->out_cap - z->out_len);
        r = inflate(s, Z_SYNC_FLUSH);
        z->out_len = z->out_cap - s->avail_out;
        if (r != Z_OK && r != Z_BUF_ERROR) {
            *error_r = r == Z_STREAM_END ? "zlib stream ended, expected it to last as long as the "
                                           "connection"
                                         : "not a zlib stream, or a broken one";
            return -1;
        }
        if (s->avail_in == 0 && s->avail_out > 0)
            return 0;
    }
}

static int zlib_message(struct inflate *z, const unsigned char *bytes, size_t len,
                        const char **error_r)
{
    bool ends = len >= 4 && memcmp(bytes + len - 4, FLUSH_SUFFIX, 4) == 0;
    int r;

    if (ends && buf_len(&z->pending) == 0) {
        begin_payload(z);
        return run_zlib(z, bytes, len, error_r) ? -1 : 1;
    }
    if (buf_append(&z->pending, bytes, len)) {
        *error_r = "payload is larger than the bound for inflated payloads";
        return -1;
    }
    /* The suffix may itself be cut by the border of two messages. */
    len = buf_len(&z->pending);
    if (len < 4 || memcmp(buf_bytes(&z->pending) + len - 4, FLUSH_SUFFIX, 4) != 0)
        return 0;
    begin_payload(z);
    r = run_zlib(z, buf_bytes(&z->pending), len, error_r);
    buf_clear(&z->pending);
    return r ? -1 : 1;
}

static int zstd_message(struct inflate *z, const unsigned char *bytes, size_t len,
                        const char **error_r)
{
    ZSTD_inBuffer in = {.src = bytes, .size = len, .pos = 0};

    begin_payload(z);
    for (;;) {
        ZSTD_outBuffer out;
        size_t r;

        if (z->out_len == z->out_cap && grow(z)) {
            *error_r = "payload is larger than the bound for inflated payloads";
            return -1;
        }
        out = (ZSTD_outBuffer){.dst = z->out, .size = z->out_cap, .pos = z->out_len};
        r = ZSTD_decompressStream(z->zstd, &out, &in);
        z->out_len = out.pos;
        if (ZSTD_isError(r)) {
            *error_r = "not a zstd stream, or a broken one";
            return -1;
        }
        if (in.pos == in.size && out.pos < out.size)
            return 1;
    }
}

int inflate_message(struct inflate *z, const void *bytes, size_t len, const void **payload_r,
                    size_t *payload_len_r, const char **error_r)
{
    int r = 1;

    *error_r = NULL;
    if (z->kind == INFLATE_NONE) {
        *payload_r = bytes;
        *payload_len_r = len;
        return 1;
    }
    if (len == 0 || len > z->max_bytes) {
        *error_r = len ? "message is larger than the bound" : "message is empty";
        return -1;
    }
    r = z->kind == INFLATE_ZLIB ? zlib_message(z, bytes, len, error_r)
                                : zstd_message(z, bytes, len, error_r);
    *payload_r = z->out;
    *payload_len_r = z->out_len;
    return r;
}
