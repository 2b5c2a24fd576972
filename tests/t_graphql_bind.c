/* The table of fields: it is complete, and every placeholder of its SQL names something that is
 * there when the SQL is written. A wrong one would end the service at the first query that selects
 * it. */
#include "graphql/bind.h"

#include "graphql/value.h"
#include "graphql_util.h"

static struct gql_schema *own;

/* --- completeness ------------------------------------------------------------------------------
 */

static bool answered_from_tables(const struct gql_type *t)
{
    return t->kind == GQL_OBJECT && strncmp(t->name, "__", 2) != 0 &&
           strcmp(t->name, "RecordResult") != 0;
}

static bool has_code_of_its_own(const struct gql_type *t, const struct gql_field *f)
{
    return strcmp(t->name, "Mutation") == 0 && strcmp(f->name, "recordSightings") == 0;
}

static void test_every_field_has_its_sql(void **state)
{
    unsigned n = 0, rows = 0;

    (void)state;
    for (const struct gql_type *t = own->types; t; t = t->next)
        for (size_t i = 0; answered_from_tables(t) && i < t->n_fields; i++) {
            if (has_code_of_its_own(t, &t->fields[i]))
                continue;
            n++;
            if (!bind_find(t->name, t->fields[i].name))
                fail_msg("%s.%s is not in bind.c", t->name, t->fields[i].name);
            if (strcmp(t->name, "Mutation") == 0 && !bind_deed(t->fields[i].name))
                fail_msg("bind.c: the mutation %s does nothing", t->fields[i].name);
        }
    for (const struct bind_table *const *table = bind_tables; *table; table++)
        for (size_t i = 0; i < (*table)->n; i++) {
            const struct bind *row = &(*table)->rows[i];
            const struct gql_type *t = gql_type_find(own, row->type);

            rows++;
            if (!t || !gql_field_find(own, t, row->field))
                fail_msg("bind.c: %s.%s is not in the schema", row->type, row->field);
        }
    assert_int_equal(n, rows);
}

/* Objects are made of what was selected of them, never ready-made: complete.c counts on it. */
static void test_objects_are_made_of_their_fields(void **state)
{
    (void)state;
    for (const struct bind_table *const *table = bind_tables; *table; table++)
        for (size_t i = 0; i < (*table)->n; i++) {
            const struct bind *b = &(*table)->rows[i];
            const struct gql_field *f = gql_field_find(own, gql_type_find(own, b->type), b->field);
            bool object = b->kind == BIND_ONE || b->kind == BIND_SAME || b->kind == BIND_LIST ||
                          b->kind == BIND_CONNECTION || b->kind == BIND_ROWS;

            if (object != gql_is_composite(f->ref->type))
                fail_msg("%s.%s is of another kind than its type", b->type, b->field);
        }
}

/* --- placeholders ------------------------------------------------------------------------------
 */

#define PARENT 0x01u /* {p}, {owner} */
#define ROW    0x02u /* {t} */
#define DEED   0x04u /* {*}, {@} */
#define VALUE  0x08u /* {v} */

struct place {
    const struct gql_field *field; /* whose arguments may be named */
    unsigned allowed;
    unsigned *n; /* placeholders found */
};

static const char *wrong;
static char reason[200];

static bool is_column(const struct gql_ref *ref)
{
    return ref->of && !ref->of->of && value_is_int(ref->type);
}

static const char *wrong_argument(const struct gql_field *f, const char *name, size_t len)
{
    const char *dot = memchr(name, '.', len);
    size_t own_len = dot ? (size_t)(dot - name) : len;
    const struct gql_input *in = gql_input_find(f->args, f->n_args, name, own_len), *member;

    if (len == 0 || !in)
        return "no argument of this name";
    if (!dot)
        return in->ref->type->kind == GQL_INPUT || (in->ref->of && !is_column(in->ref))
                   ? "an argument without a form in SQL"
                   : NULL;
    member =
        gql_input_find(in->ref->type->inputs, in->ref->type->n_inputs, dot + 1, len - own_len - 1);
    if (!member)
        return "no field of this name in the argument";
    if (in->ref->of ? member->ref->of || !value_is_int(member->ref->type)
                    : member->ref->of && !is_column(member->ref))
        return "a field without a form in SQL";
    return NULL;
}

static const char *wrong_placeholder(const struct place *p, const char *name, size_t len)
{
    static const struct {
        const char *name;
        unsigned flag;
    } known[] = {{"p", PARENT}, {"owner", PARENT}, {"t", ROW},
                 {"*", DEED},   {"@", DEED},       {"v", VALUE}};

    for (size_t i = 0; i < sizeof(known) / sizeof(known[0]); i++)
        if (strlen(known[i].name) == len && memcmp(known[i].name, name, len) == 0)
            return p->allowed & known[i].flag ? NULL : "nothing stands for it here";
    return wrong_argument(p->field, name, len);
}

