/* What an operation costs, estimated from its text and variables before anything is run, in the
 * manner of the GraphQL Cost Directives specification: each field its @cost (1 where it has none);
 * what is selected of a list as often as @listSize tells for the arguments given. */
#ifndef GRAPHQL_COST_H
#define GRAPHQL_COST_H

#include "graphql/collect.h"

#define COST_LIST          10u  /* entries of a list that has no @listSize */
#define COST_INTROSPECTION 100u /* what is selected of the schema costs one of so many */

/* The cost of a selection list of a root type; UINT32_MAX stands for anything above. Selections
 * that @skip and @include leave out cost nothing; equal ones cost each time they are written. */
uint64_t cost_of(const struct collect *c, const struct ast_selection *selections);

#endif
