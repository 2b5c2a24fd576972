/* Validation: a table of documents for each rule, the schema of the service, its operations, and
 * documents made to cost much. */
#include "graphql_util.h"

#include <dirent.h>

#include "graphql/validate.h"
#include "presence/activity.h"
#include "presence/clock.h"
#include "presence/fd.h"

static const char sdl[] =
    "directive @auth(requires: Scope!) on FIELD_DEFINITION | OBJECT enum Scope { READ }"
    "directive @rep(n: Int) repeatable on FIELD directive @onQuery on QUERY "
    "interface Animal { name: String owner: Human } "
    "type Dog implements Animal { name: String owner: Human barks(loud: Boolean! = false): Boolean"
    " age: Int! } "
    "type Cat implements Animal { name: String owner: Human meows: Boolean age: String! } "
    "type Human { name(upper: Boolean): String pets: [Animal!] self: Human } "
    "union Pet = Dog | Cat "
    "enum Color { RED GREEN } "
    "input Point { x: Int! y: Int = 0 next: Point tags: [String!] } "
    "input One @oneOf { a: Int b: String } "
    "type Query { dog: Dog cat: Cat pet: Pet animal: Animal human(id: ID!): Human "
    "point(p: Point, ps: [Point!], c: Color, i: Int, f: Float, s: String, b: Boolean, id: ID): Int "
    "need(n: Int!): Int one(o: One): Int list(l: [Int]): Int def(n: Int! = 3): Int "
    "snow(s: Snowflake, t: DateTime): Int } "
    "scalar Snowflake scalar DateTime "
    "type Mutation { act: Int } type Subscription { a: Int b: Int }";

static struct gql_schema *schema;

static int set_up(void **state)
{
    struct arena *arena = arena_new();
    struct gql_errors errors;

    (void)state;
    gql_errors_init(&errors, arena);
    schema = gql_schema_new(sdl, sizeof(sdl) - 1, &errors);
    if (!schema)
        print_error("%s\n", errors_text(&errors));
    arena_free(&arena);
    return schema ? 0 : -1;
}

static int tear_down(void **state)
{
    (void)state;
    gql_schema_free(&schema);
    return 0;
}

/* words NULL: valid. */
static void check(const struct gql_schema *s, const char *text, const char *words,
                  const struct gql_limits *limits)
{
    struct arena *arena = arena_new();
    struct gql_errors errors;
    struct ast_document *document;

    gql_errors_init(&errors, arena);
    document = gql_parse(text, strlen(text), 0, arena, &errors);
    if (!document)
        fail_msg("does not parse: %s\n%s", text, errors_text(&errors));
    gql_validate(s, document, limits, arena, &errors);
    if (words ? !strstr(errors_text(&errors), words) : errors.count > 0)
        fail_msg("%.300s\nexpected: %s\ngot: %s", text, words ? words : "valid",
                 errors_text(&errors));
    if (words)
        assert_true(errors.first->loc.line > 0);
    arena_free(&arena);
}

struct row {
    const char *text, *words;
};

static void check_all(const struct row *rows, size_t n)
{
    for (size_t i = 0; i < n; i++)
        check(schema, rows[i].text, rows[i].words, NULL);
}

#define CHECK_ALL(rows) check_all(rows, sizeof(rows) / sizeof(rows[0]))

static void test_operations(void **state)
{
    static const struct row rows[] = {
        {"{dog{name}}", NULL},
        {"query A{dog{name}} query B{dog{name}}", NULL},
        {"query A{dog{name}} mutation A{act}", "two operations named \"A\""},
        {"{dog{name}} query B{dog{name}}", "without a name must be the only one"},
        {"fragment F on Dog{name}", "holds no operation"},
        {"{dog{name}} type T{a:Int}", "cannot be executed"},
        {"subscription{a}", NULL},
        {"subscription{a b}", "exactly one root field"},
        {"subscription{...F} fragment F on Subscription{a b}", "exactly one root field"},
        {"subscription{a ...on Subscription{a}}", NULL},
        {"subscription{__typename}", "cannot be the root field"},
        {"subscription{a @skip(if:false)}", "@skip is not allowed on the root field"},
        {"subscription{...@include(if:true){a}}", "@include is not allowed on the root field"},
    };

    (void)state;
    CHECK_ALL(rows);
}

