/* Values: the strict JSON reader, coercion of variables while they are read, literals, bodies,
 * batches in PostgreSQL's binary form, tokens. */
#include "graphql_util.h"

#include <time.h>
#include <unistd.h>

#include "graphql/body.h"
#include "graphql/ingest.h"
#include "graphql/params.h"
#include "graphql/tokens.h"
#include "presence/clock.h"
#include "presence/crypto.h"

static struct gql_schema *schema;

static const char sdl[] = "directive @auth(requires: Int) on OBJECT enum Color { RED GREEN BLUE } "
                          "scalar Snowflake scalar DateTime scalar UnixMs scalar BigInt "
                          "input In { a: Int! b: [Int!] = [7] c: [Color] d: [[Int]] e: [In!] f: "
                          "String g: Float h: Color }"
                          "input One @oneOf { a: Int b: String } type Query { a(id: ID): Int }";

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

/* --- JSON
 * ------------------------------------------------------------------------------------------ */

static int nothing(void *arg)
{
    (void)arg;
    return 0;
}
static int nothing_bool(void *arg, bool v)
{
    (void)arg;
    (void)v;
    return 0;
}
static int nothing_text(void *arg, const char *text, size_t len)
{
    (void)arg;
    (void)text;
    (void)len;
    return 0;
}
static const struct jsonin_events nothings = {nothing,      nothing_bool, nothing_text,
                                              nothing_text, nothing,      nothing_text,
                                              nothing,      nothing,      nothing};

static void test_strict_json(void **state)
{
    static const char *const good[] = {
        "1",
        " null ",
        "\"a\\u00e9\\ud83d\\ude00\\\\u\"",
        "[]",
        "{\"a\":[1,-0.5e+3,true]}",
        "\"\xc3\xa9\xe2\x82\xac\xf0\x9f\x98\x80\"",
        "18446744073709551616",
    };
    static const struct {
        const char *text;
        size_t line, column;
    } bad[] = {
        {"", 1, 1},
        {"01", 0, 0},
        {"1.", 0, 0},
        {"[1,]", 0, 0},
        {"{\"a\":1,}", 0, 0},
        {"'a'", 0, 0},
        {"\"a\nb\"", 0, 0},
        {"\"\\x\"", 0, 0},
        {"1 2", 0, 0},
        {"{\"a\" 1}", 0, 0},
        {"// x\n1", 0, 0},
        {"nul", 0, 0},
        {"[1", 0, 0},
        {"\"a", 0, 0},
        {"+1", 0, 0},
        {".5", 0, 0},
        {"\xff", 1, 1},
        {"[\"\xc0\x80\"]", 1, 3},
        {"\n\"\xed\xa0\x80\"", 2, 2},
        {"\"\xf4\x90\x80\x80\"", 1, 2},
        {"\"\xe0\x80\x80\"", 1, 2},
        {"\"\xc3\"", 1, 2},
        {"\"\\ud800\"", 1, 2},
        {"\"\\ud800\\u0041\"", 1, 2},
        {"\"\\udc00\"", 1, 2},
        {"[[[[]]]]", 1, 4},
    };
    struct jsonin_error error;

    (void)state;
    for (size_t i = 0; i < sizeof(good) / sizeof(good[0]); i++)
        assert_int_equal(jsonin_read(good[i], strlen(good[i]), 3, &nothings, NULL, NULL, &error),
                         0);
    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
        if (jsonin_read(bad[i].text, strlen(bad[i].text), 3, &nothings, NULL, NULL, &error) == 0)
            fail_msg("accepted: %s", bad[i].text);
        assert_false(error.stopped);
        assert_true(error.text[0] != '\0' && error.line > 0);
        if (bad[i].line && (error.line != bad[i].line || error.column != bad[i].column))
            fail_msg("%s: %zu:%zu %s", bad[i].text, error.line, error.column, error.text);
    }
}

/* --- variables
 * ------------------------------------------------------------------------------------- */

struct read {
    struct arena *arena;
    struct gql_errors errors;
    struct gql_variables vars;
    int rc;
};

/* type: of the one variable $v, with a default perhaps ("Int = 3"). */
static struct read read_as(const char *type, const char *json)
{
    struct read r = {.arena = arena_new()};
    char query[200];
    struct ast_document *d;
    const struct ast_input *in;
    struct gql_json *j;

