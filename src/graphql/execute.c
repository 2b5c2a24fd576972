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

/* Appends the value of a root field. Returns 0, or -1: then there is no data at all. */
static int put_value(struct request *r, const struct collected *f, const char *json, size_t len)
{
    request_put_key(r, f->key);
    if (complete_field(&r->collect, f, json, len, &r->data, &r->errors)) {
        r->partial = r->errors.count > 0;
        return 0;
    }
    buf_reset(&r->data);
    r->data_null = true;
    return -1;
}

static int put_meta(struct request *r, const struct gql_type *root, const struct collected *f)
{
    struct buf json;
    int rc;

    buf_init(&json, 0);
    if (strcmp(f->field->name, "__typename") == 0)
        buf_printf(&json, "\"%s\"", root->name);
    else
        introspect(&r->collect, f, &json);
    rc = put_value(r, f, (char *)buf_bytes(&json), buf_len(&json));
    buf_clear(&json);
    return rc;
}

/* --- queries -------------------------------------------------------------------------------------
 */

static void query_done(void *arg, const struct pg_answer *a)
{
    struct request *r = arg;
    int column = 0, rc = 0;

    if (pg_outcome(a) != PG_OK) {
        request_add_refusal(r, a, NULL);
        request_answer(r);
        return;
    }
    for (const struct collected *f = r->fields; f && rc == 0; f = f->next) {
        const char *text;
        size_t len;

        if (from_schema(f)) {
            rc = put_meta(r, r->service->schema->query, f);
            continue;
        }
        text = pg_value(a, 0, 0, column++, &len);
        rc = put_value(r, f, text, len);
    }
    request_answer(r);
}

/* Those that the database has something to do for. */
static size_t stored_fields(struct request *r, const struct collected ***list_r)
{
    const struct collected **list;
    size_t n = 0;

    for (const struct collected *f = r->fields; f; f = f->next)
        n += !from_schema(f);
    list = arena_alloc(r->arena, n * sizeof(struct collected *) + 1);
    n = 0;
    for (const struct collected *f = r->fields; f; f = f->next)
        if (!from_schema(f))
            list[n++] = f;
    *list_r = list;
    return n;
}

/* Whether the first field fails and may not be null: then there is no data, whatever the rest is.
 */
static bool in_vain(struct request *r)
{
    const struct collected *f = r->fields;

    return f->field->ref->non_null && complete_has_failed(&r->collect, f) &&
           put_value(r, f, NULL, 0);
}

static void execute_query(struct request *r)
{
    const struct collected **list;
    size_t n = stored_fields(r, &list);
    int rc = 0;

    if (n == 0) {
        for (const struct collected *f = r->fields; f && rc == 0; f = f->next)
            rc = put_meta(r, r->service->schema->query, f);
        request_answer(r);
        return;
    }
    if (compile_query(&r->collect, r->service->schema->query, list, n, &r->compiled, &r->errors) ||
        in_vain(r)) {
        request_answer(r);
        return;
    }
    log_debug("sql", "%s", r->compiled.call.sql);
    pg_submit(r->service->pg, &r->compiled.call, 1, query_done, r);
}

/* --- mutations -----------------------------------------------------------------------------------
 */

/* The field is null; what was done before stays done. What follows is done as well, unless the
 * field may not be null: then data is, and whatever follows would be done unseen. */
static void mutation_failed(struct request *r)
{
    if (r->current->field->ref->non_null) {
        buf_reset(&r->data);
        r->data_null = true;
        request_answer(r);
        return;
    }
    request_put_key(r, r->current->key);
    buf_puts(&r->data, "null");
    r->partial = true;
    r->current = r->current->next;
    request_next_mutation(r);
}

void request_mutation_refused(struct request *r, const struct pg_answer *a)
{
    /* Away, and nothing else was asked for: the request as a whole failed. */
    if (pg_outcome(a) != PG_FAILED && r->fields == r->current && !r->current->next) {
        request_add_refusal(r, a, r->current);
        request_answer(r);
        return;
    }
    r->partial = true;
    request_add_refusal(r, a, r->current);
    mutation_failed(r);
}

void request_mutation_invalid(struct request *r, struct gql_error *before)
{
    for (struct gql_error *e = before ? before->next : r->errors.first; e; e = e->next)
        e->path = arena_printf(r->arena, "[\"%s\"]", r->current->key);
    mutation_failed(r);
}

static void deed_done(void *arg, const struct pg_answer *a)
{
    struct request *r = arg;
    const char *text;
    size_t len = 0;

    if (pg_outcome(a) != PG_OK) {
        request_mutation_refused(r, a);
        return;
    }
    text = pg_value(a, r->mutation.n_calls - 1, 0, 0, &len);
    if (put_value(r, r->current, text, len)) {
        request_answer(r);
        return;
    }
    r->current = r->current->next;
    request_next_mutation(r);
}

static void do_deed(struct request *r, const struct collected *f)
{
    struct gql_error *before = r->errors.last;

    if (compile_mutation(&r->collect, f, r->caller, &r->mutation, &r->errors))
        request_mutation_invalid(r, before);
    else
        pg_submit(r->service->pg, r->mutation.calls, r->mutation.n_calls, deed_done, r);
}

static bool too_late(const struct request *r)
{
    return clock_mono().ms - r->begun_ms > REQUEST_TIME_MS;
}

static void leave_undone(struct request *r)
{
    struct gql_error *before = r->errors.last;

    gql_error_add(&r->errors, "TIMEOUT", r->current->first->loc,
                  "not begun: the request took more than %d seconds so far",
                  REQUEST_TIME_MS / 1000);
    request_mutation_invalid(r, before);
}

void request_next_mutation(struct request *r)
{
    for (; r->current && from_schema(r->current); r->current = r->current->next)
        put_meta(r, r->service->schema->mutation, r->current); /* __typename, which never fails */
    if (!r->current)
        request_answer(r);
    else if (too_late(r))
        leave_undone(r);
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