static void test_fields(void **state)
{
    static const struct row rows[] = {
        {"{dog{nam}}", "type Dog has no field \"nam\""},
        {"{dog}", "select the fields"},
        {"{dog{name{x}}}", "has no fields"},
        {"{dog{__typename}}", NULL},
        {"{__schema{queryType{name}} __type(name:\"Dog\"){name}}", NULL},
        {"{dog{__schema{queryType{name}}}}", "no field \"__schema\""},
        {"mutation{__schema{queryType{name}}}", "no field \"__schema\""},
        {"{pet{name}}", "type Pet has no field \"name\""},
        {"{pet{__typename ...on Dog{name}}}", NULL},
        {"{animal{name}}", NULL},
        {"{animal{age}}", "no field \"age\""},
    };

    (void)state;
    CHECK_ALL(rows);
}

static void test_fragments(void **state)
{
    static const struct row rows[] = {
        {"{dog{...F}} fragment F on Dog{name}", NULL},
        {"{dog{...F}}", "no fragment named \"F\""},
        {"{dog{name}} fragment F on Dog{name}", "never used"},
        {"{dog{...F}} fragment F on Dog{name} fragment F on Dog{name}", "two fragments named"},
        {"{dog{...F}} fragment F on Nope{name}", "no type \"Nope\""},
        {"{dog{...F}} fragment F on Color{name}", "cannot be on \"Color\""},
        {"{dog{...on Nope{name}}}", "no type \"Nope\""},
        {"{dog{...F}} fragment F on Dog{...F}", "spreads itself"},
        {"{dog{...A}} fragment A on Dog{...B} fragment B on Dog{...C} fragment C on Dog{...A}",
         "through"},
        {"{dog{...A}} fragment A on Dog{owner{self{...B}}} fragment B on Human{self{...B}}",
         "spreads itself"},
        {"{dog{...on Cat{name}}}", "can never apply"},
        {"{dog{...F}} fragment F on Cat{name}", "can never apply"},
        {"{dog{...on Animal{name}}}", NULL},
        {"{pet{...on Animal{name}}}", NULL},
        {"{animal{...on Pet{__typename}}}", NULL},
        {"{dog{...on Human{name}}}", "can never apply"},
    };

    (void)state;
    CHECK_ALL(rows);
}

