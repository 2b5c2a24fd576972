/* Messages within Discord's limits. Called by the worker and by cogs. Diagnostics: none. */
#include "presence/message.h"

#include <stdlib.h>
#include <string.h>

#include "presence/text.h"

#define NOTHING "\xe2\x80\x8b" /* a zero width space */

void message_init(struct message *m)
{
    *m = (struct message){.colour = MESSAGE_NEUTRAL};
    buf_init(&m->content, 0);
    buf_init(&m->title, 0);
    buf_init(&m->body, 0);
    buf_init(&m->footer, 0);
    buf_init(&m->fields, 0);
    buf_init(&m->rows, 0);
}

void message_clear(struct message *m)
{
    buf_clear(&m->content);
    buf_clear(&m->title);
    buf_clear(&m->body);
    buf_clear(&m->footer);
    buf_clear(&m->fields);
    buf_clear(&m->rows);
    for (size_t i = 0; i < m->n_files; i++) {
        free(m->files[i].name);
        buf_clear(&m->files[i].bytes);
    }
    m->n_files = 0;
}

/* The text as a JSON string of at most max characters. Returns how many it has. */
static size_t put_cut(const char *text, size_t max, struct buf *out)
{
    size_t chars = text_chars(text);
    struct buf cut;

    buf_init(&cut, 0);
    text_put(text, max, &cut);
    buf_put_json(out, buf_cstr(&cut), buf_len(&cut));
    buf_clear(&cut);
    return chars < max ? chars : max;
}

static const char *text_of(const struct buf *b, struct buf *copy)
{
    buf_init(copy, 0);
    buf_append(copy, buf_bytes(b), buf_len(b));
    return buf_cstr(copy);
}

/* A member whose value is a text, if there is one. Returns its characters. */
static size_t put_text(const char *key, const struct buf *b, size_t max, struct buf *out)
{
    struct buf copy;
    size_t chars;

    if (buf_len(b) == 0 || max == 0)
        return 0;
    buf_puts(out, key);
    chars = put_cut(text_of(b, &copy), max, out);
    buf_clear(&copy);
    return chars;
}

/* --- the embed ---------------------------------------------------------------------------------
 */

void message_field(struct message *m, const char *name, const char *value, bool beside)
{
    size_t chars = text_chars(name) + text_chars(value);

    if (m->n_fields == MESSAGE_FIELDS_MAX || m->field_chars + chars > MESSAGE_EMBED_MAX / 2)
        return;
    buf_puts(&m->fields, m->n_fields++ ? ",{\"name\":" : "{\"name\":");
    m->field_chars += put_cut(*name ? name : NOTHING, MESSAGE_FIELD_NAME_MAX, &m->fields);
    buf_puts(&m->fields, ",\"value\":");
    m->field_chars += put_cut(*value ? value : NOTHING, MESSAGE_FIELD_VALUE_MAX, &m->fields);
    buf_puts(&m->fields, beside ? ",\"inline\":true}" : "}");
}

static size_t least(size_t a, size_t b)
{
    return a < b ? a : b;
}

static void put_embed(const struct message *m, struct buf *out)
{
    size_t left = MESSAGE_EMBED_MAX - m->field_chars;

    buf_printf(out, "\"embeds\":[{\"color\":%d", (int)m->colour);
    left -= put_text(",\"title\":", &m->title, MESSAGE_TITLE_MAX, out);
    if (buf_len(&m->footer)) {
        buf_puts(out, ",\"footer\":{");
        left -= put_text("\"text\":", &m->footer, least(MESSAGE_FOOTER_MAX, left / 2), out);
        buf_putc(out, '}');
    }
    put_text(",\"description\":", &m->body, least(MESSAGE_BODY_MAX, left), out);
    if (m->n_fields) {
        buf_puts(out, ",\"fields\":[");
        buf_append(out, buf_bytes(&m->fields), buf_len(&m->fields));
        buf_putc(out, ']');
    }
    buf_puts(out, "}],");
}

