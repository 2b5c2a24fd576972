/* Connections (Relay's specification of cursors): one page of a sorted list, found by the keys of
 * the row where it begins, never by counting rows. The page's keys are taken from the table that
 * is sorted by them; only then the rows themselves are fetched. One row more than was asked for
 * tells whether there are more. Called by the compiler.
 * Diagnostics: BAD_USER_INPUT for paging arguments, of the field alone. */
#include <string.h>

#include "graphql/compile_priv.h"
#include "presence/log.h"

struct page {
    const struct bind *bind;
    const struct bind_list *list;
    const struct bind_order *order;
    const struct scope *scope;
    const char *parent;
    const char *keys, *row; /* aliases: of the page's keys, of the rows */
    int size;
    bool backward;   /* the last rows, not the first */
    bool descending; /* as it is asked for; scanned the other way round when backward */
    bool after, before;
};

/* --- arguments -----------------------------------------------------------------------------------
 */

static const struct gql_value *argument(const struct scope *s, const char *name,
                                        const struct gql_input **in_r)
{
    static const struct gql_value absent = {.kind = VALUE_ABSENT};
    const struct gql_input *in =
        gql_input_find(s->field->args, s->field->n_args, name, strlen(name));

    if (in_r)
        *in_r = in;
    return in ? &s->args[in->index] : &absent;
}

static bool given(const struct gql_value *v)
{
    return v->kind != VALUE_ABSENT && v->kind != VALUE_NULL;
}

static const char *enum_argument(const struct scope *s, const char *name)
{
    const struct gql_input *in;
    const struct gql_value *v = argument(s, name, &in);

    return given(v) ? in->ref->type->values[v->i].name : NULL;
}

/* Returns 0, or -1 and the field has failed. */
static int page_size(struct compiler *k, struct page *p, const struct collected *f)
{
    const struct gql_value *first = argument(p->scope, "first", NULL);
    const struct gql_value *last = argument(p->scope, "last", NULL);
    const struct gql_value *size = given(last) ? last : first;

    if (given(first) && given(last)) {
        complete_fail(k->c, f, "BAD_USER_INPUT", "expected first or last, not both");
        return -1;
    }
    p->backward = given(last);
    p->size = given(size) ? (int)size->i : PAGE_DEFAULT;
    if (given(size) && (size->i < 1 || size->i > PAGE_MAX)) {
        complete_fail(k->c, f, "BAD_USER_INPUT", "%s: expected 1 to %d",
                      p->backward ? "last" : "first", PAGE_MAX);
        return -1;
    }
    p->after = given(argument(p->scope, "after", NULL));
    p->before = given(argument(p->scope, "before", NULL));
    return 0;
}

static void page_order(struct page *p)
{
    const char *by = enum_argument(p->scope, "orderBy");
    const char *direction = enum_argument(p->scope, "direction");

    p->order = p->list->orders;
    while (by && p->order->name && strcmp(p->order->name, by) != 0)
        p->order++;
    if (!p->order->name)
        fatal("connection", "%s has no order %s", p->scope->field->name, by);
    p->descending = direction && strcmp(direction, "DESC") == 0;
}

/* --- which rows ----------------------------------------------------------------------------------
 */

static void put(struct compiler *k, const struct page *p, const char *sql)
{
    compile_template(k, sql, p->scope, p->parent, p->row);
}

void connection_owner(struct compiler *k)
{
    put(k, k->page, k->page->bind->sql);
}

