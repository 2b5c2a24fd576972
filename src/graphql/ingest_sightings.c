/* The sightings of the batches of one transaction: checked, sorted and folded into one entry per
 * activity row, one per member, and the gaps inside the batch, so that the statements behind get
 * sorted columns without duplicates. Called by ingest_plan. Diagnostics: BAD_USER_INPUT naming the
 * index. */
#include "graphql/ingest_priv.h"

#include <stdlib.h>
#include <string.h>

#define MINUTE_MS INT64_C(60000)
#define GAP_MS    (30 * MINUTE_MS)
#define DAY_MS    INT64_C(86400000)

struct sighting {
    int64_t guild, user, minute, channel, kind;
    int64_t count, first, last;
    bool has_channel, counted;
};

static int64_t floor_div(int64_t a, int64_t b)
{
    return a / b - (a % b < 0);
}

static int compare(const void *va, const void *vb)
{
    const struct sighting *a = va, *b = vb;

#define BY(field)                                                                                  \
    if (a->field != b->field)                                                                      \
        return a->field < b->field ? -1 : 1;
    BY(guild)
    BY(user)
    BY(minute)
    BY(channel)
    BY(kind)
#undef BY
    return 0;
}

static bool same_key(const struct sighting *a, const struct sighting *b)
{
    return compare(a, b) == 0;
}

static bool same_member(const struct sighting *a, const struct sighting *b)
{
    return a->guild == b->guild && a->user == b->user;
}

/* --- reading -------------------------------------------------------------------------------------
 */

static const struct gql_value *column(const struct gql_type *t, const struct gql_value *v,
                                      const char *name)
{
    return &v->fields[gql_input_find(t->inputs, t->n_inputs, name, strlen(name))->index];
}

struct source {
    const struct gql_value *column[8];
    size_t n;
};

/* The columns of the batch at hand. */
static int find_columns(struct ingest *in, struct source *from)
{
    static const char *const names[] = {"guildId", "userId",  "channelId", "kind",
                                        "count",   "firstAt", "lastAt",    "counted"};
    const struct gql_value *v = ingest_field(in, "sightings");
    const struct gql_type *t = ingest_field_type(in, "sightings");

    *from = (struct source){.n = 0};
    if (v->kind != VALUE_OBJECT)
        return 0;
    for (size_t i = 0; i < 8; i++) {
        from->column[i] = column(t, v, names[i]);
        if (from->column[i]->ints.n != from->column[0]->ints.n)
            return ingest_refuse(in, "BAD_USER_INPUT",
                                 "sightings.%s has %zu entries where guildId has %zu", names[i],
                                 from->column[i]->ints.n, from->column[0]->ints.n);
    }
    from->n = from->column[0]->ints.n;
    return 0;
}

static int read_rows(struct ingest *in, const struct source *from, struct sighting *rows)
{
    const struct gql_value *const *c = from->column;

    for (size_t i = 0; i < from->n; i++) {
        struct sighting *s = &rows[i];

        *s = (struct sighting){.guild = c[0]->ints.v[i],
                               .user = c[1]->ints.v[i],
                               .channel = c[2]->ints.v[i],
                               .has_channel = !c[2]->ints.null || !c[2]->ints.null[i],
                               .kind = c[3]->ints.v[i] + 1, /* enum activity_kind */
                               .count = c[4]->ints.v[i],
                               .first = c[5]->ints.v[i],
                               .last = c[6]->ints.v[i],
                               .counted = c[7]->ints.v[i] != 0};
        s->minute = floor_div(s->first, MINUTE_MS);
        if (s->count < 0)
            return ingest_refuse(in, "BAD_USER_INPUT", "sightings.count[%zu]: expected 0 or more",
                                 i);
        if (s->last < s->first || floor_div(s->last, MINUTE_MS) != s->minute)
            return ingest_refuse(in, "BAD_USER_INPUT",
                                 "sightings.lastAt[%zu]: expected a time not before firstAt and in "
                                 "the same minute",
                                 i);
        if (s->last > in->latest_ms[in->at])
            in->latest_ms[in->at] = s->last;
    }
    return 0;
}

/* The rows of all batches, one behind the other. */
static int read_all(struct ingest *in, struct sighting **rows_r, size_t *n_r)
{
    struct source *from = arena_alloc(in->arena, in->n * sizeof(*from) + 1);
    size_t n = 0;

    for (in->at = 0; in->at < in->n; in->at++) {
        if (find_columns(in, &from[in->at]))
            return -1;
        n += from[in->at].n;
        if (n > LIMIT_BATCH_ROWS)
            return ingest_refuse(in, "LIMIT_BATCH", "sightings: more than %u entries in all",
                                 LIMIT_BATCH_ROWS);
    }
    *rows_r = arena_take(in->arena, n * sizeof(**rows_r) + 1);
    *n_r = 0;
    for (in->at = 0; in->at < in->n; *n_r += from[in->at++].n)
        if (read_rows(in, &from[in->at], *rows_r + *n_r))
            return -1;
    return 0;
}

/* --- columns -------------------------------------------------------------------------------------
 */

struct columns {
    int64_t *v[8];
    uint8_t *null[8];
    size_t n;
};

static void columns_init(struct ingest *in, struct columns *c, size_t width, size_t n)
{
    *c = (struct columns){0};
    for (size_t i = 0; i < width; i++)
        c->v[i] = arena_take(in->arena, n * sizeof(int64_t) + 1);
}

static void set_null(struct ingest *in, struct columns *c, size_t column_index, size_t max)
{
    if (!c->null[column_index])
        c->null[column_index] = arena_alloc(in->arena, max);
    c->null[column_index][c->n] = 1;
}