static void test_arguments(void **state)
{
    static const struct row rows[] = {
        {"{need(n:1)}", NULL},
        {"{need}", "argument \"n\" of type Int! is required"},
        {"{need(n:null)}", "null is no Int!"},
        {"{def}", NULL},
        {"{def(n:null)}", "null is no Int!"},
        {"{need(n:1 n:2)}", "given twice"},
        {"{need(n:1 m:2)}", "no argument \"m\""},
        {"{point(i:1 f:1 s:\"x\" b:true id:1 c:RED)}", NULL},
        {"{point(i:\"1\")}", "is no Int"},
        {"{point(i:2147483648)}", "is no Int"},
        {"{point(i:-2147483648)}", NULL},
        {"{point(i:1.0)}", "is no Int"},
        {"{point(f:1e999)}", "is no Float"},
        {"{point(s:1)}", "is no String"},
        {"{point(b:1)}", "is no Boolean"},
        {"{point(id:1.5)}", "is no ID"},
        {"{point(id:12345678901234567890123)}", NULL},
        {"{point(c:BLUE)}", "is no Color"},
        {"{point(c:\"RED\")}", "is no Color"},
        {"{point(c:true)}", "is no Color"},
        {"{point(p:{x:1})}", NULL},
        {"{point(p:{x:1 y:null next:{x:2}})}", NULL},
        {"{point(p:{y:1})}", "Point.x is required"},
        {"{point(p:{x:null})}", "null is no Int!"},
        {"{point(p:{x:1 z:1})}", "no field \"z\""},
        {"{point(p:{x:1 x:2})}", "given twice"},
        {"{point(p:1)}", "is no Point"},
        {"{point(p:[{x:1}])}", "is no Point"},
        {"{point(ps:{x:1})}", NULL},
        {"{point(ps:[{x:1},{x:\"2\"}])}", "is no Int!"},
        {"{point(ps:[null])}", "null is no Point!"},
        {"{point(p:{x:1 tags:\"a\"})}", NULL},
        {"{point(p:{x:1 tags:[1]})}", "is no String!"},
        {"{list(l:[1,null])}", NULL},
        {"{list(l:[[1]])}", "is no Int"},
        {"{one(o:{a:1})}", NULL},
        {"{one(o:{a:1 b:\"x\"})}", "exactly one"},
        {"{one(o:{})}", "exactly one"},
        {"query($v:Int){need(n:1 m:$v)}", "no argument \"m\""},
        {"{one(o:{a:null})}", "exactly one"},
        {"{snow(s:\"18446744073709551615\" t:\"2026-01-01T00:00:00Z\")}", NULL},
        {"{snow(s:\"18446744073709551616\")}", "is no Snowflake"},
        {"{snow(s:\"-1\")}", "is no Snowflake"},
        {"{snow(s:\"\")}", "is no Snowflake"},
        {"{snow(t:\"yesterday\")}", "is no DateTime"},
        {"{snow(t:1)}", "is no DateTime"},
    };

    (void)state;
    CHECK_ALL(rows);
}

static void test_directives(void **state)
{
    static const struct row rows[] = {
        {"{dog @skip(if:true){name @include(if:false)}}", NULL},
        {"{dog @nope{name}}", "no directive @nope"},
        {"{dog @skip{name}}", "argument \"if\""},
        {"{dog @skip(if:1){name}}", "is no Boolean!"},
        {"{dog @skip(if:true x:1){name}}", "no argument \"x\""},
        {"query @skip(if:true){dog{name}}", "not allowed on QUERY"},
        {"query @onQuery{dog{name}}", NULL},
        {"{dog @skip(if:true) @skip(if:true){name}}", "given twice in one place"},
        {"{dog @rep @rep(n:1){name}}", NULL},
        {"query($a:Int @skip(if:true)){need(n:$a)}", "not allowed on VARIABLE_DEFINITION"},
        {"{...@include(if:true){dog{name}}}", NULL},
        {"{dog{...F @skip(if:true)}} fragment F on Dog @skip(if:true){name}",
         "not allowed on FRAGMENT_DEFINITION"},
    };

    (void)state;
    CHECK_ALL(rows);
}

static void test_variables(void **state)
{
    static const struct row rows[] = {
        {"query($n:Int!){need(n:$n)}", NULL},
        {"query($n:Int){need(n:$n)}", "type Int is used where Int! is expected"},
        {"query($n:Int=1){need(n:$n)}", NULL},
        {"query($n:Int=null){need(n:$n)}", "used where Int! is expected"},
        {"query($n:Int){def(n:$n)}", NULL},
        {"query($n:String!){need(n:$n)}", "used where Int! is expected"},
        {"{need(n:$n)}", "$n is not defined"},
        {"query Q{need(n:$n)}", "not defined by operation Q"},
        {"query($n:Int!){dog{name}}", "$n is never used"},
        {"query($n:Int!,$n:Int!){need(n:$n)}", "defined twice"},
        {"query($d:Dog){dog{name}}", "no input type"},
        {"query($d:Nope){dog{name}}", "no input type"},
        {"query($n:Int=\"x\"){point(i:$n)}", "is no Int"},
        {"query($l:[Int]){list(l:$l)}", NULL},
        {"query($l:[Int!]!){list(l:$l)}", NULL},
        {"query($l:Int){list(l:$l)}", "used where [Int] is expected"},
        {"query($l:[[Int]]){list(l:$l)}", "used where [Int] is expected"},
        {"query($x:Int){list(l:[$x])}", NULL},
        {"query($x:Int){point(p:{x:$x})}", "used where Int! is expected"},
        {"query($x:Int!){point(p:{x:$x})}", NULL},
        {"query($x:Int){point(p:{x:1 y:$x})}", NULL},
        {"query($b:Boolean!){dog @skip(if:$b){name}}", NULL},
        {"query($b:Boolean){dog @skip(if:$b){name}}", "used where Boolean! is expected"},
        {"query($n:Int!){...F} fragment F on Query{need(n:$n)}", NULL},
        {"query A($n:Int!){...F} query B{...F} fragment F on Query{need(n:$n)}",
         "not defined by operation B"},
        {"query A($n:Int!){...F} query B($n:String!){...F} fragment F on Query{need(n:$n)}",
         "used where Int! is expected"},
        {"query($a:Int!){one(o:{a:$a})}", NULL},
        {"query($a:Int){one(o:{a:$a})}", "used where Int! is expected"},
    };

    (void)state;
    CHECK_ALL(rows);
}

