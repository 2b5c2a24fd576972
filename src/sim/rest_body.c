/* REST: request bodies, JSON or multipart. Called by rest.c.
 * Diagnostics: none; errors are Discord's. */
#include <stdlib.h>
#include <string.h>

#include "sim/render.h"
#include "sim/rest_call.h"

#define FILES_MAX 10u

void rest_form_error(struct rest_call *c, const char *field, const char *code, const char *message)
{
    c->status = 400;
    buf_reset(&c->out);
    buf_puts(&c->out, "{\"message\":\"Invalid Form Body\",\"code\":50035,\"errors\":{");
    render_string(&c->out, field);
    buf_printf(&c->out, ":{\"_errors\":[{\"code\":\"%s\",\"message\":", code);
    render_string(&c->out, message);
    buf_puts(&c->out, "}]}}}");
}

/* Files are numbered from 0 in their order, and have a name. */
static bool take_file(struct rest_call *c, const char *head, const char *head_end, size_t len)
{
    char *name = xasprintf("name=\"files[%u]\"", c->n_files++);
    bool ok = memmem(head, (size_t)(head_end - head), name, strlen(name)) &&
              memmem(head, (size_t)(head_end - head), "filename=\"", 10);

    c->file_bytes += len;
    free(name);
    return ok;
}

/* The part from p to end: its headers and, behind an empty line, its content. */
static bool take_part(struct rest_call *c, const char *p, const char *end)
{
    const char *content = memmem(p, (size_t)(end - p), "\r\n\r\n", 4);

    if (!content)
        return false;
    if (memmem(p, (size_t)(content - p), "name=\"payload_json\"", 19)) {
        json_free(&c->body);
        c->body = json_parse_exact(content + 4, (size_t)(end - content - 4), NULL);
        return c->body != NULL;
    }
    if (memmem(p, (size_t)(content - p), "name=\"files[", 12))
        return take_file(c, p, content, (size_t)(end - content - 4));
    return true;
}

static bool read_multipart(struct rest_call *c, const char *text, size_t len, const char *boundary)
{
    char *mark = xasprintf("--%s", boundary);
    size_t mark_len = strlen(mark);
    const char *p = memmem(text, len, mark, mark_len), *end = text + len;
    bool ok = p == text;

    while (ok && (p += mark_len) + 2 <= end && memcmp(p, "--", 2) != 0) {
        const char *next = memmem(p, (size_t)(end - p), mark, mark_len);

        ok = next && next - p >= 4 && take_part(c, p, next - 2);
        p = next;
    }
    free(mark);
    return ok && c->body && c->n_files <= FILES_MAX;
}

bool rest_read_body(struct rest_call *c)
{
    size_t len;
    const char *text = httpd_body(c->req, &len);
    const char *type = httpd_header(c->req, "Content-Type");
    const char *boundary = type ? strstr(type, "boundary=") : NULL;

    if (len == 0)
        return true;
    if (type && strncmp(type, "multipart/form-data", 19) == 0 && boundary) {
        if (read_multipart(c, text, len, boundary + strlen("boundary=")))
            return true;
        rest_error(c, 400, 50035, "Invalid Form Body");
        return false;
    }
    if (!type || strncmp(type, "application/json", 16) != 0) {
        rest_error(c, 400, 50035, "Invalid Form Body");
        return false;
    }
    c->body = json_parse_exact(text, len, NULL);
    if (!c->body)
        rest_error(c, 400, 50109, "The request body contains invalid JSON.");
    return c->body != NULL;
}