    gql_errors_init(&r.errors, r.arena);
    snprintf(query, sizeof(query), "query($v: %s){a}", type);
    d = gql_parse(query, strlen(query), 0, r.arena, &r.errors);
    assert_non_null(d);
    in = d->definitions->inputs;
    r.vars.n = 1;
    r.vars.list = arena_alloc(r.arena, sizeof(*r.vars.list));
    *r.vars.list = (struct gql_variable){.name = in->name,
                                         .ref = gql_ref_resolve(schema, r.arena, in->type),
                                         .default_value = in->default_value};
    assert_non_null(r.vars.list->ref);
    j = gql_json_new(r.arena, &r.vars, &r.errors);
    r.rc = json ? gql_body_variables_read(json, strlen(json), j, &r.errors) : 0;
    if (r.rc == 0)
        r.rc = gql_json_finish(j);
    return r;
}

static void print_value(struct buf *b, const struct gql_type *t, const struct gql_value *v)
{
    switch (v->kind) {
    case VALUE_ABSENT:
        buf_putc(b, '-');
        break;
    case VALUE_NULL:
        buf_puts(b, "null");
        break;
    case VALUE_INT:
        buf_put_i64(b, v->i);
        break;
    case VALUE_FLOAT:
        buf_printf(b, "%g", v->d);
        break;
    case VALUE_STRING:
        buf_put_json(b, v->string.text, v->string.len);
        break;
    case VALUE_INTS:
        buf_putc(b, '<');
        for (size_t i = 0; i < v->ints.n; i++) {
            if (i)
                buf_putc(b, ',');
            if (v->ints.null && v->ints.null[i])
                buf_puts(b, "null");
            else
                buf_put_i64(b, v->ints.v[i]);
        }
        buf_putc(b, '>');
        break;
    case VALUE_LIST:
        buf_putc(b, '[');
        for (size_t i = 0; i < v->list.n; i++) {
            if (i)
                buf_putc(b, ',');
            print_value(b, t, &v->list.items[i]);
        }
        buf_putc(b, ']');
        break;
    case VALUE_OBJECT:
        buf_putc(b, '{');
        for (size_t i = 0; i < t->n_inputs; i++) {
            if (i)
                buf_putc(b, ' ');
            print_value(b, t->inputs[i].ref->type, &v->fields[i]);
        }
        buf_putc(b, '}');
        break;
    }
}

