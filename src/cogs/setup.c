/* The cog "setup": /setup, which asks for what a server needs to begin with, in one message that
 * changes with each answer. Diagnostics: none.
 *
 * What was chosen so far is kept by the host, one text per answer:
 *   version of the settings, id of the request, length of the first file
 *   the settings as they were, and as they are to be, as files
 * Nothing is changed before the end; then all of it is one change like any other (adjust.h). */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cogs/adjust.h"
#include "cogs/operations.h"
#include "cogs/parts.h"
#include "presence/permissions.h"

#define OBSERVED_MS   (14 * SAY_DAY_MS) /* after the bot joined, unless mode is set */
#define TEXT_CHANNELS ((1u << 0) | (1u << 5))
#define BUTTON        "setup"
#define DAYS_MAX      40u
#define DATA_SIZE     (CALL_KEPT_SIZE + 2)

/* What a button is for: the first character of its data. */
enum step {
    STEP_PRESET = 'p',
    STEP_ROLE = 'r',
    STEP_CHANNEL = 'c',
    STEP_DAYS = 'd',  /* shows the form */
    STEP_GIVEN = 'g', /* the form was sent */
    STEP_FINISH = 'f',
    STEP_CANCEL = 'x'
};

struct wizard {
    snowflake_t request;
    struct settings before, after;
};

static void wizard_clear(struct wizard *z)
{
    settings_free(&z->before);
    settings_free(&z->after);
}

/* --- what is kept ------------------------------------------------------------------------------
 */

static void keep(struct call *call, const struct wizard *z, char name[CALL_KEPT_SIZE])
{
    struct buf before, text;

    buf_init(&before, 0);
    buf_init(&text, 0);
    settings_export(&z->before, &before);
    buf_printf(&text, "%d %llu %zu\n%s", (int)z->before.version, (unsigned long long)z->request.id,
               buf_len(&before), buf_cstr(&before));
    settings_export(&z->after, &text);
    call->host->keep(call, buf_cstr(&text), name);
    buf_clear(&before);
    buf_clear(&text);
}

static bool read_file(const char *text, size_t len, struct settings *s)
{
    struct buf faults;
    bool good;

    buf_init(&faults, 0);
    good = settings_import(text, len, NULL, NULL, s, &faults) == 0;
    buf_clear(&faults);
    return good;
}

/* False: it was forgotten. */
static bool kept(struct call *call, const char *name, struct wizard *z)
{
    const char *text = call->host->kept(call, name), *files;
    char *at;
    size_t len;

    if (!text)
        return false;
    settings_init(&z->before);
    strtol(text, &at, 10);
    z->request.id = strtoull(at, &at, 10);
    len = strtoul(at, &at, 10);
    files = at + 1;
    if (!read_file(files, len, &z->before))
        return false;
    if (read_file(files + len, strlen(files + len), &z->after))
        return true;
    settings_free(&z->before);
    return false;
}

/* --- the message -------------------------------------------------------------------------------
 */

/* What a preset is for, in the order of the choices. */
static const struct {
    const char *label, *about;
} presets[] = {
    {N_("Standard"), N_("Inactive after 30 days")},
    {N_("Gaming"), N_("A group that plays every week: inactive after 14 days")},
    {N_("Large and public"), N_("Many who only read: inactive after 60 days")},
    {N_("Education"), N_("Courses with holidays: inactive after 120 days")},
    {N_("Strict"), N_("Whoever stays takes part: inactive after 21 days")},
    {N_("Only channels"), N_("Members are left alone; quiet channels are found")},
};
#define PRESETS (sizeof(presets) / sizeof(presets[0]))

static void put_presets(struct call *call, const struct wizard *z, const char *data,
                        struct message *m)
{
    int64_t chosen = settings_get(&z->after, SETTING_PRESET)->number;
    struct message_choice choices[PRESETS];

    for (size_t i = 0; i < PRESETS; i++)
        choices[i] = (struct message_choice){
            setting_infos[SETTING_PRESET].choices[i], call_words(call, presets[i].label),
            call_words(call, presets[i].about), (int64_t)i == chosen};
    call_select(call, m, _("What kind of server is this?"), BUTTON, data, choices, PRESETS);
}

static void put_value(struct call *call, const char *name, enum setting which,
                      const struct settings *s, struct message *m)
{
    const struct setting_value *v = settings_get(s, which);
    struct buf text;

    buf_init(&text, 0);
    if (v->none)
        buf_puts(&text, _("none yet"));
    else
        adjust_put_value(which, v, &text);
    message_field(m, name, buf_cstr(&text), true);
    buf_clear(&text);
}

