/* Accept and Content-Type. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "graphql/media.h"

static void test_accept(void **state)
{
    static const struct {
        const char *accept;
        enum media media;
        bool stream;
    } rows[] = {
        {NULL, MEDIA_JSON, true},
        {"*/*", MEDIA_JSON, true},
        {"application/*", MEDIA_JSON, false},
        {"application/json", MEDIA_JSON, false},
        {"Application/JSON; charset=UTF-8", MEDIA_JSON, false},
        {"application/graphql-response+json", MEDIA_MODERN, false},
        {"application/graphql-response+json; charset=utf-8, application/json; charset=utf-8",
         MEDIA_MODERN, false},
        {"application/json, application/graphql-response+json", MEDIA_JSON, false},
        {"application/json;q=0.5, application/graphql-response+json;q=0.9", MEDIA_MODERN, false},
        {"application/json;q=0.5,\tapplication/graphql-response+json ; q=0", MEDIA_JSON, false},
        {"text/html, */*;q=0.1", MEDIA_JSON, true},
        {"text/event-stream", MEDIA_STREAM, true},
        {"text/event-stream, application/json", MEDIA_STREAM, true},
        {"application/json, text/event-stream", MEDIA_JSON, true},
        {"text/event-stream;q=0, application/json", MEDIA_JSON, false},
        {"application/json; charset=utf-16", MEDIA_NONE, false},
        {"application/json; charset=\"utf-8\"", MEDIA_JSON, false},
        {"application/jsonx", MEDIA_NONE, false},
        {"image/png", MEDIA_NONE, false},
        {"", MEDIA_NONE, false},
        {",;,;q=,", MEDIA_NONE, false},
        /* the closest range says it, and 0 is a refusal */
        {"application/json;q=0", MEDIA_NONE, false},
        {"application/json;q=0.0, application/*", MEDIA_MODERN, false},
        {"*/*, application/json;q=0", MEDIA_MODERN, true},
        {"*/*, application/*;q=0", MEDIA_STREAM, true},
        {"*/*, text/event-stream;q=0", MEDIA_JSON, false},
        {"*/*;q=0.1, application/graphql-response+json", MEDIA_MODERN, true},
        {"*/*, application/graphql-response+json", MEDIA_MODERN, true},
        {"*/*, application/graphql-response+json;q=0.9", MEDIA_JSON, true},
        {"application/*;q=0.5, application/json;q=0.4", MEDIA_MODERN, false},
        {"text/*, application/json;q=0.9", MEDIA_STREAM, true},
        {"*/*;q=0", MEDIA_NONE, false},
        /* parameters, quoted ones too; what stands behind q is no part of the type */
        {"application/json; x=\"a, application/graphql-response+json\"", MEDIA_JSON, false},
        {"application/json; x=\"a\\\", */*\";q=0.2;ext, text/event-stream;q=0.1", MEDIA_JSON, true},
        {"application/json; x=\"never closed, text/event-stream", MEDIA_JSON, false},
        {"application/json; charset=utf-16, */*;q=0.1", MEDIA_JSON, true},
        {"application/json; charset = utf-8", MEDIA_JSON, false},
        /* qualities that are none: the range is not there */
        {"application/json;q=nan", MEDIA_NONE, false},
        {"application/json;q=1.5, text/event-stream;q=0.001", MEDIA_STREAM, true},
        {"application/json;q=1e3", MEDIA_NONE, false},
        {"application/json;q=0.1234", MEDIA_NONE, false},
        {"application/json;q=-1", MEDIA_NONE, false},
        {"application/json;q=", MEDIA_NONE, false},
        {"application/json;q=1.000", MEDIA_JSON, false},
        {"application/json;q=1.", MEDIA_JSON, false},
    };

    (void)state;
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        bool stream;

        if (media_accepted(rows[i].accept, &stream) != rows[i].media || stream != rows[i].stream)
            fail_msg("Accept: %s", rows[i].accept);
    }
}

static void test_content_type(void **state)
{
    static const char *const good[] = {"application/json", " APPLICATION/JSON ",
                                       "application/json;charset=utf-8",
                                       "application/json; charset=\"UTF-8\"; x=y"};
    static const char *const bad[] = {"",
                                      "text/plain",
                                      "application/jsonx",
                                      "application/json; charset=latin1",
                                      "application",
                                      "application/graphql-response+json",
                                      "application/json; x=y; charset=utf-16",
                                      "application/json, text/plain",
                                      "application/json junk"};

    (void)state;
    assert_false(media_is_json(NULL));
    for (size_t i = 0; i < sizeof(good) / sizeof(good[0]); i++)
        if (!media_is_json(good[i]))
            fail_msg("refused: %s", good[i]);
    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
        if (media_is_json(bad[i]))
            fail_msg("taken: %s", bad[i]);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_accept),
        cmocka_unit_test(test_content_type),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
