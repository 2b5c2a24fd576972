/* String literals: escapes with surrogate pairs, and the layout of block strings. Called by the
 * lexer.
 * Diagnostics: bad escapes are returned as text. */
#include "graphql/string.h"

#include <stdbool.h>
#include <stdint.h>
#include <string.h>

static uint32_t hex(const char *p, size_t n)
{
    uint32_t v = 0;

    for (size_t i = 0; i < n; i++) {
        uint32_t c = (unsigned char)p[i];

        v = v << 4 | (c <= '9' ? c - '0' : (c | 32) - 'a' + 10);
    }
    return v;
}

static size_t put_utf8(char *out, uint32_t c)
{
    if (c < 0x80) {
        out[0] = (char)c;
        return 1;
    }
    if (c < 0x800) {
        out[0] = (char)(0xc0 | c >> 6);
        out[1] = (char)(0x80 | (c & 0x3f));
        return 2;
    }
    if (c < 0x10000) {
        out[0] = (char)(0xe0 | c >> 12);
        out[1] = (char)(0x80 | (c >> 6 & 0x3f));
        out[2] = (char)(0x80 | (c & 0x3f));
        return 3;
    }
    out[0] = (char)(0xf0 | c >> 18);
    out[1] = (char)(0x80 | (c >> 12 & 0x3f));
    out[2] = (char)(0x80 | (c >> 6 & 0x3f));
    out[3] = (char)(0x80 | (c & 0x3f));
    return 4;
}

/* *p stands behind "\u"; the lexer made sure of the digits. Returns the code point, or UINT32_MAX
 * if it is none. */
static uint32_t unicode_escape(const char **p, const char *end)
{
    uint32_t c, low;

    if (**p == '{') {
        size_t n = (size_t)((const char *)memchr(*p, '}', (size_t)(end - *p)) - *p) - 1;
        const char *digits = *p + 1;

        *p += n + 2;
        while (n > 0 && *digits == '0') {
            digits++;
            n--;
        }
        if (n > 6)
            return UINT32_MAX;
        c = hex(digits, n);
        return c > 0x10ffff || (c >= 0xd800 && c <= 0xdfff) ? UINT32_MAX : c;
    }
    c = hex(*p, 4);
    *p += 4;
    if (c < 0xd800 || c > 0xdfff)
        return c;
    if (c > 0xdbff || end - *p < 6 || (*p)[0] != '\\' || (*p)[1] != 'u' || (*p)[2] == '{')
        return UINT32_MAX;
    low = hex(*p + 2, 4);
    if (low < 0xdc00 || low > 0xdfff)
        return UINT32_MAX;
    *p += 6;
    return 0x10000 + ((c - 0xd800) << 10) + (low - 0xdc00);
}

const char *gql_string_decode(struct arena *arena, const char *raw, size_t raw_len,
                              const char **text_r, size_t *len_r)
{
    static const char from[] = "bfnrt", to[] = "\b\f\n\r\t";
    char *out = arena_alloc(arena, raw_len + 1), *o = out;
    const char *p = raw, *end = raw + raw_len;

    while (p < end) {
        const char *letter;
        uint32_t c;

        if (*p != '\\') {
            *o++ = *p++;
            continue;
        }
        p++;
        if (*p != 'u') {
            letter = strchr(from, *p);
            *o++ = letter ? to[letter - from] : *p;
            p++;
            continue;
        }
        p++;
        letter = p - 2;
        c = unicode_escape(&p, end);
        *len_r = (size_t)(letter - raw);
        if (c == UINT32_MAX)
            return "an escape in a string names no Unicode scalar value";
        o += put_utf8(o, c);
    }
    *text_r = out;
    *len_r = (size_t)(o - out);
    return NULL;
}

static size_t indent_of(const char *line, size_t len)
{
    size_t n = 0;

    while (n < len && (line[n] == ' ' || line[n] == '\t'))
        n++;
    return n;
}

static size_t line_len(const char *p, const char *end)
{
    const char *nl = memchr(p, '\n', (size_t)(end - p));

    return (size_t)((nl ? nl : end) - p);
}

static size_t common_indent(const char *p, const char *end)
{
    size_t common = SIZE_MAX;

    for (bool first = true; p <= end; first = false) {
        size_t len = line_len(p, end), indent = indent_of(p, len);

        if (!first && indent < len && indent < common)
            common = indent;
        p += len + 1;
    }
    return common == SIZE_MAX ? 0 : common;
}

void gql_block_string(struct arena *arena, struct buf *raw, const char **text_r, size_t *len_r)
{
    size_t raw_len = buf_len(raw), indent, used = 0;
    const char *p = buf_cstr(raw), *end = p + raw_len;
    char *out = arena_alloc(arena, raw_len + 1);

    indent = common_indent(p, end);
    for (bool first = true, begun = false; p <= end; first = false) {
        size_t len = line_len(p, end), skip = first ? 0 : indent < len ? indent : len;
        bool blank = indent_of(p, len) == len;

        if (begun || !blank) {
            if (begun)
                out[used++] = '\n';
            memcpy(out + used, p + skip, len - skip);
            used += len - skip;
            begun = true;
        }
        p += len + 1;
    }
    /* blank lines at the end */
    for (size_t n = used; n > 0 && strchr(" \t\n", out[n - 1]); n--)
        if (out[n - 1] == '\n')
            used = n - 1;
    if (used > 0 && indent_of(out, used) == used)
        used = 0;
    out[used] = '\0';
    *text_r = out;
    *len_r = used;
    buf_reset(raw);
}
