/* From the body of a request to an operation that may be executed: the document is found, parsed
 * and valid, its variables are coerced, the token may do it, and it is within the limits. Called by
 * request.c.
 * Diagnostics: every refusal is an error with extensions.code. */
#include <string.h>

#include "graphql/bind.h"
#include "graphql/cost.h"
#include "graphql/persisted.h"
#include "graphql/request.h"

static const struct gql_loc nowhere = {0, 0};

/* --- document and variables ----------------------------------------------------------------------
 */

static void make_variables(struct request *r)
{
    r->variables = gql_variables_new(r->arena, r->operation->inputs);
    r->json = gql_json_new(r->arena, &r->variables, &r->errors);
}

/* A document that is named by its id has its text among those compiled in. */
static int find_text(struct request *r)
{
    struct gql_body *body = &r->body;

    if (!body->query && body->document_id) {
        body->query = persisted_find(body->document_id, &body->query_len);
        body->persisted = body->query != NULL;
    }
    if (body->query)
        return 0;
    if (body->automatic && !body->document_id) { /* whoever sends that reads no status */
        gql_error_add(&r->errors, "PERSISTED_QUERY_NOT_SUPPORTED", nowhere,
                      "PersistedQueryNotSupported");
        return -1;
    }
    r->status = 400;
    if (body->document_id)
        gql_error_add(&r->errors, "PERSISTED_NOT_FOUND", nowhere,
                      "this service was built without an operation of this documentId");
    else
        gql_error_add(&r->errors, "BAD_REQUEST", nowhere, "request body: query is missing");
    return -1;
}

static int find_document(struct request *r)
{
    const struct gql_body *body = &r->body;

    if (find_text(r))
        return -1;
    if (r->service->persisted_only && !(r->scopes & SCOPE_ADMIN) && !body->persisted &&
        !persisted_text(body->query, body->query_len)) {
        r->status = 403;
        gql_error_add(&r->errors, "PERSISTED_ONLY", nowhere,
                      "only operations that this service was built with are taken");
        return -1;
    }
    if (!r->document)
        r->document = document_get(r->service->documents, body->query, body->query_len,
                                   r->scopes & SCOPE_ADMIN, &r->errors);
    return r->document ? 0 : -1;
}

struct gql_json *request_begin_variables(void *arg, const struct gql_body *body)
{
    struct request *r = arg; /* which holds body */
    struct ast_definition *op;

    (void)body;
    if (find_document(r))
        return NULL;
    op = document_only_operation(r->document);
    if (!op)
        return NULL;
    r->operation = op;
    make_variables(r);
    return r->json;
}

static int read_variables(struct request *r)
{
    if (!r->json)
        make_variables(r);
    if (r->body.has_variables && !r->body.variables_read &&
        gql_body_variables_read(r->body.variables, r->body.variables_len, r->json, &r->errors))
        return -1;
    return gql_json_finish(r->json);
}

static const struct gql_type *root_of(const struct request *r)
{
    switch (r->operation->kind) {
    case AST_QUERY:
        return r->service->schema->query;
    case AST_MUTATION:
        return r->service->schema->mutation;
    default:
        return r->service->schema->subscription;
    }
}

/* --- who may -------------------------------------------------------------------------------------
 */

/* By the schema's convention: an argument guildId, or the id of a field that gives a Guild. */
static bool names_guild(const struct gql_field *field, const struct gql_input *arg)
{
    return strcmp(arg->name, "guildId") == 0 ||
           (strcmp(arg->name, "id") == 0 && strcmp(field->ref->type->name, "Guild") == 0);
}

static bool guild_allowed(const struct request *r, const struct collected *f)
{
    struct gql_errors errors;
    struct gql_value *args;

    if (bind_lists_guilds(root_of(r)->name, f->field->name))
        return true;
    gql_errors_init(&errors, r->arena);
    if (gql_coerce_arguments(r->arena, f->field->args, f->field->n_args, f->first->arguments,
                             &r->variables, f->first->loc, &args, &errors))
        return true; /* the executor says so */
    for (size_t i = 0; i < f->field->n_args; i++) {
        if (!names_guild(f->field, &f->field->args[i]) || args[i].kind != VALUE_INT)
            continue;
        for (size_t k = 0; k < r->n_guilds; k++)
            if ((uint64_t)args[i].i == r->guilds[k])
                return true;
    }
    return false;
}

