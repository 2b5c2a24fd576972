/* The compiler: each field is an expression over its row (bind.c), an object the concatenation of
 * its fields, a list an aggregate. Arguments become parameters, so that equal documents give equal
 * statements. Called by the executor.
 * Diagnostics: BAD_USER_INPUT for arguments; fatal for a field that bind.c has forgotten (a test
 * compares it with the schema). */
#include <stdio.h>
#include <string.h>

#include "graphql/compile_priv.h"
#include "presence/log.h"
/* --- parameters ----------------------------------------------------------------------------------
 */

static const char *int_text(struct compiler *k, const struct gql_type *t, int64_t v)
{
    char time[CLOCK_RFC3339_SIZE];

    if (t->kind == GQL_ENUM)
        return t->values[v].name;
    if (t->scalar == SCALAR_BOOLEAN)
        return v ? "t" : "f";
    if (t->scalar == SCALAR_DATETIME || t->scalar == SCALAR_UNIXMS) {
        clock_rfc3339((unixms_t){v}, time);
        return arena_printf(k->c->arena, "%s", time);
    }
    return arena_printf(k->c->arena, "%lld", (long long)v);
}

static const char *ints_text(struct compiler *k, const struct gql_type *t,
                             const struct gql_value *v)
{
    struct buf text;
    const char *copy;

    buf_init(&text, 0);
    buf_putc(&text, '{');
    for (size_t i = 0; i < v->ints.n; i++)
        buf_printf(&text, "%s%s", i ? "," : "",
                   v->ints.null && v->ints.null[i] ? "NULL" : int_text(k, t, v->ints.v[i]));
    buf_putc(&text, '}');
    copy = arena_strndup(k->c->arena, (char *)buf_bytes(&text), buf_len(&text));
    buf_clear(&text);
    return copy;
}

/* One column of a list of objects. */
static const char *column_text(struct compiler *k, const struct gql_type *t,
                               const struct gql_value *list, const char *field)
{
    const struct gql_input *in = gql_input_find(t->inputs, t->n_inputs, field, strlen(field));
    struct gql_value column = {.kind = VALUE_INTS};

    column.ints.n = list->list.n;
    column.ints.v = arena_alloc(k->c->arena, list->list.n * sizeof(int64_t) + 1);
    for (size_t i = 0; i < list->list.n; i++)
        column.ints.v[i] = list->list.items[i].fields[in->index].i;
    return ints_text(k, in->ref->type, &column);
}

static const char *value_text(struct compiler *k, const struct gql_type *t,
                              const struct gql_value *v, const char *column);

/* One field of an input object. */
static const char *member_text(struct compiler *k, const struct gql_type *t,
                               const struct gql_value *object, const char *field)
{
    const struct gql_input *in = gql_input_find(t->inputs, t->n_inputs, field, strlen(field));

    return value_text(k, in->ref->type, &object->fields[in->index], NULL);
}

static const char *value_text(struct compiler *k, const struct gql_type *t,
                              const struct gql_value *v, const char *column)
{
    switch (v->kind) {
    case VALUE_ABSENT:
    case VALUE_NULL:
        return NULL;
    case VALUE_INT:
        return int_text(k, t, v->i);
    case VALUE_FLOAT:
        return arena_printf(k->c->arena, "%.17g", v->d);
    case VALUE_STRING:
        return v->string.text;
    case VALUE_INTS:
        return ints_text(k, t, v);
    case VALUE_LIST:
        return column_text(k, t, v, column);
    case VALUE_OBJECT:
        return member_text(k, t, v, column);
    }
    fatal("compile", "an argument has no SQL form");
}

void compile_parameter(struct compiler *k, const char *value)
{
    if (k->n_params == (int)LIMIT_ARGUMENTS_MAX) {
        if (!k->failed)
            gql_error_add(k->errors, "LIMIT_ARGUMENTS", (struct gql_loc){0, 0},
                          "the query has more than %u arguments", LIMIT_ARGUMENTS_MAX);
        k->failed = true;
        return;
    }
    if ((k->n_params & (k->n_params - 1)) == 0) /* full at powers of two */
        k->values = arena_grow(k->c->arena, k->values, (size_t)k->n_params,
                               k->n_params ? (size_t)k->n_params * 2 : 1, sizeof(*k->values));
    k->values[k->n_params++] = value;
    buf_putc(&k->sql, '$');
    buf_put_i64(&k->sql, k->n_params);
}

static void all_arguments(struct compiler *k, const struct scope *s)
{
    const char *bad = "";
    const char *text =
        value_json_arguments(k->c->arena, s->field->args, s->field->n_args, s->args, &bad);

    if (!text) {
        gql_error_add(k->errors, "BAD_USER_INPUT", (struct gql_loc){0, 0},
                      "%s: a string holds U+0000, which cannot be stored", bad);
        k->failed = true;
    }
    compile_parameter(k, text);
}

