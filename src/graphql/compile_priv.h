/* Between the files of the compiler. */
#ifndef GRAPHQL_COMPILE_PRIV_H
#define GRAPHQL_COMPILE_PRIV_H

#include "graphql/bind.h"
#include "graphql/compile.h"
#include "graphql/complete.h"
#include "presence/buf.h"

#define PAGE_MAX     1000
#define PAGE_DEFAULT 50

struct scope { /* the arguments a template may name: the field's own */
    const struct gql_field *field;
    const struct gql_value *args;
    const char *caller; /* of a mutation */
};

struct page; /* connection.c */

struct compiler {
    const struct collect *c;
    struct gql_errors *errors;
    struct buf sql;
    unsigned aliases;
    const char **values; /* of the parameters */
    int n_params;
    const struct page *page; /* of the connection whose fields are being written */
    bool plan_anew;          /* struct pg_call */
    bool bound;              /* the text hangs on who asks */
    bool failed;
};

struct compiler *compiler_new(const struct collect *c, struct gql_errors *errors);
/* The statement; returns 0, or -1 with an entry in errors. */
int compile_finish(struct compiler *k, struct pg_call *call_r);
/* What a field is made of; fatal if the table has forgotten it. */
const struct bind *compile_bind(const struct gql_type *t, const struct collected *f);
/* Writes the value of a field of the row `parent`, whose arguments are those of s. */
void compile_value(struct compiler *k, const struct bind *b, const struct collected *f,
                   const struct scope *s, const char *parent);
/* Writes a parameter; value lives in the arena, NULL is null. */
void compile_parameter(struct compiler *k, const char *value);
/* Writes sql with its placeholders replaced (bind.h). */
void compile_template(struct compiler *k, const char *sql, const struct scope *s,
                      const char *parent, const char *alias);
/* Writes an object's JSON as an expression over the row `alias`. */
void compile_object(struct compiler *k, const struct gql_type *t, const struct collected *fields,
                    const char *alias);
const char *compile_alias(struct compiler *k);

/* A field that gives a connection, and the fields of one (BIND_CONNECTION and what follows it). */
void connection(struct compiler *k, const struct bind *b, const struct collected *f,
                const struct scope *s, const char *parent);
/* Writes the id of the owner of k->page. */
void connection_owner(struct compiler *k);
void connection_field(struct compiler *k, const struct bind *b, const struct collected *f);

#endif
