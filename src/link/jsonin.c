/* Strict JSON by yajl. What yajl lets pass (overlong UTF-8, surrogates alone) is found by our own
 * look over the bytes before. Called by presence-graphqld.
 * Diagnostics: none of its own; errors go to the caller with their place. */
#include "presence/jsonin.h"

#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <yajl/yajl_parse.h>

#include "presence/log.h"

struct jsonin {
    const struct jsonin_events *events;
    void *arg;
    unsigned depth, depth_max;
    bool too_deep;
    size_t offset;
    yajl_handle yajl;
};

/* --- text ------------------------------------------------------------------------------------ */

/* Length of the sequence at p (left > 0), or 0 if it is not valid. */
static size_t sequence(const unsigned char *p, size_t left)
{
    size_t n = *p >= 0xf0 ? 4 : *p >= 0xe0 ? 3 : 2;

    if (*p < 0xc2 || *p > 0xf4 || n > left)
        return 0;
    for (size_t i = 1; i < n; i++)
        if ((p[i] & 0xc0) != 0x80)
            return 0;
    if ((*p == 0xe0 && p[1] < 0xa0) || (*p == 0xed && p[1] > 0x9f) || (*p == 0xf0 && p[1] < 0x90) ||
        (*p == 0xf4 && p[1] > 0x8f))
        return 0;
    return n;
}

size_t jsonin_utf8_valid(const char *bytes, size_t len)
{
    const unsigned char *p = (const unsigned char *)bytes;
    size_t i = 0;

    while (i < len) {
        uint64_t word;
        size_t n;

        if (len - i >= sizeof(word)) {
            memcpy(&word, p + i, sizeof(word));
            if (!(word & UINT64_C(0x8080808080808080))) {
                i += sizeof(word);
                continue;
            }
        }
        if (p[i] < 0x80) {
            i++;
            continue;
        }
        n = sequence(p + i, len - i);
        if (n == 0)
            return i;
        i += n;
    }
    return len;
}

static int hex4(const char *p, const char *end, unsigned *value_r)
{
    unsigned v = 0;

    if (end - p < 4)
        return -1;
    for (int i = 0; i < 4; i++) {
        unsigned c = (unsigned char)p[i];

        if (c >= '0' && c <= '9')
            v = v << 4 | (c - '0');
        else if ((c | 32) >= 'a' && (c | 32) <= 'f')
            v = v << 4 | ((c | 32) - 'a' + 10);
        else
            return -1;
    }
    *value_r = v;
    return 0;
}

/* Offset of the first \u escape that is half a pair, or len. Other mistakes are yajl's to find. */
static size_t lone_surrogate(const char *bytes, size_t len)
{
    const char *p = bytes, *end = bytes + len;
    unsigned c, low;

    while (p < end) {
        if (*p != '\\' && !(p = memchr(p, '\\', (size_t)(end - p))))
            break;
        if (end - p < 2)
            break;
        if (p[1] != 'u' || hex4(p + 2, end, &c)) {
            p += 2;
            continue;
        }
        if (c >= 0xd800 && c <= 0xdbff && end - p >= 12 && p[6] == '\\' && p[7] == 'u' &&
            hex4(p + 8, end, &low) == 0 && low >= 0xdc00 && low <= 0xdfff) {
            p += 12;
            continue;
        }
        if (c >= 0xd800 && c <= 0xdfff)
            return (size_t)(p - bytes);
        p += 6;
    }
    return len;
}

static void error_at(struct jsonin_error *error, const char *bytes, size_t offset, const char *text)
{
    *error = (struct jsonin_error){.line = 1, .column = 1};
    for (size_t i = 0; i < offset; i++) {
        error->column++;
        if (bytes[i] == '\n') {
            error->line++;
            error->column = 1;
        }
    }
    snprintf(error->text, sizeof(error->text), "%s", text);
}

/* --- yajl's callbacks ------------------------------------------------------------------------ */

static struct jsonin *at(void *ctx)
{
    struct jsonin *in = ctx;

    in->offset = yajl_get_bytes_consumed(in->yajl);
    return in;
}

static int on_null(void *ctx)
{
    struct jsonin *in = at(ctx);

    return in->events->null(in->arg) == 0;
}

static int on_boolean(void *ctx, int value)
{
    struct jsonin *in = at(ctx);

    return in->events->boolean(in->arg, value != 0) == 0;
}

static int on_number(void *ctx, const char *text, size_t len)
{
    struct jsonin *in = at(ctx);

    return in->events->number(in->arg, text, len) == 0;
}

static int on_string(void *ctx, const unsigned char *text, size_t len)
{
    struct jsonin *in = at(ctx);

    return in->events->string(in->arg, (const char *)text, len) == 0;
}