/* A condition for each value of a list of an enum, any of which may hold. */
static void any_of(struct compiler *k, const struct page *p, const char *sql,
                   const struct gql_input *in, const struct gql_value *v)
{
    const char *hole;

    buf_puts(&k->sql, v->ints.n ? " AND (" : " AND (false");
    for (size_t i = 0; i < v->ints.n; i++) {
        buf_puts(&k->sql, i ? " OR (" : "(");
        for (const char *s = sql; *s; s = hole + 3) {
            hole = strstr(s, "{v}");
            if (!hole) {
                put(k, p, s);
                break;
            }
            put(k, p, arena_strndup(k->c->arena, s, (size_t)(hole - s)));
            buf_puts(&k->sql, in->ref->type->values[v->ints.v[i]].name);
        }
        buf_putc(&k->sql, ')');
    }
    buf_putc(&k->sql, ')');
}

/* What a filter was given, or NULL. */
static const struct gql_value *filter_value(const struct page *p, const struct bind_filter *b,
                                            const struct gql_input **field_r)
{
    const struct gql_input *in;
    const struct gql_value *filter = argument(p->scope, "filter", &in);

    if (!in || filter->kind != VALUE_OBJECT)
        return NULL;
    *field_r =
        gql_input_find(in->ref->type->inputs, in->ref->type->n_inputs, b->name, strlen(b->name));
    if (!*field_r)
        fatal("connection", "%s has no field %s", in->ref->type->name, b->name);
    filter = &filter->fields[(*field_r)->index];
    return given(filter) ? filter : NULL;
}

static bool applies(const struct page *p, const struct bind_filter *b)
{
    return !b->lead || strcmp(b->lead, p->order->lead) == 0;
}

/* The table that is sorted, and the other one where a filter looks at it. */
static void put_from(struct compiler *k, const struct page *p)
{
    const struct gql_input *field;
    bool joined = false;

    buf_puts(&k->sql, " FROM ");
    buf_puts(&k->sql, p->order->from);
    for (const struct bind_filter *b = p->list->filters; b->name && !joined; b++)
        if (applies(p, b) && b->table && strcmp(b->table, p->order->lead) != 0 &&
            filter_value(p, b, &field)) {
            buf_putc(&k->sql, ' ');
            buf_puts(&k->sql, p->order->join);
            joined = true;
        }
}

/* The guilds of a token as an array of PostgreSQL; ids are the bits of the unsigned number. */
static const char *guilds_text(struct compiler *k)
{
    const char *text = "";

    for (size_t i = 0; i < k->c->n_guilds; i++)
        text =
            arena_printf(k->c->arena, "%s%s%lld", text, i ? "," : "", (long long)k->c->guilds[i]);
    return arena_printf(k->c->arena, "{%s}", text);
}

static void put_where(struct compiler *k, const struct page *p)
{
    const struct gql_input *field;
    const struct gql_value *v;

    buf_puts(&k->sql, " WHERE ");
    put(k, p, p->order->where);
    if (p->order->owner) {
        buf_printf(&k->sql, " AND %s = ", p->order->owner);
        put(k, p, p->bind->sql);
    }
    k->bound |= !p->order->owner;
    if (k->c->guilds && !p->order->owner) {
        buf_printf(&k->sql, " AND %s = ANY (", p->order->ids);
        compile_parameter(k, guilds_text(k));
        buf_puts(&k->sql, "::bigint[])");
    }
    for (const struct bind_filter *b = p->list->filters; b->name; b++) {
        if (!applies(p, b))
            continue;
        v = filter_value(p, b, &field);
        k->plan_anew |= v && b->varies;
        if (v && b->each) {
            any_of(k, p, b->sql, field, v);
        } else if (v) {
            buf_puts(&k->sql, " AND (");
            put(k, p, b->sql);
            buf_putc(&k->sql, ')');
        } else if (b->absent) {
            buf_printf(&k->sql, " AND %s", b->absent);
        }
    }
}

static void put_keys(struct compiler *k, const struct page *p, const char *way)
{
    for (unsigned i = 0; p->order->keys[i].sql; i++)
        buf_printf(&k->sql, "%s%s%s", i ? ", " : "", p->order->keys[i].sql, way);
}

static unsigned n_keys(const struct page *p)
{
    unsigned n = 0;

    while (p->order->keys[n].sql)
        n++;
    return n;
}

