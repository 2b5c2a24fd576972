/* A mutation as statements: the call that does it, and one that reads what was done. Called by the
 * executor.
 * Diagnostics: BAD_USER_INPUT for arguments. */
#include "graphql/compile_priv.h"

static int compile_deed(const struct collect *c, const struct bind_deed *d, const struct scope *s,
                        struct pg_call *call_r, struct gql_errors *errors)
{
    struct compiler *k = compiler_new(c, errors);

    compile_template(k, d->sql, s, "", "");
    return compile_finish(k, call_r);
}

/* The statement that reads what a mutation did. Most often its text is the document's alone; then
 * it is kept with it. */
static int compile_result(const struct collect *c, const struct collected *f, const struct scope *s,
                          struct pg_call *call_r, struct gql_errors *errors)
{
    struct kept_sql *kept = f->n_merged == 1 ? kept_find(c->kept, f->first) : NULL;
    const struct failure *failure = c->failures->first;
    unsigned reads = *c->vars->reads;
    struct compiler *k;

    if (kept) {
        *call_r = (struct pg_call){.sql = kept->sql, .id = &kept->id};
        return 0;
    }
    k = compiler_new(c, errors);
    compile_value(k, compile_bind(c->schema->mutation, f), f, s, "");
    if (compile_finish(k, call_r))
        return -1;
    if (f->n_merged == 1 && reads == *c->vars->reads && failure == c->failures->first &&
        !k->bound && !k->plan_anew && k->n_params == 0)
        kept_add(c->kept, f->first, call_r->sql);
    return 0;
}

int compile_mutation(const struct collect *c, const struct collected *f, const char *caller,
                     struct compiled_mutation *out, struct gql_errors *errors)
{
    static const char patience[] = "SELECT set_config('statement_timeout', '25s', true)";
    const struct bind_deed *d = bind_deed(f->field->name);
    struct scope s = {.field = f->field, .caller = caller};
    struct gql_value *args;

    out->n_calls = 0;
    if (gql_coerce_arguments(c->arena, f->field->args, f->field->n_args, f->first->arguments,
                             c->vars, f->first->loc, &args, errors))
        return -1;
    s.args = args;
    if (d->slow)
        out->calls[out->n_calls++] = (struct pg_call){.sql = patience};
    if (compile_deed(c, d, &s, &out->calls[out->n_calls++], errors))
        return -1;
    return compile_result(c, f, &s, &out->calls[out->n_calls++], errors);
}