static void test_merging(void **state)
{
    static const struct row rows[] = {
        {"{dog{name name}}", NULL},
        {"{dog{a:name} dog{b:name}}", NULL},
        {"{dog{a:name a:barks}}", "different fields"},
        {"{dog{barks(loud:true) barks(loud:true)}}", NULL},
        {"{dog{barks(loud:true) barks(loud:false)}}", "arguments differ"},
        {"{dog{barks barks(loud:false)}}", "arguments differ"},
        {"{dog{a:name} dog{a:barks}}", "different fields"},
        {"{dog{...F a:barks}} fragment F on Dog{a:name}", "different fields"},
        {"{dog{...F ...G}} fragment F on Dog{a:name} fragment G on Dog{a:barks}",
         "different fields"},
        {"{dog{owner{...F}} dog{owner{...G}}} fragment F on Human{a:name}"
         " fragment G on Human{a:name(upper:true)}",
         "arguments differ"},
        {"{pet{...on Dog{a:name} ...on Cat{a:meows}}}", "types differ"},
        {"{pet{...on Dog{a:barks} ...on Cat{a:meows}}}", NULL},
        {"{pet{...on Dog{age} ...on Cat{age}}}", "types differ"},
        {"{animal{name ...on Dog{name:barks}}}", "different fields"},
        {"{pet{...on Dog{owner{a:name}} ...on Cat{owner{a:self{name}}}}}", "types differ"},
        {"query($a:Int,$b:Int){x:point(p:{x:1 y:$a}) x:point(p:{y:$a x:1}) point(i:$b)}", NULL},
        {"query($a:Int,$b:Int){x:point(i:$a) x:point(i:$b)}", "arguments differ"},
        {"{x:list(l:[1,2]) x:list(l:[2,1])}", "arguments differ"},
        {"{x:point(s:\"1\") x:point(s:\"1\")}", NULL},
        {"{__type(name:\"a\"){name} ...F} fragment F on Query{__type(name:\"b\"){name}}",
         "arguments differ"},
    };

    (void)state;
    CHECK_ALL(rows);
}

