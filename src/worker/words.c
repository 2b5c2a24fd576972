/* Texts in other languages, from the catalogues in po/: the process speaks several at once, and
 * none of them needs to be installed on the machine, so they are part of the program. Called
 * wherever something is said to users, and for the registration of commands. Diagnostics: none. */
#include <string.h>

#include "worker/cogs.h"

struct text {
    const char *id, *translated;
};

static const struct text de[] = {
#include "worker/words_de.inc"
};

static const struct language {
    const char *locale; /* as Discord names it */
    const struct text *texts;
    size_t count;
} languages[] = {{"de", de, sizeof(de) / sizeof(de[0])}};

const char *const cogs_locales[] = {"de", NULL};

static const struct language *language_of(const char *locale)
{
    for (size_t i = 0; i < sizeof(languages) / sizeof(languages[0]); i++)
        if (!strcmp(languages[i].locale, locale))
            return &languages[i];
    return NULL;
}

const char *words_find(const char *locale, const char *text)
{
    const struct language *l = language_of(locale);

    for (size_t i = 0; l && i < l->count; i++)
        if (!strcmp(l->texts[i].id, text))
            return l->texts[i].translated;
    return NULL;
}
