/* /set: a subcommand for each family of settings, made of their table, so that a new row appears by
 * itself. Diagnostics: none. */
#include <stdlib.h>
#include <string.h>

#include "cogs/adjust.h"
#include "cogs/operations.h"
#include "cogs/parts.h"
#include "presence/permissions.h"

#define TEXT_MAX 200
/* Discord's types of the channels that a place may be. */
#define TEXT_CHANNELS ((1u << 0) | (1u << 5))
#define CATEGORIES    (1u << 4)

/* --- the table ---------------------------------------------------------------------------------
 */

#define ROWS_MAX 64u /* settings that can be set by command */

static struct row {
    enum setting setting;
    char name[33];
    struct command_choice choices[COMMAND_CHOICES_MAX + 1];
} rows[ROWS_MAX];
static size_t n_rows;

static struct command_option options[FAMILIES][COMMAND_OPTIONS_MAX + 1];
static struct command_action actions[FAMILIES + 1];
static enum setting_family families[FAMILIES]; /* of the actions */

/* The original's names, where a family is one setting; else its key without the dot. */
static void name_row(struct row *r)
{
    const struct setting_info *info = &setting_infos[r->setting];
    const char *name = info->key;

    if (!strcmp(info->key, setting_family_name(info->family)))
        name = info->type == VALUE_BOOLEAN   ? "enabled"
               : info->type == VALUE_SECONDS ? "days"
               : info->place == PLACE_ROLE   ? "role"
               : info->place != PLACE_NONE   ? "channel"
                                             : info->key;
    for (size_t i = 0; name[i] && i + 1 < sizeof(r->name); i++)
        r->name[i] = name[i] == '.' ? '_' : name[i];
}

static enum command_type type_of(const struct setting_info *info)
{
    if (info->place != PLACE_NONE)
        return info->place == PLACE_ROLE ? COMMAND_ROLE : COMMAND_CHANNEL;
    return info->type == VALUE_BOOLEAN   ? COMMAND_BOOL
           : info->type == VALUE_INTEGER ? COMMAND_INTEGER
                                         : COMMAND_TEXT;
}

static const struct command_choice *choices_of(struct row *r)
{
    const char *const *choices = setting_infos[r->setting].choices;

    for (size_t i = 0; choices && choices[i] && i < COMMAND_CHOICES_MAX; i++)
        r->choices[i] = (struct command_choice){choices[i], choices[i]};
    return choices ? r->choices : NULL;
}

static struct command_option option_of(struct row *r)
{
    const struct setting_info *info = &setting_infos[r->setting];
    struct command_option o = {.name = r->name,
                               .description = info->means,
                               .type = type_of(info),
                               .choices = choices_of(r)};

    if (o.type == COMMAND_INTEGER) {
        o.min = info->least;
        o.max = info->most;
    } else if (o.type == COMMAND_TEXT && !o.choices) {
        o.min = 1;
        o.max = TEXT_MAX;
    } else if (o.type == COMMAND_CHANNEL) {
        o.channels = info->place == PLACE_CATEGORY ? CATEGORIES : TEXT_CHANNELS;
    }
    return o;
}

static size_t fill_options(enum setting_family family)
{
    size_t n = 0;

    for (int i = 0; i < SETTINGS; i++) {
        if (setting_infos[i].family != family || !setting_infos[i].works || n_rows == ROWS_MAX ||
            n == COMMAND_OPTIONS_MAX)
            continue;
        rows[n_rows].setting = (enum setting)i;
        name_row(&rows[n_rows]);
        options[family][n++] = option_of(&rows[n_rows++]);
    }
    if (n == 1)
        options[family][0].required = true;
    return n;
}

static void set(struct call *call);

void set_prepare(void)
{
    size_t n = 0;

    for (int f = 0; f < FAMILIES && n_rows < ROWS_MAX; f++) {
        enum setting_family family = (enum setting_family)f;

        if (fill_options(family) == 0)
            continue;
        families[n] = family;
        actions[n++] = (struct command_action){.name = setting_family_name(family),
                                               .description = setting_family_about(family),
                                               .options = options[family],
                                               .run = set};
    }
}

const struct command cog_set = {.kind = COMMAND_SLASH,
                                .name = "set",
                                .description = N_("Change the rules of this server"),
                                .permissions = PERMISSION(MANAGE_GUILD),
                                .actions = actions};

/* --- what was given ----------------------------------------------------------------------------
 */

