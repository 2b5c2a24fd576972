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
                                      "application/json; x=y; charset=utf-16"};

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
