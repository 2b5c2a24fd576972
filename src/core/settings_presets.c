/* Presets: values for kinds of servers, to begin with. Called by the commands. Diagnostics: none.
 *
 * How long silence may last goes by how people meet there: a game is played every week, a course
 * has holidays, a large public server is full of readers. */
#include <string.h>

#include "core/settings_priv.h"

/* The order of the choices of SETTING_PRESET. */
enum preset { STANDARD, GAMING, LARGE_PUBLIC, EDUCATION, STRICT, ARCHIVE_ONLY };

/* What differs from the defaults, as it is typed. */
static const struct {
    enum preset preset;
    enum setting setting;
    const char *value;
} values[] = {
    {GAMING, SETTING_TIME_UNTIL_INACTIVE, "14d"},
    {GAMING, SETTING_NEW_MEMBER_GRACE, "7d"},
    {GAMING, SETTING_CHANNEL_IDLE, "30d"},
    {LARGE_PUBLIC, SETTING_TIME_UNTIL_INACTIVE, "60d"},
    {LARGE_PUBLIC, SETTING_NEW_MEMBER_GRACE, "30d"},
    {LARGE_PUBLIC, SETTING_CHANNEL_IDLE, "30d"},
    {LARGE_PUBLIC, SETTING_CHANNEL_MIN_PEOPLE, "5"},
    {EDUCATION, SETTING_TIME_UNTIL_INACTIVE, "120d"},
    {EDUCATION, SETTING_NEW_MEMBER_GRACE, "30d"},
    {EDUCATION, SETTING_AWAY_MAX, "180d"},
    {EDUCATION, SETTING_CHANNEL_IDLE, "180d"},
    {STRICT, SETTING_TIME_UNTIL_INACTIVE, "21d"},
    {STRICT, SETTING_NEW_MEMBER_GRACE, "7d"},
    {STRICT, SETTING_AWAY_MAX, "30d"},
    {STRICT, SETTING_CHANNEL_IDLE, "30d"},
    {ARCHIVE_ONLY, SETTING_MODE, "observe"},
    {ARCHIVE_ONLY, SETTING_CHANNEL_IDLE, "30d"},
};
#define VALUES (sizeof(values) / sizeof(values[0]))

void settings_put_preset(struct settings *s, int64_t preset)
{
    struct setting_value itself = {.number = preset}, v;

    for (size_t i = 0; i < VALUES; i++)
        if (values[i].setting != SETTING_MODE && setting_infos[values[i].setting].works)
            settings_reset(s, values[i].setting);
    for (size_t i = 0; i < VALUES; i++)
        if (values[i].preset == (enum preset)preset && setting_infos[values[i].setting].works &&
            !setting_read_text(values[i].setting, values[i].value, strlen(values[i].value), &v))
            settings_put(s, values[i].setting, &v);
    settings_put(s, SETTING_PRESET, &itself);
}
