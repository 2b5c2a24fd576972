/* What is refused of a request's head although the library would take it: everything that two
 * programs in a row could read differently, so that nobody can hide a request inside another one
 * (RFC 9112, sections 5.1, 6.1 and 11.2). Called by httpd.c.
 * Diagnostics: a reason for the client. */
#include <string.h>
#include <strings.h>

#include "link/httpd_priv.h"

struct head {
    unsigned lengths, encodings, hosts, authorizations;
    bool chunked;
    const char *wrong;
};

static bool is_token(const char *text, size_t len)
{
    static const char marks[] = "!#$%&'*+-.^_`|~";

    for (size_t i = 0; i < len; i++) {
        char c = text[i];

        if (!((c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') ||
              (c && strchr(marks, c))))
            return false;
    }
    return len > 0;
}

static bool has_control(const char *text, size_t len)
{
    for (size_t i = 0; i < len; i++)
        if (((unsigned char)text[i] < ' ' && text[i] != '\t') || text[i] == 0x7f)
            return true;
    return false;
}

static enum MHD_Result look(void *arg, enum MHD_ValueKind kind, const char *key, size_t key_len,
                            const char *value, size_t value_len)
{
    struct head *h = arg;

    (void)kind;
    if (!is_token(key, key_len))
        h->wrong = "the name of a header field is no token";
    else if (value && has_control(value, value_len))
        h->wrong = "a header field holds a control character";
    else if (strcasecmp(key, "Content-Length") == 0) {
        h->lengths++;
        if (!value || !value_len || strspn(value, "0123456789") != value_len)
            h->wrong = "Content-Length is no number";
    } else if (strcasecmp(key, "Host") == 0)
        h->hosts++;
    else if (strcasecmp(key, "Authorization") == 0)
        h->authorizations++;
    else if (strcasecmp(key, "Transfer-Encoding") == 0) {
        h->encodings++;
        h->chunked = value && strcasecmp(value, "chunked") == 0;
    }
    return h->wrong ? MHD_NO : MHD_YES;
}

const char *httpd_check(struct MHD_Connection *conn, const char *version)
{
    struct head h = {0};

    MHD_get_connection_values_n(conn, MHD_HEADER_KIND, look, &h);
    if (h.wrong)
        return h.wrong;
    if (h.lengths > 1)
        return "more than one Content-Length";
    if (h.encodings > 0 && h.lengths > 0)
        return "both Content-Length and Transfer-Encoding";
    if (h.encodings > 1 || (h.encodings > 0 && !h.chunked))
        return "expected no Transfer-Encoding but chunked";
    if (h.encodings > 0 && strcmp(version, "HTTP/1.1") != 0)
        return "Transfer-Encoding is of HTTP/1.1";
    if (h.hosts > 1 || (h.hosts == 0 && strcmp(version, "HTTP/1.1") == 0))
        return "expected one Host";
    if (h.authorizations > 1)
        return "more than one Authorization";
    return NULL;
}

static int hex(char c)
{
    if (c >= '0' && c <= '9')
        return c - '0';
    c = (char)(c | 0x20);
    return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

size_t httpd_unescape(void *cls, struct MHD_Connection *conn, char *text)
{
    char *to = text;

    (void)cls;
    (void)conn;
    for (const char *from = text; *from; from++) {
        int high = *from == '%' ? hex(from[1]) : -1, low = high >= 0 ? hex(from[2]) : -1;

        if (low >= 0 && high + low > 0) {
            *to++ = (char)(high * 16 + low);
            from += 2;
        } else {
            *to++ = *from;
        }
    }
    *to = '\0';
    return (size_t)(to - text);
}