/* One mistake does not hide another, whichever rule finds it. */
static void test_all_errors(void **state)
{
    static const char text[] = "query A($x:Nope,$y:Int=\"s\",$y:Int){nope dog{name{x}...Missing "
                               "need(a:1 a:2)} need(n:\"x\",n:2) point(p:{z:1,z:2}) "
                               "...on Color{x @nope} ...on Cat{name} pet @skip{__typename} cat} "
                               "query A{dog{a:name a:barks ...F}} {list(l:$u)} "
                               "fragment F on Dog{owner{...G}} fragment G on Human{self{...G}} "
                               "fragment Unused on Gone{name}";
    static const char *const words[] = {"no input type",
                                        "is no Int",
                                        "variable $y is defined twice",
                                        "no field \"nope\"",
                                        "has no fields",
                                        "no fragment named \"Missing\"",
                                        "no field \"need\"",
                                        "\"a\" is given twice",
                                        "\"n\" is given twice",
                                        "Point has no field",
                                        "\"z\" is given twice",
                                        "Point.x is required",
                                        "cannot be on \"Color\"",
                                        "no directive @nope",
                                        "can never apply",
                                        "\"if\"",
                                        "select the fields",
                                        "two operations named \"A\"",
                                        "different fields",
                                        "must be the only one",
                                        "$u is not defined",
                                        "spreads itself",
                                        "no type \"Gone\"",
                                        "\"Unused\" is never used",
                                        "variable $x is never",
                                        "variable $y is never",
                                        NULL};

    (void)state;
    for (size_t i = 0; words[i]; i++)
        check(schema, text, words[i], NULL);
}

/* What is reported is bounded, and so is the work and memory that goes into it. */
static void test_many_errors(void **state)
{
    struct arena *arena = arena_new();
    struct gql_errors errors;
    struct ast_document *document;
    struct buf text;

    (void)state;
    buf_init(&text, 0);
    buf_puts(&text, "fragment F on Query{");
    for (int i = 0; i < 900; i++)
        buf_printf(&text, "f%d:list(l:$v) ", i);
    buf_puts(&text, "}");
    for (int i = 0; i < 300; i++)
        buf_printf(&text, "query Q%d{...F}", i);
    gql_errors_init(&errors, arena);
    document = gql_parse(buf_cstr(&text), buf_len(&text), 0, arena, &errors);
    assert_non_null(document);
    gql_validate(schema, document, NULL, arena, &errors);
    assert_true(errors.count > GQL_ERRORS_MAX && errors.count < 1000);
    buf_clear(&text);
    arena_free(&arena);
}

/* A built-in scalar is in the schema if something is of it. */
static void test_unused_scalars(void **state)
{
    static const char text[] = "directive @d(f: Float) on FIELD type Query { a(b: [ID!]): Int }";
    static const char *const scalars[] = {"Int", "Float", "ID", "String"};
    struct arena *arena = arena_new();
    struct gql_errors errors;
    struct gql_schema *full, *bare;

    (void)state;
    gql_errors_init(&errors, arena);
    full = gql_schema_new(text, sizeof(text) - 1, &errors);
    bare = gql_schema_new("type Query { a: String }", 24, &errors);
    assert_true(full && bare);
    for (size_t i = 0; i < 4; i++)
        assert_non_null(gql_type_find(full, scalars[i]));
    assert_null(gql_type_find(bare, "Float"));
    assert_null(gql_type_find(bare, "ID"));
    assert_non_null(gql_type_find(bare, "String"));
    assert_non_null(gql_type_find(bare, "Boolean")); /* of introspection */
    check(bare, "query($x: ID) {a(x: $x)}", "ID is no input type", NULL);
    gql_schema_free(&full);
    gql_schema_free(&bare);
    arena_free(&arena);
}

static void test_limits(void **state)
{
    struct gql_limits limits = {.depth = 4, .aliases = 3, .roots = 4, .directives = 2};
    static const struct row rows[] = {
        {"{dog{owner{self{name}}}}", NULL},
        {"{dog{owner{self{self{name}}}}}", "LIMIT_DEPTH"},
        {"{dog{...F}} fragment F on Dog{owner{self{self{name}}}}", "LIMIT_DEPTH"},
        {"{dog{a:name b:name c:name}}", NULL},
        {"{dog{a:name b:name c:name d:name}}", "LIMIT_ALIASES"},
        {"{dog{a:name ...F} cat{...G}} fragment F on Dog{b:name c:name} fragment G on Cat{d:name}",
         "LIMIT_ALIASES"},
        {"{dog{name} cat{name} pet{__typename} animal{name}}", NULL},
        {"{dog{name} cat{name} pet{__typename} animal{name} list}", "LIMIT_ROOTS"},
        {"{animal{owner{pets{owner{name}}}}}", "LIMIT_DEPTH"},
        {"{dog{name@skip(if:true) ...F}} fragment F on Dog{barks@skip(if:true)}", NULL},
        {"{dog{name@skip(if:true)@include(if:true) ...F}} fragment F on Dog{barks@skip(if:true)}",
         "LIMIT_DIRECTIVES: the number of directives, 3, is above the limit of 2"},
        {"{dog{name@nope@nope@nope}}", "LIMIT_DIRECTIVES"}, /* before anything else is judged */
    };

    (void)state;
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
        check(schema, rows[i].text, rows[i].words, &limits);
}

