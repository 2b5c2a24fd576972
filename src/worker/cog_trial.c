/* The trial of new modules: a process of its own that tells which of the installed modules are fit
 * for service, and takes them. Started by presenced: presence-worker --take-cogs INSTALLED SERVICE
 * [NAME]; with NAME only that one is looked at.
 *
 * Workers load what is in service, never what is installed: copies in the state directory that
 * passed a trial. So a module that is replaced by a broken one stays in service, whatever dies and
 * is started again. A copy is tried by a child of this process, which may crash or hang. Whether
 * its commands and buttons are its own is judged together with the other ones: those that are in
 * service already have the first right to a name.
 *
 * Diagnostics: on standard output, a JSON object per line and module: name, ok, and what applies of
 * changed, removed, kept (the one of before stays), reason. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "presence/fd.h"
#include "worker/cogs.h"

#define MODULE_MAX    ((size_t)64 << 20)
#define REASON_MAX    2000u
#define CHECK_SECONDS 10u
#define FRESH         "fresh" /* the directory of copies on trial, in that of those in service */

struct candidate {
    char *name, *fresh, *old; /* paths; old: in service */
    bool tried;               /* there is an installed one, and it was asked for */
    bool has_old, changed, taken, kept;
    char *reason; /* why it is not taken */
};

/* --- a copy ------------------------------------------------------------------------------------
 */

static bool same_bytes(const char *path, const char *bytes, size_t len)
{
    size_t have;
    char *text = fd_read_file(path, MODULE_MAX, &have);
    bool same = text && have == len && !memcmp(text, bytes, len);

    free(text);
    return same;
}

/* NULL, or why there is none. */
static char *copy(struct candidate *c, const char *installed)
{
    size_t len = 0;
    char *bytes, *wrong = cog_file_wrong(installed);

    if (wrong)
        return wrong;
    if (!(bytes = fd_read_file(installed, MODULE_MAX, &len)))
        return xstrdup(strerror(errno));
    c->changed = !c->has_old || !same_bytes(c->old, bytes, len);
    if (fd_write_file(c->fresh, bytes, len, 0600, true))
        wrong = xasprintf("%s: %s", c->fresh, strerror(errno));
    free(bytes);
    return wrong;
}

/* --- a trial -----------------------------------------------------------------------------------
 */

static _Noreturn void try_here(const char *path, int out)
{
    char *wrong = NULL;

    alarm(CHECK_SECONDS);
    if (!cog_load(path, &wrong) && write(out, wrong, strlen(wrong)) < 0)
        _exit(2);
    _exit(wrong ? 1 : 0);
}

static char *read_reason(int fd)
{
    char *text = xcalloc(1, REASON_MAX + 1);
    size_t len = 0;
    ssize_t n;

    while (len < REASON_MAX && (n = read(fd, text + len, REASON_MAX - len)) != 0)
        if (n > 0)
            len += (size_t)n;
        else if (errno != EINTR)
            break;
    return text;
}

static char *how_it_ended(int status, char *reason)
{
    if (WIFEXITED(status) && (!WEXITSTATUS(status) || *reason))
        return reason;
    free(reason);
    if (WIFSIGNALED(status) && WTERMSIG(status) == SIGALRM)
        return xasprintf("its check took more than %u s", CHECK_SECONDS);
    return WIFSIGNALED(status)
               ? xasprintf("its check was ended by signal %d (%s)", WTERMSIG(status),
                           strsignal(WTERMSIG(status)))
               : xasprintf("its check ended the process with status %d", WEXITSTATUS(status));
}

/* NULL: it is fit. */
static char *try_it(const char *path)
{
    int ends[2], status = 0;
    char *reason;
    pid_t pid;

    if (pipe(ends))
        return xstrdup(strerror(errno));
    if ((pid = fork()) < 0) {
        reason = xstrdup(strerror(errno));
        close(ends[0]);
        close(ends[1]);
        return reason;
    }
    if (pid == 0)
        try_here(path, ends[1]);
    close(ends[1]);
    reason = read_reason(ends[0]);
    close(ends[0]);
    while (waitpid(pid, &status, 0) < 0 && errno == EINTR)
        ;
    reason = how_it_ended(status, reason);
    if (*reason)
        return reason;
    free(reason);
    return NULL;
}

/* --- all together ------------------------------------------------------------------------------
 */

/* Adds it to those of this process: NULL, or why it does not go with them. */
static char *add(const char *path)
{
    char *wrong = NULL;
    const struct cog *cog = cog_load(path, &wrong);

    return cog ? cogs_add(cog) : wrong;
}

static void keep_old(struct candidate *c)
{
    char *wrong = c->has_old ? try_it(c->old) : xstrdup("there is none");

    if (!wrong)
        wrong = add(c->old);
    c->kept = !wrong;
    free(wrong);
}

