/* WebSocket frames of a client, whole, cut anywhere, fragmented, broken; and inflate's streams. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <stdlib.h>
#include <string.h>
#include <zlib.h>
#include <zstd.h>

#include "link/wsframe.h"
#include "presence/inflate.h"
#include "presence/ws.h"

struct got {
    struct buf log;
    int stop_after; /* -1 = never */
};

static bool note(void *arg, enum wsframe_op op, const unsigned char *bytes, size_t len)
{
    struct got *g = arg;

    buf_printf(&g->log, "%d:%zu:", op, len);
    buf_append(&g->log, bytes, len < 20 ? len : 20);
    buf_putc(&g->log, '|');
    return g->stop_after < 0 || g->stop_after-- > 0;
}

static void put_server(struct buf *out, unsigned first, const char *payload, size_t len)
{
    buf_putc(out, (char)first);
    if (len < 126) {
        buf_putc(out, (char)len);
    } else if (len < 65536) {
        buf_append(out, (unsigned char[]){126, (unsigned char)(len >> 8), (unsigned char)len}, 3);
    } else {
        buf_append(out,
                   (unsigned char[]){127, 0, 0, 0, 0, (unsigned char)(len >> 24),
                                     (unsigned char)(len >> 16), (unsigned char)(len >> 8),
                                     (unsigned char)len},
                   9);
    }
    buf_append(out, payload, len);
}

static void stream(struct buf *out)
{
    static char large[70000];

    memset(large, 'L', sizeof(large));
    put_server(out, 0x81, "hello", 5);
    put_server(out, 0x82, large, 300);
    put_server(out, 0x89, "", 0);
    put_server(out, 0x81, "", 0);
    put_server(out, 0x01, "one", 3);
    put_server(out, 0x8a, "pong", 4);
    put_server(out, 0x00, "two", 3);
    put_server(out, 0x80, "three", 5);
    put_server(out, 0x82, large, sizeof(large));
    put_server(out, 0x88, "\x0f\xa0why", 5);
}

static const char expected[] =
    "1:5:hello|2:300:LLLLLLLLLLLLLLLLLLLL|9:0:|1:0:|10:4:pong|1:11:onetwothree|"
    "2:70000:LLLLLLLLLLLLLLLLLLLL|8:5:\x0f\xa0why|";

static void test_cut_anywhere(void **state)
{
    static const size_t steps[] = {1, 2, 3, 7, 1000, 65536, 1 << 20};
    struct buf bytes;

    (void)state;
    buf_init(&bytes, 0);
    stream(&bytes);
    for (size_t s = 0; s < sizeof(steps) / sizeof(steps[0]); s++) {
        struct got g = {.stop_after = -1};
        struct wsframe in;
        const char *error = NULL;

        wsframe_init(&in, 1 << 20);
        buf_init(&g.log, 0);
        for (size_t at = 0; at < buf_len(&bytes); at += steps[s]) {
            size_t n = buf_len(&bytes) - at < steps[s] ? buf_len(&bytes) - at : steps[s];

            assert_int_equal(wsframe_feed(&in, buf_bytes(&bytes) + at, n, note, &g, &error), 0);
        }
        assert_string_equal(buf_cstr(&g.log), expected);
        buf_clear(&g.log);
        wsframe_clear(&in);
    }
    buf_clear(&bytes);
}

static void test_stop(void **state)
{
    struct got g = {.stop_after = 1};
    struct wsframe in;
    struct buf bytes;
    const char *error = NULL;

    (void)state;
    buf_init(&bytes, 0);
    buf_init(&g.log, 0);
    stream(&bytes);
    wsframe_init(&in, 1 << 20);
    assert_int_equal(wsframe_feed(&in, buf_bytes(&bytes), buf_len(&bytes), note, &g, &error), 0);
    assert_string_equal(buf_cstr(&g.log), "1:5:hello|2:300:LLLLLLLLLLLLLLLLLLLL|");
    buf_clear(&bytes);
    buf_clear(&g.log);
    wsframe_clear(&in);
}

static void test_broken(void **state)
{
    static const struct {
        const char *bytes;
        size_t len;
        const char *error;
    } cases[] = {
        {"\xc1\x01x", 3, "frame with reserved bits, expected none"},
        {"\x81\x81key!x", 7, "masked frame from the server"},
        {"\x83\x00", 2, "frame with an unknown opcode"},
        {"\x8b\x00", 2, "frame with an unknown opcode"},
        {"\x09\x00", 2, "control frame in fragments or longer than 125 bytes"},
        {"\x88\x7e\x00\x80", 4, "control frame in fragments or longer than 125 bytes"},
        {"\x80\x01x", 3, "continuation without a beginning"},
        {"\x01\x01x\x81\x01y", 6, "new message inside a fragmented one"},
        {"\x82\x7f\x7f\xff\xff\xff\xff\xff\xff\xff", 10, "message is larger than the bound"},
        {"\x82\x7f\xff\xff\xff\xff\xff\xff\xff\xff", 10, "message is larger than the bound"},
    };

    (void)state;
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        for (size_t step = 1; step <= cases[i].len; step += cases[i].len - 1) {
            struct got g = {.stop_after = -1};
            struct wsframe in;
            const char *error = NULL;
            int r = 0;

            buf_init(&g.log, 0);
            wsframe_init(&in, 1 << 20);
            for (size_t at = 0; at < cases[i].len && r == 0; at += step) {
                size_t n = cases[i].len - at < step ? cases[i].len - at : step;

                r = wsframe_feed(&in, (const unsigned char *)cases[i].bytes + at, n, note, &g,
                                 &error);
            }
            assert_int_equal(r, -1);
            assert_string_equal(error, cases[i].error);
            buf_clear(&g.log);
            wsframe_clear(&in);
        }
    }
}

