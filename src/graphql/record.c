/* recordSightings: the batches of a request are applied in one transaction, since each commit costs
 * PostgreSQL a wait for the disk. If that is refused, because a lane stands elsewhere or one of
 * them holds what the tables do not take, nothing of it was applied, and each has a transaction of
 * its own. Called by execute. Diagnostics: those of ingest and of refusal.c. */
#include "graphql/record.h"

#include <string.h>

#include "graphql/ingest.h"

struct record {
    const struct collected *field;
    const struct gql_type *type;     /* LaneBatch */
    const struct gql_value *batches; /* the list */
    struct ingest_plan plan;         /* of the transaction under way */
    size_t first;                    /* its first batch */
    struct ingest_result *results;   /* per batch */
};

static void put_quoted(struct buf *b, const char *text)
{
    buf_putc(b, '"');
    buf_puts(b, text);
    buf_putc(b, '"');
}

static void put_result(struct request *r, const struct gql_type *t, const struct collected *sub,
                       const struct ingest_result *result)
{
    buf_putc(&r->data, '{');
    for (const struct collected *s = sub; s; s = s->next) {
        if (s != sub)
            buf_putc(&r->data, ',');
        put_quoted(&r->data, s->key);
        buf_putc(&r->data, ':');
        if (strcmp(s->field->name, "code") == 0) {
            put_quoted(&r->data, result->code);
        } else if (strcmp(s->field->name, "__typename") == 0) {
            put_quoted(&r->data, t->name);
        } else {
            buf_putc(&r->data, '"');
            buf_put_i64(&r->data,
                        strcmp(s->field->name, "epoch") == 0 ? result->epoch : result->position);
            buf_putc(&r->data, '"');
        }
    }
    buf_putc(&r->data, '}');
}

static void put_results(struct request *r)
{
    const struct record *rec = r->record;
    const struct gql_type *t = rec->field->field->ref->type;
    const struct collected *sub = collect_sub(&r->collect, t, rec->field);

    request_put_key(r, rec->field->key);
    buf_putc(&r->data, '[');
    for (size_t i = 0; i < rec->batches->list.n; i++) {
        if (i)
            buf_putc(&r->data, ',');
        put_result(r, t, sub, &rec->results[i]);
    }
    buf_putc(&r->data, ']');
    r->current = r->current->next;
    request_next_mutation(r);
}

static void applied(void *arg, const struct pg_answer *a);

/* A transaction for n batches from the first one on. */
static void apply(struct request *r, size_t first, size_t n)
{
    struct gql_error *before = r->errors.last;
    struct record *rec = r->record;

    rec->first = first;
    if (ingest_plan(r->arena, rec->type, rec->batches->list.items + first, n, &rec->plan,
                    &r->errors))
        request_mutation_invalid(r, before);
    else
        pg_submit(r->service->pg, rec->plan.calls, rec->plan.n_calls, applied, r);
}

static void applied(void *arg, const struct pg_answer *a)
{
    struct request *r = arg;
    struct record *rec = r->record;
    size_t behind = rec->first + rec->plan.n;

    if (ingest_result(&rec->plan, a, rec->results + rec->first) == 0) {
        if (behind < rec->batches->list.n)
            apply(r, behind, 1);
        else
            put_results(r);
    } else if (pg_outcome(a) == PG_FAILED && rec->plan.n > 1) {
        apply(r, 0, 1);
    } else {
        request_mutation_refused(r, a);
    }
}

void record_start(struct request *r, const struct collected *f)
{
    struct record *rec = arena_alloc(r->arena, sizeof(*rec));
    struct gql_error *before = r->errors.last;
    struct gql_value *args;

    if (gql_coerce_arguments(r->arena, f->field->args, f->field->n_args, f->first->arguments,
                             &r->variables, f->first->loc, &args, &r->errors)) {
        request_mutation_invalid(r, before);
        return;
    }
    *rec = (struct record){.field = f, .type = f->field->args[0].ref->type, .batches = &args[0]};
    rec->results = arena_alloc(r->arena, args[0].list.n * sizeof(*rec->results) + 1);
    r->record = rec;
    if (args[0].list.n)
        apply(r, 0, args[0].list.n);
    else
        put_results(r);
}
