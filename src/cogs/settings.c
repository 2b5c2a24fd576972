/* /settings view and /settings history: what rules are in force, and who changed them when. Nothing
 * is changed here. Diagnostics: none. */
#include "presence/settings.h"

#include <stdlib.h>
#include <string.h>

#include "cogs/config.h"
#include "cogs/operations.h"
#include "cogs/pager.h"
#include "cogs/parts.h"
#include "cogs/suggest.h"
#include "presence/permissions.h"
#include "presence/text.h"

#define VALUE_SHOWN 60u

/* --- view --------------------------------------------------------------------------------------
 */

/* FAMILIES if none is called so whose settings can be set. */
static enum setting_family family_named(const char *name)
{
    enum setting_family f = 0;

    while (f < FAMILIES && (strcmp(setting_family_name(f), name) != 0 || !setting_family_works(f)))
        f++;
    return f;
}

/* "key: value", what was changed in bold. */
static void put_setting(const struct settings *s, enum setting which, struct buf *out)
{
    struct buf value;

    buf_init(&value, 0);
    setting_print_text(which, settings_get(s, which), &value);
    buf_printf(out, settings_is_set(s, which) ? "%s: **" : "%s: ", setting_infos[which].key);
    text_put(buf_cstr(&value), VALUE_SHOWN, out);
    buf_puts(out, settings_is_set(s, which) ? "**\n" : "\n");
    buf_clear(&value);
}

/* Of a family named all that can be set; else what is not at its default. */
void settings_put_family(struct message *m, const struct settings *s, enum setting_family family,
                         bool all)
{
    struct buf lines;

    buf_init(&lines, 0);
    for (enum setting which = 0; which < SETTINGS; which++)
        if (setting_infos[which].family == family &&
            ((all && setting_infos[which].works) || settings_is_set(s, which)))
            put_setting(s, which, &lines);
    if (buf_len(&lines))
        message_field(m, setting_family_name(family), buf_cstr(&lines), false);
    buf_clear(&lines);
}

static void viewed(struct call *call, const struct json *data)
{
    const char *section = call_arg(call, "section")->text;
    enum setting_family only = family_named(section);
    const struct json *guild = json_get(data, "guild");
    struct settings s;
    struct message m;

    if (!data) {
        say_away(call);
        return;
    }
    cog_read_settings(guild, &s);
    message_init(&m);
    buf_puts(&m.title, _("Settings of this server"));
    for (enum setting_family f = 0; f < FAMILIES; f++)
        if (only == FAMILIES || only == f)
            settings_put_family(&m, &s, f, only == f);
    if (m.n_fields == 0)
        buf_puts(&m.body, _("Everything is at its default. Name a section to see what that is."));
    buf_printf(&m.footer, _("Version %lld"),
               (long long)json_int(json_get(guild, "settingsVersion"), 0));
    settings_free(&s);
    call_answer(call, &m);
}

static void refuse_section(struct call *call)
{
    const char *comma = "";
    struct buf text;

    buf_init(&text, 0);
    buf_puts(&text, _("`section`: expected one of "));
    for (enum setting_family f = 0; f < FAMILIES; f++) {
        if (setting_family_works(f)) {
            buf_printf(&text, "%s`%s`", comma, setting_family_name(f));
            comma = ", ";
        }
    }
    buf_putc(&text, '.');
    say_plain(call, MESSAGE_BAD, buf_cstr(&text));
    buf_clear(&text);
}

bool settings_read_section(struct call *call, enum setting_family *family_r)
{
    const struct command_value *section = call_arg(call, "section");

    *family_r = section->given ? family_named(section->text) : FAMILIES;
    if (!section->given || *family_r != FAMILIES)
        return true;
    refuse_section(call);
    return false;
}

static void settings_view(struct call *call)
{
    enum setting_family family;
    struct buf variables;

    if (!settings_read_section(call, &family))
        return;
    buf_init(&variables, 0);
    say_guild_variable(call, &variables);
    buf_putc(&variables, '}');
    call_ask(call, OPERATION_SETTINGS_VIEW, buf_cstr(&variables), viewed);
    buf_clear(&variables);
}

/* --- history -----------------------------------------------------------------------------------
 */

