/* What operations cost: weights, list sizes by arguments, defaults and variables, connections,
 * fragments; and that each list of the service's schema says how long it is. */
#include "graphql/cost.h"
#include "graphql/document.h"
#include "graphql_util.h"
#include "presence/clock.h"

static const char sdl[] =
    "directive @cost(weight: Int!) on FIELD_DEFINITION "
    "directive @listSize(assumedSize: Int!, slicingArguments: [String!], sizedFields: [String!]) "
    "on "
    "FIELD_DEFINITION "
    "directive @auth(requires: Scope!) on FIELD_DEFINITION enum Scope { READ } "
    "input Key { id: ID! } "
    "type Node { id: ID! names: [String!] heavy: Int @cost(weight: 7) free: Int @cost(weight: 0)"
    " self: Node list: [Node!]! two: [Node!]! @listSize(assumedSize: 2)"
    " page(first: Int, last: Int): Page! @listSize(assumedSize: 50, slicingArguments: [\"first\", "
    "\"last\"], sizedFields: [\"nodes\", \"edges\"]) } "
    "type Page { nodes: [Node!]! edges: [Edge!]! total: Int! @cost(weight: 100) info: Node } "
    "type Edge { cursor: ID! node: Node! } "
    "type Query { node: Node"
    " keyed(keys: [Key!]!): [Node!]! @listSize(assumedSize: 3, slicingArguments: [\"keys\"])"
    " sized(n: Int! = 20): [Node!]! @listSize(assumedSize: 3, slicingArguments: [\"n\"]) }";

static struct gql_schema *schema;

struct row {
    const char *text, *variables;
    uint64_t cost;
};

static uint64_t cost_in(const struct gql_schema *s, const char *text, const char *variables)
{
    struct gql_limits limits = {9999, UINT32_MAX, UINT32_MAX, UINT32_MAX, false};
    struct documents *documents = documents_new(s, &limits);
    struct arena *arena = arena_new();
    struct gql_errors errors;
    struct document *d;
    struct gql_variables vars = {0};
    struct collect c = {.arena = arena, .schema = s, .vars = &vars};
    struct jsonin_error json_error;
    struct gql_json *json;
    uint64_t cost;

    gql_errors_init(&errors, arena);
    d = document_get(documents, text, strlen(text), false, &errors);
    if (!d)
        fail_msg("%.300s\n%s", text, errors_text(&errors));
    vars = gql_variables_new(arena, document_only_operation(d)->inputs);
    json = gql_json_new(arena, &vars, &errors);
    if (variables)
        assert_int_equal(jsonin_read(variables, strlen(variables), 64, &gql_json_events, json, NULL,
                                     &json_error),
                         0);
    assert_int_equal(gql_json_finish(json), 0);
    cost = cost_of(&c, document_only_operation(d)->selections);
    document_release(documents, &d);
    documents_free(&documents);
    arena_free(&arena);
    return cost;
}

static void test_costs(void **state)
{
    static const struct row rows[] = {
        {"{node{id}}", NULL, 2},
        {"{node{id names heavy free __typename}}", NULL, 11},
        {"{a:node{id} b:node{self{self{id}}}}", NULL, 6},
        {"{node{list{id}}}", NULL, 12},
        {"{node{two{two{id heavy}}}}", NULL, 1 + 1 + 2 * (1 + 2 * 8)},
        /* slicing arguments: literals, variables, defaults */
        {"{keyed(keys:[{id:1},{id:2}]){id}}", NULL, 3},
        {"{keyed(keys:{id:1}){id}}", NULL, 2},
        {"query($k:[Key!]!){keyed(keys:$k){id}}", "{\"k\":[{\"id\":\"1\"},{\"id\":\"2\"}]}", 3},
        {"{sized{id}}", NULL, 21},
        {"{sized(n:4){id}}", NULL, 5},
        {"query($n:Int! = 6){sized(n:$n){id}}", NULL, 7},
        {"query($n:Int! = 6){sized(n:$n){id}}", "{\"n\":8}", 9},
        /* connections */
        {"{node{page{total}}}", NULL, 102},
        {"{node{page{nodes{id heavy} total info{id}}}}", NULL, 2 + 1 + 50 * 8 + 100 + 2},
        {"{node{page(first:3){nodes{id}}}}", NULL, 2 + 1 + 3},
        {"{node{page(last:4){edges{cursor node{id}}}}}", NULL, 2 + 1 + 4 * 3},
        {"{node{page(first:3,last:4){nodes{id}}}}", NULL, 2 + 1 + 4},
        {"{node{page(first:null){nodes{id}}}}", NULL, 2 + 1 + 50},
        {"{node{page(first:-3){nodes{id}}}}", NULL, 2 + 1},
        {"query($f:Int){node{page(first:$f){nodes{id}}}}", NULL, 2 + 1 + 50},
        {"query($f:Int){node{page(first:$f){nodes{id}}}}", "{\"f\":1000}", 2 + 1 + 1000},
        {"{node{page(first:10){nodes{page(first:10){nodes{page(first:10){nodes{id}}}}}}}}", NULL,
         1 + 2 + 10 * (2 + 10 * (2 + 10))},
        /* fragments; one within a connection belongs to that connection */
        {"{node{...F ...F}} fragment F on Node{id self{id}}", NULL, 7},
        {"{node{a:page(first:2){...P} b:page(first:3){...P}}} fragment P on Page{nodes{id} total}",
         NULL, 1 + (1 + 1 + 2 + 100) + (1 + 1 + 3 + 100)},
        {"{node{page(first:2){... on Page{edges{node{id}}}}}}", NULL, 2 + 1 + 2 * 2},
        /* what is left out */
        {"query($x:Boolean!){node{page @skip(if:$x){nodes{id}}}}", "{\"x\":true}", 1},
        {"query($x:Boolean!){node{...F @include(if:$x)}} fragment F on Node{page{nodes{id}}}",
         "{\"x\":true}", 53},
        /* the schema */
        {"{__typename}", NULL, 1},
        {"{__type(name:\"Node\"){name}}", NULL, 2},
        {"{__schema{types{name description}}}", NULL, 1 + 3},
        /* no overflow */
        {"{sized(n:2147483647){page(first:2147483647){nodes{id}}}}", NULL, UINT32_MAX},
    };

    (void)state;
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        uint64_t cost = cost_in(schema, rows[i].text, rows[i].variables);

        if (cost != rows[i].cost)
            fail_msg("%s: %llu, expected %llu", rows[i].text, (unsigned long long)cost,
                     (unsigned long long)rows[i].cost);
    }
}