static void refuse(struct call *call, const struct row *r)
{
    char *expected = setting_expected(r->setting, call->host->words, call->locale);
    struct buf text;

    buf_init(&text, 0);
    buf_printf(&text, "`%s`: %s.", r->name, expected);
    say_plain(call, MESSAGE_BAD, buf_cstr(&text));
    buf_clear(&text);
    free(expected);
}

/* A role that nobody can be given. */
static bool refuse_role(struct call *call, const struct row *r, const struct command_value *given)
{
    struct slice managed = SLICE_NONE;
    const struct scan_field fields[] = {SCAN_FIELD("managed", &managed)};
    bool bad = given->id.id == call->interaction->guild.id;

    if (!bad && scan_is_object(given->resolved) && !scan_fields(given->resolved, fields, 1))
        scan_bool(managed, &bad);
    if (bad) {
        struct buf text;

        buf_init(&text, 0);
        buf_printf(&text,
                   _("`%s`: expected a role that can be given to members; this one belongs to "
                     "everybody or to an app."),
                   r->name);
        say_plain(call, MESSAGE_BAD, buf_cstr(&text));
        buf_clear(&text);
    }
    return bad;
}

/* Whether there are texts in that language. */
static bool speaks(const struct call *call, const char *locale)
{
    static const char *const probe = N_("The language of the answers");

    return !strncmp(locale, "en", 2) || call->host->words(locale, probe) != probe;
}

static bool refuse_language(struct call *call, const struct setting_value *v)
{
    if (v->none || speaks(call, v->text))
        return false;
    say_plain(call, MESSAGE_BAD, _("Presence does not speak this language yet."));
    return true;
}

static bool all_digits(const char *text)
{
    return *text && !text[strspn(text, "0123456789")];
}

/* The option as somebody would type it; a bare number is of days, as the option's name says. */
static void put_typed(const struct setting_info *info, const struct command_value *given,
                      struct buf *out)
{
    switch (type_of(info)) {
    case COMMAND_ROLE:
    case COMMAND_CHANNEL:
        buf_put_u64(out, given->id.id);
        break;
    case COMMAND_BOOL:
        buf_puts(out, given->yes ? "on" : "off");
        break;
    case COMMAND_INTEGER:
        buf_put_i64(out, given->integer);
        break;
    default:
        buf_puts(out, given->text);
        if (info->type == VALUE_SECONDS && all_digits(given->text))
            buf_putc(out, 'd');
    }
}

/* False: the call was answered. */
static bool put_given(struct call *call, const struct row *r, const struct command_value *given,
                      struct settings *s)
{
    const struct setting_info *info = &setting_infos[r->setting];
    struct setting_value v;
    struct buf typed;
    char *wrong;

    if (info->place == PLACE_ROLE && refuse_role(call, r, given))
        return false;
    buf_init(&typed, 0);
    put_typed(info, given, &typed);
    wrong = setting_read_text(r->setting, buf_cstr(&typed), buf_len(&typed), &v);
    buf_clear(&typed);
    if (wrong) {
        free(wrong);
        refuse(call, r);
        return false;
    }
    if (r->setting == SETTING_LANGUAGE && refuse_language(call, &v))
        return false;
    if (r->setting == SETTING_PRESET)
        settings_put_preset(s, v.number);
    else
        settings_put(s, r->setting, &v);
    return true;
}

static enum setting_family family_of(const struct call *call)
{
    return families[call->args->action - actions];
}

static void show(struct call *call, const struct settings *s)
{
    struct message m;

    message_init(&m);
    settings_put_family(&m, s, family_of(call), true);
    buf_puts(&m.footer, _("Give an option to change it."));
    call_answer(call, &m);
}

static bool wish(struct call *call, const struct json *data, const char *text, struct settings *s)
{
    bool any = false;

    (void)data;
    (void)text;
    for (size_t i = 0; i < n_rows; i++) {
        const struct command_value *given;

        if (setting_infos[rows[i].setting].family != family_of(call))
            continue;
        given = call_arg(call, rows[i].name);
        if (given->given && !put_given(call, &rows[i], given, s))
            return false;
        any |= given->given;
    }
    if (!any)
        show(call, s);
    return any;
}

static void set(struct call *call)
{
    adjust_begin(call, OPERATION_SETTINGS_VIEW, wish, "", family_of(call) == FAMILY_PRESET);
}
