/* Text files compiled into the program (made by embed.sh). */
#ifndef GRAPHQL_EMBEDDED_H
#define GRAPHQL_EMBEDDED_H

#include <stddef.h>

extern const char embedded_schema_graphql[], embedded_builtin_graphql[];
extern const size_t embedded_schema_graphql_len, embedded_builtin_graphql_len;

struct embedded_migration {
    int version; /* 0 ends the list */
    const char *name, *sql;
};
extern const struct embedded_migration embedded_migrations[];

struct embedded_operation {
    const char *text; /* NULL ends the list */
    size_t len;
};
extern const struct embedded_operation embedded_operations[];

#endif