/* Each level spreads the next one twice, in a connection and outside of one. */
static void test_doubling_fragments(void **state)
{
    char *text = calloc(1, 100000);
    size_t used = (size_t)sprintf(text, "{node{...N0 page{...P0}}}");
    int64_t begun = clock_mono().ms;

    (void)state;
    for (int i = 0; i < 60; i++)
        used += (size_t)sprintf(text + used,
                                "fragment N%d on Node{...N%d ...N%d} "
                                "fragment P%d on Page{...P%d ...P%d} ",
                                i, i + 1, i + 1, i, i + 1, i + 1);
    sprintf(text + used, "fragment N60 on Node{id} fragment P60 on Page{total}");
    assert_int_equal(cost_in(schema, text, NULL), UINT32_MAX);
    assert_true(clock_mono().ms - begun < 5000);
    free(text);
}

static void expect_mistake(const char *field, const char *words)
{
    struct arena *arena = arena_new();
    struct gql_errors errors;
    char text[400];
    struct gql_schema *s;

    gql_errors_init(&errors, arena);
    snprintf(text, sizeof(text), "type Query { a(b: Int): [Query!] %s }", field);
    s = gql_schema_new(text, strlen(text), &errors);
    assert_null(s);
    if (!strstr(errors_text(&errors), words))
        fail_msg("%s: %s", field, errors_text(&errors));
    arena_free(&arena);
}

static void test_mistakes_of_a_schema(void **state)
{
    (void)state;
    expect_mistake("@cost", "@cost: expected weight");
    expect_mistake("@cost(weight: -1)", "@cost: expected weight");
    expect_mistake("@listSize(slicingArguments: [\"b\"])", "@listSize: expected assumedSize");
    expect_mistake("@listSize(assumedSize: 1, slicingArguments: [\"c\"])",
                   "a has no argument \"c\"");
}

static bool is_sized_by(const struct gql_schema *s, const struct gql_type *t, const char *field)
{
    for (const struct gql_type *of = s->types; of; of = of->next)
        for (size_t i = 0; i < of->n_fields; i++) {
            const struct gql_field *f = &of->fields[i];

            if (f->ref->type != t || !f->size)
                continue;
            for (const struct ast_value *v = f->size->sized; v; v = v->next)
                if (strcmp(v->text, field) == 0)
                    return true;
        }
    return false;
}

/* A list of objects that nothing tells the length of would cost too little or too much. */
static void test_every_list_says_how_long_it_is(void **state)
{
    struct gql_schema *own = gql_schema_builtin();
    unsigned lists = 0;

    (void)state;
    for (const struct gql_type *t = own->types; t; t = t->next)
        for (size_t i = 0; i < t->n_fields; i++) {
            const struct gql_field *f = &t->fields[i];

            if (!f->ref->of || gql_is_leaf(f->ref->type))
                continue;
            lists++;
            if (!f->size && !is_sized_by(own, t, f->name))
                fail_msg("%s.%s has no @listSize", t->name, f->name);
        }
    assert_true(lists > 15);
    gql_schema_free(&own);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_costs),
        cmocka_unit_test(test_doubling_fragments),
        cmocka_unit_test(test_mistakes_of_a_schema),
        cmocka_unit_test(test_every_list_says_how_long_it_is),
    };
    struct arena *arena = arena_new();
    struct gql_errors errors;
    int failed;

    gql_errors_init(&errors, arena);
    schema = gql_schema_new(sdl, strlen(sdl), &errors);
    if (!schema) {
        fprintf(stderr, "%s\n", errors_text(&errors));
        return 1;
    }
    failed = cmocka_run_group_tests(tests, NULL, NULL);
    gql_schema_free(&schema);
    arena_free(&arena);
    return failed;
}
