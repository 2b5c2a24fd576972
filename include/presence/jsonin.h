/* A strict reader of JSON (RFC 8259) as a stream of events: nothing is built, numbers are handed
 * over as they are written, ids lose no digit.
 *
 * Refused: invalid UTF-8, raw control characters, lone surrogates, "01", "1.", trailing commas,
 * comments, anything behind the value, nesting deeper than asked for. */
#ifndef PRESENCE_JSONIN_H
#define PRESENCE_JSONIN_H

#include <stdbool.h>
#include <stddef.h>

struct jsonin;

/* Each returns 0, or -1 to stop. Texts are not terminated and live during the call only. */
struct jsonin_events {
    int (*null)(void *arg);
    int (*boolean)(void *arg, bool value);
    int (*number)(void *arg, const char *text, size_t len);
    int (*string)(void *arg, const char *text, size_t len);
    int (*begin_object)(void *arg);
    int (*key)(void *arg, const char *text, size_t len);
    int (*end_object)(void *arg);
    int (*begin_array)(void *arg);
    int (*end_array)(void *arg);
};

struct jsonin_error {
    bool stopped;  /* by a callback; the rest is not set */
    bool too_deep; /* nested deeper than asked for */
    size_t line, column;
    char text[160]; /* what is wrong there */
};

/* Reads one value that takes all of the len bytes. Returns 0, or -1 with *error_r. While callbacks
 * run, *offset_r (may be NULL) counts the bytes up to the end of the token they are about. */
int jsonin_read(const char *bytes, size_t len, unsigned depth_max,
                const struct jsonin_events *events, void *arg, const size_t **offset_r,
                struct jsonin_error *error_r);

/* Whether the bytes are one value and nothing else. */
bool jsonin_valid(const char *bytes, size_t len, unsigned depth_max);

/* Offset of the first byte that is not valid UTF-8 (no surrogates, shortest forms), or len. */
size_t jsonin_utf8_valid(const char *bytes, size_t len);

#endif
