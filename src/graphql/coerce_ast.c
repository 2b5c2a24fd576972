/* Literals of a document to typed values. Called for arguments, defaults and by validation.
 * Diagnostics: BAD_USER_INPUT with the literal's place. */
#include "graphql/value.h"

#include <string.h>

struct ast_ctx {
    struct arena *arena;
    const struct gql_variables *vars;
    struct gql_errors *errors;
};

static int coerce(struct ast_ctx *c, const struct gql_ref *ref, const struct ast_value *ast,
                  struct gql_value *out);

static int bad(struct ast_ctx *c, const struct gql_ref *ref, const struct ast_value *ast,
               const char *expected)
{
    static const char *const shown[] = {"a variable", NULL, NULL,     NULL,       NULL,
                                        "null",       NULL, "a list", "an object"};

    if (shown[ast->kind])
        gql_error_add(c->errors, "BAD_USER_INPUT", ast->loc, "%s is no %s: expected %s",
                      shown[ast->kind], gql_ref_text(c->arena, ref), expected);
    else
        gql_error_add(c->errors, "BAD_USER_INPUT", ast->loc, "%s%.60s%s is no %s: expected %s",
                      ast->kind == AST_STRING ? "\"" : "", ast->text,
                      ast->kind == AST_STRING ? "\"" : "", gql_ref_text(c->arena, ref), expected);
    return -1;
}

static int from_variable(struct ast_ctx *c, const struct gql_ref *ref, const struct ast_value *ast,
                         struct gql_value *out)
{
    for (size_t i = 0; c->vars && i < c->vars->n; i++) {
        const struct gql_variable *v = &c->vars->list[i];

        if (strcmp(v->name, ast->text) != 0)
            continue;
        if (c->vars->reads)
            ++*c->vars->reads;
        *out = v->value;
        if (out->kind == VALUE_NULL && ref->non_null) {
            gql_error_add(c->errors, "BAD_USER_INPUT", ast->loc,
                          "variable $%s is null where %s is expected", ast->text,
                          gql_ref_text(c->arena, ref));
            return -1;
        }
        if (ref->of && !v->ref->of && out->kind > VALUE_NULL)
            value_wrap(c->arena, ref, out);
        return 0;
    }
    out->kind = VALUE_ABSENT;
    return 0;
}

/* What stands for an item of a list when its variable has no value: null. */
static int coerce_item(struct ast_ctx *c, const struct gql_ref *of, const struct ast_value *ast,
                       struct gql_value *out)
{
    if (coerce(c, of, ast, out))
        return -1;
    if (out->kind != VALUE_ABSENT)
        return 0;
    if (of->non_null)
        return bad(c, of, ast, "a value");
    out->kind = VALUE_NULL;
    return 0;
}

static int coerce_list(struct ast_ctx *c, const struct gql_ref *ref, const struct ast_value *ast,
                       struct gql_value *out)
{
    bool ints = !ref->of->of && value_is_int(ref->type);
    size_t n = 0, i = 0;

    for (const struct ast_value *v = ast->items; v; v = v->next)
        n++;
    *out = (struct gql_value){.kind = ints ? VALUE_INTS : VALUE_LIST};
    if (ints) {
        out->ints.v = arena_alloc(c->arena, n * sizeof(int64_t) + 1);
        out->ints.n = n;
    } else {
        out->list.items = arena_alloc(c->arena, n * sizeof(struct gql_value) + 1);
        out->list.n = n;
    }
    for (const struct ast_value *v = ast->items; v; v = v->next, i++) {
        struct gql_value item = {0};

        if (coerce_item(c, ref->of, v, &item))
            return -1;
        if (!ints) {
            out->list.items[i] = item;
            continue;
        }
        if (item.kind == VALUE_NULL && !out->ints.null)
            out->ints.null = arena_alloc(c->arena, n);
        if (item.kind == VALUE_NULL)
            out->ints.null[i] = 1;
        out->ints.v[i] = item.kind == VALUE_NULL ? 0 : item.i;
    }
    return 0;
}

static int coerce_object(struct ast_ctx *c, const struct gql_ref *ref, const struct ast_value *ast,
                         struct gql_value *out)
{
    const struct gql_type *t = ref->type;
    const char *missing;

