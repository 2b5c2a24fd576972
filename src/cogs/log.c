/* /log: what was decided, by rules or by people, and who changed which setting. Diagnostics: none.
 */
#include <ctype.h>
#include <string.h>
#include <strings.h>

#include "cogs/operations.h"
#include "cogs/pager.h"
#include "cogs/parts.h"
#include "presence/permissions.h"
#include "presence/text.h"

#define REASON_SHOWN 80u
#define RULE_SHOWN   40u

/* The values of enum DecisionKind, in lower case; and another log. */
#define SETTINGS "settings"
static const struct command_choice kinds[] = {
    {"flag", N_("flagged as inactive")},
    {"unflag", N_("not inactive any more")},
    {"warn", N_("warned")},
    {"kick", N_("kicked")},
    {"skip", N_("due, but not done")},
    {"veto", N_("taken out by somebody")},
    {"undo", N_("taken back")},
    {"exempt", N_("exempt, or not any more")},
    {"away", N_("away, or back")},
    {"archive", N_("channel archived")},
    {"restore", N_("roles or channel restored")},
    {SETTINGS, N_("settings changed")},
    {NULL, NULL},
};

static const char *kind_named(const char *name)
{
    const struct command_choice *c = kinds;

    while (c->value && strcasecmp(c->value, name) != 0)
        c++;
    return c->value ? c->name : name;
}

static void decision_row(struct call *call, const struct json *node, struct buf *out)
{
    uint64_t user = json_id(json_get(node, "userId")), actor = json_id(json_get(node, "actorId"));
    uint64_t channel = json_id(json_get(node, "channelId"));
    const char *rule = json_string(json_get(node, "rule"), ""),
               *reason = json_string(json_get(node, "reason"), "");

    say_when(call, say_time_of(json_get(node, "at")), out);
    if (user)
        buf_printf(out, " <@%llu>", (unsigned long long)user);
    if (channel)
        buf_printf(out, " <#%llu>", (unsigned long long)channel);
    buf_printf(out, " · **%s** · ",
               call_words(call, kind_named(json_string(json_get(node, "kind"), ""))));
    if (actor)
        buf_printf(out, _("by <@%llu>"), (unsigned long long)actor);
    else
        buf_puts(out, _("by the rules"));
    if (*rule) {
        buf_puts(out, " · ");
        text_put_foreign(rule, RULE_SHOWN, out);
    }
    if (*reason) {
        buf_puts(out, " · ");
        text_put_foreign(reason, REASON_SHOWN, out);
    }
}

static const struct pager decision_pager = {
    .button = "log",
    .operation = OPERATION_DECISION_LOG,
    .connection = "decisions",
    .title = N_("Decisions"),
    .nothing = N_("Nothing was decided."),
    .row = decision_row,
};

static const struct pager settings_pager = {
    .button = "log_settings",
    .operation = OPERATION_SETTINGS_HISTORY,
    .connection = "settingHistory",
    .title = N_("Changes of settings"),
    .nothing = N_("No setting was changed."),
    .row = settings_revision_row,
};

static void put_kind(const char *kind, struct buf *out)
{
    buf_puts(out, "\"kinds\":[\"");
    for (; *kind; kind++)
        buf_putc(out, (char)toupper((unsigned char)*kind));
    buf_puts(out, "\"]");
}

static void show_log(struct call *call)
{
    const struct command_value *kind = call_arg(call, "kind"), *member = call_arg(call, "member");
    bool settings = !strcmp(kind->text, SETTINGS);
    const char *between = "";
    int64_t since;
    struct buf base, heading;

    if (!say_read_length(call, "since", 0, SAY_HOUR_MS, 3650 * SAY_DAY_MS, &since))
        return;
    buf_init(&base, 0);
    buf_init(&heading, 0);
    say_guild_variable(call, &base);
    buf_puts(&base, ",\"filter\":{");
    if (since) {
        buf_puts(&base, "\"since\":");
        say_time_variable((unixms_t){call->now.ms - since}, &base);
        buf_printf(&heading, _("Since <t:%lld:D>"), (long long)((call->now.ms - since) / 1000));
        between = ",";
    }
    if (member->given) {
        buf_printf(&base, "%s\"%s\":\"%llu\"", between, settings ? "changedBy" : "userId",
                   (unsigned long long)member->id.id);
        between = ",";
    }
    if (kind->given && !settings) {
        buf_puts(&base, between);
        put_kind(kind->text, &base);
    }
    buf_putc(&base, '}');
    pager_begin(call, settings ? &settings_pager : &decision_pager, buf_cstr(&base),
                buf_cstr(&heading));
    buf_clear(&base);
    buf_clear(&heading);
}

void log_press(struct call *call, const char *data)
{
    pager_press(call, &decision_pager, data);
}

void log_settings_press(struct call *call, const char *data)
{
    pager_press(call, &settings_pager, data);
}

static const struct command_option options[] = {
    {.name = "since",
     .description = N_("How far back, such as 7d or 3mo; everything without it"),
     .type = COMMAND_TEXT,
     .min = 1,
     .max = 40},
    {.name = "kind",
     .description = N_("Only decisions of this kind"),
     .type = COMMAND_TEXT,
     .choices = kinds},
    {.name = "member",
     .description = N_("Only decisions about this member, or settings that he changed"),
     .type = COMMAND_USER},
    {.name = NULL},
};
static const struct command_action action[] = {{.options = options, .run = show_log},
                                               {.run = NULL}};
const struct command cog_log = {.kind = COMMAND_SLASH,
                                .name = "log",
                                .description = N_("What Presence decided here, and why"),
                                .permissions = PERMISSION(MANAGE_GUILD),
                                .actions = action};
