/* The sections of a batch that are lists of objects: which field goes into which parameter of which
 * function of sql/002_batch.sql. Called by ingest_plan.
 * Diagnostics: LIMIT_BATCH for a list that is too long; BAD_USER_INPUT for a member who stands
 * twice where he may stand once. */
#include "graphql/ingest_priv.h"

#include <stdio.h>
#include <string.h>

#include "presence/log.h"
#include "presence/route.h"

enum column_kind {
    COLUMN_INT8,
    COLUMN_INT4,
    COLUMN_BOOL,
    COLUMN_TIME,
    COLUMN_TEXT,
    COLUMN_ENUM, /* its name */
    COLUMN_IDS,  /* a list of ids as an array literal */
    COLUMN_MASK  /* which of the fields marked `masked` were given, first one bit 0 */
};

struct column {
    const char *field;
    enum column_kind kind;
    bool masked;
};

#define COLUMNS_MAX 20

struct section {
    const char *field; /* of LaneBatch */
    const char *sql;
    bool with_lane; /* the lane is the first parameter */
    bool once;      /* at most one entry per guild and user, the first two columns */
    struct column columns[COLUMNS_MAX];
};

static const struct section before[] = {
    {"gateway",
     "SELECT presence.batch_gateway($1, $2, $3, $4, $5, $6, $7)",
     false,
     false,
     {{"session", COLUMN_INT8, false},
      {"shard", COLUMN_INT4, false},
      {"shards", COLUMN_INT4, false},
      {"edge", COLUMN_ENUM, false},
      {"at", COLUMN_TIME, false},
      {"watchedUntil", COLUMN_TIME, false},
      {"closeCode", COLUMN_INT4, false}}},
    {"guilds",
     "SELECT presence.batch_guilds($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13)",
     true,
     false,
     {{"guildId", COLUMN_INT8, false},
      {"at", COLUMN_TIME, false},
      {NULL, COLUMN_MASK, false},
      {"available", COLUMN_BOOL, false},
      {"left", COLUMN_BOOL, false},
      {"name", COLUMN_TEXT, true},
      {"ownerId", COLUMN_INT8, true},
      {"afkChannelId", COLUMN_INT8, true},
      {"systemChannelId", COLUMN_INT8, true},
      {"locale", COLUMN_TEXT, true},
      {"memberCount", COLUMN_INT4, true},
      {"botJoinedAt", COLUMN_TIME, true}}},
    {"channels",
     "SELECT presence.batch_channels($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14,"
     " $15)",
     false,
     false,
     {{"guildId", COLUMN_INT8, false},
      {"channelId", COLUMN_INT8, false},
      {"at", COLUMN_TIME, false},
      {NULL, COLUMN_MASK, false},
      {"gone", COLUMN_BOOL, false},
      {"type", COLUMN_INT4, true},
      {"name", COLUMN_TEXT, true},
      {"parentId", COLUMN_INT8, true},
      {"ownerId", COLUMN_INT8, true},
      {"lastMessageId", COLUMN_INT8, true},
      {"position", COLUMN_INT4, true},
      {"flags", COLUMN_INT4, true},
      {"archived", COLUMN_BOOL, true},
      {"locked", COLUMN_BOOL, true},
      {"overwrites", COLUMN_TEXT, true}}},
    {"roles",
     "SELECT presence.batch_roles($1, $2, $3, $4, $5, $6, $7, $8, $9)",
     false,
     false,
     {{"guildId", COLUMN_INT8, false},
      {"roleId", COLUMN_INT8, false},
      {"at", COLUMN_TIME, false},
      {NULL, COLUMN_MASK, false},
      {"gone", COLUMN_BOOL, false},
      {"name", COLUMN_TEXT, true},
      {"position", COLUMN_INT4, true},
      {"permissions", COLUMN_INT8, true},
      {"managed", COLUMN_BOOL, true}}},
    {"members",
     "SELECT presence.batch_members($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14,"
     " $15, $16, $17)",
     false,
     true,
     {{"guildId", COLUMN_INT8, false},
      {"userId", COLUMN_INT8, false},
      {"at", COLUMN_TIME, false},
      {NULL, COLUMN_MASK, false},
      {"bot", COLUMN_BOOL, false},
      {"onRoster", COLUMN_BOOL, false},
      {"username", COLUMN_TEXT, true},
      {"globalName", COLUMN_TEXT, true},
      {"nick", COLUMN_TEXT, true},
      {"roles", COLUMN_IDS, true},
      {"joinedAt", COLUMN_TIME, true},
      {"premiumSince", COLUMN_TIME, true},
      {"timeoutUntil", COLUMN_TIME, true},
      {"pending", COLUMN_BOOL, true},
      {"flags", COLUMN_INT4, true},
      {"avatarHash", COLUMN_INT8, true},
      {"lastEditAt", COLUMN_TIME, false}}},
};

