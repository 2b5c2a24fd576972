/* The configuration: golden files of tests/conf (X.conf gives X.print or X.errors), the printer fed
 * back, defaults, comparison of two configurations. With the argument --keys it
 * prints the key table for the tests of the man page and the sample file. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <glob.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/conf_priv.h"
#include "presence/conf.h"
#include "presence/fd.h"
#include "presence/record.h"

static const char *srcdir(void)
{
    const char *dir = getenv("srcdir");

    return dir ? dir : ".";
}

static int parse(const char *text, struct conf *conf_r, struct conf_errors *errors)
{
    return conf_parse_text(text, strlen(text), "t", conf_r, errors);
}

static struct conf parse_good(const char *text)
{
    struct conf_errors errors = {NULL, 0};
    struct conf conf;

    if (parse(text, &conf, &errors))
        fail_msg("refused: %s", errors.lines[0]);
    return conf;
}

/* What the parser says to text: its print, or its errors. */
static void answer(const char *text, size_t len, const char *name, struct buf *out, bool *good_r)
{
    struct conf_errors errors = {NULL, 0};
    struct conf conf;

    *good_r = conf_parse_text(text, len, name, &conf, &errors) == 0;
    if (*good_r) {
        assert_int_equal(errors.count, 0);
        conf_print(&conf, out);
        conf_clear(&conf);
    }
    for (size_t i = 0; i < errors.count; i++)
        buf_printf(out, "%s\n", errors.lines[i]);
    conf_errors_clear(&errors);
}

static void check_golden(const char *path)
{
    const char *base = strrchr(path, '/') + 1;
    char *stem = xstrndup(path, strlen(path) - strlen(".conf")), *want_path, *text, *want;
    struct buf out;
    size_t len;
    bool good;

    buf_init(&out, 0);
    text = fd_read_file(path, 1 << 20, &len);
    assert_non_null(text);
    answer(text, len, base, &out, &good);
    want_path = xasprintf("%s.%s", stem, good ? "print" : "errors");
    if (getenv("GOLDEN_WRITE"))
        assert_int_equal(fd_write_file(want_path, buf_bytes(&out), buf_len(&out), 0644, false), 0);
    want = fd_read_file(want_path, 1 << 20, NULL);
    if (want == NULL)
        fail_msg("%s is missing; the parser says:\n%s", want_path, buf_cstr(&out));
    if (strcmp(want, buf_cstr(&out)) != 0)
        fail_msg("%s differs; the parser says:\n%s", want_path, buf_cstr(&out));
    if (good) { /* the print fed back gives the same print */
        struct buf again;

        buf_init(&again, 0);
        answer((char *)buf_bytes(&out), buf_len(&out), "again", &again, &good);
        assert_true(good);
        assert_string_equal(buf_cstr(&again), want);
        buf_clear(&again);
    }
    buf_clear(&out);
    free(text);
    free(want);
    free(want_path);
    free(stem);
}

static void test_golden(void **state)
{
    char *pattern = xasprintf("%s/tests/conf/*.conf", srcdir());
    glob_t found;

    (void)state;
    assert_int_equal(glob(pattern, 0, NULL, &found), 0);
    assert_true(found.gl_pathc >= 6);
    for (size_t i = 0; i < found.gl_pathc; i++)
        check_golden(found.gl_pathv[i]);
    globfree(&found);
    free(pattern);
}

static void test_defaults_are_the_empty_file(void **state)
{
    struct conf defaults, empty = parse_good("");
    struct conf_changes changes;

    (void)state;
    conf_defaults(&defaults);
    conf_diff(&defaults, &empty, &changes);
    assert_int_equal(changes.count, 0);
    assert_string_equal(empty.presence.user, "");
    assert_int_equal(empty.discord.compress, CONF_COMPRESS_ZSTD_STREAM);
    assert_int_equal(empty.workers.flush_ms, 250);
    assert_int_equal(empty.control.mode, 0600);
    assert_int_equal(empty.log.level, LOG_LEVEL_INFO);
    conf_changes_clear(&changes);
    conf_clear(&defaults);
    conf_clear(&empty);
}

