/* The plan of a batch: which calls, in which order. Called by the mutation recordSightings.
 * Diagnostics: a batch that breaks its own contract is refused with BAD_USER_INPUT. */
#include "graphql/ingest_priv.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "presence/log.h"
#include "presence/route.h"

const struct gql_type *ingest_field_type(const struct ingest *in, const char *name)
{
    const struct gql_input *f =
        gql_input_find(in->type->inputs, in->type->n_inputs, name, strlen(name));

    if (!f)
        fatal("ingest", "LaneBatch has no field %s", name);
    return f->ref->type;
}

const struct gql_value *ingest_field(const struct ingest *in, const char *name)
{
    const struct gql_input *f =
        gql_input_find(in->type->inputs, in->type->n_inputs, name, strlen(name));

    if (!f)
        fatal("ingest", "LaneBatch has no field %s", name);
    return &in->fields[f->index];
}

int ingest_refuse(struct ingest *in, const char *code, const char *fmt, ...)
{
    char text[256];
    va_list ap;

    va_start(ap, fmt);
    vsnprintf(text, sizeof(text), fmt, ap);
    va_end(ap);
    gql_error_add(in->errors, code, (struct gql_loc){0, 0}, "batch: %s", text);
    return -1;
}

static int position(struct ingest *in)
{
    struct ingest_plan *p = in->plan;
    const struct gql_value *claim = ingest_field(in, "claim");

    p->lane = ingest_field(in, "lane")->i;
    p->epoch = ingest_field(in, "epoch")->i;
    p->claim = claim->kind == VALUE_INT ? claim->i : p->epoch;
    p->from = ingest_field(in, "from")->i;
    p->to = ingest_field(in, "to")->i;
    if (p->lane < 0 || p->lane >= LANES)
        return ingest_refuse(in, "BAD_USER_INPUT", "lane: expected 0 to %u", LANES - 1);
    if (p->from < 0 || p->to < p->from)
        return ingest_refuse(in, "BAD_USER_INPUT", "expected 0 <= from <= to");
    return 0;
}

static void begin_call(struct ingest *in)
{
    static const char sql[] = "SELECT presence.batch_begin($1, $2, $3, $4, $5, $6, $7, $8)";
    const struct gql_value *list = ingest_field(in, "sessions");
    size_t n = list->list.n;
    int64_t *session = arena_alloc(in->arena, n * sizeof(int64_t) + 1);
    int64_t *seq = arena_alloc(in->arena, n * sizeof(int64_t) + 1);
    struct params *p = params_new(in->arena);
    size_t used = 0;

    for (size_t i = 0; i < n; i++) {
        const struct gql_value *f = list->list.items[i].fields;
        size_t k = 0;

        while (k < used && session[k] != f[0].i)
            k++;
        session[k] = f[0].i;
        seq[k] = k < used && seq[k] > f[1].i ? seq[k] : f[1].i;
        used += k == used;
    }
    params_scalar(p, PARAM_INT2, in->plan->lane);
    params_scalar(p, PARAM_INT8, in->plan->epoch);
    params_scalar(p, PARAM_INT8, in->plan->claim);
    params_scalar(p, PARAM_INT8, in->plan->from);
    params_scalar(p, PARAM_INT8, in->plan->to);
    params_ints(p, PARAM_INT8, session, NULL, used);
    params_ints(p, PARAM_INT8, seq, NULL, used);
    if (in->latest_ms == INT64_MIN)
        params_null(p, PARAM_TIME);
    else
        params_scalar(p, PARAM_TIME, in->latest_ms);
    params_call(p, sql, &in->plan->calls[0]);
}

int ingest_plan(struct arena *arena, const struct gql_type *type, const struct gql_value *batch,
                struct ingest_plan *plan_r, struct gql_errors *errors)
{
    struct ingest in = {arena, type, batch->fields, plan_r, errors, INT64_MIN};

    *plan_r = (struct ingest_plan){.n_calls = 1};
    if (position(&in) || ingest_rows_before(&in) || ingest_sightings(&in) || ingest_rows_after(&in))
        return -1;
    begin_call(&in);
    return 0;
}

int ingest_result(const struct ingest_plan *plan, const struct pg_answer *a,
                  struct ingest_result *result_r)
{
    char code[16];
    long long epoch, pos;

    if (pg_outcome(a) == PG_OK) {
        *result_r = (struct ingest_result){"APPLIED", plan->epoch, plan->to};
        return 0;
    }
    if (strcmp(pg_sqlstate(a), "PR001") != 0 ||
        sscanf(pg_detail(a), "%15s %lld %lld", code, &epoch, &pos) != 3)
        return -1;
    *result_r = (struct ingest_result){strcmp(code, "EPOCH") == 0     ? "EPOCH"
                                       : strcmp(code, "CLAIMED") == 0 ? "CLAIMED"
                                                                      : "POSITION",
                                       epoch, pos};
    return 0;
}
