/* Between the files of the validator. Each rule of section 5 is one function, named after it. Rules
 * about one place are called by the walk over the document (validate.c); those about the document
 * as a whole walk by themselves, and memoise: a fragment is looked at once per rule (and
 * operation), however often it is spread. Every rule runs over every document: what another rule
 * has found wrong is NULL (a field, its parent, a fragment, a type) and is passed over. */
#ifndef GRAPHQL_VALIDATE_PRIV_H
#define GRAPHQL_VALIDATE_PRIV_H

#include "graphql/names.h"
#include "graphql/validate.h"
#include "graphql/value.h"

#define INVALID "GRAPHQL_VALIDATION_FAILED"

struct named { /* a name that operations or fragments have */
    bool operation;
    struct ast_definition *first, *last; /* the same, unless the name stands twice */
};

struct validation {
    const struct gql_schema *schema;
    struct ast_document *document;
    const struct gql_limits *limits;
    struct arena *arena;
    struct gql_errors *errors;
    struct named *names; /* open addressing, a power of two */
    size_t names_size;
    unsigned operations; /* in the document */
    unsigned mark;       /* value of ast_definition.mark in the current walk */
};

/* The arguments of one field or directive. */
struct arguments {
    const char *type, *name; /* type NULL: of a directive */
    bool known;              /* whether the schema has it, and so defs */
    const struct gql_input *defs;
    size_t n;
    const struct ast_argument *given;
    struct gql_loc loc;
};

/* The fragment of this name (the last one, if there are two), or NULL. */
struct ast_definition *validation_fragment(const struct validation *v, const char *name);
const struct named *validation_named(const struct validation *v, const struct ast_definition *d);
const struct gql_type *validation_root(const struct validation *v, const struct ast_definition *d);

/* --- 5.1 documents, 5.2 operations (validate_operations.c) --------------------------------------
 */
void rule_executable_definitions(struct validation *v, const struct ast_definition *d);
void rule_operation_type_existence(struct validation *v, const struct ast_definition *d);
void rule_operation_name_uniqueness(struct validation *v, const struct ast_definition *d);
void rule_lone_anonymous_operation(struct validation *v, const struct ast_definition *d);
void rule_single_root_field(struct validation *v);
void rule_some_operation(struct validation *v);

/* --- 5.3 fields (validate_fields.c, validate_merging.c) -----------------------------------------
 */
void rule_field_selections(struct validation *v, const struct ast_selection *s);
void rule_leaf_field_selections(struct validation *v, const struct ast_selection *s);
void rule_field_selection_merging(struct validation *v);

/* --- 5.4 arguments, 5.7 directives (validate_arguments.c) ---------------------------------------
 */
void rule_argument_names(struct validation *v, const struct arguments *a);
void rule_argument_uniqueness(struct validation *v, const struct arguments *a);
void rule_required_arguments(struct validation *v, const struct arguments *a);
void rule_directives_are_defined(struct validation *v, const struct ast_directive *d,
                                 const struct gql_directive *def);
void rule_directives_in_valid_locations(struct validation *v, const struct ast_directive *d,
                                        const struct gql_directive *def, const char *location);
void rule_directives_unique_per_location(struct validation *v, const struct ast_directive *list);

/* --- 5.5 fragments (validate_fragments.c) -------------------------------------------------------
 */
void rule_fragment_name_uniqueness(struct validation *v, const struct ast_definition *d);
void rule_fragment_type_existence(struct validation *v, const char *condition, struct gql_loc loc);
void rule_fragments_on_composite_types(struct validation *v, const char *condition,
                                       struct gql_loc loc);
void rule_fragments_must_be_used(struct validation *v);
void rule_fragment_spread_target_defined(struct validation *v, const struct ast_selection *s);
void rule_fragment_spreads_form_no_cycles(struct validation *v);
void rule_fragment_spread_is_possible(struct validation *v, const struct gql_type *parent,
                                      const char *condition, struct gql_loc loc);

/* --- 5.6 values (validate_values.c) -------------------------------------------------------------
 */
void rule_values_of_correct_type(struct validation *v, const struct gql_ref *ref,
                                 const struct ast_value *a);
void rule_input_object_field_names(struct validation *v, const struct gql_type *t,
                                   const struct ast_value *object);
void rule_input_object_field_uniqueness(struct validation *v, const struct ast_value *a);
void rule_input_object_required_fields(struct validation *v, const struct gql_type *t,
                                       const struct ast_value *object);
void rule_one_of_has_one_field(struct validation *v, const struct gql_type *t,
                               const struct ast_value *object);

/* --- 5.8 variables (validate_variables.c) -------------------------------------------------------
 */
void rule_variable_uniqueness(struct validation *v, const struct ast_definition *d);
void rule_variables_are_input_types(struct validation *v, const struct ast_input *in,
                                    const struct gql_ref *ref);
/* 5.8.3 to 5.8.5: uses are defined, all are used, and fit where they stand; one walk. */
void rule_variable_usages(struct validation *v);

/* Behind the rules, for a valid document only. */
void validate_limits(struct validation *v);
/* Comes first: what the rules do with directives grows with the square of their number. */
int validate_directive_limit(struct validation *v);

#endif
