/* A guild's settings as GraphQL answers them. Called by cogs. Diagnostics: none. */
#include <stdlib.h>

#include "cogs/parts.h"

bool cog_read_settings(const struct json *guild, struct settings *s)
{
    bool all = true;

    settings_init(s);
    s->version = (int32_t)json_int(json_get(guild, "settingsVersion"), 0);
    for (const struct json *j = json_first(json_get(guild, "settings")); j; j = json_next(j)) {
        char *wrong = settings_put_stored(s, json_string(json_get(j, "key"), ""),
                                          json_string(json_get(j, "value"), ""));

        all &= !wrong;
        free(wrong);
    }
    return all;
}
