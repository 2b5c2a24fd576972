/* Accept and Content-Type. Called by request.c.
 * Diagnostics: none; what cannot be read is not accepted. */
#include "graphql/media.h"

#include <stdlib.h>
#include <string.h>
#include <strings.h>

#define SPACE " \t"

/* The next parameter of a media type, or NULL: "; name=value". *text moves on. */
static const char *next_parameter(const char **text, size_t *len_r)
{
    const char *p = *text + strspn(*text, SPACE);

    if (*p != ';')
        return NULL;
    p++;
    p += strspn(p, SPACE);
    *len_r = strcspn(p, ";," SPACE);
    *text = p + *len_r;
    return p;
}

static bool parameter_is(const char *p, size_t len, const char *name, const char **value_r)
{
    size_t n = strlen(name);

    if (len <= n || strncasecmp(p, name, n) != 0 || p[n] != '=')
        return false;
    *value_r = p + n + 1;
    return true;
}

static bool is_utf8(const char *value)
{
    bool quoted = *value == '"';

    value += quoted;
    return strncasecmp(value, "utf-8", 5) == 0 &&
           (quoted ? value[5] == '"' : !value[5] || strchr(";," SPACE, value[5]));
}

/* Reads the parameters: 0 to 1000 of quality, 0 if it wants another charset than UTF-8. */
static int quality(const char **text)
{
    const char *p, *value;
    size_t len;
    int q = 1000;

    while ((p = next_parameter(text, &len)))
        if (parameter_is(p, len, "q", &value))
            q = (int)(strtod(value, NULL) * 1000);
        else if (parameter_is(p, len, "charset", &value) && !is_utf8(value))
            q = 0;
    return q;
}

static bool named(const char *text, size_t len, const char *type)
{
    return strlen(type) == len && strncasecmp(text, type, len) == 0;
}

static enum media media_of(const char *text, size_t len)
{
    if (named(text, len, "application/graphql-response+json"))
        return MEDIA_MODERN;
    if (named(text, len, "application/json") || named(text, len, "application/*") ||
        named(text, len, "*/*"))
        return MEDIA_JSON;
    if (named(text, len, "text/event-stream") || named(text, len, "text/*"))
        return MEDIA_STREAM;
    return MEDIA_NONE;
}

enum media media_accepted(const char *accept, bool *stream_r)
{
    enum media best = MEDIA_NONE;
    int best_q = 0;

    *stream_r = !accept;
    if (!accept)
        return MEDIA_JSON;
    while (*(accept += strspn(accept, "," SPACE))) {
        size_t len = strcspn(accept, ";," SPACE);
        enum media m = media_of(accept, len);
        bool any = named(accept, len, "*/*");
        int q;

        accept += len;
        q = quality(&accept);
        accept += strcspn(accept, ",");
        if (q > 0 && (m == MEDIA_STREAM || any))
            *stream_r = true;
        if (m != MEDIA_NONE && q > best_q) {
            best = m;
            best_q = q;
        }
    }
    return best;
}

bool media_is_json(const char *content_type)
{
    const char *type = content_type, *p, *value;
    size_t len;

    if (!type)
        return false;
    type += strspn(type, SPACE);
    len = strcspn(type, ";" SPACE);
    if (!named(type, len, "application/json"))
        return false;
    type += len;
    while ((p = next_parameter(&type, &len)))
        if (parameter_is(p, len, "charset", &value) && !is_utf8(value))
            return false;
    return true;
}
