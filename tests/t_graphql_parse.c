/* GraphQL's lexer and grammar: what is accepted, what is refused and where. */
#include "graphql_util.h"

#include "graphql/ast.h"

struct parsed {
    struct arena *arena;
    struct gql_errors errors;
    struct ast_document *document;
};

static struct parsed parse(const char *text, size_t len)
{
    struct parsed p = {.arena = arena_new()};

    gql_errors_init(&p.errors, p.arena);
    p.document = gql_parse(text, len, 0, p.arena, &p.errors);
    return p;
}

static const char *const valid[] = {
    "{a}",
    "query{a}",
    "query Q{a b:c d}",
    "mutation M($a:Int=1,$b:[String!]!=[\"x\"]@d(x:1)){f(a:$a b:$b)}",
    "subscription{s}",
    "fragment F on T{a} query{...F ...on T{b} ...@include(if:true){c} ...{d}}",
    "{query mutation subscription fragment on true false null type schema implements repeatable}",
    "query query($query:Int){query:query(query:$query)}",
    "query on{a}",
    "fragment fragment on on{type}",
    "{a(v:enum,w:type,x:on,y:[],z:{})}",
    "{a(v:-0,w:1.5e-10,x:1E5,y:0.0,z:123456789012345678901234567890)}",
    "{a(v:\"\")}",
    "{a(v:\"\\u00e9\\uD83D\\uDE00\\u{1F600}\\u{0000000041}\\n\\\"\\/\")}",
    "{a(v:\"\"\"block \"quoted\" \\\"\"\" \\n\n  x\"\"\")}",
    "\xEF\xBB\xBF{a}",
    "{a \xEF\xBB\xBF b}",
    "# comment\r\n{a,,,b\t#x\r c}",
    "\"d\" query Q(\"d\" $a: Int) {a} \"\"\"d\"\"\" fragment F on T {a}",
    "schema{query:Q mutation:M}",
    "\"d\" schema @a {query:Q}",
    "type T",
    "type T implements A&B@d{\"d\" a(\"d\" x:Int=1@d):[Int!]!@d}",
    "type T implements & A {type:type}",
    "interface I implements J{a:Int} union U=|A|B union V@d=A union W enum E{A @d B} enum F",
    "input I{a:Int=1 b:[I!]} scalar S@d directive@d(a:Int)repeatable on|FIELD|QUERY",
    "extend type T{a:Int} extend schema@d extend union U=C extend enum E{C} extend input I{c:Int}",
};

static void test_valid(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof(valid) / sizeof(valid[0]); i++) {
        struct parsed p = parse(valid[i], strlen(valid[i]));

        if (!p.document)
            fail_msg("%s\n%s", valid[i], errors_text(&p.errors));
        arena_free(&p.arena);
    }
}

