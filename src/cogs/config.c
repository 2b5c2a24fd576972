/* /settings revert, reset, export and import: the rules of a server as one thing. Called through
 * the table in settings.c. Diagnostics: none. */
#include "cogs/config.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cogs/adjust.h"
#include "cogs/operations.h"
#include "cogs/parts.h"
#include "presence/text.h"

#define FAULTS_SHOWN 3500u

/* --- revert ------------------------------------------------------------------------------------
 */

static bool refuse_version(struct call *call, long long least, int most)
{
    struct buf text;

    buf_init(&text, 0);
    buf_printf(&text,
               _("`version`: expected one from %lld to %d: what was before is not known any more."),
               least, most);
    say_plain(call, MESSAGE_BAD, buf_cstr(&text));
    buf_clear(&text);
    return false;
}

/* The earliest version that the history leads back to: rows of a version lead to the one before it.
 * A version without rows is a reset of the whole server, which nothing leads behind; and of the
 * last rows, where there are more, some may be missing. */
static int64_t earliest(const struct json *history, int version)
{
    bool cut = json_bool(json_get(json_get(history, "pageInfo"), "hasNextPage"), false);
    int64_t least = version;

    for (const struct json *j = json_first(json_get(history, "nodes")); j; j = json_next(j)) {
        int64_t v = json_int(json_get(j, "version"), 0);

        if (v < least)
            return least;
        least = v - 1;
    }
    return least + cut;
}

static bool take_back(struct settings *s, const struct json *change)
{
    const struct json *old = json_get(change, "oldValue");
    const char *key = json_string(json_get(change, "key"), "");
    enum setting which = setting_by_key(key, strlen(key));
    char *wrong;

    if (which == SETTING_NONE)
        return false;
    if (!json_is_string(old)) {
        settings_reset(s, which);
        return true;
    }
    wrong = settings_put_stored(s, key, json_string(old, ""));
    free(wrong);
    return !wrong;
}

static bool revert(struct call *call, const struct json *data, const char *text, struct settings *s)
{
    const struct json *history = json_get(data, "settingHistory");
    int64_t version = strtoll(text, NULL, 10), least = earliest(history, s->version);

    if (version < least || version > s->version)
        return refuse_version(call, least, s->version);
    for (const struct json *j = json_first(json_get(history, "nodes")); j; j = json_next(j)) {
        if (json_int(json_get(j, "version"), 0) <= version)
            break;
        if (!take_back(s, j)) {
            adjust_refuse_strange(call);
            return false;
        }
    }
    return true;
}

void config_revert(struct call *call)
{
    char version[24];

    snprintf(version, sizeof(version), "%lld", (long long)call_arg(call, "version")->integer);
    adjust_begin(call, OPERATION_SETTINGS_REVERT, revert, version, true);
}

/* --- reset -------------------------------------------------------------------------------------
 */

static bool reset(struct call *call, const struct json *data, const char *text, struct settings *s)
{
    int family = atoi(text);

    (void)call;
    (void)data;
    for (int i = 0; i < SETTINGS; i++)
        if (family == FAMILIES || (int)setting_infos[i].family == family)
            settings_reset(s, (enum setting)i);
    return true;
}

void config_reset(struct call *call)
{
    enum setting_family family;
    char text[12];

    if (!settings_read_section(call, &family))
        return;
    snprintf(text, sizeof(text), "%d", (int)family);
    adjust_begin(call, OPERATION_SETTINGS_VIEW, reset, text, true);
}

/* --- export ------------------------------------------------------------------------------------
 */

static void exported(struct call *call, const struct json *data)
{
    struct settings s;
    struct message m;
    struct buf file;

    if (!data) {
        say_away(call);
        return;
    }
    if (!cog_read_settings(json_get(data, "guild"), &s)) {
        settings_free(&s);
        adjust_refuse_strange(call);
        return;
    }
    buf_init(&file, 0);
    settings_export(&s, &file);
    message_init(&m);
    buf_puts(&m.body, _("What is set on this server; all else is at its default. Change it if you "
                        "like and give it back with `/settings import`."));
    buf_printf(&m.footer, _("Version %lld"), (long long)s.version);
    message_file(&m, "presence-settings.json", "application/json", &file);
    settings_free(&s);
    call_answer(call, &m);
}

