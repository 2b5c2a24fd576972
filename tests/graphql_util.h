/* What the tests of the GraphQL language share. */
#ifndef TESTS_GRAPHQL_UTIL_H
#define TESTS_GRAPHQL_UTIL_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "graphql/schema.h"

/* Codes and messages of all errors, for messages of a failing test. */
static inline const char *errors_text(const struct gql_errors *e)
{
    static char text[2000];
    size_t used = 0;

    text[0] = '\0';
    for (const struct gql_error *err = e->first; err && used < sizeof(text) - 1; err = err->next) {
        snprintf(text + used, sizeof(text) - used, "%s%u:%u %s: %s", used ? "; " : "",
                 err->loc.line, err->loc.column, err->code, err->message);
        used = strlen(text);
    }
    return text;
}

/* Fails if the SDL is wrong. */
static inline struct gql_schema *schema_of(const char *sdl)
{
    struct arena *arena = arena_new();
    struct gql_schema *schema;
    struct gql_errors errors;

    gql_errors_init(&errors, arena);
    schema = gql_schema_new(sdl, strlen(sdl), &errors);
    if (!schema)
        fail_msg("%s", errors_text(&errors));
    arena_free(&arena);
    return schema;
}

#endif