static const struct {
    const char *text;
    uint32_t line, column;
    const char *words;
} invalid[] = {
    {"", 1, 1, "end of the document"},
    {"{", 1, 2, "end of the document"},
    {"{}", 1, 2, "unexpected '}'"},
    {"{a", 1, 3, "end of the document"},
    {"{a}}", 1, 4, "unexpected '}'"},
    {"{a(}", 1, 4, "unexpected '}'"},
    {"{a()}", 1, 4, "unexpected ')'"},
    {"{a\n  b(x:01)}", 2, 8, "invalid number \"01\""},
    {"{a(x:1.)}", 1, 8, "invalid number"},
    {"{a(x:1a)}", 1, 7, "invalid number"},
    {"{a(x:1.5.1)}", 1, 9, "invalid number"},
    {"{a(x:1e)}", 1, 8, "invalid number"},
    {"{a(x:0x1)}", 1, 7, "invalid number"},
    {"{a(x:-)}", 1, 7, "invalid number"},
    {"{a(x:.5)}", 1, 6, "unexpected character"},
    {"{a(x:+1)}", 1, 6, "unexpected character"},
    {"{a(x:\"b)}", 1, 10, "unterminated string"},
    {"{a(x:\"b\n\")}", 1, 8, "unterminated string"},
    {"{a(x:\"\\x\")}", 1, 7, "invalid escape"},
    {"{a(x:\"\\u12\")}", 1, 7, "invalid escape"},
    {"{a(x:\"\\uD83D\")}", 1, 7, "scalar value"},
    {"{a(x:\"\\uDE00\\uD83D\")}", 1, 7, "scalar value"},
    {"{a(x:\"\\uD83D\\u{DE00}\")}", 1, 7, "scalar value"},
    {"{a(x:\"\\u{110000}\")}", 1, 7, "scalar value"},
    {"{a(x:\"\\u{D800}\")}", 1, 7, "scalar value"},
    {"{a(x:\"\\u{FFFFFFFFFFFF}\")}", 1, 7, "scalar value"},
    {"{a(x:\"\"\"b)}", 1, 12, "unterminated block string"},
    {"{a(x:'b')}", 1, 6, "unexpected character"},
    {"{a ? b}", 1, 4, "unexpected character"},
    {"query($n:Int=1,$m:Int=$n){a}", 1, 23, "cannot stand in a constant"},
    {"query($m:[In]=[{x:$n}]){a}", 1, 19, "cannot stand in a constant"},
    {"query($m:Int@d(x:[$n])){a}", 1, 19, "cannot stand in a constant"},
    {"{a(x:\"\xc3\xa9\xf0\x9f\x98\x80\") \xEF\xBB\xBF ?}", 1, 15, "unexpected character"},
    {"# \xc3\xa9\n{\xc3\xa9}", 2, 2, "unexpected character \"\xc3\xa9\""},
    {"{... on}", 1, 8, "unexpected '}'"},
    {"fragment on on T{a}", 1, 10, "on"},
    {"fragment F{a}", 1, 11, "unexpected '{'"},
    {"query($a){a}", 1, 9, "unexpected ')'"},
    {"query(a:Int){a}", 1, 7, "unexpected name"},
    {"query($a:Int!!){a}", 1, 14, "unexpected '!'"},
    {"query Q(){a}", 1, 9, "unexpected ')'"},
    {"{a(x:$)}", 1, 7, "unexpected ')'"},
    {"{a:b:c}", 1, 5, "unexpected ':'"},
    {"\"d\" {a}", 1, 5, "unexpected '{'"},
    {"\"d\" \"d\" query{a}", 1, 5, "string"},
    {"type T{\"a\" \"b\" c:Int}", 1, 21, "description"},
    {"type T{}", 1, 8, "unexpected '}'"},
    {"type T{a}", 1, 9, "unexpected '}'"},
    {"enum E{true}", 1, 8, "true"},
    {"union U=A B", 1, 11, "unexpected name"},
    {"extend query{a}", 1, 8, "query"},
    {"directive@d on field", 0, 0, NULL}, /* any name is grammar; the schema judges it */
    {"foo", 1, 1, "unexpected name"},
};

static void test_invalid(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof(invalid) / sizeof(invalid[0]); i++) {
        struct parsed p = parse(invalid[i].text, strlen(invalid[i].text));

        if (!invalid[i].words) {
            assert_non_null(p.document);
        } else {
            if (p.document || p.errors.count != 1 ||
                !strstr(p.errors.first->message, invalid[i].words) ||
                p.errors.first->loc.line != invalid[i].line ||
                p.errors.first->loc.column != invalid[i].column)
                fail_msg("%s\nexpected %u:%u %s\ngot %s", invalid[i].text, invalid[i].line,
                         invalid[i].column, invalid[i].words, errors_text(&p.errors));
            assert_string_equal(p.errors.first->code, "GRAPHQL_PARSE_FAILED");
        }
        arena_free(&p.arena);
    }
}

static void test_every_prefix_ends_well(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof(valid) / sizeof(valid[0]); i++)
        for (size_t len = 0; len < strlen(valid[i]); len++) {
            /* a copy of exactly this size: a byte too far is found by the sanitizer */
            char *text = malloc(len + 1);
            struct parsed p;

            memcpy(text, valid[i], len);
            p = parse(text, len);
            assert_true(p.document != NULL || p.errors.count == 1);
            arena_free(&p.arena);
            free(text);
        }
}

static void test_nul_is_a_character_like_others(void **state)
{
    struct parsed p = parse("{a\0b}", 5);

    (void)state;
    assert_null(p.document);
    assert_int_equal(p.errors.first->loc.column, 3);
    arena_free(&p.arena);
    p = parse("{a(x:\"b\0c\")}", 12);
    assert_non_null(p.document);
    assert_int_equal(p.document->definitions->selections->arguments->value->len, 3);
    arena_free(&p.arena);
}

static const char *string_of(const struct parsed *p)
{
    assert_non_null(p->document);
    return p->document->definitions->selections->arguments->value->text;
}

