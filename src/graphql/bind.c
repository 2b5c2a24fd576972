/* The table of fields, made of one part per topic (bind_*.c). Called by the compiler; a test
 * compares it with the schema.
 * Diagnostics: fatal for a field that stands in it twice. */
#include "graphql/bind.h"

#include <stdlib.h>
#include <string.h>

#include "graphql/bind_priv.h"
#include "presence/log.h"

#define ROWS_MAX 1024u

const struct bind_table *const bind_tables[] = {
    &bind_activity, &bind_channel, &bind_event,   &bind_guild,  &bind_ingest, &bind_member,
    &bind_record,   &bind_rows,    &bind_service, &bind_writes, NULL};

static const struct bind_list *const lists[] = {&list_absences,
                                                &list_activity,
                                                &list_channels,
                                                &list_decisions,
                                                &list_exemptions,
                                                &list_guilds,
                                                &list_jobs,
                                                &list_members,
                                                &list_purge,
                                                &list_revisions,
                                                NULL};

static const struct bind *sorted[ROWS_MAX];
static size_t sorted_n;

const struct bind_deed *bind_deed(const char *field)
{
    for (const struct bind_deed *d = bind_deeds; d->field; d++)
        if (strcmp(d->field, field) == 0)
            return d;
    return NULL;
}

const char *bind_judge(const char *type, const char *field)
{
    for (const struct bind_judge *j = bind_judges; j->type; j++)
        if (strcmp(j->field, field) == 0 && strcmp(j->type, type) == 0)
            return j->sql;
    return NULL;
}

const struct bind_range *bind_range(const char *name)
{
    /* Coverage has not lasted for longer than centuries. */
    static const struct bind_range ranges[] = {
        {"days", 1, 400}, {"quietDays", 1, 400}, {"observedIdleMs", 0, INT64_C(10000000000000)}};

    for (size_t i = 0; i < sizeof(ranges) / sizeof(ranges[0]); i++)
        if (strcmp(ranges[i].name, name) == 0)
            return &ranges[i];
    return NULL;
}

static int compare(const struct bind *a, const struct bind *b)
{
    int rc = strcmp(a->field, b->field);

    return rc ? rc : strcmp(a->type, b->type);
}

static int compare_rows(const void *a, const void *b)
{
    return compare(*(const struct bind *const *)a, *(const struct bind *const *)b);
}

static void sort(void)
{
    for (const struct bind_table *const *t = bind_tables; *t; t++)
        for (size_t i = 0; i < (*t)->n; i++) {
            if (sorted_n == ROWS_MAX)
                fatal("bind", "more than %u rows", ROWS_MAX);
            sorted[sorted_n++] = &(*t)->rows[i];
        }
    qsort(sorted, sorted_n, sizeof(sorted[0]), compare_rows);
    for (size_t i = 1; i < sorted_n; i++)
        if (compare(sorted[i - 1], sorted[i]) == 0)
            fatal("bind", "%s.%s stands there twice", sorted[i]->type, sorted[i]->field);
}

const struct bind *bind_find(const char *type, const char *field)
{
    struct bind key = {.type = type, .field = field};
    const struct bind *const row = &key, *const * found;

    if (sorted_n == 0)
        sort();
    found = bsearch(&row, sorted, sorted_n, sizeof(sorted[0]), compare_rows);
    return found ? *found : NULL;
}

const struct bind_list *bind_list_find(const char *name)
{
    for (const struct bind_list *const *l = lists; *l; l++)
        if (strcmp((*l)->name, name) == 0)
            return *l;
    fatal("bind", "there is no list %s", name);
}

bool bind_lists_guilds(const char *type, const char *field)
{
    const struct bind *b = bind_find(type, field);

    return b && b->kind == BIND_CONNECTION && !bind_list_find(b->order)->orders->owner;
}
