/* Values of settings as people type and read them. Called by the commands.
 * Diagnostics: none; what is wrong is told to the caller in words. */
#include <string.h>

#include "core/settings_priv.h"
#include "presence/duration.h"

static bool is_blank(char c)
{
    return c == ' ' || c == '\t';
}

/* Whether the text is this word, in small letters or capitals. */
static bool is_word(struct reader r, const char *word)
{
    size_t len = strlen(word);

    if ((size_t)(r.end - r.p) != len)
        return false;
    for (size_t i = 0; i < len; i++)
        if ((setting_is_upper(r.p[i]) ? r.p[i] | 0x20 : r.p[i]) != word[i])
            return false;
    return true;
}

static bool boolean_from_text(struct reader r, bool *on_r)
{
    static const char *const on[] = {"on", "yes", "true"}, *const off[] = {"off", "no", "false"};

    for (size_t i = 0; i < sizeof(on) / sizeof(on[0]); i++) {
        *on_r = is_word(r, on[i]);
        if (*on_r || is_word(r, off[i]))
            return true;
    }
    return false;
}

static bool number_from_text(const struct setting_info *info, struct reader r, int64_t *v_r)
{
    if (!reader_decimal(&r, v_r))
        return false;
    if (info->type == VALUE_INTEGER) {
        if (*v_r % 1000)
            return false;
        *v_r /= 1000;
    } else {
        reader_char(&r, '%');
    }
    return reader_end(&r) && setting_in_range(info, *v_r);
}

static bool duration_from_text(struct reader r, int64_t *ms_r)
{
    struct duration_fault fault;
    duration_t d;

    if (duration_parse(r.p, (size_t)(r.end - r.p), &d, &fault) != 0)
        return false;
    *ms_r = d.ms;
    return true;
}

/* "1", "<@&1>", "<#1>", "<@1>", "<@!1>": the digits. */
static struct reader without_mention(struct reader r)
{
    static const char *const openings[] = {"<@&", "<@!", "<#", "<@"};

    if (r.p == r.end || r.end[-1] != '>')
        return r;
    for (size_t i = 0; i < sizeof(openings) / sizeof(openings[0]); i++) {
        size_t len = strlen(openings[i]);

        if ((size_t)(r.end - r.p) > len && memcmp(r.p, openings[i], len) == 0)
            return (struct reader){r.p + len, r.end - 1};
    }
    return r;
}

/* Blanks are parts of durations: only commas are between them. */
static bool delays_from_text(const struct setting_info *info, struct reader r,
                             struct setting_value *v)
{
    const char *comma;

    do {
        struct reader one = r;
        int64_t ms;

        comma = memchr(r.p, ',', (size_t)(r.end - r.p));
        if (comma) {
            one.end = comma;
            r.p = comma + 1;
        }
        if (!duration_from_text(one, &ms) || !setting_add_delay(info, ms, v))
            return false;
    } while (comma);
    return true;
}

static bool is_separator(char c)
{
    return is_blank(c) || c == ',';
}

static bool ids_from_text(const struct setting_info *info, struct reader r, struct setting_value *v)
{
    for (;;) {
        struct reader one;
        snowflake_t id;

        while (r.p < r.end && is_separator(*r.p))
            r.p++;
        if (r.p == r.end)
            return v->ids.count > 0;
        one = (struct reader){r.p, r.p};
        while (one.end < r.end && !is_separator(*one.end))
            one.end++;
        r.p = one.end;
        one = without_mention(one);
        if ((int64_t)v->ids.count == info->most ||
            snowflake_parse(one.p, (size_t)(one.end - one.p), &id) != 0 || !snowflake_known(id))
            return false;
        setting_add_id(v, id);
    }
}

static bool word_from_text(const struct setting_info *info, struct reader r,
                           struct setting_value *v)
{
    char word[SETTING_TEXT_SIZE];
    size_t len;

    if (info->type == VALUE_ID)
        r = without_mention(r);
    len = (size_t)(r.end - r.p);
    if (len >= sizeof(word) || memchr(r.p, '\0', len))
        return false;
    memcpy(word, r.p, len);
    word[len] = '\0';
    return setting_from_word(info, word, v);
}

static bool from_text(const struct setting_info *info, struct reader r, struct setting_value *v)
{
    if (info->optional && is_word(r, "none")) {
        v->none = true;
        return true;
    }
    switch (info->type) {
    case VALUE_BOOLEAN:
        return boolean_from_text(r, &v->on);
    case VALUE_INTEGER:
    case VALUE_NUMBER:
        return number_from_text(info, r, &v->number);
    case VALUE_SECONDS:
        return duration_from_text(r, &v->number) && setting_in_range(info, v->number);
    case VALUE_IDS:
        return is_word(r, "none") || ids_from_text(info, r, v);
    case VALUE_DELAYS:
        return is_word(r, "none") || delays_from_text(info, r, v);
    default:
        return word_from_text(info, r, v);
    }
}

char *setting_read_text(enum setting s, const char *text, size_t len, struct setting_value *v_r)
{
    struct reader r = {text, text + len};
    struct setting_value v;

    memset(&v, 0, sizeof(v));
    while (r.p < r.end && is_blank(*r.p))
        r.p++;
    while (r.p < r.end && is_blank(r.end[-1]))
        r.end--;
    if (r.p == r.end || !from_text(&setting_infos[s], r, &v)) {
        setting_free(s, &v);
        return setting_expected(s, NULL, NULL);
    }
    *v_r = v;
    return NULL;
}

static void list_to_text(const struct setting_info *info, const struct setting_value *v,
                         struct buf *out)
{
    size_t count = info->type == VALUE_IDS ? v->ids.count : v->delays.count;

    if (count == 0)
        buf_puts(out, "none");
    for (size_t i = 0; i < count; i++) {
        if (i)
            buf_puts(out, ", ");
        if (info->type == VALUE_IDS)
            buf_put_u64(out, v->ids.list[i].id);
        else
            setting_put_duration(v->delays.ms[i], out);
    }
}

void setting_print_text(enum setting s, const struct setting_value *v, struct buf *out)
{
    const struct setting_info *info = &setting_infos[s];

    if (v->none) {
        buf_puts(out, "none");
        return;
    }
    switch (info->type) {
    case VALUE_BOOLEAN:
        buf_puts(out, v->on ? "on" : "off");
        break;
    case VALUE_INTEGER:
    case VALUE_NUMBER:
    case VALUE_SECONDS:
        setting_put_quantity(info, v->number, out);
        break;
    case VALUE_CHOICE:
        buf_puts(out, info->choices[v->number]);
        break;
    case VALUE_ID:
        buf_put_u64(out, v->id.id);
        break;
    case VALUE_IDS:
    case VALUE_DELAYS:
        list_to_text(info, v, out);
        break;
    default:
        buf_puts(out, v->text);
    }
}
