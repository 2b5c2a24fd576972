/* Lengths of time as people write them. Called by the settings, the policy and the commands.
 * Diagnostics: none; what is wrong with a text is told to the caller. */
#include "presence/duration.h"

#include <stdbool.h>
#include <stdio.h>
#include <string.h>

/* 9999-12-31T23:59:59.999Z: the last moment that RFC 3339 can write. */
#define LAST_MS INT64_C(253402300799999)

struct unit {
    int64_t ms;
    const char *names[6]; /* the first one is printed */
    bool printed;
};

/* From long to short. */
static const struct unit units[] = {
    {DURATION_YEAR_MS, {"y", "yr", "yrs", "year", "years"}, true},
    {DURATION_MONTH_MS, {"mo", "mos", "month", "months"}, false},
    {DURATION_WEEK_MS, {"w", "wk", "wks", "week", "weeks"}, false},
    {DURATION_DAY_MS, {"d", "day", "days"}, true},
    {DURATION_HOUR_MS, {"h", "hr", "hrs", "hour", "hours"}, true},
    {DURATION_MINUTE_MS, {"min", "mins", "minute", "minutes"}, true},
    {DURATION_SECOND_MS, {"s", "sec", "secs", "second", "seconds"}, true},
    {1, {"ms"}, true},
};
#define UNITS      (sizeof(units) / sizeof(units[0]))
#define UNIT_NAMES (sizeof(units[0].names) / sizeof(units[0].names[0]))

struct reader {
    const char *text;
    size_t len, at;
    struct duration_fault *fault;
};

static int expected(struct reader *r, size_t at, const char *what)
{
    *r->fault = (struct duration_fault){at, what};
    return -1;
}

static void skip_blanks(struct reader *r)
{
    while (r->at < r->len && (r->text[r->at] == ' ' || r->text[r->at] == '\t'))
        r->at++;
}

static bool is_digit(char c)
{
    return c >= '0' && c <= '9';
}

static char lower(char c)
{
    return c >= 'A' && c <= 'Z' ? (char)(c - 'A' + 'a') : c;
}

static int read_number(struct reader *r, int64_t *n_r)
{
    size_t begin = r->at;
    int64_t n = 0;

    while (r->at < r->len && is_digit(r->text[r->at])) {
        n = 10 * n + (r->text[r->at] - '0');
        if (n > DURATION_MAX_MS)
            return expected(r, begin, "at most 100 years");
        r->at++;
    }
    if (r->at == begin)
        return expected(r, begin, "a whole number");
    *n_r = n;
    return 0;
}

static bool is_name(const struct reader *r, size_t len, const char *name)
{
    if (!name || strlen(name) != len)
        return false;
    for (size_t i = 0; i < len; i++)
        if (lower(r->text[r->at + i]) != name[i])
            return false;
    return true;
}

/* The unit whose name is the run of letters here; units before `first` come too late. */
static int read_unit(struct reader *r, size_t first, size_t *unit_r)
{
    size_t len = 0;

    while (r->at + len < r->len && lower(r->text[r->at + len]) >= 'a' &&
           lower(r->text[r->at + len]) <= 'z')
        len++;
    if (is_name(r, len, "m"))
        return expected(r, r->at, "min for minutes or mo for months");
    for (size_t u = 0; u < UNITS; u++) {
        for (size_t n = 0; n < UNIT_NAMES; n++) {
            if (!is_name(r, len, units[u].names[n]))
                continue;
            if (u < first)
                return expected(r, r->at, "each unit once, the largest first");
            r->at += len;
            *unit_r = u;
            return 0;
        }
    }
    return expected(r, r->at, "a unit: y, mo, w, d, h, min, s or ms");
}

int duration_parse(const char *text, size_t len, duration_t *d_r, struct duration_fault *fault_r)
{
    struct reader r = {text, len, 0, fault_r};
    size_t unit = 0, first = 0;
    int64_t sum = 0, n = 0;

    skip_blanks(&r);
    do {
        size_t begin = r.at;

        if (read_number(&r, &n) != 0)
            return -1;
        skip_blanks(&r);
        if (read_unit(&r, first, &unit) != 0)
            return -1;
        if (n > (DURATION_MAX_MS - sum) / units[unit].ms)
            return expected(&r, begin, "at most 100 years");
        sum += n * units[unit].ms;
        first = unit + 1;
        skip_blanks(&r);
    } while (r.at < r.len);
    d_r->ms = sum;
    return 0;
}

size_t duration_print(duration_t d, char out[DURATION_TEXT_SIZE])
{
    int64_t rest = d.ms < 0 ? 0 : d.ms > DURATION_MAX_MS ? DURATION_MAX_MS : d.ms;
    size_t len = 0;

    if (rest == 0)
        return (size_t)snprintf(out, DURATION_TEXT_SIZE, "0s");
    for (size_t u = 0; u < UNITS; u++)
        if (units[u].printed && rest % units[u].ms == 0 && rest / units[u].ms < 1000)
            return (size_t)snprintf(out, DURATION_TEXT_SIZE, "%d%s", (int)(rest / units[u].ms),
                                    units[u].names[0]);
    for (size_t u = 0; u < UNITS; u++) {
        if (!units[u].printed || rest < units[u].ms)
            continue;
        len += (size_t)snprintf(out + len, DURATION_TEXT_SIZE - len, "%d%s",
                                (int)(rest / units[u].ms), units[u].names[0]);
        rest %= units[u].ms;
    }
    return len;
}

static unixms_t in_range(int64_t ms)
{
    return ms > 0 && ms <= LAST_MS ? (unixms_t){ms} : UNIXMS_NONE;
}

unixms_t duration_after(duration_t d, unixms_t t)
{
    int64_t ms;

    if (!unixms_known(t) || __builtin_add_overflow(t.ms, d.ms, &ms))
        return UNIXMS_NONE;
    return in_range(ms);
}

unixms_t duration_before(duration_t d, unixms_t t)
{
    int64_t ms;

    if (!unixms_known(t) || __builtin_sub_overflow(t.ms, d.ms, &ms))
        return UNIXMS_NONE;
    return in_range(ms);
}