static void test_suggestions_are_for_those_who_may_see_the_schema(void **state)
{
    struct gql_limits limits = {.depth = 9, .aliases = 9, .roots = 9};

    (void)state;
    limits.suggest = true;
    check(schema, "{dog{nmae}}", "did you mean \"name\"", &limits);
    check(schema, "{dog{zzzzzzzz}}", "no field \"zzzzzzzz\"", &limits);
}

/* Each level spreads the next one twice: 2^levels walks for a validator that does not remember. */
static void test_doubling_fragments_cost_no_more(void **state)
{
    struct gql_limits limits = {.depth = 9999, .aliases = UINT32_MAX, .roots = 9};
    char *text = calloc(1, 400000);
    size_t used = 0;
    int64_t begun = clock_mono().ms;

    (void)state;
    used += (size_t)sprintf(text, "{dog{...F0}}");
    for (int i = 0; i < 60; i++)
        used += (size_t)sprintf(text + used,
                                "fragment F%d on Dog{...F%d ...F%d owner{pets{...F%d ...F%d}}"
                                " a:owner{pets{...F%d}}}",
                                i, i + 1, i + 1, i + 1, i + 1, i + 1);
    sprintf(text + used, "fragment F60 on Dog{name}");
    check(schema, text, NULL, &limits);
    assert_true(clock_mono().ms - begun < 5000);
    free(text);
}

/* And what remains quadratic is refused. */
static void test_too_many_overlaps(void **state)
{
    char *text = calloc(1, 400000);
    size_t used = (size_t)sprintf(text, "{dog{...F0}}");
    int64_t begun = clock_mono().ms;

    (void)state;
    for (int i = 0; i < 300; i++)
        used += (size_t)sprintf(text + used,
                                "fragment F%d on Dog{...F%d owner{pets{...F%d} pets{...F%d}}}", i,
                                i + 1, i + 1, i + 1);
    sprintf(text + used, "fragment F300 on Dog{name}");
    check(schema, text, "LIMIT_OVERLAPS: the document has too many selections", NULL);
    assert_true(clock_mono().ms - begun < 5000);
    free(text);
}

static void test_many_equal_fields(void **state)
{
    char *text = calloc(1, 40000);
    int64_t begun = clock_mono().ms;

    (void)state;
    strcpy(text, "{dog{");
    for (int i = 0, used = 5; i < 4900; i++)
        used += sprintf(text + used, "name ");
    strcat(text, "}}");
    check(schema, text, NULL, NULL);
    assert_true(clock_mono().ms - begun < 5000);
    free(text);
}

/* --- the service's own ---------------------------------------------------------------------------
 */

static void test_operations_of_the_workers(void **state)
{
    struct gql_limits limits = {.depth = 15, .aliases = 500, .roots = 500, .directives = 500};
    struct gql_schema *own = gql_schema_builtin();
    const char *dir = SOURCE_DIR "/graphql/operations";
    DIR *d = opendir(dir);
    struct dirent *entry;
    unsigned n = 0;

    (void)state;
    assert_non_null(d);
    while ((entry = readdir(d))) {
        char path[512];
        size_t len;
        char *text;

        if (!strstr(entry->d_name, ".graphql"))
            continue;
        snprintf(path, sizeof(path), "%s/%s", dir, entry->d_name);
        text = fd_read_file(path, 1 << 20, &len);
        assert_non_null(text);
        check(own, text, NULL, &limits);
        free(text);
        n++;
    }
    closedir(d);
    assert_true(n >= 4);
    gql_schema_free(&own);
}

