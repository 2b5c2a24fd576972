/* Finding the end of a string or container in JSON, fast. Inner to the scan; tests and the bench
 * call the variants. */
#ifndef PRESENCE_DISCORD_SCAN_SKIP_H
#define PRESENCE_DISCORD_SCAN_SKIP_H

#include <stdbool.h>
#include <stddef.h>

#include "presence/scan.h"

/* Noted on the way through a container: the last of its own keys (not of nested ones) of this name,
 * written without escapes. */
struct skip_watch {
    const char *name; /* at least one byte */
    size_t len;
    const char *found; /* its opening quote; NULL = not there */
};

/* p: behind the opening quote. Returns the closing quote, or NULL. *escaped_r is set to true if an
 * escape was met, and left alone otherwise. */
const char *skip_string(const char *p, const char *end, bool *escaped_r);

/* p: the opening bracket. Returns what is behind the matching closing one, or NULL if there is none
 * or a backslash stands outside a string. { and [ are not told apart. watch may be NULL. */
const char *skip_container(const char *p, const char *end, struct skip_watch *watch);

/* The variants behind skip_container. Where the machine lacks one, it is the portable one. */
const char *skip_container_portable(const char *p, const char *end, struct skip_watch *watch);
const char *skip_container_sse2(const char *p, const char *end, struct skip_watch *watch);
const char *skip_container_avx2(const char *p, const char *end, struct skip_watch *watch);

/* The two halves of scan_member; watch is for the value, if that is a container. */
bool scan_take_key(struct scan *scan, struct slice *key_r);
bool scan_take_value(struct scan *scan, struct skip_watch *watch, struct slice *value_r);

#endif