/* As people write it; a setting that is not known any more as it is stored. */
static void put_value(struct call *call, const char *key, const struct json *value, struct buf *out)
{
    const char *stored = json_string(value, "");
    enum setting which = setting_by_key(key, strlen(key));
    struct setting_value v = {0};
    char *wrong = NULL;
    struct buf text;

    if (!json_is_string(value)) {
        buf_puts(out, _("default"));
        return;
    }
    buf_init(&text, 0);
    if (which == SETTING_NONE ||
        (wrong = setting_read_json(which, stored, strlen(stored), &v)) != NULL) {
        buf_puts(&text, stored);
    } else {
        setting_print_text(which, &v, &text);
        setting_free(which, &v);
    }
    text_put_foreign(buf_cstr(&text), VALUE_SHOWN, out);
    buf_clear(&text);
    free(wrong);
}

void settings_revision_row(struct call *call, const struct json *node, struct buf *out)
{
    uint64_t by = json_id(json_get(node, "changedBy"));
    const char *key = json_string(json_get(node, "key"), "");

    buf_printf(out, _("version %lld · `%s` "), (long long)json_int(json_get(node, "version"), 0),
               key);
    put_value(call, key, json_get(node, "oldValue"), out);
    buf_puts(out, " → ");
    put_value(call, key, json_get(node, "newValue"), out);
    buf_puts(out, " · ");
    say_when(call, say_time_of(json_get(node, "changedAt")), out);
    if (by)
        buf_printf(out, " · <@%llu>", (unsigned long long)by);
}

static const struct pager history_pager = {
    .button = "history",
    .operation = OPERATION_SETTINGS_HISTORY,
    .connection = "settingHistory",
    .title = N_("Changes of settings"),
    .nothing = N_("No setting was ever changed."),
    .row = settings_revision_row,
};

static void settings_history(struct call *call)
{
    struct buf base;

    buf_init(&base, 0);
    say_guild_variable(call, &base);
    pager_begin(call, &history_pager, buf_cstr(&base), "");
    buf_clear(&base);
}

void settings_press(struct call *call, const char *data)
{
    pager_press(call, &history_pager, data);
}

/* --- the table ---------------------------------------------------------------------------------
 */

static void section_complete(struct call *call)
{
    struct suggest s;

    suggest_begin(&s, call);
    for (enum setting_family f = 0; f < FAMILIES; f++)
        if (setting_family_works(f))
            suggest_add(&s, setting_family_name(f), call_words(call, setting_family_about(f)));
    suggest_end(&s);
}

static const struct command_option view_options[] = {
    {.name = "section",
     .complete = true,
     .description = N_("All of one section, such as voice; without it, what was changed"),
     .type = COMMAND_TEXT,
     .min = 1,
     .max = 32},
    {.name = NULL},
};
static const struct command_option revert_options[] = {
    {.name = "version",
     .description = N_("Which; /settings history tells when it was"),
     .type = COMMAND_INTEGER,
     .required = true,
     .min = 0,
     .max = INT32_MAX},
    {.name = NULL},
};
static const struct command_option import_options[] = {
    {.name = "file",
     .description = N_("One that /settings export made"),
     .type = COMMAND_ATTACHMENT,
     .required = true},
    {.name = NULL},
};
static const struct command_option reset_options[] = {
    {.name = "section",
     .complete = true,
     .description = N_("Only this one, such as voice; without it, all"),
     .type = COMMAND_TEXT,
     .min = 1,
     .max = 32},
    {.name = NULL},
};
static const struct command_action settings_actions[] = {
    {.name = "view",
     .description = N_("What rules are in force"),
     .options = view_options,
     .run = settings_view,
     .complete = section_complete},
    {.name = "history",
     .description = N_("Who changed which setting, and when"),
     .permissions = PERMISSION(ADMINISTRATOR),
     .run = settings_history},
    {.name = "revert",
     .description = N_("Back to how the settings were at a version"),
     .permissions = PERMISSION(ADMINISTRATOR),
     .options = revert_options,
     .run = config_revert},
    {.name = "export",
     .description = N_("What is set, as a file"),
     .permissions = PERMISSION(ADMINISTRATOR),
     .run = config_export},
    {.name = "import",
     .description = N_("All settings as a file has them; what is not in it is at its default"),
     .permissions = PERMISSION(ADMINISTRATOR),
     .options = import_options,
     .run = config_import},
    {.name = "reset",
     .description = N_("Back to the defaults, all or of one section"),
     .permissions = PERMISSION(ADMINISTRATOR),
     .options = reset_options,
     .run = config_reset,
     .complete = section_complete},
    {.run = NULL},
};
const struct command cog_settings = {.kind = COMMAND_SLASH,
                                     .name = "settings",
                                     .description = N_("The rules of this server"),
                                     .permissions = PERMISSION(MANAGE_GUILD),
                                     .actions = settings_actions};