static const struct section after[] = {
    {"voice",
     "SELECT presence.batch_voice($1, $2, $3, $4, $5, $6)",
     false,
     false,
     {{"guildId", COLUMN_INT8, false},
      {"userId", COLUMN_INT8, false},
      {"channelId", COLUMN_INT8, false},
      {"at", COLUMN_TIME, false},
      {"state", COLUMN_INT4, false},
      {"estimated", COLUMN_BOOL, false}}},
    {"present",
     "SELECT presence.batch_present($1, $2, $3)",
     false,
     true,
     {{"guildId", COLUMN_INT8, false},
      {"userId", COLUMN_INT8, false},
      {"until", COLUMN_TIME, false}}},
    {"rostersComplete",
     "SELECT presence.batch_rosters($1, $2, $3)",
     true,
     false,
     {{"guildId", COLUMN_INT8, false}, {"begunAt", COLUMN_TIME, false}}},
    {"partsComplete",
     "SELECT presence.batch_parts($1, $2, $3)",
     false,
     false,
     {{"guildId", COLUMN_INT8, false}, {"part", COLUMN_ENUM, false}, {"at", COLUMN_TIME, false}}},
    {"voiceComplete",
     "SELECT presence.batch_voice_complete($1, $2)",
     false,
     false,
     {{"guildId", COLUMN_INT8, false}, {"at", COLUMN_TIME, false}}},
    {"coverage",
     "SELECT presence.batch_coverage($1, $2, $3, $4, $5)",
     false,
     false,
     {{"guildId", COLUMN_INT8, false},
      {"session", COLUMN_INT8, false},
      {"at", COLUMN_TIME, false},
      {"open", COLUMN_BOOL, false},
      {"reason", COLUMN_ENUM, false}}},
};

/* --- columns -------------------------------------------------------------------------------------
 */

struct rows {
    const struct gql_type *type;
    const struct gql_value *items; /* VALUE_OBJECT each */
    size_t n;
};

static const struct gql_input *input_of(const struct rows *rows, const char *field)
{
    const struct gql_input *in =
        gql_input_find(rows->type->inputs, rows->type->n_inputs, field, strlen(field));

    if (!in)
        fatal("ingest", "%s has no field %s", rows->type->name, field);
    return in;
}

static void int_column(struct ingest *in, struct params *p, const struct rows *rows, size_t index,
                       enum param_type type)
{
    int64_t *v = arena_alloc(in->arena, rows->n * sizeof(*v));
    uint8_t *null = NULL;

    for (size_t i = 0; i < rows->n; i++) {
        const struct gql_value *f = &rows->items[i].fields[index];

        if (f->kind == VALUE_INT) {
            v[i] = f->i;
            continue;
        }
        if (!null)
            null = arena_alloc(in->arena, rows->n);
        null[i] = 1;
    }
    params_ints(p, type, v, null, rows->n);
}

static const char *ids_literal(struct arena *arena, const struct gql_value *list)
{
    char *text = arena_alloc(arena, list->ints.n * 21 + 3), *out = text;

    *out++ = '{';
    for (size_t i = 0; i < list->ints.n; i++)
        out += sprintf(out, "%s%lld", i ? "," : "", (long long)list->ints.v[i]);
    *out = '}';
    return text;
}

static void text_column(struct ingest *in, struct params *p, const struct rows *rows,
                        const struct gql_input *input, enum column_kind kind)
{
    struct param_text *v = arena_alloc(in->arena, rows->n * sizeof(*v));

    for (size_t i = 0; i < rows->n; i++) {
        const struct gql_value *f = &rows->items[i].fields[input->index];

        if (f->kind <= VALUE_NULL)
            continue;
        if (kind == COLUMN_TEXT) {
            v[i] = (struct param_text){f->string.text, f->string.len};
            continue;
        }
        v[i].text =
            kind == COLUMN_ENUM ? input->ref->type->values[f->i].name : ids_literal(in->arena, f);
        v[i].len = strlen(v[i].text);
    }
    params_texts(p, v, rows->n);
}