static void test_passwords_are_not_shown(void **state)
{
    static const char *const texts[][2] = {
        {"redis://:hidden@h:1/2", "redis://:***@h:1/2"},
        {"redis://hidden@h", "redis://***@h"},
        {"redis://me:hid@den@h", "redis://me:***@h"},
        {"unix:///run/x@y?db=1", "unix://***@y?db=1"},
        {"http://h:1/x", "http://h:1/x"},
        {"host=h password=hidden user=u", "host=h password=*** user=u"},
        {"password = 'hid\\' den' user=u", "password = *** user=u"},
        {"sslpassword=hidden", "sslpassword=***"},
        {"postgresql://u:hidden@h/d?password=hidden&x=1",
         "postgresql://u:***@h/d?password=***&x=1"},
        {"the password", "the password"},
        {"", ""},
    };
    struct conf old = parse_good("[redis]\nurl = redis://:hidden1@h\n"
                                 "[graphqld]\nconninfo = password=hidden host=h\n");
    struct conf new = parse_good("[redis]\nurl = redis://:hidden2@h\n");
    struct conf_errors errors = {NULL, 0};
    struct conf_changes changes;
    struct buf out;
    struct conf none;

    (void)state;
    for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++) {
        char *shown = conf_without_passwords(texts[i][0]);

        assert_string_equal(shown, texts[i][1]);
        free(shown);
    }
    buf_init(&out, 0);
    conf_show(&old, &out);
    assert_null(strstr(buf_cstr(&out), "hidden"));
    assert_non_null(strstr(buf_cstr(&out), "url = redis://:***@h\n"));
    buf_reset(&out);
    conf_print_for_workers(&old, &out);
    assert_null(strstr(buf_cstr(&out), "graphqld]"));
    assert_null(strstr(buf_cstr(&out), "password="));
    assert_non_null(strstr(buf_cstr(&out), "url = redis://:hidden1@h\n"));
    conf_clear(&new);
    new = parse_good(buf_cstr(&out)); /* all that it needs */
    conf_diff(&old, &new, &changes);
    assert_int_equal(changes.count, 1);
    assert_string_equal(changes.list[0].old_text, "password=*** host=h");
    conf_changes_clear(&changes);
    assert_int_equal(parse("[redis]\nurl = redis:/x://me:hidden@h\n", &none, &errors), -1);
    assert_null(strstr(errors.lines[0], "hidden"));
    conf_errors_clear(&errors);
    buf_clear(&out);
    conf_clear(&old);
    conf_clear(&new);
}

static void test_values(void **state)
{
    struct conf c = parse_good("[presence]\nrun_dir = /r\nstate_dir = /s/\n"
                               "[discord]\ndevelopers = 123, 18446744073709551615 7\n"
                               "api_base = http://127.0.0.1:1/api/v10/\nshards=3\n"
                               "[cache]\nspool_max = 3G\nmembers = 2M\nspool_dir = sp\n"
                               "[graphql]\nurl = unix:x.sock\n[graphqld]\nintrospection = no\n");

    (void)state;
    assert_int_equal(c.discord.developers.count, 3);
    assert_true(c.discord.developers.ids[1].id == UINT64_MAX);
    assert_string_equal(c.discord.api_base, "http://127.0.0.1:1/api/v10");
    assert_string_equal(c.cache.spool_dir, "/s/sp");
    assert_string_equal(c.graphql.url, "unix:/r/x.sock");
    assert_string_equal(c.graphqld.listen, "unix:/r/graphqld.sock");
    assert_string_equal(c.control.socket, "/r/control.sock");
    assert_true(c.cache.spool_max == (INT64_C(3) << 30));
    assert_int_equal(c.cache.members, 2000000);
    assert_int_equal(c.discord.shards, 3);
    assert_int_equal(conf_worker_count(&c) >= 1, 1);
    assert_false(c.graphqld.introspection);
    conf_clear(&c);
}

static void test_every_key_refuses_nonsense(void **state)
{
    (void)state;
    for (size_t i = 0; i < conf_keys_count; i++) {
        const struct conf_key *k = &conf_keys[i];
        struct conf_errors errors = {NULL, 0};
        char *text = xasprintf("[%s]\n\n%s = \001\n", k->section, k->key), *where;
        struct conf conf;

        assert_int_equal(parse(text, &conf, &errors), -1);
        assert_int_equal(errors.count, 1);
        where = xasprintf("t:3: [%s] %s = ", k->section, k->key);
        assert_memory_equal(errors.lines[0], where, strlen(where));
        assert_non_null(strstr(errors.lines[0], "expected"));
        free(where);
        free(text);
        conf_errors_clear(&errors);
    }
}

static void test_diff(void **state)
{
    struct conf a = parse_good("[log]\nlevel = info\n[cache]\nmembers = 5000\n");
    struct conf b =
        parse_good("[log]\nlevel = debug\n[cache]\nmembers = 6000\n[graphqld]\nmax_depth = 3\n");
    struct conf_changes changes;

    (void)state;
    conf_diff(&a, &b, &changes);
    assert_int_equal(changes.count, 3);
    assert_int_equal(changes.restart, 1);
    assert_string_equal(changes.list[0].key->key, "members");
    assert_string_equal(changes.list[0].old_text, "5k");
    assert_string_equal(changes.list[0].new_text, "6k");
    assert_true(conf_key_needs_restart(changes.list[0].key));
    assert_false(conf_key_needs_restart(changes.list[1].key));
    assert_string_equal(changes.list[2].new_text, "debug");
    conf_changes_clear(&changes);
    conf_clear(&a);
    conf_clear(&b);
}

