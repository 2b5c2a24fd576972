/* Reading the little JSON that settings consist of: strict (RFC 8259), without a tree, numbers
 * exactly. Called by settings_value and settings_file.
 * Diagnostics: none; what is wrong is told by the callers, who know what was expected. */
#include <string.h>

#include "core/settings_priv.h"

#define DIGITS_MAX 18 /* of a number in thousandths */
#define DEPTH_MAX  16

static void skip_blanks(struct reader *r)
{
    while (r->p < r->end && (*r->p == ' ' || *r->p == '\t' || *r->p == '\n' || *r->p == '\r'))
        r->p++;
}

static bool next_is(const struct reader *r, char c)
{
    return r->p < r->end && *r->p == c;
}

static bool next_is_digit(const struct reader *r)
{
    return r->p < r->end && *r->p >= '0' && *r->p <= '9';
}

bool reader_char(struct reader *r, char c)
{
    skip_blanks(r);
    if (!next_is(r, c))
        return false;
    r->p++;
    return true;
}

bool reader_word(struct reader *r, const char *word)
{
    size_t len = strlen(word);

    skip_blanks(r);
    if ((size_t)(r->end - r->p) < len || memcmp(r->p, word, len) != 0)
        return false;
    r->p += len;
    return true;
}

bool reader_end(struct reader *r)
{
    skip_blanks(r);
    return r->p == r->end;
}

/* --- strings ------------------------------------------------------------------------------ */

static bool hex4(struct reader *r, unsigned *code_r)
{
    unsigned code = 0;

    for (int i = 0; i < 4; i++, r->p++) {
        char c;

        if (r->p == r->end)
            return false;
        c = *r->p;
        if (c >= '0' && c <= '9')
            code = code * 16 + (unsigned)(c - '0');
        else if ((c >= 'a' && c <= 'f') || (c >= 'A' && c <= 'F'))
            code = code * 16 + (unsigned)((c | 0x20) - 'a') + 10;
        else
            return false;
    }
    *code_r = code;
    return true;
}

/* Behind the backslash. */
static bool escape(struct reader *r, char *c_r)
{
    static const char from[] = "\"\\/bfnrt", to[] = "\"\\/\b\f\n\r\t";
    unsigned code;
    const char *at;

    if (r->p == r->end)
        return false;
    if (next_is(r, 'u')) {
        r->p++;
        if (!hex4(r, &code) || code == 0 || code > 0x7e)
            return false;
        *c_r = (char)code;
        return true;
    }
    at = memchr(from, *r->p, sizeof(from) - 1);
    if (!at)
        return false;
    *c_r = to[at - from];
    r->p++;
    return true;
}

bool reader_string(struct reader *r, char *out, size_t cap)
{
    size_t len = 0;

    if (!reader_char(r, '"'))
        return false;
    while (r->p < r->end && *r->p != '"') {
        char c = *r->p++;

        if ((unsigned char)c < 0x20 || (c == '\\' && !escape(r, &c)) || len + 1 >= cap)
            return false;
        out[len++] = c;
    }
    out[len] = '\0';
    return reader_char(r, '"');
}

/* --- numbers ------------------------------------------------------------------------------ */

/* The digits of a number without the zeros around them: 0.digits * 10^point. */
struct number {
    char digits[DIGITS_MAX];
    int count;
    int zeros; /* seen behind the last digit kept */
    int point;
    bool negative, too_long;
};

static void add_digit(struct number *n, char c, bool decimal)
{
    if (c == '0' && n->count == 0) {
        n->point -= decimal;
        return;
    }
    n->point += !decimal;
    if (c == '0') {
        n->zeros++;
        return;
    }
    if (n->count + n->zeros >= DIGITS_MAX) {
        n->too_long = true;
        return;
    }
    memset(n->digits + n->count, '0', (size_t)n->zeros);
    n->count += n->zeros;
    n->zeros = 0;
    n->digits[n->count++] = c;
}

static bool add_exponent(struct reader *r, struct number *n)
{
    int exponent = 0;
    bool negative;

    r->p++;
    negative = next_is(r, '-');
    if (negative || next_is(r, '+'))
        r->p++;
    if (!next_is_digit(r))
        return false;
    for (; next_is_digit(r); r->p++)
        exponent = exponent > 9999 ? exponent : 10 * exponent + (*r->p - '0');
    n->point += negative ? -exponent : exponent;
    return true;
}

static bool thousandths(const struct number *n, int64_t *v_r)
{
    int64_t v = 0;

    if (n->too_long || (n->count && (n->count > n->point + 3 || n->point > 15)))
        return false;
    for (int i = 0; n->count && i < n->point + 3; i++)
        v = 10 * v + (i < n->count ? n->digits[i] - '0' : 0);
    *v_r = n->negative ? -v : v;
    return true;
}

static bool decimals(struct reader *r, struct number *n)
{
    if (!next_is(r, '.'))
        return true;
    r->p++;
    if (!next_is_digit(r))
        return false;
    for (; next_is_digit(r); r->p++)
        add_digit(n, *r->p, true);
    return true;
}

bool reader_number(struct reader *r, int64_t *thousandths_r)
{
    struct number n = {.count = 0};

    skip_blanks(r);
    n.negative = next_is(r, '-');
    r->p += n.negative;
    if (!next_is_digit(r))
        return false;
    if (next_is(r, '0'))
        r->p++;
    else
        for (; next_is_digit(r); r->p++)
            add_digit(&n, *r->p, false);
    if (next_is_digit(r) || !decimals(r, &n))
        return false;
    if ((next_is(r, 'e') || next_is(r, 'E')) && !add_exponent(r, &n))
        return false;
    return thousandths(&n, thousandths_r);
}

bool reader_decimal(struct reader *r, int64_t *thousandths_r)
{
    struct number n = {.count = 0};

    skip_blanks(r);
    if (!next_is_digit(r))
        return false;
    for (; next_is_digit(r); r->p++)
        add_digit(&n, *r->p, false);
    return decimals(r, &n) && thousandths(&n, thousandths_r);
}

/* --- any value ---------------------------------------------------------------------------- */

static bool skip_string(struct reader *r)
{
    for (r->p++; r->p < r->end && *r->p != '"'; r->p++)
        if (*r->p == '\\' && ++r->p == r->end)
            return false;
    if (r->p == r->end)
        return false;
    r->p++;
    return true;
}

static bool is_end_of_word(char c)
{
    return c == ',' || c == ':' || c == ']' || c == '}' || c == '[' || c == '{' || c == '"' ||
           c == ' ' || c == '\t' || c == '\n' || c == '\r';
}

bool reader_skip(struct reader *r, struct reader *value_r)
{
    char closing[DEPTH_MAX];
    size_t depth = 0;

    skip_blanks(r);
    value_r->p = r->p;
    do {
        skip_blanks(r);
        if (r->p == r->end)
            return false;
        if (*r->p == '{' || *r->p == '[') {
            if (depth == DEPTH_MAX)
                return false;
            closing[depth++] = *r->p++ == '{' ? '}' : ']';
        } else if (*r->p == '}' || *r->p == ']') {
            if (depth == 0 || *r->p++ != closing[--depth])
                return false;
        } else if (*r->p == '"') {
            if (!skip_string(r))
                return false;
        } else if (*r->p == ',' || *r->p == ':') {
            if (depth == 0)
                return false;
            r->p++;
        } else {
            while (r->p < r->end && !is_end_of_word(*r->p))
                r->p++;
        }
    } while (depth > 0);
    value_r->end = r->p;
    return true;
}