/* --- components --------------------------------------------------------------------------------
 */

static void close_row(struct message *m)
{
    if (m->row_open)
        buf_puts(&m->rows, "]}");
    m->row_open = false;
}

/* False: there is room for no more. */
static bool open_row(struct message *m)
{
    close_row(m);
    if (m->n_rows == MESSAGE_ROWS_MAX)
        return false;
    buf_puts(&m->rows,
             m->n_rows++ ? ",{\"type\":1,\"components\":[" : "{\"type\":1,\"components\":[");
    m->row_open = true;
    m->n_buttons = 0;
    return true;
}

void message_button(struct message *m, enum message_style style, const char *label,
                    const char *custom_id, bool disabled)
{
    if (strlen(custom_id) > MESSAGE_CUSTOM_ID_MAX)
        return;
    if ((!m->row_open || m->n_buttons == MESSAGE_BUTTONS_MAX) && !open_row(m))
        return;
    buf_printf(&m->rows, "%s{\"type\":2,\"style\":%d,\"label\":", m->n_buttons++ ? "," : "",
               (int)style);
    put_cut(label, MESSAGE_LABEL_MAX, &m->rows);
    buf_puts(&m->rows, ",\"custom_id\":");
    buf_put_json(&m->rows, custom_id, strlen(custom_id));
    buf_puts(&m->rows, disabled ? ",\"disabled\":true}" : "}");
}

/* A select without its last members; false: there is no room. */
static bool begin_select(struct message *m, int type, const char *hint, const char *custom_id)
{
    if (strlen(custom_id) > MESSAGE_CUSTOM_ID_MAX || !open_row(m))
        return false;
    buf_printf(&m->rows, "{\"type\":%d,\"placeholder\":", type);
    put_cut(hint, MESSAGE_HINT_MAX, &m->rows);
    buf_puts(&m->rows, ",\"custom_id\":");
    buf_put_json(&m->rows, custom_id, strlen(custom_id));
    return true;
}

void message_select(struct message *m, const char *hint, const char *custom_id,
                    const struct message_choice *choices, size_t count)
{
    if (!begin_select(m, 3, hint, custom_id))
        return;
    buf_puts(&m->rows, ",\"options\":[");
    for (size_t i = 0; i < count && i < MESSAGE_SELECT_MAX; i++) {
        buf_puts(&m->rows, i ? ",{\"value\":" : "{\"value\":");
        put_cut(choices[i].value, MESSAGE_CHOICE_MAX, &m->rows);
        buf_puts(&m->rows, ",\"label\":");
        put_cut(choices[i].label, MESSAGE_CHOICE_MAX, &m->rows);
        if (choices[i].about) {
            buf_puts(&m->rows, ",\"description\":");
            put_cut(choices[i].about, MESSAGE_CHOICE_MAX, &m->rows);
        }
        buf_puts(&m->rows, choices[i].chosen ? ",\"default\":true}" : "}");
    }
    buf_puts(&m->rows, "]}");
    close_row(m);
}

void message_pick(struct message *m, enum message_pick what, const char *hint,
                  const char *custom_id, snowflake_t chosen, uint32_t channels)
{
    static const char *const kinds[] = {[MESSAGE_PICK_USER] = "user",
                                        [MESSAGE_PICK_ROLE] = "role",
                                        [MESSAGE_PICK_CHANNEL] = "channel"};
    const char *comma = "";

    if (!begin_select(m, (int)what, hint, custom_id))
        return;
    buf_puts(&m->rows, ",\"min_values\":0,\"max_values\":1");
    if (snowflake_known(chosen))
        buf_printf(&m->rows, ",\"default_values\":[{\"id\":\"%llu\",\"type\":\"%s\"}]",
                   (unsigned long long)chosen.id, kinds[what]);
    if (channels) {
        buf_puts(&m->rows, ",\"channel_types\":[");
        for (int type = 0; type < 32; type++)
            if (channels >> type & 1) {
                buf_printf(&m->rows, "%s%d", comma, type);
                comma = ",";
            }
        buf_putc(&m->rows, ']');
    }
    buf_putc(&m->rows, '}');
    close_row(m);
}

