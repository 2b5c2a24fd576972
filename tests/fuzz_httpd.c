/* libFuzzer target: any bytes as the head of a request, and as a body in chunks, whole and in
 * pieces, which must read the same (configure --enable-fuzz CC=clang). */
#include <stdlib.h>
#include <string.h>

#include "link/httpd_priv.h"

#define BODY_MAX 4096

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t len);

static void inside(const struct httpd_request *req, size_t len, const char *text)
{
    if (text < req->head || text + strlen(text) > req->head + len)
        abort();
}

static void head(const uint8_t *bytes, size_t len)
{
    const char *why = NULL;
    unsigned status = 0;
    struct httpd_request *req = httpd_head_parse(bytes, len, &status, &why);

    if (!req && (!why || status < 400 || status > 505))
        abort();
    if (!req)
        return;
    if (req->chunked && req->has_length)
        abort();
    for (size_t i = 0; i < req->n_headers; i++) {
        inside(req, len, req->headers[i].name);
        if (*req->headers[i].value)
            inside(req, len, req->headers[i].value);
    }
    httpd_query(req, "query");
    for (size_t i = 0; i < req->n_queries; i++) {
        inside(req, len, req->queries[i].name);
        if (req->queries[i].value)
            inside(req, len, req->queries[i].value);
    }
    httpd_request_free(req);
}

static enum httpd_progress chunks(const uint8_t *bytes, size_t len, size_t step, struct buf *body,
                                  size_t *used_r)
{
    struct httpd_chunked d = {0};
    enum httpd_progress progress = HTTPD_MORE;

    *used_r = 0;
    for (size_t at = 0; at < len && progress == HTTPD_MORE; at += step) {
        size_t used = 0;

        progress = httpd_chunked_feed(&d, bytes + at, step < len - at ? step : len - at, BODY_MAX,
                                      body, &used);
        *used_r += used;
    }
    return progress;
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t len)
{
    struct buf whole, pieces;
    size_t used, used_in_pieces;
    enum httpd_progress progress;

    if (len == 0)
        return 0;
    head(bytes + 1, len - 1);
    buf_init(&whole, 0);
    buf_init(&pieces, 0);
    progress = chunks(bytes + 1, len - 1, len, &whole, &used);
    if (chunks(bytes + 1, len - 1, 1u + bytes[0] % 16u, &pieces, &used_in_pieces) != progress)
        abort();
    if (progress == HTTPD_DONE &&
        (used != used_in_pieces || buf_len(&whole) != buf_len(&pieces) ||
         (buf_len(&whole) && memcmp(buf_bytes(&whole), buf_bytes(&pieces), buf_len(&whole)) != 0)))
        abort();
    if (buf_len(&whole) > BODY_MAX || buf_len(&pieces) > BODY_MAX)
        abort();
    buf_clear(&whole);
    buf_clear(&pieces);
    return 0;
}
