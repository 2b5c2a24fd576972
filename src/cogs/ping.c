/* /ping and the menu "Nudge": somebody, or everybody, is asked whether he is still there.
 *
 * A member is nudged in the channel that the settings name for it, without one in a direct message,
 * and where he takes none, in the channel of the command. Without a member the text is shown in
 * that channel, or here, notifying nobody unless the settings and the caller's permissions allow
 * it. Diagnostics: none; what Discord refuses is told to the caller. */
#include <string.h>

#include "cogs/operations.h"
#include "cogs/parts.h"
#include "cogs/say.h"
#include "presence/permissions.h"
#include "presence/text.h"

#define NUDGE_MAX 1000u
#define NAME_MAX  100u

/* --- what is said ------------------------------------------------------------------------------
 */

/* Of the menu, or of the option. */
static const struct command_value *member_of(const struct call *call)
{
    const struct command_value *target = &call->args->target_user;

    return target->given ? target : call_arg(call, "member");
}

static void put_text(struct call *call, bool one, struct buf *out)
{
    const char *text = call_arg(call, "text")->text;

    if (*text)
        text_put(text, NUDGE_MAX, out);
    else
        buf_puts(out, one ? _("Are you still with us? A message, a reaction or a visit in voice is "
                              "enough.")
                          : _("Is anybody there? A message, a reaction or a visit in voice is "
                              "enough."));
}

/* In a channel, notifying the member. */
static void compose_for_member(struct call *call, struct message *m)
{
    m->mention = member_of(call)->id;
    buf_printf(&m->content, "<@%llu> ", (unsigned long long)m->mention.id);
    put_text(call, true, &m->content);
}

static void compose_for_all(struct call *call, const struct settings *s, struct message *m)
{
    uint64_t granted = call->interaction->permissions;

    m->mention_everyone = settings_get(s, SETTING_PING_EVERYONE)->on &&
                          granted & (PERMISSION(MENTION_EVERYONE) | PERMISSION(ADMINISTRATOR));
    if (m->mention_everyone)
        buf_puts(&m->content, "@everyone ");
    put_text(call, false, &m->content);
}

/* --- sending -----------------------------------------------------------------------------------
 */

/* A message of the bot's; the nonce makes it one, however often it is sent. */
static void post(struct call *call, snowflake_t channel, const struct message *m,
                 call_responded *cb)
{
    struct call_request request = {
        .method = "POST", .route = "/channels/{}/messages", .ids = {channel}, .has_nonce = true};
    struct buf body;

    buf_init(&body, 0);
    buf_putc(&body, '{');
    message_print(m, true, &body);
    buf_printf(&body, ",\"nonce\":\"%llu\",\"enforce_nonce\":true}",
               (unsigned long long)call->interaction->id.id);
    request.json = buf_cstr(&body);
    call_rest(call, CALL_FAST, &request, cb, NULL);
    buf_clear(&body);
}

static void post_for_member(struct call *call, snowflake_t channel, call_responded *cb)
{
    struct message m;

    message_init(&m);
    m.everybody = true;
    compose_for_member(call, &m);
    post(call, channel, &m, cb);
    message_clear(&m);
}

static void refused(struct call *call, const struct call_response *response)
{
    struct buf text;

    buf_init(&text, 0);
    buf_printf(&text, _("Discord did not take the nudge: %s."), response->name);
    say_plain(call, MESSAGE_BAD, buf_cstr(&text));
    buf_clear(&text);
}

/* Where it was posted is in the answer of Discord. */
static void posted(struct call *call, void *arg, const struct call_response *response)
{
    struct buf text;

    (void)arg;
    if (response->outcome != OUTCOME_OK) {
        refused(call, response);
        return;
    }
    buf_init(&text, 0);
    buf_printf(&text, _("Nudged in <#%llu>."),
               (unsigned long long)json_id(json_get(response->body, "channel_id")));
    say_plain(call, MESSAGE_GOOD, buf_cstr(&text));
    buf_clear(&text);
}

/* --- a direct message --------------------------------------------------------------------------
 */

static void dm_sent(struct call *call, void *arg, const struct call_response *response)
{
    (void)arg;
    if (response->outcome == OUTCOME_OK)
        say_plain(call, MESSAGE_GOOD, _("Nudged by direct message."));
    else if (response->outcome == OUTCOME_CANNOT_DM)
        post_for_member(call, call->interaction->channel, posted);
    else
        refused(call, response);
}