/* The keys of the cursor that an argument is, or null: it is none of this list. */
static void put_cursor_keys(struct compiler *k, const struct page *p, const char *cursor)
{
    buf_puts(&k->sql, "presence.cursor_keys(");
    put(k, p, cursor);
    buf_printf(&k->sql, "::text, %u, ", p->order->id);
    put(k, p, p->bind->sql);
    buf_printf(&k->sql, ", %u)", n_keys(p));
}

/* What stands before the page, in a coalesce: why there is none. */
static void put_judge(struct compiler *k, const struct page *p, const char *cursor,
                      const char *name)
{
    buf_puts(&k->sql, "CASE WHEN ");
    put_cursor_keys(k, p, cursor);
    buf_printf(&k->sql,
               " IS NULL THEN presence.refused('%s: expected a cursor of this list') END, ", name);
}

/* Only rows beyond a cursor. Each of its keys is taken out once, before the scan begins. */
static void beyond(struct compiler *k, const struct page *p, const char *cursor, bool greater)
{
    static const struct {
        const char *before, *after;
    } forms[] = {[KEY_BIG] = {"", "::bigint"},
                 [KEY_TIME] = {"presence.from_micros(", ")"},
                 [KEY_TEXT] = {"", " COLLATE \"C\""}};

    buf_puts(&k->sql, " AND (");
    put_keys(k, p, "");
    buf_puts(&k->sql, greater ? ") > (" : ") < (");
    for (unsigned i = 0; i < n_keys(p); i++) {
        buf_printf(&k->sql, "%s(SELECT %s(", i ? ", " : "", forms[p->order->keys[i].type].before);
        put_cursor_keys(k, p, cursor);
        buf_printf(&k->sql, ")[%u]%s)", i + 1, forms[p->order->keys[i].type].after);
    }
    buf_putc(&k->sql, ')');
}

/* The page's keys, numbered in the direction in which they are found (r), with their number (n). */
static void put_page(struct compiler *k, const struct page *p)
{
    bool down = p->descending != p->backward;

    buf_puts(&k->sql,
             "(SELECT row_number() OVER () AS r, count(*) OVER () AS n, q.* FROM (SELECT ");
    buf_puts(&k->sql, p->order->ids);
    for (unsigned i = 0; p->order->keys[i].sql; i++)
        buf_printf(&k->sql, ", %s AS k%u", p->order->keys[i].sql, i + 1);
    put_from(k, p);
    put_where(k, p);
    if (p->after)
        beyond(k, p, "{after}", !p->descending);
    if (p->before)
        beyond(k, p, "{before}", p->descending);
    buf_puts(&k->sql, " ORDER BY ");
    put_keys(k, p, down ? " DESC" : "");
    buf_printf(&k->sql, " LIMIT %d) q) %s", p->size + 1, p->keys);
}

/* --- what is asked of them -----------------------------------------------------------------------
 */

static void put_cursor(struct compiler *k, const struct page *p)
{
    static const char *const forms[] = {[KEY_BIG] = "%s%s.k%u::text",
                                        [KEY_TIME] = "%spresence.micros(%s.k%u)::text",
                                        [KEY_TEXT] = "%s%s.k%u"};

    buf_printf(&k->sql, "presence.cursor_text(%u, ", p->order->id);
    put(k, p, p->bind->sql);
    buf_puts(&k->sql, ", ARRAY[");
    for (unsigned i = 0; i < n_keys(p); i++)
        buf_printf(&k->sql, forms[p->order->keys[i].type], i ? ", " : "", p->keys, i + 1);
    buf_puts(&k->sql, "])");
}