static int on_key(void *ctx, const unsigned char *text, size_t len)
{
    struct jsonin *in = at(ctx);

    return in->events->key(in->arg, (const char *)text, len) == 0;
}

static bool deeper(struct jsonin *in)
{
    in->too_deep = ++in->depth > in->depth_max;
    return !in->too_deep;
}

static int on_begin_object(void *ctx)
{
    struct jsonin *in = at(ctx);

    return deeper(in) && in->events->begin_object(in->arg) == 0;
}

static int on_end_object(void *ctx)
{
    struct jsonin *in = at(ctx);

    in->depth--;
    return in->events->end_object(in->arg) == 0;
}

static int on_begin_array(void *ctx)
{
    struct jsonin *in = at(ctx);

    return deeper(in) && in->events->begin_array(in->arg) == 0;
}

static int on_end_array(void *ctx)
{
    struct jsonin *in = at(ctx);

    in->depth--;
    return in->events->end_array(in->arg) == 0;
}

static const yajl_callbacks callbacks = {
    .yajl_null = on_null,
    .yajl_boolean = on_boolean,
    .yajl_number = on_number,
    .yajl_string = on_string,
    .yajl_start_map = on_begin_object,
    .yajl_map_key = on_key,
    .yajl_end_map = on_end_object,
    .yajl_start_array = on_begin_array,
    .yajl_end_array = on_end_array,
};

/* --- reading --------------------------------------------------------------------------------- */

static int look_over(const char *bytes, size_t len, struct jsonin_error *error_r)
{
    size_t bad = jsonin_utf8_valid(bytes, len);

    if (bad < len) {
        error_at(error_r, bytes, bad, "invalid UTF-8");
        return -1;
    }
    bad = lone_surrogate(bytes, len);
    if (bad < len) {
        error_at(error_r, bytes, bad, "half of a surrogate pair in a string");
        return -1;
    }
    return 0;
}

/* The first line of yajl's message, without its prefix. */
static void yajl_text(yajl_handle yajl, char *out, size_t size)
{
    unsigned char *text = yajl_get_error(yajl, 0, NULL, 0);
    const char *colon = strchr((const char *)text, ':');
    const char *from = colon ? colon + 1 : (const char *)text;

    from += strspn(from, " ");
    snprintf(out, size, "%.*s", (int)strcspn(from, "\n"), from);
    yajl_free_error(yajl, text);
}

int jsonin_read(const char *bytes, size_t len, unsigned depth_max,
                const struct jsonin_events *events, void *arg, const size_t **offset_r,
                struct jsonin_error *error_r)
{
    struct jsonin in = {.events = events, .arg = arg, .depth_max = depth_max};
    yajl_status status;
    char text[128];

    if (look_over(bytes, len, error_r))
        return -1;
    in.yajl = yajl_alloc(&callbacks, NULL, &in);
    if (!in.yajl)
        fatal("memory", "out of memory");
    yajl_config(in.yajl, yajl_dont_validate_strings, 1);
    if (offset_r)
        *offset_r = &in.offset;
    status = yajl_parse(in.yajl, (const unsigned char *)bytes, len);
    if (status == yajl_status_ok)
        status = yajl_complete_parse(in.yajl);
    if (status == yajl_status_client_canceled && in.too_deep) {
        snprintf(text, sizeof(text), "nested deeper than %u", depth_max);
        error_at(error_r, bytes, in.offset ? in.offset - 1 : 0, text);
        error_r->too_deep = true;
    } else if (status == yajl_status_client_canceled) {
        *error_r = (struct jsonin_error){.stopped = true};
    } else if (status != yajl_status_ok) {
        yajl_text(in.yajl, text, sizeof(text));
        in.offset = yajl_get_bytes_consumed(in.yajl);
        error_at(error_r, bytes, in.offset < len ? in.offset : len, text);
    }
    yajl_free(in.yajl);
    return status == yajl_status_ok ? 0 : -1;
}

/* --- judging only --------------------------------------------------------------------------------
 */

static int any(void *arg)
{
    (void)arg;
    return 0;
}

static int any_boolean(void *arg, bool value)
{
    (void)arg;
    (void)value;
    return 0;
}

static int any_text(void *arg, const char *text, size_t len)
{
    (void)arg;
    (void)text;
    (void)len;
    return 0;
}

bool jsonin_valid(const char *bytes, size_t len, unsigned depth_max)
{
    static const struct jsonin_events events = {.null = any,
                                                .boolean = any_boolean,
                                                .number = any_text,
                                                .string = any_text,
                                                .begin_object = any,
                                                .key = any_text,
                                                .end_object = any,
                                                .begin_array = any,
                                                .end_array = any};
    struct jsonin_error error;

    return jsonin_read(bytes, len, depth_max, &events, NULL, NULL, &error) == 0;
}
