/* The INI grammar, by libinih. Called by conf_load.c only.
 * libinih counts lines only for itself and drops what it does not understand, so the reader that
 * feeds it keeps the line number and notices a line for which no entry came out.
 * Diagnostics: all through the error callback. */
#include "presence/ini.h"

#include <ctype.h>
#include <ini.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>

struct ini_reading {
    const char *next, *end;
    unsigned line;
    bool entry_due; /* the line handed out must come back as an entry */
    const struct ini_callbacks *cb;
    void *arg;
};

static void ini_check_entry(struct ini_reading *r)
{
    if (r->entry_due)
        r->cb->error(r->arg, r->line, "expected `key = value`, a [section] or a comment");
    r->entry_due = false;
}

static void ini_heading(struct ini_reading *r, const char *line, size_t len)
{
    const char *close = memchr(line, ']', len);
    char name[128];

    if (close == NULL) {
        r->cb->error(r->arg, r->line, "expected ] at the end of the section's name");
        return;
    }
    for (const char *p = close + 1; p < line + len; p++) {
        if (!isspace((unsigned char)*p)) {
            r->cb->error(r->arg, r->line, "expected nothing behind the ] of a section's name");
            return;
        }
    }
    snprintf(name, sizeof name, "%.*s", (int)(close - line - 1), line + 1);
    r->cb->section(r->arg, r->line, name);
}

/* Judges the next line; true if it goes to libinih as it is, false if a blank one goes instead. */
static bool ini_judge(struct ini_reading *r, const char *line, size_t len, size_t room)
{
    if (len == 0)
        return false;
    if (memchr(line, '\0', len) != NULL) {
        r->cb->error(r->arg, r->line, "unexpected NUL byte");
        return false;
    }
    if (len > INI_LINE_MAX || len > room) {
        char text[80];

        snprintf(text, sizeof text, "line of %zu bytes; expected at most %zu", len,
                 room < INI_LINE_MAX ? room : (size_t)INI_LINE_MAX);
        r->cb->error(r->arg, r->line, text);
        return false;
    }
    if (line[0] == ';' || line[0] == '#')
        return false;
    if (line[0] == '[')
        ini_heading(r, line, len);
    else
        r->entry_due = true;
    return true;
}

/* libinih's reader: one line per call, leading white space removed (it would mean continuation). */
static char *ini_next_line(char *out, int size, void *stream)
{
    struct ini_reading *r = stream;
    const char *line, *stop;
    size_t len;

    ini_check_entry(r);
    if (r->next >= r->end)
        return NULL;
    r->line++;
    line = r->next;
    stop = memchr(line, '\n', (size_t)(r->end - line));
    if (stop == NULL)
        stop = r->end;
    r->next = stop < r->end ? stop + 1 : stop;
    if (r->line == 1 && stop - line >= 3 && memcmp(line, "\xef\xbb\xbf", 3) == 0)
        line += 3;
    while (line < stop && isspace((unsigned char)*line))
        line++;
    len = (size_t)(stop - line);
    while (len > 0 && isspace((unsigned char)line[len - 1]))
        len--;
    if (!ini_judge(r, line, len, (size_t)size - 2))
        len = 0;
    memcpy(out, line, len);
    memcpy(out + len, "\n", 2);
    return out;
}

static int ini_take_entry(void *user, const char *section, const char *key, const char *value)
{
    struct ini_reading *r = user;

    r->entry_due = false;
    r->cb->entry(r->arg, r->line, section, key, value);
    return 1;
}

void ini_read(const char *text, size_t len, const struct ini_callbacks *cb, void *arg)
{
    struct ini_reading r = {.next = text, .end = text + len, .cb = cb, .arg = arg};

    ini_use_stack = false;
    ini_max_line = ini_initial_alloc = INI_LINE_MAX + 3;
    ini_allow_inline_comments = false;
    ini_allow_multiline = false;
    if (ini_parse_stream(ini_next_line, &r, ini_take_entry, &r) == -2)
        cb->error(arg, 0, "out of memory");
}
