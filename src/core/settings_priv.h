/* What the files of the settings share. */
#ifndef CORE_SETTINGS_PRIV_H
#define CORE_SETTINGS_PRIV_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "presence/settings.h"

/* --- reading (settings_read.c) ------------------------------------------------------------ */

/* What is still to be read. */
struct reader {
    const char *p, *end;
};

/* Each steps over what it reads and the blanks before it; false: it is not there (p is then
 * somewhere within it). */
bool reader_char(struct reader *r, char c);
bool reader_word(struct reader *r, const char *word); /* true, false, null */
/* Undoes escapes; false as well if it takes cap bytes or more or holds an escape beyond ASCII.
 * Terminated. */
bool reader_string(struct reader *r, char *out, size_t cap);
/* A number as thousandths, exactly; false as well where it has more than three decimals that are
 * not 0, or 10^15 or more before them. */
bool reader_number(struct reader *r, int64_t *thousandths_r);
/* Steps over any value, whose inner grammar is not checked, and tells where it lies. */
bool reader_skip(struct reader *r, struct reader *value_r);
bool reader_end(struct reader *r);

/* The same number as people write it, without JSON around: digits, and decimals behind a point. */
bool reader_decimal(struct reader *r, int64_t *thousandths_r);

/* A text that is put into a language where it is said. */
#define N_(text) text
static inline const char *setting_say(setting_words *words, const char *locale, const char *text)
{
    return words ? words(locale, text) : text;
}

/* --- values (settings_value.c) ------------------------------------------------------------ */

static inline bool setting_is_upper(char c)
{
    return c >= 'A' && c <= 'Z';
}

bool setting_in_range(const struct setting_info *info, int64_t v);
/* CHOICE, ID, ZONE and LANGUAGE: written the same way everywhere. */
bool setting_from_word(const struct setting_info *info, const char *word, struct setting_value *v);
/* Digits from 1 to 2^64 - 1, without zeros before them. */
bool setting_is_id(const char *text, snowflake_t *id_r);
void setting_add_id(struct setting_value *v, snowflake_t id);
bool setting_add_delay(const struct setting_info *info, int64_t ms, struct setting_value *v);

void setting_put_thousandths(int64_t v, struct buf *out);
void setting_put_duration(int64_t ms, struct buf *out);
/* A number of the setting as people write it. */
void setting_put_quantity(const struct setting_info *info, int64_t v, struct buf *out);

#endif
