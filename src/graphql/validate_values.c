/* Rules about literals (section 5.6). Called by gql_validate.
 * Diagnostics: GRAPHQL_VALIDATION_FAILED. */
#include "graphql/validate_priv.h"

#include <string.h>

/* 5.6.1, for what is no list and no object where one is expected. */
void rule_values_of_correct_type(struct validation *v, const struct gql_ref *ref,
                                 const struct ast_value *a)
{
    struct gql_errors found;
    struct gql_value ignored;

    gql_errors_init(&found, v->arena);
    if (gql_coerce_ast(v->arena, ref, a, NULL, &ignored, &found))
        gql_error_add(v->errors, INVALID, found.first->loc, "%s", found.first->message);
}

/* 5.6.2 */
void rule_input_object_field_names(struct validation *v, const struct gql_type *t,
                                   const struct ast_value *object)
{
    for (const struct ast_value *f = object->items; f; f = f->next)
        if (!gql_input_find(t->inputs, t->n_inputs, f->field, strlen(f->field)))
            gql_error_add(v->errors, INVALID, f->field_loc, "%s has no field \"%s\"", t->name,
                          f->field);
}

static const struct ast_value *field_of(const struct ast_value *object, const char *name)
{
    const struct ast_value *f = object->items;

    while (f && strcmp(f->field, name) != 0)
        f = f->next;
    return f;
}

/* 5.6.3, of objects inside it as well, also where their type is not known. */
void rule_input_object_field_uniqueness(struct validation *v, const struct ast_value *a)
{
    struct names names;
    size_t n = 0;

    for (const struct ast_value *f = a->kind == AST_OBJECT ? a->items : NULL; f; f = f->next)
        n++;
    if (n > 0)
        names_init(&names, v->arena, n);
    for (const struct ast_value *f = a->items; f; f = f->next) {
        const struct ast_value *first = n > 0 ? names_first(&names, f->field, f) : f;

        if (first != f)
            gql_error_add(v->errors, INVALID, first->field_loc, "field \"%s\" is given twice",
                          f->field)
                ->also = f->field_loc;
        rule_input_object_field_uniqueness(v, f);
    }
}

/* 5.6.4 */
void rule_input_object_required_fields(struct validation *v, const struct gql_type *t,
                                       const struct ast_value *object)
{
    for (size_t i = 0; i < t->n_inputs && !t->one_of; i++) {
        const struct gql_input *in = &t->inputs[i];

        if (in->ref->non_null && !in->default_value && !field_of(object, in->name))
            gql_error_add(v->errors, INVALID, object->loc, "%s.%s is required", t->name, in->name);
    }
}

/* 5.6.5 */
void rule_one_of_has_one_field(struct validation *v, const struct gql_type *t,
                               const struct ast_value *object)
{
    size_t given = 0;

    if (!t->one_of)
        return;
    for (const struct ast_value *f = object->items; f && given < 2; f = f->next)
        given += f->kind == AST_NULL ? 2 : field_of(object, f->field) == f;
    if (given != 1)
        gql_error_add(v->errors, INVALID, object->loc,
                      "%s: exactly one field must be given, and not null", t->name);
}
