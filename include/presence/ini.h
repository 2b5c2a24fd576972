/* Reads the INI grammar line by line (libinih inside) and reports with exact line numbers. */
#ifndef PRESENCE_INI_H
#define PRESENCE_INI_H

#include <stddef.h>

#define INI_LINE_MAX 4096

struct ini_callbacks {
    void (*section)(void *arg, unsigned line, const char *section);
    /* section is "" before the first heading. */
    void (*entry)(void *arg, unsigned line, const char *section, const char *key,
                  const char *value);
    void (*error)(void *arg, unsigned line, const char *message);
};

/* Comments are lines that begin with ; or #. White space around keys and values is dropped; there
 * are no continuation lines, no quotes and no escapes. */
void ini_read(const char *text, size_t len, const struct ini_callbacks *cb, void *arg);

#endif