static void dm_opened(struct call *call, void *arg, const struct call_response *response)
{
    snowflake_t channel = {json_id(json_get(response->body, "id"))};
    struct message m;

    (void)arg;
    if (response->outcome != OUTCOME_OK || !snowflake_known(channel)) {
        dm_sent(call, NULL, response);
        return;
    }
    message_init(&m);
    m.everybody = true;
    if (*(const char *)call->state)
        buf_printf(&m.content, "**%s**: ", (const char *)call->state);
    put_text(call, true, &m.content);
    post(call, channel, &m, dm_sent);
    message_clear(&m);
}

static void open_dm(struct call *call, const struct json *guild)
{
    struct call_request request = {.method = "POST", .route = "/users/@me/channels"};
    struct buf text;

    buf_init(&text, 0);
    text_put_foreign(json_string(json_get(guild, "name"), ""), NAME_MAX, &text);
    call->state = xstrdup(buf_cstr(&text));
    buf_reset(&text);
    buf_printf(&text, "{\"recipient_id\":\"%llu\"}", (unsigned long long)member_of(call)->id.id);
    request.json = buf_cstr(&text);
    call_rest(call, CALL_FAST, &request, dm_opened, NULL);
    buf_clear(&text);
}

/* --- by the settings ---------------------------------------------------------------------------
 */

static void nudge_all(struct call *call, const struct settings *s, snowflake_t channel)
{
    struct message m;

    message_init(&m);
    compose_for_all(call, s, &m);
    if (snowflake_known(channel) && channel.id != call->interaction->channel.id) {
        m.everybody = true;
        post(call, channel, &m, posted);
        message_clear(&m);
    } else {
        call_answer(call, &m);
    }
}

static void ruled(struct call *call, const struct json *data)
{
    const struct json *guild = json_get(data, "guild");
    const struct setting_value *place;
    struct settings s;
    snowflake_t channel;

    if (!data) {
        say_away(call);
        return;
    }
    cog_read_settings(guild, &s);
    place = settings_get(&s, SETTING_NUDGE_CHANNEL);
    channel = place->none ? SNOWFLAKE_NONE : place->id;
    if (!member_of(call)->given)
        nudge_all(call, &s, channel);
    else if (snowflake_known(channel))
        post_for_member(call, channel, posted);
    else
        open_dm(call, guild);
    settings_free(&s);
}

static void ping(struct call *call)
{
    const struct command_value *member = member_of(call);
    struct buf variables;

    if (member->given && (member->is_bot || !member->is_member)) {
        say_plain(call, MESSAGE_BAD,
                  member->is_bot ? _("Bots need no nudge.")
                                 : _("This user is not a member of this server."));
        return;
    }
    call->everybody = !member->given;
    buf_init(&variables, 0);
    say_guild_variable(call, &variables);
    buf_putc(&variables, '}');
    call_ask(call, OPERATION_GUILD_RULES, buf_cstr(&variables), ruled);
    buf_clear(&variables);
}

/* --- the table ---------------------------------------------------------------------------------
 */

static const struct command_option ping_options[] = {
    {.name = "member",
     .description = N_("Whom to nudge; without it, the whole channel, unnotified"),
     .type = COMMAND_USER},
    {.name = "text",
     .description = N_("What to say instead of the usual words"),
     .type = COMMAND_TEXT,
     .min = 1,
     .max = NUDGE_MAX},
    {.name = NULL},
};
static const struct command_action ping_action[] = {{.options = ping_options, .run = ping},
                                                    {.run = NULL}};
const struct command cog_ping = {.kind = COMMAND_SLASH,
                                 .name = "ping",
                                 .description = N_("Nudge a member, or this channel"),
                                 .permissions = PERMISSION(KICK_MEMBERS),
                                 .actions = ping_action};

static const struct command_action menu_action[] = {{.run = ping}, {.run = NULL}};
const struct command cog_nudge_menu = {.kind = COMMAND_USER_MENU,
                                       .name = N_("Nudge"),
                                       .permissions = PERMISSION(KICK_MEMBERS),
                                       .actions = menu_action};