/* --- modals ------------------------------------------------------------------------------------
 */

static void put_line(const struct message_line *line, struct buf *out)
{
    buf_puts(out, "{\"type\":18,\"label\":");
    put_cut(line->label, MESSAGE_LINE_LABEL_MAX, out);
    if (line->about) {
        buf_puts(out, ",\"description\":");
        put_cut(line->about, MESSAGE_CHOICE_MAX, out);
    }
    buf_puts(out, ",\"component\":{\"type\":4,\"style\":1,\"custom_id\":");
    buf_put_json(out, line->name, strlen(line->name));
    if (*line->value) {
        buf_puts(out, ",\"value\":");
        put_cut(line->value, line->most, out);
    }
    buf_printf(out, ",\"min_length\":%u,\"max_length\":%u,\"required\":%s}}", line->least,
               line->most, line->least ? "true" : "false");
}

void message_modal_print(const char *title, const char *custom_id, const struct message_line *lines,
                         size_t count, struct buf *out)
{
    buf_puts(out, "\"title\":");
    put_cut(title, MESSAGE_LINE_LABEL_MAX, out);
    buf_puts(out, ",\"custom_id\":");
    buf_put_json(out, custom_id, strlen(custom_id));
    buf_puts(out, ",\"components\":[");
    for (size_t i = 0; i < count && i < MESSAGE_LINES_MAX; i++) {
        if (i)
            buf_putc(out, ',');
        put_line(&lines[i], out);
    }
    buf_putc(out, ']');
}

/* --- files -------------------------------------------------------------------------------------
 */

void message_file(struct message *m, const char *name, const char *type, struct buf *bytes)
{
    if (m->n_files == MESSAGE_FILES_MAX) {
        buf_clear(bytes);
        return;
    }
    m->files[m->n_files++] = (struct message_file){xstrdup(name), type, *bytes};
    buf_init(bytes, bytes->max);
}

static void put_files(const struct message *m, struct buf *out)
{
    buf_puts(out, ",\"attachments\":[");
    for (size_t i = 0; i < m->n_files; i++) {
        buf_printf(out, "%s{\"id\":\"%zu\",\"filename\":", i ? "," : "", i);
        buf_put_json(out, m->files[i].name, strlen(m->files[i].name));
        buf_putc(out, '}');
    }
    buf_putc(out, ']');
}

/* --- all of it ---------------------------------------------------------------------------------
 */

static bool has_embed(const struct message *m)
{
    return buf_len(&m->title) || buf_len(&m->body) || m->n_fields || buf_len(&m->footer);
}

void message_print(const struct message *m, bool with_flags, struct buf *out)
{
    if (put_text("\"content\":", &m->content, MESSAGE_CONTENT_MAX, out))
        buf_putc(out, ',');
    else if (!with_flags)
        buf_puts(out, "\"content\":\"\",");
    if (has_embed(m))
        put_embed(m, out);
    else if (!with_flags)
        buf_puts(out, "\"embeds\":[],");
    buf_puts(out, "\"components\":[");
    buf_append(out, buf_bytes(&m->rows), buf_len(&m->rows));
    buf_puts(out, m->row_open ? "]}]" : "]");
    if (m->n_files || !with_flags)
        put_files(m, out);
    if (with_flags && !m->everybody)
        buf_printf(out, ",\"flags\":%d", MESSAGE_EPHEMERAL);
    buf_puts(out, m->mention_everyone ? ",\"allowed_mentions\":{\"parse\":[\"everyone\"]"
                                      : ",\"allowed_mentions\":{\"parse\":[]");
    if (snowflake_known(m->mention))
        buf_printf(out, ",\"users\":[\"%llu\"]", (unsigned long long)m->mention.id);
    buf_putc(out, '}');
}
