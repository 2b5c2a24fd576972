/* Reading single JSON values (scan.h). Called wherever a field's value is needed.
 * Diagnostics: none; a value of another kind is refused. */
#include "presence/scan.h"

#include <string.h>

bool scan_is_null(struct slice value)
{
    return !value.p || slice_is(value, "null");
}

bool scan_is_string(struct slice value)
{
    return value.p && value.len >= 2 && value.p[0] == '"';
}

bool scan_is_object(struct slice value)
{
    return value.p && value.len >= 2 && value.p[0] == '{';
}

bool scan_is_array(struct slice value)
{
    return value.p && value.len >= 2 && value.p[0] == '[';
}

bool scan_bool(struct slice value, bool *v_r)
{
    if (!value.p)
        return false;
    if (slice_is(value, "true"))
        *v_r = true;
    else if (slice_is(value, "false"))
        *v_r = false;
    else
        return false;
    return true;
}

/* 8 digits at once: pairs, then fours, then all eight. False if they are not all digits. */
static inline bool eight_digits(const char *p, uint64_t *v_r)
{
    uint64_t x;

    memcpy(&x, p, 8);
    x -= UINT64_C(0x3030303030303030);
    if ((x | (x + UINT64_C(0x7676767676767676))) & UINT64_C(0x8080808080808080))
        return false;
    x = (x * 10 + (x >> 8)) & UINT64_C(0x00ff00ff00ff00ff);
    x = (x * 100 + (x >> 16)) & UINT64_C(0x0000ffff0000ffff);
    *v_r = (x * 10000 + (x >> 32)) & UINT64_C(0xffffffff);
    return true;
}

bool scan_u64(struct slice value, uint64_t *v_r)
{
    uint64_t v = 0, part;
    size_t i = 0;

    if (!value.p || value.len == 0 || value.len > 20)
        return false;
#if __BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__
    for (; i + 8 <= value.len; i += 8) {
        if (!eight_digits(value.p + i, &part))
            return false;
        v = v * 100000000 + part;
    }
#endif
    for (; i < value.len; i++) {
        part = (unsigned char)value.p[i] - UINT64_C(48);
        if (part > 9 || __builtin_mul_overflow(v, UINT64_C(10), &v) ||
            __builtin_add_overflow(v, part, &v))
            return false;
    }
    *v_r = v;
    return true;
}

/* Splits a number into sign, digits before the point, and fraction digits. No exponent: none of
 * the fields that are read has one. */
static bool split_number(struct slice value, bool *negative_r, uint64_t *whole_r,
                         struct slice *fraction_r)
{
    struct slice whole = value;

    *negative_r = value.p && value.len > 0 && value.p[0] == '-';
    if (*negative_r)
        whole = (struct slice){value.p + 1, value.len - 1};
    *fraction_r = SLICE_NONE;
    if (whole.p) {
        const char *point = memchr(whole.p, '.', whole.len);

        if (point) {
            *fraction_r = (struct slice){point + 1, (size_t)(whole.p + whole.len - point - 1)};
            whole.len = (size_t)(point - whole.p);
            if (fraction_r->len == 0)
                return false;
            for (size_t i = 0; i < fraction_r->len; i++)
                if (fraction_r->p[i] < '0' || fraction_r->p[i] > '9')
                    return false;
        }
    }
    return scan_u64(whole, whole_r) && *whole_r <= INT64_MAX;
}

bool scan_i64(struct slice value, int64_t *v_r)
{
    struct slice fraction;
    uint64_t whole;
    bool negative;

    if (!split_number(value, &negative, &whole, &fraction))
        return false;
    *v_r = negative ? -(int64_t)whole : (int64_t)whole;
    return true;
}

bool scan_ms(struct slice value, int64_t *ms_r)
{
    struct slice fraction;
    uint64_t whole;
    int64_t ms = 0;
    bool negative;

    if (!split_number(value, &negative, &whole, &fraction) || whole > INT64_MAX / 1000 - 1)
        return false;
    for (size_t i = 0; i < 3; i++)
        ms = ms * 10 + (i < fraction.len ? fraction.p[i] - '0' : 0);
    ms += (int64_t)whole * 1000;
    *ms_r = negative ? -ms : ms;
    return true;
}

struct slice scan_raw_string(struct slice value)
{
    if (!scan_is_string(value))
        return SLICE_NONE;
    return (struct slice){value.p + 1, value.len - 2};
}

bool scan_digits(struct slice value, uint64_t *v_r)
{
    return scan_u64(scan_is_string(value) ? scan_raw_string(value) : value, v_r);
}

bool scan_snowflake(struct slice value, snowflake_t *id_r)
{
    uint64_t id;

    if (!scan_digits(value, &id) || id == 0)
        return false;
    id_r->id = id;
    return true;
}

