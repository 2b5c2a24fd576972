/* Nulls and errors of fields that cannot be executed. Called by the compiler and by introspection,
 * which find them, and by whoever has a result.
 * Diagnostics: the errors of the fields, with their paths. A result that is not the JSON of its
 * selection is fatal: we wrote both. */
#include "graphql/complete.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "presence/log.h"

struct failure {
    struct failure *next;
    const struct ast_selection *at;
    const struct gql_error *error;
};

struct step { /* of a path, innermost first */
    const struct step *outer;
    const char *key; /* NULL: the index of a list */
    size_t index;
};

struct walk {
    const struct collect *c;
    const char *at, *end; /* of the result that was not read yet */
    struct buf *out;
    struct gql_errors *errors;
};

/* --- what fails ------------------------------------------------------------------------------- */

static const struct failure *failure_of(const struct collect *c, const struct collected *f)
{
    for (const struct failure *i = c->failures->first; i; i = i->next)
        if (i->at == f->first)
            return i;
    return NULL;
}

static void note(const struct collect *c, const struct collected *f, const struct gql_error *error)
{
    struct failure *i;

    if (failure_of(c, f))
        return;
    i = arena_alloc(c->arena, sizeof(*i));
    *i = (struct failure){c->failures->first, f->first, error};
    c->failures->first = i;
}

int complete_arguments(const struct collect *c, const struct collected *f,
                       struct gql_value **args_r)
{
    struct gql_errors errors;
    const char *bad;

    gql_errors_init(&errors, c->arena);
    if (gql_coerce_arguments(c->arena, f->field->args, f->field->n_args, f->first->arguments,
                             c->vars, f->first->loc, args_r, &errors)) {
        note(c, f, errors.first);
        return -1;
    }
    bad = value_with_nul(f->field->args, f->field->n_args, *args_r);
    if (!bad)
        return 0;
    complete_fail(c, f, "BAD_USER_INPUT", "%s: a string holds U+0000, which is in no text", bad);
    return -1;
}

void complete_fail(const struct collect *c, const struct collected *f, const char *code,
                   const char *fmt, ...)
{
    struct gql_errors errors;
    char text[200];
    va_list ap;

    va_start(ap, fmt);
    vsnprintf(text, sizeof(text), fmt, ap);
    va_end(ap);
    gql_errors_init(&errors, c->arena);
    note(c, f, gql_error_add(&errors, code, f->first->loc, "%s", text));
}

bool complete_has_failed(const struct collect *c, const struct collected *f)
{
    return failure_of(c, f) != NULL;
}

/* --- errors ------------------------------------------------------------------------------------
 */

static void put_path(struct buf *b, const struct step *path)
{
    if (path->outer) {
        put_path(b, path->outer);
        buf_putc(b, ',');
    }
    if (path->key)
        buf_printf(b, "\"%s\"", path->key);
    else
        buf_printf(b, "%zu", path->index);
}

static void set_path(struct walk *w, struct gql_error *e, const struct step *path)
{
    struct buf text;

    buf_init(&text, 0);
    put_path(&text, path);
    e->path = arena_printf(w->errors->arena, "[%s]", buf_cstr(&text));
    buf_clear(&text);
}

static void add_error(struct walk *w, const struct gql_error *error, const struct step *path)
{
    set_path(w, gql_error_add(w->errors, error->code, error->loc, "%s", error->message), path);
}

/* --- the result --------------------------------------------------------------------------------
 */

static char next(const struct walk *w)
{
    if (w->at >= w->end)
        fatal("complete", "a result ends too early");
    return *w->at;
}

/* Moves behind what must stand there, which is part of the answer. */
static void copy(struct walk *w, const char *text)
{
    buf_puts(w->out, text);
    for (; *text; text++, w->at++)
        if (next(w) != *text)
            fatal("complete", "a result is not what was selected");
}

static void pass_string(struct walk *w)
{
    for (w->at++; next(w) != '"'; w->at++)
        if (*w->at == '\\')
            w->at++;
    w->at++;
}

/* Returns the reason. */
static const char *pass_refusal(struct walk *w)
{
    const char *begin = ++w->at;

    while (next(w) != COMPLETE_REFUSED)
        w->at++;
    return arena_strndup(w->errors->arena, begin, (size_t)(w->at++ - begin));
}

