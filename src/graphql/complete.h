/* Errors of execution and where their nulls go (GraphQL section 6.4.4). What a field is asked may
 * not be executable although the document is valid: a variable is null where the argument must not
 * be, a page has -1 rows. The statement is made as if the field were null; how often that happens,
 * and below which objects, is known only from the result, which is then walked through once. */
#ifndef GRAPHQL_COMPLETE_H
#define GRAPHQL_COMPLETE_H

#include "graphql/collect.h"

/* What begins and ends a value of the result that says why its field is none (presence.refused in
 * SQL): no JSON holds it. */
#define COMPLETE_REFUSED '\x01'

/* Fields of one operation that cannot be executed. Each is told by its selection, since the same
 * one has the same arguments wherever it is reached. */
struct failures {
    struct failure *first;
};

/* The field's arguments. Returns 0, or -1 and the field has failed. */
int complete_arguments(const struct collect *c, const struct collected *f,
                       struct gql_value **args_r);
/* The field cannot be executed; code and message as in gql_error_add. */
void complete_fail(const struct collect *c, const struct collected *f, const char *code,
                   const char *fmt, ...) __attribute__((format(printf, 4, 5)));
bool complete_has_failed(const struct collect *c, const struct collected *f);

/* Appends the root field's value to out. json is what its executor made of it, the members of each
 * object in the order of collect_sub and nothing between them; NULL is null. Each failure or
 * refusal that is reached adds an error with its path, and the nearest value around it that may be
 * null is null. Returns false, with nothing appended, if none may: then data is null. */
bool complete_field(const struct collect *c, const struct collected *f, const char *json,
                    size_t len, struct buf *out, struct gql_errors *errors);

#endif