bool scan_time(struct slice value, unixms_t *time_r)
{
    struct slice text = scan_raw_string(value);

    return text.p && clock_parse_rfc3339(text.p, text.len, time_r) == 0;
}

#define REPLACEMENT 0xFFFDu

/* 1 to 4 bytes of UTF-8; 0 if they do not fit. */
static size_t put_utf8(uint32_t c, char *out, size_t room)
{
    char bytes[4];
    size_t n;

    if (c < 0x80) {
        bytes[0] = (char)c;
        n = 1;
    } else if (c < 0x800) {
        bytes[0] = (char)(0xC0 | c >> 6);
        n = 2;
    } else if (c < 0x10000) {
        bytes[0] = (char)(0xE0 | c >> 12);
        n = 3;
    } else {
        bytes[0] = (char)(0xF0 | c >> 18);
        n = 4;
    }
    for (size_t i = 1; i < n; i++)
        bytes[i] = (char)(0x80 | (c >> (6 * (n - 1 - i)) & 0x3F));
    if (n > room)
        return 0;
    memcpy(out, bytes, n);
    return n;
}

static bool hex4(const char *p, const char *end, uint32_t *v_r)
{
    uint32_t v = 0;

    if (end - p < 4)
        return false;
    for (int i = 0; i < 4; i++) {
        char c = p[i];
        uint32_t digit = c >= '0' && c <= '9'   ? (uint32_t)(c - '0')
                         : c >= 'a' && c <= 'f' ? (uint32_t)(c - 'a' + 10)
                         : c >= 'A' && c <= 'F' ? (uint32_t)(c - 'A' + 10)
                                                : 16;
        if (digit > 15)
            return false;
        v = v << 4 | digit;
    }
    *v_r = v;
    return true;
}

/* What stands behind "\u"; steps over it and over the second half of a surrogate pair. */
static uint32_t take_unicode(const char **p, const char *end)
{
    uint32_t high, low;

    if (!hex4(*p, end, &high))
        return REPLACEMENT;
    *p += 4;
    if (high < 0xD800 || high > 0xDFFF)
        return high == 0 ? REPLACEMENT : high;
    if (high < 0xDC00 && end - *p >= 6 && (*p)[0] == '\\' && (*p)[1] == 'u' &&
        hex4(*p + 2, end, &low) && low >= 0xDC00 && low <= 0xDFFF) {
        *p += 6;
        return 0x10000 + ((high - 0xD800) << 10 | (low - 0xDC00));
    }
    return REPLACEMENT;
}

static uint32_t take_escape(const char **p, const char *end)
{
    if (*p >= end)
        return REPLACEMENT;
    switch (*(*p)++) {
    case '"':
        return '"';
    case '\\':
        return '\\';
    case '/':
        return '/';
    case 'b':
        return '\b';
    case 'f':
        return '\f';
    case 'n':
        return '\n';
    case 'r':
        return '\r';
    case 't':
        return '\t';
    case 'u':
        return take_unicode(p, end);
    default:
        return REPLACEMENT;
    }
}

/* One character of UTF-8; what is not well-formed becomes U+FFFD, one byte at a time. */
static uint32_t take_utf8(const char **p, const char *end)
{
    unsigned char first = (unsigned char)*(*p)++;
    unsigned more = first >= 0xF0 ? 3 : first >= 0xE0 ? 2 : 1;
    static const uint32_t least[] = {0, 0x80, 0x800, 0x10000};
    uint32_t c = first & (0x3Fu >> more);

    if (first < 0x80)
        return first ? first : REPLACEMENT;
    if (first < 0xC2 || first > 0xF4 || (size_t)(end - *p) < more)
        return REPLACEMENT;
    for (unsigned i = 0; i < more; i++) {
        unsigned char next = (unsigned char)(*p)[i];

        if ((next & 0xC0) != 0x80)
            return REPLACEMENT;
        c = c << 6 | (next & 0x3F);
    }
    if (c < least[more] || c > 0x10FFFF || (c >= 0xD800 && c <= 0xDFFF))
        return REPLACEMENT;
    *p += more;
    return c;
}

size_t scan_string(struct slice value, char *out, size_t cap)
{
    struct slice raw = scan_raw_string(value);
    const char *p = raw.p, *end = raw.p ? raw.p + raw.len : NULL;
    size_t used = 0;

    while (p < end) {
        unsigned char byte = (unsigned char)*p;
        size_t n;

        if (byte >= 0x20 && byte < 0x80 && byte != '\\') {
            if (used == cap)
                break;
            out[used++] = *p++;
            continue;
        }
        if (byte == '\\') {
            p++;
            n = put_utf8(take_escape(&p, end), out + used, cap - used);
        } else {
            n = put_utf8(take_utf8(&p, end), out + used, cap - used);
        }
        if (n == 0)
            break;
        used += n;
    }
    return used;
}