static const struct {
    const char *type, *json;
    const char *value; /* NULL: refused */
    const char *words; /* of the refusal */
} rows[] = {
    {"Int", "{\"v\":1}", "1", NULL},
    {"Int", "{\"v\":null}", "null", NULL},
    {"Int", "{}", "-", NULL},
    {"Int", NULL, "-", NULL},
    {"Int = 3", "{}", "3", NULL},
    {"Int = 3", "{\"v\":null}", "null", NULL},
    {"Int!", "{}", NULL, "$v of type Int! is required"},
    {"Int!", "{\"v\":null}", NULL, "null is no Int!"},
    {"Int", "{\"v\":2147483648}", NULL, "is no Int"},
    {"Int", "{\"v\":2.0}", "2", NULL},
    {"Int", "{\"v\":-21474836.48e2}", "-2147483648", NULL},
    {"[Int]", "{\"v\":[1e0,20e-1]}", "<1,2>", NULL},
    {"Int", "{\"v\":1.5}", NULL, "is no Int"},
    {"Int", "{\"v\":2147483648.0}", NULL, "is no Int"},
    {"Int", "{\"v\":1e400}", NULL, "is no Int"},
    {"Int", "{\"v\":1.000000000000000000000000000000000000000000000}", NULL, "is no Int"},
    {"BigInt", "{\"v\":1.0}", NULL, "is no BigInt"},
    {"Int", "{\"v\":\"1\"}", NULL, "is no Int"},
    {"Int", "{\"v\":true}", NULL, "is no Int"},
    {"Int", "{\"v\":[1]}", NULL, "is no Int"},
    {"Int", "{\"v\":{}}", NULL, "is no Int"},
    {"Int", "{\"v\":1,\"v\":2}", NULL, "given twice"},
    {"Int", "{\"w\":[{\"x\":[1]}],\"v\":1,\"z\":{\"v\":5}}", "1", NULL},
    {"Int", "[]", NULL, "expected an object"},
    {"Int", "1", NULL, "expected an object"},
    {"Float", "{\"v\":1}", "1", NULL},
    {"Float", "{\"v\":-1.5e3}", "-1500", NULL},
    {"Float", "{\"v\":1e999}", NULL, "is no Float"},
    {"Boolean", "{\"v\":true}", "1", NULL},
    {"Boolean", "{\"v\":1}", NULL, "is no Boolean"},
    {"String", "{\"v\":\"a\\u0000b\"}", "\"a\\u0000b\"", NULL},
    {"String", "{\"v\":1}", NULL, "is no String"},
    {"ID", "{\"v\":12345678901234567890123}", "\"12345678901234567890123\"", NULL},
    {"ID", "{\"v\":1.5}", NULL, "is no ID"},
    {"ID", "{\"v\":1e3}", NULL, "is no ID"},
    {"ID", "{\"v\":5}", "\"5\"", NULL},
    {"ID", "{\"v\":\"x\"}", "\"x\"", NULL},
    {"Color", "{\"v\":\"GREEN\"}", "1", NULL},
    {"Color", "{\"v\":\"GREE\"}", NULL, "is no Color"},
    {"Color", "{\"v\":\"GREENE\"}", NULL, "is no Color"},
    {"Color", "{\"v\":1}", NULL, "is no Color"},
    {"Snowflake", "{\"v\":\"18446744073709551615\"}", "-1", NULL},
    {"Snowflake", "{\"v\":18446744073709551615}", "-1", NULL},
    {"Snowflake", "{\"v\":9007199254740993}", "9007199254740993", NULL},
    {"Snowflake", "{\"v\":\"18446744073709551616\"}", NULL, "Discord id"},
    {"Snowflake", "{\"v\":\" 1\"}", NULL, "Discord id"},
    {"Snowflake", "{\"v\":\"\"}", NULL, "Discord id"},
    {"Snowflake", "{\"v\":-1}", NULL, "Discord id"},
    {"Snowflake", "{\"v\":1e3}", NULL, "Discord id"},
    {"BigInt", "{\"v\":\"-9223372036854775808\"}", "-9223372036854775808", NULL},
    {"BigInt", "{\"v\":\"9223372036854775808\"}", NULL, "64-bit"},
    {"BigInt", "{\"v\":\"-\"}", NULL, "64-bit"},
    {"UnixMs", "{\"v\":1780000000000}", "1780000000000", NULL},
    {"UnixMs", "{\"v\":\"1780000000000\"}", NULL, "is no UnixMs"},
    {"UnixMs", "{\"v\":253402300800000}", NULL, "years 1 to 9999"},
    {"DateTime", "{\"v\":\"1970-01-01T00:00:01.5+01:00\"}", "-3598500", NULL},
    {"DateTime", "{\"v\":\"1970-01-01\"}", NULL, "RFC 3339"},
    {"[Int]", "{\"v\":[1,null,3]}", "<1,null,3>", NULL},
    {"[Int]", "{\"v\":[]}", "<>", NULL},
    {"[Int]", "{\"v\":1}", "<1>", NULL},
    {"[Int!]", "{\"v\":[1,null]}", NULL, "v[1]: null is no Int!"},
    {"[Int]", "{\"v\":[[1]]}", NULL, "v[0]: a list is no Int"},
    {"[Int]", "{\"v\":[{}]}", NULL, "v[0]: an object is no Int"},
    {"[[Int]]", "{\"v\":[[1],[2,null],null]}", "[<1>,<2,null>,null]", NULL},
    {"[[Int]]", "{\"v\":[1,2]}", "[<1>,<2>]", NULL},
    {"[[Int]]", "{\"v\":1}", "[<1>]", NULL},
    {"[String]", "{\"v\":[\"a\",null]}", "[\"a\",null]", NULL},
    {"[String]", "{\"v\":\"a\"}", "[\"a\"]", NULL},
    {"[Color!]!", "{\"v\":[\"BLUE\",\"RED\"]}", "<2,0>", NULL},
    {"[Color!]!", "{\"v\":[\"BLUE\",\"X\"]}", NULL, "v[1]: \"X\" is no Color!"},
    {"In", "{\"v\":{\"a\":1}}", "{1 <7> - - - - - -}", NULL},
    {"In", "{\"v\":{\"h\":\"RED\",\"g\":1,\"f\":\"x\",\"b\":null,\"a\":1}}",
     "{1 null - - - \"x\" 1 0}", NULL},
    {"In", "{\"v\":{}}", NULL, "In.a is required"},
    {"In", "{\"v\":{\"a\":1,\"z\":1}}", NULL, "In has no field \"z\""},
    {"In", "{\"v\":{\"a\":1,\"a\":1}}", NULL, "v.a: the field is given twice"},
    {"In", "{\"v\":{\"a\":1,\"e\":[{\"a\":2},{\"a\":\"x\"}]}}", NULL, "v.e[1].a: \"x\" is no Int!"},
    {"In", "{\"v\":{\"a\":1,\"e\":{\"a\":2}}}", "{1 <7> - - [{2 <7> - - - - - -}] - - -}", NULL},
    {"In", "{\"v\":{\"a\":1,\"d\":[[1],[]],\"c\":[\"RED\",null]}}",
     "{1 <7> <0,null> [<1>,<>] - - - -}", NULL},
    {"In", "{\"v\":\"x\"}", NULL, "expected an object"},
    {"In", "{\"v\":3}", NULL, "expected an object"},
    {"[In!]!", "{\"v\":[]}", "[]", NULL},
    {"[In!]!", "{\"v\":{\"a\":1}}", "[{1 <7> - - - - - -}]", NULL},
    {"[In!]!", "{\"v\":[null]}", NULL, "null is no In!"},
    {"One", "{\"v\":{\"a\":1}}", "{1 -}", NULL},
    {"One", "{\"v\":{}}", NULL, "exactly one"},
    {"One", "{\"v\":{\"a\":1,\"b\":\"x\"}}", NULL, "exactly one"},
    {"One", "{\"v\":{\"a\":null}}", NULL, "exactly one"},
};

