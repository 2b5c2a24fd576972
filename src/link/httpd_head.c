/* The head of a request: http_parser cuts it into pieces, and what two programs in a row could read
 * differently is refused, so that nobody can hide a request inside another one (RFC 9112, sections
 * 5.1, 6.1 and 11.2). Distributions build the library without its strict mode: blanks in the names
 * of fields, a target behind two blanks and other mistakes are found here. Lines that do not end in
 * CR LF, or are folded, never come here (httpd_read.c). Called by httpd_read.c.
 * Diagnostics: a status and a reason for the client. */
#include <http_parser.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "link/httpd_priv.h"

struct head {
    struct httpd_request *req;
    char *target;
    size_t target_len;
    bool too_many;
    unsigned lengths, encodings, hosts, authorizations;
    const char *wrong;
};

static int on_url(http_parser *p, const char *at, size_t len)
{
    struct head *h = p->data;

    h->target = h->req->head + (at - h->req->head);
    h->target_len = len;
    return 0;
}

/* The byte behind a name is its colon or a blank, that behind a value the line's end or a blank. */
static int on_field(http_parser *p, const char *at, size_t len)
{
    struct head *h = p->data;
    struct httpd_request *req = h->req;

    if (req->n_headers == req->headers_max) {
        h->too_many = true;
        return 1;
    }
    if (memchr(at, ' ', len)) {
        h->wrong = "the name of a header field is no token";
        return 1;
    }
    req->head[at - req->head + (ptrdiff_t)len] = '\0';
    req->headers[req->n_headers++] = (struct httpd_header){at, ""};
    return 0;
}

static int on_value(http_parser *p, const char *at, size_t len)
{
    struct head *h = p->data;
    struct httpd_request *req = h->req;

    if (len == 0) /* at then stands in the next line */
        return 0;
    while (len > 0 && (at[len - 1] == ' ' || at[len - 1] == '\t'))
        len--;
    req->headers[req->n_headers - 1].value = at;
    req->head[at - req->head + (ptrdiff_t)len] = '\0';
    return 0;
}

/* The body is read by us. */
static int on_headers_complete(http_parser *p)
{
    (void)p;
    return 1;
}

static void look_at(struct head *h, const struct httpd_header *f)
{
    struct httpd_request *req = h->req;

    if (!strchr("cthaeCTHAE", *f->name))
        return;
    if (strcasecmp(f->name, "Content-Length") == 0) {
        h->lengths++;
        req->has_length = true;
        req->length = strtoull(f->value, NULL, 10);
        if (!*f->value || f->value[strspn(f->value, "0123456789")])
            h->wrong = "Content-Length is no number";
    } else if (strcasecmp(f->name, "Transfer-Encoding") == 0) {
        h->encodings++;
        req->chunked = strcasecmp(f->value, "chunked") == 0;
    } else if (strcasecmp(f->name, "Host") == 0) {
        h->hosts++;
    } else if (strcasecmp(f->name, "Authorization") == 0) {
        h->authorizations++;
    } else if (strcasecmp(f->name, "Expect") == 0) {
        req->expects_continue = req->minor > 0 && strcasecmp(f->value, "100-continue") == 0;
    }
}

static const char *check(struct head *h)
{
    struct httpd_request *req = h->req;

    for (size_t i = 0; i < req->n_headers; i++)
        look_at(h, &req->headers[i]);
    if (h->wrong)
        return h->wrong;
    if (h->lengths > 1)
        return "more than one Content-Length";
    if (h->encodings > 0 && h->lengths > 0)
        return "both Content-Length and Transfer-Encoding";
    if (h->encodings > 1 || (h->encodings > 0 && !req->chunked))
        return "expected no Transfer-Encoding but chunked";
    if (h->encodings > 0 && req->minor == 0)
        return "Transfer-Encoding is of HTTP/1.1";
    if (h->hosts > 1 || (h->hosts == 0 && req->minor > 0))
        return "expected one Host";
    if (h->authorizations > 1)
        return "more than one Authorization";
    if (h->target != req->head + strlen(req->method) + 1)
        return "expected one blank before the request's target";
    if (memchr(h->target, '\t', h->target_len) || memchr(h->target, '\f', h->target_len))
        return "the request's target holds a control character";
    return NULL;
}

static int hex(char c)
{
    if (c >= '0' && c <= '9')
        return c - '0';
    c = (char)(c | 0x20);
    return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

void httpd_unescape(char *text)
{
    char *to = text;

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
}

/* The path of a target in absolute form (RFC 9112, section 3.2.2) begins behind the host. */
static void split_target(struct head *h)
{
    static char root[] = "/";
    struct httpd_request *req = h->req;
    char *path = h->target, *mark;

    path[h->target_len] = '\0';
    mark = strchr(path, '?');
    if (mark) {
        *mark = '\0';
        req->query = mark + 1;
    }
    if (strncasecmp(path, "http://", 7) == 0) {
        path = strchr(path + 7, '/');
        if (!path)
            path = root;
    }
    if (path != root)
        httpd_unescape(path);
    req->path = path;
}

static const char *parse(struct head *h, size_t len, unsigned *status_r)
{
    static const http_parser_settings settings = {.on_url = on_url,
                                                  .on_header_field = on_field,
                                                  .on_header_value = on_value,
                                                  .on_headers_complete = on_headers_complete};
    struct httpd_request *req = h->req;
    http_parser p;
    size_t used;

    http_parser_init(&p, HTTP_REQUEST);
    p.data = h;
    used = http_parser_execute(&p, &settings, req->head, len);
    *status_r = 400;
    if (h->too_many) {
        *status_r = 431;
        return "too many header fields";
    }
    if (h->wrong)
        return h->wrong;
    if (p.http_errno != HPE_OK || used != len)
        return p.http_errno ? http_errno_description(p.http_errno)
                            : "the head of the request ends early";
    if (p.http_major != 1 || p.http_minor > 1) {
        *status_r = 505;
        return "expected HTTP/1.1 or HTTP/1.0";
    }
    req->minor = p.http_minor;
    req->method = http_method_str(p.method);
    req->keep_alive = http_should_keep_alive(&p);
    return check(h);
}

static size_t count_lines(const unsigned char *text, size_t len)
{
    const unsigned char *end = text + len, *line = text;
    size_t n = 0;

    for (; n <= HTTPD_HEADERS_MAX && (line = memchr(line, '\n', (size_t)(end - line))); n++)
        line++;
    return n;
}

struct httpd_request *httpd_head_parse(const unsigned char *head, size_t len, unsigned *status_r,
                                       const char **why_r)
{
    size_t lines = count_lines(head, len);
    size_t fields = lines < HTTPD_HEADERS_MAX ? lines : HTTPD_HEADERS_MAX;
    size_t size = sizeof(struct httpd_request) + fields * sizeof(struct httpd_header);
    struct httpd_request *req = xmalloc(size + len + 1);
    struct head h = {.req = req};

    *req = (struct httpd_request){.head = (char *)req + size, .headers_max = fields};
    memcpy(req->head, head, len);
    req->head[len] = '\0';
    *why_r = parse(&h, len, status_r);
    if (*why_r) {
        httpd_request_free(req);
        return NULL;
    }
    split_target(&h);
    return req;
}

const char *httpd_status_text(unsigned status)
{
    return http_status_str((enum http_status)status);
}
