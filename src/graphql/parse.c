/* From text to syntax tree. Called for documents of clients and once for the schema.
 * Diagnostics: the first error stops the parse and stands in the list. */
#include "graphql/parse_priv.h"

#include "graphql/grammar.h"
#include "presence/log.h"

typedef struct yy_buffer_state *YY_BUFFER_STATE;
int gql_yylex_init_extra(struct parse_state *extra, yyscan_t *scanner);
int gql_yylex_destroy(yyscan_t scanner);
YY_BUFFER_STATE gql_yy_scan_bytes(const char *bytes, int len, yyscan_t scanner);

struct ast_document *gql_parse(const char *text, size_t len, unsigned tokens_max,
                               struct arena *arena, struct gql_errors *errors)
{
    struct parse_state st = {.arena = arena,
                             .errors = errors,
                             .line = 1,
                             .tokens_max = tokens_max ? tokens_max : LIMIT_TOKENS_MAX,
                             .bytes = text,
                             .len = len};
    yyscan_t scanner;
    int rc;

    st.document = arena_alloc(arena, sizeof(*st.document));
    buf_init(&st.block, 0);
    if (gql_yylex_init_extra(&st, &scanner))
        fatal("memory", "out of memory");
    gql_yy_scan_bytes(text, (int)len, scanner);
    rc = gql_yyparse(scanner, &st);
    gql_yylex_destroy(scanner);
    buf_clear(&st.block);
    st.document->tokens = st.tokens;
    return rc || st.failed ? NULL : st.document;
}