/* Moves behind one value. */
static void pass(struct walk *w)
{
    unsigned depth = 0;

    if (next(w) == COMPLETE_REFUSED)
        pass_refusal(w);
    else if (!strchr("\"[{", next(w))) /* a number, true, false or null */
        while (w->at < w->end && !strchr(",]}", *w->at))
            w->at++;
    else
        do {
            if (next(w) == '"') {
                pass_string(w);
                continue;
            }
            if (next(w) == COMPLETE_REFUSED) {
                pass_refusal(w);
                continue;
            }
            depth += *w->at == '[' || *w->at == '{';
            depth -= *w->at == ']' || *w->at == '}';
            w->at++;
        } while (depth > 0);
}

/* --- the walk ----------------------------------------------------------------------------------
 */

static bool complete(struct walk *w, const struct gql_ref *ref, const struct collected *f,
                     const struct step *path);

/* What stands behind `mark` in out, and began at `begin`, is null. */
static void null_instead(struct walk *w, const char *begin, size_t mark)
{
    buf_truncate(w->out, mark);
    buf_puts(w->out, "null");
    w->at = begin;
    pass(w);
}

static bool complete_list(struct walk *w, const struct gql_ref *of, const struct collected *f,
                          const struct step *path)
{
    struct step item = {.outer = path};

    copy(w, "[");
    for (; next(w) != ']'; item.index++) {
        const char *begin;
        size_t mark;

        if (item.index > 0)
            copy(w, ",");
        begin = w->at;
        mark = buf_len(w->out);
        if (!complete(w, of, f, &item)) {
            if (of->non_null)
                return false;
            null_instead(w, begin, mark);
        }
    }
    copy(w, "]");
    return true;
}

static bool complete_selected(struct walk *w, const struct collected *f, const struct step *path)
{
    const struct failure *failure = failure_of(w->c, f);

    if (failure)
        add_error(w, failure->error, path);
    else if (next(w) == COMPLETE_REFUSED)
        set_path(w,
                 gql_error_add(w->errors, "BAD_USER_INPUT", f->first->loc, "%s", pass_refusal(w)),
                 path);
    else
        return complete(w, f->field->ref, f, path);
    return false;
}

static bool complete_object(struct walk *w, const struct gql_type *t, const struct collected *of,
                            const struct step *path)
{
    const struct collected *fields = collect_sub(w->c, t, of);

    copy(w, "{");
    for (const struct collected *f = fields; f; f = f->next) {
        struct step member = {.outer = path, .key = f->key};
        const char *begin;
        size_t mark;

        copy(w, f == fields ? "\"" : ",\"");
        copy(w, f->key);
        copy(w, "\":");
        begin = w->at;
        mark = buf_len(w->out);
        if (complete_selected(w, f, &member))
            continue;
        if (f->field->ref->non_null)
            return false;
        null_instead(w, begin, mark);
    }
    copy(w, "}");
    return true;
}

/* Returns false if the value must be null. What stands in out is not complete then. */
static bool complete(struct walk *w, const struct gql_ref *ref, const struct collected *f,
                     const struct step *path)
{
    const char *begin = w->at;

    if (gql_is_composite(ref->type) && ref->of && next(w) == '[')
        return complete_list(w, ref->of, f, path);
    if (gql_is_composite(ref->type) && next(w) == '{')
        return complete_object(w, ref->type, f, path);
    pass(w);
    buf_append(w->out, begin, (size_t)(w->at - begin));
    return true;
}

bool complete_field(const struct collect *c, const struct collected *f, const char *json,
                    size_t len, struct buf *out, struct gql_errors *errors)
{
    const struct step path = {.key = f->key};
    size_t mark = buf_len(out);
    struct walk w;

    if (!json) {
        json = "null";
        len = 4;
    }
    if (!c->failures->first && !memchr(json, COMPLETE_REFUSED, len)) {
        buf_append(out, json, len);
        return true;
    }
    w = (struct walk){c, json, json + len, out, errors};
    if (complete_selected(&w, f, &path))
        return true;
    buf_truncate(out, mark);
    if (f->field->ref->non_null)
        return false;
    buf_puts(out, "null");
    return true;
}