static void put_values(struct call *call, const struct settings *s, struct message *m)
{
    put_value(call, _("Inactive after"), SETTING_TIME_UNTIL_INACTIVE, s, m);
    put_value(call, _("New members are left alone for"), SETTING_NEW_MEMBER_GRACE, s, m);
    put_value(call, _("Role of inactive members"), SETTING_INACTIVE_ROLE, s, m);
    put_value(call, _("Channel of the log"), SETTING_LOG_CHANNEL, s, m);
    if (!settings_is_set(s, SETTING_MODE))
        message_field(m, _("Mode"), _("observes until 14 days after Presence joined, acts then"),
                      false);
    else
        put_value(call, _("Mode"), SETTING_MODE, s, m);
}

static const char *data_of(enum step step, const char *name, char data[DATA_SIZE])
{
    snprintf(data, DATA_SIZE, "%c%s", (int)step, name);
    return data;
}

/* wrong: what could not be taken of the last answer; "" = nothing. */
static void show(struct call *call, const struct wizard *z, const char *wrong)
{
    const struct setting_value *role = settings_get(&z->after, SETTING_INACTIVE_ROLE);
    const struct setting_value *channel = settings_get(&z->after, SETTING_LOG_CHANNEL);
    char name[CALL_KEPT_SIZE], data[DATA_SIZE];
    struct message m;

    keep(call, z, name);
    message_init(&m);
    buf_puts(&m.title, _("Setting up Presence"));
    if (*wrong) {
        m.colour = MESSAGE_BAD;
        buf_printf(&m.body, "%s\n", wrong);
    }
    buf_puts(&m.body, _("Choose what fits. Nothing is changed before you finish, and everything "
                        "can be changed later with `/set`."));
    put_values(call, &z->after, &m);
    put_presets(call, z, data_of(STEP_PRESET, name, data), &m);
    call_pick(call, &m, MESSAGE_PICK_ROLE, _("The role of inactive members"), BUTTON,
              data_of(STEP_ROLE, name, data), role->none ? SNOWFLAKE_NONE : role->id, 0);
    call_pick(call, &m, MESSAGE_PICK_CHANNEL, _("The channel for what Presence did"), BUTTON,
              data_of(STEP_CHANNEL, name, data), channel->none ? SNOWFLAKE_NONE : channel->id,
              TEXT_CHANNELS);
    call_button(call, &m, MESSAGE_SECONDARY, _("Inactive after…"), BUTTON,
                data_of(STEP_DAYS, name, data));
    call_button(call, &m, MESSAGE_SUCCESS, _("Finish"), BUTTON, data_of(STEP_FINISH, name, data));
    call_button(call, &m, MESSAGE_SECONDARY, _("Cancel"), BUTTON, data_of(STEP_CANCEL, name, data));
    call_answer(call, &m);
}

/* --- the beginning -----------------------------------------------------------------------------
 */

/* Whoever sets a server up looks first: it only observes, unless somebody has decided that already.
 */
static void observe_first(struct call *call, const struct json *guild, struct settings *s)
{
    unixms_t joined = say_time_of(json_get(guild, "botJoinedAt"));
    struct setting_value observe = {.number = MODE_OBSERVE};

    if (!settings_is_set(s, SETTING_MODE) &&
        (!unixms_known(joined) || call->now.ms - joined.ms > OBSERVED_MS))
        settings_put(s, SETTING_MODE, &observe);
}

static void begun(struct call *call, const struct json *data)
{
    const struct json *guild = json_get(data, "guild");
    struct wizard z = {.request = call->interaction->id};

    if (!data) {
        say_away(call);
        return;
    }
    if (!cog_read_settings(guild, &z.before)) {
        settings_free(&z.before);
        adjust_refuse_strange(call);
        return;
    }
    settings_copy(&z.after, &z.before);
    observe_first(call, guild, &z.after);
    show(call, &z, "");
    wizard_clear(&z);
}

static void setup(struct call *call)
{
    struct buf variables;

    buf_init(&variables, 0);
    say_guild_variable(call, &variables);
    buf_putc(&variables, '}');
    call_ask(call, OPERATION_SETTINGS_VIEW, buf_cstr(&variables), begun);
    buf_clear(&variables);
}

/* --- answers -----------------------------------------------------------------------------------
 */

/* Whether a role is one that nobody can be given: everybody's, or an app's. */
static bool is_taken(const struct call *call, const char *role)
{
    const struct slice data = call->interaction->data;
    struct json *j = json_parse_exact(data.p, data.len, NULL);
    const struct json *roles = json_get(json_get(j, "resolved"), "roles");
    bool taken = json_bool(json_get(json_get(roles, role), "managed"), false) ||
                 strtoull(role, NULL, 10) == call->interaction->guild.id;

    json_free(&j);
    return taken;
}

