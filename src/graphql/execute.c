/* Runs an operation: a query as one statement, a mutation field by field. Called by request.c.
 * Diagnostics: what PostgreSQL refuses is logged at error level (it is our statement) and answered
 * without its text; an absent database is UNAVAILABLE. */
#include "graphql/request.h"

#include <string.h>

#include "graphql/bind.h"
#include "graphql/introspect.h"
#include "graphql/record.h"
#include "presence/log.h"

static bool from_schema(const struct collected *f)
{
    return f->field->name[0] == '_' && f->field->name[1] == '_';
}

void request_put_key(struct request *r, const char *key)
{
    buf_printf(&r->data, "%s\"%s\":", buf_len(&r->data) ? "," : "", key);
}

static void put_meta(struct request *r, const struct gql_type *root, const struct collected *f)
{
    request_put_key(r, f->key);
    if (strcmp(f->field->name, "__typename") == 0)
        buf_printf(&r->data, "\"%s\"", root->name);
    else
        introspect(&r->collect, f, &r->data);
}

/* --- what the database refuses -------------------------------------------------------------------
 */

void request_database_error(struct request *r, const struct pg_answer *a, const struct collected *f)
{
    struct gql_loc loc = f ? f->first->loc : (struct gql_loc){0, 0};
    struct gql_error *e;

    switch (pg_outcome(a)) {
    case PG_UNAVAILABLE:
        r->status = 503;
        e = gql_error_add(&r->errors, "UNAVAILABLE", loc, "%s", pg_message(a));
        break;
    case PG_TIMEOUT:
        r->status = 503;
        e = gql_error_add(&r->errors, "TIMEOUT", loc, "the statement took too long");
        break;
    default:
        if (strcmp(pg_sqlstate(a), "PR002") == 0) {
            e = gql_error_add(&r->errors, "BAD_USER_INPUT", loc, "%s", pg_message(a));
            break;
        }
        log_error("pg_refused", "PostgreSQL refused a statement of %s: %s %s",
                  f ? f->field->name : "a query", pg_sqlstate(a), pg_message(a));
        r->status = 500;
        e = gql_error_add(&r->errors, "INTERNAL", loc, "the database refused it (%s)",
                          pg_sqlstate(a));
    }
    if (f)
        e->path = arena_printf(r->arena, "[\"%s\"]", f->key);
    request_answer(r);
}

/* --- queries -------------------------------------------------------------------------------------
 */

static void query_done(void *arg, const struct pg_answer *a)
{
    struct request *r = arg;
    int column = 0;

    if (pg_outcome(a) != PG_OK) {
        request_database_error(r, a, NULL);
        return;
    }
    for (const struct collected *f = r->fields; f; f = f->next) {
        const char *text;
        size_t len;

        if (from_schema(f)) {
            put_meta(r, r->service->schema->query, f);
            continue;
        }
        text = pg_value(a, 0, 0, column++, &len);
        request_put_key(r, f->key);
        if (text)
            buf_append(&r->data, text, len);
        else
            buf_puts(&r->data, "null");
    }
    request_answer(r);
}

static void execute_query(struct request *r)
{
    const struct collected **list;
    size_t n = 0;

    for (const struct collected *f = r->fields; f; f = f->next)
        n += !from_schema(f);
    if (n == 0) {
        for (const struct collected *f = r->fields; f; f = f->next)
            put_meta(r, r->service->schema->query, f);
        request_answer(r);
        return;
    }
    list = arena_alloc(r->arena, n * sizeof(struct collected *));
    n = 0;
    for (const struct collected *f = r->fields; f; f = f->next)
        if (!from_schema(f))
            list[n++] = f;
    if (compile_query(&r->collect, r->service->schema->query, list, n, &r->compiled, &r->errors)) {
        request_answer(r);
        return;
    }
    log_debug("sql", "%s", r->compiled.call.sql);
    pg_submit(r->service->pg, &r->compiled.call, 1, query_done, r);
}

/* --- mutations -----------------------------------------------------------------------------------
 */

static void deed_done(void *arg, const struct pg_answer *a)
{
    struct request *r = arg;
    const char *text;
    size_t len = 0;

    if (pg_outcome(a) != PG_OK) {
        request_database_error(r, a, r->current);
        return;
    }
    text = pg_value(a, 1, 0, 0, &len);
    request_put_key(r, r->current->key);
    if (text)
        buf_append(&r->data, text, len);
    else
        buf_puts(&r->data, "null");
    r->current = r->current->next;
    request_next_mutation(r);
}

static void do_deed(struct request *r, const struct collected *f)
{
    if (compile_mutation(&r->collect, f, r->deed, &r->errors)) {
        request_answer(r);
        return;
    }
    pg_submit(r->service->pg, r->deed, 2, deed_done, r);
}

void request_next_mutation(struct request *r)
{
    while (r->current && from_schema(r->current)) {
        put_meta(r, r->service->schema->mutation, r->current);
        r->current = r->current->next;
    }
    if (!r->current)
        request_answer(r);
    else if (strcmp(r->current->field->name, "recordSightings") == 0)
        record_start(r, r->current);
    else if (bind_deed(r->current->field->name))
        do_deed(r, r->current);
    else
        fatal("execute", "the mutation %s has no code", r->current->field->name);
}

void request_execute(struct request *r)
{
    if (r->operation->kind == AST_SUBSCRIPTION) {
        subscribe(r->service->subscriptions, r);
        return;
    }
    if (r->operation->kind == AST_QUERY) {
        execute_query(r);
        return;
    }
    r->current = r->fields;
    request_next_mutation(r);
}
