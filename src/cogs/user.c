/* The cog for everybody: what is known about members. Diagnostics: none. */
#include <string.h>

#include "cogs/judge.h"
#include "cogs/operations.h"
#include "cogs/parts.h"
#include "cogs/say.h"
#include "presence/permissions.h"

#define KINDS_MAX    8u  /* shown in detail */
#define WATCHED_DAYS 800 /* more of the coverage ledger is not asked for */

/* --- /status member ----------------------------------------------------------------------------
 */

/* Whom it is about, and what is known here at this moment. */
struct status {
    snowflake_t user;
    uint64_t permissions; /* 0 = not known */
    bool detail;
    struct call_member now;
};

/* The last act that counts: the later of what the process and the database know. The caller's own
 * command, which the database may have by now, is not meant. */
static unixms_t last_counted(const struct call *call, const struct status *s,
                             const struct json *member, const char **kind_r)
{
    unixms_t stored = say_time_of(json_get(member, "lastCounted"));
    bool this_act = s->user.id == call->interaction->user.id &&
                    stored.ms >= snowflake_time(call->interaction->id).ms;

    if (s->now.last_counted.ms >= stored.ms || (this_act && unixms_known(s->now.last_counted))) {
        *kind_r = say_kind(call, s->now.counted_kind);
        return s->now.last_counted;
    }
    if (this_act) {
        *kind_r = "";
        return UNIXMS_NONE;
    }
    *kind_r = say_kind_of(call, json_get(member, "lastCountedKind"));
    return stored;
}

static void put_last(struct call *call, struct message *m, unixms_t last, const char *kind)
{
    struct buf b;

    buf_init(&b, 0);
    say_when(call, last, &b);
    if (*kind)
        buf_printf(&b, "\n%s", kind);
    message_field(m, _("Last activity"), buf_cstr(&b), true);
    buf_clear(&b);
}

static void put_idle(struct call *call, struct message *m, const struct status *s, unixms_t since,
                     const struct json *member)
{
    double share = json_double(json_get(member, "observedShare"), -1);
    struct buf b;

    buf_init(&b, 0);
    if (snowflake_known(s->now.voice_channel))
        buf_printf(&b, _("is in <#%llu> now"), (unsigned long long)s->now.voice_channel.id);
    else if (unixms_known(since))
        say_length(call, call->now.ms - since.ms, &b);
    else
        buf_puts(&b, _("not known"));
    if (share >= 0 && share < 0.995 && call->now.ms - since.ms > SAY_HOUR_MS)
        buf_printf(&b, _("\nPresence was watching for %d %% of it"), (int)(share * 100));
    message_field(m, _("Idle for"), buf_cstr(&b), true);
    buf_clear(&b);
}

static void put_joined(struct call *call, struct message *m, const struct json *member)
{
    unixms_t joined = say_time_of(json_get(member, "joinedAt"));
    struct buf b;

    if (!unixms_known(joined))
        return;
    buf_init(&b, 0);
    say_when(call, joined, &b);
    message_field(m, _("Joined"), buf_cstr(&b), true);
    buf_clear(&b);
}

static void put_gaps(struct call *call, struct message *m, const struct json *gaps)
{
    int64_t count = json_int(json_get(gaps, "count"), 0);
    struct buf b;

    if (count < 1)
        return;
    buf_init(&b, 0);
    buf_puts(&b, _("typically "));
    say_length(call, (int64_t)json_id(json_get(gaps, "medianMs")), &b);
    buf_puts(&b, _(", on average "));
    say_length(call, (int64_t)json_id(json_get(gaps, "meanMs")), &b);
    buf_puts(&b, _(", at most "));
    say_length(call, (int64_t)json_id(json_get(gaps, "maxMs")), &b);
    message_field(m, _("Time between visits"), buf_cstr(&b), false);
    buf_clear(&b);
}

