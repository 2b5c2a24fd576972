/* Log lines: levels, formats, control characters, and lines relayed for other processes. */
#include "tests/cmocka_all.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "presence/buf.h"
#include "presence/fd.h"
#include "presence/log.h"

static char path[] = "/tmp/presence-t-log-XXXXXX";

/* What was written since the last call, without the first time stamp. */
static char *written(void)
{
    char *text = fd_read_file(path, 1 << 20, NULL), *rest;

    assert_non_null(text);
    assert_int_equal(truncate(path, 0), 0);
    rest = xstrdup(strlen(text) > 25 ? text + 25 : text);
    free(text);
    return rest;
}

static void assert_written(const char *want)
{
    char *have = written();

    assert_string_equal(have, want);
    free(have);
}

static int set_up(void **state)
{
    int fd = mkstemp(path);

    (void)state;
    close(fd);
    log_init("t");
    return log_set_target(path);
}

static int tear_down(void **state)
{
    (void)state;
    log_set_target("stderr");
    return unlink(path);
}

static void test_levels(void **state)
{
    char *want = xasprintf("t[%d] warn a_thing: 7 of 8\n", (int)getpid());

    (void)state;
    log_set_level(LOG_LEVEL_WARN);
    log_info("unheard", "x");
    log_warn("a_thing", "%d of %d", 7, 8);
    assert_written(want);
    log_set_level(LOG_LEVEL_INFO);
    free(want);
}

static void test_nothing_forges_a_line(void **state)
{
    char *have;

    (void)state;
    log_info("name", "%s", "a\nb\r\033[1m");
    have = written();
    assert_non_null(strstr(have, "info name: a?b??[1m\n"));
    free(have);
}

static void test_relay_keeps_level_and_event(void **state)
{
    (void)state;
    log_relay("presence-worker", 42,
              "2026-08-01T12:00:00.123Z presence-worker[42] error graphql_refused: code: 7");
    assert_written("presence-worker[42] error graphql_refused: code: 7\n");
}

static void test_relay_of_anything_else_is_a_warning(void **state)
{
    static const char *const lines[] = {
        "malloc(): corrupted top size",
        "",
        "2026-08-01T12:00:00.123Z presence-worker[43] error not_his_pid: x",
        "2026-08-01T12:00:00.123Z presence-worker[42] loud event: x",
        "2026-08-01T12:00:00.123Z presence-worker[42] info two words: x",
        "2026-08-01T12:00:00.123Z presence-worker[42] info no_message",
        "2026 presence-worker[42] info short_stamp: x",
    };

    (void)state;
    for (size_t i = 0; i < sizeof lines / sizeof lines[0]; i++) {
        char *want = xasprintf("presence-worker[42] warn stderr: %s\n", lines[i]);

        log_relay("presence-worker", 42, lines[i]);
        assert_written(want);
        free(want);
    }
}

static void test_json(void **state)
{
    char *have;

    (void)state;
    log_set_format(LOG_FORMAT_JSON);
    log_info("name", "a \"quoted\" text");
    have = written();
    assert_non_null(strstr(have,
                           "\"level\":\"info\",\"event\":\"name\",\"message\":\"a \\\"quoted\\\" "
                           "text\"}\n"));
    free(have);
    log_set_format(LOG_FORMAT_TEXT);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_levels),
        cmocka_unit_test(test_nothing_forges_a_line),
        cmocka_unit_test(test_relay_keeps_level_and_event),
        cmocka_unit_test(test_relay_of_anything_else_is_a_warning),
        cmocka_unit_test(test_json),
    };

    return cmocka_run_group_tests(tests, set_up, tear_down);
}
