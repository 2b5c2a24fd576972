/* Writing paths, reasons and multipart bodies. Called by the REST client. Diagnostics: none. */
#include "presence/form.h"

#include <bsd/stdlib.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>

/* --- the path --------------------------------------------------------------------------------- */

static bool only(const char *text, size_t len, const char *beside)
{
    for (size_t i = 0; i < len; i++)
        if (!(text[i] >= 'a' && text[i] <= 'z') && !strchr(beside, text[i]))
            return false;
    return true;
}

int form_path(const char *route, const snowflake_t ids[FORM_IDS_MAX], const char *query,
              struct buf *out)
{
    size_t before = buf_len(out), n = 0;
    const char *place;

    if (*route != '/')
        return -1;
    for (; (place = strstr(route, "{}")); route = place + 2, n++) {
        if (n == FORM_IDS_MAX || !snowflake_known(ids[n]) ||
            !only(route, (size_t)(place - route), "@/_-"))
            break;
        buf_append(out, route, (size_t)(place - route));
        buf_printf(out, "%llu", (unsigned long long)ids[n].id);
    }
    if (place || !only(route, strlen(route), "@/_-") ||
        (n < FORM_IDS_MAX && snowflake_known(ids[n])) ||
        (query && !only(query, strlen(query), "ABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_.&=,%:-"))) {
        buf_truncate(out, before);
        return -1;
    }
    buf_puts(out, route);
    if (query && *query)
        buf_printf(out, "?%s", query);
    return 0;
}

/* --- the reason ------------------------------------------------------------------------------- */

/* The length of the well-formed UTF-8 character that begins here, or 0. */
static size_t utf8_len(const unsigned char *p)
{
    static const struct {
        unsigned char first_min, first_max, second_min, second_max;
        size_t len;
    } forms[] = {
        {0x00, 0x7f, 0x00, 0x00, 1}, {0xc2, 0xdf, 0x80, 0xbf, 2}, {0xe0, 0xe0, 0xa0, 0xbf, 3},
        {0xe1, 0xec, 0x80, 0xbf, 3}, {0xed, 0xed, 0x80, 0x9f, 3}, {0xee, 0xef, 0x80, 0xbf, 3},
        {0xf0, 0xf0, 0x90, 0xbf, 4}, {0xf1, 0xf3, 0x80, 0xbf, 4}, {0xf4, 0xf4, 0x80, 0x8f, 4},
    };

    for (size_t i = 0; i < sizeof(forms) / sizeof(forms[0]); i++) {
        if (p[0] < forms[i].first_min || p[0] > forms[i].first_max)
            continue;
        if (forms[i].len > 1 && (p[1] < forms[i].second_min || p[1] > forms[i].second_max))
            return 0;
        for (size_t k = 2; k < forms[i].len; k++)
            if ((p[k] & 0xc0) != 0x80)
                return 0;
        return forms[i].len;
    }
    return 0;
}

static bool unreserved(unsigned char c)
{
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
           strchr("-._~", c) != NULL;
}

static void put_encoded(const unsigned char *p, size_t len, struct buf *out)
{
    for (size_t i = 0; i < len; i++)
        if (unreserved(p[i]))
            buf_putc(out, (char)p[i]);
        else
            buf_printf(out, "%%%02X", p[i]);
}

void form_reason(const char *text, struct buf *out)
{
    const unsigned char *p = (const unsigned char *)text;

    for (size_t n = 0; *p && n < FORM_REASON_MAX; n++) {
        size_t len = utf8_len(p);

        if (len == 0)
            buf_puts(out, "%EF%BF%BD");
        else if (*p < 0x20 || *p == 0x7f)
            buf_puts(out, "%20");
        else
            put_encoded(p, len, out);
        p += len ? len : 1;
    }
}

/* --- files ------------------------------------------------------------------------------------ */

void form_boundary(char out[FORM_BOUNDARY_SIZE])
{
    snprintf(out, FORM_BOUNDARY_SIZE, "presence%08x%08x%08x%08x", arc4random(), arc4random(),
             arc4random(), arc4random());
}

/* What would end the quoted name is encoded as browsers do it. */
static void put_name(const char *name, struct buf *out)
{
    for (; *name; name++)
        if (*name == '"' || *name == '\r' || *name == '\n')
            buf_printf(out, "%%%02X", (unsigned)*name);
        else
            buf_putc(out, *name);
}

void form_multipart(const char *boundary, const char *json, size_t json_len,
                    const struct form_file *files, size_t n_files, struct buf *out)
{
    buf_printf(out,
               "--%s\r\nContent-Disposition: form-data; name=\"payload_json\"\r\n"
               "Content-Type: application/json\r\n\r\n",
               boundary);
    buf_append(out, json, json_len);
    for (size_t i = 0; i < n_files; i++) {
        buf_printf(out,
                   "\r\n--%s\r\nContent-Disposition: form-data; name=\"files[%zu]\"; filename=\"",
                   boundary, i);
        put_name(files[i].name, out);
        buf_printf(out, "\"\r\nContent-Type: %s\r\n\r\n", files[i].type);
        buf_append(out, files[i].bytes, files[i].len);
    }
    buf_printf(out, "\r\n--%s--\r\n", boundary);
}