static void parameter(struct compiler *k, const struct scope *s, const char *name, size_t len)
{
    const char *dot = memchr(name, '.', len);
    const char *column =
        dot ? arena_strndup(k->c->arena, dot + 1, len - (size_t)(dot - name) - 1) : NULL;
    const struct gql_input *in =
        gql_input_find(s->field->args, s->field->n_args, name, dot ? (size_t)(dot - name) : len);

    if (!in)
        fatal("compile", "%s has no argument %.*s", s->field->name, (int)len, name);
    compile_parameter(k, value_text(k, in->ref->type, &s->args[in->index], column));
}

/* --- templates -----------------------------------------------------------------------------------
 */

/* Whoever owns the page's rows, the same for all of them; outside of a page, of the row itself. */
static void put_owner(struct compiler *k, const char *parent)
{
    if (k->page)
        connection_owner(k);
    else
        buf_printf(&k->sql, "%s.guild_id", parent);
}

void compile_template(struct compiler *k, const char *sql, const struct scope *s,
                      const char *parent, const char *alias)
{
    while (*sql) {
        size_t plain = strcspn(sql, "{"), len;

        buf_append(&k->sql, sql, plain);
        sql += plain;
        if (!*sql)
            return;
        len = strcspn(sql, "}") - 1;
        if (len == 1 && sql[1] == 'p')
            buf_puts(&k->sql, parent);
        else if (len == 1 && sql[1] == 't')
            buf_puts(&k->sql, alias);
        else if (len == 1 && sql[1] == '*')
            all_arguments(k, s);
        else if (len == 1 && sql[1] == '@')
            compile_parameter(k, s->caller);
        else if (len == 5 && strncmp(sql + 1, "owner", 5) == 0)
            put_owner(k, parent);
        else
            parameter(k, s, sql + 1, len);
        sql += len + 2;
    }
}

const char *compile_alias(struct compiler *k)
{
    return arena_printf(k->c->arena, "t%u", ++k->aliases);
}

/* --- fields --------------------------------------------------------------------------------------
 */

struct form {
    const char *before, *after;
};

static const struct form forms[] = {
    [BIND_TEXT] = {"to_json((", ")::text)::text"},
    [BIND_ID] = {"'\"' || presence.snowflake(", ") || '\"'"},
    [BIND_BIG] = {"'\"' || (", ")::text || '\"'"},
    [BIND_PLAIN] = {"(", ")::text"},
    [BIND_TIME] = {"'\"' || to_char((",
                   ") AT TIME ZONE 'UTC', 'YYYY-MM-DD\"T\"HH24:MI:SS.MS\"Z\"') || '\"'"},
    [BIND_MS] = {"presence.unix_ms(", ")::text"},
    [BIND_KIND] =
        {"(SELECT '\"' || kk.name || '\"' FROM presence.activity_kind kk WHERE kk.kind = ", ")"},
    [BIND_IDS] = {"(SELECT '[' || coalesce(string_agg('\"' || presence.snowflake(ii) || '\"', ','),"
                  " '') || ']' FROM unnest(",
                  ") AS ii)"},
    [BIND_NAMES] = {"(SELECT '[' || coalesce(string_agg(to_json(ii)::text, ','), '') || ']'"
                    " FROM unnest(",
                    ") AS ii)"},
};

/* An object made of a row that belongs to no page. */
static void row_object(struct compiler *k, const struct collected *f, const char *alias)
{
    const struct page *page = k->page;

    k->page = NULL;
    compile_object(k, f->field->ref->type, collect_sub(k->c, f->field->ref->type, f), alias);
    k->page = page;
}

static void one(struct compiler *k, const struct bind *b, const struct collected *f,
                const struct scope *s, const char *parent)
{
    const char *alias = compile_alias(k);

    buf_puts(&k->sql, "(SELECT ");
    row_object(k, f, alias);
    buf_puts(&k->sql, " FROM ");
    compile_template(k, b->sql, s, parent, alias);
    buf_puts(&k->sql, " LIMIT 1)");
}

static void list(struct compiler *k, const struct bind *b, const struct collected *f,
                 const struct scope *s, const char *parent)
{
    const char *alias = compile_alias(k);

    buf_puts(&k->sql, "(SELECT '[' || coalesce(string_agg(");
    row_object(k, f, alias);
    buf_puts(&k->sql, ", ','");
    if (b->order) {
        buf_puts(&k->sql, " ORDER BY ");
        compile_template(k, b->order, s, parent, alias);
    }
    buf_puts(&k->sql, "), '') || ']' FROM ");
    compile_template(k, b->sql, s, parent, alias);
    buf_putc(&k->sql, ')');
}

