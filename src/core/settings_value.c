/* Values of settings: what they may be, in words and in code, whatever they are read from. Called
 * by the readers (settings_json, settings_text) and the sets. Diagnostics: none; what is wrong is
 * told to the caller in words. */
#include <stdlib.h>
#include <string.h>

#include "core/settings_priv.h"
#include "presence/duration.h"

#define _(text) setting_say(words, locale, (text))

/* --- what is expected --------------------------------------------------------------------- */

void setting_put_thousandths(int64_t v, struct buf *out)
{
    int64_t fraction = v % 1000;
    int digits = fraction % 10 ? 3 : fraction % 100 ? 2 : 1;

    buf_put_i64(out, v / 1000);
    if (fraction)
        buf_printf(out, ".%0*d", digits,
                   (int)(fraction / (digits == 3   ? 1
                                     : digits == 2 ? 10
                                                   : 100)));
}

void setting_put_duration(int64_t ms, struct buf *out)
{
    char text[DURATION_TEXT_SIZE];

    duration_print((duration_t){ms}, text);
    buf_puts(out, text);
}

/* A bound or number of the setting as people write it. */
void setting_put_quantity(const struct setting_info *info, int64_t v, struct buf *out)
{
    if (info->type == VALUE_INTEGER)
        buf_put_i64(out, v);
    else if (info->type == VALUE_NUMBER)
        setting_put_thousandths(v, out);
    else
        setting_put_duration(v, out);
}

static void put_span(const struct setting_info *info, setting_words *words, const char *locale,
                     struct buf *out)
{
    struct buf least, most;

    buf_init(&least, 0);
    buf_init(&most, 0);
    setting_put_quantity(info, info->least, &least);
    setting_put_quantity(info, info->most, &most);
    buf_printf(out, _(" from %s to %s"), buf_cstr(&least), buf_cstr(&most));
    buf_clear(&least);
    buf_clear(&most);
}

static void put_choices(const struct setting_info *info, setting_words *words, const char *locale,
                        struct buf *out)
{
    buf_puts(out, _("one of "));
    for (size_t i = 0; info->choices[i]; i++)
        buf_printf(out, "%s%s", i ? ", " : "", info->choices[i]);
}

static void put_kind(const struct setting_info *info, setting_words *words, const char *locale,
                     struct buf *out)
{
    static const char *const kinds[] = {
        [VALUE_BOOLEAN] = N_("on or off"),
        [VALUE_INTEGER] = N_("a whole number"),
        [VALUE_NUMBER] = N_("a number of at most three decimals"),
        [VALUE_SECONDS] = N_("a duration such as 12h or 30d"),
        [VALUE_CHOICE] = "",
        [VALUE_ID] = N_("a Discord id"),
        [VALUE_IDS] = N_("a list of Discord ids"),
        [VALUE_DELAYS] = N_("a list of at most 5 durations such as 7d, 1d"),
        [VALUE_ZONE] = N_("an IANA time zone such as Europe/Berlin"),
        [VALUE_LANGUAGE] = N_("a locale such as de or en-US"),
    };

    buf_puts(out, _(kinds[info->type]));
    if (info->type == VALUE_CHOICE)
        put_choices(info, words, locale, out);
    else if (info->type == VALUE_IDS)
        buf_printf(out, _(", at most %d"), (int)info->most);
    else if (info->most)
        put_span(info, words, locale, out);
    if (info->optional)
        buf_puts(out, _(", or none"));
}

char *setting_expected(enum setting s, setting_words *words, const char *locale)
{
    const struct setting_info *info = &setting_infos[s];
    struct buf kind, out;
    char *text;

    buf_init(&kind, 0);
    buf_init(&out, 0);
    put_kind(info, words, locale, &kind);
    buf_printf(&out, _("expected %s"), buf_cstr(&kind));
    if (info->why)
        buf_printf(&out, ": %s", _(info->why));
    text = xstrdup(buf_cstr(&out));
    buf_clear(&kind);
    buf_clear(&out);
    return text;
}

/* --- parts of values ---------------------------------------------------------------------- */

bool setting_in_range(const struct setting_info *info, int64_t v)
{
    return v >= info->least && v <= info->most;
}

