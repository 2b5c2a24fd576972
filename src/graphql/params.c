/* The binary formats of PostgreSQL that batches need. Called by ingestion.
 * Diagnostics: fatal when a call is given more parameters than there is room for. */
#include "graphql/params.h"

#include <endian.h>
#include <string.h>

#include "presence/log.h"

#define PG_EPOCH_MS   INT64_C(946684800000)
#define PG_EPOCH_DAYS 10957

static const struct {
    uint32_t oid, array_oid;
    uint32_t size;
} kinds[] = {
    [PARAM_INT2] = {21, 1005, 2},   [PARAM_INT4] = {23, 1007, 4}, [PARAM_INT8] = {20, 1016, 8},
    [PARAM_BOOL] = {16, 1000, 1},   [PARAM_TEXT] = {25, 1009, 0}, [PARAM_TIME] = {1184, 1185, 8},
    [PARAM_DATE] = {1082, 1182, 4},
};

struct params *params_new(struct arena *arena)
{
    struct params *p = arena_alloc(arena, sizeof(*p));

    p->arena = arena;
    return p;
}

void params_call(const struct params *p, const char *sql, struct pg_call *call_r)
{
    *call_r = (struct pg_call){.sql = sql,
                               .n_params = p->n,
                               .types = p->types,
                               .values = p->values,
                               .lengths = p->lengths,
                               .formats = p->formats};
}

static void add(struct params *p, uint32_t oid, const void *bytes, size_t len)
{
    if (p->n == PARAMS_MAX)
        fatal("params", "too many parameters");
    p->types[p->n] = oid;
    p->values[p->n] = bytes;
    p->lengths[p->n] = (int)len;
    p->formats[p->n++] = 1;
}

static unsigned char *put32(unsigned char *out, uint32_t v)
{
    v = htobe32(v);
    memcpy(out, &v, 4);
    return out + 4;
}

static unsigned char *put_value(unsigned char *out, enum param_type type, int64_t v)
{
    uint64_t wide;
    uint16_t narrow;

    switch (type) {
    case PARAM_TIME:
        v = (v - PG_EPOCH_MS) * 1000;
        /* fall through */
    case PARAM_INT8:
        wide = htobe64((uint64_t)v);
        memcpy(out, &wide, 8);
        return out + 8;
    case PARAM_DATE:
        return put32(out, (uint32_t)(v - PG_EPOCH_DAYS));
    case PARAM_INT4:
        return put32(out, (uint32_t)v);
    case PARAM_INT2:
        narrow = htobe16((uint16_t)v);
        memcpy(out, &narrow, 2);
        return out + 2;
    case PARAM_BOOL:
        *out = v != 0;
        return out + 1;
    case PARAM_TEXT:
        break;
    }
    fatal("params", "no integer");
}

void params_scalar(struct params *p, enum param_type type, int64_t v)
{
    unsigned char *bytes = arena_alloc(p->arena, 8);

    put_value(bytes, type, v);
    add(p, kinds[type].oid, bytes, kinds[type].size);
}

void params_null(struct params *p, enum param_type type)
{
    add(p, kinds[type].oid, NULL, 0);
}

/* Header of an array: dimensions, whether there are nulls, type, length, lower bound. */
static unsigned char *put_header(unsigned char *out, enum param_type type, bool nulls, size_t n)
{
    out = put32(out, n > 0 ? 1 : 0);
    out = put32(out, nulls);
    out = put32(out, kinds[type].oid);
    if (n == 0)
        return out;
    out = put32(out, (uint32_t)n);
    return put32(out, 1);
}

void params_ints(struct params *p, enum param_type type, const int64_t *v, const uint8_t *null,
                 size_t n)
{
    uint32_t size = kinds[type].size;
    unsigned char *bytes = arena_take(p->arena, 20 + n * (4 + size)), *out = bytes;

    out = put_header(out, type, null != NULL, n);
    for (size_t i = 0; i < n; i++) {
        if (null && null[i]) {
            out = put32(out, UINT32_MAX);
            continue;
        }
        out = put32(out, size);
        out = put_value(out, type, v[i]);
    }
    add(p, kinds[type].array_oid, bytes, (size_t)(out - bytes));
}

static size_t text_size(const struct param_text *t)
{
    size_t size = t->len;

    for (size_t i = 0; i < t->len; i++)
        size += t->text[i] == '\0' ? 2 : 0;
    return size;
}

void params_texts(struct params *p, const struct param_text *v, size_t n)
{
    size_t total = 20;
    unsigned char *bytes, *out;

    for (size_t i = 0; i < n; i++)
        total += 4 + (v[i].text ? text_size(&v[i]) : 0);
    bytes = out = arena_take(p->arena, total);
    out = put_header(out, PARAM_TEXT, true, n);
    for (size_t i = 0; i < n; i++) {
        if (!v[i].text) {
            out = put32(out, UINT32_MAX);
            continue;
        }
        out = put32(out, (uint32_t)text_size(&v[i]));
        for (size_t k = 0; k < v[i].len; k++) {
            if (v[i].text[k]) {
                *out++ = (unsigned char)v[i].text[k];
                continue;
            }
            memcpy(out, "\xef\xbf\xbd", 3);
            out += 3;
        }
    }
    add(p, kinds[PARAM_TEXT].array_oid, bytes, (size_t)(out - bytes));
}
