/* Reads a request's body in one pass; the variables go straight into typed values when the query
 * stands before them, as it does in what the workers send. Called by the server.
 * Diagnostics: BAD_REQUEST and LIMIT_VARIABLES with the place of what is wrong. */
#include "graphql/body.h"

#include <string.h>

enum key { KEY_OTHER, KEY_QUERY, KEY_OPERATION, KEY_VARIABLES, KEY_EXTENSIONS, KEY_DOCUMENT_ID };

struct reader {
    struct arena *arena;
    struct gql_errors *errors;
    struct gql_body *body;
    gql_body_variables *begin;
    void *arg;
    const char *bytes;
    const size_t *offset;
    unsigned depth; /* of the value being read, the body's object being 1 */
    enum key key;
    unsigned seen;         /* bits of keys */
    struct gql_json *json; /* where the variables go */
    size_t from;           /* where their bytes begin */
};

static int refuse(struct reader *r, const char *text)
{
    gql_error_add(r->errors, "BAD_REQUEST", (struct gql_loc){0, 0}, "request body: %s", text);
    return -1;
}

static const char *wrong_type(enum key key)
{
    switch (key) {
    case KEY_QUERY:
        return "query: expected a string";
    case KEY_OPERATION:
        return "operationName: expected a string or null";
    case KEY_VARIABLES:
        return "variables: expected an object or null";
    case KEY_EXTENSIONS:
        return "extensions: expected an object or null";
    case KEY_DOCUMENT_ID:
        return "documentId: expected a string";
    case KEY_OTHER:
        break;
    }
    return NULL;
}

/* A value directly in the body that is not of the type wanted; others are passed over. */
static int scalar(struct reader *r, bool is_null)
{
    if (r->depth == 0)
        return refuse(r, "expected an object (one operation per request)");
    if (r->depth > 1 || r->key == KEY_OTHER || (is_null && r->key != KEY_QUERY))
        return 0;
    return refuse(r, wrong_type(r->key));
}

static int on_null(void *arg)
{
    struct reader *r = arg;

    return r->json ? gql_json_events.null(r->json) : scalar(r, true);
}

static int on_boolean(void *arg, bool value)
{
    struct reader *r = arg;

    return r->json ? gql_json_events.boolean(r->json, value) : scalar(r, false);
}

static int on_number(void *arg, const char *text, size_t len)
{
    struct reader *r = arg;

    return r->json ? gql_json_events.number(r->json, text, len) : scalar(r, false);
}

static int on_string(void *arg, const char *text, size_t len)
{
    struct reader *r = arg;

    if (r->json)
        return gql_json_events.string(r->json, text, len);
    if (r->depth != 1)
        return scalar(r, false);
    switch (r->key) {
    case KEY_QUERY:
        if (r->body->document_id)
            return refuse(r, GQL_BODY_BOTH);
        r->body->query = arena_strndup(r->arena, text, len);
        r->body->query_len = len;
        return 0;
    case KEY_OPERATION:
        r->body->operation_name = arena_strndup(r->arena, text, len);
        return 0;
    case KEY_DOCUMENT_ID:
        if (r->body->query)
            return refuse(r, GQL_BODY_BOTH);
        r->body->document_id = arena_strndup(r->arena, text, len);
        return 0;
    default:
        return scalar(r, false);
    }
}

static int on_begin_object(void *arg)
{
    struct reader *r = arg;

    if (r->depth == 1 && r->key == KEY_VARIABLES) {
        r->body->has_variables = true;
        r->from = *r->offset - 1;
        r->json = r->body->query || r->body->document_id ? r->begin(r->arg, r->body) : NULL;
        if (r->errors->count)
            return -1;
        r->body->variables_read = r->json != NULL;
    } else if (r->depth == 1 && r->key != KEY_EXTENSIONS && r->key != KEY_OTHER) {
        return refuse(r, wrong_type(r->key));
    }
    r->depth++;
    return r->json ? gql_json_events.begin_object(r->json) : 0;
}

static int on_key(void *arg, const char *text, size_t len)
{
    static const char *const names[] = {"",          "query",      "operationName",
                                        "variables", "extensions", "documentId"};
    static const char automatic[] = "persistedQuery";
    struct reader *r = arg;

    if (r->json)
        return gql_json_events.key(r->json, text, len);
    if (r->depth == 2 && r->key == KEY_EXTENSIONS && len == strlen(automatic) &&
        memcmp(text, automatic, len) == 0)
        r->body->automatic = true;
    if (r->depth != 1)
        return 0;
    r->key = KEY_OTHER;
    for (int i = KEY_QUERY; i <= KEY_DOCUMENT_ID; i++)
        if (strlen(names[i]) == len && memcmp(names[i], text, len) == 0)
            r->key = (enum key)i;
    if (r->key != KEY_OTHER && r->seen & 1u << r->key)
        return refuse(r, arena_printf(r->arena, "%s is given twice", names[r->key]));
    r->seen |= 1u << r->key;
    return 0;
}

static int on_end_object(void *arg)
{
    struct reader *r = arg;
    int rc = r->json ? gql_json_events.end_object(r->json) : 0;

    r->depth--;
    if (r->depth == 1 && r->key == KEY_VARIABLES) {
        r->json = NULL;
        r->body->variables = r->bytes + r->from;
        r->body->variables_len = *r->offset - r->from;
    }
    return rc;
}

static int on_begin_array(void *arg)
{
    struct reader *r = arg;

    if (r->depth == 0)
        return refuse(r, "expected an object (one operation per request)");
    if (r->depth == 1 && r->key != KEY_OTHER)
        return refuse(r, wrong_type(r->key));
    r->depth++;
    return r->json ? gql_json_events.begin_array(r->json) : 0;
}

static int on_end_array(void *arg)
{
    struct reader *r = arg;

    r->depth--;
    return r->json ? gql_json_events.end_array(r->json) : 0;
}

static const struct jsonin_events events = {
    .null = on_null,
    .boolean = on_boolean,
    .number = on_number,
    .string = on_string,
    .begin_object = on_begin_object,
    .key = on_key,
    .end_object = on_end_object,
    .begin_array = on_begin_array,
    .end_array = on_end_array,
};

static int report(struct gql_errors *errors, const char *what, const struct jsonin_error *e)
{
    if (!e->stopped)
        gql_error_add(errors, e->too_deep ? "LIMIT_VARIABLES" : "BAD_REQUEST",
                      (struct gql_loc){0, 0}, "%s, line %zu, column %zu: %s", what, e->line,
                      e->column, e->text);
    return -1;
}

int gql_body_read(struct arena *arena, const char *bytes, size_t len, gql_body_variables *begin,
                  void *arg, struct gql_body *out, struct gql_errors *errors)
{
    struct reader r = {
        .arena = arena, .errors = errors, .body = out, .begin = begin, .arg = arg, .bytes = bytes};
    struct jsonin_error error;

    *out = (struct gql_body){0};
    if (jsonin_read(bytes, len, LIMIT_VARIABLES_DEPTH + 1, &events, &r, &r.offset, &error))
        return report(errors, "request body", &error);
    return 0;
}

int gql_body_variables_read(const char *bytes, size_t len, struct gql_json *json,
                            struct gql_errors *errors)
{
    struct jsonin_error error;

    if (jsonin_read(bytes, len, LIMIT_VARIABLES_DEPTH, &gql_json_events, json, NULL, &error))
        return report(errors, "variables", &error);
    return 0;
}