static void test_unreadable_file(void **state)
{
    struct conf_errors errors = {NULL, 0};
    struct conf conf;

    (void)state;
    assert_int_equal(conf_load("/nowhere/presence.conf", &conf, &errors), -1);
    assert_int_equal(errors.count, 1);
    assert_string_equal(errors.lines[0],
                        "/nowhere/presence.conf: cannot read the configuration: No such file or "
                        "directory");
    conf_errors_clear(&errors);
}

static void test_nul_and_long_lines(void **state)
{
    struct conf_errors errors = {NULL, 0};
    struct conf conf;
    char *text = xmalloc(10000);
    const char nul[] = "[log]\nlevel = in\0fo\n";

    (void)state;
    assert_int_equal(conf_parse_text(nul, sizeof nul - 1, "t", &conf, &errors), -1);
    assert_string_equal(errors.lines[0], "t:2: unexpected NUL byte");
    conf_errors_clear(&errors);
    memset(text, 'x', 9999);
    text[5000] = '\n';
    text[9999] = '\0';
    assert_int_equal(parse(text, &conf, &errors), -1);
    assert_int_equal(errors.count, 2);
    assert_string_equal(errors.lines[0], "t:1: line of 5000 bytes; expected at most 4096");
    assert_string_equal(errors.lines[1], "t:2: line of 4998 bytes; expected at most 4096");
    conf_errors_clear(&errors);
    free(text);
}

static void test_errors_are_bounded(void **state)
{
    struct conf_errors errors = {NULL, 0};
    struct conf conf;
    struct buf text;

    (void)state;
    buf_init(&text, 0);
    for (int i = 0; i < 1000; i++)
        buf_puts(&text, "nonsense\n");
    assert_int_equal(parse(buf_cstr(&text), &conf, &errors), -1);
    assert_int_equal(errors.count, 101);
    assert_string_equal(errors.lines[99],
                        "t:100: expected `key = value`, a [section] or a comment");
    assert_string_equal(errors.lines[100], "t:101: more errors follow");
    conf_errors_clear(&errors);
    buf_clear(&text);
}

/* Bytes of a good file changed at random: accepted or refused with a reason, and what is accepted
 * prints as something that is accepted again. */
static void test_damaged_files(void **state)
{
    char *path = xasprintf("%s/tests/conf/full.conf", srcdir());
    size_t len;
    char *text = fd_read_file(path, 1 << 20, &len);
    unsigned random = 1, accepted = 0;

    (void)state;
    assert_non_null(text);
    for (int round = 0; round < 2000; round++) {
        char *copy = xmalloc(len);
        struct buf out, again;
        bool good;

        memcpy(copy, text, len);
        for (int change = 0; change <= round % 3; change++) {
            random = random * 1103515245u + 12345u;
            copy[(random >> 8) % len] = (char)(random >> 24);
        }
        buf_init(&out, 0);
        buf_init(&again, 0);
        answer(copy, len, "t", &out, &good);
        assert_true(buf_len(&out) > 0);
        if (good) {
            accepted++;
            answer((char *)buf_bytes(&out), buf_len(&out), "t", &again, &good);
            assert_true(good);
            assert_string_equal(buf_cstr(&again), buf_cstr(&out));
        }
        buf_clear(&out);
        buf_clear(&again);
        free(copy);
    }
    assert_in_range(accepted, 100, 1900);
    free(text);
    free(path);
}

static void print_keys(void)
{
    for (size_t i = 0; i < conf_keys_count; i++)
        printf("%s\t%s\t%s\t%s\n", conf_keys[i].section, conf_keys[i].key,
               conf_keys[i].default_text,
               conf_keys[i].flags & CONF_GRAPHQLD ? "graphqld"
               : conf_keys[i].flags & CONF_RELOAD ? "reload"
                                                  : "restart");
}

int main(int argc, char **argv)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_golden),
        cmocka_unit_test(test_defaults_are_the_empty_file),
        cmocka_unit_test(test_passwords_are_not_shown),
        cmocka_unit_test(test_values),
        cmocka_unit_test(test_every_key_refuses_nonsense),
        cmocka_unit_test(test_diff),
        cmocka_unit_test(test_unreadable_file),
        cmocka_unit_test(test_nul_and_long_lines),
        cmocka_unit_test(test_errors_are_bounded),
        cmocka_unit_test(test_damaged_files),
    };

    if (argc > 1 && strcmp(argv[1], "--keys") == 0) {
        print_keys();
        return 0;
    }
    return cmocka_run_group_tests(tests, NULL, NULL);
}
