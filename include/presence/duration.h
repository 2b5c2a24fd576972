/* Lengths of time as people write them: "36h", "10d", "2w", "3mo", "1y", "1d12h". Pure.
 * Source: product sheet, section 1 (durations are strings) and section 3 (ranges).
 *
 * Every unit has one fixed length, whatever the calendar says: a month is 30 days and a year 365,
 * as in the ranges of the settings, whose longest ones are whole years of 365 days. So the same
 * text is the same time for everybody, and whoever reads it is shown the date it means.
 *
 * A lone "m" is refused: whoever means months must not be given minutes. */
#ifndef PRESENCE_DURATION_H
#define PRESENCE_DURATION_H

#include <stddef.h>
#include <stdint.h>

#include "presence/clock.h"

typedef struct {
    int64_t ms; /* 0 to DURATION_MAX_MS */
} duration_t;

#define DURATION_SECOND_MS INT64_C(1000)
#define DURATION_MINUTE_MS (60 * DURATION_SECOND_MS)
#define DURATION_HOUR_MS   (60 * DURATION_MINUTE_MS)
#define DURATION_DAY_MS    (24 * DURATION_HOUR_MS)
#define DURATION_WEEK_MS   (7 * DURATION_DAY_MS)
#define DURATION_MONTH_MS  (30 * DURATION_DAY_MS)
#define DURATION_YEAR_MS   (365 * DURATION_DAY_MS)
/* A hundred years; longer ones are taken for slips. */
#define DURATION_MAX_MS (100 * DURATION_YEAR_MS)

/* Longest printed form and its terminator: "99y364d23h59min59s999ms". */
#define DURATION_TEXT_SIZE 32

/* What is wrong with a text, and where. */
struct duration_fault {
    size_t at;            /* offset of the byte */
    const char *expected; /* static text: "a unit such as h, d, w, mo or y" */
};

/* One or more numbers with a unit each, the larger unit first, none twice; capitals and blanks do
 * not matter. Numbers are whole and have no sign. Returns 0, or -1 with *fault_r and *d_r as it
 * was. The text need not be terminated and may hold any bytes. */
int duration_parse(const char *text, size_t len, duration_t *d_r, struct duration_fault *fault_r);

/* The canonical form: one unit where that gives a number of at most three digits ("36h", "400d"),
 * else several, from years to milliseconds; "0s" is none. Weeks and months are read, never
 * written. What it prints is parsed as the same duration. Out of range is printed as the nearest
 * bound. Returns the length. */
size_t duration_print(duration_t d, char out[DURATION_TEXT_SIZE]);

/* The moment that lies d behind (before) t. UNIXMS_NONE if t is not known or if the result would
 * not lie between 1970 and 9999. */
unixms_t duration_after(duration_t d, unixms_t t);
unixms_t duration_before(duration_t d, unixms_t t);

#endif
