/* Values of settings as JSON: as PostgreSQL, Redis and exported files have them. Called by the sets
 * and by whoever reads what is stored.
 * Diagnostics: none; what is wrong is told to the caller in words. */
#include <string.h>

#include "core/settings_priv.h"

/* More than any id between its quotes. */
#define WORD_SIZE 64

static bool number_from_json(const struct setting_info *info, struct reader *r, int64_t *v_r)
{
    if (!reader_number(r, v_r))
        return false;
    if (info->type == VALUE_INTEGER) {
        if (*v_r % 1000)
            return false;
        *v_r /= 1000;
    }
    return setting_in_range(info, *v_r);
}

static bool element_from_json(const struct setting_info *info, struct reader *r,
                              struct setting_value *v)
{
    char word[WORD_SIZE];
    snowflake_t id;
    int64_t ms;

    if (info->type == VALUE_DELAYS)
        return reader_number(r, &ms) && setting_add_delay(info, ms, v);
    if ((int64_t)v->ids.count == info->most || !reader_string(r, word, sizeof(word)) ||
        !setting_is_id(word, &id))
        return false;
    setting_add_id(v, id);
    return true;
}

static bool list_from_json(const struct setting_info *info, struct reader *r,
                           struct setting_value *v)
{
    if (!reader_char(r, '['))
        return false;
    if (reader_char(r, ']'))
        return true;
    do {
        if (!element_from_json(info, r, v))
            return false;
    } while (reader_char(r, ','));
    return reader_char(r, ']');
}

static bool from_json(const struct setting_info *info, struct reader *r, struct setting_value *v)
{
    char word[SETTING_TEXT_SIZE];

    if (info->optional && reader_word(r, "null")) {
        v->none = true;
        return true;
    }
    switch (info->type) {
    case VALUE_BOOLEAN:
        v->on = reader_word(r, "true");
        return v->on || reader_word(r, "false");
    case VALUE_INTEGER:
    case VALUE_NUMBER:
    case VALUE_SECONDS:
        return number_from_json(info, r, &v->number);
    case VALUE_IDS:
    case VALUE_DELAYS:
        return list_from_json(info, r, v);
    default:
        return reader_string(r, word, sizeof(word)) && setting_from_word(info, word, v);
    }
}

char *setting_read_json(enum setting s, const char *json, size_t len, struct setting_value *v_r)
{
    struct reader r = {json, json + len};
    struct setting_value v;

    memset(&v, 0, sizeof(v));
    if (!from_json(&setting_infos[s], &r, &v) || !reader_end(&r)) {
        setting_free(s, &v);
        return setting_expected(s, NULL, NULL);
    }
    *v_r = v;
    return NULL;
}

static void ids_to_json(const struct setting_value *v, struct buf *out)
{
    buf_putc(out, '[');
    for (size_t i = 0; i < v->ids.count; i++) {
        buf_puts(out, i ? ",\"" : "\"");
        buf_put_u64(out, v->ids.list[i].id);
        buf_putc(out, '"');
    }
    buf_putc(out, ']');
}

static void delays_to_json(const struct setting_value *v, struct buf *out)
{
    buf_putc(out, '[');
    for (size_t i = 0; i < v->delays.count; i++) {
        if (i)
            buf_putc(out, ',');
        setting_put_thousandths(v->delays.ms[i], out);
    }
    buf_putc(out, ']');
}

void setting_print_json(enum setting s, const struct setting_value *v, struct buf *out)
{
    const struct setting_info *info = &setting_infos[s];

    if (v->none) {
        buf_puts(out, "null");
        return;
    }
    switch (info->type) {
    case VALUE_BOOLEAN:
        buf_puts(out, v->on ? "true" : "false");
        break;
    case VALUE_INTEGER:
        buf_put_i64(out, v->number);
        break;
    case VALUE_NUMBER:
    case VALUE_SECONDS:
        setting_put_thousandths(v->number, out);
        break;
    case VALUE_IDS:
        ids_to_json(v, out);
        break;
    case VALUE_DELAYS:
        delays_to_json(v, out);
        break;
    default:
        buf_putc(out, '"');
        setting_print_text(s, v, out);
        buf_putc(out, '"');
    }
}
