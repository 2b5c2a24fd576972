/* Transport compression for a server: zlib and zstd streams that never end. Called by presence-sim.
 * Diagnostics: fatal when a library refuses (memory). */
#include "presence/deflate.h"

#include <stdlib.h>
#include <zlib.h>
#include <zstd.h>

#include "presence/log.h"

#define ROOM       16384
#define ZSTD_LEVEL 1

struct deflater {
    enum deflate_kind kind;
    z_stream zlib;
    ZSTD_CCtx *zstd;
};

struct deflater *deflater_new(enum deflate_kind kind)
{
    struct deflater *d = xcalloc(1, sizeof(*d));

    d->kind = kind;
    if (kind == DEFLATE_ZLIB_STREAM) {
        if (deflateInit(&d->zlib, Z_DEFAULT_COMPRESSION) != Z_OK)
            fatal("deflate", "zlib does not start");
        return d;
    }
    d->zstd = ZSTD_createCCtx();
    if (!d->zstd)
        fatal("deflate", "zstd does not start");
    ZSTD_CCtx_setParameter(d->zstd, ZSTD_c_compressionLevel, ZSTD_LEVEL);
    return d;
}

void deflater_free(struct deflater **d)
{
    if (!*d)
        return;
    if ((*d)->kind == DEFLATE_ZLIB_STREAM)
        deflateEnd(&(*d)->zlib);
    ZSTD_freeCCtx((*d)->zstd);
    free(*d);
    *d = NULL;
}

static void put_zlib(z_stream *z, const void *bytes, size_t len, struct buf *out)
{
    z->next_in = (Bytef *)(uintptr_t)bytes; /* zlib does not write there */
    z->avail_in = (uInt)len;
    do {
        z->next_out = buf_reserve(out, ROOM);
        z->avail_out = ROOM;
        if (deflate(z, Z_SYNC_FLUSH) == Z_STREAM_ERROR)
            fatal("deflate", "zlib's stream is damaged");
        buf_commit(out, ROOM - z->avail_out);
    } while (z->avail_out == 0);
}

static void put_zstd(ZSTD_CCtx *zstd, const void *bytes, size_t len, struct buf *out)
{
    ZSTD_inBuffer in = {bytes, len, 0};
    size_t left;

    do {
        ZSTD_outBuffer to = {buf_reserve(out, ROOM), ROOM, 0};

        left = ZSTD_compressStream2(zstd, &to, &in, ZSTD_e_flush);
        if (ZSTD_isError(left))
            fatal("deflate", "zstd: %s", ZSTD_getErrorName(left));
        buf_commit(out, to.pos);
    } while (left > 0 || in.pos < in.size);
}

void deflater_put(struct deflater *d, const void *bytes, size_t len, struct buf *out)
{
    if (d->kind == DEFLATE_ZLIB_STREAM)
        put_zlib(&d->zlib, bytes, len, out);
    else
        put_zstd(d->zstd, bytes, len, out);
}
