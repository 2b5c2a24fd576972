/* The plan of some batches: which calls, in which order. Called by the mutation recordSightings.
 * Diagnostics: a batch that breaks its own contract is refused with BAD_USER_INPUT. */
#include "graphql/ingest_priv.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "presence/log.h"
#include "presence/route.h"

#define CALLS_MAX 13u /* of one batch: its begin, and one per section */

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
    return &in->batches[in->at].fields[f->index];
}

int ingest_refuse(struct ingest *in, const char *code, const char *fmt, ...)
{
    char text[256];
    va_list ap;

    va_start(ap, fmt);
    vsnprintf(text, sizeof(text), fmt, ap);
    va_end(ap);
    gql_error_add(in->errors, code, (struct gql_loc){0, 0}, "batches[%zu]: %s", in->at, text);
    return -1;
}

static int position(struct ingest *in)
{
    struct ingest_place *p = &in->places[in->at];
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

struct pg_call *ingest_call(struct ingest *in)
{
    return &in->plan->calls[in->plan->n_calls++];
}

/* Its place is kept free at the plan's beginning: what it says is known at the end. */
static void begin_call(struct ingest *in, struct pg_call *call)
{
    static const char sql[] = "SELECT presence.batch_begin($1, $2, $3, $4, $5, $6, $7, $8)";
    const struct gql_value *list = ingest_field(in, "sessions");
    const struct ingest_place *place = &in->places[in->at];
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
    params_scalar(p, PARAM_INT2, place->lane);
    params_scalar(p, PARAM_INT8, place->epoch);
    params_scalar(p, PARAM_INT8, place->claim);
    params_scalar(p, PARAM_INT8, place->from);
    params_scalar(p, PARAM_INT8, place->to);
    params_ints(p, PARAM_INT8, session, NULL, used);
    params_ints(p, PARAM_INT8, seq, NULL, used);
    if (in->latest_ms[in->at] == INT64_MIN)
        params_null(p, PARAM_TIME);
    else
        params_scalar(p, PARAM_TIME, in->latest_ms[in->at]);
    params_call(p, sql, call);
}

struct turn {
    int64_t lane;
    size_t batch;
};

static int by_lane(const void *va, const void *vb)
{
    const struct turn *a = va, *b = vb;

    if (a->lane != b->lane)
        return a->lane < b->lane ? -1 : 1;
    return (a->batch > b->batch) - (a->batch < b->batch);
}

/* Each begin locks its lane's row. In the order of lanes, as claim_lanes does: whoever locks
 * several never waits for one who waits for him. */
static void begin_calls(struct ingest *in)
{
    struct turn *turns = arena_alloc(in->arena, in->n * sizeof(*turns) + 1);

    for (size_t i = 0; i < in->n; i++)
        turns[i] = (struct turn){in->places[i].lane, i};
    qsort(turns, in->n, sizeof(*turns), by_lane);
    for (size_t i = 0; i < in->n; i++) {
        in->at = turns[i].batch;
        begin_call(in, &in->plan->calls[i]);
    }
}

static int each_batch(struct ingest *in, int (*what)(struct ingest *in))
{
    for (in->at = 0; in->at < in->n; in->at++)
        if (what(in))
            return -1;
    return 0;
}

int ingest_plan(struct arena *arena, const struct gql_type *type, const struct gql_value *batches,
                size_t n, struct ingest_plan *plan_r, struct gql_errors *errors)
{
    struct ingest in = {
        .arena = arena, .type = type, .batches = batches, .n = n, .plan = plan_r, .errors = errors};

    in.places = arena_alloc(arena, n * sizeof(*in.places) + 1);
    in.latest_ms = arena_alloc(arena, n * sizeof(*in.latest_ms) + 1);
    for (size_t i = 0; i < n; i++)
        in.latest_ms[i] = INT64_MIN;
    *plan_r = (struct ingest_plan){.n_calls = n, .places = in.places, .n = n};
    plan_r->calls = arena_alloc(arena, (n * CALLS_MAX + 1) * sizeof(*plan_r->calls));
    if (each_batch(&in, position) || each_batch(&in, ingest_rows_before) || ingest_sightings(&in) ||
        each_batch(&in, ingest_rows_after))
        return -1;
    begin_calls(&in);
    return 0;
}

int ingest_result(const struct ingest_plan *plan, const struct pg_answer *a,
                  struct ingest_result *results_r)
{
    char code[16];
    long long epoch, pos;

    if (pg_outcome(a) == PG_OK) {
        for (size_t i = 0; i < plan->n; i++)
            results_r[i] =
                (struct ingest_result){"APPLIED", plan->places[i].epoch, plan->places[i].to};
        return 0;
    }
    if (plan->n != 1 || strcmp(pg_sqlstate(a), "PR001") != 0 ||
        sscanf(pg_detail(a), "%15s %lld %lld", code, &epoch, &pos) != 3)
        return -1;
    results_r[0] = (struct ingest_result){strcmp(code, "EPOCH") == 0     ? "EPOCH"
                                          : strcmp(code, "CLAIMED") == 0 ? "CLAIMED"
                                                                         : "POSITION",
                                          epoch, pos};
    return 0;
}
