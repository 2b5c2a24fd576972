/* activity: the table of kinds is whole, and the same as the schema's enum. */
#include <stdio.h>
#include <string.h>

#include "presence/activity.h"
#include "presence/buf.h"
#include "presence/fd.h"
#include "tests/cmocka_all.h"

#include <stdlib.h>

static void every_kind_has_its_names(void **state)
{
    (void)state;
    for (int kind = 0; kind < ACTIVITY_KINDS; kind++) {
        const struct activity_info *info = &activity_infos[kind];

        assert_non_null(info->name);
        assert_non_null(info->graphql_name);
        assert_int_equal(strlen(info->name), strlen(info->graphql_name));
        for (size_t i = 0; info->name[i]; i++) {
            char c = info->name[i];

            assert_int_equal(c >= 'a' && c <= 'z' ? c - 'a' + 'A' : c, info->graphql_name[i]);
        }
        if (kind != ACTIVITY_NONE)
            assert_int_equal(activity_by_name(info->name), kind);
    }
    assert_int_equal(activity_by_name("none"), ACTIVITY_NONE);
    assert_int_equal(activity_by_name("no_such"), ACTIVITY_NONE);
    assert_int_equal(activity_by_name(""), ACTIVITY_NONE);
}

static void only_typing_does_not_count_by_default(void **state)
{
    (void)state;
    for (int kind = 1; kind < ACTIVITY_KINDS; kind++)
        assert_int_equal(activity_infos[kind].counts_by_default, kind != ACTIVITY_TYPING);
}

/* The numbers are stored: the schema lists the kinds in their order, which pins them. */
static void agrees_with_the_schema(void **state)
{
    char *schema = fd_read_file(TEST_SRCDIR "/graphql/schema.graphql", 1 << 20, NULL);
    char *p;

    (void)state;
    assert_non_null(schema);
    assert_non_null(p = strstr(schema, "enum ActivityKind {"));
    p = strchr(p, '\n') + 1;
    for (int kind = 1; kind < ACTIVITY_KINDS; kind++) {
        char name[64];
        int used = 0;

        while (sscanf(p, " \"%*[^\n]%n", &used) >= 0 && used > 0) { /* a description */
            p += used;
            used = 0;
        }
        assert_int_equal(sscanf(p, " %63[A-Z_]%n", name, &used), 1);
        assert_string_equal(name, activity_infos[kind].graphql_name);
        p += used;
    }
    p += strspn(p, " \n");
    assert_int_equal(*p, '}');
    free(schema);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_kind_has_its_names),
        cmocka_unit_test(only_typing_does_not_count_by_default),
        cmocka_unit_test(agrees_with_the_schema),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