void config_export(struct call *call)
{
    struct buf variables;

    buf_init(&variables, 0);
    say_guild_variable(call, &variables);
    buf_putc(&variables, '}');
    call_ask(call, OPERATION_SETTINGS_VIEW, buf_cstr(&variables), exported);
    buf_clear(&variables);
}

/* --- import ------------------------------------------------------------------------------------
 */

static void refuse_file(struct call *call, const char *faults)
{
    struct buf text;

    buf_init(&text, 0);
    buf_puts(&text, _("Nothing was changed: this file cannot be imported."));
    buf_putc(&text, '\n');
    text_put(faults, FAULTS_SHOWN, &text);
    say_plain(call, MESSAGE_BAD, buf_cstr(&text));
    buf_clear(&text);
}

/* What cannot be set by command must not come in by a file: nobody would remember it by the time
 * it has an effect. */
static bool all_work(struct call *call, const struct settings *before, const struct settings *after)
{
    struct buf faults;
    bool good;

    buf_init(&faults, 0);
    for (int i = 0; i < SETTINGS; i++)
        if (!setting_infos[i].works && settings_is_set(after, (enum setting)i) &&
            !setting_equal((enum setting)i, settings_get(before, (enum setting)i),
                           settings_get(after, (enum setting)i)))
            buf_printf(&faults, _("settings.%s: this version of Presence does not do that yet\n"),
                       setting_infos[i].key);
    good = buf_len(&faults) == 0;
    if (!good)
        refuse_file(call, buf_cstr(&faults));
    buf_clear(&faults);
    return good;
}

/* text: a file that was found to be good. */
static bool import(struct call *call, const struct json *data, const char *text, struct settings *s)
{
    struct settings wanted;
    struct buf faults;
    bool good;

    (void)data;
    buf_init(&faults, 0);
    good = settings_import(text, strlen(text), NULL, NULL, &wanted, &faults) == 0;
    buf_clear(&faults);
    if (!good)
        return false;
    good = all_work(call, s, &wanted);
    wanted.version = s->version;
    if (!good) {
        settings_free(&wanted);
        return false;
    }
    settings_free(s);
    *s = wanted;
    return true;
}

static void fetched(struct call *call, const char *bytes, size_t len)
{
    struct settings s;
    struct buf text;

    if (!bytes) {
        say_plain(call, MESSAGE_BAD, _("Discord did not hand out the file. Try it again."));
        return;
    }
    buf_init(&text, 0);
    if (settings_import(bytes, len, call->host->words, call->locale, &s, &text) == 0) {
        settings_export(&s, &text);
        settings_free(&s);
        adjust_begin(call, OPERATION_SETTINGS_VIEW, import, buf_cstr(&text), true);
    } else {
        refuse_file(call, buf_cstr(&text));
    }
    buf_clear(&text);
}

void config_import(struct call *call)
{
    const struct command_value *file = call_arg(call, "file");
    struct slice url = SLICE_NONE, size = SLICE_NONE;
    const struct scan_field fields[] = {SCAN_FIELD("url", &url), SCAN_FIELD("size", &size)};
    char text[1024];
    uint64_t bytes = 0;
    size_t len;

    if (!scan_is_object(file->resolved) || scan_fields(file->resolved, fields, 2) ||
        (len = scan_string(url, text, sizeof(text) - 1)) == 0 || !scan_u64(size, &bytes)) {
        say_plain(call, MESSAGE_BAD, _("`file`: expected a file."));
        return;
    }
    text[len] = '\0';
    if (bytes > CONFIG_FILE_MAX)
        say_plain(call, MESSAGE_BAD, _("`file`: expected one of at most 64 kB."));
    else if (!call_fetch(call, text, CONFIG_FILE_MAX, fetched))
        say_plain(call, MESSAGE_BAD, _("`file`: expected one that was uploaded to Discord."));
}
