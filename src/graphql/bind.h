/* Where the fields of the schema come from: one row per field, a piece of SQL each. */
#ifndef GRAPHQL_BIND_H
#define GRAPHQL_BIND_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum bind_kind {
    BIND_TEXT,  /* any expression; answered as a JSON string */
    BIND_ID,    /* bigint; answered as the decimal string of the unsigned number */
    BIND_BIG,   /* bigint; answered as a string */
    BIND_PLAIN, /* int, bigint or boolean as it is */
    BIND_TIME,  /* timestamptz; RFC 3339 */
    BIND_MS,    /* timestamptz; Unix ms */
    BIND_KIND,  /* smallint; name of the activity kind */
    BIND_IDS,   /* bigint[] */
    BIND_NAMES, /* text[] */
    BIND_ONE,   /* FROM clause that gives one row or none */
    BIND_SAME,  /* an object made of the same row */
    BIND_LIST,  /* FROM clause that gives rows; `order` sorts them */

    BIND_CONNECTION, /* one page of a sorted list: `order` names it (bind_list_find); sql gives the
                        id its cursors are bound to, 0 where it has no owner */
    /* the fields of a connection, of its edges and of its PageInfo; they have no sql */
    BIND_ROWS,  /* edges or nodes */
    BIND_TOTAL, /* how many rows there are on all pages */
    BIND_CURSOR,
    BIND_HAS_NEXT,
    BIND_HAS_PREVIOUS,
    BIND_START,
    BIND_END
};

/* In sql and order: {p} is the alias of the row the field belongs to, {t} that of the new row,
 * {owner} the id that owns the rows of the page (bind_list) or, outside of one, {p}.guild_id;
 * {name} an argument of the field, {name.field} a field of an argument that is an object, or a
 * column of one that is a list of objects. No other brace may stand there ('{}' is ARRAY[]): a test
 * looks at each. */
struct bind {
    const char *type, *field;
    enum bind_kind kind;
    const char *sql;
    const char *order;
};

/* NULL: the field is not in the table. */
const struct bind *bind_find(const char *type, const char *field);

/* What PostgreSQL alone can judge of a field's arguments: a piece of SQL as in struct bind that is
 * null where they are well, and else presence.refused(why). */
struct bind_judge {
    const char *type, *field;
    const char *sql;
};

/* NULL: there is nothing to judge. */
const char *bind_judge(const char *type, const char *field);
extern const struct bind_judge bind_judges[]; /* bind_activity.c; ends with type NULL */

/* What an argument, or a field of a filter, may be at least and at most, by its name. */
struct bind_range {
    const char *name;
    int64_t min, max;
};

/* NULL: whatever its type allows. */
const struct bind_range *bind_range(const char *name);

/* What a mutation does: a call of one SQL function. Its row in the table of fields then reads the
 * result, in a statement of its own of the same transaction. */
struct bind_deed {
    const char *field;
    /* As in struct bind; {*} is an object of all arguments as jsonb, {@} the name of the caller's
     * token. */
    const char *sql;
    bool slow; /* may touch very many rows */
};

/* NULL: the mutation has code of its own. */
const struct bind_deed *bind_deed(const char *field);
extern const struct bind_deed bind_deeds[]; /* bind_writes.c; ends with field NULL */

/* --- lists that are paged ------------------------------------------------------------------------
 */

enum bind_key_type { KEY_BIG, KEY_TIME, KEY_TEXT }; /* bigint, timestamptz, text (COLLATE "C") */

/* One order: the rows come from `from`, whose alias is `lead` and which has an index for it. */
struct bind_order {
    const char *name; /* in the field's argument orderBy; any, where it has none */
    unsigned id;      /* marks its cursors; never used for another order */
    const char *lead;
    const char *from;
    const char *join;  /* the other table, for filters that look at it; or NULL */
    const char *ids;   /* columns by which the row is found again */
    const char *owner; /* the column that holds the id of the connection's owner; NULL: it has none,
                          and ids is the guild's id, by which a token for some guilds sees those */
    const char *where;
    struct {
        const char *sql;
        enum bind_key_type type;
    } keys[5]; /* sorted by these (ends with a NULL sql); not null where `where` holds; together
                  unique */
};

/* A field of the argument `filter`. Its sql may name it as {filter.name}; with `each` it is a list
 * of an enum, sql is written once per value with {v} for its name, and any of them may hold. */
struct bind_filter {
    const char *name;
    const char *lead;  /* this row is for orders with this lead only; NULL: for all */
    const char *table; /* the alias that sql names; NULL: none but the lead */
    bool each;
    const char *sql;
    const char *absent; /* the condition when it is not given, or NULL */
    bool varies;        /* so selective for some values that they want a plan of their own */
};

struct bind_list {
    const char *name;
    const char *rows;                  /* join of the rows {t} to the ids of {p} */
    const struct bind_order *orders;   /* ends with a NULL name; the first one is the default */
    const struct bind_filter *filters; /* ends with a NULL name */
};

/* Whether the field gives a list of guilds, which shows a token for some guilds those alone. */
bool bind_lists_guilds(const char *type, const char *field);

/* Fatal if there is none. */
const struct bind_list *bind_list_find(const char *name);

/* All rows, by topic; the list ends with NULL. */
struct bind_table {
    const struct bind *rows;
    size_t n;
};
extern const struct bind_table *const bind_tables[];

#endif
