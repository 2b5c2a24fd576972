/* Values of the configuration: reading one from text, printing it. Called by conf.c.
 * Diagnostics: a refused value answers with what was expected. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "core/conf_priv.h"

/* Units a number may carry, by type. */
struct conf_unit {
    char suffix;
    int64_t factor;
};
static const struct conf_unit count_units[] = {{'M', 1000000}, {'k', 1000}, {0, 0}};
static const struct conf_unit size_units[] = {
    {'G', INT64_C(1) << 30}, {'M', 1 << 20}, {'K', 1 << 10}, {0, 0}};
static const struct conf_unit no_units[] = {{0, 0}};

static const struct conf_unit *units_of(const struct conf_key *key)
{
    return key->type == CONF_SIZE ? size_units : key->type == CONF_COUNT ? count_units : no_units;
}

static bool is_text(enum conf_type type)
{
    return type == CONF_STRING || type == CONF_PATH || type == CONF_LISTEN || type == CONF_URL;
}

static void put_number(const struct conf_key *key, int64_t v, struct buf *out)
{
    if (key->type == CONF_MODE) {
        buf_printf(out, "%04llo", (unsigned long long)v);
        return;
    }
    for (const struct conf_unit *u = units_of(key); u->suffix; u++) {
        if (v >= u->factor && v % u->factor == 0) {
            buf_printf(out, "%lld%c", (long long)(v / u->factor), u->suffix);
            return;
        }
    }
    buf_put_i64(out, v);
}

static char *expected_number(const struct conf_key *key)
{
    struct buf b;

    buf_init(&b, 0);
    buf_puts(&b, key->type == CONF_MODE ? "expected an octal file mode from " : "expected ");
    if (key->flags & CONF_AUTO)
        buf_puts(&b, "auto or ");
    if (key->flags & CONF_POW2)
        buf_puts(&b, "a power of two ");
    else if (key->type != CONF_MODE)
        buf_puts(&b, "a number ");
    if (key->type != CONF_MODE)
        buf_puts(&b, "from ");
    put_number(key, key->min, &b);
    buf_puts(&b, " to ");
    put_number(key, key->max, &b);
    if (key->type == CONF_SIZE)
        buf_puts(&b, " bytes (K, M, G allowed)");
    buf_cstr(&b);
    return (char *)b.data;
}

static char *set_number(int64_t *field, const struct conf_key *key, const char *text)
{
    char *end;
    int64_t v;

    if ((key->flags & CONF_AUTO) && strcmp(text, "auto") == 0) {
        *field = 0;
        return NULL;
    }
    errno = 0;
    v = strtoll(text, &end, key->type == CONF_MODE ? 8 : 10);
    if (end == text || errno || text[0] < '0' || text[0] > '9')
        return expected_number(key);
    for (const struct conf_unit *u = units_of(key); u->suffix && *end; u++) {
        if (*end == u->suffix) {
            if (v > INT64_MAX / u->factor)
                return expected_number(key);
            v *= u->factor;
            end++;
            break;
        }
    }
    if (*end || v < key->min || v > key->max || ((key->flags & CONF_POW2) && (v & (v - 1))))
        return expected_number(key);
    *field = v;
    return NULL;
}

static char *set_word(int *field, const struct conf_key *key, const char *text)
{
    struct buf b;

    for (int i = 0; key->names[i]; i++) {
        if (strcmp(key->names[i], text) == 0) {
            *field = i;
            return NULL;
        }
    }
    buf_init(&b, 0);
    for (int i = 0; key->names[i]; i++)
        buf_printf(&b, "%s%s", i == 0 ? "expected one of " : ", ", key->names[i]);
    buf_cstr(&b);
    return (char *)b.data;
}

static char *set_bool(bool *field, const char *text)
{
    bool yes = strcmp(text, "yes") == 0;

    if (!yes && strcmp(text, "no") != 0)
        return xstrdup("expected yes or no");
    *field = yes;
    return NULL;
}

static char *set_ids(struct conf_ids *field, const struct conf_key *key, const char *text)
{
    static const char separators[] = " \t,";
    struct conf_ids ids = {NULL, 0};

    for (const char *p = text + strspn(text, separators); *p; p += strspn(p, separators)) {
        size_t len = strcspn(p, separators);
        snowflake_t id;

        if (snowflake_parse(p, len, &id) || !snowflake_known(id)) {
            free(ids.ids);
            return xstrdup("expected Discord ids (decimal numbers below 2^64), separated by "
                           "spaces or commas");
        }
        if (ids.count == (size_t)key->max) {
            free(ids.ids);
            return xasprintf("expected at most %lld ids", (long long)key->max);
        }
        ids.ids = xrealloc(ids.ids, (ids.count + 1) * sizeof *ids.ids);
        ids.ids[ids.count++] = id;
        p += len;
    }
    free(field->ids);
    *field = ids;
    return NULL;
}

static bool has_space(const char *text)
{
    return strpbrk(text, " \t") != NULL;
}

static char *check_path(const struct conf_key *key, const char *text)
{
    if (text[0] == '/')
        return NULL;
    if (key->flags & CONF_BELOW)
        return text[0] == '.'
                   ? xasprintf("expected an absolute path, or a name below %s", key->names[0])
                   : NULL;
    return xstrdup("expected an absolute path");
}

