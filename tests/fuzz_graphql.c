/* libFuzzer target: any bytes as a document for lexer, grammar and validator; the variables of a
 * valid one are read from what follows the first NUL (configure --enable-fuzz CC=clang). */
#include "config.h"
#include <stdlib.h>
#include <string.h>

#include "graphql/body.h"
#include "graphql/validate.h"
#include "graphql/value.h"
#include "presence/jsonin.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void variables(const struct ast_definition *operation, const char *json, size_t len,
                      struct arena *arena)
{
    struct gql_variables vars = gql_variables_new(arena, operation->inputs);
    struct gql_errors errors;
    struct gql_json *j;

    gql_errors_init(&errors, arena);
    j = gql_json_new(arena, &vars, &errors);
    if (gql_body_variables_read(json, len, j, &errors) == 0)
        gql_json_finish(j);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static struct gql_schema *schema;
    const char *text = (const char *)data;
    const uint8_t *nul = size ? memchr(data, 0, size) : NULL;
    size_t len = nul ? (size_t)(nul - data) : size;
    struct arena *arena = arena_new();
    struct ast_document *document;
    struct gql_errors errors;

    if (!schema)
        schema = gql_schema_builtin();
    gql_errors_init(&errors, arena);
    if (jsonin_utf8_valid(text, len) == len) {
        document = gql_parse(text, len, 0, arena, &errors);
        if (document && gql_validate(schema, document, NULL, arena, &errors) == 0 && nul &&
            ast_is_operation(document->definitions))
            variables(document->definitions, (const char *)nul + 1, size - len - 1, arena);
    }
    arena_free(&arena);
    return 0;
}
