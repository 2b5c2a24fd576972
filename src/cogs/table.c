/* Tables as files. Called by export.c.
 *
 * CSV follows RFC 4180: lines end with CR LF, texts are quoted. A spreadsheet takes a text that
 * begins like a formula for one, whoever wrote it, so such a text gets an apostrophe before it.
 * Diagnostics: none. */
#include "cogs/table.h"

#include <string.h>

static const struct {
    const char *name, *type, *end;
} formats[] = {
    [TABLE_CSV] = {"csv", "text/csv; charset=utf-8", ""},
    [TABLE_JSON] = {"json", "application/json", "\n]\n"},
    [TABLE_TXT] = {"txt", "text/plain; charset=utf-8", ""},
};

enum table_format table_format_named(const char *name)
{
    enum table_format f = TABLE_TXT;

    while (f > TABLE_CSV && strcmp(formats[f].name, name) != 0)
        f--;
    return f;
}

const char *table_extension(enum table_format format)
{
    return formats[format].name;
}

const char *table_type(enum table_format format)
{
    return formats[format].type;
}

/* --- one value ---------------------------------------------------------------------------------
 */

/* What a dotted key leads to; NULL if there is nothing. */
static const struct json *value_at(const struct json *node, const char *key)
{
    char part[64];

    while (*key && node) {
        size_t len = strcspn(key, ".");

        if (len >= sizeof(part))
            return NULL;
        memcpy(part, key, len);
        part[len] = '\0';
        node = json_get(node, part);
        key += len + (key[len] == '.');
    }
    return node;
}

static void put_csv_text(const char *text, struct buf *out)
{
    buf_putc(out, '"');
    if (*text && strchr("=+-@\t\r\n", *text))
        buf_putc(out, '\'');
    for (; *text; text++) {
        if (*text == '"')
            buf_putc(out, '"');
        buf_putc(out, *text);
    }
    buf_putc(out, '"');
}

/* One line, whatever the text holds. */
static void put_plain_text(const char *text, struct buf *out)
{
    for (; *text; text++)
        buf_putc(out, (unsigned char)*text < 0x20 || *text == 0x7f ? ' ' : *text);
}

static void put_value(enum table_format format, const struct json *j, struct buf *out)
{
    bool text = json_is_string(j);

    if (format == TABLE_JSON && j)
        json_print(j, out);
    else if (format == TABLE_JSON)
        buf_puts(out, "null");
    else if (text && format == TABLE_CSV)
        put_csv_text(json_string(j, ""), out);
    else if (text)
        put_plain_text(json_string(j, ""), out);
    else if (j && !json_is_null(j))
        json_print(j, out);
}

/* --- rows --------------------------------------------------------------------------------------
 */

static void put_row(const struct table *t, const struct json *node, struct buf *out)
{
    static const char *const between[] = {
        [TABLE_CSV] = ",", [TABLE_JSON] = ",", [TABLE_TXT] = "\t"};

    if (t->format == TABLE_JSON)
        buf_puts(out, t->rows ? ",\n{" : "\n{");
    for (const struct table_column *c = t->columns; c->name; c++) {
        if (c != t->columns)
            buf_puts(out, between[t->format]);
        if (t->format == TABLE_JSON)
            buf_printf(out, "\"%s\":", c->name);
        put_value(t->format, value_at(node, c->key), out);
    }
    buf_puts(out, t->format == TABLE_JSON ? "}" : t->format == TABLE_CSV ? "\r\n" : "\n");
}

void table_begin(struct table *t, enum table_format format, const struct table_column *columns,
                 size_t max)
{
    *t = (struct table){.format = format, .columns = columns, .max = max};
    buf_init(&t->bytes, 0);
    if (format == TABLE_JSON) {
        buf_putc(&t->bytes, '[');
        return;
    }
    for (const struct table_column *c = columns; c->name; c++) {
        if (c != columns)
            buf_putc(&t->bytes, format == TABLE_CSV ? ',' : '\t');
        buf_puts(&t->bytes, c->name);
    }
    buf_puts(&t->bytes, format == TABLE_CSV ? "\r\n" : "\n");
}

void table_row(struct table *t, const struct json *node)
{
    size_t before = buf_len(&t->bytes);

    if (t->full)
        return;
    put_row(t, node, &t->bytes);
    if (buf_len(&t->bytes) + strlen(formats[t->format].end) > t->max) {
        buf_truncate(&t->bytes, before);
        t->full = true;
    } else {
        t->rows++;
    }
}

void table_end(struct table *t)
{
    buf_puts(&t->bytes, formats[t->format].end);
}

void table_clear(struct table *t)
{
    buf_clear(&t->bytes);
}
