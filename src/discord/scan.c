/* Walking JSON in place (scan.h). Called by envelope.c, event*.c and gw.c for every frame.
 * Diagnostics: none; errors are static texts that say what was expected. */
#include "presence/scan.h"

#include <string.h>

#include "discord/scan_skip.h"

/* These are the inner loop of scan_fields. */
#define INNER static inline __attribute__((always_inline))

static inline bool is_space(char c)
{
    return c == ' ' || c == '\t' || c == '\n' || c == '\r';
}

static inline const char *skip_space(const char *p, const char *end)
{
    if (p < end && (unsigned char)*p > ' ') /* Discord sends none */
        return p;
    while (p < end && is_space(*p))
        p++;
    return p;
}

static __attribute__((cold)) bool fail(struct scan *scan, const char *error)
{
    scan->error = error;
    return false;
}

static bool start(struct scan *scan, struct slice value, char open, char close, const char *error)
{
    *scan = (struct scan){.p = value.p, .close = close, .first = true};
    if (!value.p || value.len < 2 || value.p[0] != open)
        return fail(scan, error);
    scan->end = value.p + value.len;
    scan->p++;
    return true;
}

bool scan_object(struct scan *scan, struct slice value)
{
    return start(scan, value, '{', '}', "expected an object");
}

bool scan_array(struct scan *scan, struct slice value)
{
    return start(scan, value, '[', ']', "expected an array");
}

static inline bool is_number_byte(char c)
{
    return (c >= '0' && c <= '9') || c == '-' || c == '+' || c == '.' || c == 'e' || c == 'E';
}

static const char *skip_literal(const char *p, const char *end, const char *word, size_t len)
{
    return (size_t)(end - p) >= len && memcmp(p, word, len) == 0 ? p + len : NULL;
}

/* The end of the value at p, or NULL. */
INNER const char *skip_value(const char *p, const char *end, struct skip_watch *watch)
{
    const char *begin = p;
    bool escaped;

    if (p >= end)
        return NULL;
    switch (*p) {
    case '"':
        p = skip_short_string(p + 1, end, &escaped);
        return p ? p + 1 : NULL;
    case '{':
    case '[':
        return skip_container(p, end, watch);
    case 'n':
        return skip_literal(p, end, "null", 4);
    case 't':
        return skip_literal(p, end, "true", 4);
    case 'f':
        return skip_literal(p, end, "false", 5);
    default:
        while (p < end && is_number_byte(*p))
            p++;
        return p > begin ? p : NULL;
    }
}

/* Steps to the next member or element; false at the end or on an error. */
INNER bool step(struct scan *scan)
{
    const char *p = skip_space(scan->p, scan->end);

    if (scan->error)
        return false;
    if (p >= scan->end)
        return fail(scan, "expected a closing bracket before the end");
    if (*p == scan->close) {
        scan->p = p + 1;
        return false;
    }
    if (!scan->first) {
        if (*p != ',')
            return fail(scan, "expected a comma or a closing bracket");
        p = skip_space(p + 1, scan->end);
    }
    scan->first = false;
    scan->p = p;
    return true;
}

INNER bool take_key(struct scan *scan, struct slice *key_r)
{
    const char *key, *p;

    if (!step(scan))
        return false;
    if (scan->p >= scan->end || *scan->p != '"')
        return fail(scan, "expected a key in quotes");
    key = scan->p + 1;
    scan->key_escaped = false;
    p = skip_short_string(key, scan->end, &scan->key_escaped);
    if (!p)
        return fail(scan, "expected a closing quote before the end");
    *key_r = (struct slice){key, (size_t)(p - key)};
    p = skip_space(p + 1, scan->end);
    if (p >= scan->end || *p != ':')
        return fail(scan, "expected a colon behind a key");
    scan->p = skip_space(p + 1, scan->end);
    return true;
}

INNER bool take_value(struct scan *scan, struct skip_watch *watch, struct slice *value_r)
{
    const char *p = scan->p, *after = skip_value(p, scan->end, watch);

    if (!after)
        return fail(scan, "expected a value that is closed before the end");
    *value_r = (struct slice){p, (size_t)(after - p)};
    scan->p = after;
    return true;
}

bool scan_take_key(struct scan *scan, struct slice *key_r)
{
    return take_key(scan, key_r);
}

