/* The configuration as a whole: built from entries with every error collected, checked across keys,
 * printed in its own grammar, compared at a reload. Called through conf_load by every program.
 * Diagnostics: "name:line: what; what was expected", all of them by line, cross checks last. */
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "core/conf_priv.h"
#include "presence/record.h"
#include "presence/route.h"

#define CONF_ERRORS_MAX 100

struct conf_build {
    const char *name;
    struct conf_errors *errors;
    size_t errors_before;
    struct conf conf;
    bool section_known;
    unsigned lines[CONF_KEYS_MAX]; /* where each key was set; 0 = nowhere */
};

static __attribute__((format(printf, 3, 4))) void build_fail(struct conf_build *b, unsigned line,
                                                             const char *fmt, ...)
{
    struct conf_errors *e = b->errors;
    struct buf plain;
    char *text;
    va_list ap;

    if (e->count - b->errors_before > CONF_ERRORS_MAX)
        return;
    va_start(ap, fmt);
    if (e->count - b->errors_before == CONF_ERRORS_MAX)
        text = xstrdup("more errors follow");
    else if (vasprintf(&text, fmt, ap) < 0)
        fatal("out_of_memory", "a configuration error");
    va_end(ap);
    buf_init(&plain, 0); /* a file may hold anything, and a terminal believe it */
    buf_put_plain(&plain, text, strlen(text));
    free(text);
    text = line ? xasprintf("%s:%u: %s", b->name, line, buf_cstr(&plain))
                : xasprintf("%s: %s", b->name, buf_cstr(&plain));
    buf_clear(&plain);
    e->lines = xrealloc(e->lines, (e->count + 1) * sizeof *e->lines);
    e->lines[e->count++] = text;
}

static const struct conf_key *find_key(const char *section, const char *key)
{
    for (size_t i = 0; i < conf_keys_count; i++) {
        const struct conf_key *k = &conf_keys[i];

        if (strcmp(k->section, section) == 0 && (key == NULL || strcmp(k->key, key) == 0))
            return k;
    }
    return NULL;
}

static void set_defaults(struct conf *conf)
{
    memset(conf, 0, sizeof *conf);
    for (size_t i = 0; i < conf_keys_count; i++) {
        char *expected = conf_value_set(conf, &conf_keys[i], conf_keys[i].default_text);

        if (expected)
            fatal("conf_default", "[%s] %s = %s: %s", conf_keys[i].section, conf_keys[i].key,
                  conf_keys[i].default_text, expected);
    }
}

static void resolve_all(struct conf *conf)
{
    for (size_t i = 0; i < conf_keys_count; i++)
        conf_value_resolve(conf, &conf_keys[i]);
}

struct conf_build *conf_build_new(const char *name, struct conf_errors *errors)
{
    struct conf_build *b = xcalloc(1, sizeof *b);

    b->name = name;
    b->errors = errors;
    b->errors_before = errors->count;
    set_defaults(&b->conf);
    return b;
}

void conf_build_error(void *build, unsigned line, const char *message)
{
    build_fail(build, line, "%s", message);
}

void conf_build_section(void *build, unsigned line, const char *section)
{
    struct conf_build *b = build;
    struct buf names;
    const char *last = "";

    b->section_known = find_key(section, NULL) != NULL;
    if (b->section_known)
        return;
    buf_init(&names, 0);
    for (size_t i = 0; i < conf_keys_count; i++) {
        if (strcmp(conf_keys[i].section, last) != 0)
            buf_printf(&names, "%s%s", i == 0 ? "" : ", ", conf_keys[i].section);
        last = conf_keys[i].section;
    }
    build_fail(b, line, "unknown section [%s]; expected one of %s", section, buf_cstr(&names));
    buf_clear(&names);
}

void conf_build_entry(void *build, unsigned line, const char *section, const char *key,
                      const char *value)
{
    struct conf_build *b = build;
    const struct conf_key *k;
    unsigned *seen;
    char *expected;

    if (section[0] == '\0') {
        build_fail(b, line, "%s stands before any section; expected a [section] first", key);
        return;
    }
    if (!b->section_known) /* said once, at the heading */
        return;
    k = find_key(section, key);
    if (k == NULL) {
        build_fail(b, line, "unknown key %s in [%s]; see presence.conf(5)", key, section);
        return;
    }
    seen = &b->lines[k - conf_keys];
    if (*seen) {
        build_fail(b, line, "[%s] %s was set in line %u already", section, key, *seen);
        return;
    }
    *seen = line;
    expected = conf_value_set(&b->conf, k, value);
    if (expected) {
        char *shown = conf_without_passwords(value);

        build_fail(b, line, "[%s] %s = %.200s: %s", section, key, shown, expected);
        free(shown);
    }
    free(expected);
}

/* --- cross checks ------------------------------------------------------------------------------
 */

static unsigned line_of(const struct conf_build *b, const char *section, const char *key)
{
    return b->lines[find_key(section, key) - conf_keys];
}