static void test_variables(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        struct read r = read_as(rows[i].type, rows[i].json);
        struct buf text;

        buf_init(&text, 0);
        print_value(&text, r.vars.list->ref->type, &r.vars.list->value);
        if (rows[i].value ? r.rc || strcmp(buf_cstr(&text), rows[i].value) != 0
                          : !r.rc || !strstr(errors_text(&r.errors), rows[i].words))
            fail_msg("%s %s: expected %s, got %s, %s", rows[i].type, rows[i].json,
                     rows[i].value ? rows[i].value : rows[i].words, buf_cstr(&text),
                     errors_text(&r.errors));
        buf_clear(&text);
        arena_free(&r.arena);
    }
}

static void test_long_columns(void **state)
{
    struct buf json;
    struct read r;

    (void)state;
    buf_init(&json, 0);
    buf_puts(&json, "{\"v\":[");
    for (int i = 0; i < 3000; i++)
        buf_printf(&json, i % 100 == 99 ? "%snull" : "%s%d", i ? "," : "", i);
    buf_puts(&json, "]}");
    r = read_as("[Int]", buf_cstr(&json));
    assert_int_equal(r.rc, 0);
    assert_int_equal(r.vars.list->value.ints.n, 3000);
    for (size_t i = 0; i < 3000; i++) {
        assert_int_equal(r.vars.list->value.ints.null[i], i % 100 == 99);
        assert_int_equal(r.vars.list->value.ints.v[i], i % 100 == 99 ? 0 : i);
    }
    arena_free(&r.arena);
    buf_clear(&json);
}

/* Ids are read eight digits at a time: every byte at every place of every length. */
static void test_ids(void **state)
{
    static const char digits[] = "12345678901234567890";
    struct gql_type *t = gql_type_find(schema, "Snowflake");
    struct arena *arena = arena_new();
    struct gql_value v;
    char text[21];

    (void)state;
    for (size_t len = 1; len <= 20; len++) {
        snprintf(text, sizeof(text), "%.*s", (int)len, digits);
        assert_null(value_from_string(arena, t, text, len, &v));
        assert_true((uint64_t)v.i == strtoull(text, NULL, 10));
        for (size_t at = 0; at < len; at++) {
            for (int c = 1; c < 256; c++) {
                text[at] = (char)c;
                if (c < '0' || c > '9')
                    assert_non_null(value_from_string(arena, t, text, len, &v));
                else if (len < 20 && value_from_string(arena, t, text, len, &v) == NULL)
                    assert_true((uint64_t)v.i == strtoull(text, NULL, 10));
            }
            text[at] = digits[at];
        }
    }
    assert_null(value_from_string(arena, t, "00000000000000000001", 20, &v));
    assert_int_equal(v.i, 1);
    assert_non_null(value_from_string(arena, t, "99999999999999999999", 20, &v));
    assert_non_null(value_from_string(arena, t, "000000000000000000001", 21, &v));
    arena_free(&arena);
}