static void mask_column(struct ingest *in, struct params *p, const struct rows *rows,
                        const struct section *s)
{
    int64_t *v = arena_alloc(in->arena, rows->n * sizeof(*v));
    int64_t bit = 1;

    for (size_t c = 0; c < COLUMNS_MAX; c++) {
        size_t index;

        if (!s->columns[c].masked)
            continue;
        index = input_of(rows, s->columns[c].field)->index;
        for (size_t i = 0; i < rows->n; i++)
            v[i] |= rows->items[i].fields[index].kind != VALUE_ABSENT ? bit : 0;
        bit <<= 1;
    }
    params_ints(p, PARAM_INT4, v, NULL, rows->n);
}

static void column(struct ingest *in, struct params *p, const struct rows *rows,
                   const struct section *s, const struct column *c)
{
    static const enum param_type types[] = {[COLUMN_INT8] = PARAM_INT8,
                                            [COLUMN_INT4] = PARAM_INT4,
                                            [COLUMN_BOOL] = PARAM_BOOL,
                                            [COLUMN_TIME] = PARAM_TIME};

    if (c->kind == COLUMN_MASK)
        mask_column(in, p, rows, s);
    else if (c->kind >= COLUMN_TEXT)
        text_column(in, p, rows, input_of(rows, c->field), c->kind);
    else
        int_column(in, p, rows, input_of(rows, c->field)->index, types[c->kind]);
}

static void note_latest(struct ingest *in, const struct rows *rows)
{
    const struct gql_input *at = gql_input_find(rows->type->inputs, rows->type->n_inputs, "at", 2);

    for (size_t i = 0; at && i < rows->n; i++)
        if (rows->items[i].fields[at->index].i > in->latest_ms[in->at])
            in->latest_ms[in->at] = rows->items[i].fields[at->index].i;
}

/* A second row for one member cannot be merged into the first: which of them is the later state is
 * not said. */
static int check_once(struct ingest *in, const struct section *s, const struct rows *rows)
{
    size_t guild = input_of(rows, s->columns[0].field)->index;
    size_t user = input_of(rows, s->columns[1].field)->index, size = 16;
    uint32_t *places;

    while (size < 2 * rows->n)
        size *= 2;
    places = arena_alloc(in->arena, size * sizeof(*places)); /* 0: free, else a row's index + 1 */
    for (size_t i = 0; i < rows->n; i++) {
        int64_t g = rows->items[i].fields[guild].i, u = rows->items[i].fields[user].i;
        size_t at = route_mix((uint64_t)u ^ (uint64_t)g << 1) & (size - 1);

        for (; places[at]; at = (at + 1) & (size - 1)) {
            const struct gql_value *other = rows->items[places[at] - 1].fields;

            if (other[guild].i == g && other[user].i == u)
                return ingest_refuse(in, "BAD_USER_INPUT",
                                     "%s[%zu]: the same member as %s[%u], expected at most one "
                                     "entry per member",
                                     s->field, i, s->field, places[at] - 1);
        }
        places[at] = (uint32_t)i + 1;
    }
    return 0;
}

static int section(struct ingest *in, const struct section *s)
{
    const struct gql_value *list = ingest_field(in, s->field);
    struct rows rows;
    struct params *p;

    if (list->kind != VALUE_LIST || list->list.n == 0)
        return 0;
    if (list->list.n > LIMIT_BATCH_ROWS)
        return ingest_refuse(in, "LIMIT_BATCH", "%s: more than %u entries", s->field,
                             LIMIT_BATCH_ROWS);
    rows = (struct rows){ingest_field_type(in, s->field), list->list.items, list->list.n};
    if (s->once && check_once(in, s, &rows))
        return -1;
    p = params_new(in->arena);
    if (s->with_lane)
        params_scalar(p, PARAM_INT2, in->places[in->at].lane);
    for (size_t c = 0; c < COLUMNS_MAX; c++)
        if (s->columns[c].field || s->columns[c].kind == COLUMN_MASK)
            column(in, p, &rows, s, &s->columns[c]);
    note_latest(in, &rows);
    params_call(p, s->sql, ingest_call(in));
    return 0;
}

int ingest_rows_before(struct ingest *in)
{
    for (size_t i = 0; i < sizeof(before) / sizeof(before[0]); i++)
        if (section(in, &before[i]))
            return -1;
    return 0;
}

int ingest_rows_after(struct ingest *in)
{
    for (size_t i = 0; i < sizeof(after) / sizeof(after[0]); i++)
        if (section(in, &after[i]))
            return -1;
    return 0;
}