static void check_unix_path(struct conf_build *b, const char *section, const char *key,
                            const char *value)
{
    size_t len;

    if (strncmp(value, "unix:", 5) == 0)
        value += strncmp(value, "unix://", 7) == 0 ? 7 : 5;
    else if (value[0] != '/')
        return;
    len = strcspn(value, "?");
    if (len > CONF_SUN_PATH_MAX)
        build_fail(b, line_of(b, section, key),
                   "[%s] %s: the socket's path has %zu bytes; expected at most %d", section, key,
                   len, CONF_SUN_PATH_MAX);
    if (value[0] != '/')
        build_fail(b, line_of(b, section, key),
                   "[%s] %s: expected an absolute path behind unix:", section, key);
}

/* A path made absolute may have become too long. */
static void check_lengths(struct conf_build *b)
{
    for (size_t i = 0; i < conf_keys_count; i++) {
        const struct conf_key *k = &conf_keys[i];
        struct buf value;

        buf_init(&value, 0);
        conf_print_value(&b->conf, k, &value);
        if ((k->flags & CONF_BELOW) && (int64_t)buf_len(&value) > k->max)
            build_fail(b, b->lines[i],
                       "[%s] %s: the whole path has %zu bytes; expected at most %lld", k->section,
                       k->key, buf_len(&value), (long long)k->max);
        buf_clear(&value);
    }
}

static void cross_check(struct conf_build *b)
{
    const struct conf *c = &b->conf;
    int64_t lane = c->cache.ring * RECORD_SLOT_SIZE;
    const char *target = c->log.target;

    check_lengths(b);
    check_unix_path(b, "redis", "url", c->redis.url);
    check_unix_path(b, "graphql", "url", c->graphql.url);
    check_unix_path(b, "graphqld", "listen", c->graphqld.listen);
    check_unix_path(b, "metrics", "listen", c->metrics.listen);
    if (strcmp(target, "stderr") != 0 && strcmp(target, "syslog") != 0 && target[0] != '/')
        build_fail(b, line_of(b, "log", "target"),
                   "[log] target = %s: expected stderr, syslog or an absolute path", target);
    if (c->cache.spool_max < lane)
        build_fail(b, line_of(b, "cache", "spool_max"),
                   "[cache] spool_max is smaller than one full ring lane; expected at least %lld "
                   "(ring = %lld slots of %u bytes)",
                   (long long)lane, (long long)c->cache.ring, RECORD_SLOT_SIZE);
    if (strcmp(c->discord.token_file, c->graphql.token_file) == 0)
        build_fail(b, line_of(b, "graphql", "token_file"),
                   "[graphql] token_file is [discord] token_file; expected two files");
}

int conf_build_finish(struct conf_build **build, struct conf *conf_r)
{
    struct conf_build *b = *build;
    bool good;

    resolve_all(&b->conf);
    if (b->errors->count == b->errors_before)
        cross_check(b);
    good = b->errors->count == b->errors_before;
    if (good)
        *conf_r = b->conf;
    else
        conf_clear(&b->conf);
    free(b);
    *build = NULL;
    return good ? 0 : -1;
}

/* --- the finished configuration ------------------------------------------------------------------
 */

void conf_defaults(struct conf *conf_r)
{
    set_defaults(conf_r);
    resolve_all(conf_r);
}

void conf_clear(struct conf *conf)
{
    for (size_t i = 0; i < conf_keys_count; i++)
        conf_value_free(conf, &conf_keys[i]);
}

unsigned conf_worker_count(const struct conf *conf)
{
    long cores = sysconf(_SC_NPROCESSORS_ONLN);

    if (conf->workers.count > 0)
        return (unsigned)conf->workers.count;
    return cores < 1 ? 1 : cores > (long)LANES ? LANES : (unsigned)cores;
}

bool conf_key_needs_restart(const struct conf_key *key)
{
    return !(key->flags & (CONF_RELOAD | CONF_GRAPHQLD));
}

void conf_diff(const struct conf *old_conf, const struct conf *new_conf,
               struct conf_changes *changes_r)
{
    *changes_r = (struct conf_changes){NULL, 0, 0};
    for (size_t i = 0; i < conf_keys_count; i++) {
        struct buf was, is;
        struct conf_change *c;

        buf_init(&was, 0);
        buf_init(&is, 0);
        conf_print_value(old_conf, &conf_keys[i], &was);
        conf_print_value(new_conf, &conf_keys[i], &is);
        if (strcmp(buf_cstr(&was), buf_cstr(&is)) != 0) {
            changes_r->list =
                xrealloc(changes_r->list, (changes_r->count + 1) * sizeof *changes_r->list);
            c = &changes_r->list[changes_r->count++];
            c->key = &conf_keys[i];
            c->old_text = conf_without_passwords(buf_cstr(&was));
            c->new_text = conf_without_passwords(buf_cstr(&is));
            changes_r->restart += conf_key_needs_restart(c->key);
        }
        buf_clear(&was);
        buf_clear(&is);
    }
}

void conf_changes_clear(struct conf_changes *changes)
{
    for (size_t i = 0; i < changes->count; i++) {
        free(changes->list[i].old_text);
        free(changes->list[i].new_text);
    }
    free(changes->list);
    *changes = (struct conf_changes){NULL, 0, 0};
}

void conf_errors_clear(struct conf_errors *errors)
{
    for (size_t i = 0; i < errors->count; i++)
        free(errors->lines[i]);
    free(errors->lines);
    *errors = (struct conf_errors){NULL, 0};
}
