/* Prints the list of presence-commands(7), from the tables of the modules in a directory: what the
 * page says is what the commands are. Run while Presence is built. Diagnostics: fatal if a module
 * cannot be read. */
#include <dirent.h>
#include <dlfcn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "presence/cog.h"
#include "presence/log.h"
#include "presence/permissions.h"
#include "presence/prefix.h"

#define COGS_MAX 64u

static const struct cog *cogs[COGS_MAX];
static size_t n_cogs;

/* --- the modules ------------------------------------------------------------------------------ */

static int is_module(const struct dirent *entry)
{
    size_t len = strlen(entry->d_name);

    return len > 3 && !strcmp(entry->d_name + len - 3, ".so");
}

static void load(const char *directory, const char *name)
{
    char *path = xasprintf("%s/%s", directory, name);
    void *module = dlopen(path, RTLD_NOW | RTLD_LOCAL);
    const struct cog *cog = module ? dlsym(module, COG_SYMBOL) : NULL;

    if (!cog || cog->version != COG_VERSION || n_cogs == COGS_MAX)
        fatal("page", "%s: %s", path, module ? "it is no cog of this version" : dlerror());
    if (cog->prepare)
        cog->prepare();
    cogs[n_cogs++] = cog;
    free(path);
}

static void load_all(const char *directory)
{
    struct dirent **found;
    int n = scandir(directory, &found, is_module, alphasort);

    if (n <= 0)
        fatal("page", "%s: there are no modules", directory);
    for (int i = 0; i < n; i++) {
        load(directory, found[i]->d_name);
        free(found[i]);
    }
    free(found);
}

/* --- the page --------------------------------------------------------------------------------- */

/* A line of text: nothing in it is taken for markup. */
static void put_text(const char *text)
{
    if (*text == '.' || *text == '\'')
        fputs("\\&", stdout);
    for (; *text; text++)
        fputs(*text == '\\' ? "\\e" : (char[]){*text, '\0'}, stdout);
    putchar('\n');
}

static void put_options(const struct command_action *action)
{
    if (!action->options)
        return;
    puts(".Bl -tag -width Ds -compact");
    for (const struct command_option *o = action->options; o->name; o++) {
        printf(".It Ar %s\n", o->name);
        put_text(o->description);
    }
    puts(".El");
}

static void put_permissions(uint64_t permissions)
{
    struct buf names;

    if (!permissions)
        return;
    buf_init(&names, 0);
    permissions_print(permissions, &names);
    puts(".br");
    printf("Needs %s.\n", buf_cstr(&names));
    buf_clear(&names);
}

static void put_action(const struct command *c, const struct command_action *a)
{
    const char *description = a->description ? a->description : c->description;
    struct buf usage;

    buf_init(&usage, 0);
    command_usage(c, a, &usage);
    printf(".It Ic %s\n", buf_cstr(&usage));
    buf_clear(&usage);
    put_text(description ? description : "In the menu of a member, under Apps.");
    put_permissions(c->permissions | a->permissions);
    put_options(a);
}

static int by_name(const void *a, const void *b)
{
    return strcmp((*(const struct command *const *)a)->name,
                  (*(const struct command *const *)b)->name);
}

static void put_commands(void)
{
    const struct command *all[256];
    size_t n = 0;

    for (size_t i = 0; i < n_cogs; i++)
        for (size_t k = 0; k < cogs[i]->n_commands && n < 256; k++)
            all[n++] = cogs[i]->commands[k];
    qsort(all, n, sizeof(all[0]), by_name);
    puts(".Sh COMMANDS\n.Bl -tag -width Ds");
    for (size_t i = 0; i < n; i++)
        for (const struct command_action *a = all[i]->actions; a->run; a++)
            put_action(all[i], a);
    puts(".El");
}

static void put_developers(void)
{
    puts(".Sh DEVELOPERS' COMMANDS\n.Bl -tag -width Ds");
    for (size_t i = 0; i < n_cogs; i++) {
        for (size_t k = 0; cogs[i]->prefix_commands && cogs[i]->prefix_commands[k]; k++) {
            struct buf usage;

            buf_init(&usage, 0);
            prefix_usage(cogs[i]->prefix_commands[k], &usage);
            printf(".It Ic ?%s\n", buf_cstr(&usage));
            buf_clear(&usage);
            put_text(cogs[i]->prefix_commands[k]->help);
        }
    }
    puts(".El");
}

int main(int argc, char **argv)
{
    if (argc != 2)
        fatal("page", "expected the directory of the modules");
    load_all(argv[1]);
    put_commands();
    put_developers();
    return 0;
}
