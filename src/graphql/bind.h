/* Where the fields of the schema come from: one row per field, a piece of SQL each. */
#ifndef GRAPHQL_BIND_H
#define GRAPHQL_BIND_H

#include <stddef.h>

enum bind_kind {
    BIND_TEXT,  /* any expression; answered as a JSON string */
    BIND_ID,    /* bigint; answered as the decimal string of the unsigned number */
    BIND_BIG,   /* bigint; answered as a string */
    BIND_PLAIN, /* int, bigint or boolean as it is */
    BIND_TIME,  /* timestamptz; RFC 3339 */
    BIND_MS,    /* timestamptz; Unix ms */
    BIND_KIND,  /* smallint; name of the activity kind */
    BIND_IDS,   /* bigint[] */
    BIND_ONE,   /* FROM clause that gives one row or none */
    BIND_SAME,  /* an object made of the same row */
    BIND_LIST   /* FROM clause that gives rows; `order` sorts them */
};

/* In sql and order: {p} is the alias of the row the field belongs to, {t} that of the new row,
 * {name} an argument (of the field or of one above it), {name.field} a column of an argument that
 * is a list of objects. */
struct bind {
    const char *type, *field;
    enum bind_kind kind;
    const char *sql;
    const char *order;
};

/* NULL: the field is not in the table. */
const struct bind *bind_find(const char *type, const char *field);
/* The SQL function call that does what the mutation says; its row in binds[] then reads the result,
 * in a statement of its own. NULL: the mutation has code of its own. */
const char *bind_deed(const char *field);

/* All rows, by topic; the list ends with NULL. */
struct bind_table {
    const struct bind *rows;
    size_t n;
};
extern const struct bind_table *const bind_tables[];

#endif