/* Takes the pick, or none. False: it is no id. */
static bool put_picked(const struct call *call, enum setting which, struct settings *s, char id[24])
{
    struct setting_value v;
    char *wrong;

    if (!call_input(call, "", id, 24)) {
        settings_reset(s, which);
        return true;
    }
    wrong = setting_read_text(which, id, strlen(id), &v);
    free(wrong);
    if (!wrong)
        settings_put(s, which, &v);
    return !wrong;
}

static const char *take_role(struct call *call, struct wizard *z)
{
    char id[24];

    if ((call_input(call, "", id, sizeof(id)) && is_taken(call, id)) ||
        !put_picked(call, SETTING_INACTIVE_ROLE, &z->after, id))
        return _("This role cannot be given to members: choose another one.");
    return "";
}

static const char *take_preset(struct call *call, struct wizard *z)
{
    struct setting_value v;
    char text[SETTING_TEXT_SIZE];
    char *wrong;

    call_input(call, "", text, sizeof(text));
    wrong = setting_read_text(SETTING_PRESET, text, strlen(text), &v);
    free(wrong);
    if (wrong)
        return _("There is no such choice.");
    settings_put_preset(&z->after, v.number);
    return "";
}

static void take_days(struct call *call, struct wizard *z)
{
    struct setting_value v;
    char text[DAYS_MAX + 2];
    size_t len;
    char *wrong, *expected;

    call_input(call, "days", text, DAYS_MAX + 1);
    len = strlen(text);
    if (len && !text[strspn(text, "0123456789")])
        text[len++] = 'd';
    wrong = setting_read_text(SETTING_TIME_UNTIL_INACTIVE, text, len, &v);
    if (wrong) {
        free(wrong);
        expected = setting_expected(SETTING_TIME_UNTIL_INACTIVE, call->host->words, call->locale);
        show(call, z, expected);
        free(expected);
        return;
    }
    settings_put(&z->after, SETTING_TIME_UNTIL_INACTIVE, &v);
    show(call, z, "");
}

static void ask_days(struct call *call, const struct wizard *z, const char *name)
{
    struct buf now;
    char data[DATA_SIZE];
    struct message_line line = {.name = "days",
                                .label = _("Inactive after how much silence?"),
                                .about = _("Such as 30d, 6w or 3mo; a number alone is days"),
                                .least = 1,
                                .most = DAYS_MAX};

    buf_init(&now, 0);
    setting_print_text(SETTING_TIME_UNTIL_INACTIVE,
                       settings_get(&z->after, SETTING_TIME_UNTIL_INACTIVE), &now);
    line.value = buf_cstr(&now);
    call_modal(call, _("Setting up Presence"), BUTTON, data_of(STEP_GIVEN, name, data), &line, 1);
    buf_clear(&now);
}

static void take(struct call *call, enum step step, struct wizard *z, const char *name)
{
    char id[24];

    switch (step) {
    case STEP_PRESET:
        show(call, z, take_preset(call, z));
        break;
    case STEP_ROLE:
        show(call, z, take_role(call, z));
        break;
    case STEP_CHANNEL:
        show(call, z,
             put_picked(call, SETTING_LOG_CHANNEL, &z->after, id) ? ""
                                                                  : _("There is no such choice."));
        break;
    case STEP_DAYS:
        ask_days(call, z, name);
        break;
    case STEP_GIVEN:
        take_days(call, z);
        break;
    case STEP_FINISH:
        adjust_propose(call, &z->before, &z->after, z->request, false);
        break;
    case STEP_CANCEL:
        say_plain(call, MESSAGE_GREY, _("Nothing was changed."));
        break;
    }
}

static void press(struct call *call, const char *data)
{
    struct wizard z;

    call->update = true;
    if (!*data || !kept(call, data + 1, &z)) {
        say_plain(call, MESSAGE_GREY, _("This is too old. Run the command again."));
        return;
    }
    take(call, (enum step)data[0], &z, data + 1);
    wizard_clear(&z);
}

/* --- the table ---------------------------------------------------------------------------------
 */

static const struct command_action actions[] = {{.run = setup}, {.run = NULL}};
static const struct command command_setup = {
    .kind = COMMAND_SLASH,
    .name = "setup",
    .description = N_("Set Presence up for this server, step by step"),
    .permissions = PERMISSION(ADMINISTRATOR),
    .actions = actions};
static const struct command *const commands[] = {&command_setup};
static const struct cog_button buttons[] = {{BUTTON, PERMISSION(ADMINISTRATOR), press},
                                            {NULL, 0, NULL}};

COG_EXPORT const struct cog presence_cog = {
    .version = COG_VERSION,
    .name = "setup",
    .commands = commands,
    .n_commands = sizeof(commands) / sizeof(commands[0]),
    .buttons = buttons,
};
