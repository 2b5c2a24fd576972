/* Fields that cannot be executed, and those whose value is a refusal: where their nulls go and
 * which paths their errors have (GraphQL section 6.4.4). `bad` and `worse` fail in each of these:
 * they are given null for an Int!. */
#include "graphql/complete.h"

#include "graphql/document.h"
#include "graphql_util.h"

#define FIELDS                                                                                     \
    "id: Int text: String raw: [Int!] bad(n: Int! = 1): Int worse(n: Int! = 1): Int!"              \
    " bads(n: Int! = 1): [Int!]! may: Node must: Node! list: [Node] strict: [Node!] all: [Node!]!" \
    " rows: [[Node!]] grid: [[Node]!]! "

static const char sdl[] = "type Node { " FIELDS "} type Query { " FIELDS "}";

#define REFUSED "\001no: a \"reason\", [{\001"

static struct gql_schema *schema;

struct row {
    const char *selection, *json; /* of the only root field, as its executor gives it */
    const char *data, *paths;     /* of the answer; data NULL: none */
};

static void note_failures(const struct collect *c, const struct collected *f)
{
    struct gql_value *args;

    for (; f; f = f->next) {
        complete_arguments(c, f, &args);
        if (gql_is_composite(f->field->ref->type))
            note_failures(c, collect_sub(c, f->field->ref->type, f));
    }
}

static const char *paths_of(const struct gql_errors *errors)
{
    static char text[4000];
    size_t used = 0;

    text[0] = '\0';
    for (const struct gql_error *e = errors->first; e && used < sizeof(text); e = e->next) {
        assert_string_equal(e->code, "BAD_USER_INPUT");
        assert_int_equal(e->loc.line, 1);
        snprintf(text + used, sizeof(text) - used, "%s%s", used ? " " : "", e->path);
        used = strlen(text);
    }
    return text;
}

static void check(const struct row *row)
{
    struct gql_limits limits = {9999, UINT32_MAX, UINT32_MAX, UINT32_MAX, false};
    struct documents *documents = documents_new(schema, &limits);
    struct arena *arena = arena_new();
    struct failures failures = {NULL};
    struct collect c = {.arena = arena, .schema = schema, .failures = &failures};
    struct gql_errors errors;
    struct gql_variables vars;
    struct collected *f;
    struct document *d;
    const char *text = arena_printf(
        arena, "query%s %s", strstr(row->selection, "$n") ? "($n: Int = 1)" : "", row->selection);
    struct buf out;

    gql_errors_init(&errors, arena);
    d = document_get(documents, text, strlen(text), false, &errors);
    if (!d)
        fail_msg("%s\n%s", text, errors_text(&errors));
    vars = gql_variables_new(arena, document_only_operation(d)->inputs);
    if (vars.n)
        vars.list[0].value.kind = VALUE_NULL;
    c.vars = &vars;
    f = collect_fields(&c, schema->query, document_only_operation(d)->selections);
    note_failures(&c, f);
    buf_init(&out, 0);
    buf_puts(&out, "before");
    assert_int_equal(
        complete_field(&c, f, row->json, row->json ? strlen(row->json) : 0, &out, &errors),
        row->data != NULL);
    assert_string_equal(buf_cstr(&out),
                        arena_printf(arena, "before%s", row->data ? row->data : ""));
    assert_string_equal(paths_of(&errors), row->paths);
    buf_clear(&out);
    document_release(documents, &d);
    documents_free(&documents);
    arena_free(&arena);
}

