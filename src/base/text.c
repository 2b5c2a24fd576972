/* Text for people. Called wherever answers are written and options are read. Diagnostics: none. */
#include "presence/text.h"

#include <string.h>

#define ELLIPSIS "\xe2\x80\xa6"

static bool continues(const char *p, const char *end)
{
    return p < end && ((unsigned char)*p & 0xc0) == 0x80;
}

size_t text_char(const char *p, const char *end, uint32_t *c_r)
{
    static const uint32_t least[] = {0, 0, 0x80, 0x800, 0x10000};
    unsigned char first;
    uint32_t c;
    size_t len;

    if (p >= end)
        return 0;
    first = (unsigned char)*p;
    len = first < 0x80 ? 1 : first < 0xc2 ? 0 : first < 0xe0 ? 2 : first < 0xf0 ? 3 : 4;
    if (len == 0 || first > 0xf4)
        return 0;
    c = len == 1 ? first : first & (0x7fu >> len);
    for (size_t i = 1; i < len; i++) {
        if (!continues(p + i, end))
            return 0;
        c = c << 6 | ((unsigned char)p[i] & 0x3fu);
    }
    if (c < least[len] || c > 0x10ffff || (c >= 0xd800 && c < 0xe000))
        return 0;
    *c_r = c;
    return len;
}

static size_t step(const char *p, const char *end)
{
    uint32_t c;
    size_t len = text_char(p, end, &c);

    return len ? len : 1;
}

size_t text_chars(const char *text)
{
    const char *end = text + strlen(text);
    size_t n = 0;

    for (; text < end; n++)
        text += step(text, end);
    return n;
}

void text_put(const char *text, size_t max, struct buf *out)
{
    const char *end = text + strlen(text), *p = text;
    bool cut = text_chars(text) > max;

    if (max == 0)
        return;
    for (size_t n = 0; p < end && n < max - cut; n++)
        p += step(p, end);
    buf_append(out, text, (size_t)(p - text));
    if (cut)
        buf_puts(out, ELLIPSIS);
}

/* --- what others wrote ------------------------------------------------------------------------ */

static bool unseen(uint32_t c)
{
    return c < 0x20 || (c >= 0x7f && c < 0xa0) || c == 0xad || c == 0x61c || c == 0x180e ||
           c == 0x200b || c == 0x200e || c == 0x200f || (c >= 0x2028 && c <= 0x202e) ||
           (c >= 0x2060 && c <= 0x206f) || c == 0x3164 || c == 0xfeff || c == 0xffa0 ||
           (c >= 0xfff9 && c <= 0xfffb) || (c >= 0xe0000 && c <= 0xe007f);
}

bool text_unseen(const char *text)
{
    const char *end = text + strlen(text);
    uint32_t c = 0;

    for (size_t len; text < end; text += len) {
        len = text_char(text, end, &c);
        if (len == 0 || (unseen(c) && c != '\n'))
            return true;
    }
    return false;
}

static size_t put_foreign(const char *p, const char *end, struct buf *out)
{
    uint32_t c = 0;
    size_t len = text_char(p, end, &c);

    if (len == 0) {
        buf_puts(out, "\xef\xbf\xbd");
        return 1;
    }
    if (c == '\n' || c == '\t' || c == '\r') {
        buf_putc(out, ' ');
    } else if (!unseen(c)) {
        if (c < 0x80 && strchr("\\*_~`|>#<@[]()-:", (int)c))
            buf_putc(out, '\\');
        buf_append(out, p, len);
    }
    return len;
}

void text_put_foreign(const char *text, size_t max, struct buf *out)
{
    const char *end = text + strlen(text);
    bool cut = text_chars(text) > max;

    if (max == 0)
        return;
    for (size_t n = 0; text < end && n < max - cut; n++)
        text += put_foreign(text, end, out);
    if (cut)
        buf_puts(out, ELLIPSIS);
}