/* guild, user, seen, seen kind, channel, first counted, counted, counted kind. What was found in
 * the history (count 0) is no act of this moment: no gap ends with it. */
static void add_member(struct ingest *in, struct columns *m, const struct sighting *rows, size_t n,
                       size_t max)
{
    const struct sighting *seen = rows, *counted = NULL, *first = NULL;

    for (size_t i = 0; i < n; i++) {
        if (rows[i].last >= seen->last)
            seen = &rows[i];
        if (!rows[i].counted)
            continue;
        if (!counted || rows[i].last >= counted->last)
            counted = &rows[i];
        if (rows[i].count > 0 && (!first || rows[i].first < first->first))
            first = &rows[i];
    }
    m->v[0][m->n] = rows->guild;
    m->v[1][m->n] = rows->user;
    m->v[2][m->n] = seen->last;
    m->v[3][m->n] = seen->kind;
    m->v[4][m->n] = seen->channel;
    if (!seen->has_channel)
        set_null(in, m, 4, max);
    if (first)
        m->v[5][m->n] = first->first;
    else
        set_null(in, m, 5, max);
    if (counted) {
        m->v[6][m->n] = counted->last;
        m->v[7][m->n] = counted->kind;
    } else {
        set_null(in, m, 6, max);
        set_null(in, m, 7, max);
    }
    m->n++;
}

/* Silences between the counted acts of one member inside the batch; rows go by minute. */
static void add_gaps(struct columns *g, const struct sighting *rows, size_t n)
{
    int64_t last = INT64_MAX;

    for (size_t i = 0; i < n; i++) {
        if (!rows[i].counted || rows[i].count == 0)
            continue;
        if (last != INT64_MAX && rows[i].first - last >= GAP_MS) {
            g->v[0][g->n] = rows->guild;
            g->v[1][g->n] = rows->user;
            g->v[2][g->n++] = rows[i].first - last;
        }
        if (last == INT64_MAX || rows[i].last > last)
            last = rows[i].last;
    }
}

/* What was found in the history is no row of activity. */
static size_t fold(struct sighting *rows, size_t n)
{
    size_t out = 0;

    for (size_t i = 0; i < n; i++) {
        struct sighting *to = &rows[out > 0 ? out - 1 : 0];

        if (rows[i].count == 0)
            continue;
        if (out == 0 || !same_key(to, &rows[i])) {
            rows[out++] = rows[i];
            continue;
        }
        to->count += rows[i].count;
        to->first = rows[i].first < to->first ? rows[i].first : to->first;
        to->last = rows[i].last > to->last ? rows[i].last : to->last;
        to->counted = to->counted || rows[i].counted;
    }
    return out;
}

static void add_months(struct ingest *in, struct params *p, const struct sighting *rows, size_t n)
{
    int64_t *days = arena_alloc(in->arena, n * sizeof(*days) + 1);
    size_t used = 0;

    for (size_t i = 0; i < n; i++) {
        int64_t day = floor_div(rows[i].first, DAY_MS);
        size_t k = used;

        /* Newest first: nearly always the day before this one. */
        while (k > 0 && days[k - 1] != day)
            k--;
        if (k == 0)
            days[used++] = day;
    }
    params_ints(p, PARAM_DATE, days, NULL, used);
}

int ingest_sightings(struct ingest *in)
{
    static const char sql[] =
        "SELECT presence.batch_sightings($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13,"
        " $14, $15, $16, $17, $18, $19, $20)";
    static const enum param_type member_types[] = {PARAM_INT8, PARAM_INT8, PARAM_TIME, PARAM_INT2,
                                                   PARAM_INT8, PARAM_TIME, PARAM_TIME, PARAM_INT2};
    static const enum param_type activity_types[] = {PARAM_INT8, PARAM_INT8, PARAM_TIME,
                                                     PARAM_INT8, PARAM_INT2, PARAM_INT4,
                                                     PARAM_TIME, PARAM_TIME};
    struct columns m, a, g;
    struct params *p;
    struct sighting *rows = NULL;
    size_t n = 0, kept;

    if (read_all(in, &rows, &n))
        return -1;
    if (n == 0)
        return 0;
    qsort(rows, n, sizeof(*rows), compare);
    columns_init(in, &m, 8, n);
    columns_init(in, &g, 3, n);
    for (size_t i = 0, k; i < n; i = k) {
        for (k = i + 1; k < n && same_member(&rows[i], &rows[k]); k++)
            ;
        add_member(in, &m, rows + i, k - i, n);
        add_gaps(&g, rows + i, k - i);
    }
    kept = fold(rows, n);
    columns_init(in, &a, 8, kept);
    for (a.n = 0; a.n < kept; a.n++) {
        const struct sighting *s = &rows[a.n];
        const int64_t values[] = {s->guild,   s->user, s->minute * MINUTE_MS,
                                  s->channel, s->kind, s->count,
                                  s->first,   s->last};

        for (size_t c = 0; c < 8; c++)
            a.v[c][a.n] = values[c];
    }
    p = params_new(in->arena);
    add_months(in, p, rows, kept);
    for (size_t c = 0; c < 8; c++)
        params_ints(p, member_types[c], m.v[c], m.null[c], m.n);
    for (size_t c = 0; c < 8; c++)
        params_ints(p, activity_types[c], a.v[c], NULL, a.n);
    for (size_t c = 0; c < 3; c++)
        params_ints(p, PARAM_INT8, g.v[c], NULL, g.n);
    params_call(p, sql, ingest_call(in));
    return 0;
}
