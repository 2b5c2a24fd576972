/* The configuration as text in its own grammar: whole, as workers get it, and as people may see it.
 * Called by every program that reads one.
 * Diagnostics: none. */
#include <stdlib.h>
#include <string.h>

#include "core/conf_priv.h"

#define MASK "***"

/* --- passwords ---------------------------------------------------------------------------------
 */

/* Where the value that p begins with ends: libpq's quotes, or a word of a list or a query. */
static const char *value_end(const char *p)
{
    if (*p != '\'')
        return p + strcspn(p, " \t&");
    for (p++; *p && *p != '\''; p++)
        if (*p == '\\' && p[1])
            p++;
    return *p ? p + 1 : p;
}

/* password=... of a connection's parameters. */
static void mask_parameters(const char *text, struct buf *out)
{
    const char *at, *p;

    while ((at = strcasestr(text, "password"))) {
        p = at + strlen("password");
        p += strspn(p, " \t");
        if (*p == '=') {
            p += 1 + strspn(p + 1, " \t");
            buf_append(out, text, (size_t)(p - text));
            buf_puts(out, MASK);
            p = value_end(p);
        } else {
            buf_append(out, text, (size_t)(p - text));
        }
        text = p;
    }
    buf_puts(out, text);
}

/* What stands before the @ of a URL may be a password alone, or a user's behind a colon. */
char *conf_without_passwords(const char *text)
{
    const char *user = strstr(text, "://"), *at = user ? strrchr(user, '@') : NULL;
    struct buf out;

    buf_init(&out, 0);
    if (at) {
        size_t name = strcspn(user += 3, ":@");

        buf_append(&out, text, (size_t)(user - text) + (user[name] == ':' ? name + 1 : 0));
        buf_puts(&out, MASK);
        text = at;
    }
    mask_parameters(text, &out);
    buf_cstr(&out);
    return (char *)out.data;
}

/* --- all keys ----------------------------------------------------------------------------------
 */

static void print_key(const struct conf *conf, const struct conf_key *k, bool masked,
                      struct buf *out)
{
    struct buf value;
    char *shown = NULL;

    buf_init(&value, 0);
    conf_print_value(conf, k, &value);
    if (masked)
        shown = conf_without_passwords(buf_cstr(&value));
    buf_printf(out, "%s =", k->key);
    if (buf_len(&value)) /* empty: no white space at the end of the line */
        buf_printf(out, " %s", shown ? shown : buf_cstr(&value));
    buf_putc(out, '\n');
    free(shown);
    buf_clear(&value);
}

static void print_keys(const struct conf *conf, unsigned without, bool masked, struct buf *out)
{
    const char *section = NULL;

    for (size_t i = 0; i < conf_keys_count; i++) {
        const struct conf_key *k = &conf_keys[i];

        if (k->flags & without)
            continue;
        if (!section || strcmp(k->section, section) != 0)
            buf_printf(out, "%s[%s]\n", section ? "\n" : "", k->section);
        section = k->section;
        print_key(conf, k, masked, out);
    }
}

void conf_print(const struct conf *conf, struct buf *out)
{
    print_keys(conf, 0, false, out);
}

void conf_print_for_workers(const struct conf *conf, struct buf *out)
{
    print_keys(conf, CONF_GRAPHQLD, false, out);
}

void conf_show(const struct conf *conf, struct buf *out)
{
    print_keys(conf, 0, true, out);
}
