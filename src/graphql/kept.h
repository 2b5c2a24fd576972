/* Statements that hang on nothing but their document: they live as long as it does, so that a
 * document which comes again is not compiled again. */
#ifndef GRAPHQL_KEPT_H
#define GRAPHQL_KEPT_H

#include "graphql/ast.h"

struct kept_sql {
    struct kept_sql *next;
    const struct ast_selection *of; /* whose value it gives */
    const char *sql;
    uint64_t id; /* pg.c's name of it (pg_call), 0 until it has one */
};

struct kept {
    struct arena *arena; /* of the document */
    struct kept_sql *first;
    unsigned n;
};

/* NULL: none is kept. */
struct kept_sql *kept_find(const struct kept *kept, const struct ast_selection *of);
/* Copies sql; long ones, and those of a document that has very many, are not kept. */
void kept_add(struct kept *kept, const struct ast_selection *of, const char *sql);

#endif
