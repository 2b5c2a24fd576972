/* Time: two kinds that must never be mixed, each a one-member struct.
 *
 * unixms_t  milliseconds since 1970-01-01T00:00:00Z (wall clock; may jump)
 * monoms_t  milliseconds of the monotonic clock (never jumps; time-outs, heartbeats)
 *
 * A time that is not known is UNIXMS_NONE, never 0 printed as 1970. */
#ifndef PRESENCE_CLOCK_H
#define PRESENCE_CLOCK_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

typedef struct {
    int64_t ms;
} unixms_t;

typedef struct {
    int64_t ms;
} monoms_t;

#define UNIXMS_NONE ((unixms_t){0})

/* "2026-08-01T12:00:00.123Z" and its terminator. */
#define CLOCK_RFC3339_SIZE 25

unixms_t clock_unix(void);
monoms_t clock_mono(void);
/* A few ns instead of twenty; up to 10 ms behind. */
monoms_t clock_mono_coarse(void);

/* Faults on demand: the wall clock of this process is ms ahead of the machine's from now on, as
 * after a step of that clock; the monotonic one is not touched. 0 ends it. */
void clock_set_offset(int64_t ms);
int64_t clock_offset(void);

/* Tests: replaces both clocks by fixed values; NULL gives the real clocks back. */
void clock_set_for_test(const unixms_t *unix_now, const monoms_t *mono_now);

bool unixms_known(unixms_t t);
unixms_t unixms_max(unixms_t a, unixms_t b);

/* Writes the RFC 3339 form with ms in UTC. Times outside the years 0001 to 9999 are clamped. */
void clock_rfc3339(unixms_t t, char out[CLOCK_RFC3339_SIZE]);

/* Parses an ISO 8601 / RFC 3339 instant: "YYYY-MM-DDTHH:MM:SS[.fraction](Z|+hh:mm|-hh:mm)".
 * Fractions of any length are truncated to ms. Returns 0, or -1 if the bytes are anything else. */
int clock_parse_rfc3339(const char *text, size_t len, unixms_t *time_r);

#endif
