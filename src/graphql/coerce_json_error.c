/* What is wrong with variables, in words. Called while they are read.
 *
 * Diagnostics: BAD_USER_INPUT naming the variable and the path inside it. */
#include "graphql/coerce_json_priv.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

static size_t list_length(const struct frame *f)
{
    return f->kind == FRAME_INTS ? f->out->ints.n : f->out->list.n;
}

/* "batch.sightings.kind[3]" */
static const char *where(struct gql_json *j)
{
    char path[300];
    size_t used;

    snprintf(path, sizeof(path), "%s", j->variable ? j->variable->name : "");
    for (size_t i = 1; i < j->depth; i++) {
        const struct frame *f = &j->frames[i];

        used = strlen(path);
        if (f->kind == FRAME_OBJECT && f->input)
            snprintf(path + used, sizeof(path) - used, ".%s", f->input->name);
        else if ((f->kind == FRAME_LIST || f->kind == FRAME_INTS) && !f->implicit) {
            /* the list above grows when its item is begun; a value that fails did not count */
            size_t n = list_length(f);

            snprintf(path + used, sizeof(path) - used, "[%zu]",
                     f->kind == FRAME_LIST && n > 0 && i + 1 < j->depth ? n - 1 : n);
        }
    }
    return arena_strndup(j->arena, path, strlen(path));
}

int gql_json_bad(struct gql_json *j, const struct gql_ref *ref, const char *got,
                 const char *expected)
{
    gql_error_add(j->errors, "BAD_USER_INPUT",
                  j->variable ? j->variable->loc : (struct gql_loc){0, 0},
                  "variable $%s: %s is no %s: expected %s", where(j), got,
                  gql_ref_text(j->arena, ref), expected);
    return -1;
}

int gql_json_refuse(struct gql_json *j, const char *fmt, ...)
{
    char text[300];
    va_list ap;

    va_start(ap, fmt);
    vsnprintf(text, sizeof(text), fmt, ap);
    va_end(ap);
    gql_error_add(j->errors, "BAD_USER_INPUT", j->variable->loc, "variable $%s: %s", where(j),
                  text);
    return -1;
}

const char *gql_json_quoted(struct gql_json *j, const char *text, size_t len)
{
    return arena_printf(j->arena, "\"%.*s\"%s", (int)(len > 40 ? 40 : len), text,
                        len > 40 ? " (cut)" : "");
}

const char *gql_json_written(struct gql_json *j, const struct leaf *leaf)
{
    if (leaf->kind == LEAF_STRING)
        return gql_json_quoted(j, leaf->text, leaf->len);
    if (leaf->kind == LEAF_NUMBER)
        return arena_strndup(j->arena, leaf->text, leaf->len > 40 ? 40 : leaf->len);
    return leaf->truth ? "true" : "false";
}

int gql_json_not_an_object(struct gql_json *j)
{
    gql_error_add(j->errors, "BAD_USER_INPUT", (struct gql_loc){0, 0},
                  "variables: expected an object or null");
    return -1;
}