/* First what is in service already and stays, then what is new. */
static void choose(struct candidate *list, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        struct candidate *c = &list[i];

        if (!c->tried || c->reason)
            keep_old(c);
        else if (!c->changed)
            c->taken = !(c->reason = add(c->old));
    }
    for (size_t i = 0; i < n; i++) {
        struct candidate *c = &list[i];

        if (!c->tried || c->reason || !c->changed)
            continue;
        c->taken = !(c->reason = add(c->fresh));
        if (!c->taken)
            keep_old(c);
    }
}

static void put_in_service(struct candidate *c)
{
    if (c->taken && c->changed && rename(c->fresh, c->old)) {
        c->reason = xasprintf("%s: %s", c->old, strerror(errno));
        c->kept = c->has_old;
        c->taken = false;
    } else if (!c->taken && !c->kept && c->has_old) {
        unlink(c->old); /* workers would refuse it as well */
    }
    unlink(c->fresh);
}

static void print(const struct candidate *c, bool installed)
{
    struct buf line;

    buf_init(&line, 0);
    buf_puts(&line, "{\"name\":");
    buf_put_json(&line, c->name, strlen(c->name));
    buf_printf(&line, ",\"ok\":%s,\"changed\":%s,\"removed\":%s,\"kept\":%s",
               c->reason ? "false" : "true", c->taken && c->changed ? "true" : "false",
               installed ? "false" : "true", c->reason && c->kept ? "true" : "false");
    if (c->reason) {
        buf_puts(&line, ",\"reason\":");
        buf_put_json(&line, c->reason, strlen(c->reason));
    }
    buf_putc(&line, '}');
    puts(buf_cstr(&line));
    buf_clear(&line);
}

/* --- what there is -----------------------------------------------------------------------------
 */

static bool is_among(char *const *names, const char *name)
{
    for (; *names; names++)
        if (!strcmp(*names, name))
            return true;
    return false;
}

static struct candidate candidate_of(const char *name, const char *installed, const char *service,
                                     bool is_old, bool tried)
{
    struct candidate c = {.name = xstrdup(name),
                          .fresh = xasprintf("%s/" FRESH "/%s" COG_SUFFIX, service, name),
                          .old = xasprintf("%s/%s" COG_SUFFIX, service, name),
                          .has_old = is_old,
                          .tried = tried};
    char *path = xasprintf("%s/%s" COG_SUFFIX, installed, name);

    if (tried && !(c.reason = copy(&c, path)))
        c.reason = try_it(c.fresh);
    free(path);
    return c;
}

static void candidate_clear(struct candidate *c)
{
    free(c->name);
    free(c->fresh);
    free(c->old);
    free(c->reason);
}

/* A module that was installed and is not any more leaves service, unless only another was asked
 * for. */
static void retire(const char *name, const char *path)
{
    struct candidate gone = {.name = xstrdup(name)};

    unlink(path);
    print(&gone, false);
    candidate_clear(&gone);
}

static void say_absent(const char *name)
{
    struct candidate none = {.name = xstrdup(name), .reason = xstrdup("there is no such module")};

    print(&none, true);
    candidate_clear(&none);
}

static size_t collect(const char *installed, const char *service, const char *only,
                      struct candidate **list_r)
{
    char **old = cog_list(service), **fresh = cog_list(installed);
    static char *const none[] = {NULL};
    size_t n = 0;

    *list_r = xcalloc(2u * COGS_MAX, sizeof(**list_r));
    for (char **name = fresh; name && *name && n < COGS_MAX; name++)
        (*list_r)[n++] = candidate_of(*name, installed, service, is_among(old ? old : none, *name),
                                      !only || !strcmp(only, *name));
    for (char **name = old; name && *name && n < 2u * COGS_MAX; name++) {
        char *path = xasprintf("%s/%s" COG_SUFFIX, service, *name);

        if (is_among(fresh ? fresh : none, *name))
            ; /* it is there already */
        else if (fresh && (!only || !strcmp(only, *name)))
            retire(*name, path);
        else
            (*list_r)[n++] = candidate_of(*name, installed, service, true, false);
        free(path);
    }
    if (!fresh)
        fprintf(stderr, "%s: %s\n", installed, strerror(errno));
    if (only && !is_among(fresh ? fresh : none, only) && !is_among(old ? old : none, only))
        say_absent(only);
    cog_list_free(&fresh);
    cog_list_free(&old);
    return n;
}

int cog_trial(const char *installed, const char *service, const char *only)
{
    char *fresh = xasprintf("%s/" FRESH, service);
    struct candidate *list;
    size_t n;

    if (fd_mkdirs(fresh, 0700)) {
        fprintf(stderr, "%s: %s\n", fresh, strerror(errno));
        free(fresh);
        return 1;
    }
    n = collect(installed, service, only, &list);
    choose(list, n);
    for (size_t i = 0; i < n; i++) {
        put_in_service(&list[i]);
        if (list[i].tried)
            print(&list[i], true);
        candidate_clear(&list[i]);
    }
    rmdir(fresh);
    free(list);
    free(fresh);
    return fflush(stdout) ? 1 : 0;
}