static void test_put_is_masked(void **state)
{
    static const size_t lengths[] = {0, 5, 125, 126, 4096, 65535, 65536};

    (void)state;
    for (size_t i = 0; i < sizeof(lengths) / sizeof(lengths[0]); i++) {
        struct buf out;
        size_t len = lengths[i], head = len < 126 ? 2 : len < 65536 ? 4 : 10;
        char *text = xmalloc(len + 1);
        const unsigned char *p;

        memset(text, 'm', len);
        buf_init(&out, 0);
        wsframe_put(&out, WS_TEXT, text, len, 0x04030201);
        p = buf_bytes(&out);
        assert_int_equal(buf_len(&out), head + 4 + len);
        assert_int_equal(p[0], 0x81);
        assert_int_equal(p[1], 0x80 | (len < 126 ? len : len < 65536 ? 126 : 127));
        for (size_t k = 0; k < len; k++)
            assert_int_equal(p[head + 4 + k] ^ p[head + (k & 3)], 'm');
        buf_clear(&out);
        free(text);
    }
}

static void test_handshake(void **state)
{
    static const struct {
        const char *text;
        long result;
        int status;
    } cases[] = {
        {"HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nSec-WebSocket-Accept: "
         "ok\r\n\r\nXY",
         -2, 101},
        {"HTTP/1.1 101 X\r\nsec-websocket-accept:ok \r\n\r\n", -2, 101},
        {"HTTP/1.1 101 X\r\nSec-WebSocket-Accept: no\r\n\r\n", -1, 101},
        {"HTTP/1.1 101 X\r\nA: b\r\n\r\n", -1, 101},
        {"HTTP/1.1 403 No\r\nContent-Length: 0\r\n\r\n", -1, 403},
        {"HTTP/1.1 101 X\r\nSec-WebSocket-Accept: ok\r\n", 0, 0},
        {"SSH-2.0-OpenSSH\r\n", -1, 0},
        {"HTTP/1.1 abc\r\nX: y\r\n\r\n", -1, 0},
    };

    (void)state;
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        const char *error = NULL, *end = strstr(cases[i].text, "\r\n\r\n");
        int status;
        long r = wsframe_handshake(cases[i].text, strlen(cases[i].text), "ok", &status, &error);

        assert_int_equal(r, cases[i].result == -2 ? end + 4 - cases[i].text : cases[i].result);
        assert_int_equal(r < 0, error != NULL);
        if (cases[i].status)
            assert_int_equal(status, cases[i].status);
    }
}

static void test_url(void **state)
{
    static const struct {
        const char *url;
        bool tls;
        const char *host;
        unsigned port;
        const char *path;
    } good[] = {
        {"wss://gateway.discord.gg/?v=10", true, "gateway.discord.gg", 443, "/?v=10"},
        {"ws://127.0.0.1:8080", false, "127.0.0.1", 8080, "/"},
        {"ws://[::1]:81/x?y", false, "::1", 81, "/x?y"},
        {"wss://host?v=1", true, "host", 443, "/?v=1"},
    };
    static const char *const bad[] = {"http://x/",     "wss://",        "ws://:80/",
                                      "ws://h:0/",     "ws://h:99999/", "ws://h:x/",
                                      "ws://[::1",     "ws://h\r\n/",   "ws://h/\xc3\xa4",
                                      "ws://[::1]x/y", "gateway"};
    bool tls;
    char *host, *path;
    uint16_t port;
    const char *error;

    (void)state;
    for (size_t i = 0; i < sizeof(good) / sizeof(good[0]); i++) {
        assert_int_equal(ws_url_parse(good[i].url, &tls, &host, &port, &path, &error), 0);
        assert_int_equal(tls, good[i].tls);
        assert_string_equal(host, good[i].host);
        assert_int_equal(port, good[i].port);
        assert_string_equal(path, good[i].path);
        free(host);
        free(path);
    }
    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
        error = NULL;
        assert_int_equal(ws_url_parse(bad[i], &tls, &host, &port, &path, &error), -1);
        assert_non_null(error);
    }
}