static void described(const char *description, const char *of, const char *name, const char *part)
{
    if (!description || !*description)
        fail_msg("%s %s %s has no description", of, name, part);
}

static void inputs_described(const struct gql_input *in, size_t n, const char *of, const char *name)
{
    for (size_t i = 0; i < n; i++)
        described(in[i].description, of, name, in[i].name);
}

static void test_everything_is_described(void **state)
{
    struct gql_schema *own = gql_schema_builtin();

    (void)state;
    for (const struct gql_type *t = own->types; t; t = t->next) {
        if (strncmp(t->name, "__", 2) == 0)
            continue;
        described(t->description, "type", t->name, "");
        inputs_described(t->inputs, t->n_inputs, "input", t->name);
        for (size_t i = 0; i < t->n_values; i++)
            described(t->values[i].description, "enum", t->name, t->values[i].name);
        for (size_t i = 0; i < t->n_fields; i++) {
            described(t->fields[i].description, "type", t->name, t->fields[i].name);
            inputs_described(t->fields[i].args, t->fields[i].n_args, t->name, t->fields[i].name);
        }
    }
    for (const struct gql_directive *d = own->directives; d; d = d->next) {
        described(d->description, "directive", d->name, "");
        inputs_described(d->args, d->n_args, "directive", d->name);
    }
    gql_schema_free(&own);
}

static void test_kinds_are_numbered_as_in_activity_h(void **state)
{
    struct gql_schema *own = gql_schema_builtin();
    const struct gql_type *t = gql_type_find(own, "ActivityKind");
    size_t len;
    char *sql = fd_read_file(SOURCE_DIR "/sql/001_tables.sql", 1 << 20, &len);

    (void)state;
    assert_int_equal(t->n_values, ACTIVITY_KINDS - 1);
    assert_non_null(sql);
    for (int kind = 1; kind < ACTIVITY_KINDS; kind++) {
        char row[80];

        assert_string_equal(t->values[kind - 1].name, activity_infos[kind].graphql_name);
        snprintf(row, sizeof(row), "(%d, '%s', %s)", kind, activity_infos[kind].graphql_name,
                 activity_infos[kind].counts_by_default ? "true" : "false");
        if (!strstr(sql, row) && strncmp(activity_infos[kind].graphql_name, "THREAD_", 7) != 0)
            fail_msg("001_tables.sql lacks %s", row);
    }
    free(sql);
    gql_schema_free(&own);
}

/* For the test that compares the manual page: each limit with its value. */
static int print_limits(void)
{
    for (unsigned i = 0; i < limit_list_count; i++)
        printf("%s\t%lu\n", limit_list[i].code, limit_list[i].value);
    return 0;
}

int main(int argc, char **argv)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_operations),
        cmocka_unit_test(test_fields),
        cmocka_unit_test(test_fragments),
        cmocka_unit_test(test_arguments),
        cmocka_unit_test(test_directives),
        cmocka_unit_test(test_variables),
        cmocka_unit_test(test_merging),
        cmocka_unit_test(test_all_errors),
        cmocka_unit_test(test_many_errors),
        cmocka_unit_test(test_unused_scalars),
        cmocka_unit_test(test_limits),
        cmocka_unit_test(test_suggestions_are_for_those_who_may_see_the_schema),
        cmocka_unit_test(test_doubling_fragments_cost_no_more),
        cmocka_unit_test(test_too_many_overlaps),
        cmocka_unit_test(test_many_equal_fields),
        cmocka_unit_test(test_operations_of_the_workers),
        cmocka_unit_test(test_everything_is_described),
        cmocka_unit_test(test_kinds_are_numbered_as_in_activity_h),
    };

    if (argc == 2 && strcmp(argv[1], "--limits") == 0)
        return print_limits();
    return cmocka_run_group_tests(tests, set_up, tear_down);
}