static void put_kinds(struct call *call, struct message *m, const struct json *list)
{
    unsigned n = 0;
    struct buf b;

    buf_init(&b, 0);
    for (const struct json *j = json_first(list); j && n < KINDS_MAX; j = json_next(j), n++) {
        buf_printf(&b, "%s%s ×%lld, ", n ? "\n" : "", say_kind_of(call, json_get(j, "kind")),
                   (long long)json_id(json_get(j, "count")));
        say_when(call, say_time_of(json_get(j, "lastAt")), &b);
    }
    if (n > 0)
        message_field(m, _("In the last 30 days"), buf_cstr(&b), false);
    buf_clear(&b);
}

static const char *unknown_note(const struct call *call, const struct json *member)
{
    const char *knowledge = json_string(json_get(member, "knowledge"), "UNKNOWN");

    if (!strcmp(knowledge, "NOT_BEFORE"))
        return _("Not seen since joining. That is no proof of absence: only the time in which "
                 "Presence was watching counts.");
    return _("Not seen yet. Presence does not hold against anybody what it could not see.");
}

/* The member's acts as they are known to either, without the caller's own command. */
static struct call_member acts_of(const struct status *s, unixms_t last_counted)
{
    struct call_member acts = s->now;

    acts.last_counted = last_counted;
    acts.last_seen = unixms_max(acts.last_seen, last_counted);
    return acts;
}

static void put_verdict(struct call *call, struct message *m, const struct status *s,
                        const struct json *data, unixms_t last)
{
    const struct call_member acts = acts_of(s, last);
    struct policy_verdict verdict;

    m->colour = MESSAGE_GREY;
    if (!json_is_object(json_get(data, "member")))
        return;
    if (!judge_member(call, data, s->user, &acts, s->permissions, &verdict))
        return;
    m->colour = judge_colour(&verdict);
    judge_put(call, &verdict, m);
}

static void answer_member(struct call *call, const struct json *data)
{
    struct status *s = call->state;
    const struct json *member = json_get(data, "member");
    const char *kind = "";
    unixms_t last, since;
    struct message m;

    if (!data && !s->now.known) {
        say_away(call);
        return;
    }
    last = last_counted(call, s, member, &kind);
    since = unixms_max(last, s->now.present_until);
    message_init(&m);
    buf_printf(&m.body, "<@%llu>", (unsigned long long)s->user.id);
    if (!unixms_known(since))
        buf_printf(&m.body, "\n%s", unknown_note(call, member));
    put_last(call, &m, last, kind);
    put_idle(call, &m, s, since, member);
    put_joined(call, &m, member);
    put_verdict(call, &m, s, data, last);
    if (s->detail) {
        put_gaps(call, &m, json_get(member, "gaps"));
        put_kinds(call, &m, json_get(member, "activity"));
    }
    if (!data)
        buf_puts(&m.footer, _("The database cannot be asked right now: this is what Presence has "
                              "in memory."));
    call_answer(call, &m);
}

/* As Discord shows them with the member; 0 where it does not. */
static uint64_t permissions_of(const struct interaction *i, const struct command_value *who)
{
    struct slice permissions = SLICE_NONE;
    const struct scan_field fields[] = {SCAN_FIELD("permissions", &permissions)};
    uint64_t bits = 0;

    if (!who->given || who->id.id == i->user.id)
        return i->permissions;
    if (scan_is_object(who->member) && !scan_fields(who->member, fields, 1))
        scan_digits(permissions, &bits);
    return bits;
}

static void ask_member(struct call *call, const struct command_value *who, bool detail)
{
    const struct interaction *i = call->interaction;
    struct status *s = xcalloc(1, sizeof(*s));
    struct buf variables;

    s->permissions = permissions_of(i, who);
    s->user = who->given ? who->id : i->user;
    s->detail = detail;
    call->state = s;
    call->host->member(call, s->user, &s->now);
    buf_init(&variables, 0);
    say_guild_variable(call, &variables);
    buf_printf(&variables, ",\"userId\":\"%llu\",\"since\":", (unsigned long long)s->user.id);
    say_time_variable((unixms_t){call->now.ms - 30 * SAY_DAY_MS}, &variables);
    buf_puts(&variables, ",\"watchedSince\":");
    say_time_variable((unixms_t){call->now.ms - WATCHED_DAYS * SAY_DAY_MS}, &variables);
    buf_putc(&variables, '}');
    call_ask(call, OPERATION_STATUS_MEMBER, buf_cstr(&variables), answer_member);
    buf_clear(&variables);
}

