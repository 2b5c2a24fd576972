/* A tool of the benchmarks: what the language costs, without HTTP and without a database.
 *
 *   gql_bench document FILE TIMES    CPU of parsing and validating it, and of finding it in the
 * cache gql_bench record FILE TIMES      of reading a request's body, recordSightings, into the
 * calls that PostgreSQL gets
 *
 * Prints microseconds for one time, space separated. */
#include "config.h"
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "graphql/body.h"
#include "graphql/document.h"
#include "graphql/ingest.h"
#include "presence/fd.h"

static const struct gql_limits limits = {
    .depth = 100, .aliases = 10000, .roots = 10000, .directives = 500};

static double cpu_us(void)
{
    struct timespec t;

    clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &t);
    return (double)t.tv_sec * 1e6 + (double)t.tv_nsec / 1e3;
}

static void fail(const struct gql_errors *errors)
{
    if (!errors->count)
        return;
    fprintf(stderr, "gql_bench: %u:%u: %s\n", errors->first->loc.line, errors->first->loc.column,
            errors->first->message);
    exit(1);
}

static void parse_and_validate(const struct gql_schema *schema, const char *text, size_t len)
{
    struct arena *arena = arena_new();
    struct ast_document *document;
    struct gql_errors errors;

    gql_errors_init(&errors, arena);
    document = gql_parse(text, len, 0, arena, &errors);
    if (document)
        gql_validate(schema, document, &limits, arena, &errors);
    fail(&errors);
    arena_free(&arena);
}

static void find(struct documents *documents, const char *text, size_t len)
{
    struct arena *arena = arena_new();
    struct document *document;
    struct gql_errors errors;

    gql_errors_init(&errors, arena);
    document = document_get(documents, text, len, false, &errors);
    fail(&errors);
    document_release(documents, &document);
    arena_free(&arena);
}

static void bench_document(const struct gql_schema *schema, const char *text, size_t len,
                           unsigned times)
{
    struct documents *documents = documents_new(schema, &limits);
    double begin, middle, end;

    find(documents, text, len);
    parse_and_validate(schema, text, len);
    begin = cpu_us();
    for (unsigned i = 0; i < times; i++)
        parse_and_validate(schema, text, len);
    middle = cpu_us();
    for (unsigned i = 0; i < times; i++)
        find(documents, text, len);
    end = cpu_us();
    printf("%.3f %.3f\n", (middle - begin) / times, (end - middle) / times);
    documents_free(&documents);
}

struct request {
    struct documents *documents;
    const struct gql_schema *schema;
    struct arena *arena;
    struct document *document;
    struct gql_variables variables;
    struct gql_errors errors;
    struct gql_json *json;
};

static struct gql_json *begin_variables(void *arg, const struct gql_body *body)
{
    struct request *r = arg;

    r->document = document_get(r->documents, body->query, body->query_len, false, &r->errors);
    fail(&r->errors);
    r->variables = gql_variables_new(r->arena, document_only_operation(r->document)->inputs);
    r->json = gql_json_new(r->arena, &r->variables, &r->errors);
    return r->json;
}

static void record(struct documents *documents, const struct gql_schema *schema, const char *text,
                   size_t len)
{
    struct request r = {.documents = documents, .schema = schema, .arena = arena_new()};
    const struct gql_value *batches;
    struct ingest_plan plan;
    struct gql_body body;

    gql_errors_init(&r.errors, r.arena);
    gql_body_read(r.arena, text, len, begin_variables, &r, &body, &r.errors);
    fail(&r.errors);
    gql_json_finish(r.json);
    batches = &r.variables.list[0].value;
    ingest_plan(r.arena, r.variables.list[0].ref->type, batches->list.items, batches->list.n, &plan,
                &r.errors);
    fail(&r.errors);
    document_release(documents, &r.document);
    arena_free(&r.arena);
}

static void bench_record(const struct gql_schema *schema, const char *text, size_t len,
                         unsigned times)
{
    struct documents *documents = documents_new(schema, &limits);
    double begin;

    record(documents, schema, text, len);
    begin = cpu_us();
    for (unsigned i = 0; i < times; i++)
        record(documents, schema, text, len);
    printf("%.3f\n", (cpu_us() - begin) / times);
    documents_free(&documents);
}

int main(int argc, char **argv)
{
    struct gql_schema *schema;
    unsigned times;
    size_t len = 0;
    char *text = argc == 4 ? fd_read_file(argv[2], 16 << 20, &len) : NULL;

    if (!text) {
        fprintf(stderr, "usage: gql_bench document|record FILE TIMES\n");
        return 2;
    }
    times = (unsigned)strtoul(argv[3], NULL, 10);
    heap_keep((size_t)8 << 20); /* as the service does */
    schema = gql_schema_builtin();
    if (strcmp(argv[1], "record") == 0)
        bench_record(schema, text, len, times ? times : 1);
    else
        bench_document(schema, text, len, times ? times : 1);
    gql_schema_free(&schema);
    free(text);
    return 0;
}