/* Sets wrong to the first mistake. */
static void look(const char *sql, struct place p)
{
    for (const char *s = sql; s && (s = strchr(s, '{')); s++) {
        size_t len = strcspn(s + 1, "}");
        const char *what = s[1 + len] ? wrong_placeholder(&p, s + 1, len) : "it has no end";

        ++*p.n;
        if (!what || wrong)
            continue;
        snprintf(reason, sizeof(reason), "%.*s: %s", (int)(len > 60 ? 60 : len + 2), s, what);
        wrong = reason;
    }
}

/* Parts that are written as they are. */
static void plain(const char *sql)
{
    if (sql && strchr(sql, '{') && !wrong) {
        snprintf(reason, sizeof(reason), "%.100s: no placeholder may stand here", sql);
        wrong = reason;
    }
}

static void look_at_list(const struct bind *b, const struct place *p)
{
    const struct bind_list *list = bind_list_find(b->order);
    struct place rows = *p, filter = *p;

    look(b->sql, *p);
    rows.allowed = PARENT | ROW;
    look(list->rows, rows);
    for (const struct bind_order *o = list->orders; o->name; o++) {
        look(o->where, *p);
        plain(o->from);
        plain(o->join);
        plain(o->ids);
        plain(o->owner);
        for (unsigned i = 0; o->keys[i].sql; i++)
            plain(o->keys[i].sql);
    }
    for (const struct bind_filter *f = list->filters; f->name; f++) {
        filter.allowed = f->each ? p->allowed | VALUE : p->allowed;
        look(f->sql, filter);
        plain(f->absent);
    }
}

static void look_at_row(const struct bind *b, unsigned *n)
{
    const struct gql_type *t = gql_type_find(own, b->type);
    bool root = t == own->query || t == own->mutation || t == own->subscription;
    struct place p = {gql_field_find(own, t, b->field), root ? 0 : PARENT, n};

    if (b->kind == BIND_CONNECTION) {
        p.allowed |= PARENT; /* {owner} is what b->sql says */
        look_at_list(b, &p);
        return;
    }
    if (b->kind == BIND_ONE || b->kind == BIND_LIST)
        p.allowed |= ROW;
    look(b->sql, p);
    look(b->order, p);
    if (b->kind > BIND_CONNECTION)
        plain(b->sql);
}

static void test_placeholders(void **state)
{
    unsigned n = 0;

    (void)state;
    for (const struct bind_table *const *table = bind_tables; *table; table++)
        for (size_t i = 0; i < (*table)->n; i++) {
            look_at_row(&(*table)->rows[i], &n);
            if (wrong)
                fail_msg("%s.%s: %s", (*table)->rows[i].type, (*table)->rows[i].field, wrong);
        }
    for (const struct bind_deed *d = bind_deeds; d->field; d++) {
        look(d->sql, (struct place){gql_field_find(own, own->mutation, d->field), DEED, &n});
        if (wrong)
            fail_msg("%s: %s", d->field, wrong);
    }
    assert_true(n > 400);
}

static void test_mistakes_are_found(void **state)
{
    static const struct {
        const char *type, *field, *sql;
        unsigned allowed;
    } bad[] = {
        {"Query", "member", "'{}'::jsonb", PARENT | ROW},
        {"Query", "member", "x {t} WHERE {guildId", PARENT | ROW},
        {"Query", "member", "{guild}", PARENT | ROW},
        {"Query", "member", "{p}.x", ROW},
        {"Query", "member", "{t}.x", PARENT},
        {"Query", "member", "{*}", PARENT | ROW},
        {"Query", "member", "{v}", PARENT | ROW},
        {"Query", "members", "{filter}", PARENT},
        {"Query", "members", "{filter.nope}", PARENT},
        {"Query", "members", "{guildId.x}", PARENT},
        {"Mutation", "upsertGuilds", "{guilds.name}", DEED},
    };
    unsigned n = 0;

    (void)state;
    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
        const struct gql_type *t = gql_type_find(own, bad[i].type);

        wrong = NULL;
        look(bad[i].sql, (struct place){gql_field_find(own, t, bad[i].field), bad[i].allowed, &n});
        if (!wrong)
            fail_msg("not found: %s", bad[i].sql);
    }
    wrong = NULL;
}

static int set_up(void **state)
{
    (void)state;
    own = gql_schema_builtin();
    return 0;
}

static int tear_down(void **state)
{
    (void)state;
    gql_schema_free(&own);
    return 0;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_every_field_has_its_sql),
        cmocka_unit_test(test_objects_are_made_of_their_fields),
        cmocka_unit_test(test_placeholders),
        cmocka_unit_test(test_mistakes_are_found),
    };

    return cmocka_run_group_tests(tests, set_up, tear_down);
}
