/* Texts in other languages. Called wherever something is said to users, and for the registration of
 * commands. Diagnostics: none. */
#include <string.h>

#include "cogs/cogs.h"

const char *const cogs_locales[] = {NULL};

const char *cogs_words(const char *locale, const char *text)
{
    (void)locale;
    return text;
}
