/* A tool of the tests: what the parser and the validator say about many documents, without a
 * service. Reads documents from its standard input, each as its length in decimal, a newline and
 * its bytes; prints one line of JSON for each.
 *
 *   gql_check [-i | -v] [SCHEMA]
 *     -i: answers the documents' introspection fields instead
 *     -v: reads variables from what follows the first NUL, and prints the arguments of the first
 * field
 *
 * Without SCHEMA the service's own one is used. */
#include "config.h"
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "graphql/body.h"
#include "graphql/complete.h"
#include "graphql/introspect.h"
#include "graphql/validate.h"
#include "presence/fd.h"

static struct gql_schema *read_schema(const char *path)
{
    struct arena *arena = arena_new();
    struct gql_errors errors;
    struct gql_schema *schema;
    size_t len;
    char *text = fd_read_file(path, 1 << 20, &len);

    if (!text) {
        fprintf(stderr, "gql_check: cannot read %s\n", path);
        exit(1);
    }
    gql_errors_init(&errors, arena);
    schema = gql_schema_new(text, len, &errors);
    if (!schema) {
        fprintf(stderr, "%s:%u:%u: %s\n", path, errors.first->loc.line, errors.first->loc.column,
                errors.first->message);
        exit(1);
    }
    free(text);
    arena_free(&arena);
    return schema;
}

static void print_arguments(const struct gql_schema *schema, const struct ast_definition *operation,
                            const char *json, size_t len, struct gql_errors *errors,
                            struct buf *out)
{
    struct arena *arena = errors->arena;
    struct gql_variables vars = gql_variables_new(arena, operation->inputs);
    struct gql_json *j = gql_json_new(arena, &vars, errors);
    struct collect c = {.arena = arena, .schema = schema, .vars = &vars};
    const struct collected *f;
    struct gql_value *args;
    const char *bad;

    if (gql_body_variables_read(json, len, j, errors) || gql_json_finish(j))
        return;
    f = collect_fields(&c, schema->query, operation->selections);
    if (gql_coerce_arguments(arena, f->field->args, f->field->n_args, f->first->arguments, &vars,
                             f->first->loc, &args, errors) == 0)
        buf_puts(out, value_json_arguments(arena, f->field->args, f->field->n_args, args, &bad));
}

static void answer(const struct gql_schema *schema, const struct ast_document *document,
                   struct arena *arena, struct buf *out)
{
    struct gql_variables none = {0};
    struct failures failures = {NULL};
    struct collect c = {.arena = arena, .schema = schema, .vars = &none, .failures = &failures};

    for (const struct collected *f =
             collect_fields(&c, schema->query, document->definitions->selections);
         f; f = f->next) {
        buf_printf(out, "%s\"%s\":", buf_len(out) > 1 ? "," : "", f->key);
        introspect(&c, f, out);
    }
}

static void check(const struct gql_schema *schema, const char *text, size_t len, char mode)
{
    const char *nul = mode == 'v' ? memchr(text, '\0', len) : NULL;
    size_t rest = nul ? (size_t)(text + len - nul) - 1 : 0;
    struct arena *arena = arena_new();
    struct gql_errors errors;
    struct ast_document *document;
    struct buf out;

    gql_errors_init(&errors, arena);
    buf_init(&out, 0);
    document = gql_parse(text, nul ? (size_t)(nul - text) : len, 0, arena, &errors);
    if (document)
        gql_validate(schema, document, NULL, arena, &errors);
    if (mode == 'i' && errors.count == 0) {
        buf_putc(&out, '{');
        answer(schema, document, arena, &out);
        buf_putc(&out, '}');
    } else if (nul && errors.count == 0) {
        print_arguments(schema, document->definitions, nul + 1, rest, &errors, &out);
    }
    if (buf_len(&out) == 0)
        gql_errors_print(&errors, &out);
    printf("%.*s\n", (int)buf_len(&out), (const char *)buf_bytes(&out));
    buf_clear(&out);
    arena_free(&arena);
}

int main(int argc, char **argv)
{
    char mode = argc > 1 && argv[1][0] == '-' ? argv[1][1] : '\0';
    const char *path = argv[1 + (mode != '\0')];
    struct gql_schema *schema = path ? read_schema(path) : gql_schema_builtin();
    size_t len;

    while (scanf("%zu", &len) == 1 && getchar() == '\n') {
        char *text = malloc(len + 1);

        if (!text || fread(text, 1, len, stdin) != len)
            return 1;
        check(schema, text, len, mode);
        free(text);
    }
    gql_schema_free(&schema);
    return 0;
}
