/* From a file or a text to struct conf: the grammar (ini.c) feeding the builder (core/conf.c).
 * Called by every program at start, and by presenced at a reload.
 * Diagnostics: errors collected for the caller to print. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "presence/conf.h"
#include "presence/fd.h"
#include "presence/ini.h"

#define CONF_FILE_MAX ((size_t)1 << 20)

static const struct ini_callbacks conf_callbacks = {
    .section = conf_build_section,
    .entry = conf_build_entry,
    .error = conf_build_error,
};

int conf_parse_text(const char *text, size_t len, const char *name, struct conf *conf_r,
                    struct conf_errors *errors)
{
    struct conf_build *build = conf_build_new(name, errors);

    ini_read(text, len, &conf_callbacks, build);
    return conf_build_finish(&build, conf_r);
}

int conf_load(const char *path, struct conf *conf_r, struct conf_errors *errors)
{
    size_t len;
    char *text = fd_read_file(path, CONF_FILE_MAX, &len);
    int result;

    if (text == NULL) {
        char *why = xasprintf("cannot read the configuration: %s", strerror(errno));
        struct conf_build *build = conf_build_new(path, errors);

        conf_build_error(build, 0, why);
        free(why);
        return conf_build_finish(&build, conf_r);
    }
    result = conf_parse_text(text, len, path, conf_r, errors);
    free(text);
    return result;
}
