/* Transport decompression of the gateway (Discord gateway.md §11): one context per connection. */
#ifndef PRESENCE_INFLATE_H
#define PRESENCE_INFLATE_H

#include <stdbool.h>
#include <stddef.h>

enum inflate_kind { INFLATE_NONE, INFLATE_ZLIB, INFLATE_ZSTD };

/* One payload is never larger than this when inflated. */
#define INFLATE_MAX_BYTES ((size_t)128 << 20)

struct inflate;

/* max_bytes bounds one inflated payload; 0 = INFLATE_MAX_BYTES. */
struct inflate *inflate_new(enum inflate_kind kind, size_t max_bytes);
void inflate_free(struct inflate **z);

/* Takes one whole WebSocket message. Returns 1 with one payload (valid until the next call), 0 if
 * the payload goes on in the next message, or -1 with *error_r (static text): the context is lost,
 * only inflate_free may follow. */
int inflate_message(struct inflate *z, const void *bytes, size_t len, const void **payload_r,
                    size_t *payload_len_r, const char **error_r);

/* "zlib-stream", "zstd-stream"; NULL for none: the value of the connection's `compress`. */
const char *inflate_name(enum inflate_kind kind);
/* By that name or "none"; -1 for anything else. */
int inflate_parse(const char *name, enum inflate_kind *kind_r);

#endif
