/* Accept and Content-Type. Called by request.c.
 * Diagnostics: none; what cannot be read is not accepted. */
#include "graphql/media.h"

#include <string.h>
#include <strings.h>

#define SPACE " \t"

/* One media range of Accept, or a Content-Type. */
struct range {
    const char *type; /* "type/subtype" */
    size_t len;
    int q;    /* 0 to 1000 */
    bool bad; /* wants another charset than UTF-8, or its quality is none */
};

/* Behind a token or a quoted string. */
static const char *pass_value(const char *p)
{
    if (*p != '"')
        return p + strcspn(p, ";," SPACE);
    for (p++; *p && *p != '"'; p++)
        if (*p == '\\' && p[1])
            p++;
    return *p ? p + 1 : p;
}

/* 0 to 1000; -1: it is no qvalue of RFC 9110, section 12.4.2. */
static int quality(const char *text, size_t len)
{
    int q = 0;

    if (len < 1 || len > 5 || (text[0] != '0' && text[0] != '1') || (len > 1 && text[1] != '.'))
        return -1;
    for (size_t i = 2, unit = 100; i < len; i++, unit /= 10) {
        if (text[i] < '0' || text[i] > '9')
            return -1;
        q += (text[i] - '0') * (int)unit;
    }
    q += (text[0] - '0') * 1000;
    return q > 1000 ? -1 : q;
}

static bool is(const char *text, size_t len, const char *what)
{
    return strlen(what) == len && strncasecmp(text, what, len) == 0;
}

static void read_parameter(struct range *r, const char *name, size_t name_len, const char *value,
                           size_t len)
{
    if (is(name, name_len, "q")) {
        r->q = quality(value, len);
        r->bad |= r->q < 0;
    } else if (is(name, name_len, "charset")) {
        r->bad |= !is(value, len, "utf-8") && !is(value, len, "\"utf-8\"");
    } /* of others nothing is known that would make a difference */
}

/* Reads one range with its parameters; returns what follows it. */
static const char *read_range(const char *p, struct range *r)
{
    *r = (struct range){.type = p, .len = strcspn(p, ";," SPACE), .q = 1000};
    for (p += r->len + strspn(p + r->len, SPACE); *p == ';'; p += strspn(p, SPACE)) {
        const char *name = p + 1 + strspn(p + 1, SPACE), *value;
        size_t len = strcspn(name, "=;," SPACE);

        p = value = name + len;
        if (*value != '=')
            continue;
        p = pass_value(++value);
        read_parameter(r, name, len, value, (size_t)(p - value));
    }
    return p;
}

/* --- Accept --------------------------------------------------------------------------------------
 */

/* What is served, in the order of our own preference. */
static const struct {
    enum media media;
    const char *name, *family; /* and any of its family */
} served[] = {{MEDIA_JSON, "application/json", "application/*"},
              {MEDIA_MODERN, "application/graphql-response+json", "application/*"},
              {MEDIA_STREAM, "text/event-stream", "text/*"}};

#define SERVED (sizeof(served) / sizeof(served[0]))

struct wanted { /* by the closest range that fits */
    int q;
    int closeness; /* 3: its name; 2: its family; 1: any; 0: no range fits */
};

static int closeness(const struct range *r, size_t i)
{
    if (is(r->type, r->len, served[i].name))
        return 3;
    if (is(r->type, r->len, served[i].family))
        return 2;
    return is(r->type, r->len, "*/*");
}

enum media media_accepted(const char *accept, bool *stream_r)
{
    struct wanted wanted[SERVED] = {{0, 0}};
    size_t order[SERVED] = {0}, best = 0, n = 0;
    struct range r;

    *stream_r = !accept;
    if (!accept)
        return MEDIA_JSON;
    while (*(accept += strspn(accept, "," SPACE))) {
        accept = read_range(accept, &r);
        accept += strcspn(accept, ","); /* what is none of it */
        n++;
        for (size_t i = 0; i < SERVED && !r.bad; i++) {
            int close = closeness(&r, i);

            if (close > wanted[i].closeness) {
                wanted[i] = (struct wanted){r.q, close};
                order[i] = n;
            }
        }
    }
    for (size_t i = 1; i < SERVED; i++)
        if (wanted[i].q > wanted[best].q ||
            (wanted[i].q == wanted[best].q &&
             (wanted[i].closeness > wanted[best].closeness ||
              (wanted[i].closeness == wanted[best].closeness && order[i] < order[best]))))
            best = i;
    *stream_r = wanted[SERVED - 1].q > 0;
    return wanted[best].q > 0 ? served[best].media : MEDIA_NONE;
}

bool media_is_json(const char *content_type)
{
    struct range r;
    const char *rest;

    if (!content_type)
        return false;
    rest = read_range(content_type + strspn(content_type, SPACE), &r);
    return !*rest && !r.bad && is(r.type, r.len, "application/json");
}
