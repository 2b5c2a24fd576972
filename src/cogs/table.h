/* Rows for a file: CSV, JSON or plain text, in a buffer of bounded size. Columns come from the
 * nodes of a GraphQL answer by their keys, so names and values are the API's own; ids are text in
 * all three. */
#ifndef COGS_TABLE_H
#define COGS_TABLE_H

#include <stdbool.h>
#include <stddef.h>

#include "presence/buf.h"
#include "presence/json.h"

enum table_format { TABLE_CSV, TABLE_JSON, TABLE_TXT };

struct table_column {
    const char *name; /* of the column; NULL: end of the list */
    const char *key;  /* in a node: "userId", "activity.people" */
};

struct table {
    enum table_format format;
    const struct table_column *columns;
    size_t max; /* bytes of the whole file */
    size_t rows;
    bool full; /* a row did not fit: it and all later ones are left out */
    struct buf bytes;
};

/* "csv", "json" or "txt". */
enum table_format table_format_named(const char *name);
const char *table_extension(enum table_format format);
const char *table_type(enum table_format format); /* for Content-Type */

void table_begin(struct table *t, enum table_format format, const struct table_column *columns,
                 size_t max);
void table_row(struct table *t, const struct json *node);
/* What closes the file. */
void table_end(struct table *t);
void table_clear(struct table *t);

#endif
