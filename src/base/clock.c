/* The two clocks and the one text form of a time. Called by every room.
 * Diagnostics: none; parse errors are returned. */
#include "presence/clock.h"

#include <stdio.h>
#include <string.h>
#include <time.h>

static const unixms_t *test_unix;
static const monoms_t *test_mono;
static int64_t unix_offset_ms;

static int64_t read_ms(clockid_t id)
{
    struct timespec ts;

    clock_gettime(id, &ts);
    return (int64_t)ts.tv_sec * 1000 + ts.tv_nsec / 1000000;
}

unixms_t clock_unix(void)
{
    return test_unix ? *test_unix : (unixms_t){read_ms(CLOCK_REALTIME) + unix_offset_ms};
}

void clock_set_offset(int64_t ms)
{
    unix_offset_ms = ms;
}

int64_t clock_offset(void)
{
    return unix_offset_ms;
}

monoms_t clock_mono(void)
{
    return test_mono ? *test_mono : (monoms_t){read_ms(CLOCK_MONOTONIC)};
}

monoms_t clock_mono_coarse(void)
{
    return test_mono ? *test_mono : (monoms_t){read_ms(CLOCK_MONOTONIC_COARSE)};
}

void clock_set_for_test(const unixms_t *unix_now, const monoms_t *mono_now)
{
    test_unix = unix_now;
    test_mono = mono_now;
}

bool unixms_known(unixms_t t)
{
    return t.ms != 0;
}

unixms_t unixms_max(unixms_t a, unixms_t b)
{
    return a.ms > b.ms ? a : b;
}

/* Days since 1970-01-01 of a proleptic Gregorian date, and back (era arithmetic). */
static int64_t days_from_civil(int64_t y, int m, int d)
{
    y -= m <= 2;
    int64_t era = (y >= 0 ? y : y - 399) / 400;
    int64_t yoe = y - era * 400;
    int64_t doy = (153 * (m + (m > 2 ? -3 : 9)) + 2) / 5 + d - 1;
    int64_t doe = yoe * 365 + yoe / 4 - yoe / 100 + doy;
    return era * 146097 + doe - 719468;
}

static void civil_from_days(int64_t z, int *y_r, int *m_r, int *d_r)
{
    z += 719468;
    int64_t era = (z >= 0 ? z : z - 146096) / 146097;
    int64_t doe = z - era * 146097;
    int64_t yoe = (doe - doe / 1460 + doe / 36524 - doe / 146096) / 365;
    int64_t doy = doe - (365 * yoe + yoe / 4 - yoe / 100);
    int64_t mp = (5 * doy + 2) / 153;
    *d_r = (int)(doy - (153 * mp + 2) / 5 + 1);
    *m_r = (int)(mp < 10 ? mp + 3 : mp - 9);
    *y_r = (int)(yoe + era * 400 + (*m_r <= 2));
}

static char *put_digits(char *p, int64_t v, int digits)
{
    for (int i = digits - 1; i >= 0; i--) {
        p[i] = (char)('0' + v % 10);
        v /= 10;
    }
    return p + digits;
}

#define YEAR_1_MS    (-62135596800000)
#define YEAR_9999_MS 253402300799999

void clock_rfc3339(unixms_t t, char out[CLOCK_RFC3339_SIZE])
{
    int64_t ms = t.ms < YEAR_1_MS ? YEAR_1_MS : t.ms > YEAR_9999_MS ? YEAR_9999_MS : t.ms;
    int64_t day = ms / 86400000, rest = ms % 86400000;
    int y, m, d;
    char *p = out;

    if (rest < 0) {
        rest += 86400000;
        day--;
    }
    civil_from_days(day, &y, &m, &d);
    p = put_digits(p, y, 4);
    *p++ = '-';
    p = put_digits(p, m, 2);
    *p++ = '-';
    p = put_digits(p, d, 2);
    *p++ = 'T';
    p = put_digits(p, rest / 3600000, 2);
    *p++ = ':';
    p = put_digits(p, rest / 60000 % 60, 2);
    *p++ = ':';
    p = put_digits(p, rest / 1000 % 60, 2);
    *p++ = '.';
    p = put_digits(p, rest % 1000, 3);
    *p++ = 'Z';
    *p = '\0';
}

/* Reads exactly `digits` digits at *p into *v_r and steps over them. */
static int take_digits(const char **p, const char *end, int digits, int *v_r)
{
    int v = 0;

    if (end - *p < digits)
        return -1;
    for (int i = 0; i < digits; i++) {
        char c = (*p)[i];
        if (c < '0' || c > '9')
            return -1;
        v = v * 10 + (c - '0');
    }
    *p += digits;
    *v_r = v;
    return 0;
}

static int take_char(const char **p, const char *end, char want)
{
    if (*p >= end || **p != want)
        return -1;
    (*p)++;
    return 0;
}

static int take_fraction(const char **p, const char *end, int *ms_r)
{
    int ms = 0, digits = 0;

    *ms_r = 0;
    if (*p >= end || **p != '.')
        return 0;
    (*p)++;
    for (; *p < end && **p >= '0' && **p <= '9'; (*p)++, digits++)
        if (digits < 3)
            ms = ms * 10 + (**p - '0');
    for (int i = digits; i < 3; i++)
        ms *= 10;
    *ms_r = ms;
    return digits > 0 ? 0 : -1;
}

static int take_offset(const char **p, const char *end, int *minutes_r)
{
    int sign, h, m;

    *minutes_r = 0;
    if (*p >= end)
        return -1;
    if (**p == 'Z' || **p == 'z') {
        (*p)++;
        return 0;
    }
    sign = **p == '-' ? -1 : 1;
    if (**p != '+' && **p != '-')
        return -1;
    (*p)++;
    if (take_digits(p, end, 2, &h) || take_char(p, end, ':') || take_digits(p, end, 2, &m) ||
        h > 23 || m > 59)
        return -1;
    *minutes_r = sign * (h * 60 + m);
    return 0;
}

static int days_in_month(int y, int m)
{
    static const int days[] = {31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31};
    bool leap = (y % 4 == 0 && y % 100 != 0) || y % 400 == 0;

    return m == 2 && leap ? 29 : days[m - 1];
}

int clock_parse_rfc3339(const char *text, size_t len, unixms_t *time_r)
{
    const char *p = text, *end = text + len;
    int y, mo, d, h, mi, s, ms, offset;

    if (take_digits(&p, end, 4, &y) || take_char(&p, end, '-') || take_digits(&p, end, 2, &mo) ||
        take_char(&p, end, '-') || take_digits(&p, end, 2, &d))
        return -1;
    if (p >= end || (*p != 'T' && *p != 't' && *p != ' '))
        return -1;
    p++;
    if (take_digits(&p, end, 2, &h) || take_char(&p, end, ':') || take_digits(&p, end, 2, &mi) ||
        take_char(&p, end, ':') || take_digits(&p, end, 2, &s) || take_fraction(&p, end, &ms) ||
        take_offset(&p, end, &offset) || p != end)
        return -1;
    if (y < 1 || mo < 1 || mo > 12 || d < 1 || d > days_in_month(y, mo) || h > 23 || mi > 59 ||
        s > 60)
        return -1;
    time_r->ms =
        ((days_from_civil(y, mo, d) * 24 + h) * 60 + mi - offset) * 60000 + (int64_t)s * 1000 + ms;
    return 0;
}
