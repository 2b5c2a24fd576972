/* libFuzzer target: any bytes as the body of a request, all the way to the statement that
 * PostgreSQL would get, and to the answer where that is not asked (configure --enable-fuzz
 * CC=clang). */
#include "config.h"
#include <stdlib.h>
#include <string.h>

#include "graphql/bind.h"
#include "graphql/body.h"
#include "graphql/compile.h"
#include "graphql/complete.h"
#include "graphql/cost.h"
#include "graphql/document.h"
#include "graphql/introspect.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

struct request {
    const struct gql_schema *schema;
    struct documents *documents;
    struct arena *arena;
    struct gql_errors errors;
    struct gql_body body;
    struct document *document;
    const struct ast_definition *operation;
    struct gql_variables variables;
    struct gql_json *json;
};

static struct gql_json *begin(void *arg, const struct gql_body *body)
{
    struct request *r = arg;

    if (!body->query || r->document)
        return NULL;
    r->document = document_get(r->documents, body->query, body->query_len, true, &r->errors);
    r->operation = r->document ? document_only_operation(r->document) : NULL;
    if (!r->operation)
        return NULL;
    r->variables = gql_variables_new(r->arena, r->operation->inputs);
    r->json = gql_json_new(r->arena, &r->variables, &r->errors);
    return r->json;
}

static int read_variables(struct request *r)
{
    if (!r->json)
        begin(r, &r->body);
    if (!r->json)
        return -1;
    if (r->body.has_variables && !r->body.variables_read &&
        gql_body_variables_read(r->body.variables, r->body.variables_len, r->json, &r->errors))
        return -1;
    return gql_json_finish(r->json);
}

static void introspection(struct request *r, const struct collect *c, const struct collected *f)
{
    struct buf json, out;

    buf_init(&json, 0);
    buf_init(&out, 0);
    introspect(c, f, &json);
    complete_field(c, f, (char *)buf_bytes(&json), buf_len(&json), &out, &r->errors);
    buf_clear(&json);
    buf_clear(&out);
}

static void compile(struct request *r, const struct collect *c, const struct gql_type *root,
                    const struct collected *f)
{
    struct compiled_mutation deed;
    struct compiled query;

    if (strcmp(f->field->name, "__typename") == 0)
        return;
    if (strncmp(f->field->name, "__", 2) == 0)
        introspection(r, c, f);
    else if (root != r->schema->mutation)
        compile_query(c, root, &f, 1, &query, &r->errors);
    else if (bind_deed(f->field->name))
        compile_mutation(c, f, "fuzz", &deed, &r->errors);
}

static void execute(struct request *r)
{
    const struct gql_type *root = r->operation->kind == AST_QUERY      ? r->schema->query
                                  : r->operation->kind == AST_MUTATION ? r->schema->mutation
                                                                       : r->schema->subscription;
    struct failures failures = {NULL};
    struct collect c = {.arena = r->arena,
                        .schema = r->schema,
                        .vars = &r->variables,
                        .failures = &failures,
                        .kept = &r->document->kept};

    if (cost_of(&c, r->operation->selections) > 10000)
        return;
    for (const struct collected *f = collect_fields(&c, root, r->operation->selections); f;
         f = f->next)
        compile(r, &c, root, f);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static const struct gql_limits limits = {15, LIMIT_ALIASES_MAX, LIMIT_ROOTS_MAX,
                                             LIMIT_DIRECTIVES_MAX, true};
    static struct gql_schema *schema;
    static struct documents *documents;
    struct arena *arena = arena_new();
    struct request r = {.arena = arena};
    struct buf out;

    if (!schema) {
        schema = gql_schema_builtin();
        documents = documents_new(schema, &limits);
    }
    r.schema = schema;
    r.documents = documents;
    gql_errors_init(&r.errors, arena);
    if (gql_body_read(arena, (const char *)data, size, begin, &r, &r.body, &r.errors) == 0 &&
        read_variables(&r) == 0)
        execute(&r);
    buf_init(&out, 0);
    gql_errors_print(&r.errors, &out);
    buf_clear(&out);
    document_release(documents, &r.document);
    arena_free(&arena);
    return 0;
}
