/* From method and path to what rate limits are keyed by. Called by buckets' users.
 * Diagnostics: none. */
#include "presence/buckets.h"

#include <stdio.h>
#include <string.h>

#define SEGMENTS_MAX 16u

struct segment {
    const char *text;
    size_t len;
};

static bool is(const struct segment *s, const char *text)
{
    return s->len == strlen(text) && !memcmp(s->text, text, s->len);
}

static bool is_id(const struct segment *s)
{
    for (size_t i = 0; i < s->len; i++)
        if (s->text[i] < '0' || s->text[i] > '9')
            return false;
    return s->len > 0;
}

static uint64_t hash(uint64_t h, const struct segment *s)
{
    for (size_t i = 0; i < s->len; i++)
        h = (h ^ (unsigned char)s->text[i]) * UINT64_C(0x100000001b3);
    return h ? h : 1;
}

static size_t split(const char *path, struct segment out[SEGMENTS_MAX])
{
    size_t n = 0;

    while (*path && *path != '?' && n < SEGMENTS_MAX) {
        size_t len = strcspn(path, "/?");

        if (len > 0)
            out[n++] = (struct segment){path, len};
        path += len;
        if (*path == '/')
            path++;
    }
    return n;
}

/* The number of leading segments that, together, are a resource with limits of its own. */
static size_t major_segments(const struct segment *s, size_t n, bool *interaction_r)
{
    *interaction_r = false;
    if (n < 2)
        return 0;
    if (is(&s[0], "guilds") || is(&s[0], "channels"))
        return is_id(&s[1]) ? 2 : 0;
    if (is(&s[0], "webhooks")) {
        /* With its token a webhook needs no bot; the bot's own id with one is an interaction's. */
        *interaction_r = n >= 3;
        return n >= 3 ? 3 : 2;
    }
    if (is(&s[0], "interactions") && n >= 3) {
        *interaction_r = true;
        return 3;
    }
    return 0;
}

static void append(char *out, size_t size, size_t *len, const char *text, size_t n)
{
    if (n > size - 1 - *len)
        n = size - 1 - *len;
    memcpy(out + *len, text, n);
    *len += n;
    out[*len] = '\0';
}

/* What stands for the segment in the template. */
static struct segment placeholder(const struct segment *s, size_t i, size_t majors, bool emoji)
{
    if (i > 0 && i < majors)
        return (struct segment){":major", 6};
    if (emoji)
        return (struct segment){":emoji", 6};
    return is_id(&s[i]) ? (struct segment){":id", 3} : s[i];
}

void buckets_route(const char *method, const char *path, struct buckets_route *route_r)
{
    struct segment s[SEGMENTS_MAX];
    size_t n = split(path, s), len = 0;
    size_t majors = major_segments(s, n, &route_r->interaction);

    route_r->major = 0;
    append(route_r->template, BUCKETS_TEMPLATE_SIZE, &len, method, strlen(method));
    append(route_r->template, BUCKETS_TEMPLATE_SIZE, &len, " ", 1);
    for (size_t i = 0; i < n; i++) {
        struct segment p = placeholder(s, i, majors, i > 0 && is(&s[i - 1], "reactions"));

        append(route_r->template, BUCKETS_TEMPLATE_SIZE, &len, "/", 1);
        append(route_r->template, BUCKETS_TEMPLATE_SIZE, &len, p.text, p.len);
        if (i > 0 && i < majors)
            route_r->major =
                hash(route_r->major ? route_r->major : UINT64_C(0xcbf29ce484222325), &s[i]);
    }
}