static void test_strings(void **state)
{
    static const struct {
        const char *literal, *value;
    } cases[] = {
        {"\"a\\u00e9\\t\"", "a\xc3\xa9\t"},
        {"\"\\uD83D\\uDE00\"", "\xf0\x9f\x98\x80"},
        {"\"\\u{1f600}\\u{41}\"", "\xf0\x9f\x98\x80"
                                  "A"},
        {"\"\"\"\"\"\"", ""},
        {"\"\"\"a\"\"\"", "a"},
        {"\"\"\"  a\"\"\"", "  a"},
        {"\"\"\"\n    a\n      b\n\n    c\n  \"\"\"", "a\n  b\n\nc"},
        {"\"\"\"\r\n\t a\r\t b\n \"\"\"", "a\nb"},
        {"\"\"\"a \\\"\"\" \\u00e9 \"b\"\"\"\"", "a \"\"\" \\u00e9 \"b"},
        {"\"\"\"\n\n\n\"\"\"", ""},
        {"\"\"\"a\n \n\"\"\"", "a"},
    };

    (void)state;
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        char text[200];
        struct parsed p;

        snprintf(text, sizeof(text), "{a(x:%s)}", cases[i].literal);
        p = parse(text, strlen(text));
        if (strncmp(cases[i].literal, "\"\"\"a \\", 6) == 0) {
            /* four quotes at the end: the string, then an open one */
            assert_null(p.document);
        } else {
            assert_string_equal(string_of(&p), cases[i].value);
        }
        arena_free(&p.arena);
    }
}

static void test_shape(void **state)
{
    static const char text[] =
        "query Q($v: [Int!]! = [1]) @d {\n  x: f(a: {b: [$v, null, E]}) @skip(if: true) { g }\n"
        "  ...F }";
    struct parsed p = parse(text, sizeof(text) - 1);
    const struct ast_definition *d;
    const struct ast_selection *s;
    const struct ast_value *v;

    (void)state;
    assert_non_null(p.document);
    d = p.document->definitions;
    assert_int_equal(d->kind, AST_QUERY);
    assert_string_equal(d->name, "Q");
    assert_string_equal(d->directives->name, "d");
    assert_string_equal(gql_ast_type_text(p.arena, d->inputs->type), "[Int!]!");
    s = d->selections;
    assert_string_equal(s->key, "x");
    assert_string_equal(s->name, "f");
    assert_int_equal(s->loc.line, 2);
    assert_int_equal(s->loc.column, 3);
    assert_string_equal(s->directives->name, "skip");
    assert_string_equal(s->selections->name, "g");
    v = s->arguments->value->items;
    assert_string_equal(v->field, "b");
    assert_int_equal(v->kind, AST_LIST);
    assert_int_equal(v->items->kind, AST_VARIABLE);
    assert_int_equal(v->items->next->kind, AST_NULL);
    assert_int_equal(v->items->next->next->kind, AST_ENUM);
    assert_int_equal(s->next->kind, AST_SPREAD);
    assert_string_equal(s->next->name, "F");
    assert_null(s->next->next);
    arena_free(&p.arena);
}

static void test_limits(void **state)
{
    char *text = malloc(30000);
    struct parsed p;

    (void)state;
    strcpy(text, "{");
    for (int i = 0; i < 9998; i++)
        strcat(text + i, "a ");
    strcat(text, "}");
    p = parse(text, strlen(text));
    assert_non_null(p.document);
    assert_int_equal(p.document->tokens, 10000);
    arena_free(&p.arena);
    text[strlen(text) - 1] = 'a';
    strcat(text, "}");
    p = parse(text, strlen(text));
    assert_string_equal(p.errors.first->code, "LIMIT_TOKENS");
    arena_free(&p.arena);
    /* brackets: two of the field's, and those of the list */
    for (size_t lists = 98; lists <= 99; lists++) {
        snprintf(text, 30000, "{a(x:%*s%*s)}", (int)lists, "", (int)lists, "");
        memset(text + 5, '[', lists);
        memset(text + 5 + lists, ']', lists);
        p = parse(text, strlen(text));
        if (lists == 98)
            assert_int_equal(p.document->depth, 100);
        else
            assert_string_equal(p.errors.first->code, "LIMIT_NESTING");
        arena_free(&p.arena);
    }
    free(text);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_valid),
        cmocka_unit_test(test_invalid),
        cmocka_unit_test(test_every_prefix_ends_well),
        cmocka_unit_test(test_nul_is_a_character_like_others),
        cmocka_unit_test(test_strings),
        cmocka_unit_test(test_shape),
        cmocka_unit_test(test_limits),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