static void status_of(struct call *call, const struct command_value *who, bool detail)
{
    const struct interaction *i = call->interaction;
    bool self = !who->given || who->id.id == i->user.id;

    if (who->given && who->is_bot)
        say_plain(call, MESSAGE_GREY, _("Bots are not watched."));
    else if (who->given && !who->is_member)
        say_plain(call, MESSAGE_GREY, _("This user is not a member of this server."));
    else if (detail && !self &&
             !(i->permissions & (PERMISSION(MODERATE_MEMBERS) | PERMISSION(ADMINISTRATOR))))
        say_plain(call, MESSAGE_BAD,
                  _("The details of others are for people with the permission MODERATE_MEMBERS."));
    else
        ask_member(call, who, detail);
}

static void status_member(struct call *call)
{
    call->everybody = call_arg(call, "public")->yes;
    status_of(call, call_arg(call, "member"), call_arg(call, "detail")->yes);
}

static void menu_status(struct call *call)
{
    status_of(call, &call->args->target_user, false);
}

/* --- the table ---------------------------------------------------------------------------------
 */

#define PUBLIC                                                                                     \
    {                                                                                              \
        .name = "public", .description = N_("Show the answer to everybody in this channel"),       \
        .type = COMMAND_BOOL                                                                       \
    }

static const struct command_option status_member_options[] = {
    {.name = "member",
     .description = N_("Whom to look at; without it, yourself"),
     .type = COMMAND_USER},
    {.name = "detail",
     .description = N_("Also habits, and what was done of each kind"),
     .type = COMMAND_BOOL},
    PUBLIC,
    {.name = NULL},
};

static const struct command_option status_guild_options[] = {PUBLIC, {.name = NULL}};
static const struct command_option status_channel_options[] = {
    {.name = "channel",
     .description = N_("Which channel; without it, this one"),
     .type = COMMAND_CHANNEL},
    {.name = NULL},
};

static const struct command_option status_role_options[] = {
    {.name = "role", .description = N_("Which role"), .type = COMMAND_ROLE, .required = true},
    {.name = NULL},
};

static const struct command_action status_actions[] = {
    {.name = "channel",
     .description = N_("How alive a channel is"),
     .options = status_channel_options,
     .run = status_channel},
    {.name = "guild",
     .description = N_("How alive this server is"),
     .options = status_guild_options,
     .run = status_guild},
    {.name = "member",
     .description = N_("When a member was last active, and for how long he has been idle"),
     .options = status_member_options,
     .run = status_member},
    {.name = "role",
     .description = N_("How alive those are who have a role"),
     .permissions = PERMISSION(MODERATE_MEMBERS),
     .options = status_role_options,
     .run = status_role},
    {.run = NULL},
};

const struct command cog_status = {.kind = COMMAND_SLASH,
                                   .name = "status",
                                   .description = N_("Who and what is alive in this server"),
                                   .actions = status_actions};

static const struct command_action menu_status_action[] = {{.run = menu_status}, {.run = NULL}};
const struct command cog_status_menu = {
    .kind = COMMAND_USER_MENU, .name = N_("Activity status"), .actions = menu_status_action};

static const struct command *const commands[] = {&cog_status,  &cog_status_menu, &cog_help,
                                                 &cog_privacy, &cog_away,        &cog_activity};

static const struct cog_button buttons[] = {
    {"away", 0, away_press}, {"forget", 0, privacy_press}, {NULL, 0, NULL}};

COG_EXPORT const struct cog presence_cog = {.version = COG_VERSION,
                                            .name = "user",
                                            .commands = commands,
                                            .n_commands = sizeof(commands) / sizeof(commands[0]),
                                            .buttons = buttons};