static bool is_read(const struct request *r, const struct collected *f)
{
    unsigned scopes = f->field->scope | f->field->ref->type->scope;

    for (size_t i = 0; i < f->n_merged; i++)
        scopes |= document_scopes(r->document, f->merged[i]->selections);
    return scopes & SCOPE_READ;
}

/* A token for some guilds reads what names one of them. */
static bool only_own_guilds(const struct request *r)
{
    if (r->n_guilds == 0)
        return false;
    for (const struct collected *f = r->fields; f; f = f->next)
        if (is_read(r, f) && !guild_allowed(r, f))
            return false;
    return true;
}

static int authorise(struct request *r)
{
    static const struct {
        unsigned scope;
        const char *name;
    } names[] = {{SCOPE_READ, "READ"},
                 {SCOPE_INGEST, "INGEST"},
                 {SCOPE_ADMIN, "ADMIN"},
                 {SCOPE_ERASE, "ERASE"},
                 {SCOPE_WRITE, "WRITE (ingest or admin)"}};
    unsigned missing = document_scopes(r->document, r->operation->selections) & ~r->scopes;
    size_t i = 0;

    if (missing == SCOPE_READ && only_own_guilds(r))
        missing = 0;
    if (!missing)
        return 0;
    while (!(missing & names[i].scope))
        i++;
    r->status = r->authenticated ? 403 : 401;
    gql_error_add(&r->errors, r->authenticated ? "FORBIDDEN" : "UNAUTHENTICATED", nowhere,
                  r->authenticated ? "the token lacks the scope %s for this"
                                   : "a bearer token with the scope %s is needed",
                  names[i].name);
    return -1;
}

static int check_introspection(struct request *r)
{
    if (r->service->introspection || r->scopes & SCOPE_ADMIN)
        return 0;
    for (const struct collected *f = r->fields; f; f = f->next)
        if (strcmp(f->field->name, "__schema") == 0 || strcmp(f->field->name, "__type") == 0) {
            r->status = 403;
            gql_error_add(&r->errors, "INTROSPECTION_DISABLED", f->first->loc,
                          "introspection is off; a token with the scope ADMIN may use it");
            return -1;
        }
    return 0;
}

/* Workers send what the service was built with, in sizes of their own. */
static int check_cost(struct request *r)
{
    uint64_t cost = cost_of(&r->collect, r->operation->selections);

    if (cost <= r->service->max_cost || r->scopes & SCOPE_INGEST)
        return 0;
    gql_error_add(
        &r->errors, "LIMIT_COST", r->operation->loc, "the cost, %s%llu, is above the limit of %u",
        cost == UINT32_MAX ? "at least " : "", (unsigned long long)cost, r->service->max_cost);
    return -1;
}

/* --- in order ------------------------------------------------------------------------------------
 */

static int check_body_size(struct request *r)
{
    size_t len;

    httpd_body(r->http, &len);
    if (len <= LIMIT_BODY_BYTES || (r->scopes & SCOPE_INGEST && r->operation->kind == AST_MUTATION))
        return 0;
    r->status = 413;
    gql_error_add(&r->errors, "LIMIT_BODY", nowhere,
                  "the body has %zu bytes; the limit is %u (%u for recordSightings)", len,
                  LIMIT_BODY_BYTES, LIMIT_BODY_INGEST_BYTES);
    return -1;
}

int request_prepare(struct request *r)
{
    if (find_document(r))
        return -1;
    r->operation = document_operation(r->document, r->body.operation_name, &r->errors);
    if (!r->operation)
        return -1;
    if (r->get && r->operation->kind == AST_MUTATION) {
        r->status = 405;
        gql_error_add(&r->errors, "BAD_REQUEST", r->operation->loc,
                      "a mutation must be sent by POST");
        return -1;
    }
    if (check_body_size(r) || read_variables(r))
        return -1;
    r->collect = (struct collect){.arena = r->arena,
                                  .schema = r->service->schema,
                                  .vars = &r->variables,
                                  .failures = &r->failures,
                                  .guilds = r->scopes & SCOPE_READ ? NULL : r->guilds,
                                  .n_guilds = r->n_guilds,
                                  .kept = &r->document->kept};
    r->fields = collect_fields(&r->collect, root_of(r), r->operation->selections);
    return authorise(r) || check_introspection(r) || check_cost(r) ? -1 : 0;
}
