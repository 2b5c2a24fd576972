/* presencectl query: the document and the token for query.c. Called by main.c.
 * Diagnostics: a document or token that cannot be read, and what query.c says. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "ctl/ctl.h"
#include "ctl/query.h"
#include "presence/fd.h"

#define TIMEOUT_QUERY_MS 30000
#define DOCUMENT_MAX     (2u << 20) /* bytes of a GraphQL document */

/* The document in a file, or on standard input ("-"). NULL after a complaint. */
static char *read_document(const char *path)
{
    bool standard_input = strcmp(path, "-") == 0;
    size_t len = 0;
    char *text = fd_read_file(standard_input ? "/dev/stdin" : path, DOCUMENT_MAX, &len);

    if (!text)
        ctl_complain("query: %s: %s", standard_input ? "standard input" : path, strerror(errno));
    else if (strlen(text) != len)
        ctl_complain("query: %s: a NUL byte is no GraphQL", path);
    else
        return text;
    free(text);
    return NULL;
}

static int ask_graphqld(const struct ctl_options *o, const struct conf *conf, const char *document)
{
    static const int exits[] = {[QUERY_DONE] = CTL_DONE,
                                [QUERY_REFUSED] = CTL_REFUSED,
                                [QUERY_WRONG] = CTL_USAGE,
                                [QUERY_UNREACHABLE] = CTL_UNREACHABLE};
    struct query q = {.url = conf->graphql.url,
                      .document = document,
                      .operation = o->operation,
                      .vars = o->vars,
                      .n_vars = o->n_vars,
                      .timeout_ms = o->timeout_ms ? o->timeout_ms : TIMEOUT_QUERY_MS,
                      .json = o->json};
    enum query_outcome outcome;
    char *error = NULL, *token = fd_read_secret(conf->graphql.token_file, &error);

    if (!token) {
        ctl_complain("query: [graphql] token_file: %s", error);
        free(error);
        return CTL_USAGE;
    }
    q.token = token;
    outcome = query_run(&q, &error);
    if (error)
        ctl_complain("query: %s", error);
    free(error);
    fd_secret_free(&token);
    return exits[outcome];
}

int run_query(const struct ctl_options *o, int argc, char **argv)
{
    struct conf conf;
    char *document;
    int result;

    if (argc != 1) {
        ctl_complain("query: expected the file of a GraphQL document, or - for standard input");
        return CTL_USAGE;
    }
    if (ctl_load_conf(o, &conf))
        return CTL_USAGE;
    document = read_document(argv[0]);
    result = document ? ask_graphqld(o, &conf, document) : CTL_USAGE;
    free(document);
    conf_clear(&conf);
    return result;
}