void compile_value(struct compiler *k, const struct bind *b, const struct collected *f,
                   const struct scope *s, const char *parent)
{
    if (b->kind == BIND_ONE) {
        one(k, b, f, s, parent);
    } else if (b->kind == BIND_LIST) {
        list(k, b, f, s, parent);
    } else if (b->kind == BIND_CONNECTION) {
        connection(k, b, f, s, parent);
    } else if (b->kind > BIND_CONNECTION) {
        connection_field(k, b, f);
    } else if (b->kind == BIND_SAME) {
        compile_object(k, f->field->ref->type, collect_sub(k->c, f->field->ref->type, f), parent);
    } else {
        buf_puts(&k->sql, forms[b->kind].before);
        compile_template(k, b->sql, s, parent, "");
        buf_puts(&k->sql, forms[b->kind].after);
    }
}

const struct bind *compile_bind(const struct gql_type *t, const struct collected *f)
{
    const struct bind *b = bind_find(t->name, f->field->name);

    if (!b)
        fatal("compile", "%s.%s has no SQL", t->name, f->field->name);
    return b;
}

/* Whether all of them are within bounds that their types do not know; else the field has failed. */
static bool in_range(struct compiler *k, const struct collected *f, const struct gql_input *inputs,
                     size_t n, const struct gql_value *values)
{
    for (size_t i = 0; i < n; i++) {
        const struct gql_type *t = inputs[i].ref->type;
        const struct bind_range *range = bind_range(inputs[i].name);

        if (values[i].kind == VALUE_OBJECT &&
            !in_range(k, f, t->inputs, t->n_inputs, values[i].fields))
            return false;
        if (!range || values[i].kind != VALUE_INT ||
            (values[i].i >= range->min && values[i].i <= range->max))
            continue;
        complete_fail(k->c, f, "BAD_USER_INPUT", "%s: expected %lld to %lld", inputs[i].name,
                      (long long)range->min, (long long)range->max);
        return false;
    }
    return true;
}

static void field(struct compiler *k, const struct gql_type *t, const struct collected *f,
                  const char *parent)
{
    const struct bind *b = compile_bind(t, f);
    const char *judge = bind_judge(t->name, f->field->name);
    struct scope s = {.field = f->field};
    struct gql_value *args;

    if (complete_arguments(k->c, f, &args) ||
        !in_range(k, f, f->field->args, f->field->n_args, args)) {
        buf_puts(&k->sql, "NULL::text");
        return;
    }
    s.args = args;
    if (judge) {
        buf_puts(&k->sql, "coalesce(");
        compile_template(k, judge, &s, parent, "");
        buf_puts(&k->sql, ", ");
    }
    compile_value(k, b, f, &s, parent);
    if (judge)
        buf_putc(&k->sql, ')');
}

static void put_member(struct compiler *k, const char *key, bool first)
{
    buf_puts(&k->sql, first ? "\"" : ",\"");
    buf_puts(&k->sql, key);
    buf_puts(&k->sql, "\":");
}

void compile_object(struct compiler *k, const struct gql_type *t, const struct collected *fields,
                    const char *alias)
{
    buf_puts(&k->sql, "('{");
    for (const struct collected *f = fields; f && !k->failed; f = f->next) {
        if (strcmp(f->field->name, "__typename") == 0) {
            put_member(k, f->key, f == fields);
            buf_puts(&k->sql, "\"");
            buf_puts(&k->sql, t->name);
            buf_puts(&k->sql, "\"");
            continue;
        }
        put_member(k, f->key, f == fields);
        buf_puts(&k->sql, "' || coalesce(");
        field(k, t, f, alias);
        buf_puts(&k->sql, ", 'null') || '");
    }
    buf_puts(&k->sql, "}')");
}

struct compiler *compiler_new(const struct collect *c, struct gql_errors *errors)
{
    struct compiler *k = arena_alloc(c->arena, sizeof(*k));

    k->c = c;
    k->errors = errors;
    buf_init(&k->sql, 0);
    buf_puts(&k->sql, "SELECT ");
    return k;
}

int compile_finish(struct compiler *k, struct pg_call *call_r)
{
    *call_r = (struct pg_call){
        .sql = arena_strndup(k->c->arena, (char *)buf_bytes(&k->sql), buf_len(&k->sql)),
        .n_params = k->n_params,
        .values = k->values,
        .plan_anew = k->plan_anew,
    };
    buf_clear(&k->sql);
    return k->failed ? -1 : 0;
}

int compile_query(const struct collect *c, const struct gql_type *root,
                  const struct collected *const *fields, size_t n, struct compiled *out,
                  struct gql_errors *errors)
{
    struct compiler *k = compiler_new(c, errors);

    for (size_t i = 0; i < n && !k->failed; i++) {
        if (i > 0)
            buf_puts(&k->sql, ", ");
        field(k, root, fields[i], "");
    }
    out->n_columns = n;
    return compile_finish(k, &out->call);
}
