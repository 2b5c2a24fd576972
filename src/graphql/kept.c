/* Statements kept with their document. Called by the compiler.
 * Diagnostics: none. */
#include "graphql/kept.h"

#include <string.h>

#define KEPT_MAX     16u    /* of a document */
#define KEPT_SQL_MAX 16384u /* bytes */

struct kept_sql *kept_find(const struct kept *kept, const struct ast_selection *of)
{
    for (struct kept_sql *k = kept->first; k; k = k->next)
        if (k->of == of)
            return k;
    return NULL;
}

void kept_add(struct kept *kept, const struct ast_selection *of, const char *sql)
{
    size_t len = strlen(sql);
    struct kept_sql *k;

    if (kept->n >= KEPT_MAX || len > KEPT_SQL_MAX)
        return;
    k = arena_alloc(kept->arena, sizeof(*k));
    *k = (struct kept_sql){
        .next = kept->first, .of = of, .sql = arena_strndup(kept->arena, sql, len)};
    kept->first = k;
    kept->n++;
}