static char *check_url(const struct conf_key *key, const char *text)
{
    struct buf b;
    size_t len = strlen(text);

    for (int i = 0; key->names[i]; i++) {
        size_t n = strlen(key->names[i]);
        bool path = strncmp(key->names[i], "unix:", 5) == 0;

        if (strncmp(text, key->names[i], n) == 0 && len > n && (path || !has_space(text)))
            return NULL;
    }
    buf_init(&b, 0);
    for (int i = 0; key->names[i]; i++)
        buf_printf(&b, "%s%s…", i == 0 ? "expected " : " or ", key->names[i]);
    buf_cstr(&b);
    return (char *)b.data;
}

static char *check_listen(const char *text)
{
    const char *colon = strrchr(text, ':');
    char *end;
    long port;

    if (strncmp(text, "unix:", 5) == 0 && text[5])
        return NULL;
    if (colon && colon > text && colon[1] >= '0' && colon[1] <= '9' && !has_space(text)) {
        port = strtol(colon + 1, &end, 10);
        if (*end == '\0' && port >= 0 && port <= 65535)
            return NULL;
    }
    return xstrdup("expected HOST:PORT or unix:PATH");
}

static char *check_name(const char *text)
{
    static const char allowed[] =
        "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-_";

    return text[strspn(text, allowed)] ? xstrdup("expected letters, digits, - and _ only") : NULL;
}

static char *check_text(const struct conf_key *key, const char *text)
{
    if (text[0] == '\0')
        return key->flags & CONF_EMPTY ? NULL : xstrdup("expected a value");
    if (strlen(text) > (size_t)key->max)
        return xasprintf("expected at most %lld bytes", (long long)key->max);
    if ((key->flags & CONF_WORD) && has_space(text))
        return xstrdup("expected one word");
    if (key->flags & CONF_NAME)
        return check_name(text);
    if (key->type == CONF_PATH)
        return check_path(key, text);
    if (key->type == CONF_URL)
        return check_url(key, text);
    return key->type == CONF_LISTEN ? check_listen(text) : NULL;
}

static char *set_text(char **field, const struct conf_key *key, const char *text)
{
    char *expected = check_text(key, text);
    size_t len = strlen(text);

    if (expected)
        return expected;
    /* A slash at the end of a URL or directory would be doubled where something is put behind. */
    while ((key->type == CONF_URL || key->type == CONF_PATH) && len > 1 && text[len - 1] == '/' &&
           text[len - 2] != '/')
        len--;
    free(*field);
    *field = xstrndup(text, len);
    return NULL;
}

char *conf_value_set(struct conf *conf, const struct conf_key *key, const char *text)
{
    void *field = conf_field(conf, key);

    for (const char *p = text; *p; p++) {
        if ((unsigned char)*p < 0x20 && *p != '\t')
            return xstrdup("expected no control characters");
    }
    if (is_text(key->type))
        return set_text(field, key, text);
    switch (key->type) {
    case CONF_BOOL:
        return set_bool(field, text);
    case CONF_ENUM:
        return set_word(field, key, text);
    case CONF_IDS:
        return set_ids(field, key, text);
    default:
        return set_number(field, key, text);
    }
}

void conf_value_free(struct conf *conf, const struct conf_key *key)
{
    if (is_text(key->type)) {
        char **text = conf_field(conf, key);

        free(*text);
        *text = NULL;
    } else if (key->type == CONF_IDS) {
        struct conf_ids *ids = conf_field(conf, key);

        free(ids->ids);
        *ids = (struct conf_ids){NULL, 0};
    }
}

void conf_value_resolve(struct conf *conf, const struct conf_key *key)
{
    char **field, *text, *base;
    size_t scheme = 0;

    if (!(key->flags & CONF_BELOW))
        return;
    field = conf_field(conf, key);
    text = *field;
    if (key->type == CONF_URL || key->type == CONF_LISTEN) {
        if (strncmp(text, "unix:", 5) != 0)
            return;
        scheme = 5;
    }
    if (text[scheme] == '/')
        return;
    base = key->type == CONF_PATH && strcmp(key->names[0], "state_dir") == 0
               ? conf->presence.state_dir
               : conf->presence.run_dir;
    *field = xasprintf("%.*s%s/%s", (int)scheme, text, base, text + scheme);
    free(text);
}

void conf_print_value(const struct conf *conf, const struct conf_key *key, struct buf *out)
{
    const void *field = conf_field(conf, key);

    if (is_text(key->type)) {
        buf_puts(out, *(char *const *)field);
    } else if (key->type == CONF_BOOL) {
        buf_puts(out, *(const bool *)field ? "yes" : "no");
    } else if (key->type == CONF_ENUM) {
        buf_puts(out, key->names[*(const int *)field]);
    } else if (key->type == CONF_IDS) {
        const struct conf_ids *ids = field;

        for (size_t i = 0; i < ids->count; i++) {
            if (i > 0)
                buf_putc(out, ' ');
            buf_put_u64(out, ids->ids[i].id);
        }
    } else if ((key->flags & CONF_AUTO) && *(const int64_t *)field == 0) {
        buf_puts(out, "auto");
    } else {
        put_number(key, *(const int64_t *)field, out);
    }
}