/* --- parameters
 * ------------------------------------------------------------------------------------ */

static void test_binary_arrays(void **state)
{
    static const int64_t v[] = {1, -2};
    static const uint8_t null[] = {0, 1};
    static const char ints[] = "\0\0\0\1"
                               "\0\0\0\1"
                               "\0\0\0\24"
                               "\0\0\0\2"
                               "\0\0\0\1"
                               "\0\0\0\10"
                               "\0\0\0\0\0\0\0\1"
                               "\377\377\377\377";
    static const char times[] = "\0\0\0\1"
                                "\0\0\0\0"
                                "\0\0\4\240"
                                "\0\0\0\1"
                                "\0\0\0\1"
                                "\0\0\0\10"
                                "\0\0\0\0\0\0\3\350";
    static const char texts[] = "\0\0\0\1"
                                "\0\0\0\1"
                                "\0\0\0\31"
                                "\0\0\0\1"
                                "\0\0\0\1"
                                "\0\0\0\5"
                                "a\xef\xbf\xbd"
                                "b";
    static const struct param_text text = {"a\0b", 3};
    const int64_t time = 946684800001;
    struct arena *arena = arena_new();
    struct params *p = params_new(arena);

    (void)state;
    params_ints(p, PARAM_INT8, v, null, 2);
    params_ints(p, PARAM_TIME, &time, NULL, 1);
    params_texts(p, &text, 1);
    params_ints(p, PARAM_INT4, v, NULL, 0);
    assert_int_equal(p->lengths[0], sizeof(ints) - 1);
    assert_memory_equal(p->values[0], ints, sizeof(ints) - 1);
    assert_int_equal(p->lengths[1], sizeof(times) - 1);
    assert_memory_equal(p->values[1], times, sizeof(times) - 1);
    assert_int_equal(p->lengths[2], sizeof(texts) - 1);
    assert_memory_equal(p->values[2], texts, sizeof(texts) - 1);
    assert_int_equal(p->lengths[3], 12);
    arena_free(&arena);
}

/* --- tokens
 * ---------------------------------------------------------------------------------------- */

static void write_file(const char *path, const char *text)
{
    FILE *f = fopen(path, "w");

    assert_non_null(f);
    fputs(text, f);
    fclose(f);
}

static void test_tokens(void **state)
{
    static const char *const bad[] = {"name", "name abc read", "name " /* + digest */, NULL};
    char path[64], header[200], *error = NULL, *token, *second, *line;
    struct tokens *tokens;
    const struct token *found;

    (void)state;
    snprintf(path, sizeof(path), "/tmp/t_graphql.%d", (int)getpid());
    write_file(path, "# tokens");
    token = tokens_create(path, "w", "ingest,erase", &error);
    second = tokens_create(path, "r", "read,read:guild:42,admin", &error);
    assert_non_null(token);
    assert_non_null(second);
    tokens = tokens_load(path, &error);
    assert_non_null(tokens);
    assert_int_equal(tokens_count(tokens), 2);
    snprintf(header, sizeof(header), "bearer  %s", token);
    found = tokens_find(tokens, header);
    assert_non_null(found);
    assert_string_equal(found->name, "w");
    assert_int_equal(found->scopes, SCOPE_INGEST | SCOPE_WRITE | SCOPE_ERASE);
    snprintf(header, sizeof(header), "Bearer %s", second);
    found = tokens_find(tokens, header);
    assert_int_equal(found->scopes, SCOPE_READ | SCOPE_ADMIN | SCOPE_WRITE | SCOPE_ERASE);
    assert_int_equal(found->guilds[0], 42);
    header[10] ^= 1;
    assert_null(tokens_find(tokens, header));
    assert_null(tokens_find(tokens, "Bearer "));
    assert_null(tokens_find(tokens, NULL));
    tokens_free(&tokens);
    for (size_t i = 0; bad[i]; i++) {
        line = xasprintf("# ok\n\n%s%s\n", bad[i],
                         i == 2 ? "0000000000000000000000000000000000000000000000000000000000000000"
                                  " write"
                                : "");
        write_file(path, line);
        assert_null(tokens_load(path, &error));
        assert_non_null(strstr(error, ":3: expected"));
        free(error);
        free(line);
    }
    unlink(path);
    assert_null(tokens_load(path, &error));
    free(error);
    free(token);
    free(second);
}