/* One cursor of the page: of the row found first, or of the one found last. */
static void put_end(struct compiler *k, const struct page *p, bool found_first)
{
    buf_puts(&k->sql, "'\"' || max(");
    put_cursor(k, p);
    buf_printf(&k->sql, ") FILTER (WHERE %s.r = ", p->keys);
    if (found_first)
        buf_puts(&k->sql, "1) || '\"'");
    else
        buf_printf(&k->sql, "least(%s.n, %d)) || '\"'", p->keys, p->size);
}

static void put_rows(struct compiler *k, const struct page *p, const struct collected *f)
{
    buf_puts(&k->sql, "'[' || coalesce(string_agg(");
    compile_object(k, f->field->ref->type, collect_sub(k->c, f->field->ref->type, f), p->row);
    buf_printf(&k->sql, ", ',' ORDER BY %s.r%s) FILTER (WHERE %s.r <= %d), '') || ']'", p->keys,
               p->backward ? " DESC" : "", p->keys, p->size);
}

static void put_total(struct compiler *k, const struct page *p)
{
    buf_puts(&k->sql, "(SELECT count(*)");
    put_from(k, p);
    put_where(k, p);
    buf_puts(&k->sql, ")::text");
}

/* Whether there are more in a direction: the row too many tells it in the direction of the scan; in
 * the other one there is what the cursor stood for. */
static void put_more(struct compiler *k, const struct page *p, bool next)
{
    if (next != p->backward)
        buf_printf(&k->sql, "coalesce(max(%s.n) > %d, false)::text", p->keys, p->size);
    else
        buf_puts(&k->sql, (next ? p->before : p->after) ? "'true'" : "'false'");
}

void connection_field(struct compiler *k, const struct bind *b, const struct collected *f)
{
    const struct page *p = k->page;

    switch (b->kind) {
    case BIND_ROWS:
        put_rows(k, p, f);
        break;
    case BIND_TOTAL:
        put_total(k, p);
        break;
    case BIND_CURSOR:
        buf_puts(&k->sql, "'\"' || ");
        put_cursor(k, p);
        buf_puts(&k->sql, " || '\"'");
        break;
    case BIND_HAS_NEXT:
    case BIND_HAS_PREVIOUS:
        put_more(k, p, b->kind == BIND_HAS_NEXT);
        break;
    case BIND_START:
    case BIND_END:
        put_end(k, p, (b->kind == BIND_START) != p->backward);
        break;
    default:
        fatal("connection", "%s.%s is no field of a connection", b->type, b->field);
    }
}

/* A total alone needs no page. */
static bool needs_page(const struct collected *fields)
{
    for (; fields; fields = fields->next)
        if (strcmp(fields->field->name, "totalCount") != 0 &&
            strcmp(fields->field->name, "__typename") != 0)
            return true;
    return false;
}

void connection(struct compiler *k, const struct bind *b, const struct collected *f,
                const struct scope *s, const char *parent)
{
    const struct page *outer = k->page;
    struct page p = {.bind = b, .list = bind_list_find(b->order), .scope = s, .parent = parent};
    const struct collected *fields = collect_sub(k->c, f->field->ref->type, f);

    if (page_size(k, &p, f)) {
        buf_puts(&k->sql, "NULL::text");
        return;
    }
    page_order(&p);
    p.keys = compile_alias(k);
    p.row = compile_alias(k);
    buf_puts(&k->sql, "coalesce(");
    if (p.after)
        put_judge(k, &p, "{after}", "after");
    if (p.before)
        put_judge(k, &p, "{before}", "before");
    k->page = &p;
    buf_puts(&k->sql, "(SELECT ");
    compile_object(k, f->field->ref->type, fields, p.row);
    if (needs_page(fields)) {
        buf_puts(&k->sql, " FROM ");
        put_page(k, &p);
        buf_puts(&k->sql, " JOIN ");
        compile_template(k, p.list->rows, s, p.keys, p.row);
        buf_puts(&k->sql, " HAVING true"); /* one row, even if nothing aggregates */
    }
    buf_puts(&k->sql, "))");
    k->page = outer;
}