    out->kind = VALUE_OBJECT;
    out->fields = arena_alloc(c->arena, t->n_inputs * sizeof(struct gql_value) + 1);
    for (const struct ast_value *v = ast->items; v; v = v->next) {
        const struct gql_input *in =
            gql_input_find(t->inputs, t->n_inputs, v->field, strlen(v->field));

        if (!in) {
            gql_error_add(c->errors, "BAD_USER_INPUT", v->loc, "%s has no field \"%s\"", t->name,
                          v->field);
            return -1;
        }
        if (coerce(c, in->ref, v, &out->fields[in->index]))
            return -1;
    }
    if (value_finish_object(c->arena, t, out->fields, &missing) == 0)
        return 0;
    if (missing)
        gql_error_add(c->errors, "BAD_USER_INPUT", ast->loc, "%s.%s is required", t->name, missing);
    else
        gql_error_add(c->errors, "BAD_USER_INPUT", ast->loc,
                      "%s: exactly one field must be given, and not null", t->name);
    return -1;
}

static const char *leaf(struct ast_ctx *c, const struct gql_type *t, const struct ast_value *ast,
                        struct gql_value *out)
{
    switch (ast->kind) {
    case AST_INT:
        return value_from_number(c->arena, t, ast->text, ast->len, out);
    case AST_FLOAT:
        if (t->scalar == SCALAR_FLOAT)
            return value_from_number(c->arena, t, ast->text, ast->len, out);
        return value_expected(t);
    case AST_STRING:
        return value_from_string(c->arena, t, ast->text, ast->len, out);
    case AST_BOOLEAN:
        return value_from_boolean(t, ast->text[0] == 't', out);
    case AST_ENUM:
        return value_from_enum(t, ast->text, ast->len, out);
    default:
        return value_expected(t);
    }
}

static int coerce(struct ast_ctx *c, const struct gql_ref *ref, const struct ast_value *ast,
                  struct gql_value *out)
{
    const char *expected;

    *out = (struct gql_value){0};
    if (ast->kind == AST_VARIABLE)
        return from_variable(c, ref, ast, out);
    if (ast->kind == AST_NULL) {
        out->kind = VALUE_NULL;
        return ref->non_null ? bad(c, ref, ast, "a value") : 0;
    }
    if (ref->of && ast->kind == AST_LIST)
        return coerce_list(c, ref, ast, out);
    if (ref->of) {
        if (coerce(c, ref->of, ast, out))
            return -1;
        value_wrap(c->arena, ref, out);
        return 0;
    }
    if (ref->type->kind == GQL_INPUT && ast->kind == AST_OBJECT)
        return coerce_object(c, ref, ast, out);
    expected =
        ref->type->kind == GQL_INPUT ? value_expected(ref->type) : leaf(c, ref->type, ast, out);
    return expected ? bad(c, ref, ast, expected) : 0;
}

int gql_coerce_ast(struct arena *arena, const struct gql_ref *ref, const struct ast_value *ast,
                   const struct gql_variables *vars, struct gql_value *out,
                   struct gql_errors *errors)
{
    struct ast_ctx c = {arena, vars, errors};

    return coerce(&c, ref, ast, out);
}

int gql_coerce_arguments(struct arena *arena, const struct gql_input *args, size_t n_args,
                         const struct ast_argument *given, const struct gql_variables *vars,
                         struct gql_loc loc, struct gql_value **out, struct gql_errors *errors)
{
    *out = arena_alloc(arena, n_args * sizeof(struct gql_value) + 1);
    for (size_t i = 0; i < n_args; i++) {
        const struct ast_argument *a = given;
        struct gql_value *v = &(*out)[i];

        while (a && strcmp(a->name, args[i].name) != 0)
            a = a->next;
        if (a && gql_coerce_ast(arena, args[i].ref, a->value, vars, v, errors))
            return -1;
        if (v->kind == VALUE_ABSENT && args[i].default_value &&
            gql_coerce_ast(arena, args[i].ref, args[i].default_value, NULL, v, errors))
            return -1;
        if (v->kind == VALUE_ABSENT && args[i].ref->non_null) {
            gql_error_add(errors, "BAD_USER_INPUT", a ? a->loc : loc,
                          "argument \"%s\" of type %s is required", args[i].name,
                          gql_ref_text(arena, args[i].ref));
            return -1;
        }
    }
    return 0;
}
