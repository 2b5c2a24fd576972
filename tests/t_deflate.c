/* deflate: every payload can be read as soon as it came, whatever its size. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <stdlib.h>
#include <string.h>
#include <zlib.h>
#include <zstd.h>

#include "presence/deflate.h"

static const size_t sizes[] = {1, 2, 100, 16384, 16385, 1000000, 3};

#define N_SIZES   (sizeof(sizes) / sizeof(sizes[0]))
#define LARGEST   1000000
#define ROOM_SIZE (LARGEST + 1)

/* Hardly compressible, the same each time. */
static void fill(char *bytes, size_t n, unsigned seed)
{
    for (size_t i = 0; i < n; i++) {
        seed = seed * 1103515245u + 12345u;
        bytes[i] = (char)(seed >> 16);
    }
}

static size_t inflate_zlib(z_stream *z, const struct buf *in, char *out)
{
    z->next_in = buf_bytes(in);
    z->avail_in = (uInt)buf_len(in);
    z->next_out = (Bytef *)out;
    z->avail_out = ROOM_SIZE;
    assert_int_equal(inflate(z, Z_SYNC_FLUSH), Z_OK);
    assert_int_equal(z->avail_in, 0);
    return ROOM_SIZE - z->avail_out;
}

static size_t inflate_zstd(ZSTD_DStream *zstd, const struct buf *in, char *out)
{
    ZSTD_inBuffer from = {buf_bytes(in), buf_len(in), 0};
    ZSTD_outBuffer to = {out, ROOM_SIZE, 0};

    do
        assert_false(ZSTD_isError(ZSTD_decompressStream(zstd, &to, &from)));
    while (from.pos < from.size);
    return to.pos;
}

static void check(enum deflate_kind kind)
{
    struct deflater *d = deflater_new(kind);
    char *bytes = malloc(LARGEST), *out = malloc(ROOM_SIZE);
    ZSTD_DStream *zstd = ZSTD_createDStream();
    z_stream z = {0};
    struct buf packed;

    assert_int_equal(inflateInit(&z), Z_OK);
    buf_init(&packed, 0);
    for (unsigned i = 0; i < N_SIZES; i++) {
        size_t got;

        fill(bytes, sizes[i], i);
        buf_reset(&packed);
        deflater_put(d, bytes, sizes[i], &packed);
        if (kind == DEFLATE_ZLIB_STREAM)
            assert_memory_equal(buf_bytes(&packed) + buf_len(&packed) - 4, "\0\0\xff\xff", 4);
        got = kind == DEFLATE_ZLIB_STREAM ? inflate_zlib(&z, &packed, out)
                                          : inflate_zstd(zstd, &packed, out);
        assert_int_equal(got, sizes[i]);
        assert_memory_equal(out, bytes, got);
    }
    inflateEnd(&z);
    ZSTD_freeDStream(zstd);
    deflater_free(&d);
    assert_null(d);
    buf_clear(&packed);
    free(bytes);
    free(out);
}

static void test_zlib(void **state)
{
    (void)state;
    check(DEFLATE_ZLIB_STREAM);
}

static void test_zstd(void **state)
{
    (void)state;
    check(DEFLATE_ZSTD_STREAM);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_zlib), cmocka_unit_test(test_zstd)};

    return cmocka_run_group_tests(tests, NULL, NULL);
}