static bool choose(const struct setting_info *info, const char *word, int64_t *index_r)
{
    for (int i = 0; info->choices[i]; i++) {
        if (strcmp(info->choices[i], word) == 0) {
            *index_r = i;
            return true;
        }
    }
    return false;
}

static bool is_letter(char c)
{
    return setting_is_upper((char)(c & ~0x20));
}

static bool is_digit(char c)
{
    return c >= '0' && c <= '9';
}

/* UTC, or Area/Place, or Area/Region/Place. */
static bool is_zone(const char *text)
{
    int parts = 0;

    if (strcmp(text, "UTC") == 0)
        return true;
    for (const char *p = text; parts < 3; p++) {
        const char *begin = p;

        if (!setting_is_upper(*p))
            return false;
        for (p++;
             is_letter(*p) || *p == '_' || (parts > 0 && (is_digit(*p) || *p == '+' || *p == '-'));
             p++)
            ;
        if (p - begin < 2)
            return false;
        parts++;
        if (!*p)
            return parts > 1;
        if (*p != '/')
            return false;
    }
    return false;
}

/* de, en-US, es-419. */
static bool is_language(const char *text)
{
    size_t region = 0;

    for (int i = 0; i < 2; i++, text++)
        if (!is_letter(*text) || setting_is_upper(*text))
            return false;
    if (!*text)
        return true;
    if (*text++ != '-')
        return false;
    while (setting_is_upper(text[region]) || is_digit(text[region]))
        region++;
    return (region == 2 || region == 3) && !text[region];
}

bool setting_is_id(const char *text, snowflake_t *id_r)
{
    return text[0] != '0' && snowflake_parse(text, strlen(text), id_r) == 0;
}

/* Words: what is the same in JSON and typed. */
bool setting_from_word(const struct setting_info *info, const char *word, struct setting_value *v)
{
    switch (info->type) {
    case VALUE_CHOICE:
        return choose(info, word, &v->number);
    case VALUE_ID:
        return setting_is_id(word, &v->id);
    default:
        if (info->type == VALUE_ZONE ? !is_zone(word) : !is_language(word))
            return false;
        memcpy(v->text, word, strlen(word) + 1);
        return true;
    }
}

void setting_add_id(struct setting_value *v, snowflake_t id)
{
    v->ids.list = xrealloc(v->ids.list, (v->ids.count + 1) * sizeof(*v->ids.list));
    v->ids.list[v->ids.count++] = id;
}

bool setting_add_delay(const struct setting_info *info, int64_t ms, struct setting_value *v)
{
    if (!setting_in_range(info, ms) || v->delays.count == SETTING_DELAYS_MAX)
        return false;
    v->delays.ms[v->delays.count++] = ms;
    return true;
}

/* --- copies ------------------------------------------------------------------------------- */

bool setting_equal(enum setting s, const struct setting_value *a, const struct setting_value *b)
{
    if (a->none || b->none)
        return a->none == b->none;
    switch (setting_infos[s].type) {
    case VALUE_BOOLEAN:
        return a->on == b->on;
    case VALUE_ID:
        return snowflake_equal(a->id, b->id);
    case VALUE_IDS:
        return a->ids.count == b->ids.count &&
               (a->ids.count == 0 ||
                memcmp(a->ids.list, b->ids.list, a->ids.count * sizeof(*a->ids.list)) == 0);
    case VALUE_DELAYS:
        return a->delays.count == b->delays.count &&
               memcmp(a->delays.ms, b->delays.ms, a->delays.count * sizeof(a->delays.ms[0])) == 0;
    case VALUE_ZONE:
    case VALUE_LANGUAGE:
        return strcmp(a->text, b->text) == 0;
    default:
        return a->number == b->number;
    }
}

void setting_copy(enum setting s, struct setting_value *to, const struct setting_value *from)
{
    *to = *from;
    if (setting_infos[s].type != VALUE_IDS || from->ids.count == 0)
        return;
    to->ids.list = xcalloc(from->ids.count, sizeof(*to->ids.list));
    memcpy(to->ids.list, from->ids.list, from->ids.count * sizeof(*to->ids.list));
}

void setting_free(enum setting s, struct setting_value *v)
{
    if (setting_infos[s].type == VALUE_IDS)
        free(v->ids.list);
    memset(v, 0, sizeof(*v));
}
