/* Between lexer, grammar and parse.c. */
#ifndef GRAPHQL_PARSE_PRIV_H
#define GRAPHQL_PARSE_PRIV_H

#include "graphql/ast.h"

struct parse_state {
    struct arena *arena;
    struct gql_errors *errors;
    struct ast_document *document;
    const char *bytes; /* the source, for columns */
    size_t len, offset;
    size_t line_start; /* offset of the current line */
    size_t wide;       /* bytes of this line beyond its UTF-16 units */
    uint32_t line;
    struct gql_loc loc; /* of the token just read */
    struct gql_loc block_loc;
    unsigned tokens, tokens_max, nesting;
    bool failed;      /* the lexer has reported */
    bool constant;    /* a variable cannot stand here */
    struct buf block; /* raw text of the block string being read */
};

/* A list under construction; nodes are linked by their first member. */
struct ast_list {
    void *head, *tail;
};

#endif