static void test_nulls(void **state)
{
    static const struct row rows[] = {
        /* nothing fails, or it is not reached */
        {"{id}", "5", "5", ""},
        {"{may{id bad}}", "{\"id\":1,\"bad\":2}", "{\"id\":1,\"bad\":2}", ""},
        {"{may{worse(n:$n)}}", NULL, "null", ""},
        {"{all{worse(n:$n)}}", "[]", "[]", ""},
        {"{list{worse(n:$n)}}", "[null,null]", "[null,null]", ""},
        /* at the root */
        {"{bad(n:$n)}", NULL, "null", "[\"bad\"]"},
        {"{x:worse(n:$n)}", NULL, NULL, "[\"x\"]"},
        {"{bads(n:$n)}", NULL, NULL, "[\"bads\"]"},
        /* a nullable field: itself; a non-null one: the nearest nullable value around it */
        {"{may{id x:bad(n:$n)}}", "{\"id\":1,\"x\":null}", "{\"id\":1,\"x\":null}",
         "[\"may\",\"x\"]"},
        {"{may{id worse(n:$n)}}", "{\"id\":1,\"worse\":null}", "null", "[\"may\",\"worse\"]"},
        {"{must{worse(n:$n)}}", "{\"worse\":null}", NULL, "[\"must\",\"worse\"]"},
        {"{may{id m:may{must{must{worse(n:$n)}}} text}}",
         "{\"id\":1,\"m\":{\"must\":{\"must\":{\"worse\":null}}},\"text\":\"}\"}",
         "{\"id\":1,\"m\":null,\"text\":\"}\"}", "[\"may\",\"m\",\"must\",\"must\",\"worse\"]"},
        /* lists: of nullable ones, of non-null ones, of lists */
        {"{list{id worse(n:$n)}}", "[{\"id\":1,\"worse\":null},null,{\"id\":2,\"worse\":null}]",
         "[null,null,null]", "[\"list\",0,\"worse\"] [\"list\",2,\"worse\"]"},
        {"{list{id bad(n:$n)}}", "[{\"id\":1,\"bad\":null},{\"id\":2,\"bad\":null}]",
         "[{\"id\":1,\"bad\":null},{\"id\":2,\"bad\":null}]",
         "[\"list\",0,\"bad\"] [\"list\",1,\"bad\"]"},
        {"{strict{worse(n:$n)}}", "[{\"worse\":null},{\"worse\":null}]", "null",
         "[\"strict\",0,\"worse\"]"},
        {"{all{worse(n:$n)}}", "[{\"worse\":null}]", NULL, "[\"all\",0,\"worse\"]"},
        {"{may{all{worse(n:$n)}}}", "{\"all\":[{\"worse\":null}]}", "null",
         "[\"may\",\"all\",0,\"worse\"]"},
        {"{rows{worse(n:$n)}}", "[[],[{\"worse\":null}],null]", "[[],null,null]",
         "[\"rows\",1,0,\"worse\"]"},
        {"{grid{worse(n:$n)}}", "[[{\"worse\":null},null],[{\"worse\":null}]]",
         "[[null,null],[null]]", "[\"grid\",0,0,\"worse\"] [\"grid\",1,0,\"worse\"]"},
        /* what is not reached any more has no error; what stands beside it has */
        {"{list{bad(n:$n) worse(n:$n) x:bad(n:$n)}}", "[{\"bad\":null,\"worse\":null,\"x\":null}]",
         "[null]", "[\"list\",0,\"bad\"] [\"list\",0,\"worse\"]"},
        {"{may{a:bad(n:$n) b:bad(n:$n)}}", "{\"a\":null,\"b\":null}", "{\"a\":null,\"b\":null}",
         "[\"may\",\"a\"] [\"may\",\"b\"]"},
        {"{may{a:may{worse(n:$n)} b:may{worse(n:$n)}}}",
         "{\"a\":{\"worse\":null},\"b\":{\"worse\":null}}", "{\"a\":null,\"b\":null}",
         "[\"may\",\"a\",\"worse\"] [\"may\",\"b\",\"worse\"]"},
        /* the same selection in two places; merged selections; a fragment that is left out */
        {"{may{may{...F} must{...F}}} fragment F on Node{worse(n:$n)}",
         "{\"may\":{\"worse\":null},\"must\":{\"worse\":null}}", "null",
         "[\"may\",\"may\",\"worse\"] [\"may\",\"must\",\"worse\"]"},
        {"{may{may{id} may{bad(n:$n)}}}", "{\"may\":{\"id\":1,\"bad\":null}}",
         "{\"may\":{\"id\":1,\"bad\":null}}", "[\"may\",\"may\",\"bad\"]"},
        {"{may{...@skip(if:true){id worse(n:$n)} text}}", "{\"text\":\"\"}", "{\"text\":\"\"}", ""},
        /* values of every form are passed by */
        {"{may{text raw id bad(n:$n)}}",
         "{\"text\":\"a\\\\\\\"]}\\\\\",\"raw\":[1, -2.5e3],\"id\":-7,\"bad\":null}",
         "{\"text\":\"a\\\\\\\"]}\\\\\",\"raw\":[1, -2.5e3],\"id\":-7,\"bad\":null}",
         "[\"may\",\"bad\"]"},
        {"{list{worse(n:$n) text raw may{text raw}}}",
         "[{\"worse\":null,\"text\":\"\\\"\",\"raw\":[],\"may\":{\"text\":\"{[\",\"raw\":[1]}}]",
         "[null]", "[\"list\",0,\"worse\"]"},
        {"{may{text raw bad(n:$n)}}",
         "{\"text\":\"\",\"raw\":[\t1 ,\n[\"]\"],{}\r\n],\"bad\":null}",
         "{\"text\":\"\",\"raw\":[\t1 ,\n[\"]\"],{}\r\n],\"bad\":null}", "[\"may\",\"bad\"]"},
        /* refusals: at the root, reached, around one, passed by, beside a failure */
        {"{bad}", REFUSED, "null", "[\"bad\"]"},
        {"{x:worse}", REFUSED, NULL, "[\"x\"]"},
        {"{list{id worse}}", "[{\"id\":1,\"worse\":2},{\"id\":1,\"worse\":" REFUSED "},null]",
         "[{\"id\":1,\"worse\":2},null,null]", "[\"list\",1,\"worse\"]"},
        {"{all{id worse}}", "[{\"id\":1,\"worse\":" REFUSED "},{\"id\":1,\"worse\":" REFUSED "}]",
         NULL, "[\"all\",0,\"worse\"]"},
        {"{list{worse may{x:may{worse} list{worse}}}}",
         "[{\"worse\":" REFUSED ",\"may\":{\"x\":" REFUSED ",\"list\":[{\"worse\":" REFUSED "}]}}]",
         "[null]", "[\"list\",0,\"worse\"]"},
        {"{may{a:may{id} bad(n:$n)}}", "{\"a\":" REFUSED ",\"bad\":null}",
         "{\"a\":null,\"bad\":null}", "[\"may\",\"a\"] [\"may\",\"bad\"]"},
        {"{may{may{... @skip(if:true){id}} bad(n:$n)}}", "{\"may\":{},\"bad\":null}",
         "{\"may\":{},\"bad\":null}", "[\"may\",\"bad\"]"},
    };

    (void)state;
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        print_message("%s\n", rows[i].selection);
        check(&rows[i]);
    }
}

static int set_up(void **state)
{
    (void)state;
    schema = schema_of(sdl);
    return 0;
}

static int tear_down(void **state)
{
    (void)state;
    gql_schema_free(&schema);
    return 0;
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_nulls)};

    return cmocka_run_group_tests(tests, set_up, tear_down);
}
