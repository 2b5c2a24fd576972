/* One module: from its file to its table. Called by cogs.c and by the trial of new modules.
 *
 * What is loaded runs with all that a worker may do, so the file must be as safe as the program:
 * nobody but its owner may write it, and that is root or we. Modules are never unloaded.
 * Diagnostics: none; what is wrong is told as text. */
#include <dirent.h>
#include <dlfcn.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "presence/buf.h"
#include "worker/cogs.h"

#define SUFFIX_LEN   (sizeof(COG_SUFFIX) - 1)
#define NAME_MAX_LEN 32u

/* --- the file ----------------------------------------------------------------------------------
 */

char *cog_file_wrong(const char *path)
{
    struct stat st;

    if (stat(path, &st))
        return xstrdup(strerror(errno));
    if (!S_ISREG(st.st_mode))
        return xstrdup("it is no regular file");
    if (st.st_uid != 0 && st.st_uid != geteuid())
        return xasprintf("its owner is user %u: expected root or the user of presenced",
                         (unsigned)st.st_uid);
    if (st.st_mode & (S_IWGRP | S_IWOTH))
        return xasprintf("others than its owner may write it (mode %04o)",
                         (unsigned)st.st_mode & 07777u);
    return NULL;
}

static const char *base_of(const char *path)
{
    const char *slash = strrchr(path, '/');

    return slash ? slash + 1 : path;
}

/* --- its table ---------------------------------------------------------------------------------
 */

static bool good_name(const char *name, size_t len)
{
    return len >= 1 && len <= NAME_MAX_LEN &&
           strspn(name, "abcdefghijklmnopqrstuvwxyz0123456789_-") >= len;
}

static char *table_wrong(const struct cog *cog, const char *path)
{
    const char *base = base_of(path), *wrong;

    if (cog->version != COG_VERSION)
        return xasprintf("it was built for version %u of the interface: expected %u", cog->version,
                         COG_VERSION);
    if (!cog->name || strlen(cog->name) + SUFFIX_LEN != strlen(base) ||
        strncmp(cog->name, base, strlen(cog->name)) != 0)
        return xasprintf("its name is \"%s\": expected that of its file",
                         cog->name ? cog->name : "");
    if (cog->n_commands && !cog->commands)
        return xstrdup("it has no table of commands");
    if (cog->prepare)
        cog->prepare();
    wrong = cog->self_check ? cog->self_check() : NULL;
    return wrong ? xasprintf("its self-check: %s", wrong) : NULL;
}

const struct cog *cog_load(const char *path, char **error_r)
{
    const struct cog *cog;
    void *handle;

    if ((*error_r = cog_file_wrong(path)))
        return NULL;
    if (!(handle = dlopen(path, RTLD_NOW | RTLD_LOCAL))) {
        const char *why = dlerror();
        size_t n = strlen(path);

        /* The name of the file is told by the caller. */
        *error_r =
            xstrdup(strncmp(why, path, n) == 0 && !strncmp(why + n, ": ", 2) ? why + n + 2 : why);
        return NULL;
    }
    cog = dlsym(handle, COG_SYMBOL);
    *error_r = cog ? table_wrong(cog, path) : xstrdup("it has no symbol " COG_SYMBOL);
    return *error_r ? NULL : cog;
}

/* --- a directory -------------------------------------------------------------------------------
 */

static int is_module(const struct dirent *e)
{
    size_t len = strlen(e->d_name);

    return len > SUFFIX_LEN && !strcmp(e->d_name + len - SUFFIX_LEN, COG_SUFFIX) &&
           good_name(e->d_name, len - SUFFIX_LEN);
}

char **cog_list(const char *directory)
{
    struct dirent **entries;
    int n = scandir(directory, &entries, is_module, alphasort);
    char **names;

    if (n < 0)
        return NULL;
    names = xcalloc((size_t)n + 1, sizeof(*names));
    for (int i = 0; i < n; i++) {
        names[i] = xstrndup(entries[i]->d_name, strlen(entries[i]->d_name) - SUFFIX_LEN);
        free(entries[i]);
    }
    free(entries);
    return names;
}

void cog_list_free(char ***names)
{
    for (char **n = *names; n && *n; n++)
        free(*n);
    free(*names);
    *names = NULL;
}
