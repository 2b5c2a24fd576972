/* envelope: any key order, guild ids wherever they are, and what is refused. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "presence/event.h"

#define G UINT64_C(1213063181107335175)

static const struct {
    const char *frame;
    int op;
    bool has_seq;
    uint64_t seq;
    const char *t, *d;
    uint64_t guild;
} good[] = {
    {"{\"op\":11}", 11, false, 0, "", "", 0},
    {"{\"t\":null,\"s\":null,\"op\":10,\"d\":{\"heartbeat_interval\":41250}}", 10, false, 0, "",
     "{\"heartbeat_interval\":41250}", 0},
    {"{\"op\":1,\"d\":251}", 1, false, 0, "", "251", 0},
    {"{\"op\":9,\"d\":false,\"s\":null,\"t\":null}", 9, false, 0, "", "false", 0},
    {"{\"s\":0,\"op\":0,\"t\":\"READY\",\"d\":{}}", 0, true, 0, "READY", "{}", 0},
    {"{\"d\":{\"guild_id\":\"1213063181107335175\"},\"t\":\"X\",\"s\":9007199254740991,"
     "\"op\":0}",
     0, true, UINT64_C(9007199254740991), "X", "{\"guild_id\":\"1213063181107335175\"}", G},
    {"{ \"op\" : 0 , \"t\" : \"X\" , \"s\" : 5 , \"d\" : { \"guild_id\" : 1213063181107335175 } "
     "}\n",
     0, true, 5, "X", "{ \"guild_id\" : 1213063181107335175 }", G},
    /* only a key of d itself */
    {"{\"op\":0,\"s\":1,\"t\":\"X\",\"d\":{\"a\":{\"guild_id\":\"5\"},\"b\":[{\"guild_id\":\"6\"}],"
     "\"c\":\"\\\"guild_id\\\":\\\"7\\\"\",\"e\":\"guild_id\"}}",
     0, true, 1, "X", NULL, 0},
    {"{\"op\":0,\"s\":1,\"t\":\"X\",\"guild_id\":\"5\",\"d\":{\"x\":1}}", 0, true, 1, "X",
     "{\"x\":1}", 0},
    {"{\"op\":0,\"s\":1,\"t\":\"X\",\"d\":{\"guild_id\":\"5\",\"guild_id\":\"6\"}}", 0, true, 1,
     "X", NULL, 6},
    {"{\"op\":0,\"s\":1,\"t\":\"X\",\"d\":{\"guild_id\":null}}", 0, true, 1, "X", NULL, 0},
    /* the guild's own id */
    {"{\"op\":0,\"s\":1,\"t\":\"GUILD_CREATE\",\"d\":{\"roles\":[{\"id\":\"5\"}],\"id\":\"9\"}}", 0,
     true, 1, "GUILD_CREATE", NULL, 9},
    {"{\"op\":0,\"s\":1,\"d\":{\"id\":\"9\"},\"t\":\"GUILD_UPDATE\"}", 0, true, 1, "GUILD_UPDATE",
     NULL, 9},
    {"{\"op\":0,\"s\":1,\"t\":\"GUILD_DELETE\",\"d\":{\"id\":\"9\",\"unavailable\":true}}", 0, true,
     1, "GUILD_DELETE", NULL, 9},
    /* the guild of the request that came too early */
    {"{\"op\":0,\"s\":1,\"t\":\"RATE_LIMITED\",\"d\":{\"opcode\":8,\"retry_after\":17.3,\"meta\":{"
     "\"nonce\":\"9\",\"guild_id\":\"1213063181107335175\"}}}",
     0, true, 1, "RATE_LIMITED", NULL, G},
    {"{\"op\":0,\"s\":1,\"t\":\"RATE_LIMITED\",\"d\":{\"opcode\":31,\"meta\":null}}", 0, true, 1,
     "RATE_LIMITED", NULL, 0},
    {"{\"op\":0,\"s\":1,\"t\":\"CHANNEL_CREATE\",\"d\":{\"id\":\"9\"}}", 0, true, 1,
     "CHANNEL_CREATE", NULL, 0},
    {"{\"op\":0,\"s\":1,\"t\":\"X\",\"d\":[\"guild_id\"]}", 0, true, 1, "X", "[\"guild_id\"]", 0},
    {"{}", -1, false, 0, "", "", 0},
    {"{\"op\":0,\"op\":7,\"s\":1,\"s\":null}", 7, false, 1, "", "", 0},
};

