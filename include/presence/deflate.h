/* The compressing side of the gateway's transport compression: one stream per connection, flushed
 * behind every payload. */
#ifndef PRESENCE_DEFLATE_H
#define PRESENCE_DEFLATE_H

#include <stddef.h>

#include "presence/buf.h"

enum deflate_kind { DEFLATE_ZLIB_STREAM, DEFLATE_ZSTD_STREAM };

struct deflater;

struct deflater *deflater_new(enum deflate_kind kind);
void deflater_free(struct deflater **d);

/* Appends the compressed form of one payload, flushed, to out. */
void deflater_put(struct deflater *d, const void *bytes, size_t len, struct buf *out);

#endif
