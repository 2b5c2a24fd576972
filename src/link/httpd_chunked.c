/* The framing of a chunked request body. Called by httpd_read.c.
 * Read to the letter: a program that forgives a missing CR or LF here takes another byte for the
 * begin of the next request than one that does not. Diagnostics: none; HTTPD_BROKEN. */
#include "link/httpd_priv.h"

#define DIGITS_MAX    8u /* of a chunk's size */
#define EXTENSION_MAX 256u
#define TRAILERS_MAX  4096u

enum {
    SIZE,
    EXTENSION,
    SIZE_LF,
    DATA,
    DATA_CR,
    DATA_LF,
    TRAILER, /* at the begin of a line */
    TRAILER_LINE,
    TRAILER_LF,
    END_LF,
    END,
};

static int hex(unsigned char c)
{
    if (c >= '0' && c <= '9')
        return c - '0';
    c |= 0x20;
    return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

static bool is_text(unsigned char c)
{
    return c == '\t' || (c >= ' ' && c != 0x7f);
}

/* The state behind c, or -1. */
static int after_size(struct httpd_chunked *d, unsigned char c)
{
    int digit = hex(c);

    if (digit >= 0) {
        d->left = d->left * 16 + (unsigned)digit;
        return ++d->line <= DIGITS_MAX ? SIZE : -1;
    }
    if (d->line == 0)
        return -1;
    d->line = 0;
    return c == '\r' ? SIZE_LF : c == ';' ? EXTENSION : -1;
}

static int after_extension(struct httpd_chunked *d, unsigned char c)
{
    if (c == '\r')
        return SIZE_LF;
    return is_text(c) && ++d->line <= EXTENSION_MAX ? EXTENSION : -1;
}

static int after_trailer(struct httpd_chunked *d, unsigned char c)
{
    if (c == '\r')
        return d->state == TRAILER ? END_LF : TRAILER_LF;
    if (d->state == TRAILER && (c == ' ' || c == '\t'))
        return -1;
    return is_text(c) && ++d->line <= TRAILERS_MAX ? TRAILER_LINE : -1;
}

static int after(struct httpd_chunked *d, unsigned char c)
{
    switch (d->state) {
    case SIZE:
        return after_size(d, c);
    case EXTENSION:
        return after_extension(d, c);
    case SIZE_LF:
        d->line = 0;
        return c != '\n' ? -1 : d->left > 0 ? DATA : TRAILER;
    case DATA_CR:
        return c == '\r' ? DATA_LF : -1;
    case DATA_LF:
        return c == '\n' ? SIZE : -1;
    case TRAILER:
    case TRAILER_LINE:
        return after_trailer(d, c);
    case TRAILER_LF:
        return c == '\n' ? TRAILER : -1;
    default:
        return c == '\n' ? END : -1;
    }
}

enum httpd_progress httpd_chunked_feed(struct httpd_chunked *d, const unsigned char *bytes,
                                       size_t len, size_t body_max, struct buf *body,
                                       size_t *used_r)
{
    size_t at = 0;

    while (at < len && d->state != END) {
        if (d->state == DATA) {
            size_t n = len - at < d->left ? len - at : (size_t)d->left;

            if (d->left > body_max - buf_len(body))
                return HTTPD_TOO_LARGE;
            buf_append(body, bytes + at, n);
            at += n;
            d->left -= n;
            if (d->left == 0)
                d->state = DATA_CR;
        } else {
            int next = after(d, bytes[at++]);

            if (next < 0)
                return HTTPD_BROKEN;
            d->state = (unsigned)next;
        }
    }
    *used_r = at;
    return d->state == END ? HTTPD_DONE : HTTPD_MORE;
}