static const struct {
    const char *frame, *error;
} bad[] = {
    {"", "frame: expected an object"},
    {"[]", "frame: expected an object"},
    {" {\"op\":0}", "frame: expected an object"},
    {"{\"op\":0", "expected a closing bracket before the end"},
    {"{\"op\":0}x", "frame: expected nothing behind its object"},
    {"{\"op\":0}{}", "frame: expected nothing behind its object"},
    {"{\"op\":-1}", "op: expected a small number"},
    {"{\"op\":4294967296}", "op: expected a small number"},
    {"{\"op\":\"0\"}", "op: expected a small number"},
    {"{\"s\":1.5}", "s: expected a number below 2^53 or null"},
    {"{\"s\":9007199254740992}", "s: expected a number below 2^53 or null"},
    {"{\"s\":18446744073709551615}", "s: expected a number below 2^53 or null"},
    {"{\"s\":\"1\"}", "s: expected a number below 2^53 or null"},
    {"{\"t\":5}", "t: expected a string or null"},
    {"{\"d\":}", "expected a value that is closed before the end"},
    {"{\"d\":{\"a\":\"}}", "expected a value that is closed before the end"},
};

/* At the very end of an allocation: a sanitizer sees one byte read too far. */
static const char *scan_exact(const char *frame, size_t len, struct envelope *env)
{
    char *exact = malloc(len ? len : 1);
    const char *error;

    assert_non_null(exact);
    memcpy(exact, frame, len);
    error = envelope_scan(exact, len, env);
    free(exact);
    return error;
}

static void good_frames(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof(good) / sizeof(good[0]); i++) {
        const char *frame = good[i].frame;
        struct envelope env;

        assert_null(scan_exact(frame, strlen(frame), &env));
        assert_int_equal(env.op, good[i].op);
        assert_int_equal(env.has_seq, good[i].has_seq);
        assert_int_equal(env.seq, good[i].seq);
        assert_int_equal(env.t_len, strlen(good[i].t));
        assert_memory_equal(frame + env.t_off, good[i].t, env.t_len);
        if (good[i].d) {
            assert_int_equal(env.d_len, strlen(good[i].d));
            assert_memory_equal(frame + env.d_off, good[i].d, env.d_len);
        }
        assert_int_equal(env.guild.id, good[i].guild);
        assert_null(env.event_error);
    }
}

static void bad_frames(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
        struct envelope env;
        const char *error = scan_exact(bad[i].frame, strlen(bad[i].frame), &env);

        if (!error || strcmp(error, bad[i].error) != 0)
            fail_msg("%s: got %s", bad[i].frame, error ? error : "no error");
    }
}

/* Whose event it is cannot be read: that costs the event, not the frame. */
static void bad_guilds(void **state)
{
    static const char *const frames[] = {
        "{\"op\":0,\"s\":7,\"t\":\"X\",\"d\":{\"guild_id\":true}}",
        "{\"op\":0,\"s\":7,\"t\":\"X\",\"d\":{\"guild_id\":\"a\"}}",
        "{\"op\":0,\"s\":7,\"t\":\"X\",\"d\":{\"guild_id\":}}",
        "{\"op\":0,\"s\":7,\"t\":\"GUILD_CREATE\",\"d\":{\"id\":[]}}",
    };

    (void)state;
    for (size_t i = 0; i < sizeof(frames) / sizeof(frames[0]); i++) {
        struct envelope env;

        assert_null(scan_exact(frames[i], strlen(frames[i]), &env));
        assert_int_equal(env.seq, 7);
        assert_int_equal(env.guild.id, 0);
        assert_non_null(env.event_error);
        assert_string_equal(env.event_error,
                            "d.guild_id (or the guild's d.id): expected a snowflake");
    }
}

/* Each example frame, whole and cut at every place. */
static void examples(void **state)
{
    FILE *file = fopen(SRCDIR "/tests/data/events.jsonl", "r");
    char *line = NULL;
    size_t cap = 0;

    (void)state;
    assert_non_null(file);
    while (getline(&line, &cap, file) > 0) {
        size_t len = strcspn(line, "\n"), step = len > 4000 ? 7 : 1;
        struct envelope env;

        assert_null(scan_exact(line, len, &env));
        assert_int_equal(env.op, 0);
        assert_true(env.has_seq);
        assert_true(env.t_len > 0);
        assert_int_equal(line[env.d_off], '{');
        assert_int_equal(line[env.d_off + env.d_len - 1], '}');
        if (env.seq != 106 && env.seq != 141) /* a DM; the bot's own user */
            assert_true(env.guild.id == G || env.guild.id == UINT64_C(1224674692300935177));
        for (size_t cut = 0; cut < len; cut += step)
            assert_non_null(scan_exact(line, cut, &env));
    }
    free(line);
    fclose(file);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(good_frames),
        cmocka_unit_test(bad_frames),
        cmocka_unit_test(bad_guilds),
        cmocka_unit_test(examples),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
