/* The list of limits, for the manual page's test.
 * Diagnostics: none. */
#include "graphql/limits.h"

const struct limit limit_list[] = {
    {"LIMIT_BODY", LIMIT_BODY_BYTES},
    {"LIMIT_DOCUMENT", LIMIT_DOCUMENT_BYTES},
    {"LIMIT_TOKENS", LIMIT_TOKENS_MAX},
    {"LIMIT_NESTING", LIMIT_NESTING_MAX},
    {"LIMIT_DIRECTIVES", LIMIT_DIRECTIVES_MAX},
    {"LIMIT_ALIASES", LIMIT_ALIASES_MAX},
    {"LIMIT_ROOTS", LIMIT_ROOTS_MAX},
    {"LIMIT_ARGUMENTS", LIMIT_ARGUMENTS_MAX},
    {"LIMIT_OVERLAPS", LIMIT_OVERLAPS_MAX},
    {"LIMIT_VARIABLES", LIMIT_VARIABLES_DEPTH},
    {"LIMIT_DEPTH", 0},
    {"LIMIT_COST", 0},
    {"LIMIT_BATCH", LIMIT_BATCH_ROWS},
    {"LIMIT_SUBSCRIPTIONS", LIMIT_SUBSCRIPTIONS_MAX},
};

const unsigned limit_list_count = sizeof(limit_list) / sizeof(limit_list[0]);
