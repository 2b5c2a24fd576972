/* Reading JSON without building a tree: walks the keys of an object or the elements of an array,
 * skipping values unread (quotes, escapes and nesting respected), and reads single values.
 * No allocation; nothing behind the given length is read. Who calls: envelope, event, gw.
 *
 * The input is trusted to be JSON only as far as it is read: values that are skipped are checked
 * for balanced nesting and closed strings, not for their inner grammar. Values that are read are
 * checked. */
#ifndef PRESENCE_SCAN_H
#define PRESENCE_SCAN_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "presence/clock.h"
#include "presence/snowflake.h"

/* Bytes of a JSON text; of a value: from its first to its last byte, quotes and brackets included.
 * p NULL = absent. */
struct slice {
    const char *p;
    size_t len;
};

#define SLICE_NONE   ((struct slice){NULL, 0})
#define SLICE_LIT(s) ((struct slice){(s), sizeof(s) - 1})

struct scan {
    const char *p, *end;
    char close; /* '}' or ']' */
    bool first;
    bool key_escaped;  /* the last key holds escapes */
    const char *error; /* static text: what was expected; NULL = fine so far */
};

/* Starts on an object or array. false: it is none (scan->error says so). */
bool scan_object(struct scan *scan, struct slice value);
bool scan_array(struct scan *scan, struct slice value);

/* The next member; key_r without its quotes, its escapes not undone. false at the end (scan->p is
 * then behind the closing bracket), or with scan->error set. */
bool scan_member(struct scan *scan, struct slice *key_r, struct slice *value_r);
bool scan_element(struct scan *scan, struct slice *value_r);
/* The next element is at scan->p, to be read in place (scan_fields_in). */
bool scan_next(struct scan *scan);

static inline bool slice_equal(struct slice a, struct slice b)
{
    return a.len == b.len && __builtin_memcmp(a.p, b.p, a.len) == 0;
}
#define slice_is(s, lit) slice_equal((s), SLICE_LIT(lit))

/* One key that scan_fields looks for and where its value goes. */
struct scan_field {
    const char *name;
    size_t len;
    uint64_t head; /* the first 8 bytes, the first one lowest; 0 behind a shorter name */
    struct slice *value_r;
    const struct scan_field
        *inner; /* keys of the value, if it is an object; NULL = not looked at */
    size_t inner_count;
};
#define SCAN_HEAD(lit, i) ((uint64_t)(unsigned char)(sizeof(lit) > (i) ? (lit)[(i)] : 0) << 8 * (i))
#define SCAN_FIELD_INNER(lit, to, in, n)                                                           \
    {                                                                                              \
        (lit), sizeof(lit) - 1,                                                                    \
            SCAN_HEAD(lit, 0) | SCAN_HEAD(lit, 1) | SCAN_HEAD(lit, 2) | SCAN_HEAD(lit, 3) |        \
                SCAN_HEAD(lit, 4) | SCAN_HEAD(lit, 5) | SCAN_HEAD(lit, 6) | SCAN_HEAD(lit, 7),     \
            (to), (in), (n)                                                                        \
    }
#define SCAN_FIELD(lit, to) SCAN_FIELD_INNER(lit, to, NULL, 0)

/* Fills in the values of the named keys of an object (SLICE_NONE where absent; of a key that comes
 * twice the last one). Returns NULL, or what is wrong (static text). */
const char *scan_fields(struct slice object, const struct scan_field *fields, size_t count);
/* The same of the object at scan->p; steps over it. */
const char *scan_fields_in(struct scan *scan, const struct scan_field *fields, size_t count);

/* Readers: true if the value is of that kind (and fits); nothing is stored otherwise. */
bool scan_u64(struct slice value, uint64_t *v_r); /* a number without sign, fraction, exponent */
bool scan_i64(struct slice value, int64_t *v_r);  /* a number; a fraction is cut off */
bool scan_ms(struct slice value, int64_t *ms_r);  /* seconds with fraction, as milliseconds */
bool scan_bool(struct slice value, bool *v_r);
bool scan_is_null(struct slice value); /* null or absent */
bool scan_is_string(struct slice value);
bool scan_is_object(struct slice value);
bool scan_is_array(struct slice value);
/* A string of digits, or a number; 0 is refused. */
bool scan_snowflake(struct slice value, snowflake_t *id_r);
/* A string holding an RFC 3339 instant. */
bool scan_time(struct slice value, unixms_t *time_r);
/* A string of decimal digits (or a number): permissions. */
bool scan_digits(struct slice value, uint64_t *v_r);

/* The bytes between the quotes of a string, escapes not undone; SLICE_NONE if it is none. */
struct slice scan_raw_string(struct slice value);
/* Undoes the escapes of a string value into out (at most cap bytes, cut at a character's boundary,
 * no terminator; lone surrogates become U+FFFD, NUL too). Returns the length; 0 for anything but a
 * string. */
size_t scan_string(struct slice value, char *out, size_t cap);

#endif