/* --- inflate --------------------------------------------------------------------------------- */

struct deflater {
    z_stream zlib;
    ZSTD_CCtx *zstd;
};

static void compress_message(struct deflater *d, enum inflate_kind kind, const char *text,
                             size_t len, struct buf *out)
{
    size_t room = len + 1024;
    unsigned char *p = buf_reserve(out, room);

    if (kind == INFLATE_ZLIB) {
        d->zlib.next_in = (z_const Bytef *)text;
        d->zlib.avail_in = (uInt)len;
        d->zlib.next_out = p;
        d->zlib.avail_out = (uInt)room;
        assert_int_equal(deflate(&d->zlib, Z_SYNC_FLUSH), Z_OK);
        buf_commit(out, room - d->zlib.avail_out);
    } else {
        ZSTD_inBuffer in = {text, len, 0};
        ZSTD_outBuffer to = {p, room, 0};

        assert_int_equal(ZSTD_compressStream2(d->zstd, &to, &in, ZSTD_e_flush), 0);
        buf_commit(out, to.pos);
    }
}

static void run_stream(enum inflate_kind kind)
{
    struct deflater d = {0};
    struct inflate *z = inflate_new(kind, 0);
    char *text = xmalloc(3000000);
    const void *payload;
    size_t len;
    const char *error;

    deflateInit(&d.zlib, 6);
    d.zstd = ZSTD_createCCtx();
    for (unsigned i = 0; i < 40; i++) {
        size_t n = i == 20 ? 3000000 : 10 + i * 997;
        struct buf m;

        for (size_t k = 0; k < n; k++)
            text[k] = (char)('a' + (k * (i + 3)) % 23);
        buf_init(&m, 0);
        compress_message(&d, kind, text, n, &m);
        if (kind == INFLATE_ZLIB && i % 5 == 1) { /* a payload in two messages */
            size_t half = buf_len(&m) - 2;

            assert_int_equal(inflate_message(z, buf_bytes(&m), half, &payload, &len, &error), 0);
            assert_int_equal(inflate_message(z, buf_bytes(&m) + half, 2, &payload, &len, &error),
                             1);
        } else {
            assert_int_equal(inflate_message(z, buf_bytes(&m), buf_len(&m), &payload, &len, &error),
                             1);
        }
        assert_int_equal(len, n);
        assert_memory_equal(payload, text, n);
        buf_clear(&m);
    }
    deflateEnd(&d.zlib);
    ZSTD_freeCCtx(d.zstd);
    free(text);
    inflate_free(&z);
}

static void test_inflate_streams(void **state)
{
    (void)state;
    run_stream(INFLATE_ZLIB);
    run_stream(INFLATE_ZSTD);
}

static void test_inflate_broken(void **state)
{
    static const enum inflate_kind kinds[] = {INFLATE_ZLIB, INFLATE_ZSTD};
    static char bomb[1 << 20];
    const void *payload;
    size_t len;
    const char *error;

    (void)state;
    for (unsigned i = 0; i < 2; i++) {
        struct inflate *z = inflate_new(kinds[i], 0);
        struct deflater d = {0};
        struct buf m;

        error = NULL;
        assert_int_equal(inflate_message(z, "{\"op\":10}\0\0\xff\xff", 13, &payload, &len, &error),
                         -1);
        assert_non_null(error);
        inflate_free(&z);
        /* A small message that becomes too large. */
        z = inflate_new(kinds[i], 100000);
        deflateInit(&d.zlib, 9);
        d.zstd = ZSTD_createCCtx();
        buf_init(&m, 0);
        compress_message(&d, kinds[i], bomb, sizeof(bomb), &m);
        error = NULL;
        assert_int_equal(inflate_message(z, buf_bytes(&m), buf_len(&m), &payload, &len, &error),
                         -1);
        assert_string_equal(error, "payload is larger than the bound for inflated payloads");
        deflateEnd(&d.zlib);
        ZSTD_freeCCtx(d.zstd);
        buf_clear(&m);
        inflate_free(&z);
    }
}

static void test_inflate_names(void **state)
{
    static const enum inflate_kind kinds[] = {INFLATE_NONE, INFLATE_ZLIB, INFLATE_ZSTD};
    enum inflate_kind kind;

    (void)state;
    for (unsigned i = 0; i < 3; i++) {
        const char *name = inflate_name(kinds[i]);

        assert_int_equal(inflate_parse(name ? name : "none", &kind), 0);
        assert_int_equal(kind, kinds[i]);
    }
    assert_int_equal(inflate_parse("gzip", &kind), -1);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_cut_anywhere),    cmocka_unit_test(test_stop),
        cmocka_unit_test(test_broken),          cmocka_unit_test(test_put_is_masked),
        cmocka_unit_test(test_handshake),       cmocka_unit_test(test_url),
        cmocka_unit_test(test_inflate_streams), cmocka_unit_test(test_inflate_broken),
        cmocka_unit_test(test_inflate_names),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
