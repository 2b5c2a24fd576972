/* Rules about fields and leaves (section 5.3); merging stands in validate_merging.c. Called by
 * gql_validate.
 * Diagnostics: GRAPHQL_VALIDATION_FAILED; suggestions only for those who may see the schema. */
#include "graphql/validate_priv.h"

#include <string.h>

/* --- suggestions ---------------------------------------------------------------------------------
 */

#define NAME_MAX_LEN 40u

static size_t distance(const char *a, const char *b)
{
    size_t n = strlen(b), row[NAME_MAX_LEN + 1];

    if (n > NAME_MAX_LEN || strlen(a) > NAME_MAX_LEN)
        return SIZE_MAX;
    for (size_t j = 0; j <= n; j++)
        row[j] = j;
    for (size_t i = 1; a[i - 1]; i++) {
        size_t diagonal = row[0];

        row[0] = i;
        for (size_t j = 1; j <= n; j++) {
            size_t change = diagonal + (a[i - 1] != b[j - 1]);
            size_t best = row[j] + 1 < row[j - 1] + 1 ? row[j] + 1 : row[j - 1] + 1;

            diagonal = row[j];
            row[j] = change < best ? change : best;
        }
    }
    return row[n];
}

static const char *suggestion(struct validation *v, const struct gql_type *t, const char *name)
{
    const char *best = NULL;
    size_t best_distance = strlen(name) / 2 + 1;

    if (!v->limits || !v->limits->suggest)
        return "";
    for (size_t i = 0; i < t->n_fields; i++) {
        size_t d = distance(name, t->fields[i].name);

        if (d < best_distance) {
            best = t->fields[i].name;
            best_distance = d;
        }
    }
    return best ? arena_printf(v->arena, "; did you mean \"%s\"?", best) : "";
}

/* --- rules ---------------------------------------------------------------------------------------
 */

/* 5.3.1 */
void rule_field_selections(struct validation *v, const struct ast_selection *s)
{
    if (s->parent && !s->field)
        gql_error_add(v->errors, INVALID, s->loc, "type %s has no field \"%s\"%s", s->parent->name,
                      s->name, suggestion(v, s->parent, s->name));
}

/* 5.3.3 */
void rule_leaf_field_selections(struct validation *v, const struct ast_selection *s)
{
    if (!s->field)
        return;
    if (gql_is_leaf(s->field->ref->type) && s->selections)
        gql_error_add(v->errors, INVALID, s->set_loc, "%s.%s is of type %s, which has no fields",
                      s->parent->name, s->name, gql_ref_text(v->arena, s->field->ref));
    else if (!gql_is_leaf(s->field->ref->type) && !s->selections)
        gql_error_add(v->errors, INVALID, s->loc,
                      "%s.%s is of type %s: select the fields of it that you need", s->parent->name,
                      s->name, gql_ref_text(v->arena, s->field->ref));
}