bool scan_take_value(struct scan *scan, struct skip_watch *watch, struct slice *value_r)
{
    return take_value(scan, watch, value_r);
}

bool scan_member(struct scan *scan, struct slice *key_r, struct slice *value_r)
{
    return take_key(scan, key_r) && take_value(scan, NULL, value_r);
}

bool scan_element(struct scan *scan, struct slice *value_r)
{
    return step(scan) && take_value(scan, NULL, value_r);
}

bool scan_next(struct scan *scan)
{
    return step(scan);
}

/* An escaped key, undone into out; keys longer than out match nothing. */
static struct slice plain_key(struct slice key, char *out, size_t cap)
{
    struct slice quoted = {key.p - 1, key.len + 2};

    return key.len > cap ? SLICE_NONE : (struct slice){out, scan_string(quoted, out, cap)};
}

/* The first 8 bytes as SCAN_FIELD has them. room: bytes that may be read at p. */
INNER uint64_t head_of(const char *p, size_t len, size_t room)
{
    uint64_t head = 0;

#if __BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__
    if (room >= 8) {
        memcpy(&head, p, 8);
        return len >= 8 ? head : head & ((UINT64_C(1) << 8 * len) - 1);
    }
#endif
    (void)room;
    for (size_t i = 0; i < len && i < 8; i++)
        head |= (uint64_t)(unsigned char)p[i] << 8 * i;
    return head;
}

/* A bit for a field or key: most keys that nobody looks for are dismissed by it. */
INNER uint64_t sieve_bit(uint64_t head, size_t len)
{
    return UINT64_C(1) << ((head ^ head >> 5 ^ head >> 16 ^ len) & 63);
}

INNER bool is_field(const struct scan_field *field, struct slice key, uint64_t head)
{
    return field->head == head && field->len == key.len &&
           (key.len <= 8 || memcmp(field->name + 8, key.p + 8, key.len - 8) == 0);
}

INNER const struct scan_field *find_field(const struct scan_field *fields, size_t count,
                                          const struct scan *scan, struct slice key, uint64_t sieve)
{
    size_t room = (size_t)(scan->end - key.p);
    char plain[64];
    uint64_t head;

    if (__builtin_expect(scan->key_escaped, 0)) {
        key = plain_key(key, plain, sizeof(plain));
        room = key.len;
    }
    head = head_of(key.p, key.len, room);
    if (!(sieve & sieve_bit(head, key.len)))
        return NULL;
    for (size_t i = 0; i < count; i++)
        if (is_field(&fields[i], key, head))
            return &fields[i];
    return NULL;
}

static uint64_t clear_fields(const struct scan_field *fields, size_t count)
{
    uint64_t sieve = 0;

    for (size_t i = 0; i < count; i++) {
        *fields[i].value_r = SLICE_NONE;
        sieve |= sieve_bit(fields[i].head, fields[i].len);
        if (fields[i].inner)
            clear_fields(fields[i].inner, fields[i].inner_count);
    }
    return sieve;
}

/* How deep this goes is up to the caller's fields, not to the input. */
const char *scan_fields_in(struct scan *outer, const struct scan_field *fields, size_t count)
{
    uint64_t sieve = clear_fields(fields, count);
    struct scan scan = {.p = outer->p + 1, .end = outer->end, .close = '}', .first = true};
    struct slice key, value;

    if (outer->p >= outer->end || *outer->p != '{')
        return "expected an object";
    while (take_key(&scan, &key)) {
        const struct scan_field *field = find_field(fields, count, &scan, key, sieve);
        const char *begin = scan.p, *error;

        if (field && field->inner && begin < scan.end && *begin == '{') {
            error = scan_fields_in(&scan, field->inner, field->inner_count);
            if (error)
                return error;
            value = (struct slice){begin, (size_t)(scan.p - begin)};
        } else if (!take_value(&scan, NULL, &value)) {
            break;
        }
        if (field)
            *field->value_r = value;
    }
    outer->p = scan.p;
    return scan.error;
}

const char *scan_fields(struct slice object, const struct scan_field *fields, size_t count)
{
    struct scan scan = {.p = object.p, .end = object.p ? object.p + object.len : NULL};

    if (!object.p || object.len < 2) {
        clear_fields(fields, count);
        return "expected an object";
    }
    return scan_fields_in(&scan, fields, count);
}