static void test_crypto(void **state)
{
    uint8_t digest[32], back[32];
    char hex[65];

    (void)state;
    crypto_sha256("abc", 3, digest);
    crypto_hex(digest, 32, hex);
    assert_string_equal(hex, "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
    crypto_hmac_sha256("Jefe", 4, "what do ya want for nothing?", 28, digest); /* RFC 4231 */
    crypto_hex(digest, 32, hex);
    assert_string_equal(hex, "5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843");
    assert_int_equal(crypto_unhex(hex, 64, back, 32), 0);
    assert_true(crypto_equal(digest, back, 32));
    back[31] ^= 1;
    assert_false(crypto_equal(digest, back, 32));
    assert_int_equal(crypto_unhex(hex, 63, back, 32), -1);
    hex[5] = 'g';
    assert_int_equal(crypto_unhex(hex, 64, back, 32), -1);
}

/* --- what a batch costs (not judged; for the eye: PRESENCE_BENCH=1)
 * ---------------------------------- */

static void append_column(struct buf *b, const char *name, int n, const char *fmt)
{
    buf_printf(b, "\"%s\":[", name);
    for (int i = 0; i < n; i++) {
        char item[64];

        snprintf(item, sizeof(item), fmt, 1000 + i % 700);
        buf_printf(b, "%s%s", i ? "," : "", item);
    }
    buf_puts(b, "],");
}

static void test_a_batch_of_a_thousand(void **state)
{
    struct gql_schema *own = gql_schema_builtin();
    int rounds = getenv("PRESENCE_BENCH") ? 300 : 1, n = 1000;
    struct timespec from, to;
    struct buf b;

    (void)state;
    buf_init(&b, 0);
    buf_puts(&b, "{\"batch\":{\"lane\":1,\"epoch\":\"1\",\"from\":\"0\",\"to\":\"1000\","
                 "\"sessions\":[{\"session\":\"1\",\"seq\":\"1\"}],\"sightings\":{");
    append_column(&b, "guildId", n, "\"31973179394936%04d\"");
    append_column(&b, "userId", n, "\"88625793882862%04d\"");
    append_column(&b, "channelId", n, "\"31973180233796%04d\"");
    append_column(&b, "kind", n, "\"MESSAGE\"");
    append_column(&b, "count", n, "1");
    append_column(&b, "firstAt", n, "178000002%04d");
    append_column(&b, "lastAt", n, "178000002%04d");
    append_column(&b, "counted", n, "true");
    b.end--;
    buf_puts(&b, "}}}");
    clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &from);
    for (int i = 0; i < rounds; i++) {
        struct arena *arena = arena_new();
        struct gql_ref ref = {.type = gql_type_find(own, "LaneBatch"), .non_null = true};
        struct gql_variable var = {.name = "batch", .ref = &ref};
        struct gql_variables vars = {.list = &var, .n = 1};
        struct gql_errors errors;
        struct ingest_plan plan;
        struct gql_json *j;

        gql_errors_init(&errors, arena);
        j = gql_json_new(arena, &vars, &errors);
        if (gql_body_variables_read((char *)buf_bytes(&b), buf_len(&b), j, &errors) ||
            gql_json_finish(j) || ingest_plan(arena, ref.type, &var.value, 1, &plan, &errors))
            fail_msg("%s", errors_text(&errors));
        assert_int_equal(plan.n_calls, 2);
        assert_int_equal(plan.calls[1].n_params, 20);
        arena_free(&arena);
    }
    clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &to);
    if (rounds > 1)
        print_message("%.3f us per sighting\n", ((double)(to.tv_sec - from.tv_sec) * 1e6 +
                                                 (double)(to.tv_nsec - from.tv_nsec) / 1e3) /
                                                    rounds / n);
    buf_clear(&b);
    gql_schema_free(&own);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_strict_json),   cmocka_unit_test(test_variables),
        cmocka_unit_test(test_long_columns),  cmocka_unit_test(test_ids),
        cmocka_unit_test(test_binary_arrays), cmocka_unit_test(test_tokens),
        cmocka_unit_test(test_crypto),        cmocka_unit_test(test_a_batch_of_a_thousand),
    };

    return cmocka_run_group_tests(tests, set_up, tear_down);
}
