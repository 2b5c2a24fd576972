/* Runs an operation: a query as one statement, a mutation field by field. Called by request.c.
 * Diagnostics: those of refusal.c. */
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
    buf_puts(&r->data, buf_len(&r->data) ? ",\"" : "\"");
    buf_puts(&r->data, key);
    buf_puts(&r->data, "\":");
}

static void put_meta(struct request *r, const struct gql_type *root, const struct collected *f)
{
    request_put_key(r, f->key);
    if (strcmp(f->field->name, "__typename") == 0)
        buf_printf(&r->data, "\"%s\"", root->name);
    else
        introspect(&r->collect, f, &r->data);
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

/* The field is null, with its error; what was done before stays done, what follows is done. */
static void mutation_failed(struct request *r)
{
    if (r->current->field->ref->non_null) {
        r->partial = false;
        request_answer(r);
        return;
    }
    request_put_key(r, r->current->key);
    buf_puts(&r->data, "null");
    r->current = r->current->next;
    request_next_mutation(r);
}

static void deed_done(void *arg, const struct pg_answer *a)
{
    struct request *r = arg;
    const char *text;
    size_t len = 0;

    if (pg_outcome(a) != PG_OK) {
        /* Away, and nothing else was asked for: the request as a whole failed. */
        r->partial =
            r->partial || r->fields != r->current || r->current->next || pg_outcome(a) == PG_FAILED;
        request_add_refusal(r, a, r->current);
        mutation_failed(r);
        return;
    }
    text = pg_value(a, r->mutation.n_calls - 1, 0, 0, &len);
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
    struct gql_error *before = r->errors.last;

    if (compile_mutation(&r->collect, f, r->caller, &r->mutation, &r->errors)) {
        r->partial = r->partial || r->fields != f || f->next;
        for (struct gql_error *e = before ? before->next : r->errors.first; e; e = e->next)
            e->path = arena_printf(r->arena, "[\"%s\"]", f->key);
        mutation_failed(r);
        return;
    }
    pg_submit(r->service->pg, r->mutation.calls, r->mutation.n_calls, deed_done, r);
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
