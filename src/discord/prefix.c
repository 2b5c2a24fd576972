/* Reading developers' commands. Called by the worker for messages that begin like one.
 * Diagnostics: none; what was expected is told to the caller. */
#include "presence/prefix.h"

#include <string.h>
#include <strings.h>

#define BLANKS " \t\r\n"

/* 32 of them, so that each takes five bits; without I, L, O and U. */
static const char alphabet[] = "0123456789ABCDEFGHJKMNPQRSTVWXYZ";

struct word {
    const char *p;
    size_t len;
};

/* The next word, or one of length 0 at the end. */
static struct word next_word(const char **text)
{
    struct word w;

    *text += strspn(*text, BLANKS);
    w.p = *text;
    w.len = strcspn(*text, BLANKS);
    *text += w.len;
    return w;
}

static bool is(struct word w, const char *text)
{
    return w.len == strlen(text) && strncasecmp(w.p, text, w.len) == 0;
}

/* --- whether it is one ----------------------------------------------------------------------- */

/* "<@1>" or "<@!1>", as clients write it. */
static const char *behind_mention(const char *text, snowflake_t self)
{
    snowflake_t id;
    const char *end;

    if (strncmp(text, "<@", 2) != 0 || !snowflake_known(self))
        return NULL;
    text += text[2] == '!' ? 3 : 2;
    end = strchr(text, '>');
    if (!end || snowflake_parse(text, (size_t)(end - text), &id) || !snowflake_equal(id, self))
        return NULL;
    return end + 1;
}

const char *prefix_strip(const char *text, const char *prefix, snowflake_t self)
{
    size_t len = strlen(prefix);
    const char *rest = len && strncmp(text, prefix, len) == 0 ? text + len : NULL;

    if (!rest)
        rest = behind_mention(text, self);
    return rest ? rest + strspn(rest, BLANKS) : NULL;
}

const struct prefix_command *prefix_find(const struct prefix_command *const *commands,
                                         const char *text)
{
    struct word w = next_word(&text);

    for (; *commands; commands++)
        if (is(w, (*commands)->name))
            return *commands;
    return NULL;
}

/* --- arguments ------------------------------------------------------------------------------- */

static int read_id(struct word w, const char *name, snowflake_t *id_r, struct buf *error)
{
    if (w.len >= PREFIX_ID_MIN && snowflake_parse(w.p, w.len, id_r) == 0)
        return 0;
    buf_printf(error, "%s: expected an id of 17 to 20 digits", name);
    return -1;
}

static void put_words(const char *const *words, struct buf *out)
{
    for (size_t i = 0; words[i]; i++)
        buf_printf(out, "%s%s", i ? "|" : "", words[i]);
}

static int read_word(struct word w, const struct prefix_argument *a, struct prefix_value *v,
                     struct buf *error)
{
    for (size_t i = 0; a->words[i]; i++)
        if (is(w, a->words[i])) {
            v->word = a->words[i];
            return 0;
        }
    buf_printf(error, "%s: expected one of ", a->name);
    put_words(a->words, error);
    return -1;
}

static bool take_flag(const struct prefix_argument *arguments, struct word w,
                      struct prefix_args *args)
{
    for (size_t i = 0; arguments && arguments[i].name; i++)
        if (arguments[i].type == PREFIX_FLAG && is(w, arguments[i].name)) {
            args->values[i].given = true;
            return true;
        }
    return false;
}

/* The first argument that is no flag and was not given. */
static const struct prefix_argument *next_open(const struct prefix_argument *arguments,
                                               const struct prefix_args *args, size_t *at_r)
{
    for (size_t i = 0; arguments && arguments[i].name; i++)
        if (arguments[i].type != PREFIX_FLAG && !args->values[i].given) {
            *at_r = i;
            return &arguments[i];
        }
    return NULL;
}

static int take(const struct prefix_argument *arguments, struct word w, struct prefix_args *args,
                struct buf *error)
{
    size_t at = 0;
    const struct prefix_argument *a;

    if (take_flag(arguments, w, args))
        return 0;
    a = next_open(arguments, args, &at);
    if (!a) {
        buf_puts(error, "more was given than expected");
        return -1;
    }
    args->values[at].given = true;
    return a->type == PREFIX_ID ? read_id(w, a->name, &args->values[at].id, error)
                                : read_word(w, a, &args->values[at], error);
}

int prefix_parse(const struct prefix_command *command, const char *text, bool direct,
                 struct prefix_args *args_r, struct buf *error)
{
    const struct prefix_argument *open;
    struct word w;
    size_t at = 0;

    *args_r = (struct prefix_args){.command = command};
    next_word(&text);
    if (direct && command->guild && read_id(next_word(&text), "guild_id", &args_r->guild, error))
        return -1;
    while ((w = next_word(&text)).len > 0)
        if (take(command->arguments, w, args_r, error))
            return -1;
    open = next_open(command->arguments, args_r, &at);
    if (!open || !open->required)
        return 0;
    buf_printf(error, "%s: expected, but not given", open->name);
    return -1;
}

void prefix_usage(const struct prefix_command *command, struct buf *out)
{
    buf_puts(out, command->name);
    for (const struct prefix_argument *a = command->arguments; a && a->name; a++) {
        buf_puts(out, a->required ? " <" : " [");
        if (a->type == PREFIX_WORD)
            put_words(a->words, out);
        else
            buf_puts(out, a->name);
        buf_putc(out, a->required ? '>' : ']');
    }
}

/* --- codes ----------------------------------------------------------------------------------- */

void prefix_code(const unsigned char random[PREFIX_CODE_LEN], char out[PREFIX_CODE_LEN + 1])
{
    for (size_t i = 0; i < PREFIX_CODE_LEN; i++)
        out[i] = alphabet[random[i] & 31];
    out[PREFIX_CODE_LEN] = '\0';
}

bool prefix_read_code(const char *text, char out[PREFIX_CODE_LEN + 1])
{
    struct word w = next_word(&text);

    if (w.len != PREFIX_CODE_LEN || next_word(&text).len > 0)
        return false;
    for (size_t i = 0; i < PREFIX_CODE_LEN; i++) {
        out[i] = w.p[i] >= 'a' && w.p[i] <= 'z' ? (char)(w.p[i] - 'a' + 'A') : w.p[i];
        if (!strchr(alphabet, out[i]))
            return false;
    }
    out[PREFIX_CODE_LEN] = '\0';
    return true;
}
